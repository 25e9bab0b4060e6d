"""Mistakes with encoders and decoders that no operator makes."""

from jaxtyping import Float

from attnspec import Tensor, index, mutant, softmax, sum
from attnspec.equations.seq2seq import temperature, temperature_probs


@mutant(temperature, says="the logits are multiplied by τ instead of divided")
def times(logits: Float[Tensor, " v"], *, tau: float) -> Float[Tensor, " v"]:
    """A small τ makes the distribution flat instead of sharp."""
    k = index("v")
    p = softmax(k, logits[k] * tau)
    return p.stack(k)


@mutant(temperature, says="the probabilities are divided by τ, not the logits")
def divided_after(logits: Float[Tensor, " v"], *, tau: float) -> Float[Tensor, " v"]:
    """What comes out does not sum to 1."""
    k = index("v")
    p = softmax(k, logits[k]) / tau
    return p.stack(k)


@mutant(temperature_probs, says="the probabilities are taken for logits: softmax(p / τ)")
def softmax_again(p: Float[Tensor, " v"], *, tau: float) -> Float[Tensor, " v"]:
    """Nearly flat, since no two probabilities are further apart than 1."""
    k = index("v")
    q = softmax(k, p[k] / tau)
    return q.stack(k)


@mutant(temperature_probs, says="the probabilities are divided by τ, which making them sum to 1 undoes")
def divided(p: Float[Tensor, " v"], *, tau: float) -> Float[Tensor, " v"]:
    """The temperature has no effect."""
    k = index("v")
    shares = p[k] / tau
    q = shares / sum(k, shares)
    return q.stack(k)
