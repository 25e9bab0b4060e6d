"""Equations that attnspec does not have, written by its public words alone."""
