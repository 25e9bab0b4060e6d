"""Evaluation of an equation in ball arithmetic: each value with a radius that contains the exact one."""
