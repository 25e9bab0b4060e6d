"""Gradients of an equation, derived by reverse mode on its syntax tree; the result is an equation again."""
