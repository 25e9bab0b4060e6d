"""The optimisers and losses of Optax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attnspec import implements

if TYPE_CHECKING:
    from jax import Array

CPU = ("cpu",)
LONG = ("float32",)  # in which Optax corrects the means of Adam


def _adam(theta: Array, g: Array, m: Array, v: Array, step: int, transformation: Any, place: int) -> Any:
    """A step of a chain of transformations, of which the one at a place has the means."""
    import jax.numpy as jnp
    import optax

    state = list(transformation.init(theta))
    state[place] = optax.ScaleByAdamState(count=jnp.asarray(step - 1, jnp.int32), mu=m, nu=v)
    updates, after = transformation.update(g, tuple(state), theta)
    return optax.apply_updates(theta, updates), after[place].mu, after[place].nu


@implements("optimizer.sgd", framework="jax", dtypes=LONG, devices=CPU)
def optax_sgd(theta: Array, g: Array, *, lr: float) -> Any:
    """optax.sgd."""
    import optax

    transformation = optax.sgd(lr)
    updates, _ = transformation.update(g, transformation.init(theta), theta)
    return optax.apply_updates(theta, updates)


@implements("optimizer.sgd_momentum", framework="jax", dtypes=LONG, devices=CPU)
def optax_sgd_momentum(theta: Array, g: Array, m: Array, *, lr: float, mu: float) -> Any:
    """optax.sgd with momentum."""
    import optax

    transformation = optax.sgd(lr, momentum=mu)
    _, *rest = transformation.init(theta)
    updates, after = transformation.update(g, (optax.TraceState(trace=m), *rest), theta)
    return optax.apply_updates(theta, updates), after[0].trace


@implements("optimizer.adam", framework="jax", dtypes=LONG, devices=CPU)
def optax_adam(
    theta: Array, g: Array, m: Array, v: Array, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float
) -> Any:
    """optax.adam."""
    import optax

    return _adam(theta, g, m, v, step, optax.adam(lr, b1=beta_1, b2=beta_2, eps=eps), 0)


@implements("optimizer.adamw", framework="jax", dtypes=LONG, devices=CPU)
def optax_adamw(
    theta: Array, g: Array, m: Array, v: Array,
    *, step: int, lr: float, beta_1: float, beta_2: float, eps: float, decay: float,
) -> Any:  # fmt: skip
    """optax.adamw."""
    import optax

    return _adam(theta, g, m, v, step, optax.adamw(lr, b1=beta_1, b2=beta_2, eps=eps, weight_decay=decay), 0)


@implements("optimizer.adam_l2", framework="jax", dtypes=LONG, devices=CPU)
def optax_adam_l2(
    theta: Array, g: Array, m: Array, v: Array,
    *, step: int, lr: float, beta_1: float, beta_2: float, eps: float, decay: float,
) -> Any:  # fmt: skip
    """optax.add_decayed_weights, then scale_by_adam and scale."""
    import optax

    moments = optax.scale_by_adam(b1=beta_1, b2=beta_2, eps=eps)
    return _adam(theta, g, m, v, step, optax.chain(optax.add_decayed_weights(decay), moments, optax.scale(-lr)), 1)


@implements("seq2seq.cross_entropy", framework="jax", dtypes=LONG, devices=CPU, finite=True, forms=("log_sum_exp",))
def optax_cross_entropy(logits: Array, target: Array) -> Any:
    """optax.losses.softmax_cross_entropy_with_integer_labels."""
    import optax

    return optax.losses.softmax_cross_entropy_with_integer_labels(logits, target)


@implements("text.binary_cross_entropy", framework="jax", dtypes=LONG, devices=CPU, finite=True)
def optax_binary_cross_entropy(logit: Array, target: Array) -> Any:
    """optax.losses.sigmoid_binary_cross_entropy."""
    import optax

    return optax.losses.sigmoid_binary_cross_entropy(logit, target)
