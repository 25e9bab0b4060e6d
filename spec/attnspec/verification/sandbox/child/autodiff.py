"""In the worker: what a framework's automatic differentiation makes of a candidate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attnspec.verification.sandbox.child.frameworks import Jax, NumPy, Torch, taken_apart

Call = Callable[[Mapping[str, Any]], Any]
"""The candidate, at arguments by name."""

Pull = Callable[[], list[Any]]
"""The backward pass of a call: the gradients that were asked for."""


def differentiate(
    framework: NumPy, call: Call, values: Mapping[str, Any], asked: Mapping[str, Any], facts: dict[str, Any]
) -> Any:
    """The gradients of a call, as it would return them; its own result where that does not fit the gradients given.

    Args:
        values: the arguments, and the gradients of its outputs.
        asked: `Gradients`, as it travels.
        facts: told of the call besides; "during" is the pass that was run last, where it was not both.
    """
    facts["during"] = "forward"
    given = [values[name] for name in asked["given"]]
    result, pull = _PULLS[type(framework)](framework, call, values, given, asked, facts)
    if pull is None:
        return result
    facts["during"] = "backward"
    found = pull()
    if asked["again"]:
        found = pull()
    del facts["during"]
    return found if len(found) > 1 else found[0]


def _by_torch(
    framework: Any,
    call: Call,
    values: Mapping[str, Any],
    given: list[Any],
    asked: Mapping[str, Any],
    facts: dict[str, Any],
) -> tuple[Any, Pull | None]:
    """Through torch.autograd, from leaves that lie where the arguments do; where no gradient arrives, it is 0."""
    torch = framework.torch
    leaves = {name: values[name].detach().requires_grad_() for name in asked["wanted"]}
    result = call({**values, **leaves})
    outputs = taken_apart(result, len(given))
    if not _fit(framework, outputs, given):
        return result, None
    pairs = [(output, d) for output, d in zip(outputs, given, strict=True) if output.requires_grad]
    facts["detached"] = not pairs

    wanted = list(leaves.values())

    def pull() -> list[Any]:
        found = _pulled(torch, pairs, wanted, retain_graph=asked["again"])
        return [torch.zeros_like(leaf).detach() if d is None else d for leaf, d in zip(wanted, found, strict=True)]

    def pull_again() -> list[Any]:
        ds = [d.detach().requires_grad_() for d in given]
        ends = [(output, d) for output, d in zip(outputs, ds, strict=True) if output.requires_grad]
        found = zip(_pulled(torch, ends, wanted, create_graph=True), asked["second"], strict=True)
        second = [(d, values[name]) for d, name in found if d is not None and d.requires_grad]
        facts["detached"] = not second
        every = [*ds, *wanted]
        answer = zip(every, _pulled(torch, second, every), strict=True)
        return [torch.zeros_like(leaf).detach() if d is None else d for leaf, d in answer]

    return result, pull_again if asked["second"] else pull


def _pulled(torch: Any, pairs: list[tuple[Any, Any]], wanted: list[Any], **how: bool) -> list[Any]:
    """What arrives at the leaves; None where nothing does."""
    if not pairs:
        return [None] * len(wanted)
    ends, ds = zip(*pairs, strict=True)
    return list(torch.autograd.grad(ends, wanted, ds, allow_unused=True, **how))


def _by_jax(
    framework: Any,
    call: Call,
    values: Mapping[str, Any],
    given: list[Any],
    asked: Mapping[str, Any],
    facts: dict[str, Any],
) -> tuple[Any, Pull | None]:
    """Through jax.vjp."""
    jax = framework.jax
    result, back = jax.vjp(lambda leaves: call({**values, **leaves}), {name: values[name] for name in asked["wanted"]})
    if not _fit(framework, taken_apart(result, len(given)), given):
        return result, None
    cotangents = jax.tree.unflatten(jax.tree.structure(result), given)

    def pull() -> list[Any]:
        (found,) = back(cotangents)
        return [found[name] for name in asked["wanted"]]

    def gradients(ds: list[Any], leaves: dict[str, Any]) -> list[Any]:
        result, back = jax.vjp(lambda leaves: call({**values, **leaves}), leaves)
        (found,) = back(jax.tree.unflatten(jax.tree.structure(result), ds))
        return [found[name] for name in asked["wanted"]]

    def pull_again() -> list[Any]:
        _, back = jax.vjp(gradients, given, {name: values[name] for name in asked["wanted"]})
        ds, leaves = back([values[name] for name in asked["second"]])
        return [*ds, *(leaves[name] for name in asked["wanted"])]

    return result, pull_again if asked["second"] else pull


_PULLS: dict[type[NumPy], Callable[..., tuple[Any, Pull | None]]] = {Torch: _by_torch, Jax: _by_jax}


def _fit(framework: NumPy, outputs: list[Any], given: list[Any]) -> bool:
    """Whether outputs are what the gradients given are gradients of."""
    facts = [framework.describe(each)[0] for each in outputs], [framework.describe(each)[0] for each in given]
    return facts[0] == facts[1]
