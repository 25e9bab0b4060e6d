"""@equation: a typed function that reads like the paper becomes an equation, with everything made of it."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from attnspec.errors import SpecError, UnknownName, nearest
from attnspec.language import layers
from attnspec.language.changes import changed
from attnspec.language.draws import OptionDraw, Place, check_scales, check_sizes, option_draws
from attnspec.language.parse import Origin, parse
from attnspec.language.registry import Registry, is_catalogued, load_family
from attnspec.language.tree import Definition, Parameter

if TYPE_CHECKING:
    from attnspec.interpreters.cost.cost import Cost
    from attnspec.interpreters.mutation.mutants import Mutant
    from attnspec.interpreters.rounding.noise import Noise

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Source:
    """Where an equation stands: a document by number and heading, and the paper behind it.

    Attributes:
        document: the number of the document, "000" to "004"; empty where only a paper has it.
        heading: the heading in it.
        paper: the paper, with revision and section, since two revisions can hold two equations.
    """

    document: str = ""
    heading: str = ""
    paper: str = ""

    def __str__(self) -> str:
        place = f"{self.document}, “{self.heading}”" if self.document else ""
        return "; ".join(part for part in (place, self.paper) if part)


@dataclass(frozen=True, slots=True)
class Curated:
    """A mistake that people make and that no operator generates: an equation of its own, wrong on purpose.

    Attributes:
        says: the sentence of the diagnosis.
        equation: the wrong form, with the parameters of the right one.
        in_storage: it is wrong only in the storage dtype, by what overflows there.
    """

    name: str
    says: str
    equation: Equation[..., Any]
    in_storage: bool = False


@dataclass(eq=False)
class Equation(Generic[P, R]):
    """An equation: its tree, its sources, and what is known of it. Calling it computes its value.

    Attributes:
        definition: the syntax tree, from which every interpretation is made.
        function: the Python function that was read.
        sources: where it stands.
        convention_of: the id of the equation that this is a convention of, or "".
        gradient_of: the id of the equation that this is the gradient of, or "".
        says: what tells this convention from its equation, as the words of a diagnosis.
        smallest: the smallest size of a named axis for which it has a meaning (0 where nothing is said for
            axes without a reduction, else 1).
        scales: how a parameter is drawn where its symbol's own way does not fit.
        largest: the largest size of a named axis that is asked, where each of its places takes a whole recurrence.
        options: how options are drawn: the values that are taken in turn, or a place along an axis.
        is_changed: it is another equation with changed lines or calls; `function` is that of the other.
    """

    definition: Definition
    function: Callable[P, R]
    sources: tuple[Source, ...] = ()
    convention_of: str = ""
    says: str = ""
    smallest: Mapping[str, int] = field(default_factory=dict)
    scales: Mapping[str, str] = field(default_factory=dict)
    gradient_of: str = ""
    largest: Mapping[str, int] = field(default_factory=dict)
    options: Mapping[str, tuple[float, ...] | Place] = field(default_factory=dict)
    is_changed: bool = False
    own_mutants: list[Curated] = field(default_factory=list, repr=False)
    own_forms: list[Curated] = field(default_factory=list, repr=False)

    @property
    def curated(self) -> list[Curated]:
        """The mistakes that were written for it; those of the catalogue are loaded with its family."""
        load_family(self.family)
        return self.own_mutants

    @property
    def forms(self) -> list[Curated]:
        """The equal rewritings that were written for it; those of the catalogue are loaded with its family."""
        load_family(self.family)
        return self.own_forms

    @property
    def id(self) -> str:
        """family.name"""
        return self.definition.id

    @property
    def family(self) -> str:
        """The family, which is the name of its file."""
        return self.id.split(".")[0]

    @property
    def doc(self) -> str:
        """What the signature cannot say."""
        return inspect.getdoc(self.function) or ""

    @property
    def signature(self) -> str:
        """Names and shapes, as in the catalogue: x (d), h (u), …"""
        options = [option.name for option in self.definition.options]
        return ", ".join([*filter(None, [_signature(self.definition.parameters)]), *options])

    @property
    def shapes(self) -> dict[str, tuple[str, ...]]:
        """The axes of each argument for one example, by name: ``{"x": ("d",), "W_xr": ("d", "u")}``."""
        return {each.name: tuple(map(str, each.dims)) for each in self.definition.parameters}

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The value, in the arrays' own namespace and dtype. Leading axes beyond the signature's are batch axes.

        Raises:
            ShapeError: an array does not fit the signature.
            BindingError: arguments are missing or unknown.
        """
        call = importlib.import_module("attnspec.interpreters.evaluation.call")  # late: the language knows none
        return call.answer(self.definition, args, kwargs)  # type: ignore[no-any-return]  # R by the check of the tree

    def noise(
        self, arguments: Mapping[str, Any], *, dtype: str = "float32", policy: str = "op-by-op", seed: int = 0
    ) -> tuple[Noise, ...]:
        """Value and rounding noise of every output: what an honest implementation may differ by, element by element.

        Args:
            arguments: arrays and options by name. Floating-point arrays are NumPy's, in float64, and hold values that
                `dtype` can represent.
            dtype: the storage dtype.
            policy: the precision policy, one of `PrecisionPolicy`.
            seed: random seed of the simulated roundings.

        Returns:
            A `Noise` for each output: `value`, `sigma` and `bound` in the unit and shape of the output.

        Raises:
            ShapeError: an array does not fit the signature.
            BindingError: arguments are missing or unknown.
            UnknownName: there is no such policy for this dtype.

        Examples:
            >>> import numpy as np
            >>> import attnspec
            >>> [noise] = attnspec.equations()["attention.weights"].noise({"e": np.array([[0.0, 1.0]])})
            >>> bool((noise.bound < 1e-6).all())
            True
        """
        call = importlib.import_module("attnspec.interpreters.evaluation.call")
        rounding = importlib.import_module("attnspec.interpreters.rounding.noise")
        policies = importlib.import_module("attnspec.interpreters.rounding.policy")
        arrays, options = call.bind(self.definition, (), arguments)
        found: tuple[Noise, ...] = rounding.noise(
            self.definition, arrays, options, policies.preset(policy, dtype), seed
        )
        return found

    def mutants(self) -> tuple[Mutant, ...]:
        """Every known mistake: curated ones, conventions, and those that mutation operators generate.

        Some of the generated ones may be equivalent to the equation; a verdict leaves these out.

        Examples:
            >>> import attnspec
            >>> [mutant.says for mutant in attnspec.equations()["scores.dot"].mutants()][:1]
            ['in the result: k is transposed']
        """
        mutation = importlib.import_module("attnspec.interpreters.mutation.mutants")
        return mutation.mutants(self)  # type: ignore[no-any-return]  # a late import has no types

    def latex(self) -> str:
        """The formula in LaTeX, as an ``aligned`` environment for mathematics mode."""
        formula = importlib.import_module("attnspec.interpreters.formula.formula")
        return str(formula.latex(self.definition))

    def text(self) -> str:
        """The formula in Unicode, a line for each of its lines."""
        formula = importlib.import_module("attnspec.interpreters.formula.formula")
        return str(formula.text(self.definition))

    def cost(self, *, blocked: bool = False) -> Cost:
        """Parameters, operations, memory in elements and steps for one example, as polynomials in the named sizes.

        Args:
            blocked: count the memory of an implementation that takes the weights of a softmax in blocks.

        Raises:
            SpecError: the equation takes layers; or `blocked` is asked of one without a softmax that is summed over.

        Examples:
            >>> import attnspec
            >>> str(attnspec.equations()["scores.dot"].cost().products)
            '2dmn'
        """
        costs = importlib.import_module("attnspec.interpreters.cost.cost")
        return costs.cost(self.definition, blocked=blocked)  # type: ignore[no-any-return]  # a late import has no types

    def _repr_latex_(self) -> str:
        """The formula, for notebooks."""
        return f"$$\n{self.latex()}\n$$"

    def __repr__(self) -> str:
        return f"<equation {self.id}({self.signature})>"


