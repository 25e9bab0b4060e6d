"""Whether the answers of a candidate depend on earlier calls, on chance, or on the order of a set."""

from __future__ import annotations

from itertools import pairwise

from attnspec.thresholds import REPEATS
from attnspec.verification.candidate import answer_form
from attnspec.verification.procedures.candidate import ProceduralCandidate
from attnspec.verification.procedures.cases import Case

PAIRS = 30
"""On how many cases the candidate is called twice in a row."""

NOT_REPEATABLE = (
    "called again in a fresh process, it gives another answer: it remembers earlier calls, draws at random, or goes by "
    "the order of a set"
)
OVERWRITES = "a later call changes what an earlier one returned: it hands out what it goes on writing to"
REMEMBERS = "given the same mapping with new contents, it answers as if it were the old one: it remembers earlier calls"


def differs_in_fresh_process(candidate: ProceduralCandidate) -> str:
    """Call every case again, in another order and in a fresh process, where sets have another order too.

    Returns:
        A description of the violation; "" if every answer is the same.
    """
    candidate.runner.close()
    earlier = [*reversed(candidate.calls)]
    now = candidate.runner.call_many([candidate.request(case) for case, _ in earlier])
    pairs = zip(now, earlier, strict=True)
    same = all(outcome.status == "ok" and outcome.answers == before.answers for outcome, (_, before) in pairs)
    return "" if same else NOT_REPEATABLE


def depends_on_earlier_calls(candidate: ProceduralCandidate) -> str:
    """Describe how an answer depends on earlier calls: by a mapping's identity, a reused result or a counter.

    Returns:
        A description of the violation; "" if there is none.
    """
    cases: list[Case] = [case for case, _ in candidate.calls[:PAIRS]]
    for first, second in pairwise(cases):
        outcome = candidate.call(second, earlier=first)
        if len(outcome.answers) < 2:
            return f"it answers a case, and called twice in a row {answer_form.describe_status(outcome)}"
        if outcome.answers[0] != candidate.expected(first):
            return OVERWRITES
        if outcome.answers[1] != candidate.expected(second):
            return REMEMBERS
    outcome = candidate.call(cases[-1], times=REPEATS)
    changed = f"within {REPEATS} calls on one input, it begins to give another answer"
    return "" if candidate.is_right(cases[-1], outcome) else changed
