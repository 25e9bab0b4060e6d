"""The differences between conventions, as lines and as numbers."""

from __future__ import annotations

import re

import pytest

from attnspec.interpreters.mutation.mutants import conventions
from attnspec.language.equation import REGISTRY
from attnspec.pages.conventions import convention_items, differing_lines, gap
from attnspec.pages.page import equation_page


def test_the_line_that_differs_is_shown_and_its_words_are_marked() -> None:
    [(here, there)] = differing_lines(
        REGISTRY["recurrent.gru_cell"].definition, REGISTRY["recurrent.gru_cell_update_writes"].definition
    )

    assert re.sub("</?mark>", "", here) == "result = z ⊙ h + (1 − z) ⊙ h̃"
    assert re.sub("</?mark>", "", there) == "result = (1 − z) ⊙ h + z ⊙ h̃"
    assert "<mark>" in here
    assert "<mark>" in there


def test_the_line_of_the_code_is_shown_too() -> None:
    """Below that of the formula, as it is written, with its words marked."""
    _, shown, *_ = convention_items(REGISTRY["recurrent.gru_cell_update_writes"], ()).split("<h3>")
    formula, code = shown.split("<p>In the code:</p>")

    assert "<p>In the formula:</p>" in formula
    assert re.findall("<code>(return.*?)</code>", re.sub("</?mark>", "", code)) == [
        "return (1 - z) * h + z * h_tilde",
        "return z * h + (1 - z) * h_tilde",
    ]
    assert "<mark>" in code


@pytest.mark.parametrize(
    ("id", "other", "says"),
    [
        (
            "recurrent.gru_cell",
            "recurrent.gru_cell_update_writes",
            r"in \d+ of \d+ drawn cases, by \d+% of the largest",
        ),
        ("attention.masked", "attention.masked_empty_is_nan", "where one is finite, the other is not"),
        ("recurrent.gru_cell_reset_after", "recurrent.gru_cell", "takes other arguments"),
    ],
)
def test_a_number_says_how_far_they_are_apart(id: str, other: str, says: str) -> None:
    assert re.search(says, gap(REGISTRY[id], REGISTRY[other]))


def test_equal_values_have_no_gap() -> None:
    cell = REGISTRY["recurrent.gru_cell"]

    assert re.fullmatch(r"Their values are equal on \d+ drawn cases\.", gap(cell, cell))
    assert list(differing_lines(cell.definition, cell.definition)) == []


def test_a_page_links_to_the_conventions_that_have_pages() -> None:
    masked = REGISTRY["attention.masked"]
    linked = equation_page(masked, known={"attention.masked_empty_is_nan"})

    assert '<a href="attention.masked_empty_is_nan.html">' in linked
    assert '<a href="attention.masked_empty_is_nan.html">' not in equation_page(masked)
    assert "Other conventions" in linked
    assert "Other conventions" not in equation_page(REGISTRY["attention.context_vector"])


@pytest.mark.broad
@pytest.mark.parametrize("id", [each.id for each in REGISTRY.values() if conventions(each)])
def test_every_convention_differs_in_a_line_or_in_what_it_calls(id: str) -> None:
    equation = REGISTRY[id]
    shown = convention_items(equation, ())

    assert shown.count("<h3>") == len(conventions(equation))
    assert ("are equal on" in shown) == (id == "text.embedding"), "of which only the gradients differ"
