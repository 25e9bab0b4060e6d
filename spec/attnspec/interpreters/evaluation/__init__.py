"""The value of an equation."""
