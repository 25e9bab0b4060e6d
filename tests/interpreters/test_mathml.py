"""A formula in MathML says all that the tree says, and each part of the tree is an element with its tag."""

from __future__ import annotations

import html
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterable

import pytest
from docutils.utils.math.latex2mathml import tex2mathml
from hypothesis import given, settings
from hypothesis import strategies as st

from attnspec import REGISTRY
from attnspec.errors import NotationError
from attnspec.interpreters.formula.formula import latex, mathml, text
from attnspec.interpreters.mutation.mutants import mutants
from attnspec.interpreters.tags import fresh, tagged_nodes
from attnspec.language.tree import Definition
from generated import defined, written
from trees import NAMES, SIGNATURE, distinct, injective, probe, read, visible

EQUATIONS = [item for item in REGISTRY.values() if item.function.__module__.startswith("attnspec.equations.")]
PREFIX = "{http://www.w3.org/1998/Math/MathML}"
CORE = {
    "math", "mi", "mn", "mo", "mtext", "mrow", "mfrac", "msqrt", "msub", "msup", "munder", "mover", "mtable", "mtr",
    "mtd",
}  # fmt: skip
CHILDREN = {"mfrac": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2}


def elements(definition: Definition) -> Iterable[ET.Element]:
    return ET.fromstring(mathml(definition)).iter()


def check_tags(definition: Definition) -> None:
    """Every node has one element, elements are nested as nodes are, and what is read aloud refers to what is there."""
    root = ET.fromstring(mathml(definition))
    parents = {child: parent for parent in root.iter() for child in parent}
    shown = {term: item for item in root.iter() for term in item.get("data-term", "").split()}
    expected = {tag.term: tag for _, tag in tagged_nodes(fresh(definition))}
    counted = [term for item in root.iter() for term in item.get("data-term", "").split()]

    assert sorted(counted) == sorted(expected)
    for term, tag in expected.items():
        above = term.rpartition(".")[0]
        inside = shown[term]
        while above and shown[above] is not inside and inside in parents:
            inside = parents[inside]
        assert not above or shown[above] is inside, f"{term} is not in {above}"
        assert shown[term].get("data-key") in (tag.key, expected[above].key if above else "")
        for arg in re.findall(r"\$(\w+)", tag.intent):
            assert any(item.get("arg") == arg for item in shown[term].iter()), f"{term} reads {arg}, which is not there"


def check_core(definition: Definition) -> None:
    """Only elements of MathML Core, each with as many children as it takes; text only in leaves."""
    for item in elements(definition):
        kind = item.tag.removeprefix(PREFIX)
        assert kind in CORE
        assert len(item) == CHILDREN.get(kind, len(item)), f"{kind} with {len(item)} children"
        assert not (item.text or item.tail or "").strip() or kind in ("mi", "mn", "mo", "mtext")
        assert not (item.tail or "").strip()


@pytest.mark.parametrize("id", [item.id for item in EQUATIONS])
def test_every_part_of_the_catalogue_has_its_element(id: str) -> None:
    check_tags(REGISTRY[id].definition)
    check_core(REGISTRY[id].definition)


@pytest.mark.parametrize("count", [60, pytest.param(10_000, marks=pytest.mark.slow)])
def test_every_part_of_equations_written_at_random_has_its_element(count: int) -> None:
    """The formula is well formed, in MathML Core, and the tags cover every sub-expression exactly once."""
    seen = []

    @settings(max_examples=count)
    @given(st.randoms(use_true_random=False).map(written))
    def check(source: str) -> None:
        try:
            definition = defined(source).definition
        except NotationError:
            return
        seen.append(definition)
        check_tags(definition)
        check_core(definition)

    check()
    trees = distinct(seen)
    assert len(trees) > count // 4
    assert len(injective(visible, trees)) == len(trees)


def test_equations_and_their_mutants_differ() -> None:
    """Different trees have different formulas, as far as one sees them."""
    wrong = (mutant.definition for item in EQUATIONS for mutant in mutants(item)[::144])
    trees = distinct([*(item.definition for item in EQUATIONS), *wrong])

    assert len(injective(visible, trees)) == len(trees) > 500


