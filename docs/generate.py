"""The pages of the equations, a file for each family, made from the registry: a line and a formula for each equation.

`docs/website` shows everything else of an equation.

python docs/generate.py            write them
python docs/generate.py --check    say which are stale, and fail
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from attnspec.interpreters.formula import formula
from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.procedure import PROCEDURES, Procedure
from writing import ROOT, Folder, Texts, block, joined, prose

FOLDER = Folder(
    ROOT / "docs/equations", "<!-- Written by docs/generate.py: change the equation, then run `make pages`. -->"
)

AnEquation = Equation[..., Any]
AProcedure = Procedure[..., Any]


def pages() -> Texts:
    """The page of each family."""
    families: dict[str, list[AnEquation]] = {}
    procedures: dict[str, list[AProcedure]] = {}
    for equation in REGISTRY.values():
        if equation.function.__module__ == f"attnspec.equations.{equation.family}":  # not one that somebody tries out
            families.setdefault(equation.family, []).append(equation)
    for item in PROCEDURES.values():
        if item.function.__module__ == f"attnspec.procedures.{item.family}":
            procedures.setdefault(item.family, []).append(item)
    return {
        f"{family}.md": joined(_page(family, found, procedures.get(family, []))) for family, found in families.items()
    }


def _page(family: str, equations: Sequence[AnEquation], procedures: Sequence[AProcedure]) -> Iterator[str]:
    module = importlib.import_module(equations[0].function.__module__)
    yield FOLDER.mark
    yield f"# {family}"
    yield prose(inspect.getdoc(module) or "")
    yield (
        "`attnspec show ID` prints all else: shapes, sources, conventions, properties, known mistakes, "
        "implementations. `make site` builds pages of it."
    )
    for procedure in procedures:
        yield f"## {procedure.id}"
        yield f"{prose(_first(procedure.doc))} It is a procedure, without a formula."
    for equation in equations:
        yield f"## {equation.id}"
        of = f" A convention of {equation.convention_of}." if equation.convention_of else ""
        yield prose(_first(equation.doc)) + of
        yield block("math", formula.latex(equation.definition).replace("\n", " "))


def _first(doc: str) -> str:
    return doc.partition("\n")[0]


if __name__ == "__main__":
    sys.exit(FOLDER.main(pages, (__doc__ or "").partition("\n")[0]))
