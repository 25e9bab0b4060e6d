"""Attention of current language models."""

from attnspec import Source, Symbol, equation
from attnspec.notation import Float, Tensor, exp, index, indices, max, size, softmax, sqrt, sum, tanh


@equation(Source(paper="Ainslie et al. 2023, arXiv:2305.13245, sec. 2.2"), largest={"G": 4, "r": 3})
def grouped_query(
    q: Float[Tensor, "G*r n d"], k: Float[Tensor, "G m d"], v: Float[Tensor, "G m e"]
) -> Float[Tensor, "G*r n e"]:
    """r heads of queries share one head of keys and values."""
    h, i, j = index("G*r"), index("n"), index("m")
    d, r = size("d"), size("r")
    g = h // r
    e = q[h, i] @ k[g, j] / sqrt(d)
    alpha = softmax(j, e)
    c = sum(j, alpha * v[g, j])
    return c.stack(h, i)


@equation(Source(paper="Beltagy et al. 2020, arXiv:2004.05150, sec. 3.1"), options={"window": (1, 2, 5, 64)})
def sliding_window(
    q: Float[Tensor, "n d"], k: Float[Tensor, "n d"], v: Float[Tensor, "n e"], *, window: int
) -> Float[Tensor, "n e"]:
    """Each query attends to its own key and to the window − 1 keys before it."""
    i, j = indices("n", "n")
    d = size("d")
    e = q[i] @ k[j] / sqrt(d)
    alpha = softmax(j, e, where=(j <= i) & (i - j < window))
    c = sum(j, alpha * v[j])
    return c.stack(i)


@equation(Source(paper="Gemma Team 2024, arXiv:2408.00118, sec. 2"), options={"cap": (50.0, 2.0)})
def soft_capped(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"], *, cap: float
) -> Float[Tensor, "n e"]:
    """Scores stay within ±cap."""
    i, j = indices("n", "m")
    d = size("d")
    e = q[i] @ k[j] / sqrt(d)
    alpha = softmax(j, cap * tanh(e / cap))
    c = sum(j, alpha * v[j])
    return c.stack(i)


SINK = {"sink": Symbol("the score of no key", weight=True)}


@equation(Source(paper="OpenAI 2025, arXiv:2508.10925, sec. 2.2"), symbols=SINK)
def with_sink(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"], sink: Float[Tensor, ""]
) -> Float[Tensor, "n e"]:
    """A learned score takes part in the softmax, and has no value: the weights sum to less than 1."""
    i, j = indices("n", "m")
    d = size("d")
    e = q[i] @ k[j] / sqrt(d)
    top = max(j, e)
    alpha = exp(e - top) / (sum(j, exp(e - top)) + exp(sink - top))
    c = sum(j, alpha * v[j])
    return c.stack(i)
