"""Equal rewritings, beside each family: right, with a rounding of their own."""
