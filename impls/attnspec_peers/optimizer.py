"""The optimisers of PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attnspec import implements

if TYPE_CHECKING:
    from torch import Tensor

CPU = ("cpu",)
WHOLE = ("float64", "float32")  # in half precision they round once more, where they store the means


def _stepped(kind: str, theta: Tensor, g: Tensor, state: dict[str, Any], **options: Any) -> Any:
    """What one step of an optimiser of torch.optim makes of theta, and of its state."""
    import torch

    parameter = torch.nn.Parameter(theta.clone())
    parameter.grad = g.clone()
    optimizer = getattr(torch.optim, kind)([parameter], **options)
    optimizer.state[parameter] |= {name: each.clone() for name, each in state.items()}
    optimizer.step()
    return parameter.detach(), optimizer.state[parameter]


def _adam(kind: str, theta: Tensor, g: Tensor, m: Tensor, v: Tensor, step: int, **options: Any) -> Any:
    import torch

    state = {"step": torch.tensor(float(step - 1)), "exp_avg": m, "exp_avg_sq": v}
    theta_next, after = _stepped(kind, theta, g, state, **options)
    return theta_next, after["exp_avg"], after["exp_avg_sq"]


@implements("optimizer.sgd", framework="torch", dtypes=WHOLE, devices=CPU)
def torch_sgd(theta: Tensor, g: Tensor, *, lr: float) -> Tensor:
    """torch.optim.SGD."""
    theta_next: Tensor = _stepped("SGD", theta, g, {}, lr=lr)[0]
    return theta_next


@implements("optimizer.sgd_momentum", framework="torch", dtypes=WHOLE, devices=CPU)
def torch_sgd_momentum(theta: Tensor, g: Tensor, m: Tensor, *, lr: float, mu: float) -> tuple[Tensor, Tensor]:
    """torch.optim.SGD with momentum."""
    theta_next, after = _stepped("SGD", theta, g, {"momentum_buffer": m}, lr=lr, momentum=mu)
    return theta_next, after["momentum_buffer"]


@implements("optimizer.adam", framework="torch", dtypes=WHOLE, devices=CPU)
def torch_adam(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, *, step: int, lr: float, beta_1: float, beta_2: float, eps: float
) -> Any:
    """torch.optim.Adam."""
    return _adam("Adam", theta, g, m, v, step, lr=lr, betas=(beta_1, beta_2), eps=eps)


@implements("optimizer.adamw", framework="torch", dtypes=WHOLE, devices=CPU)
def torch_adamw(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor,
    *, step: int, lr: float, beta_1: float, beta_2: float, eps: float, decay: float,
) -> Any:  # fmt: skip
    """torch.optim.AdamW."""
    return _adam("AdamW", theta, g, m, v, step, lr=lr, betas=(beta_1, beta_2), eps=eps, weight_decay=decay)


@implements("optimizer.adam_l2", framework="torch", dtypes=WHOLE, devices=CPU)
def torch_adam_l2(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor,
    *, step: int, lr: float, beta_1: float, beta_2: float, eps: float, decay: float,
) -> Any:  # fmt: skip
    """torch.optim.Adam with weight_decay."""
    return _adam("Adam", theta, g, m, v, step, lr=lr, betas=(beta_1, beta_2), eps=eps, weight_decay=decay)
