"""Rounding noise of an equation: precision policies, propagation of variances, simulated runs."""
