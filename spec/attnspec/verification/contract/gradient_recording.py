"""Whether answers depend on which gradients the framework records: values on whether any, gradients on which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from attnspec.thresholds import AGAIN
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.contract.repeatability import differ
from attnspec.verification.judge.findings import Judged
from attnspec.verification.judge.judge import Judge
from attnspec.verification.sandbox.messages import Recording

WORDS: dict[Recording, str] = {
    "off": "with gradients turned off",
    "inference": "in inference mode",
    "wanted": "where its inputs want gradients",
}


def violation(candidate: Candidate, judge: Judge, observations: Sequence[Observation], judged: Judged) -> str:
    """Describe the first wrong answer of a candidate that is right otherwise; "" if there is none.

    An error is none: not every callable can be differentiated, or by each of its arguments.
    """
    if candidate.question.framework != "torch":
        return ""
    ordinary = judge.ordinary(observations, AGAIN)
    if candidate.question.gradients is not None:
        return _by_one_alone(candidate, judge, ordinary[0], judged)
    for before in ordinary:
        for recording, words in WORDS.items():
            _, answers = candidate.call(before.case, recording=recording)
            found = Observation(before.case, answers) if answers is not None else None
            if found is not None and not judge.holds(found, judged.policy, judged.form):
                return f"its values are wrong {words}, right otherwise"
    return ""


def _by_one_alone(candidate: Candidate, judge: Judge, before: Observation, judged: Judged) -> str:
    """Compare each gradient with the one that is computed where no other input wants any."""
    gradients = candidate.question.gradients
    if gradients is None or candidate.question.adaptation.places or candidate.question.adaptation.axes:
        return ""
    noises = judge.noise(before.case, judged.policy)
    for name, old, noise in zip(gradients.inputs, before.answers, noises, strict=True):
        alone = replace(candidate.request(before.case), gradients=replace(gradients, inputs=(name,)), outputs=1)
        (outcome,) = candidate.runner.call_many([alone])
        value = outcome.outputs[0].value if outcome.status == "ok" and outcome.outputs else None
        if value is not None and (value.shape != old.shape or differ(np.asarray(value, np.float64), old, noise)):
            return f"its gradient of {name} is wrong where no other input wants one, right otherwise"
    return ""
