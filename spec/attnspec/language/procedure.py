"""@procedure: makes a `Procedure` of a typed function on plain values; and the registry of all procedures.

Plain values are text, integers, truth values, and tuples and mappings of these. They have no shape, dtype or rounding,
so an answer is judged by equality.
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
from attnspec.language.registry import PACKAGES, Registry, family_of, own_id

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Mistake:
    """A wrong variant of a procedure.

    Attributes:
        name: the name of the function.
        says: the sentence that explains it in a diagnosis.
        function: the variant, with the parameters of the procedure.
    """

    name: str
    says: str
    function: Callable[..., Any]


@dataclass(eq=False)
class Procedure(Generic[P, R]):
    """A procedure of the catalogue or of a user. Calling it gives its answer.

    `procedure` makes it, and `PROCEDURES` has it by its id.

    Attributes:
        id: the id, "family.name".
        function: the Python function.
        sources: where the procedure is published.
        examples: arguments by name; every implementation is called with them.
        mistakes: the known mistakes, each with a `name` and the sentence that explains it, `says`.

    Examples:
        >>> import attnspec
        >>> encode = attnspec.PROCEDURES["text.encode"]
        >>> encode
        <procedure text.encode(tokens: tuple[str, ...], vocabulary: Mapping[str, int])>
        >>> encode(("a", "b"), {"a": 1})
        (1, -1)
        >>> encode.family, encode.parameters, encode.options, encode.gives
        ('text', ('tokens', 'vocabulary'), (), 'tuple[int, ...]')
        >>> encode.types["return"]
        tuple[int, ...]
        >>> encode.signature
        'tokens: tuple[str, ...], vocabulary: Mapping[str, int]'
        >>> encode.doc.splitlines()[0]
        'The index of each word: as many as there are words. One that is unknown is −1, missing.'
        >>> print(encode.code)
        def encode(tokens: tuple[str, ...], vocabulary: Mapping[str, int]) -> tuple[int, ...]:
            return tuple(vocabulary.get(word, -1) for word in tokens)
        >>> print(encode.body)
        return tuple(vocabulary.get(word, -1) for word in tokens)
    """

    id: str
    function: Callable[P, R]
    sources: tuple[Source, ...] = ()
    examples: list[Mapping[str, Any]] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)

    @property
    def family(self) -> str:
        """The family, which is the name of its file."""
        return family_of(self.id)

    @property
    def doc(self) -> str:
        """The docstring of its function."""
        return inspect.getdoc(self.function) or ""

    @property
    def types(self) -> dict[str, Any]:
        """The type of each parameter by name, and under "return" that of the answer."""
        return get_type_hints(self.function)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of its positional parameters, in order."""
        return self._of(inspect.Parameter.POSITIONAL_OR_KEYWORD)

    @property
    def options(self) -> tuple[str, ...]:
        """The names of its keyword-only parameters, in order."""
        return self._of(inspect.Parameter.KEYWORD_ONLY)

    def _of(self, kind: Any) -> tuple[str, ...]:
        parameters = inspect.signature(self.function).parameters
        return tuple(name for name, parameter in parameters.items() if parameter.kind == kind)

    @property
    def signature(self) -> str:
        """Its parameters with their types, as they are written."""
        return ast.unparse(self._written.args)

    @property
    def gives(self) -> str:
        """The type of the answer, as it is written."""
        return ast.unparse(self._written.returns) if self._written.returns else ""

    @property
    def code(self) -> str:
        """Its source without the docstring, after the functions of its module that it calls."""
        module, names = inspect.getmodule(self.function), inspect.unwrap(self.function).__code__.co_names
        values: list[Any] = [getattr(module, name, None) for name in names]
        called = [value for value in values if inspect.isfunction(value) and inspect.getmodule(value) is module]
        code = f"def {self._written.name}({self.signature}) -> {self.gives}:\n{textwrap.indent(self.body, '    ')}"
        return "\n\n\n".join([*(inspect.getsource(function).rstrip() for function in called), code])

    @property
    def body(self) -> str:
        """The source of its body, without the docstring."""
        lines = textwrap.dedent(inspect.getsource(self.function)).splitlines()
        return textwrap.dedent("\n".join(lines[self._written.body[1].lineno - 1 :]))

    @property
    def _written(self) -> ast.FunctionDef:
        [written] = ast.parse(textwrap.dedent(inspect.getsource(self.function))).body
        assert isinstance(written, ast.FunctionDef)
        return written

    def called(self, case: Mapping[str, Any]) -> str:
        """Write a call as text.

        Args:
            case: arguments by name.

        Returns:
            The call, with options by keyword.

        Examples:
            >>> import attnspec
            >>> attnspec.PROCEDURES["text.encode"].called({"tokens": ("a",), "vocabulary": {"a": 1}})
            "encode(('a',), {'a': 1})"
        """
        given = [repr(value) if name in self.parameters else f"{name}={value!r}" for name, value in case.items()]
        return f"{self.id.split('.')[-1]}({', '.join(given)})"

    def example(self, gives: R, /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Add an example, which every implementation is called with; it replaces an equal one.

        Args:
            gives: the right answer.
            *args: arguments of the procedure.
            **kwargs: arguments of the procedure by name.

        Raises:
            SpecError: the procedure gives another answer.

        Examples:
            >>> import attnspec
            >>> @attnspec.procedure()
            ... def doubled(text: str) -> str:
            ...     "The text twice."
            ...     return text + text
            >>> doubled.example("abab", "ab")
            >>> doubled.examples
            [{'text': 'ab'}]
        """
        answer = self(*args, **kwargs)
        if answer != gives:
            raise SpecError(f"{self.id} returned a different value", given=repr(answer), expected=repr(gives))
        given = dict(inspect.signature(self.function).bind(*args, **kwargs).arguments)
        self.examples[:] = [*(example for example in self.examples if example != given), given]

    def mutant(self, says: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Add a mistake: a wrong variant that verdicts recognise.

        Args:
            says: the sentence that explains the mistake in a diagnosis.

        Returns:
            A decorator that returns its function unchanged.

        Raises:
            SpecError: the parameters or types of the function are not those of the procedure.

        Examples:
            >>> import attnspec
            >>> @attnspec.procedure()
            ... def shortest(words: tuple[str, ...]) -> str:
            ...     "The shortest word; the first of several."
            ...     return min(words, key=len)
            >>> @shortest.mutant("the last of several is taken")
            ... def the_last(words: tuple[str, ...]) -> str:
            ...     return min(reversed(words), key=len)
            >>> [mistake.name for mistake in shortest.mistakes]
            ['the_last']
        """

        def build(function: Callable[P, R]) -> Callable[P, R]:
            if inspect.signature(function) != inspect.signature(self.function):
                what = f"{function.__name__} does not have the signature of {self.id}"
                raise SpecError(what, expected=self.signature, mend="use the same signature")
            self.mistakes[:] = [mistake for mistake in self.mistakes if mistake.name != function.__name__]
            self.mistakes.append(Mistake(function.__name__, says, function))
            return function

        return build

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Compute the answer.

        Args:
            *args: arguments of its function.
            **kwargs: arguments of its function by name.

        Returns:
            The answer, a plain value.

        Examples:
            >>> import attnspec
            >>> vocabulary = attnspec.PROCEDURES["text.vocabulary"]
            >>> vocabulary((("b", "a"), ("b",)), v=10)
            {'b': 1, 'a': 2}
        """
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<procedure {self.id}({self.signature})>"


PROCEDURES: Registry[Procedure[..., Any]] = Registry("procedures", PACKAGES)  # their mistakes and examples are fields
"""All procedures by id: those of the catalogue, then those that users define. A read-only mapping.

Examples:
    >>> import attnspec
    >>> list(attnspec.PROCEDURES)[:3]
    ['text.tokenize', 'text.characters', 'text.delimit']
"""


def procedure(*source: Source) -> Callable[[Callable[P, R]], Procedure[P, R]]:
    """Make a procedure of a typed function, and register it as "module.function".

    Its parameters and its answer are plain values: text, whole numbers, truth values, and tuples and mappings of these.

    Args:
        *source: where the procedure is published.

    Returns:
        A decorator that makes a `Procedure` of the function.

    Raises:
        SpecError: a parameter or the answer has no type, there is no docstring, or an equation has this id.

    Examples:
        >>> import attnspec
        >>> @attnspec.procedure(attnspec.Source(paper="Unicode Standard Annex 29"))
        ... def lengths(tokens: tuple[str, ...]) -> tuple[int, ...]:
        ...     "The number of code points of each token."
        ...     return tuple(len(token) for token in tokens)
        >>> attnspec.verify(lambda tokens: [len(token) for token in tokens], lengths).verdict.value
        'conforms'
    """

    def build(function: Callable[P, R]) -> Procedure[P, R]:
        item = Procedure(own_id(function.__module__, function.__name__), function, source)
        untyped = [name for name in (*item.parameters, *item.options, "return") if name not in item.types]
        if untyped:
            raise SpecError(f"{item.id}: no type for {', '.join(untyped)}", expected="text: str, …, -> tuple[str, ...]")
        if not item.doc:
            expected = "a docstring: what its answer is, and what other software does"
            raise SpecError(f"{item.id} has no docstring", expected=expected)
        if REGISTRY.is_defined(item.id):
            raise SpecError(f"{item.id} is an equation already", mend="give the function another name")
        PROCEDURES.add(item.id, item)
        return item

    return build


def is_specified(id: str) -> bool:
    """Whether there is an equation or a procedure with an id."""
    return id in PROCEDURES or id in REGISTRY


def specified(id: str) -> Equation[..., Any] | Procedure[..., Any]:
    """The equation or procedure with an id.

    Raises:
        UnknownName: there is none; the error names the nearest ids.
    """
    if id in PROCEDURES:
        return PROCEDURES[id]
    if id in REGISTRY:
        return REGISTRY[id]
    mend = nearest(id, [*REGISTRY, *PROCEDURES])
    if mend != nearest(id, REGISTRY):  # one of the nearest ids is that of a procedure
        raise UnknownName(f"no equation or procedure {id!r}", given=id, expected="family.name", mend=mend)
    return REGISTRY[id]
