"""Equal rewritings of the equations of transformer, each with its own rounding."""

from attnspec import rewrite
from attnspec.equations.transformer import layer_norm

rewrite(
    layer_norm, "fast_variance",
    says="the variance as the mean of x² less μ², which loses digits where μ is large",
    lines={"variance": "sum(k, x[k] * x[k]) / d - mu * mu"},
)
