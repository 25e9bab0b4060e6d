"""Equal rewritings of the Transformer's layers, each with a rounding of its own."""

from attnspec import rewrite
from attnspec.equations.transformer import layer_norm

# One pass over x.
rewrite(
    layer_norm, "fast_variance",
    says="the variance as the mean of x² less μ², which loses digits where μ is large",
    lines={"variance": "sum(k, x[k] * x[k]) / d - mu * mu"},
)
