"""Which function a candidate computes, by ball arithmetic, whatever its rounding."""
