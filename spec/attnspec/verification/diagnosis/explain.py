"""The order in which explanations of wrong values are tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from attnspec.interpreters.mutation.function_substitutions import function_substitutions
from attnspec.interpreters.mutation.insertions import insertions
from attnspec.interpreters.mutation.mutants import Mutant, lookalikes
from attnspec.interpreters.mutation.tiling_errors import tiling_errors
from attnspec.thresholds import HOLDS_MUCH, HOLDS_NEARLY_ALL
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.contract.repeatability import Repeatability
from attnspec.verification.diagnosis import locate, precision
from attnspec.verification.diagnosis.batch_reduction import batch_reduction
from attnspec.verification.diagnosis.constants import wrong_numbers
from attnspec.verification.diagnosis.reading import wrong_reading
from attnspec.verification.diagnosis.recognise import left, mend_form, recognise
from attnspec.verification.diagnosis.worst_case import smallest_case, worst_case, worst_element
from attnspec.verification.judge.findings import Bits, Conclusion, Finding, Judged
from attnspec.verification.judge.forms import bits_left, excess
from attnspec.verification.judge.judge import Judge
from attnspec.verification.verdict import Diagnosis, VerdictKind

LONG = 400
"""Cases of longer axes are not tried under slips that depend on two places of one axis."""


@dataclass
class Explainer:
    """Explains the errors of one candidate.

    Attributes:
        mistakes: the known mistakes that show on inputs that are claimed.
        note: called with other observations, in sentences.
    """

    candidate: Candidate
    judge: Judge
    repeatability: Repeatability
    mistakes: Sequence[Mutant]
    note: Callable[[str], None]

    def conclude(self, observations: list[Observation], judged: Judged) -> Conclusion:
        """Conclude from wrong answers: a known mistake, a loss of bits, or where the values are wrong."""
        if judged.equal:
            if not recognise(self.judge, observations, self.mistakes, judged.policy, always=True):
                return self.lossy(observations, judged)
            judged = self.judge.judge(observations, judged.policy)  # a mistake explains more than a form excuses
        first = judged.findings[0]
        if first.mutant is not None:
            return Conclusion(VerdictKind.DIFFERS, first.says, judged, diagnosis=_named(first.mutant))
        if first.kind in ("direction", "part"):
            return Conclusion(VerdictKind.DIFFERS, first.says, judged, diagnosis=Diagnosis("direction", first.says))
        violation = self.repeatability.depends_on_layout(judged)
        violation = violation or self.repeatability.changes_when_repeated(observations, judged)
        if violation:
            return Conclusion(VerdictKind.MISBEHAVES, violation, judged)
        unreached = self.unreached(judged)
        known = unreached or self.known(observations, judged)
        violation = "" if known else self.repeatability.right_in_a_fresh_process(judged)
        if violation:
            return Conclusion(VerdictKind.MISBEHAVES, violation, judged)
        imprecise = None if known else self.imprecise(observations, judged)
        if imprecise is not None:
            return imprecise
        axes = locate.only_with_axes(judged.compared)
        if known and axes:
            self.note(f"it is wrong {axes}")
        known = known or self.reading(observations, judged, first)
        return Conclusion(
            VerdictKind.DIFFERS,
            unreached.says if unreached else first.says,
            judged,
            diagnosis=known,
            worst=smallest_case(first, judged, self.judge, self.candidate),
        )

    def reading(self, observations: list[Observation], judged: Judged, first: Finding) -> Diagnosis:
        """Say which parts of the arguments are read wrongly, if any are, and where values are wrong."""
        place = locate.locate(self.judge, observations, judged.policy, first.says)
        wrong = wrong_reading(self.judge, self.candidate, observations, judged.policy)
        where = place.says.removeprefix("no known mistake: it is ")
        return Diagnosis("reading", f"{wrong} ({where})") if wrong else place

    def lossy(self, observations: Sequence[Observation], judged: Judged) -> Conclusion:
        """Conclude that it is right by a form that loses digits which the equation keeps."""
        violation = self.repeatability.changes_when_repeated(observations, judged)
        if violation:
            return Conclusion(VerdictKind.MISBEHAVES, violation, judged)
        (finding,), form, equation = judged.findings, judged.form, self.judge.equation
        assert finding.at is not None
        bits = bits_left(finding.at, self.judge.dtype)
        self.note(f"by another form: {form.says}")
        return Conclusion(
            VerdictKind.IMPRECISE,
            f"{finding.says}: {left(finding.at, bits)}",
            judged,
            bits=Bits(round(bits, 1), f"the form {' and '.join(form.names)}"),
            worst=worst_element(finding.at, equation, excess(finding.at, self.judge.dtype)),
            mend=mend_form(equation, form),
        )

    def where_it_runs(self, observations: list[Observation], failure: Conclusion) -> Conclusion:
        """Add a known mistake to a failure: code that raises on most sizes may transpose square matrices."""
        answered = [each for each in observations if all(answer.size > 1 for answer in each.answers)]
        if failure.kind is not VerdictKind.FAILS or not answered:
            return failure
        known = recognise(self.judge, answered, self.mistakes, self.judge.infer(answered))
        if known is None:
            return failure
        says = f"{known.says} (seen where the sizes let it run)"
        mend = locate.mend(self.judge.equation, known)
        return replace(failure, diagnosis=replace(known, says=says), mend=mend)

    def known(self, observations: list[Observation], judged: Judged) -> Diagnosis | None:
        """A known mistake: of the sum over a batch, of the formula, of software, of a number, or along a direction."""
        reduction = batch_reduction(self.judge.equation.definition, judged.compared)
        if reduction:
            return Diagnosis("batch", reduction)
        return (
            recognise(self.judge, observations, self.mistakes, judged.policy)
            or self.in_software(observations, judged)
            or self.with_another_number(observations, judged)
            or self.along(observations, judged)
        )

    def in_software(self, observations: Sequence[Observation], judged: Judged) -> Diagnosis | None:
        """Mistakes of software: another equation, other functions, tiles, a function too many; not on long cases."""
        definition = self.judge.equation.definition
        slips = (
            *lookalikes(self.judge.equation),
            *function_substitutions(definition),
            *tiling_errors(definition),
            *insertions(definition),
        )
        short = [each for each in observations if each.case.longest <= LONG]
        return recognise(self.judge, short, slips, judged.policy, always=True) if slips else None

    def with_another_number(self, observations: Sequence[Observation], judged: Judged) -> Diagnosis | None:
        """A wrong number: a scale, an offset, or a constant in place of the formula's."""
        short = [each for each in observations if each.case.longest <= LONG]
        numbers = [*wrong_numbers(self.judge, short, judged.policy)]
        return recognise(self.judge, short, numbers, judged.policy, always=True) if numbers else None

    def along(self, observations: list[Observation], judged: Judged) -> Diagnosis | None:
        """A direction that has most of the error, such as the scale of one argument."""
        plain = judged.findings[0].kind == "element"
        seen = self.judge.strongest(observations, judged.policy, HOLDS_NEARLY_ALL if plain else HOLDS_MUCH)
        return Diagnosis("direction", seen) if seen else None

    def unreached(self, judged: Judged) -> Diagnosis | None:
        """Arguments that no gradient reaches, if that is all that is wrong; otherwise they are noted."""
        gradients = self.candidate.question.gradients
        if gradients is None:
            return None
        wrong = {each.output for each in judged.compared if each.fails}
        reached = {each.output for each in judged.compared if each.answer.any()}
        names = [gradients.inputs[output] for output in sorted(wrong - reached)]
        if not names:
            return None
        says = f"no gradient reaches {' or '.join(filter(None, [', '.join(names[:-1]), names[-1]]))}"
        if any(outcome.detached for _, outcome in self.candidate.calls):
            says += ": what it returns is detached from its arguments (requires_grad is False)"
        if wrong & reached:
            self.note(says)
            return None
        return Diagnosis("no gradient", says)

    def imprecise(self, observations: Sequence[Observation], judged: Judged) -> Conclusion | None:
        """Conclude that it is the right formula in fewer bits, under the tightest policy or the loosest."""
        ends = dict.fromkeys([self.judge.presets[0], self.judge.presets[-1]])
        tried = (precision.imprecise(self.judge, observations, policy) for policy in ends)
        seen = next(filter(None, tried), None)
        if seen is None:
            return None
        bits, under = seen
        worst = worst_case(judged.findings[0], judged, self.judge.equation)
        return Conclusion(VerdictKind.IMPRECISE, self.imprecise_reason(bits), under, bits=bits, worst=worst)

    def imprecise_reason(self, bits: Bits) -> str:
        """The reason, in words."""
        reason = f"the formula is right, in {bits.bits:.0f} significant bits: they are lost at {bits.site}"
        tf32 = self.judge.dtype == "float32" and bits.like_tf32
        return f"{reason} (TF32? then declare the policy tf32)" if tf32 else reason


def _named(mutant: Mutant) -> Diagnosis:
    return Diagnosis(mutant.id, mutant.says)
