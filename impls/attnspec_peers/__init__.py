"""Other people's software as candidates, bound to the equation that it really computes, not to what its name suggests.

PyTorch, ONNX Runtime and JAX are in the file of their family; these peers `make verify` judges. The others are in files
by library: `torch_modules`, `onnx_reference`, `keras_*`, `flax_modules`, `optax_updates`, `transformers_*`,
`scientific`, `costs`.
The packages themselves are imported inside the adapters, so that one of them may be missing: it is then reported as not
run.
"""
