"""The properties of an equation, checked on a candidate within rounding."""
