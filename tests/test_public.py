"""The public names: each is documented, its examples run, and the reference is made from its docstring."""

from __future__ import annotations

import ast
import dataclasses
import doctest
import enum
import importlib.util
import inspect
import pydoc
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import attnspec
import docstrings
import reference
from attnspec import notation
from attnspec.language.procedure import PROCEDURES
from attnspec.properties.property import PROCEDURAL, PROPERTIES

ROOT = Path(__file__).resolve().parents[1]

Function = Callable[..., Any]


@dataclass(frozen=True)
class Public:
    """A public name, or a public method of one, with its docstring."""

    module: ModuleType
    name: str
    value: Any
    doc: str

    def __str__(self) -> str:
        return self.name

    @property
    def function(self) -> Function | None:
        """What a call of it runs; None for a class and for a plain value."""
        return docstrings.caller(self.value)


def exported() -> Iterator[Public]:
    """The names of both `__all__`, each once, apart from those that jaxtyping documents."""
    for module in (notation, attnspec):
        for name in module.__all__:
            value = getattr(module, name)
            shared = module is attnspec and getattr(notation, name, None) is value
            if name not in reference.FROM_JAXTYPING and value is not notation and not shared:
                yield Public(module, name, value, docstrings.docstring(module, name))


def with_methods(of: Public) -> Iterator[Public]:
    yield of
    for name, method in docstrings.methods(of.value).items():
        yield Public(of.module, f"{of.name}.{name}", method, inspect.getdoc(method) or "")


NAMES = list(exported())
ALL = [each for name in NAMES for each in with_methods(name)]
FUNCTIONS = [each for each in ALL if each.function]
CLASSES = [each for each in NAMES if inspect.isclass(each.value)]


# Docstrings.


@pytest.mark.parametrize("of", ALL, ids=str)
def test_every_public_name_has_a_docstring(of: Public) -> None:
    """A sentence, then sections that the reference knows."""
    headings = re.findall(r"^([A-Z]\w+):$", of.doc, re.MULTILINE)

    assert docstrings.summary(of.doc).endswith(".")
    assert set(headings) <= set(docstrings.SECTIONS)


@pytest.mark.parametrize("of", FUNCTIONS, ids=str)
def test_every_function_says_what_it_takes_gives_and_raises(of: Public) -> None:
    assert of.function is not None
    signature, sections = inspect.signature(of.function), docstrings.sections(of.doc)
    taken = [name for name in signature.parameters if name != "self"]

    assert [name.lstrip("*") for name in docstrings.entries(sections.get("Args", ""))] == taken
    assert ("Returns" in sections) == (signature.return_annotation != "None")
    assert raised_in(of.function) <= set(docstrings.entries(sections.get("Raises", "")))


def raised_in(function: Function) -> set[str]:
    """The names of the errors that a function raises itself, or a function within it."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    raised = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc]
    return {name for node in raised for name in called_in(node) if name[0].isupper()}


def called_in(tree: ast.AST) -> set[str]:
    """The plain names that are called in a tree."""
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {function.id for function in calls if isinstance(function, ast.Name)}


@pytest.mark.parametrize("of", CLASSES, ids=str)
def test_every_class_says_what_it_has(of: Public) -> None:
    """Fields in the docstring; members of an enumeration and properties in docstrings of their own."""
    documented = docstrings.entries(docstrings.sections(of.doc).get("Attributes", ""))
    fields = dataclasses.fields(of.value) if dataclasses.is_dataclass(of.value) else ()
    members = docstrings.members(of.value) if issubclass(of.value, enum.Enum) else []

    assert not [field.name for field in fields if field.repr and field.name not in documented]
    assert not [item for item, text in members if not text.endswith(".")]
    assert not [name for name, item in docstrings.properties(of.value).items() if not inspect.getdoc(item)]


# Examples.


@pytest.fixture
def users_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registries that forget what is defined in a test."""
    for registry in (attnspec.REGISTRY, PROCEDURES, PROPERTIES, PROCEDURAL):
        monkeypatch.setattr(registry, "_entries", dict(registry))  # loaded whole, then copied


@pytest.mark.parametrize("of", [*ALL, Public(notation, "notation", notation, inspect.getdoc(notation) or "")], ids=str)
@pytest.mark.usefixtures("users_registries")
def test_examples_run(of: Public) -> None:
    """Every public name and method has an example, and it prints what it says. Those of the notation assume imports."""
    words = {name: getattr(notation, name) for name in notation.__all__}
    assumed = {"np": np, "equation": attnspec.equation, **words} if of.module is notation else {}
    test = doctest.DocTestParser().get_doctest(of.doc, {"__name__": "__main__", **assumed}, of.name, None, None)
    printed: list[str] = []

    assert test.examples
    assert not doctest.DocTestRunner(verbose=False).run(test, out=printed.append).failed, "".join(printed)