class Equations(Registry[Equation[..., Any]]):
    """Every equation by id; a misspelt id is answered with the nearest."""

    def __getitem__(self, id: str) -> Equation[..., Any]:
        if id not in self:
            mend = nearest(id, self) or self._elsewhere(id) or "`attnspec list` shows them all"
            raise UnknownName(f"no equation {id!r}", given=id, expected="family.name of an equation", mend=mend)
        return super().__getitem__(id)

    def gradient(self, id: str) -> Equation[..., Any] | None:
        """The equation that is the gradient of the equation `id`; None where nobody has written it."""
        return next((item for item in self.values() if item.gradient_of == id), None)

    def _elsewhere(self, id: str) -> str:
        named = [known for known in self if known.split(".")[1] == id.split(".")[-1]]
        return f"did you mean {' or '.join(named)}?" if named else ""


REGISTRY = Equations()
"""Every equation by id: the catalogue's, loaded when it is first looked up, and those that users define."""


def equation(
    *source: Source,
    name: str = "",
    convention_of: Equation[..., Any] | None = None,
    says: str = "",
    smallest: Mapping[str, int] | None = None,
    scales: Mapping[str, str] | None = None,
    gradient_of: Equation[..., Any] | None = None,
    largest: Mapping[str, int] | None = None,
    options: Mapping[str, OptionDraw] | None = None,
) -> Callable[[Callable[P, R]], Equation[P, R]]:
    """Make an equation of a function in the notation, and register it as "module.function".

    Args:
        *source: where it stands.
        name: its name, where the function's own would hide a word of the vocabulary.
        convention_of: the equation of which this is another convention.
        says: what tells it from that one.
        smallest: the smallest meaningful size of an axis, where it is not the usual one.
        scales: how arrays are drawn, by name, where the table of symbols does not say it: "normal", "scores",
            "weights", "bias", "fan_in", "state", "positive" or "uniform"; whole numbers are a "length", a "token", a
            "token or missing" or a "bit".
        gradient_of: the equation of which this is the gradient: it takes the gradients of that one's results, named
            `d_…`, then what that one takes, and gives the gradients of its float parameters in their order.
        largest: the largest size of an axis that is asked, where larger ones cost more than they tell.
        options: how options are drawn, by name: values that are taken in turn from case to case, such as
            ``{"base": (10_000.0, 500.0)}``, or a place along an axis, ``{"start": Place("v")}``. An option that is not
            here is drawn over several magnitudes, above 0 if it is a float and from 0 on if it is a whole number; those
            of a gradient are drawn as its equation declares.

    Raises:
        NotationError: the body is outside the notation, or its shapes do not fit.
        SpecError: it does not take or give what a gradient takes and gives; or `smallest`, `largest`, `scales` or
            `options` name what the equation does not have, or a way of drawing that does not exist.
    """

    def build(function: Callable[P, R]) -> Equation[P, R]:
        definition = _define(function, f"{function.__module__.split('.')[-1]}.{name or function.__name__}")
        if gradient_of is not None:
            definition = _gradient(definition, gradient_of)
        check_sizes(definition, "smallest", smallest or {})
        check_sizes(definition, "largest", largest or {})
        check_scales(definition, scales or {})
        inherited = gradient_of.options if gradient_of is not None else {}
        item = Equation(
            definition,
            function,
            source,
            convention_of.id if convention_of else "",
            says,
            dict(smallest or {}),
            dict(scales or {}),
            gradient_of.id if gradient_of else "",
            dict(largest or {}),
            {**inherited, **option_draws(definition, options or {})},
        )
        _register(item)
        return item

    return build


