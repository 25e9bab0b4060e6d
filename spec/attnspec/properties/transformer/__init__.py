"""What must hold of the Transformer: of its layers as the paper has them, and of those that trained models have."""

from attnspec.properties.transformer import layers, trained

__all__ = ["layers", "trained"]
