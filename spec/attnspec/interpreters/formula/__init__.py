"""Formulas, from the syntax tree."""
