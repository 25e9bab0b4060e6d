"""What rounding does to an equation: precision policies, propagation, simulated runs."""
