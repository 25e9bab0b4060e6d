"""@equation: makes an `Equation` of a typed function in the notation; and the registry of all equations."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, ParamSpec, TypeVar

from attnspec.errors import SpecError, UnknownName, nearest
from attnspec.language import layers
from attnspec.language.draws import (
    OptionDraw,
    Place,
    check_roles,
    check_scales,
    check_sizes,
    check_symbols,
    option_draws,
    set_sizes,
)
from attnspec.language.parse import parse
from attnspec.language.registry import (
    Registry,
    families,
    family_of,
    is_catalogued,
    load_family,
    name_in_family,
    own_id,
)
from attnspec.language.symbols import Declared, Symbol, symbol
from attnspec.language.tree import Definition, Parameter

if TYPE_CHECKING:
    from attnspec.interpreters.cost.cost import Cost
    from attnspec.interpreters.mutation.mutants import Mutant
    from attnspec.interpreters.rounding.noise import Noise

P = ParamSpec("P")
R = TypeVar("R")


DERIVED = "gradient_of_"
"""The prefix of the name of a derived gradient."""


def derived_id(id: str) -> str:
    """The id of the derived gradient of an equation: "scores.gradient_of_dot" for "scores.dot"."""
    return f"{family_of(id)}.{DERIVED}{name_in_family(id)}"


@dataclass(frozen=True, slots=True)
class Source:
    """Where an equation is published: in a document of the course, in a paper, or in both.

    Attributes:
        document: number of the document, "000" to "004"; "" if there is only a paper.
        heading: the heading in that document.
        paper: the paper, with its revision and section: two revisions can have different equations.

    Examples:
        >>> import attnspec
        >>> print(attnspec.Source(paper="Cho et al. 2014, arXiv:1406.1078v3, sec. 2.3"))
        Cho et al. 2014, arXiv:1406.1078v3, sec. 2.3
    """

    document: str = ""
    heading: str = ""
    paper: str = ""

    def __str__(self) -> str:
        place = f"{self.document}, “{self.heading}”" if self.document else ""
        return "; ".join(part for part in (place, self.paper) if part)


@dataclass(frozen=True, slots=True)
class Curated:
    """A hand-written variant of an equation: a mistake that no mutation operator makes, or an equal rewriting.

    Attributes:
        name: the name of its function.
        says: the sentence that explains it.
        equation: the variant, with the parameters of the equation.
        in_storage: whether it is wrong only by an overflow in the storage dtype.
    """

    name: str
    says: str
    equation: Equation[..., Any]
    in_storage: bool = False


@dataclass(eq=False)
class Equation(Generic[P, R]):
    """An equation of the catalogue or of a user. Calling it computes its value.

    `equation` makes it, and `equations` has it by its id.

    Attributes:
        definition: the syntax tree, from which value, noise, formula, mutants and cost are made. Its form may change.
        function: the Python function that was read.
        sources: where the equation is published.
        convention_of: id of the equation that this is a convention of, or "".
        gradient_of: id of the equation that this is the gradient of, or "".
        says: how this convention differs from that equation, in the words of a diagnosis.
        smallest: smallest meaningful size of a named axis, where it is not the usual one (1 for an axis that is reduced
            over, else 0).
        scales: how test values of a parameter are drawn, where it is not as usual for its name.
        largest: largest size of a named axis in test cases, where larger ones take too long.
        multiple: a number that the sizes of a named axis are multiples of in test cases, where others are not claimed.
        options: how options are drawn for test cases: values that are taken in turn, or a place along an axis.
        is_changed: whether it is another equation with changed lines or calls; `function` is then that of the other.
        evaluations: how many calls of equations were made in this process, of all of them.

    Examples:
        >>> import numpy as np
        >>> import attnspec
        >>> dot = attnspec.equations()["scores.dot"]
        >>> dot
        <equation scores.dot(q (n d), k (m d))>
        >>> dot(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]]))
        array([[11., 17.]])
        >>> dot.id, dot.family, dot.shapes
        ('scores.dot', 'scores', {'q': ('n', 'd'), 'k': ('m', 'd')})
        >>> dot.signature
        'q (n d), k (m d)'
        >>> dot.doc.splitlines()[0]
        'The inner product of query and key.'
        >>> attention = attnspec.equations()["attention.scaled_dot_product"]
        >>> attention.curated[0].says
        'the largest score is not taken off before exp: large scores overflow'
        >>> attention.forms[0].says
        'the sum divided at the end, as online softmax does'
    """

    evaluations: ClassVar[int] = 0
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
    multiple: Mapping[str, int] = field(default_factory=dict)
    own_gradient: list[Equation[..., Any]] = field(default_factory=list, repr=False)
    own_mutants: list[Curated] = field(default_factory=list, repr=False)
    own_forms: list[Curated] = field(default_factory=list, repr=False)

    @property
    def curated(self) -> list[Curated]:
        """The mistakes that were written by hand for this equation, with `mutant`."""
        load_family(self.family, ["mutants"])
        return self.own_mutants

    @property
    def forms(self) -> list[Curated]:
        """The equal rewritings that were written by hand for this equation, with `form`."""
        load_family(self.family, ["rewritings"])
        return self.own_forms

    @property
    def id(self) -> str:
        """The id, "family.name"."""
        return self.definition.id

    @property
    def family(self) -> str:
        """The family, which is the name of its file."""
        return family_of(self.id)

    @property
    def doc(self) -> str:
        """The docstring of its function."""
        if self.is_derived:
            return f"The gradients of {self.gradient_of}, derived from its lines."
        return inspect.getdoc(self.function) or ""

    @property
    def is_derived(self) -> bool:
        """Whether it is a gradient that was derived from the lines of another equation."""
        return self.is_changed and bool(self.gradient_of)

    @property
    def signature(self) -> str:
        """Names and shapes of its arguments, as text."""
        options = [option.name for option in self.definition.options]
        return ", ".join([*filter(None, [_signature(self.definition.parameters)]), *options])

    @property
    def shapes(self) -> dict[str, tuple[str, ...]]:
        """The sizes of each array for one example, by the name of the argument."""
        return {parameter.name: tuple(map(str, parameter.dims)) for parameter in self.definition.parameters}

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Compute the value, in the array namespace and dtype of the arguments.

        Args:
            *args: arrays of NumPy, PyTorch or another namespace of the array API standard, of the shapes in the
                signature. Leading axes in addition to these are batch axes; they broadcast.
            **kwargs: arrays and options by name.

        Returns:
            The array that the equation gives, or a tuple of arrays.

        Raises:
            ShapeError: an array does not fit the signature.
            BindingError: arguments are missing or unknown.

        Examples:
            >>> import numpy as np
            >>> import attnspec
            >>> weights = attnspec.equations()["attention.weights"]
            >>> weights(e=np.array([[0.0, 0.0], [1.0, 1.0]]))
            array([[0.5, 0.5],
                   [0.5, 0.5]])
        """
        Equation.evaluations += 1
        call = importlib.import_module("attnspec.interpreters.evaluation.call")  # late: avoids an import cycle
        return call.answer(self.definition, args, kwargs)  # type: ignore[no-any-return]  # R by the check of the tree

    def noise(
        self, arguments: Mapping[str, Any], *, dtype: str = "float32", policy: str = "op-by-op", seed: int = 0
    ) -> tuple[Noise, ...]:
        """Compute the value and the rounding noise of each output: by how much a correct implementation may be off.

        Args:
            arguments: arrays and options by name. Arrays are NumPy's, or what NumPy makes arrays of, and hold values
                that `dtype` can represent.
            dtype: the storage dtype, one of `DType`.
            policy: the precision policy, one of `PrecisionPolicy`.
            seed: random seed of the simulated roundings.

        Returns:
            A `Noise` for each output.

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
        Equation.evaluations += 1
        given, options = call.bind(self.definition, (), arguments)
        arrays = {name: call.in_float64(array) for name, array in given.items()}
        result: tuple[Noise, ...] = rounding.noise(
            self.definition, arrays, options, policies.preset(policy, dtype), seed
        )
        return result

    def mutants(self) -> tuple[Mutant, ...]:
        """List the known mistakes: curated ones, conventions, and those that mutation operators generate.

        Returns:
            The mutants, in this order. Some generated ones may be equivalent to the equation; a verdict leaves them
            out.

        Examples:
            >>> import attnspec
            >>> [mutant.says for mutant in attnspec.equations()["scores.dot"].mutants()][:1]
            ['in e: q_i and k_j are swapped']
        """
        mutation = importlib.import_module("attnspec.interpreters.mutation.mutants")
        return mutation.mutants(self)  # type: ignore[no-any-return]  # a late import has no types

    def gradient(self) -> Equation[..., Any]:
        """Derive the equation of its gradients, by reverse mode on its lines.

        Returns:
            An equation of the id ``family.gradient_of_name``, as good as one written by hand: it has a value, noise,
            mutants, a formula and a cost. It takes the gradients of the floating-point results, named ``d_…``, then
            the arguments of this equation; it gives the gradients of the floating-point arguments, in their order. All
            of it is for one example.

        Raises:
            SpecError: no floating-point result depends smoothly on a floating-point argument, or the equation takes
                layers.

        Examples:
            >>> import numpy as np
            >>> import attnspec
            >>> gradient = attnspec.equations()["attention.weights"].gradient()
            >>> print(gradient.text())
            ∂α, e ∈ ℝ^(n × m), for 0 ≤ i < n, 0 ≤ j < m
            α_ij = softmax_j(e_ij)
            D_i = Σ_j α_ij ∂α_ij
            ∂e = [α_ij (∂α_ij − D_i)]_ij
            attention.gradient_of_weights = ∂e
            >>> gradient(d_alpha=np.array([[1.0, 0.0]]), e=np.array([[0.0, 0.0]]))
            array([[ 0.25, -0.25]])
            >>> gradient.is_derived
            True
        """
        if not self.own_gradient:
            derivation = importlib.import_module("attnspec.interpreters.gradient.gradient")
            self.own_gradient.append(
                replace(
                    self,
                    definition=derivation.gradient(self.definition),
                    convention_of="",
                    says="",
                    gradient_of=self.id,
                    is_changed=True,
                    own_gradient=[],
                    own_mutants=[],
                    own_forms=[],
                )
            )
        return self.own_gradient[0]

    def latex(self) -> str:
        r"""Write the formula in LaTeX.

        Returns:
            An ``aligned`` environment, for mathematics mode.

        Examples:
            >>> import attnspec
            >>> print(attnspec.equations()["scores.dot"].latex())
            \begin{aligned}
            &q \in \mathbb{R}^{n \times d},\; k \in \mathbb{R}^{m \times d},\; \text{for } 0 \le i < n,\; 0 \le j < m \\
            e_{ij} &= q_{i} \cdot k_{j} \\
            \operatorname{scores.dot} &= [e_{ij}]_{ij}
            \end{aligned}
        """
        formula = importlib.import_module("attnspec.interpreters.formula.formula")
        return str(formula.latex(self.definition))

    def text(self) -> str:
        """Write the formula in Unicode.

        Returns:
            The shapes of the arguments, then a line for each line of the equation.

        Examples:
            >>> import attnspec
            >>> print(attnspec.equations()["scores.dot"].text())
            q ∈ ℝ^(n × d), k ∈ ℝ^(m × d), for 0 ≤ i < n, 0 ≤ j < m
            e_ij = q_i·k_j
            scores.dot = [e_ij]_ij
        """
        formula = importlib.import_module("attnspec.interpreters.formula.formula")
        return str(formula.text(self.definition))

    def cost(self, *, blocked: bool = False) -> Cost:
        """Count parameters, operations, memory and sequential steps for one example.

        Args:
            blocked: count the memory of an implementation that computes the weights of a softmax in blocks.

        Returns:
            Counts as polynomials in the named sizes; memory is in elements.

        Raises:
            SpecError: the equation takes layers; or `blocked` is given for an equation without a softmax whose weights
                are summed over.

        Examples:
            >>> import attnspec
            >>> cost = attnspec.equations()["scores.dot"].cost()
            >>> cost.at(cost.products, {"n": 10, "m": 10, "d": 64})
            12800
        """
        costs = importlib.import_module("attnspec.interpreters.cost.cost")
        return costs.cost(self.definition, blocked=blocked)  # type: ignore[no-any-return]  # a late import has no types

    def mathml(self) -> str:
        """Write the formula in MathML Core, for a page of HTML.

        Returns:
            A ``math`` element. Each part of the equation is an element of its own: ``data-term`` identifies the part,
            and parts with one ``data-key`` stand for the same value.

        Examples:
            >>> import attnspec
            >>> formula = attnspec.equations()["scores.dot"].mathml()
            >>> formula.count('data-key="n:q"')
            2
        """
        formula = importlib.import_module("attnspec.interpreters.formula.formula")
        return str(formula.mathml(self.definition))

    def graph(self) -> dict[str, Any]:
        """Return the data flow as a graph: arrays, lines and operations, and what each of them reads.

        Returns:
            ``nodes`` and ``edges``, as JSON has them. A node has a ``kind`` ("given", "weight", "state", "operation",
            "line" or "result"), the ``key`` of its value in the formula, names, operation and shape; an edge has the
            symbol and the shape of what flows along it.

        Examples:
            >>> import attnspec
            >>> graph = attnspec.equations()["scores.dot"].graph()
            >>> [(edge["source"], edge["target"], edge["symbol"]) for edge in graph["edges"]]
            [('q', '0', 'q_i'), ('k', '0', 'k_j'), ('0', '1', '[e_ij]_ij')]
        """
        figure = importlib.import_module("attnspec.interpreters.figure.graph")
        found: dict[str, Any] = figure.graph(self.definition).json()
        return found

    def svg(self) -> str:
        """Draw the data flow as a picture in SVG.

        Returns:
            An ``svg`` element with a title, a description in words, and the keys of the formula in MathML.

        Examples:
            >>> import attnspec
            >>> attnspec.equations()["scores.dot"].svg().count("<rect")
            4
        """
        figure = importlib.import_module("attnspec.interpreters.figure.graph")
        drawing = importlib.import_module("attnspec.interpreters.figure.svg")
        return str(drawing.svg(figure.graph(self.definition)))

    def _repr_latex_(self) -> str:
        """The formula, for notebooks."""
        return f"$$\n{self.latex()}\n$$"

    def __repr__(self) -> str:
        return f"<equation {self.id}({self.signature})>"


class Equations(Registry[Equation[..., Any]]):
    """All equations by id; the error for an unknown id names the nearest ones.

    A derived gradient is not listed, and is found by its id.
    """

    def __getitem__(self, id: str) -> Equation[..., Any]:
        differentiated = self._differentiated(id)
        if differentiated:
            return self[differentiated].gradient()
        if id not in self:
            of_family = f"`attnspec list {id}` shows the family" if id in families() else ""
            mend = of_family or nearest(id, self) or self._elsewhere(id) or "`attnspec list` shows them all"
            raise UnknownName(f"no equation {id!r}", given=id, expected="family.name of an equation", mend=mend)
        return super().__getitem__(id)

    def __contains__(self, id: object) -> bool:
        return super().__contains__(id) or bool(isinstance(id, str) and self._differentiated(id))

    def _differentiated(self, id: str) -> str:
        """The id of the equation whose derived gradient has an id; "" for any other id."""
        of = f"{family_of(id)}.{name_in_family(id).removeprefix(DERIVED)}"
        return of if of != id and super().__contains__(of) and not super().__contains__(id) else ""

    def gradient(self, id: str) -> Equation[..., Any] | None:
        """Find the equation of the gradients of another equation that was written by hand.

        Args:
            id: the id of the other equation.

        Returns:
            The equation whose `gradient_of` is `id`; None if there is none. `Equation.gradient` derives one.

        Examples:
            >>> import attnspec
            >>> attnspec.REGISTRY.gradient("attention.weights").id
            'backward.attention_weights'
        """
        return next((item for item in self.values() if item.gradient_of == id), None)

    def _elsewhere(self, id: str) -> str:
        named = [known for known in self if name_in_family(known) == name_in_family(id)]
        return f"did you mean {' or '.join(named)}?" if named else ""


REGISTRY = Equations("equations")
"""All equations by id, as `equations` returns them: those of the catalogue, then those that users define.

