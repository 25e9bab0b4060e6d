"""The site in Chinese: no message is missing, and both languages have the same places, code, links and emphasis."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from attnspec import REGISTRY
from attnspec.interpreters.mutation.software_mistakes import software_mistakes
from attnspec.pages import page
from attnspec.pages.conventions import convention_items, gap
from attnspec.pages.kept import Asked, Kept, unjudged
from attnspec.pages.translation import FRAGMENTS, SAYING, SCRIPT_TEXT, Translation, read, translation
from attnspec.verification.diagnosis.input_changes import input_changes
from attnspec.verification.verdict import VerdictKind
from website import language, pictures
from website.language import CHINESE, LOCALE, Language
from website.road import STEPS

PACKAGED = Path(page.__file__).parent / "locale" / CHINESE / "LC_MESSAGES" / "attnspec.po"
CATALOGS = {
    "views": PACKAGED,
    "site": language.catalog(CHINESE, "site"),
    "equations": language.catalog(CHINESE, "attnspec"),
}
MEND = "python docs/website/language.py adds new messages and drops old ones; write the Chinese below them"


def messages(file: Path) -> list[Message]:
    with file.open("rb") as opened:
        return [each for each in read_po(opened) if each.id]


@pytest.fixture(scope="module")
def asked() -> Language:
    """All that the site asks for in Chinese."""
    return language.asked()


@pytest.mark.parametrize("name", CATALOGS)
def test_no_message_is_without_a_translation(name: str) -> None:
    """A message is translated, is not fuzzy, and stands in its catalog once."""
    found = messages(CATALOGS[name])

    assert found
    assert [each.id for each in found if not each.string or each.fuzzy] == [], MEND
    assert len(found) == len({each.id for each in found})
    assert CATALOGS[name].read_text("utf-8").count("\nmsgid ") == len(found) + 1, "one is there twice"


def test_the_catalogs_have_the_messages_of_the_site(asked: Language) -> None:
    """No sentence of a page, an equation, a property or a mistake that the site shows is missing or left over."""
    assert set(asked.own) == {str(each.id) for each in messages(CATALOGS["site"])}, MEND
    assert set(asked.equations) == {str(each.id) for each in messages(CATALOGS["equations"])}, MEND


@pytest.mark.parametrize("name", CATALOGS)
def test_both_languages_have_the_same_parts(name: str) -> None:
    """Places such as {id} stand in both, and so do code, links, roles and emphasis; Chinese has Chinese in it."""
    exactly, at_all = (r"\{\w+\}", r"\]\([^)]*\)", r"\*\*", r"\{[\w:]+\}`"), (r"`[^`]*`",)
    for each in messages(CATALOGS[name]):
        here, there = str(each.id), str(each.string)
        for part in exactly:
            assert sorted(re.findall(part, here)) == sorted(re.findall(part, there)), here
        for part in at_all:
            assert set(re.findall(part, here)) == set(re.findall(part, there)), here
        words = re.findall(r"[a-z]{4,}", re.sub(r"`[^`]*`|\{\w+\}", "", here))
        assert re.search(r"[\u4e00-\u9fff]", there) or len(words) < 2, here


def said(html: str) -> Iterator[str]:
    """The texts of headings, terms, buttons and paragraphs."""
    return (found[3] for found in SAYING.finditer(html) if "data-key" not in found[1])


def test_what_views_say_is_in_the_catalog(tmp_path: Path) -> None:
    """Each heading, term, button and sentence of a view has its Chinese, and so has each message of the script."""
    known = translation(CHINESE, [LOCALE])
    cell, other = REGISTRY["recurrent.gru_cell"], REGISTRY["recurrent.gru_cell_reset_after"]
    shown = page.equation_views(cell, page.VIEWS) + convention_items(cell, ())
    shown += page.equation_views(REGISTRY["recurrent.gru"], page.VIEWS)
    shown += Kept(tmp_path).judged(Asked("attnspec_numpy.scores:dot", "scores.dot")).html
    shown += unjudged(Asked("attnspec_numpy.recurrent:gru_cell", cell.id)).html
    names = {other.id, "recurrent.gru_cell_update_writes", "LaTeX"}
    sentences = [
        text
        for text in said(shown)
        if not re.fullmatch(r"[0-9.]+|numpy, float64, cpu|op-by-op|attnspec [0-9.]+, Python .*", text)
    ]
    silent = [text for text in sentences if known.say(text) == text and text not in names]

    assert len([*said(shown)]) > 10
    assert not silent
    for gaps in (gap(cell, other), gap(cell, cell), gap(cell, REGISTRY["recurrent.gru"])):
        assert known.say(gaps) != gaps
    assert [each for each in FRAGMENTS if known.say(each) == each] == []
    script = page.asset("page.js")
    assert len(SCRIPT_TEXT.findall(script)) > 5
    assert known.script(script).keys() == set(SCRIPT_TEXT.findall(script))
    assert [kind for kind in VerdictKind if known.say(kind.value) == kind.value] == []


ENGLISH = re.compile(r"\b(is|are|of|the|and|instead|missing|not|at|in|it|cases|points|elements)\b")
"""Words that a sentence in English has, and no formula."""


@pytest.mark.parametrize("id", [id for step in STEPS for id in step.judged])
def test_the_known_mistakes_of_an_equation_are_in_chinese(id: str) -> None:
    """Of each mistake that rules make, and that the page of an equation lists, the sentence is translated whole."""
    known = translation(CHINESE, [LOCALE])
    sentences = {each.says for each in REGISTRY[id].mutants()}

    assert [each for each in sentences if ENGLISH.search(known.say(each))] == []


@pytest.mark.parametrize(
    "id",
    [
        "attention.blocked",
        "attention.masked",
        "attention_rnn.bahdanau_decode",
        "backward.attention",
        "generation.beam_step",
        "multihead.attention",
        "optimizer.adam",
        "position.sinusoidal",
        "recurrent.gru_lengths",
        "recurrent.stacked_gru",
        "transformer.encoder_layer",
    ],
)
def test_what_is_said_of_inputs_that_are_read_otherwise_is_in_chinese(id: str) -> None:
    known = translation(CHINESE, [LOCALE])
    sentences = {each.says for each in input_changes(REGISTRY[id].definition)}

    assert len(sentences) > 5
    assert [each for each in sentences if ENGLISH.search(known.say(each))] == []


@pytest.mark.parametrize("id", ["recurrent.gru_cell", "attention.causal", "transformer.layer_norm"])
def test_what_is_said_of_mistakes_of_software_is_in_chinese_or_left_as_it_is(id: str) -> None:
    """Nearly every sentence is translated; of the others none becomes half a sentence of each language."""
    known = translation(CHINESE, [LOCALE])
    said = {each.says: known.say(each.says) for each in software_mistakes(REGISTRY[id])}
    english = {sentence: text for sentence, text in said.items() if ENGLISH.search(text)}

    assert len(said) > 500
    assert len(english) < 0.05 * len(said)
    assert [text for sentence, text in english.items() if not sentence.endswith(text.rpartition("：")[2])] == []


@pytest.mark.parametrize(
    "text",
    [
        "30 of 90725 elements are further from the value than rounding explains; the mask is ignored",
        "3 of 7 elements are further from the value than rounding explains; in h_tilde: the term b_hh is missing",
        "the formula is right, in 25 significant bits: they are lost at intermediates",
        "the formula is right, in 23.6 of 24 significant bits: they are lost at intermediates",
        "the formula is right, in 11 significant bits: they are lost at products (TF32? then declare the policy tf32)",
        "the formula is nearly right, in 10 significant bits: they are lost at intermediates",
        "the same exactly, at 3 points, all of it traced",
        "the same to 18 digits, at 12 points, 4 elements undecided, all of it traced",
        "another one, proved at 3 of 4 points: without rounding, h[0] = 1.2 and not 1.3 (d=3, n=4, seed=0)",
        "this is transformer.embed, of which it does not hold that the vectors of the tokens are multiplied by √c",
        "12 of 13",
        "141 cases",
        "141 cases, 3 of them recorded",
        "Fused into c_i, line 79: e_ij, α_ij, whose values no line has alone.",
        "Fused into the result, line 3, 4: e_ij, whose values no line has alone.",
        "No line of the code has the values of e_ij.",
        "the same values, subtracted from 1",
        "the same values multiplied by 4 in one case, and multiplied by 8 in another",
        "y appears multiplied by 4 in one case, and multiplied by 8 in another (mine.py line 3)",
        "Line 6 is marked alpha, e, but no array there has that value.",
        "the first 4 of 8 units",
        "i, f and g are right (mine.py line 3)",
        "no known mistake: it is wrong in 7 of 9 cases, only where what σ is taken of reaches 357, and never up to 1.2",
        "no known mistake: it is wrong in 7 of 9 cases, only where H = n or m",
        "mine.py line 3: r = gate(a), with a = x @ W, where r = σ(x W) belongs (wrong in 7 of 9 cases, only n > m)",
        "no known mistake: it is wrong in 7 of 9 cases, only where m is odd",
        "mine.py line 3 (later divided by its sums): p = exp(e), where α_ij = softmax_j(e_ij) belongs",
        "mine.py line 3: r = f(x), where r = σ(x W) belongs; mine.py line 4: z = f(x), where z = σ(x V) belongs; "
        "some places of v along m are not read (wrong in 7 of 9 cases)",
        "it is 0 where it is wrong (wrong in 7 of 9 cases, only where n > m)",
        "it is NaN where mask is false at the same place (wrong in 7 of 9 cases)",
        "θ_next is θ where g is 0 (wrong in 7 of 9 cases); m_next is m where g is 0 (wrong in 7 of 9 cases)",
        "h at a place of t reads x of later places (wrong in 7 of 9 cases, only where d ≤ 16, never before row 1)",
    ],
)
def test_what_is_said_of_a_verdict_is_in_chinese(text: str) -> None:
    """A page shows no sentence of it in two languages."""
    said = translation(CHINESE, [LOCALE]).say(text)

    assert re.search(r"[\u4e00-\u9fff]", said)
    assert not ENGLISH.search(said)


WHOLE = """differs: recurrent.gru_cell, mine.py:gru_cell (torch, float32, cpu)
  because   892 of 892 elements are further from the value than rounding explains
  given     b_z = [1], b_h = [1], all else 0
  expected  result[0] = 0.20482421, rounding noise 6e-08
  got       0.55676997
  diagnosis this is recurrent.gru_cell_update_writes: z writes the candidate instead of keeping the old state
              or in the result: z and 1 − z are swapped
            r is right (mine.py line 9); h̃ does not appear; of h̃ there is r ⊙ h (mine.py line 11)
  findings  NaN or infinity at masked places shows elsewhere; only finite inputs are claimed
  function  not traced: it has a table of constants
  repeats   over runs: bitwise equal, 304 calls; over batch: within rounding, 33 examples, up to 2.7e-07 apart
  precision policy op-by-op at 24.4 bits, 24.7 effective bits, lost at intermediates
  strength  would have caught 11 of 12 known mistakes, on 125 cases; not caught: the mask is ignored
  claimed   finite inputs, batch ≥ 1
  bound     query=q, key=k, W_xr, W_hr in this order
  to mend   r = σ(x W_xr + h W_hr + b_r)             reset gate
            recurrent.gru_cell = z ⊙ h + (1 − z) ⊙ h̃"""


def test_a_whole_verdict_is_in_chinese(tmp_path: Path) -> None:
    """Its labels and sentences are; names, formulas, values and the order of the rows stay. Labels are of one width."""
    known = translation(CHINESE, [LOCALE])
    shown = known.html(f'<pre class="whole" tabindex="0">{WHOLE}</pre>')
    lines = shown.removeprefix('<pre class="whole" tabindex="0">').removesuffix("</pre>").splitlines()

    assert len(lines) == len(WHOLE.splitlines())
    assert lines[0] == "不符合: recurrent.gru_cell, mine.py:gru_cell (torch, float32, cpu)"
    assert lines[3] == "  应为 result[0] = 0.20482421，舍入噪声 6e-08"
    assert lines[6] == "         或者：结果 中：z 与 1 − z 互换了"
    assert lines[-2:] == [
        "  修正 r = σ(x W_xr + h W_hr + b_r)             重置门",
        "       recurrent.gru_cell = z ⊙ h + (1 − z) ⊙ h̃",
    ]
    assert [line for line in lines[1:] if ENGLISH.search(line)] == []
    judged = Kept(tmp_path).judged(Asked("attnspec_numpy.scores:dot", "scores.dot"))
    said = known.verdict(judged.facts["text"])
    assert f'<pre class="whole" tabindex="0">{said}</pre>' in known.html(judged.html)
    assert [line for line in said.splitlines()[1:] if ENGLISH.search(line)] == []


def test_a_page_is_translated_but_for_its_code() -> None:
    """Only whole texts are translated; what names stand for is, where a script reads it."""
    known = Translation(
        {" of ": " 作用于 ", ", given": "，给定", "seed": "种子", "It calls {id}": "它调用 {id}", "the input": "输入"}
    )
    html = (
        "<h2>It calls a.b</h2><dt>seed</dt><dd>seed</dd><code>seed</code><p>seed of it</p>"
        '<mtd class="comment"><mtext>seed</mtext></mtd><ol class="words"><li>r = σ of x, given</li></ol>'
        '<script type="application/json" class="attnspec-words">{"k": ["x", "the input"], "t": "the input"}</script>'
    )

    assert known.html(html) == (
        "<h2>它调用 a.b</h2><dt>种子</dt><dd>种子</dd><code>seed</code><p>seed of it</p>"
        '<mtd class="comment"><mtext>种子</mtext></mtd><ol class="words"><li>r = σ 作用于 x，给定</li></ol>'
        '<script type="application/json" class="attnspec-words">{"k": ["x", "输入"], "t": "the input"}</script>'
    )
    assert translation("en").html(html) == html


def test_a_picture_is_translated() -> None:
    """Its titles and texts, in the picture and in words; names stay."""
    words = ("Heat map of α_ij of causal, h = 0: 10 rows along i, 10 columns along j; values from 0 to 1.",)
    title = f"What a.b computes on an example. {words[0]}"
    picture = f'<svg aria-label="{title}"><text>z of gru_cell</text><text>the first 4 of 8 units</text></svg>'
    drawn = pictures.Drawn(picture, words, True, False, 0)
    chinese = "\n".join(pictures.markdown("a.b", drawn, Language(CHINESE)))

    assert "<text>gru_cell 的 z</text><text>8 个单元中的前 4 个</text>" in chinese
    assert chinese.count("causal 的 α_ij, h = 0 的热图：沿 i 有 10 行") == 2
    assert picture in "\n".join(pictures.markdown("a.b", drawn, Language()))


def test_a_fuzzy_message_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "attnspec.po"
    file.write_text('msgid "a"\nmsgstr "甲"\n\n#, fuzzy\nmsgid "b"\nmsgstr "乙"\n\nmsgid "c"\nmsgstr ""\n', "utf-8")

    assert read(file) == {"a": "甲"}