def _register(item: Equation[..., Any]) -> None:
    """Add an equation to the registry.

    Raises:
        SpecError: the catalogue has another equation of that id.
    """
    module = item.function.__module__
    if not is_catalogued(module) and item.id in REGISTRY and is_catalogued(REGISTRY[item.id].function.__module__):
        raise SpecError(
            f"{item.id} is an equation of the catalogue",
            given=f"{item.function.__qualname__} of the module {module}",
            expected="an id, MODULE.NAME, that no other equation has",
            mend="give the file or the function another name",
        )
    REGISTRY.add(item.id, item)


def mutant(of: Equation[..., Any], says: str, in_storage: bool = False) -> Callable[[Callable[P, R]], Equation[P, R]]:
    """A curated mistake: a wrong form of `of`, with the same parameters, and the sentence that names it.

    Args:
        in_storage: it is equal in real numbers, and wrong only by what overflows in the storage dtype.
    """
    return _variant(of, says, of.own_mutants, in_storage)


def form(of: Equation[..., Any], says: str) -> Callable[[Callable[P, R]], Equation[P, R]]:
    """An equal rewriting of `of` whose rounding differs, and `says` what it costs; a claim accepts it by its name."""
    return _variant(of, says, of.own_forms)


def mutate(
    of: Equation[P, R],
    name: str,
    lines: Mapping[str, str] | None = None,
    *,
    says: str,
    calls: Mapping[Equation[..., Any], Equation[..., Any]] | None = None,
    in_storage: bool = False,
) -> Equation[P, R]:
    """A curated mistake in some lines of an equation: `mutant` without a copy of the equation.

    Args:
        of: the equation.
        name: the name of the mistake, part of its id.
        lines: the wrong right-hand side of each changed line, by the name that the line defines, such as "f" or "h, c";
            "return" is what is returned. A name that no line defines is a new line, before the next one that is
            changed. They may use all words of the notation, what the equation calls, and the equations that have a name
            where `mutate` is called.
        says: the sentence that names it.
        calls: equations that the equation calls, each with the one that is called in its place, such as a mistake of
            it; also in the changed lines.
        in_storage: it is equal in real numbers, and wrong only by what overflows in the storage dtype.

    Returns:
        The wrong equation, which other mistakes may call. Lines that are then not read are left out.

    Raises:
        NotationError: a line is outside the notation, or the equation has no such line.
        SpecError: nothing changes; or `calls` has an equation that is not called, or in its place one that takes or
            gives something else.

    Examples:
        >>> import attnspec
        >>> gru_cell = attnspec.equations()["recurrent.gru_cell"]
        >>> wrong = attnspec.mutate(
        ...     gru_cell,
        ...     "candidate_by_sigmoid",
        ...     says="the candidate goes through σ, not tanh",
        ...     lines={"h_tilde": "sigmoid(x @ W_xh + (r * h) @ W_hh + b_h)"},
        ... )
        >>> gru_cell.own_mutants.pop().name
        'candidate_by_sigmoid'
    """
    item = _changed(of, name, lines or {}, calls or {})
    _keep(of.own_mutants, Curated(name, says, item, in_storage))
    return item


