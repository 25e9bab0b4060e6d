"""Explanations of wrong answers, and the order in which they are tried."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from itertools import chain, islice

import numpy as np

from attnspec.errors import NotationError
from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.mutation.gradients_of_mistakes import gradients_of_mistakes
from attnspec.interpreters.mutation.mask_errors import mask_errors
from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.mutation.other_expressions import (
    expressions_for_names,
    further_expressions,
    other_expressions,
)
from attnspec.interpreters.mutation.partial_sums import partial_sums
from attnspec.interpreters.mutation.place_errors import wrapped_places
from attnspec.interpreters.mutation.software_mistakes import software_mistakes
from attnspec.interpreters.rounding.policy import FORMATS, PrecisionPolicy
from attnspec.language.equation import REGISTRY
from attnspec.language.tree import Name
from attnspec.thresholds import EXPRESSIONS, HOLDS_ALL, HOLDS_MUCH, HOLDS_NEARLY_ALL
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.contract.repeatability import Repeatability
from attnspec.verification.diagnosis import locate, precision
from attnspec.verification.diagnosis.attempts import first_found
from attnspec.verification.diagnosis.batch_reduction import batch_reduction
from attnspec.verification.diagnosis.changed import OF_INPUTS, changed_answers, changed_inputs, is_contradicted
from attnspec.verification.diagnosis.constants import wrong_numbers
from attnspec.verification.diagnosis.counted_examples import counted_examples
from attnspec.verification.diagnosis.departing_code import CODE, WHOLE, is_code
from attnspec.verification.diagnosis.departure import with_departure
from attnspec.verification.diagnosis.input_changes import counted_in_16_bits, rounded_counts, wrapped_inputs
from attnspec.verification.diagnosis.mistaken_axes import exchanged_axes, merged_examples, reversed_axis
from attnspec.verification.diagnosis.one_reading import mistake_at_one_reading
from attnspec.verification.diagnosis.reading import wrong_reading
from attnspec.verification.diagnosis.recognise import (
    BESIDES,
    UNTOLD,
    describe_bits_left,
    mend_form,
    one_number,
    recognise,
    telling_cases,
)
from attnspec.verification.diagnosis.single_results import mistakes_in_results
from attnspec.verification.diagnosis.summed_in_storage import summed_in_storage
from attnspec.verification.diagnosis.two_mistakes import two_mistakes
from attnspec.verification.diagnosis.unwritten import unwritten
from attnspec.verification.diagnosis.worst_case import smallest_failing, worst_case, worst_element
from attnspec.verification.diagnosis.wrong_elements import IT_IS_WRONG
from attnspec.verification.judge.effort import Effort, Made
from attnspec.verification.judge.findings import Bits, Conclusion, Finding, Judged
from attnspec.verification.judge.forms import bits_left, excess
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.statistics import wrong_values
from attnspec.verification.verdict import Departure, Diagnosis, VerdictKind

LARGEST_TILE = 65_536
"""Numbers in a candidate's code up to this may be sizes of tiles."""

LONG = 400
"""Mutants that relate two positions of one axis are not tried on cases with a longer axis."""


KEPT_NUMBER = re.compile(r"/number/constant/[\d.e+-]+$")
"""The id of a mutant that has a plain number where the equation may compute one from sizes."""

IN_STORAGE = "sums in storage"
"""The id of a diagnosis that leaves the formula right."""


