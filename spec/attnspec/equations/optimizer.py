"""Optimisers: one update of parameters theta by the gradient g of a loss."""

from jaxtyping import Float

from attnspec import Source, equation
from attnspec.notation import Tensor, sqrt

ROBBINS = Source("003", "Logistic Regression", paper="Robbins and Monro 1951; PyTorch, optim.SGD")
POLYAK = Source(paper="Polyak 1964; PyTorch, optim.SGD(momentum=…)")
KINGMA = Source(paper="Kingma and Ba 2015, arXiv:1412.6980v9, alg. 1; PyTorch, optim.Adam")
LOSHCHILOV = Source(paper="Loshchilov and Hutter 2019, arXiv:1711.05101v3, alg. 2; PyTorch, optim.AdamW")
ADAM_L2 = Source(paper="Loshchilov and Hutter 2019, arXiv:1711.05101v3, alg. 2; PyTorch, optim.Adam(weight_decay=…)")

RATE = {"lr": (0.1, 0.5, 0.03)}
MOMENTS = {
    **RATE, "beta_1": (0.9, 0.7, 0.8), "beta_2": (0.999, 0.75, 0.95), "eps": (1e-3, 1e-2, 0.1, 1e-8, 1e-5),
    "step": (3, 1, 257, 10, 2, 40, 2049),  # bfloat16 has neither 257 nor 2049, float16 not the latter
}
DECAY = {**MOMENTS, "decay": (0.1, 0.5, 0.01)}
POSITIVE = {"v": "positive"}


@equation(ROBBINS, options=RATE)
def sgd(theta: Float[Tensor, " d"], g: Float[Tensor, " d"], *, lr: float) -> Float[Tensor, " d"]:
    """One step of gradient descent: against the gradient, times the learning rate."""
    return theta - lr * g


@equation(POLYAK, options={**RATE, "mu": (0.9, 0.5, 0.75)})
def sgd_momentum(
    theta: Float[Tensor, " d"], g: Float[Tensor, " d"], m: Float[Tensor, " d"], *, lr: float, mu: float,
) -> tuple[Float[Tensor, " d"], Float[Tensor, " d"]]:
    """Gradient descent with momentum: the step is along all gradients so far, older ones with less weight.

    The learning rate is outside the momentum, as in PyTorch. It gives theta and m.
    """
    m_next = mu * m + g
    theta_next = theta - lr * m_next
    return theta_next, m_next


@equation(KINGMA, options=MOMENTS, scales=POSITIVE)
def adam(
    theta: Float[Tensor, " d"], g: Float[Tensor, " d"], m: Float[Tensor, " d"], v: Float[Tensor, " d"],
    *, step: int, lr: float, beta_1: float, beta_2: float, eps: float,
) -> tuple[Float[Tensor, " d"], Float[Tensor, " d"], Float[Tensor, " d"]]:
    """Adam: the step is along the mean of the gradients, over the root of the mean of their squares.

    Both means start at 0, and are corrected for that; step is counted from 1. eps stands outside the root. It gives
    theta, m and v.
    """
    m_next = beta_1 * m + (1 - beta_1) * g
    v_next = beta_2 * v + (1 - beta_2) * g * g
    m_hat = m_next / (1 - beta_1 ** step)
    v_hat = v_next / (1 - beta_2 ** step)
    theta_next = theta - lr * m_hat / (sqrt(v_hat) + eps)
    return theta_next, m_next, v_next


@equation(LOSHCHILOV, options=DECAY, scales=POSITIVE)
def adamw(
    theta: Float[Tensor, " d"], g: Float[Tensor, " d"], m: Float[Tensor, " d"], v: Float[Tensor, " d"],
    *, step: int, lr: float, beta_1: float, beta_2: float, eps: float, decay: float,
) -> tuple[Float[Tensor, " d"], Float[Tensor, " d"], Float[Tensor, " d"]]:
    """adam, whose parameters decay by lr · decay of their old value besides; no gradient knows of it.

    Loshchilov and Hutter do not multiply the decay by lr, PyTorch does. Differs: in PyTorch's Adam the decay is part of
    the gradient, `adam_l2`.
    """
    theta_adam, m_next, v_next = adam(theta, g, m, v, step=step, lr=lr, beta_1=beta_1, beta_2=beta_2, eps=eps)
    theta_next = theta_adam - lr * decay * theta
    return theta_next, m_next, v_next


@equation(ADAM_L2, options=DECAY, scales=POSITIVE, convention_of=adamw,
          says="the decay is added to the gradient, and goes through both means")
def adam_l2(
    theta: Float[Tensor, " d"], g: Float[Tensor, " d"], m: Float[Tensor, " d"], v: Float[Tensor, " d"],
    *, step: int, lr: float, beta_1: float, beta_2: float, eps: float, decay: float,
) -> tuple[Float[Tensor, " d"], Float[Tensor, " d"], Float[Tensor, " d"]]:
    """adam with the gradient of ½ · decay · ‖theta‖² in the loss."""
    g_decayed = g + decay * theta
    theta_next, m_next, v_next = adam(
        theta, g_decayed, m, v, step=step, lr=lr, beta_1=beta_1, beta_2=beta_2, eps=eps,
    )
    return theta_next, m_next, v_next
