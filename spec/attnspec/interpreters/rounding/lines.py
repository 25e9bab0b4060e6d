"""The noise of the lines of an equation, of the parts of each line, and of those of the equations that it calls."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from attnspec.errors import SpecError
from attnspec.interpreters.evaluation.algebra import T
from attnspec.interpreters.evaluation.call import fit
from attnspec.interpreters.evaluation.memo import Memory, Remembering
from attnspec.interpreters.evaluation.several import SEVERAL, WithSeveral
from attnspec.interpreters.evaluation.value import ValueOf
from attnspec.interpreters.evaluation.walk import Array, Axis, Frame, Interpreter, Named, Value
from attnspec.interpreters.rounding.ensemble import MEMBER, Ensemble
from attnspec.interpreters.rounding.noise import Noise, float_noise
from attnspec.interpreters.rounding.policy import Policy
from attnspec.interpreters.rounding.propagation import Propagation
from attnspec.language.layers import written_out
from attnspec.language.traversal import Path, children, map_definition, map_node, nodes, reads
from attnspec.language.tree import (
    Apply,
    Call,
    Concat,
    Definition,
    Last,
    Line,
    Name,
    Node,
    Number,
    Position,
    Reduce,
    Scan,
    SizeOf,
    Split,
    Stack,
    Through,
    Zeros,
)


@dataclass(frozen=True, slots=True)
class Part:
    """A line of an equation, a result, or a part of one.

    Attributes:
        root: its position among the roots of the equation, the lines and then the results.
        target: the name that the line assigns; "" for a result and for a part.
        path: the path from the root; () for all of it.
        node: its syntax tree.
    """

    root: int
    target: str
    path: Path
    node: Node


@dataclass(frozen=True)
class Visit:
    """One evaluation of an equation: of the outermost one, or of a called one at one step of a recurrence.

    Attributes:
        definition: the equation.
        place: the lines of the equations around it that lead to the call, the outermost first; () for the outermost.
        steps: {index of a recurrence around it: step}.
        frame: the state of its walk at the end, with the exact values of all lines.
        arguments: {name: array} of its arrays in float64, with the same leading axes on all of them; and its options.
        noises: the noise of each of its parts, with batch axes and named axes first. Parts that are not
            floating-point arrays are left out.
    """

    definition: Definition
    place: tuple[str, ...]
    steps: Mapping[str, int]
    frame: Frame[Array]
    arguments: Mapping[str, Any]
    noises: Mapping[Part, Noise]


@dataclass(frozen=True, slots=True)
class _Values:
    """The values of names in one evaluation of an equation, and its results."""

    definition: Definition
    place: tuple[str, ...]
    steps: Mapping[str, int]
    frame: Frame[Any]
    results: Sequence[Any]

    def of(self, part: Part, definition: Definition) -> Any:
        """The value of a part of an equation; that of a result was returned."""
        if part.target or part.path:
            return self.names[part.target or _label(part)]
        return self.results[part.root - len(definition.lines)]

    @property
    def names(self) -> Mapping[str, Any]:
        return self.frame.names


@dataclass
class _Around:
    """Where a walk is: the lines that lead to a call, and the steps of recurrences."""

    line: str = ""
    place: tuple[str, ...] = ()
    steps: dict[str, int] = field(default_factory=dict)


class _Keeping(Interpreter[T]):
    """Keeps the values of all lines of each evaluation of an equation, in the order in which they end."""

    def begin_line(self, name: str) -> None:
        super().begin_line(name)
        self.around.line = name

    @property
    def around(self) -> _Around:
        return self.__dict__.setdefault("_around", _Around())  # type: ignore[no-any-return]  # it is one

    @property
    def kept(self) -> list[_Values]:
        return self.__dict__.setdefault("_kept", [])  # type: ignore[no-any-return]  # it is one

    def body(self, frame: Frame[T]) -> list[Value[T]]:
        results = super().body(frame)
        place, steps = self.around.place, dict(self.around.steps)
        self.kept.append(_Values(frame.definition, place, steps, frame, results))
        return results

    def call(self, node: Call, frame: Frame[T]) -> list[Value[T]]:
        before = replace(self.around)
        self.__dict__["_around"] = _Around("", (*before.place, before.line), {**before.steps, **frame.bound})
        results = super().call(node, frame)
        self.__dict__["_around"] = before
        return results


class _KeepingPropagation(_Keeping[Any], Propagation):
    """Propagation that keeps the values of lines."""


class _KeepingEnsemble(_Keeping[Any], Ensemble):
    """An ensemble that keeps the values of lines."""


def line_noises(
    definition: Definition, arrays: Mapping[str, Array], options: Mapping[str, float], policy: Policy, seed: int = 0
) -> tuple[Visit, ...]:
    """The noise of every line and of its parts, wherever the equation or one that it calls is evaluated.

    Args:
        definition: the equation.
        arrays: {name: array} in float64, with values of the policy's storage format.
        options: {name: value} of the options.
        policy: the precision policy.
        seed: the seed of the simulated roundings.

    Returns:
        A visit for each evaluation of an equation, in the order in which they end; the outermost one is last.
    """
    definition = written_out(definition, arrays)
    originals: dict[int, Definition] = {}
    whole = _with_parts(definition, originals)
    sizes, batch = fit(definition, {name: tuple(array.shape) for name, array in arrays.items()}, options)
    propagation, ensemble = _KeepingPropagation(np, policy), _KeepingEnsemble(np, policy, seed)
    with np.errstate(all="ignore"):
        propagation.run(whole, arrays, options, sizes, batch)
        ensemble.run(whole, arrays, options, sizes, batch)
        pairs = zip(propagation.kept, ensemble.kept, strict=True)
        return tuple(_visit(originals[id(noisy.definition)], noisy, run, propagation, ensemble) for noisy, run in pairs)


def _with_parts(definition: Definition, originals: dict[int, Definition]) -> Definition:
    """An equation with a line for each part of its lines and results, also in the equations that it calls.

    Args:
        originals: {id of a changed equation: the equation}, to which all of them are added.
    """

    def change(node: Node) -> Node:
        return replace(node, callee=_with_parts(node.callee, originals)) if isinstance(node, Call) else node

    changed = map_definition(definition, change)
    more = [Line((_label(part),), part.node) for part in parts(definition) if part.path]
    changed = replace(changed, lines=(*changed.lines, *more))
    originals[id(changed)] = definition
    return changed


def parts(definition: Definition) -> Iterator[Part]:
    """The lines of an equation with their names, its results, and the parts of both; a part comes before its whole."""
    for root, node in enumerate(definition.roots):
        for path, part in _inner(node):
            yield Part(root, "", path, part)
        if root < len(definition.lines):
            yield from (Part(root, target, (), node) for target in definition.lines[root].targets)
        elif not _is_named_value(node):
            yield Part(root, "", (), node)


def _is_named_value(node: Node) -> bool:
    """Whether a result is the value of a line, in another order of axes."""
    return isinstance(node, Name | Last | Call | Scan) or (isinstance(node, Stack) and _is_named_value(node.array))


def _inner(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """The parts of a node that are operations on arrays, without those of the step of a recurrence."""
    for step, child in children(node):
        skipped = step[0] in ("places", "where", "body", "parts", "state", "starts", "options")
        if not skipped and not isinstance(child, Name | Number | SizeOf | Position | Zeros):
            yield from _inner(child, (*path, step))
            if isinstance(child, Apply | Reduce | Concat | Split) and not any(
                isinstance(each, Call | Scan | Through) for each in nodes(child)
            ):
                yield (*path, step), child


def _label(part: Part) -> str:
    return f"{part.root}{''.join(f' {name} {place}' for name, place in part.path)}"


def _visit(definition: Definition, noisy: _Values, run: _Values, propagation: Propagation, ensemble: Ensemble) -> Visit:
    noises = {}
    for part in parts(definition):
        found = _noise(noisy.of(part, definition), run.of(part, definition), propagation, ensemble)
        if found is not None:
            noises[part] = found
    frame = replace(noisy.frame, definition=definition, names=_exact(noisy.names), starts=_exact(noisy.frame.starts))
    return Visit(definition, noisy.place, noisy.steps, frame, _arguments(definition, noisy.names), noises)


def _exact(names: Mapping[str, Any]) -> dict[str, Value[Array]]:
    """Values without their noise."""
    return {
        name: Named(np.asarray(value.data.value), value.axes) if isinstance(value, Named) else value
        for name, value in names.items()
    }


def evaluated(visit: Visit, mutant: Definition, roots: Sequence[int], memory: Memory, several: int = 0) -> Array | None:
    """The value of a line of a mutant of an equation, from the right values of the other lines.

    Args:
        visit: an evaluation of the equation.
        mutant: the mutant.
        roots: the positions of the lines that are evaluated anew, in order; the last one is the line.
        memory: values of expressions from other mutants of this visit, which are used and added to.
        several: how many values a number of the mutant has, of type `Several`; 0 if all numbers have one.

    Returns:
        Its value, with the axes as in the noise of the line, and in front of them one for the values of a number that
        has several; of several results, the first; None if it has none.
    """
    interpreter = WithSeveral(np, memory) if several else Remembering(np, memory)
    interpreter.dtype = np.dtype("float64")
    frame = replace(visit.frame, definition=mutant, names=dict(visit.frame.names), starts=dict(visit.frame.starts))
    values: list[Value[Array]] = []
    try:
        with np.errstate(all="ignore"):
            for root in roots:
                values = interpreter.results(mutant.roots[root], frame)
                if root < len(mutant.lines):
                    frame.names |= dict(zip(mutant.lines[root].targets, values, strict=True))
    except (SpecError, ValueError, IndexError, ZeroDivisionError, OverflowError, TypeError):
        return None
    if not values or not isinstance(values[0], Named):
        return None
    return np.asarray((interpreter.expanded(values[0], SEVERAL, several) if several else values[0]).data)


def following(visit: Visit, given: Mapping[str, Array], everywhere: bool = False) -> dict[Part, Array]:
    """The values of the parts of an equation that are computed from other values of some of its lines.

    Args:
        visit: an evaluation of the equation.
        given: {name of a line: other values of it, with the axes as in its noise}.
        everywhere: whether sums of these values are over all places, whatever their conditions.

    Returns:
        The values of what is computed from them, with the axes as in the noise; without parts that have no value.
    """
    interpreter = ValueOf(np)
    interpreter.dtype = np.dtype("float64")
    names = dict(visit.frame.names)
    for name, array in given.items():
        old = names[name]
        assert isinstance(old, Named)
        names[name] = Named(array, old.axes)
    frame = replace(visit.frame, names=names, starts=dict(visit.frame.starts))
    changed, found = set(given), dict[Part, Array]()
    for part in visit.noises:
        if part.target in given or changed.isdisjoint(reads(part.node)):
            continue
        try:
            with np.errstate(all="ignore"):
                values = interpreter.results(_unconditional(part.node, changed) if everywhere else part.node, frame)
        except (SpecError, ValueError, IndexError, ZeroDivisionError, OverflowError, TypeError):
            continue
        if part.target:
            targets = visit.definition.lines[part.root].targets
            names[part.target] = value = values[targets.index(part.target)]
            changed.add(part.target)
        else:
            value = values[0]
        if isinstance(value, Named):
            found[part] = np.asarray(value.data)
    return found


def _unconditional(node: Node, names: Collection[str]) -> Node:
    """A node in which sums of what reads some lines have no condition."""

    def change(each: Node) -> Node:
        if isinstance(each, Reduce) and each.op == "sum" and any(name in names for name in reads(each.term)):
            return replace(each, where=None)
        return each

    return map_node(node, change)


def _noise(noisy: Any, run: Any, propagation: Propagation, ensemble: Ensemble) -> Noise | None:
    """The noise of a value; None of a number, and of an array that is not floating-point."""
    if not isinstance(noisy, Named) or noisy.data.value.dtype.kind != "f" or not isinstance(run, Named):
        return None
    storage = propagation.policy.storage
    stored = propagation.rounded_to(noisy.data, storage)
    rounded = ensemble.rounded_to(ensemble.full(run).data, storage).value
    axes = tuple(axis for axis in run.axes if axis != MEMBER)
    if axes != noisy.axes or rounded.shape[1:] != stored.value.shape:
        return None
    value = np.asarray(stored.value)
    return float_noise(value, propagation.variance(stored), rounded - value, propagation.policy, np)


def _arguments(definition: Definition, names: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of an evaluation as a call has them: the named axes of the caller are batch axes."""
    given = {each.name: names[each.name] for each in definition.parameters}
    axes: list[Axis] = sorted({axis for value in given.values() for axis in value.axes})

    def aligned(value: Named[Any]) -> Array:
        array = np.asarray(value.data.value)
        own = iter(array.shape)
        lead = tuple(next(own) if axis in value.axes else 1 for axis in axes)
        shared = any(axis in value.axes for axis in axes)
        return array.reshape(*lead, *own) if shared else array

    options = {option.name: names[option.name] for option in definition.options}
    return {name: aligned(value) for name, value in given.items()} | options
