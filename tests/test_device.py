"""PyTorch's implementations and peers on a device, CUDA unless `--device` names another: `make gpu`, `pytest -m gpu`.

Where PyTorch has no such device they are skipped, and say so. The ordinary run tries the same code on the CPU, and on
PyTorch's meta device, which has shapes and dtypes but no values.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import pytest
import torch

import on_device
from attnspec import REGISTRY, verify
from attnspec.implementation import Claim
from attnspec.verification.verdict import VerdictKind
from on_device import MODES, MODULES, Mode, Subject

RUNS = [(mode, dtype) for mode in MODES for dtype in mode.dtypes]
gpu = pytest.mark.gpu
warned = pytest.mark.filterwarnings("default")  # of a device that is lent for minutes, a warning is no reason to stop
every_module = pytest.mark.parametrize("module", MODULES)
every_run = pytest.mark.parametrize(("mode", "dtype"), RUNS, ids=lambda each: getattr(each, "name", each))

FEW = 2
"""Of how many claims of a module whole verdicts are asked on the device; all of them would take an hour."""

NO_VALUES = {
    "attnspec_peers.recurrent:torch_rnn_lengths": "PyTorch packs sequences by the values of lengths",
    "attnspec_peers.recurrent:torch_gru_lengths": "PyTorch packs sequences by the values of lengths",
    "attnspec_peers.recurrent:torch_lstm_lengths": "PyTorch packs sequences by the values of lengths",
    "attnspec_peers.recurrent:torch_bidirectional_rnn_lengths": "PyTorch packs sequences by the values of lengths",
    "attnspec_peers.recurrent:torch_bidirectional_gru_lengths": "PyTorch packs sequences by the values of lengths",
    "attnspec_peers.recurrent:torch_bidirectional_lstm_lengths": "PyTorch packs sequences by the values of lengths",
    "attnspec_peers.torch_modules:torch_blocked": "flex_attention refuses the meta device",
    "attnspec_peers.torch_modules:torch_with_lse": "flex_attention refuses the meta device",
}
"""What cannot run without values, and why."""


@pytest.fixture
def device(request: pytest.FixtureRequest) -> str:
    """The device that is asked for; the test is skipped where PyTorch has none such."""
    name: str = request.config.getoption("--device")
    if name.startswith("cuda") and not torch.cuda.is_available():
        pytest.skip("not run: PyTorch sees no CUDA device")
    return name


def checked(module: str, mode: Mode, dtype: str, device: str, record: Callable[[str, Any], None]) -> None:
    """Judge a module, and keep its figures for the table at the end of the run."""
    figures = on_device.judged(module, mode, dtype, device)
    record("figures", [device, mode.name, dtype, *figures.row])
    assert not figures.faults, "\n".join(figures.faults)


@gpu
@warned
@every_module
@every_run
def test_every_claim_is_right_on_the_device(
    module: str, mode: Mode, dtype: str, device: str, record_property: Callable[[str, Any], None]
) -> None:
    """Each answer is within the noise of what PyTorch may do; deterministic ones repeat bit by bit."""
    checked(module, mode, dtype, device, record_property)


@gpu
@warned
@pytest.mark.parametrize("id", sorted({each.equation for each in on_device.subjects() if not each.claim.backward}))
def test_the_equation_in_float64_on_the_device_is_the_oracle(id: str, device: str) -> None:
    """Evaluated there, it gives what NumPy gives, within the noise of float64."""
    every = Subject("", REGISTRY[id].function, id, Claim())

    assert max(on_device.oracle_error(REGISTRY[id], case, device) for case in on_device.cases(every, "float64")) <= 1


@gpu
@warned
@every_module
def test_verdicts_on_the_device(module: str, device: str) -> None:
    """Some claims of every module are judged by the whole verifier, in a process of its own."""
    claims = [each for each in on_device.subjects() if each.module == module and each.claim.dtypes]
    for each in sorted(claims, key=lambda each: zlib.crc32(str(each).encode()))[:FEW]:
        dtype = (each.claim.dtypes or ("float32",))[0]
        report = verify(
            f"{module}:{each.function.__name__}", each.equation, dtype=dtype, device=device,
            backward=each.claim.backward, claim={"devices": ("cpu", "cuda")}, examples=5,
        )  # fmt: skip
        report.raise_for_failure()


@gpu
@warned
def test_a_mistake_differs_on_the_device(device: str) -> None:
    def scores(q: Any, k: Any) -> Any:
        return q @ k.mT / k.shape[-1]

    report = verify(scores, "scores.scaled_dot", framework="torch", device=device)

    assert report.verdict == VerdictKind.DIFFERS


# The same code, without a GPU.


@pytest.mark.parametrize(
    ("module", "mode", "dtype"),
    [
        ("attnspec_torch.scores", MODES[0], "float32"),
        ("attnspec_torch.text", MODES[0], "bfloat16"),
        ("attnspec_torch.self_attention", MODES[1], "float32"),
        ("attnspec_torch.optimizer", MODES[2], "bfloat16"),
        ("attnspec_peers.multihead", MODES[3], "float32"),
    ],
)
def test_the_same_code_runs_on_the_cpu(module: str, mode: Mode, dtype: str) -> None:
    figures = on_device.judged(module, mode, dtype, "cpu")

    assert not figures.faults + figures.refusals
    assert figures.cases > figures.claims > 0


def scores_of(answer: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> on_device.Figures:
    """What a callable for `scores.dot` comes to on the CPU."""
    figures = on_device.Figures()
    on_device.judge(Subject("", answer, "scores.dot", Claim()), MODES[0], "float32", "cpu", figures)
    return figures


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda q, k: q @ k.mT, ""),
        (lambda q, k: 2 * (q @ k.mT), "off"),
        (lambda q, k: (q @ k.mT).double(), "the dtype torch.float64, not float32"),
        (lambda q, k: (q @ k.mT)[..., :1, :], "the shape"),
    ],
    ids=["right", "twice", "wide", "a row"],
)
def test_the_check_itself(answer: Callable[..., torch.Tensor], says: str) -> None:
    """A right answer has no fault, a wrong one has."""
    faults = scores_of(answer).faults

    assert bool(faults) == bool(says)
    assert says == "off" or says in "".join(faults)


def test_shapes_and_dtypes_on_the_meta_device() -> None:
    """Every implementation and peer runs there, but for those that must read values."""
    refused = {}
    for subject in on_device.subjects():
        dtype = (subject.claim.dtypes or ("float32",))[-1]
        case = next(on_device.cases(subject, dtype))
        try:
            answer = on_device.answers(subject, case, dtype, "meta")
        except (RuntimeError, ValueError) as error:
            refused[f"{subject.module}:{subject.function.__name__}"] = str(error)
        else:
            assert not on_device.form_fault(subject, case, answer, dtype, "meta"), str(subject)

    assert refused.keys() == NO_VALUES.keys(), refused
