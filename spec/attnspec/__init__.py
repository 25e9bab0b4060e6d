"""The reference specification of the road from the RNN to the Transformer; see the README."""
from attnspec.implementation import implements

__all__ = ["implements"]