def rewrite(
    of: Equation[P, R],
    name: str,
    lines: Mapping[str, str] | None = None,
    *,
    says: str,
    calls: Mapping[Equation[..., Any], Equation[..., Any]] | None = None,
) -> Equation[P, R]:
    """An equal rewriting of some lines of an equation: `form` without a copy of the equation.

    Args:
        of: the equation.
        name: the name of the form; a claim accepts it by this name.
        lines: as for `mutate`.
        says: what is done otherwise, and what it costs.
        calls: as for `mutate`.

    Returns:
        The rewritten equation.

    Raises:
        NotationError: as for `mutate`.
        SpecError: as for `mutate`.
    """
    item = _changed(of, name, lines or {}, calls or {})
    _keep(of.own_forms, Curated(name, says, item))
    return item


def _changed(
    of: Equation[P, R],
    name: str,
    lines: Mapping[str, str],
    calls: Mapping[Equation[..., Any], Equation[..., Any]],
) -> Equation[P, R]:
    """The equation with some of its lines or calls changed, as it is written by the caller's caller."""
    caller = sys._getframe(2)
    origin = Origin(caller.f_code.co_filename, caller.f_lineno - 1, {**caller.f_globals, **caller.f_locals})
    if of.is_changed:
        raise SpecError(
            f"{origin.place()}: {of.id} is itself written as a change",
            expected="an equation with lines of its own",
            mend="change the lines of the equation that it changes",
        )
    pairs = [(old.definition, new.definition) for old, new in calls.items()]
    definition = changed(of.definition, of.function, f"{of.id}/{name}", _callee, lines, pairs, origin)
    return Equation(definition, of.function, of.sources, is_changed=True)


