"""Evaluation of an equation in an Array API namespace."""