A read-only mapping. The catalogue is loaded when it is first used. `REGISTRY.family(name)` lists the equations of a
family, `REGISTRY.gradient(id)` finds the equation of the gradients of an equation.

Examples:
    >>> import attnspec
    >>> "recurrent.gru_cell" in attnspec.REGISTRY
    True
    >>> attnspec.REGISTRY.family("scores")[0].id
    'scores.additive'
    >>> attnspec.REGISTRY.gradient("attention.scaled_dot_product").id
    'backward.scaled_dot_product'
"""


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
    symbols: Mapping[str, Symbol] | None = None,
    sizes: Mapping[str, str] | None = None,
) -> Callable[[Callable[P, R]], Equation[P, R]]:
    """Make an equation of a typed function in the notation, and register it as "module.function".

    The body of the function is read from its source and never run. `attnspec.notation` has the words that it may use.

    Args:
        *source: where the equation is published.
        name: the name in the id, if the function cannot have it because it is a word of the notation.
        convention_of: the equation of which this is another convention.
        says: how the convention differs from that equation, in the words of a diagnosis.
        smallest: {axis: smallest meaningful size}, where it is not the usual one (1 for an axis that is reduced over,
            else 0).
        scales: {parameter: how test values are drawn}, where it is not as usual for its name: "normal", "scores",
            "weights", "bias", "fan_in", "state", "positive" or "uniform"; for whole numbers "length", "token",
            "token or missing" or "bit".
        gradient_of: the equation of which this is the gradient. It takes the gradients of that equation's results,
            named ``d_…``, then that equation's arguments; it gives the gradients of the floating-point arguments, in
            their order.
        largest: {axis: largest size in test cases}, where larger ones take too long.
        options: {option: how it is drawn}: values that are taken in turn from case to case, such as
            ``{"base": (10_000.0, 500.0)}``, or a place along an axis, ``{"start": Place("v")}``. By default, an option
            is drawn over several magnitudes, above 0 if it is a float, from 0 on if it is a whole number; options of a
            gradient are drawn as its equation declares. ``{"heads": Size("H")}`` is an option that is a size.
        symbols: {array: `Symbol`}: what it stands for, whether it is learned, how its test values are drawn and within
            which range, where that is not as usual for its name. A gradient inherits those of its equation.
        sizes: {axis: its role}, where that is not as usual for its name: "width", "head width", "steps", "queries",
            "keys", "words", "heads", "few queries", "layers", "stacked layers", "block" or "most steps". It decides
            which sizes test cases have; "steps" bounds a "length", and "words" a "token".

    Returns:
        A decorator that makes an `Equation` of the function.

    Raises:
        NotationError: the function is outside the notation, or its shapes do not fit.
        SpecError: a source is not a `Source`, as without brackets; the arguments or results are not those of the
            gradient; another file has an equation of this id; or `smallest`, `largest`, `sizes`, `scales`, `symbols`
            or `options` have a name that the equation lacks, a role or distribution that does not exist, or an empty
            range.

    Examples:
        >>> import numpy as np
        >>> import attnspec
        >>> from attnspec.notation import Float, Tensor, index, log, sum
        >>> @attnspec.equation(attnspec.Source(paper="Shannon 1948, sec. 6"))
        ... def entropy(p: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        ...     i = index("n")
        ...     return -sum(i, p[i] * log(p[i]))
        >>> entropy(np.array([0.5, 0.5]))
        array(0.69314718)
        >>> attnspec.verify(lambda p: -(p * np.log(p)).sum(axis=-1), entropy).verdict.value
        'conforms'
    """

    for item in source:
        if not isinstance(item, Source):
            raise SpecError(
                "an equation is decorated without brackets" if callable(item) else "a source is not a Source",
                given=f"{getattr(item, '__name__', item)!r}",
                expected='Source(paper="…"), or nothing',
                mend='@equation(Source(paper="…")), or @equation()',
            )

    def build(function: Callable[P, R]) -> Equation[P, R]:
        inherited = gradient_of.definition.declared if gradient_of is not None else Declared()
        declared = Declared(
            {**inherited.symbols, **(symbols or {})},
            {**inherited.roles, **(sizes or {})},
            {**inherited.options, **set_sizes(options or {})},
        )
        definition = define(function, own_id(function.__module__, name or function.__name__), declared)
        if gradient_of is not None:
            definition = _gradient(definition, gradient_of)
        check_sizes(definition, "smallest", smallest or {})
        check_sizes(definition, "largest", largest or {})
        check_roles(definition, sizes or {})
        check_scales(definition, scales or {})
        check_symbols(definition, symbols or {})
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
            {**(gradient_of.options if gradient_of is not None else {}), **option_draws(definition, options or {})},
        )
        _register(item)
        return item

    return build


def _register(item: Equation[..., Any]) -> None:
    """Add an equation to the registry. It replaces an earlier one of the same module, as in a cell that is run again.

    Raises:
        SpecError: another file has defined an equation of that id.
    """
    new = item.function
    is_known = REGISTRY.is_defined(item.id) if is_catalogued(new.__module__) else item.id in REGISTRY
    if is_known and (known := REGISTRY[item.id].function).__module__ != new.__module__:
        raise SpecError(
            f"{item.id} is an equation of {'the catalogue' if is_catalogued(known.__module__) else known.__module__}",
            given=f"{new.__qualname__} of the module {new.__module__}",
            expected="an id, MODULE.NAME, that no other equation has",
            mend="give the file or the function another name",
        )
    REGISTRY.add(item.id, item)


def as_definition(value: object) -> Definition | None:
    """The syntax tree of an object that is an equation; else None."""
    return value.definition if isinstance(value, Equation) else None


def define(function: Callable[..., Any], id: str, declared: Declared) -> Definition:
    """The checked syntax tree of a function."""
    definition = parse(function, id, as_definition, declared)
    return layers.known(definition)


def _gradient(definition: Definition, forward: Equation[..., Any]) -> Definition:
    """A gradient whose results are named after the arguments that they are the gradients of.

    Raises:
        SpecError: it does not have the parameters or results of a gradient of `forward`.
    """
    given, parameters = forward.definition, definition.parameters
    outputs = tuple(result for result in given.results if result.kind == "float")
    first, rest = parameters[: len(outputs)], parameters[len(outputs) :]
    fits = [parameter.dims for parameter in first] == [result.dims for result in outputs]
    named = all(parameter.name.startswith("d_") and parameter.kind == "float" for parameter in first)
    if not fits or not named or (rest, definition.options) != (given.parameters, given.options):
        expected = [Parameter(gradient_name(result.name), "float", result.dims) for result in outputs]
        raise SpecError(
            f"{definition.id} does not have the parameters of a gradient of {forward.id}",
            given=_signature(parameters),
            expected=_signature((*expected, *given.parameters)),
            mend="first the gradients of the results, named d_…, then the parameters of the equation, in its order",
        )
    results = tuple(
        Parameter(f"d_{p.name}", "float", p.dims, symbol=symbol(f"d_{p.name}", definition.id))
        for p in given.parameters
        if p.kind == "float"
    )
    if [(result.kind, result.dims) for result in definition.results] != [(p.kind, p.dims) for p in results]:
        raise SpecError(
            f"{definition.id} does not have the results of a gradient of {forward.id}",
            given=_signature(definition.results),
            expected=_signature(results),
            mend="the gradients of its float parameters, each in its shape and in their order",
        )
    return replace(definition, results=results)


def gradient_name(result: str) -> str:
    """The name of the gradient of a result; a result without a name is called o."""
    return f"d_{result}" if result.isidentifier() and result != "result" else "d_o"


def _signature(parameters: Iterable[Parameter]) -> str:
    """Names and shapes of parameters, as text."""
    return ", ".join(
        f"{p.name} of ({_signature(p.layer.takes)})" if p.layer else f"{p.name} ({' '.join(map(str, p.dims))})"
        for p in parameters
    )
