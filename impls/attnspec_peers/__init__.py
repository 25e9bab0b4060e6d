"""Other people's software as candidates: PyTorch's modules, onnxruntime's operators, JAX's functions.

Each adapter is bound to the equation that the software really computes, not to the one that its name suggests.
The packages themselves are imported inside the adapters, so that one of them may be missing.
"""
