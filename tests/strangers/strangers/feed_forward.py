"""Feed-forward layers with gates and with experts."""

from attnspec import Source, Symbol, equation
from attnspec.notation import Float, Tensor, indices, silu, softmax, sum, where


@equation(Source(paper="Shazeer 2020, arXiv:2002.05202, eq. 6"))
def swiglu(
    x: Float[Tensor, " d"], W: Float[Tensor, "d f"], V: Float[Tensor, "d f"], W_2: Float[Tensor, "f d"]
) -> Float[Tensor, " d"]:
    """One projection, through SiLU, is the gate of another."""
    return (silu(x @ W) * (x @ V)) @ W_2


ROUTER = {"router": Symbol("the scores of the experts, as columns", weight=True, draw="fan_in")}


@equation(Source(paper="Shazeer et al. 2017, arXiv:1701.06538, sec. 2.1"), symbols=ROUTER, options={"top": (1, 2, 3)})
def routing(x: Float[Tensor, " d"], router: Float[Tensor, "d E"], *, top: int) -> Float[Tensor, " E"]:
    """A softmax over the experts of the largest scores; all others have the weight 0."""
    i, j = indices("E", "E")
    s = x @ router
    better = sum(j, where((s[j] > s[i]) | ((s[j] == s[i]) & (j < i)), 1, 0))
    g = softmax(i, s[i], where=better < top)
    return g.stack(i)