def _keep(kept: list[Curated], item: Curated) -> None:
    """In place of an earlier one of that name."""
    kept[:] = [known for known in kept if known.name != item.name]
    kept.append(item)


def _variant(
    of: Equation[..., Any], says: str, kept: list[Curated], in_storage: bool = False
) -> Callable[[Callable[P, R]], Equation[P, R]]:
    def build(function: Callable[P, R]) -> Equation[P, R]:
        definition = _define(function, f"{of.id}/{function.__name__}")
        if (definition.parameters, definition.options) != (of.definition.parameters, of.definition.options):
            what = f"{definition.id} does not take what {of.id} takes"
            raise SpecError(what, expected=of.signature, mend="use the same signature")
        item = Equation(definition, function, of.sources)
        _keep(kept, Curated(function.__name__, says, item, in_storage))
        return item

    return build


def _callee(value: object) -> Definition | None:
    """The tree of an object that is an equation."""
    return value.definition if isinstance(value, Equation) else None


def _define(function: Callable[..., Any], id: str) -> Definition:
    definition = parse(function, id, _callee)
    return layers.known(definition)


def _gradient(definition: Definition, forward: Equation[..., Any]) -> Definition:
    """A gradient with its results named after what they are the gradients of.

    Raises:
        SpecError: it does not take or give what the gradient of `forward` takes and gives.
    """
    given, own = forward.definition, definition.parameters
    outputs = tuple(result for result in given.results if result.kind == "float")
    first, rest = own[: len(outputs)], own[len(outputs) :]
    fits = [parameter.dims for parameter in first] == [result.dims for result in outputs]
    named = all(parameter.name.startswith("d_") and parameter.kind == "float" for parameter in first)
    if not fits or not named or (rest, definition.options) != (given.parameters, given.options):
        wanted = [Parameter(_named(result.name), "float", result.dims) for result in outputs]
        raise SpecError(
            f"{definition.id} does not take what the gradient of {forward.id} takes",
            given=_signature(own),
            expected=_signature((*wanted, *given.parameters)),
            mend="first the gradients of the results, named d_…, then what the equation takes, in its order",
        )
    results = tuple(Parameter(f"d_{p.name}", "float", p.dims) for p in given.parameters if p.kind == "float")
    if [(result.kind, result.dims) for result in definition.results] != [(p.kind, p.dims) for p in results]:
        raise SpecError(
            f"{definition.id} does not give what the gradient of {forward.id} gives",
            given=_signature(definition.results),
            expected=_signature(results),
            mend="the gradients of its float parameters, each in its shape and in their order",
        )
    return replace(definition, results=results)


def _named(result: str) -> str:
    """What the gradient of a result may be called; one without a name is an output."""
    return f"d_{result}" if result.isidentifier() and result != "result" else "d_o"


def _signature(parameters: Iterable[Parameter]) -> str:
    return ", ".join(
        f"{each.name} of ({_signature(each.layer.takes)})"
        if each.layer
        else f"{each.name} ({' '.join(map(str, each.dims))})"
        for each in parameters
    )
