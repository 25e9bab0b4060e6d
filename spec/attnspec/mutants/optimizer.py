"""Mistakes with optimisers that no operator makes."""

from attnspec import mutate
from attnspec.equations.optimizer import adam, adamw, sgd_momentum

# What other software does; equal where the learning rate never changes and the state is scaled by it.
mutate(
    sgd_momentum, "rate_inside",
    says="the learning rate is inside the momentum: m is a step and not a mean of gradients",
    lines={"m_next": "mu * m + lr * g", "theta_next": "theta - m_next"},
)

# PyTorch's `dampening`.
mutate(
    sgd_momentum, "dampened",
    says="the gradient is multiplied by 1 − mu, as a mean would have it",
    lines={"m_next": "mu * m + (1 - mu) * g"},
)

mutate(
    adam, "eps_inside",
    says="eps stands under the root",
    lines={"theta_next": "theta - lr * m_hat / sqrt(v_hat + eps)"},
)

# The form before section 2.1 of the paper, in which eps is another one.
mutate(
    adam, "eps_before_the_correction",
    says="eps is added before the second mean is corrected",
    lines={"theta_next": "theta - lr * m_hat / (sqrt(v_next) + eps) * sqrt(1 - beta_2 ** step)"},
)

mutate(
    adam, "one_step_on",
    says="the means are corrected for one step too many",
    lines={
        "m_hat": "m_next / (1 - beta_1 ** (step + 1))",
        "v_hat": "v_next / (1 - beta_2 ** (step + 1))",
    },
)

# AdaMax, section 7.1 of the paper: the infinity norm for the root of the mean of squares.
mutate(
    adam, "infinity_norm",
    says="v is the largest decayed |g|, as in AdaMax, and neither corrected nor under a root",
    lines={
        "decayed": "beta_2 * v",
        "v_next": "where(decayed < abs(g), abs(g), decayed)",
        "v_hat": "v_next",
        "theta_next": "theta - lr * m_hat / (v_hat + eps)",
    },
)

mutate(
    adamw, "decayed_after",
    says="the decay is of the parameters after the step, not before it",
    lines={"theta_next": "theta_adam - lr * decay * theta_adam"},
)
