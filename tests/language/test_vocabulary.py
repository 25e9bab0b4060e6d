"""Words of other notations: each is refused with what to write in its place, and that is accepted."""

from __future__ import annotations

import linecache
import re
from pathlib import Path
from typing import Any

import pytest

from attnspec.errors import SpecError
from attnspec.language.definitions import load
from attnspec.language.vocabulary import INSTEAD, WORDS, instead_of

EQUATION = """
from attnspec import equation
from attnspec.notation import *
from attnspec.notation import abs, max, sum

@equation()
def {name}(
    x: Float[Tensor, "n n"], a: Float[Tensor, "n n"], b: Float[Tensor, "n n"], W: Float[Tensor, "n n"],
    E: Float[Tensor, "n n"], mu: Float[Tensor, ""], k: Int[Tensor, " n"], mask: Bool[Tensor, "n n"],
    *, low: float, high: float, parts: int,
) -> Float[Tensor, "n n"]:
    i, j, t = indices("n", "n", "n")
    n = size("n")
    u = sum(j, x[i, j] + a[i, j] + b[i, j] + W[i, j] + E[i, j] + where(mask[i, j], k[j], 0)) + mu + low + high * parts
    y = {line}
    return y
"""


def defined(name: str, line: str, ending: str = "") -> Any:
    """Define an equation with one line."""
    source = EQUATION.format(name=f"of_{name}", line=line).replace("return y", f"return y{ending}")
    path = f"<{name}{ending}>"
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
    scope: dict[str, Any] = {"__name__": "words"}
    exec(compile(source, path, "exec"), scope)
    return scope[f"of_{name}"]


def test_no_word_is_explained_away() -> None:
    assert not set(INSTEAD).intersection(WORDS)


@pytest.mark.parametrize("word", sorted(INSTEAD))
def test_another_word_is_refused_with_what_to_write_instead(word: str) -> None:
    with pytest.raises(SpecError) as refused:
        defined(word, f"{word}(x)")
    assert refused.value.mend == INSTEAD[word]


def test_a_misspelt_word_is_refused_with_the_nearest() -> None:
    assert instead_of("sofmax").startswith("did you mean softmax")


def test_a_call_with_other_arguments_says_the_parameters() -> None:
    with pytest.raises(SpecError) as refused:
        defined("split_alone", "split(x)")
    assert refused.value.expected == "split(x, parts)"


def test_importing_another_word_says_what_to_write_instead(tmp_path: Path) -> None:
    (tmp_path / "averaged.py").write_text("from attnspec.notation import Float, mean\n")
    with pytest.raises(SpecError) as refused:
        load([f"{tmp_path}/averaged.py"])
    assert refused.value.mend == INSTEAD["mean"]


def formulas() -> set[str]:
    """What is proposed, without the words around it, where it is a whole formula."""
    around = r", (?:with|after|or|an|the|which) | in the sum |subscripts: |itself: |^the "
    codes = {re.split(around, proposal)[0] for proposal in INSTEAD.values()}
    return {code for code in codes if "(" in code or re.search(r"[@*/%[]", code)} - {'size("n")'}


@pytest.mark.parametrize("formula", sorted(formulas()))
def test_what_is_proposed_is_in_the_notation(formula: str) -> None:
    """It is read up to the end of the equation, whose result has a wrong index."""
    with pytest.raises(SpecError) as refused:
        defined("proposed", formula, ".stack(nowhere)")
    assert "needs an index here" in str(refused.value)
