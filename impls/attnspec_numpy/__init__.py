"""The families in NumPy, written to be fast on a CPU; float16 is computed in float32 and rounded once."""
