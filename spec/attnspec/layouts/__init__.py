"""How software keeps the weights of equations: a module for each family; `pack` and `unpack` convert them."""

from attnspec.layouts.packing import pack as pack
from attnspec.layouts.packing import unpack as unpack

__all__ = ["pack", "unpack"]
