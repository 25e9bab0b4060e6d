"""Mistakes with multi-head attention that no operator makes."""

from attnspec import mutate
from attnspec.equations import attention as single
from attnspec.equations.multihead import attention, causal, concat_heads, masked, masked_biased, padded_biased
from attnspec.mutants.attention import finite_mask, finite_padding, masked_after

# Scores √H times too small.
BY_THE_MODEL = "the scale is √(H·d), the model's width, instead of √d, the head's"

mutate(
    attention, "scaled_by_the_model", says=BY_THE_MODEL,
    lines={"head": "single.scaled_dot_product(q[h] / sqrt(heads), k[h], v[h])"},
)

mutate(
    causal, "causal_scaled_by_the_model", says=BY_THE_MODEL,
    lines={"head": "single.causal(q[h] / sqrt(heads), k[h], v[h])"},
)

mutate(
    masked, "masked_scaled_by_the_model", says=BY_THE_MODEL,
    lines={"head": "single.masked(q[h] / sqrt(heads), k[h], v[h], mask)"},
)

mutate(
    masked, "finite_mask",
    says="masked scores are set to −10000 and not left out: a query with nothing to look at reads the mean",
    calls={single.masked: finite_mask},
)

mutate(
    masked, "masked_after",
    says="the mask is applied after softmax: what is left does not sum to 1",
    calls={single.masked: masked_after},
)

mutate(
    masked_biased, "biased_finite_mask",
    says="masked scores are set to −10000 and not left out: a query with nothing to look at reads the mean",
    calls={single.masked: finite_mask},
)

mutate(
    padded_biased, "biased_finite_padding",
    says="−10000 is added to the scores of padding, which still leak: where all is padding, all is seen",
    calls={single.padded: finite_padding},
)

# softmax over the head instead of the key.
mutate(
    attention, "over_heads",
    says="each head attends over the heads of one position, not over the positions",
    lines={
        "i, j": 'indices("n", "m")',
        "d": 'size("d")',
        "alpha": "softmax(h, q[h, i] @ k[h, j] / sqrt(d))",
        "head": "sum(j, alpha * v[h, j]).stack(i)",
    },
)

# Column k of every head, then column k + 1.
mutate(
    concat_heads, "interleaved",
    says="heads are interleaved: one column of each in turn",
    lines={"t, k": 'indices("t", "d")', "return": "concat(k, x[h, t, k].stack(h)).stack(t)"},
)
