"""Which of a callable's parameters takes which argument of an equation.

By name where the names are the equation's, else in the order of the signature; where the two contradict each other the
answer is refused, because a guess that swaps two arguments would be reported as a wrong formula.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from attnspec.errors import BindingError, nearest

Plan = list[tuple[str | None, str]]
"""How to call: (parameter to pass by keyword, or None for the next position; the equation's argument)."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a callable, as `inspect.signature` tells it.

    Attributes:
        name: its name.
        kind: the name of its `inspect.Parameter.kind`.
        has_default: whether it may be left alone.
    """

    name: str
    kind: str = "POSITIONAL_OR_KEYWORD"
    has_default: bool = False

    def __str__(self) -> str:
        stars = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}.get(self.kind, "")
        return f"{stars}{self.name}{'=...' if self.has_default else ''}"


def bind(
    parameters: Sequence[Parameter],
    equation_parameters: Sequence[str],
    options: Iterable[str] = (),
    given_bind: Mapping[str, str] | None = None,
    *,
    name: str = "the callable",
    equation: str = "the equation",
) -> Plan:
    """Match a callable's parameters with an equation's arguments.

    Args:
        parameters: the callable's, in the order of its signature.
        equation_parameters: the names of the equation's arrays, in its order.
        options: the names of what is no array (heads, eps) and will be passed too.
        given_bind: {callable's parameter: equation's argument}, which overrides names and order.
        name: the callable, for the error.
        equation: the equation, for the error.

    Raises:
        BindingError: a required parameter that the equation does not give, an argument without a place, or names that
            contradict the order.
    """
    binding = _Binding(parameters, list(equation_parameters), list(options), name, equation)
    binding.take_given(given_bind or {})
    binding.take_arrays()
    binding.take_options()
    binding.refuse_unfilled()
    return binding.plan()


class _Binding:
    """What is bound so far: `taken` by a parameter, `extras` by *args, `loose` by **kwargs."""

    def __init__(
        self, parameters: Sequence[Parameter], arrays: list[str], options: list[str], name: str, equation: str
    ) -> None:
        self.parameters, self.arrays, self.options = parameters, arrays, options
        self.name, self.equation = name, equation
        self.positional = [p for p in parameters if p.kind in ("POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD")]
        self.named = [p for p in parameters if not p.kind.startswith("VAR_")]
        self.has_args = any(p.kind == "VAR_POSITIONAL" for p in parameters)
        self.has_kwargs = any(p.kind == "VAR_KEYWORD" for p in parameters)
        self.taken: dict[str, str] = {}
        self.extras: list[str] = []
        self.loose: list[str] = []

    def take_given(self, given: Mapping[str, str]) -> None:
        """What the user said goes first, and has to make sense by itself."""
        names, ours = [p.name for p in self.named], [*self.arrays, *self.options]
        for theirs, argument in given.items():
            if theirs not in names:
                self.fail(f"no parameter {theirs!r} to bind", nearest(theirs, names))
            if argument not in ours:
                self.fail(f"no argument {argument!r} to bind {theirs!r} to", nearest(argument, ours))
            if argument in self.taken.values():
                self.fail(f"{argument!r} is bound twice", "bind each argument to one parameter")
            self.taken[theirs] = argument

    def take_arrays(self) -> None:
        """All by name, or else the required ones in order."""
        wanted = self._wanted(self.arrays)
        free = {p.name for p in self._free(self.named)}
        if free.issuperset(wanted):
            self.taken |= {argument: argument for argument in wanted}
        elif self._are_keywords(wanted):
            self.taken |= {argument: argument for argument in wanted if argument in free}
            self.loose += [argument for argument in wanted if argument not in free]
        else:
            self._take_in_order()

    def _are_keywords(self, wanted: list[str]) -> bool:
        """Whether what has no parameter of its name belongs into **kwargs: nothing else is left to guess."""
        required = {p.name for p in self._free(self.named) if not p.has_default}
        return self.has_kwargs and not self.has_args and required.issubset([*wanted, *self.options])

    def _take_in_order(self) -> None:
        """Keyword-only and optional parameters of the right name keep their name: their place says nothing."""
        for p in self._free(self.named):
            if p.name in self._wanted(self.arrays) and (p.has_default or p.kind == "KEYWORD_ONLY"):
                self.taken[p.name] = p.name
        wanted = self._wanted(self.arrays)
        slots = [p.name for p in self._free(self.positional) if p.name not in self.options]
        for slot, argument in zip(slots, wanted, strict=False):
            if slot in self.arrays and slot != argument:
                self._refuse_contradiction(slot, argument, dict(zip(slots, wanted, strict=False)))
            self.taken[slot] = argument
        self.extras = wanted[len(slots) :]
        if self.extras and not self.has_args:
            self.fail(f"no parameter for {', '.join(self.extras)}", self._suggest(self.extras))

    def take_options(self) -> None:
        """By name, else into **kwargs, else after the arrays; never into a default, which may mean anything."""
        for option in self._wanted(self.options):
            free = self._free(self.named)
            required = [p.name for p in self._free(self.positional) if not p.has_default]
            if option in [p.name for p in free]:
                self.taken[option] = option
            elif self.has_kwargs:
                self.loose.append(option)
            elif required:
                self.taken[required[0]] = option
            elif self.has_args:
                self.extras.append(option)
            else:
                self.fail(f"no parameter for the option {option}", self._suggest([option]))

    def refuse_unfilled(self) -> None:
        """Every parameter without a default has to be given something."""
        unfilled = [p.name for p in self._free(self.named) if not p.has_default]
        if unfilled:
            self.fail(
                f"needs {', '.join(unfilled)}, which {self.equation} does not give",
                "give the parameter a default, or wrap the callable in one that takes the equation's arguments",
            )

    def plan(self) -> Plan:
        """By keyword where that is possible; by position where the signature, or what goes into *args, asks for it."""
        places = self.positional if self.extras else [p for p in self.positional if p.kind == "POSITIONAL_ONLY"]
        filled = [p for p in places if p.name in self.taken]
        reached = places if self.extras else places[: len(filled)]
        if filled != reached:
            skipped = next(p.name for p in places if p.name not in self.taken)
            self.fail(f"{skipped} stands before what is passed by position", f"move {skipped} behind it")
        by_place: Plan = [(None, self.taken[p.name]) for p in filled]
        by_name: Plan = [(p.name, self.taken[p.name]) for p in self.named if p.name in self.taken and p not in filled]
        return [*by_place, *((None, n) for n in self.extras), *by_name, *((n, n) for n in self.loose)]

    def fail(self, headline: str, mend: str = "") -> NoReturn:
        given = f"{self.name}({', '.join(map(str, self.parameters))})"
        options = [f"{option}=..." for option in self.options]
        expected = f"{self.equation}({', '.join([*self.arrays, *(['*', *options] if options else [])])})"
        raise BindingError(f"{self.name}: {headline}", given=given, expected=expected, mend=mend)

    def _refuse_contradiction(self, slot: str, argument: str, in_order: Mapping[str, str]) -> NoReturn:
        words = " ".join(f"--bind {theirs}={ours}" for theirs, ours in in_order.items() if theirs != ours)
        self.fail(
            f"{slot} stands where {argument} does in {self.equation}, and not all names are the equation's",
            f"rename the parameters, or say which is which; if the order is what counts: {words}",
        )

    def _suggest(self, missing: list[str]) -> str:
        left = [p.name for p in self._free(self.named)]
        likely = left if len(left) == 1 == len(missing) else []
        if likely:
            return f"if {likely[0]} is it: --bind {likely[0]}={missing[0]}"
        return f"add {'it' if len(missing) == 1 else 'them'} to the signature, or say which is which with --bind"

    def _free(self, parameters: Iterable[Parameter]) -> list[Parameter]:
        return [p for p in parameters if p.name not in self.taken]

    def _wanted(self, arguments: Iterable[str]) -> list[str]:
        placed = {*self.taken.values(), *self.extras, *self.loose}
        return [argument for argument in arguments if argument not in placed]