def test_names_differ() -> None:
    trees = [read(f'def f({name}: Float[Tensor, ""]) -> Float[Tensor, ""]: return {name}') for name in NAMES]

    assert len({visible(tree) for tree in trees}) == len(trees)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tanh(a @ A + (r * b) @ B)", "tanh(a @ A + r * (b @ B))"),
        ("softmax(j, e[i, j])", "softmax(i, e[i, j])"),
        ("a - (b - r)", "a - b - r"),
        ("K[i, k]", "transpose(K)[i, k]"),
        ("h_t", "h[t]"),
        ("y_ik", "q[i, k]"),
        ("a * b", "a @ b"),
        ("2 * s", "s * 2"),
        ("-s ** 2", "(-s) ** 2"),
        ("sum(j, e[i, j] * s)", "sum(j, e[i, j]) * s"),
        ("last(t, u)", "u[t]"),
        ("sigma * (s + 1)", "sigmoid(s + 1)"),
    ],
)
def test_pairs_differ(one: str, other: str) -> None:
    assert visible(probe(one)) != visible(probe(other))


def test_parts_of_one_name_belong_together() -> None:
    shown = mathml(REGISTRY["recurrent.gru_cell"].definition)

    assert shown.count('data-key="n:z"') == 4  # assigned, its line, and twice in the result
    assert 'data-term="2.args0.args0.args1.args0" data-key="t:2.args0.args0.args1.args0"' in shown
    assert 'intent="times($args0,$args1)"' in shown


def test_letters_are_those_of_the_other_forms() -> None:
    """A formula has the same Greek letters in MathML and in Unicode."""
    for item in EQUATIONS[::3]:
        spoken = "".join(part.text or "" for part in elements(item.definition) if part.tag != f"{PREFIX}mtext")
        assert set(re.findall("[α-ω∂]", spoken)) == set(re.findall("[α-ω∂]", text(distinct([item.definition])[0])))


def test_signature_of_the_probes_is_in_the_heading() -> None:
    shown = mathml(probe("a"))

    assert all(f'data-key="n:{name}"' in shown for name in re.findall(r"(\w+): \w+\[", SIGNATURE))


def test_a_size_is_set_as_a_symbol() -> None:
    """A size is an italic letter, as it is in LaTeX, and not a word in quotation marks."""
    assert "<msup><mi>ℝ</mi><mi>d</mi></msup>" in mathml(REGISTRY["recurrent.gru_cell"].definition)


UNSEEN = ("", "\u2061", "\u2062", "\u2063")
"""What function application and products without a sign are."""
SAME = {"⋅": "·", "∶": ":", "\\_": "_"}
"""{a sign of docutils: ours, which looks the same}."""


def signs(root: ET.Element) -> str:
    """All signs of a formula in order, without comments, spaces, and accents, which stand before or after subscripts."""
    if root.get("class") == "comment":
        return ""
    if len(root):
        return "".join(map(signs, root))
    shown = unicodedata.normalize("NFKC", root.text or "")
    for theirs, ours in SAME.items():
        shown = shown.replace(theirs, ours)
    return "" if shown in UNSEEN else re.sub(r"[~^ˆ˜¯‾\s]", "", shown.replace("−", "-"))


@pytest.mark.parametrize("one_of", [12, pytest.param(1, marks=pytest.mark.broad)])
def test_another_converter_has_the_same_signs(one_of: int) -> None:
    """Docutils makes MathML of our LaTeX by rules of its own: it has the signs of ours, in the same order."""
    for each in EQUATIONS[::one_of]:
        theirs = str(tex2mathml(latex(each.definition), as_block=True))
        theirs = re.sub(r"&(?!lt;|gt;|amp;)\w+;", lambda found: html.unescape(found[0]), theirs)
        assert signs(ET.fromstring(theirs)) == signs(ET.fromstring(mathml(each.definition))), each.id
