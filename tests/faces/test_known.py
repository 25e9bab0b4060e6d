"""Known departures: which verdicts they let pass, when they fail a run, and what is said of a malformed file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from attnspec.cli import main
from attnspec.errors import SpecError
from attnspec.faces import verify_command
from attnspec.faces.known_departures import read
from attnspec.verification.verdict import Report, Verdict, VerdictKind

ROOT = Path(__file__).resolve().parents[2]
ENTRY = {
    "implementation": "my_kernels.attention:fast",
    "dtype": "float64",
    "verdict": "imprecise",
    "reason": "its softmax is in float32",
    "link": "https://example.org/1",
}


def entries(*each: dict[str, str]) -> str:
    """Entries as TOML."""
    return "\n".join("\n".join(["[[departure]]", *(f"{k} = {json.dumps(v)}" for k, v in one.items())]) for one in each)


def fell(
    verdict: str, implementation: str = "my_kernels:attention.fast", dtype: str = "float64", device: str = "cpu"
) -> Verdict:
    return Verdict("attention.soft", implementation, "torch", dtype, device, VerdictKind(verdict), "because of it")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """`attnspec verify` with these verdicts falling."""

    def ran(text: str, *verdicts: Verdict, options: tuple[str, ...] = ()) -> Result:
        def answered(target: str, options: Any, *, on_verdict: Callable[[Verdict], None], **given: Any) -> Report:
            for verdict in verdicts:
                on_verdict(verdict)
            return Report(verdicts)

        file = tmp_path / "departures.toml"
        file.write_text(text, encoding="utf-8")
        monkeypatch.setattr(verify_command, "run", answered)
        return CliRunner().invoke(main, ["verify", "my_kernels", "--known", str(file), *options])

    return ran


def test_a_listed_verdict_passes_and_is_shown_as_known(run: Callable[..., Result]) -> None:
    done = run(entries(ENTRY), fell("conforms", dtype="float32"), fell("imprecise"))

    assert done.exit_code == 0
    assert "known: imprecise: attention.soft, my_kernels:attention.fast (torch, float64, cpu)" in done.stdout
    assert "its softmax is in float32\n            https://example.org/1" in done.stdout
    assert done.stdout.splitlines()[-1].endswith(": 1 conforms, 1 known")


def test_what_is_listed_is_all_that_was_asked(run: Callable[..., Result]) -> None:
    assert run(entries(ENTRY), fell("imprecise")).exit_code == 0


def test_quiet_does_not_show_what_is_known(run: Callable[..., Result]) -> None:
    done = run(entries(ENTRY), fell("imprecise"), options=("--quiet",))

    assert (done.exit_code, done.stdout) == (0, "")


@pytest.mark.parametrize(
    "verdict",
    [
        fell("imprecise", dtype="float32"),
        fell("imprecise", implementation="my_kernels:attention.other"),
        fell("not run"),
    ],
)
def test_what_is_not_listed_fails_the_run(verdict: Verdict, run: Callable[..., Result]) -> None:
    done = run(entries(ENTRY), verdict)

    assert done.exit_code == 1
    assert "known:" not in done.stdout
    assert "gone:" not in done.stdout


@pytest.mark.parametrize("verdict", ["conforms", "differs", "inconclusive"])
def test_an_entry_that_no_longer_occurs_fails_the_run(verdict: str, run: Callable[..., Result]) -> None:
    done = run(entries(ENTRY), fell(verdict), options=("--quiet",))

    assert done.exit_code == 1
    assert "gone: my_kernels.attention:fast (float64)" in done.stdout
    assert f"listed as imprecise, and the verdict is: {verdict}" in done.stdout


def test_an_entry_that_was_not_asked_is_left_alone(run: Callable[..., Result]) -> None:
    done = run(entries(ENTRY), fell("conforms", dtype="float32"))

    assert done.exit_code == 0
    assert "gone" not in done.stdout


def test_nothing_fell_at_all(run: Callable[..., Result]) -> None:
    assert run(entries(ENTRY)).exit_code == 1


def test_json_says_what_became_of_each_entry(run: Callable[..., Result]) -> None:
    others = [{**ENTRY, "implementation": f"my_kernels:{name}"} for name in ("gone", "unasked")]
    done = run(entries(ENTRY, *others), fell("imprecise"), fell("conforms", "my_kernels:gone"), options=("--json", "-"))
    told = json.loads(done.stdout)

    assert done.exit_code == 1
    assert [each["occurs"] for each in told["known"]] == ["seen", "gone", "not asked"]
    assert [each["verdict"] for each in told["verdicts"]] == ["imprecise", "conforms"], "verdicts are what they are"


@pytest.mark.parametrize(
    ("implementation", "verdict", "expected"),
    [
        ("my_kernels:attention.fast", fell("imprecise"), True),
        ("my_kernels.attention:fast", fell("imprecise", "my_kernels.attention:fast"), True),
        ("./kernels/fast.py:fast", fell("imprecise", "kernels/fast.py:fast"), True),
        ("kernels/fast.py:fast", fell("imprecise", "fast.py:fast"), False),
    ],
)
def test_an_implementation_has_one_name(implementation: str, verdict: Verdict, expected: bool, tmp_path: Path) -> None:
    file = tmp_path / "departures.toml"
    file.write_text(entries({**ENTRY, "implementation": implementation}), encoding="utf-8")

    assert (read(str(file)).expecting(verdict) is not None) is expected


@pytest.mark.parametrize(
    ("narrowed", "device", "expected"),
    [
        ({"device": "cuda"}, "cuda:0", True),
        ({"device": "cuda"}, "cpu", False),
        ({"equation": "attention.soft"}, "cpu", True),
        ({"equation": "attention.causal"}, "cpu", False),
    ],
)
def test_an_entry_can_be_narrowed(narrowed: dict[str, str], device: str, expected: bool, tmp_path: Path) -> None:
    file = tmp_path / "departures.toml"
    file.write_text(entries({**ENTRY, **narrowed}), encoding="utf-8")

    assert (read(str(file)).expecting(fell("imprecise", device=device)) is not None) is expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[departure]\n", "line 1"),
        ('[departure]\ndtype = "float64"', "something other than departures"),
        ("departures = []", "departures"),
        (entries({**ENTRY, "dtpye": "float64"}), "did you mean dtype"),
        (entries({**ENTRY, "verdict": "imprecice"}), "did you mean imprecise"),
        (entries({**ENTRY, "verdict": "conforms"}), "no verdict 'conforms' to list"),
        (entries({**ENTRY, "dtype": "flaot64"}), "did you mean float64"),
        (entries({**ENTRY, "reason": " "}), "has no text in 'reason'"),
        (entries(ENTRY).replace('"float64"', "64"), "dtype = 64"),
        (entries(ENTRY, {**ENTRY, "device": "cpu"}), "departure 2 is listed twice"),
        (entries({key: value for key, value in ENTRY.items() if key != "link"}), "departure 1 has no link"),
    ],
)
def test_a_malformed_file_is_answered_with_how_to_mend_it(text: str, says: str, run: Callable[..., Result]) -> None:
    done = run(text, fell("imprecise"))

    assert (done.exit_code, done.stdout) == (2, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(SpecError, match="cannot read known departures: No such file"):
        read("nowhere.toml")


def test_the_projects_own_list_can_be_read() -> None:
    known = read(str(ROOT / "impls/attnspec_peers/departures.toml"))

    assert known.departures
    assert all(each.link.startswith("https://") for each in known.departures)
