"""Evaluation in balls of what a candidate computes: NumPy code, PyTorch's operations, jaxprs."""
