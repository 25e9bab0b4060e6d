"""Test vectors: cases with inputs, values and bounds in files, for kernels in any language."""
