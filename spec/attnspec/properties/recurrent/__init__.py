"""What must hold of recurrences: of a step, of sequences, padded, from either end, of layers on layers."""

from attnspec.properties.recurrent import bidirectional, cells, conventions, padded, sequences, stacked

__all__ = ["bidirectional", "cells", "conventions", "padded", "sequences", "stacked"]
