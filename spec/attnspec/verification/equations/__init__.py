"""Verdicts on implementations of equations: within the noise of each equation."""
