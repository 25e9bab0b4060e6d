"""Procedures: what they say of themselves, and what is refused as one."""

from __future__ import annotations

import pytest

from attnspec.errors import SpecError
from attnspec.language.procedure import procedure, specified
from attnspec.procedures.text import encode, tokenize


def test_a_procedure_says_what_it_is() -> None:
    assert tokenize.parameters == ("text",)
    assert tokenize.options == ("lower", "stop_words", "typos")
    assert tokenize.signature.startswith("text: str, *, lower: bool")
    assert tokenize.code.startswith("def words(")
    assert tokenize.code.endswith(tokenize.body.splitlines()[-1])
    assert specified("text.encode") is encode
    assert repr(encode) == "<procedure text.encode(tokens: tuple[str, ...], vocabulary: Mapping[str, int])>"


def test_what_is_no_procedure_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attnspec.language.procedure.PROCEDURES", {})

    def untyped(text):  # type: ignore[no-untyped-def]  # that is what is refused
        """It says something."""

    def silent(text: str) -> str:
        return text

    for function, says in ((untyped, "no type for text, return"), (silent, "has no docstring")):
        with pytest.raises(SpecError, match=says):
            procedure()(function)
    with pytest.raises(SpecError, match=r"does not have the signature of text\.encode"):
        encode.mutant("takes something else")(silent)  # type: ignore[arg-type]  # that is what is refused
    with pytest.raises(SpecError, match="returned a different value"):
        encode.example((2,), ("a",), {"a": 1})
