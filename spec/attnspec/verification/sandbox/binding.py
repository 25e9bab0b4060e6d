"""Match the parameters of a callable with the arguments of an equation.

Parameters match by name if the names are the equation's or common ones for its arguments, else by position. If names
and order contradict each other, the callable is refused: a guess that swaps two arguments would be reported as a wrong
formula.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from attnspec.errors import BindingError, nearest

Plan = list[tuple[str | None, str]]
"""How to call: pairs of a parameter, or None for the next position, and the equation's argument that it receives."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a callable, as `inspect.signature` has it.

    Attributes:
        name: its name.
        kind: the name of its `inspect.Parameter.kind`.
        has_default: whether it has a default value.
    """

    name: str
    kind: str = "POSITIONAL_OR_KEYWORD"
    has_default: bool = False

    def __str__(self) -> str:
        stars = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}.get(self.kind, "")
        return f"{stars}{self.name}{'=...' if self.has_default else ''}"


def bind(
    parameters: Sequence[Parameter],
    arrays: Sequence[str],
    options: Iterable[str] = (),
    explicit: Mapping[str, str] | None = None,
    common_names: Mapping[str, Sequence[str]] | None = None,
    hints: Mapping[str, str] | None = None,
    *,
    name: str = "the callable",
    equation: str = "the equation",
) -> Plan:
    """Match a callable's parameters with an equation's arguments.

    Args:
        parameters: the callable's parameters, in the order of its signature.
        arrays: the names of the equation's arrays, in its order.
        options: the names of the equation's options, such as heads and eps, which are passed too.
        explicit: {parameter of the callable: argument of the equation}, which overrides names and order.
        common_names: {argument of the equation: other names that parameters for it may have}.
        hints: {argument of the equation: what to do if the callable does not take it}, for the error.
        name: the name of the callable, for the error.
        equation: the name of the equation, for the error.

    Returns:
        How to call it.

    Raises:
        BindingError: a required parameter receives nothing, an argument has no parameter, or the names contradict the
            order.
    """
    binding = _Binding(parameters, list(arrays), list(options), name, equation, hints or {})
    binding.bind_explicit(explicit or {})
    binding.match_names(common_names or {})
    binding.bind_arrays()
    binding.bind_options()
    binding.refuse_unfilled()
    return binding.plan()


def describe_binding(plan: Plan, parameters: Sequence[Parameter]) -> str:
    """Describe which parameter receives which argument, where the two have different names: "query=q, key=k".

    Arguments that `*args` receives are listed in order.
    """
    places = [p.name for p in parameters if p.kind in ("POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD")]
    by_position = [argument for name, argument in plan if name is None]
    pairs = [*zip(places, by_position, strict=False), *((name, argument) for name, argument in plan if name)]
    shown = [f"{name}={argument}" for name, argument in pairs if name != argument]
    rest = by_position[len(places) :] if len(plan) > 1 else []
    return ", ".join([*shown, *([f"{', '.join(rest)} in this order"] if rest else [])])


class _Binding:
    """What is bound so far.

    Attributes:
        bound: the argument of each parameter.
        meant: the argument that a parameter is named after, by the equation's name or a common one.
        positional_rest: the arguments for `*args`.
        keyword_rest: the arguments for `**kwargs`.
    """

    def __init__(
        self,
        parameters: Sequence[Parameter],
        arrays: list[str],
        options: list[str],
        name: str,
        equation: str,
        hints: Mapping[str, str],
    ) -> None:
        self.parameters, self.arrays, self.options = parameters, arrays, options
        self.name, self.equation, self.hints = name, equation, hints
        self.positional = [p for p in parameters if p.kind in ("POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD")]
        self.named = [p for p in parameters if not p.kind.startswith("VAR_")]
        self.has_args = any(p.kind == "VAR_POSITIONAL" for p in parameters)
        self.has_kwargs = any(p.kind == "VAR_KEYWORD" for p in parameters)
        self.bound: dict[str, str] = {}
        self.meant: dict[str, str] = {}
        self.positional_rest: list[str] = []
        self.keyword_rest: list[str] = []

    def bind_explicit(self, explicit: Mapping[str, str]) -> None:
        """Bind what the user named; each name must exist."""
        names, arguments = [p.name for p in self.named], [*self.arrays, *self.options]
        for parameter, argument in explicit.items():
            if parameter not in names:
                self.fail(f"no parameter {parameter!r} to bind", nearest(parameter, names))
            if argument not in arguments:
                self.fail(f"no argument {argument!r} to bind {parameter!r} to", nearest(argument, arguments))
            if argument in self.bound.values():
                both = ", ".join([*(name for name, bound in self.bound.items() if bound == argument), parameter])
                mend = f'bind each argument to one parameter, or if both take it: --weights "{argument}={both}"'
                self.fail(f"{argument!r} is bound twice", mend)
            self.bound[parameter] = argument

    def match_names(self, common_names: Mapping[str, Sequence[str]]) -> None:
        """Note which argument each free parameter is named after.

        A common name counts if it is that of one parameter and one argument, and if no parameter has the argument's
        own name.
        """
        free = [p.name for p in self._free(self.named)]
        arguments = self._unbound([*self.arrays, *self.options])
        self.meant = {name: name for name in free if name in arguments}
        pairs = [
            (name, argument)
            for argument in arguments
            if argument not in self.meant
            for name in common_names.get(argument, ())
            if name in free and name not in self.meant
        ]
        names, meant = Counter(name for name, _ in pairs), Counter(argument for _, argument in pairs)
        self.meant |= {name: argument for name, argument in pairs if names[name] == meant[argument] == 1}

    def bind_arrays(self) -> None:
        """Bind all arrays by name, or else the required parameters in order."""
        unbound = self._unbound(self.arrays)
        free = {p.name for p in self._free(self.named)}
        by_name = {name: argument for name, argument in self.meant.items() if argument in unbound}
        required = [p.name for p in self._free(self.positional) if not p.has_default]
        if len(by_name) == len(unbound):
            self.bound |= by_name
        elif required and all(name in self.meant for name in required) and not (self.has_args or self.has_kwargs):
            missing = [argument for argument in unbound if argument not in by_name.values()]
            self.bound |= by_name
            self.fail(f"no parameter for {', '.join(missing)}", self._suggest(missing))
        elif self._are_keywords(unbound):
            self.bound |= {argument: argument for argument in unbound if argument in free}
            self.keyword_rest += [argument for argument in unbound if argument not in free]
        else:
            self._bind_in_order()

    def _are_keywords(self, arguments: list[str]) -> bool:
        """Return whether the arguments without a parameter of their name can only be meant for `**kwargs`."""
        required = {p.name for p in self._free(self.named) if not p.has_default}
        return self.has_kwargs and not self.has_args and required.issubset([*arguments, *self.options])

    def _bind_in_order(self) -> None:
        """Bind by position; a keyword-only or optional parameter of an argument's name receives that argument."""
        for p in self._free(self.named):
            meant = self.meant.get(p.name)
            if meant in self._unbound(self.arrays) and (p.has_default or p.kind == "KEYWORD_ONLY"):
                self.bound[p.name] = str(meant)
        unbound = self._unbound(self.arrays)
        free = [p.name for p in self._free(self.positional) if self.meant.get(p.name) not in self.options]
        for parameter, argument in zip(free, unbound, strict=False):
            if self.meant.get(parameter, argument) != argument:
                self._refuse_contradiction(parameter, argument, dict(zip(free, unbound, strict=False)))
            self.bound[parameter] = argument
        self.positional_rest = unbound[len(free) :]
        if self.positional_rest and not self.has_args:
            self.fail(f"no parameter for {', '.join(self.positional_rest)}", self._suggest(self.positional_rest))

    def bind_options(self) -> None:
        """Bind each option by name, else to `**kwargs`, else after the arrays.

        An option is never bound to an optional parameter of another name, which may mean anything.
        """
        for option in self._unbound(self.options):
            named = [p.name for p in self._free(self.named) if self.meant.get(p.name) == option]
            required = [p.name for p in self._free(self.positional) if not p.has_default]
            if named:
                self.bound[named[0]] = option
            elif self.has_kwargs:
                self.keyword_rest.append(option)
            elif required:
                self.bound[required[0]] = option
            elif self.has_args:
                self.positional_rest.append(option)
            else:
                self.fail(f"no parameter for the option {option}", self._suggest([option]))

    def refuse_unfilled(self) -> None:
        """Refuse a callable with a required parameter that receives nothing."""
        unfilled = [p.name for p in self._free(self.named) if not p.has_default]
        if unfilled:
            self.fail(
                f"needs {', '.join(unfilled)}, which {self.equation} does not give",
                f"{' '.join(f'--set {name}=VALUE' for name in unfilled)} sets what is not an argument of the equation",
            )

    def plan(self) -> Plan:
        """Return how to call: by keyword where possible, by position where the signature or `*args` needs it."""
        positional_only = [p for p in self.positional if p.kind == "POSITIONAL_ONLY"]
        places = self.positional if self.positional_rest else positional_only
        filled = [p for p in places if p.name in self.bound]
        reached = places if self.positional_rest else places[: len(filled)]
        if filled != reached:
            skipped = next(p.name for p in places if p.name not in self.bound)
            self.fail(f"{skipped} stands before what is passed by position", f"move {skipped} behind it")
        by_position: Plan = [(None, self.bound[p.name]) for p in filled]
        by_name: Plan = [(p.name, self.bound[p.name]) for p in self.named if p.name in self.bound and p not in filled]
        rest: Plan = [(None, argument) for argument in self.positional_rest]
        return [*by_position, *rest, *by_name, *((name, name) for name in self.keyword_rest)]

    def fail(self, headline: str, mend: str = "") -> NoReturn:
        """Raise the error, with both signatures."""
        given = f"{self.name}({', '.join(map(str, self.parameters))})"
        options = [f"{option}=..." for option in self.options]
        expected = f"{self.equation}({', '.join([*self.arrays, *(['*', *options] if options else [])])})"
        raise BindingError(f"{self.name}: {headline}", given=given, expected=expected, mend=mend)

    def _refuse_contradiction(self, parameter: str, argument: str, in_order: Mapping[str, str]) -> NoReturn:
        flags = " ".join(f"--bind {name}={value}" for name, value in in_order.items() if name != value)
        self.fail(
            f"{parameter} stands where {argument} does in {self.equation}, and not all names are the equation's",
            f"rename the parameters, or say which is which; if the order is what counts: {flags}",
        )

    def _suggest(self, missing: list[str]) -> str:
        free = [p.name for p in self._free(self.named)]
        hints = list(dict.fromkeys(self.hints[name] for name in missing if name in self.hints))
        if len(free) == 1 == len(missing):
            return "; ".join([f"if {free[0]} is it: --bind {free[0]}={missing[0]}", *hints])
        pronoun = "it" if len(missing) == 1 else "them"
        return "; ".join(hints) or f"add {pronoun} to the signature, or say which is which with --bind"

    def _free(self, parameters: Iterable[Parameter]) -> list[Parameter]:
        return [p for p in parameters if p.name not in self.bound]

    def _unbound(self, arguments: Iterable[str]) -> list[str]:
        placed = {*self.bound.values(), *self.positional_rest, *self.keyword_rest}
        return [argument for argument in arguments if argument not in placed]
