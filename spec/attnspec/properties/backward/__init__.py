"""What must hold of gradients: of kernels, and through time."""

from attnspec.properties.backward import kernels, through_time

__all__ = ["kernels", "through_time"]
