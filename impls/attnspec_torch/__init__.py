"""The families in PyTorch: differentiable, on the device and in the dtype of their inputs."""
