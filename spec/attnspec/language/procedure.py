"""@procedure: a typed function over words, numbers and tables of them, which no equation of arrays can say.

What it gives is plain: text, whole numbers, and tuples and mappings of these. It has no shapes, no dtype and no
rounding, so an answer is right or it is not.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, ParamSpec, TypeVar, get_type_hints

from attnspec.errors import SpecError, UnknownName, nearest
from attnspec.language.equation import REGISTRY, Equation, Source
from attnspec.language.registry import Registry

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Mistake:
    """A wrong form of a procedure: a function with its parameters.

    Attributes:
        says: the sentence of the diagnosis.
    """

    name: str
    says: str
    function: Callable[..., Any]


@dataclass(eq=False)
class Procedure(Generic[P, R]):
    """A procedure, its sources, and the mistakes that people make in it. Calling it gives its answer.

    Attributes:
        id: family.name
        examples: arguments by name that are always asked: the documents' own, and the hardest.
    """

    id: str
    function: Callable[P, R]
    sources: tuple[Source, ...] = ()
    examples: list[Mapping[str, Any]] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)

    @property
    def family(self) -> str:
        """The family, which is the name of its file."""
        return self.id.split(".")[0]

    @property
    def doc(self) -> str:
        """What the signature cannot say."""
        return inspect.getdoc(self.function) or ""

    @property
    def types(self) -> dict[str, Any]:
        """Each parameter's type, and under "return" the answer's."""
        return get_type_hints(self.function)

    @property
    def parameters(self) -> tuple[str, ...]:
        """What it is about, in order."""
        return self._of(inspect.Parameter.POSITIONAL_OR_KEYWORD)

    @property
    def options(self) -> tuple[str, ...]:
        """What is passed by keyword."""
        return self._of(inspect.Parameter.KEYWORD_ONLY)

    def _of(self, kind: Any) -> tuple[str, ...]:
        return tuple(name for name, each in inspect.signature(self.function).parameters.items() if each.kind == kind)

    @property
    def signature(self) -> str:
        """Names and types, as they are written."""
        return ast.unparse(self._written.args)

    @property
    def gives(self) -> str:
        """The type of the answer, as it is written."""
        return ast.unparse(self._written.returns) if self._written.returns else ""

    @property
    def code(self) -> str:
        """How it is written, with the functions beside it that it calls; what it says is in `doc`."""
        home, names = inspect.getmodule(self.function), inspect.unwrap(self.function).__code__.co_names
        beside: list[Any] = [getattr(home, name, None) for name in names]
        called = [each for each in beside if inspect.isfunction(each) and inspect.getmodule(each) is home]
        own = f"def {self._written.name}({self.signature}) -> {self.gives}:\n{textwrap.indent(self.body, '    ')}"
        return "\n\n\n".join([*(inspect.getsource(each).rstrip() for each in called), own])

    @property
    def body(self) -> str:
        """What it does, line by line."""
        lines = textwrap.dedent(inspect.getsource(self.function)).splitlines()
        return textwrap.dedent("\n".join(lines[self._written.body[1].lineno - 1 :]))

    @property
    def _written(self) -> ast.FunctionDef:
        [written] = ast.parse(textwrap.dedent(inspect.getsource(self.function))).body
        assert isinstance(written, ast.FunctionDef)
        return written

    def called(self, case: Mapping[str, Any]) -> str:
        """A call with these arguments, as it is written."""
        given = [repr(value) if name in self.parameters else f"{name}={value!r}" for name, value in case.items()]
        return f"{self.id.split('.')[-1]}({', '.join(given)})"

    def example(self, gives: R, /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Have these arguments asked of every implementation.

        Raises:
            SpecError: the answer is not `gives`.
        """
        answer = self(*args, **kwargs)
        if answer != gives:
            raise SpecError(f"{self.id} gives something else", given=repr(answer), expected=repr(gives))
        given = dict(inspect.signature(self.function).bind(*args, **kwargs).arguments)
        self.examples[:] = [*(each for each in self.examples if each != given), given]

    def mutant(self, says: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """A mistake that people make: a function with the same parameters, and the sentence that names it.

        Raises:
            SpecError: it does not take what the procedure takes.
        """

        def build(function: Callable[P, R]) -> Callable[P, R]:
            if inspect.signature(function) != inspect.signature(self.function):
                what = f"{function.__name__} does not take what {self.id} takes"
                raise SpecError(what, expected=self.signature, mend="use the same signature")
            self.mistakes[:] = [each for each in self.mistakes if each.name != function.__name__]
            self.mistakes.append(Mistake(function.__name__, says, function))
            return function

        return build

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The answer."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<procedure {self.id}({self.signature})>"


PROCEDURES: Registry[Procedure[..., Any]] = Registry()
"""Every procedure by id, in the order of definition; an id is that of an equation or of a procedure."""


def procedure(*source: Source) -> Callable[[Callable[P, R]], Procedure[P, R]]:
    """Make a procedure of a typed function, and register it as "module.function".

    Args:
        *source: where it stands.

    Raises:
        SpecError: a parameter or the answer has no type, nothing is said of it, or an equation has its id.
    """

    def build(function: Callable[P, R]) -> Procedure[P, R]:
        item = Procedure(f"{function.__module__.split('.')[-1]}.{function.__name__}", function, source)
        untyped = [name for name in (*item.parameters, *item.options, "return") if name not in item.types]
        if untyped:
            raise SpecError(f"{item.id}: no type for {', '.join(untyped)}", expected="text: str, …, -> tuple[str, ...]")
        if not item.doc:
            raise SpecError(f"{item.id} says nothing", expected="a docstring: what its answer is, and what others do")
        if REGISTRY.is_defined(item.id):
            raise SpecError(f"{item.id} is an equation already", mend="name the function otherwise")
        PROCEDURES.add(item.id, item)
        return item

    return build


def specified(id: str) -> Equation[..., Any] | Procedure[..., Any]:
    """The equation or the procedure of an id.

    Raises:
        UnknownName: with the nearest known ids.
    """
    if id in PROCEDURES:
        return PROCEDURES[id]
    if id in REGISTRY:
        return REGISTRY[id]
    mend = nearest(id, [*REGISTRY, *PROCEDURES])
    if mend != nearest(id, REGISTRY):  # one of the near ones is a procedure
        raise UnknownName(f"no equation or procedure {id!r}", given=id, expected="family.name", mend=mend)
    return REGISTRY[id]