@pytest.mark.parametrize("of", CLASSES, ids=str)
def test_every_property_and_method_is_shown(of: Public) -> None:
    shown = " ".join(docstrings.sections(each.doc).get("Examples", "") for each in with_methods(of))
    own = [*docstrings.properties(of.value), *docstrings.methods(of.value)]

    assert not [name for name in own if f".{name}" not in shown and name != "__call__"]


@pytest.mark.usefixtures("users_registries")
def test_the_equations_of_the_guide_are_equations(tmp_path: Path) -> None:
    """What docs/notation.md shows under @equation can be imported as it stands."""
    guide = (ROOT / "docs/notation.md").read_text(encoding="utf-8")
    shown = [block for block in re.findall(r"```python\n(.*?)```", guide, re.DOTALL) if "@equation(" in block]

    assert len(shown) >= 2
    for number, block in enumerate(shown):
        defined = imported(tmp_path / f"guide_{number}.py", block)
        assert [value for value in vars(defined).values() if isinstance(value, attnspec.Equation)]


def imported(file: Path, source: str) -> ModuleType:
    """A module of its own, from its source."""
    file.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# The pages of the reference.


def test_no_page_of_the_reference_is_stale() -> None:
    assert not reference.FOLDER.stale(reference.pages()), "make pages"


def test_every_public_name_is_on_one_page() -> None:
    listed = [(page.module, name) for page in reference.PAGES.values() for name in page.names]

    assert sorted(name for _, name in listed) == sorted(each.name for each in NAMES)
    assert all((each.module, each.name) in listed for each in NAMES)


def test_links_within_the_reference_lead_to_a_heading() -> None:
    """The anchors are those of GitHub: of two headings that differ in case alone, the second has a number."""
    texts = reference.pages()
    anchors: dict[str, list[str]] = {}
    for file, text in texts.items():
        for heading in re.findall(r"^##+ (\S+)$", text, re.MULTILINE):
            anchor = re.sub(r"[.\\]", "", heading.lower())
            same = [known for known in anchors.setdefault(file, []) if re.fullmatch(rf"{anchor}(-\d+)?", known)]
            anchors[file].append(f"{anchor}-{len(same)}" if same else anchor)
    links = [
        (page or file, anchor)
        for file, text in texts.items()
        for page, anchor in re.findall(r"\]\(([\w.-]*)#([\w-]+)\)", text)
    ]

    assert len(links) > len(NAMES)
    assert not [link for link in links if link[1] not in anchors[link[0]]]


def test_the_index_links_every_page_of_the_reference() -> None:
    index = (ROOT / "docs/index.md").read_text(encoding="utf-8")

    assert set(re.findall(r"\]\(reference/([\w.-]+)\)", index)) == set(reference.PAGES)


# What importing gives.


def test_help_shows_the_parameters() -> None:
    shown = pydoc.render_doc(attnspec.verify, renderer=pydoc.plaintext)  # type: ignore[attr-defined]  # typeshed forgets it

    assert all(f"{name}: " in shown for name in inspect.signature(attnspec.verify).parameters)
    assert "Judge implementations" in shown
    assert " at 0x" not in shown, "a default that is shown by its address"


def test_the_registries_are_full() -> None:
    """They load what is looked up, so that none of them is empty after an import."""
    assert len(attnspec.equations()) == len(attnspec.REGISTRY) > 200
    assert "recurrent.gru_cell" in attnspec.equations()
    assert "text.tokenize" in attnspec.PROCEDURES


def test_a_word_of_the_notation_still_comes_from_the_package_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match=r"attnspec\.softmax is now attnspec\.notation\.softmax"):
        assert attnspec.softmax is notation.softmax


def test_a_word_that_was_not_imported_is_suggested_where_it_is(tmp_path: Path) -> None:
    source = (
        "import attnspec, numpy as np\n"
        "from attnspec.notation import Float, Tensor\n"
        "@attnspec.equation()\n"
        'def f(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:\n'
        "    return np.exp(x)\n"
    )

    with pytest.raises(attnspec.NotationError) as caught:
        imported(tmp_path / "unimported.py", source)

    assert caught.value.mend.endswith("`from attnspec.notation import exp`")


def test_every_error_is_raised_or_subclassed() -> None:
    errors = {each.name for each in CLASSES if issubclass(each.value, BaseException)}
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in (ROOT / "spec").rglob("*.py")]
    made = {name for tree in trees for name in called_in(tree)}
    defined = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    bases = {base.id for node in defined for base in node.bases if isinstance(base, ast.Name)}

    assert len(errors) > 5
    assert not errors - made - bases