@dataclass
class Explainer:
    """Explains the errors of one candidate.

    Attributes:
        candidate: the candidate.
        judge: judges its answers.
        repeatability: checks whether its answers depend on layout or on earlier calls.
        mistakes: the mutants that are not equivalent to the equation on claimed inputs.
        note: called with a finding that is not the explanation.
        effort: what the search for another mistake than a known one of the equation may cost.
        departure: where the candidate departs from the lines of the equation; None if that is not known.
        code: the diagnosis that shows the code that departs, or all that makes the wrong results; None if not known.
    """

    candidate: Candidate
    judge: Judge
    repeatability: Repeatability
    mistakes: Sequence[Mutant]
    note: Callable[[str], None]
    effort: Effort = field(default_factory=Effort)
    departure: Departure | None = None
    code: Diagnosis | None = None

    def conclude(self, observations: list[Observation], judged: Judged) -> Conclusion:
        """Explain wrong answers: by a violation, a known mistake, too few bits, or where they are wrong."""
        if judged.equal:
            if not recognise(self.judge, observations, self.mistakes, judged.policy, refute=True):
                return self.lossy(observations, judged)
            # a mistake that explains every case is preferred to a form
            judged = self.judge.judge(observations, judged.policy)
        first = judged.findings[0]
        if first.mutant is not None:
            return Conclusion(VerdictKind.DIFFERS, first.reason, judged, diagnosis=_named(first.mutant))
        if first.kind in ("direction", "part"):
            return Conclusion(VerdictKind.DIFFERS, first.reason, judged, diagnosis=Diagnosis("direction", first.reason))
        violation = self.repeatability.changes_where_wrong(judged)
        if violation:
            return Conclusion(
                VerdictKind.MISBEHAVES, violation, judged, diagnosis=self.unwritten(judged, arbitrary=True)
            )
        violation = self.repeatability.depends_on_layout(judged)
        violation = violation or self.repeatability.changes_when_repeated(observations, judged)
        if violation:
            return Conclusion(VerdictKind.MISBEHAVES, violation, judged)
        no_gradient = self.missing_gradients(judged)
        known = no_gradient or self.with_code(observations, judged, self.known_mistake(observations, judged))
        ask = known is None or KEPT_NUMBER.search(known.id)  # a number may be that of the first call
        violation = self.repeatability.right_in_a_fresh_process(judged) if ask else ""
        if violation:
            return Conclusion(VerdictKind.MISBEHAVES, violation, judged, diagnosis=known)
        if known is not None and known.id == IN_STORAGE:
            bits = Bits(float(FORMATS[self.judge.dtype].bits), "accumulation")
            reason = f"the formula is right, but {known.says}"
            worst = worst_case(first, judged, self.judge.equation)
            return Conclusion(VerdictKind.IMPRECISE, reason, judged, bits=bits, worst=worst)
        too_few_bits = None if known else self.too_few_bits(observations, judged)
        if too_few_bits is not None:
            return too_few_bits
        axes = locate.only_with_axes(judged.compared)
        if known and axes and axes not in known.says:
            self.note(f"it is wrong {axes}")
        equation, smallest = self.judge.equation, smallest_failing(first, judged, self.judge, self.candidate)
        shown_case, asked = smallest or (None, None)
        of_inputs = known if known and known.id == OF_INPUTS else None
        if of_inputs and asked and is_contradicted(self.judge, asked, judged.policy, of_inputs, self.sizes_in_code):
            known = self.mistakes_in_lines(observations, judged)  # the search after that of other inputs
        known = known or self.with_what_was_missed(self.wrong_reading(observations, judged, first))
        shown = [self.departure.says] if self.departure is not None else []
        shown += [self.code.says] if self.code and self.code.says not in known.says else []
        if any(shown):
            says = "; ".join(filter(None, shown))
            known = replace(known, departure=replace(self.departure or Departure(), says=says))
        return Conclusion(
            VerdictKind.DIFFERS,
            no_gradient.says if no_gradient else first.reason,
            judged,
            diagnosis=replace(known, says=locate.revised(known.says, judged.compared, shown_case, equation.definition)),
            worst=worst_element(shown_case, equation) if shown_case else worst_case(first, judged, equation),
        )

    def with_code(
        self, observations: Sequence[Observation], judged: Judged, known: Diagnosis | None
    ) -> Diagnosis | None:
        """A diagnosis that only says that wrong elements are one number, with the code that makes them."""
        if known is None or f"where {IT_IS_WRONG}" not in known.says or self.departure is not None:
            return known
        found = self.mistakes_in_lines(observations, judged)
        return found or (replace(known, says=f"{known.says}; {self.code.says}") if self.code else known)

    def with_what_was_missed(self, diagnosis: Diagnosis) -> Diagnosis:
        """A diagnosis that names no mistake, with what was not searched for one."""
        if not self.effort.missed:
            return diagnosis
        return replace(diagnosis, says=f"{diagnosis.says}; not everything was searched: not {self.effort}")

    @cached_property
    def searching(self) -> Judge:
        """The judge of searches whose effort is limited."""
        return replace(self.judge, effort=self.effort)

    def limited(self, what: str, search: Callable[[], Diagnosis | None]) -> Callable[[], Diagnosis | None]:
        """A search that is made as far as the effort allows; `what` says what it looks for."""

        def searched() -> Diagnosis | None:
            self.effort.is_short = False
            found = search()
            if found is None and self.effort.is_short:
                self.effort.miss(what)
            return found

        return searched

    def wrong_reading(self, observations: list[Observation], judged: Judged, first: Finding) -> Diagnosis:
        """Describe which parts of arguments are read wrongly, and where values are wrong."""
        place = locate.locate(self.judge, observations, judged.policy, first.reason)
        failing = self.judge.failing(observations, judged.policy)
        told = len(failing) > 1 or not one_number(self.judge, failing, judged.policy)
        reading = wrong_reading(self.judge, self.candidate, observations, judged.policy) if told else ""
        where = place.says.removeprefix("no known mistake: it is ")
        if self.code is None:
            return Diagnosis("reading", f"{reading} ({where})") if reading else place
        is_whole = self.code.id == WHOLE
        if is_whole and reading:
            return Diagnosis("reading", f"{reading}; {self.code.says} ({where})")
        says = "; ".join(filter(None, [self.code.says, reading]))
        return replace(self.code, id=CODE if is_whole else self.code.id, says=f"{says} ({where})")

    def mistakes_in_lines(self, observations: Sequence[Observation], judged: Judged) -> Diagnosis | None:
        """Find mistakes in single lines by the arrays of the candidate, and where it departs from the lines."""
        if not self.candidate.question.trace:
            return None
        try:
            found = with_departure(self.candidate, self.judge, observations, judged.policy)
        except NotationError:  # a mistake upon a mistake whose shapes do not fit; the verdict does not hang on it
            return None
        self.departure = found.departure
        self.code = found if is_code(found) or found.id == WHOLE else None
        return found if found.id and self.code is None else None

    def lossy(self, observations: Sequence[Observation], judged: Judged) -> Conclusion:
        """Conclude that answers are right by a form that loses digits."""
        violation = self.repeatability.changes_when_repeated(observations, judged)
        if violation:
            return Conclusion(VerdictKind.MISBEHAVES, violation, judged)
        (finding,), form, equation = judged.findings, judged.form, self.judge.equation
        assert finding.compared is not None
        bits = bits_left(finding.compared, self.judge.dtype)
        self.note(f"by another form: {form.says}")
        return Conclusion(
            VerdictKind.IMPRECISE,
            f"{finding.reason}: {describe_bits_left(finding.compared, bits)}",
            judged,
            bits=Bits(round(bits, 1), f"the form {' and '.join(form.names)}"),
            worst=worst_element(finding.compared, equation, excess(finding.compared, self.judge.dtype)),
            mend=mend_form(equation, form),
        )

    def where_it_runs(self, observations: list[Observation], failure: Conclusion) -> Conclusion:
        """Look for a known mistake of a candidate that fails, in the cases that it answers.

        A candidate that transposes a matrix, for example, raises unless the matrix is square.
        """
        answered = [
            observation for observation in observations if all(answer.size > 1 for answer in observation.answers)
        ]
        if failure.kind is not VerdictKind.FAILS or not answered:
            return failure
        known = recognise(self.judge, answered, self.mistakes, self.judge.infer_policy(answered), refute=True)
        if known is None:
            return failure
        diagnosis = replace(known, says=f"{known.says} (seen where the sizes let it run)")
        return replace(failure, diagnosis=diagnosis, mend=locate.mend(self.judge.equation, known))

    def known_mistake(self, observations: list[Observation], judged: Judged) -> Diagnosis | None:
        """Find a known mistake: in a reduction over the batch, in the formula, in software, or along a direction."""
        reduction = batch_reduction(self.judge.equation.definition, judged.compared)
        if reduction:
            return Diagnosis("batch", reduction)
        missing = self.unwritten(judged)
        if missing:
            return missing
        short = [observation for observation in observations if observation.case.longest <= LONG]
        software = self.mistakes_of_software(judged)
        judge, policy = self.searching, judged.policy
        numbers = cache(lambda: wrong_numbers(judge, short, policy))
        derived = self.candidate.question.gradients is not None
        differentiated = cache(lambda: self.mistakes_before_gradients)
        known = cache(lambda: [*self.mistakes, *(differentiated() if derived else ())])
        likely = cache(lambda: recognise(self.judge, observations, known(), policy))
        written: dict[str, Sequence[Callable[[], Diagnosis | None]]] = {  # of gradients that are not derived
            "mistakes before a gradient": (lambda: recognise(judge, short, differentiated(), policy, refute=True),)
        }
        whole: dict[str, Sequence[Callable[[], Diagnosis | None]]] = {
            "all mistakes of software": (
                lambda: recognise(judge, short, software, policy, refute=True),
                lambda: self.on_long_axes(observations, judged),
            ),
            "all wrong numbers": (lambda: recognise(judge, short, numbers(), policy, refute=True),),
            "rounded counts": (
                lambda: changed_inputs(
                    judge, observations, policy, changes=rounded_counts(judge.equation.definition), always=True
                ),
            ),
        }
        limited: dict[str, Sequence[Callable[[], Diagnosis | None]]] = {
            "mistakes in some cases alone": (
                lambda: self.in_some_cases(short, judged, Made(chain(software, numbers()))),
            ),
            "other inputs and answers": (
                lambda: changed_inputs(judge, short, policy, self.sizes_in_code),
                lambda: merged_examples(judge, short, policy),
                lambda: counted_examples(judge, short, policy),
                lambda: exchanged_axes(judge, short, policy),
                lambda: reversed_axis(judge, short, policy),
                lambda: changed_answers(judge, short, policy),
            ),
            **(written if judge.equation.gradient_of and not derived else {}),
            "single lines": (lambda: self.mistakes_in_lines(observations, judged),),
            "other expressions": (lambda: self.other_expression(short, judged),),
            "each result for itself": (lambda: mistakes_in_results(judge, short, policy),),
            "one reading of a line": (lambda: mistake_at_one_reading(judge, short, policy),),
            "two mistakes at once": (lambda: two_mistakes(judge, short, self.mistakes, policy),),
            "mistakes in most cases": (lambda: self.in_some_cases(short, judged, software, most=True),),
        }
        searches: list[Callable[[], Diagnosis | None]] = [
            lambda: _if_whole(likely(), alike=True),
            *(self.limited(what, search) for what, together in whole.items() for search in together),
            lambda: self.sums_in_storage(observations, judged),
            lambda: _if_whole(likely()),
            *(self.limited(what, search) for what, together in limited.items() for search in together),
            lambda: self.after_code(likely()),
            lambda: self.error_direction(observations, judged),
        ]
        return first_found(searches, self.note)

    def after_code(self, found: Diagnosis | None) -> Diagnosis | None:
        """What explains most cases that fail; it is named after code that departs, which explains all of them."""
        if self.code is None or self.code.id == WHOLE or found is None:
            return found
        self.code = replace(self.code, also=(found.says, *found.also))
        return None

    def sums_in_storage(self, observations: Sequence[Observation], judged: Judged) -> Diagnosis | None:
        """Find sums in the storage dtype that stop growing."""
        says = summed_in_storage(self.judge, observations, judged.policy)
        return Diagnosis(IN_STORAGE, says) if says else None

    def unwritten(self, judged: Judged, arbitrary: bool = False) -> Diagnosis | None:
        """Find places of outputs that are not written."""
        says = unwritten(self.judge.equation.definition, judged.compared, self.sizes_in_code, arbitrary)
        return Diagnosis("unwritten", says) if says else None

    @property
    def sizes_in_code(self) -> list[int]:
        """Numbers in the candidate's code that may be sizes of tiles."""
        numbers = self.candidate.question.callable.numbers
        return [int(number) for number in numbers if 1 < number <= LARGEST_TILE and float(number).is_integer()]

    def mistakes_of_software(self, judged: Judged) -> Made[Mutant]:
        """Mistakes of software, also in tiles of the sizes that are in the candidate's code.

        Those of some sizes alone come first where the answers are wrong from a size on.
        """
        sizes_first = locate.needs_a_size(judged.compared)
        return Made(software_mistakes(self.judge.equation, self.sizes_in_code, sizes_first))

    def on_long_axes(self, observations: Sequence[Observation], judged: Judged) -> Diagnosis | None:
        """Find what is wrong in cases with a long axis alone: a part of a sum or a mask is read, places begin again."""
        if any(item.case.longest <= LONG for item in self.judge.failing(observations, judged.policy)):
            return None
        definition, sizes = self.judge.equation.definition, self.sizes_in_code
        mistakes = [
            *partial_sums(definition, sizes),
            *mask_errors(definition, sizes),
            *wrapped_places(definition, sizes),
        ]
        wrapped = [*wrapped_inputs(definition, sizes), *counted_in_16_bits(definition)]
        return recognise(self.searching, observations, mistakes, judged.policy, refute=True) or changed_inputs(
            self.searching, observations, judged.policy, changes=wrapped
        )

    @property
    def mistakes_before_gradients(self) -> Sequence[Mutant]:
        """Mistakes in a forward pass, as differentiation hands them on."""
        equation = self.judge.equation
        forward = REGISTRY.get(equation.gradient_of) if equation.gradient_of else None
        return [] if forward is None else [*gradients_of_mistakes(forward, equation.definition)]

    def other_expression(self, observations: Sequence[Observation], judged: Judged) -> Diagnosis | None:
        """Find an expression of the formula where another one belongs, or besides one, unless the formula is long.

        Where some lines appear among the candidate's arrays, only the others are varied.
        """
        definition = self.judge.equation.definition
        roots = self.roots_that_do_not_appear
        tried = [*islice(other_expressions(definition, roots), EXPRESSIONS + 1)]
        if len(tried) > EXPRESSIONS:
            return None
        tried += expressions_for_names(definition)
        tried += islice(further_expressions(definition, roots), max(EXPRESSIONS - len(tried), 0))
        return recognise(self.searching, observations, tried, judged.policy, refute=True)

    @property
    def roots_that_do_not_appear(self) -> list[int] | None:
        """The lines that do not appear, or are wrong too, and the results, by their positions; None if not known."""
        definition = self.judge.equation.definition
        if self.departure is None or not self.departure.right:
            return None
        right = {name for name, _ in self.departure.right} - {name for name, _ in self.departure.wrong}
        shown = [{text_of(Name(target), definition) for target in line.targets} for line in definition.lines]
        lines = [k for k, names in enumerate(shown) if not names <= right]
        return [*lines, *range(len(definition.lines), len(definition.roots))]

    def in_some_cases(
        self, observations: Sequence[Observation], judged: Judged, mistakes: Made[Mutant], most: bool = False
    ) -> Diagnosis | None:
        """Find a mistake of the failing cases alone, where they are few or have in common what no right case has.

        Where one case alone fails and nothing sets it apart, or all that is wrong is NaN, infinite or one number,
        nothing is found: many mistakes give that in so few cases. Nor is a mistake that would show in right cases from
        which nothing sets apart those that fail.

        Args:
            most: whether they are most cases, apart from right ones in which the mistake would show by something alone.
        """
        failing = self.judge.failing(observations, judged.policy)
        wrong = wrong_values(self.judge.compare(failing, judged.policy))
        if len(wrong) == 1 or not np.isfinite(wrong).any():
            return None
        few, apart = 2 * len(failing) <= len(observations), bool(locate.circumstances(judged.compared))
        some = len(failing) < len(observations) and not (apart or few) if most else apart or (few and len(failing) > 1)
        if not some:
            return None
        found = recognise(self.searching, failing, mistakes, judged.policy, refute=True)
        if found is None:
            return None
        mutant = next(each for each in mistakes if each.id == found.id)
        telling = telling_cases(self.judge, observations, mutant, judged.policy)
        says = f"{found.says} (wrong {locate.where(judged.compared, telling)})"
        told = not says.endswith(UNTOLD) and not (most and locate.NOT_IN_EACH in says)
        return replace(found, says=says) if told or (not most and len(telling) <= len(failing)) else None

    def error_direction(self, observations: list[Observation], judged: Judged) -> Diagnosis | None:
        """Find a direction that explains the error of every answer, such as the scale of one argument.

        If no single element is wrong, it need only explain much of it.
        """
        by_element = judged.findings[0].kind == "element"
        share, each = (HOLDS_ALL, HOLDS_NEARLY_ALL) if by_element else (HOLDS_MUCH, 0.0)
        sentence = self.judge.strongest_direction(observations, judged.policy, share, each)
        return Diagnosis("direction", sentence) if sentence else None

    def missing_gradients(self, judged: Judged) -> Diagnosis | None:
        """Find arguments whose gradient is 0 everywhere. If other gradients are wrong too, they are only noted."""
        gradients = self.candidate.question.gradients
        if gradients is None:
            return None
        wrong = {comparison.output for comparison in judged.compared if comparison.fails}
        reached = {comparison.output for comparison in judged.compared if comparison.answer.any()}
        names = [gradients.inputs[output] for output in sorted(wrong - reached)]
        if not names:
            return None
        sentence = f"no gradient reaches {' or '.join(filter(None, [', '.join(names[:-1]), names[-1]]))}"
        if any(outcome.detached for _, outcome in self.candidate.calls):
            sentence += ": what it returns is detached from its arguments (requires_grad is False)"
        if wrong & reached:
            self.note(sentence)
            return None
        return Diagnosis("no gradient", sentence)

    def too_few_bits(self, observations: Sequence[Observation], judged: Judged) -> Conclusion | None:
        """Conclude that the formula is right in fewer bits, relative to the tightest policy or else to the loosest."""
        ends = dict.fromkeys([self.judge.presets[0], self.judge.presets[-1]])
        explanations = (precision.imprecise(self.judge, observations, policy) for policy in ends)
        explanation = next(filter(None, explanations), None) or precision.reduced(self.judge, observations)
        if explanation is None:
            return None
        bits, judged_in_bits = explanation
        worst = worst_case(judged.findings[0], judged, self.judge.equation)
        reason = precision.describe(bits, self.judge.presets[0].intermediates.bits, self.judge.dtype)
        if str(judged_in_bits.policy) == PrecisionPolicy.REDUCED_REDUCTION:
            reason = f"{reason} (sums in {self.judge.dtype}? then declare the policy {judged_in_bits.policy})"
        return Conclusion(VerdictKind.IMPRECISE, reason, judged_in_bits, bits=bits, worst=worst)


def _if_whole(found: Diagnosis | None, alike: bool = False) -> Diagnosis | None:
    """A diagnosis that explains all cases that fail, else None.

    Args:
        alike: whether it must also tell the cases that fail from those that are right, where it would have shown too.
    """
    if found is None or BESIDES in found.says:
        return None
    return None if alike and (found.says.endswith(UNTOLD) or locate.NOT_IN_EACH in found.says) else found


def _named(mutant: Mutant) -> Diagnosis:
    return Diagnosis(mutant.id, mutant.says)
