"""What must hold of recurrences: of one step, of sequences, of layers on layers."""

from attnspec.properties.recurrent import cells, sequences, stacked

__all__ = ["cells", "sequences", "stacked"]
