"""The description of a module of PyTorch, or of a class of modules."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from attnspec.verification.sandbox.binding import Parameter
from attnspec.verification.sandbox.targets import Network

TRIAL = 4
"""The value of each required parameter of a constructor, for an instance whose weights are listed."""


def network_of(value: Any) -> Network | None:
    """Describe a module or a class of modules; None for anything else."""
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    if isinstance(value, torch.nn.Module):
        return Network(_kinds(type(value)), _state(value), _numbers(value))
    if not (isinstance(value, type) and issubclass(value, torch.nn.Module)):
        return None
    made = inspect.signature(value).parameters.values()
    parameters = tuple(Parameter(each.name, each.kind.name, each.default is not each.empty) for each in made)
    generator = torch.get_rng_state()
    instance = _trial_instance(value, parameters)
    torch.set_rng_state(generator)
    return Network(_kinds(value), _state(instance) if instance is not None else {}, {}, parameters)


def _trial_instance(kind: type, parameters: Sequence[Parameter]) -> Any:
    """Return an instance for which every required size is the same small number; None if there can be none."""
    required = {p.name: TRIAL for p in parameters if not p.has_default and not p.kind.startswith("VAR_")}
    hidden = 2 if any(each.kind == "VAR_POSITIONAL" for each in parameters) else 0  # such as torch.nn.GRU(*args)
    with suppress(Exception):  # a constructor may need other values than whole numbers
        return kind(*[TRIAL] * hidden, **required)
    return None


def _kinds(kind: type) -> tuple[str, ...]:
    return tuple(f"{each.__module__}.{each.__qualname__}" for each in kind.__mro__)


def _state(module: Any) -> dict[str, tuple[int, ...]]:
    return {name: tuple(weight.shape) for name, weight in module.named_parameters()}


def _numbers(module: Any) -> dict[str, int]:
    """The whole numbers that a module keeps as attributes, such as its number of heads."""
    return {name: value for name, value in vars(module).items() if type(value) is int and not name.startswith("_")}
