"""What Python source says of its imports, and of what it reads besides."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

PURE = frozenset(
    [
        "__future__", "abc", "array", "bisect", "builtins", "cmath", "collections", "contextlib", "copy", "dataclasses",
        "decimal", "enum", "fractions", "functools", "heapq", "itertools", "keyword", "math", "numbers", "operator",
        "random", "re", "statistics", "string", "struct", "textwrap", "types", "typing", "unicodedata", "warnings",
        "weakref",
    ]
)  # fmt: skip
"""Modules of the standard library that read neither files nor the environment, and import no code by name."""

READING_NAMES = frozenset({"__import__", "__file__", "__loader__", "__spec__", "compile", "eval", "exec", "open"})
"""Names by which code reads files, or runs code that it does not contain."""

BUILT_IN = frozenset({"compile", "eval", "exec"})
"""Those of them that run code only as functions of Python: a module of PyTorch has an `eval` too."""

READING_ATTRIBUTES = re.compile(
    r"(safe_|im)?(load|open|read|glob|iterdir|import)(_\w+|s|txt|mat)?|fromfile|fromregex|genfromtxt"
    r"|from_(file|pretrained|url)|File|(open_)?memmap|\w*CDLL|\w*DLL|LoadLibrary|\w*cpp_extension|hub"
)
"""Attributes and imported names by which libraries read files or load code."""

HARMLESS = frozenset({"load_state_dict"})
"""Those that the pattern matches and that read nothing."""

KERNEL_LANGUAGES = ("triton.language", "jax.experimental.pallas")
"""Modules whose `load` reads an array."""

FILE_NAME = re.compile(
    r"[^\n]*\.(bin|c|cc|ckpt|cpp|csv|cu|dll|dylib|gguf|h5|hdf5|json|keras|mlir|msgpack|npy|npz|onnx|pb|pickle|pkl|pt|pth"
    r"|ptx|safetensors|so|tflite|toml|txt|yaml|yml|zip)"
)
"""A text that seems to be the name of a file with data or code."""


@dataclass
class Reading:
    """What one file of Python says.

    Attributes:
        imports: (number of dots, module, names) of each import, wherever it stands.
        variables: the environment variables that it reads, by name.
        unknown: a sentence for each place where it reads what its text does not show.
    """

    imports: list[tuple[int, str, tuple[str, ...]]] = field(default_factory=list)
    variables: set[str] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)


@lru_cache(maxsize=1000)
def read(text: str) -> Reading:
    """Read the source of a file; the same text is read once.

    Raises:
        SyntaxError, ValueError: it is not Python.
    """
    nodes, found = [*ast.walk(ast.parse(text))], Reading()
    harmless = {*_environment(nodes, found), *_documentation(nodes), *_loads_of_kernels(nodes)}
    for node in nodes:
        if id(node) in harmless:
            continue
        if what := _reads(node, found):
            found.unknown.append(f"line {getattr(node, 'lineno', 1)} has {what}")
    return found


def _reads(node: ast.AST, found: Reading) -> str:
    """What a node reads besides the text, in words; "" if nothing. Imports are added to what is found."""
    match node:
        case ast.Import(names=names):
            found.imports += [(0, alias.name, ()) for alias in names]
            return ", ".join(f"import {alias.name}" for alias in names if _is_reading(alias.name))
        case ast.ImportFrom(module=module, names=names, level=level):
            found.imports.append((level, module or "", tuple(alias.name for alias in names)))
            words = [alias.name for alias in names if not level and _is_reading_attribute(alias.name)]
            return f"from {module} import …" if not level and _is_reading(module or "") else ", ".join(words)
        case ast.Name(id=name) if name in READING_NAMES:
            return name
        case ast.Attribute(attr=name) if name in READING_NAMES - BUILT_IN or _is_reading_attribute(name):
            return f".{name}"
        case ast.Constant(value=str(value)) if FILE_NAME.fullmatch(value):
            return f"the name of a file, {value!r:.60}"
    return ""


def _is_reading(module: str) -> bool:
    """Whether a module of the standard library reads files or the environment. `os` is judged by what is used of it."""
    top = module.partition(".")[0]
    return top in sys.stdlib_module_names and top not in PURE and top != "os"


def _is_reading_attribute(name: str) -> bool:
    return name not in HARMLESS and READING_ATTRIBUTES.fullmatch(name) is not None


def _documentation(nodes: Iterable[ast.AST]) -> Iterator[int]:
    """The texts that stand alone."""
    return (id(node.value) for node in nodes if isinstance(node, ast.Expr))


def _loads_of_kernels(nodes: Iterable[ast.AST]) -> Iterator[int]:
    """The attributes `tl.load` and `pl.load` of languages of kernels, under the names that they are imported by."""
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            before = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            names |= {
                each.asname or each.name for each in node.names if (before + each.name).startswith(KERNEL_LANGUAGES)
            }
    for node in nodes:
        if isinstance(node, ast.Attribute) and node.attr == "load" and ast.unparse(node.value) in names:
            yield id(node)


def _environment(nodes: Iterable[ast.AST], found: Reading) -> Iterator[int]:
    """The nodes that read an environment variable by its name, which is added; other uses of `os` are not known."""
    known: set[int] = set()
    for node in nodes:
        match node:
            case (
                ast.Call(
                    func=ast.Attribute(value=inner, attr="get" | "setdefault" | "pop"), args=[ast.Constant() as key, *_]
                )
                | ast.Subscript(value=inner, slice=ast.Constant() as key)
            ) if ast.unparse(inner) == "os.environ":
                found.variables.add(str(key.value))
                known.add(id(inner))
            case ast.Call(func=ast.Attribute(attr="getenv") as inner, args=[ast.Constant(value=key), *_]):
                found.variables.add(str(key))
                known.add(id(inner))
    for node in nodes:
        match node:
            case ast.Attribute(value=ast.Name(id="os")) if id(node) not in known:
                found.unknown.append(f"line {node.lineno} has {ast.unparse(node)}")
            case ast.ImportFrom(module="os" | "os.path", lineno=line):
                found.unknown.append(f"line {line} has from os import …")
            case ast.Import(names=names, lineno=line) if any(
                each.name.partition(".")[0] == "os" and each.asname for each in names
            ):
                found.unknown.append(f"line {line} has import os as …")
    return iter(known)
