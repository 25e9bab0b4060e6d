"""Interpreters of an equation's syntax tree: value, rounding noise, formula, mutants, cost."""
