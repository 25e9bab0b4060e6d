"""Every number that can change a verdict, each with its derivation or its source.

A number is *derived* where it follows from the budget of false alarms or from another number here; it is then computed.
It is *measured* where it describes software or our own model of rounding; then the text says by what, and
tests/test_thresholds.py or benchmarks/calibration.py measure it again. It is a *convention* where any value near it
would do; then the text says what depends on it.
"""

from __future__ import annotations

import math
from statistics import NormalDist

NORMAL = NormalDist()


def normal_quantile(chance: float) -> float:
    """The value that a standard normal variable exceeds, on one side, with this chance."""
    return -NORMAL.inv_cdf(chance)


def student_tail(value: float, degrees: int) -> float:
    """The chance that Student's t exceeds a positive value, on one side; for an even number of degrees of freedom."""
    sine, cosine2 = value / math.sqrt(degrees + value**2), degrees / (degrees + value**2)
    term = total = 1.0
    for k in range(1, degrees // 2):
        term *= cosine2 * (2 * k - 1) / (2 * k)
        total += term
    return (1 - sine * total) / 2


def student_quantile(chance: float, degrees: int) -> float:
    """The value that Student's t exceeds, on one side, with this chance; for an even number of degrees of freedom."""
    low, high = 0.0, 1e3
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if student_tail(middle, degrees) > chance else (low, middle)
    return high


# The budget.

FALSE_ALARMS = 1e-9
"""Convention: the chance that a verdict accuses an honest candidate by rounding alone, for each kind of test."""

ELEMENTS = 5e5
"""Measured: elements that one verdict judges, at most (attention over 1,100 keys: 4.1e5)."""

DIRECTIONS = 100
"""Measured: directions that one verdict projects the error on, at most some 90 generic ones and as many mutants."""

# The noise of an element: interpreters.rounding.

SIGMA_BOUND = float(round(normal_quantile(FALSE_ALARMS / ELEMENTS / 2)))
"""Derived: how many standard deviations σ an honest error may reach, so that ELEMENTS of them stay in the budget: 8."""

SAMPLES = 32
"""Convention: simulated runs at the noise of the policy. Their σ is too small by more than a factor 2.8 with a chance
below FALSE_ALARMS (χ² of 32 degrees), and it is never used without the propagated one."""

STRESSED_SAMPLES = 16
"""Convention: simulated runs at `STRESS` times the noise; their largest deviation bounds what first order misses."""

STRESS = SIGMA_BOUND / 2
"""Derived: uniform roundings reach √3 of their σ, so that runs at half the bound reach 0.87 of it and hardly more."""

UNDECIDABLE_SHARE = 0.25
"""Derived: a mistake of half the output's scale has to show, on the other side of an error that is at its bound: the
bound may be half of that, a quarter of the scale. An element with a larger one is not judged."""

UNDERFLOWS, STATE_UNDERFLOWS = 4, 16
"""Convention: that many times the bound of one underflow is no reason to leave an element out, since an output of
zeros has no scale: roundings of a line and of a step of a recurrence."""

UNDECIDABLE = 1e100
"""Convention: the variance of an element that the noise says nothing about; larger than any square of a float32."""

NARROW_RANGE = 1e30
"""Convention: a format whose largest number is less (float16) may overflow on the way to a sum that it holds."""

ORACLE_VARIANCE = 2.0
"""Derived: in float64 the oracle rounds as much as what it judges, and variances of independent errors add."""

# Which policy: the judge holds a policy against looser ones.

HONEST_RMS = 0.7
"""Measured: the root mean square of error/σ of honest software, 0.33 to 0.98 by equation
(benchmarks/calibration.py)."""

HONEST_MEDIAN = normal_quantile(0.25) * HONEST_RMS
"""Derived: the median of |error|/σ that goes with HONEST_RMS: 0.47."""

CONTRAST = 2.0
"""Convention: elements tell two policies apart where one says so many times the σ of the other."""

CONTRAST_QUANTILE = 0.8
"""Convention: of |error|/σ the upper fifth counts: many elements are exact by saturation under any policy, and a
quantile ignores one bad row."""

POLICY_TOO_TIGHT = normal_quantile((1 - CONTRAST_QUANTILE) / 2) * HONEST_RMS * math.sqrt(CONTRAST)
"""Derived: the quantile is 0.90 under the right policy and CONTRAST times that under one that is too tight; this is
the geometric mean of the two, 1.27."""

POLICY_OUTLIER = 8.0
"""Convention: an element counts for at most so much, in nats, when likelihoods of policies are compared (4 σ)."""

POLICY_CASES = 16
"""Convention: cases that are compared to choose a policy, some thousand elements."""

# All elements together, and the rows and columns of an output.

WHOLE_MODEL, SLICE_MODEL = 2.5, 3.5
"""Measured: how far above σ the root mean square of honest software may lie, since σ is a model: 1.4 over all cases and
2.3 in a single case (a normaliser is shared) were the largest seen, with a margin of 1.5."""

WHOLE_SAMPLES, SLICE_SAMPLES = 1.5, 2.5
"""Measured: how far above the largest of SAMPLES runs the same statistic of an honest candidate may lie; it matters
where elements share their error. A run is the largest of 33 in 3 % of cases; other simulated runs stay below these
factors (tests/test_thresholds.py)."""


def whole_limit(count: int, samples: float) -> float:
    """The limit of the root mean square of error/σ over so many elements.

    A root mean square of n independent errors lies z/√(2n) above its expectation, z = 6.0 for the budget; with two
    elements to one independent error that is z/√n.

    Args:
        count: the number of elements, at least 1.
        samples: the largest one of simulated runs.
    """
    return max(WHOLE_MODEL * (1 + normal_quantile(FALSE_ALARMS) / math.sqrt(count)), WHOLE_SAMPLES * samples)


SLICE_SPREAD = normal_quantile(FALSE_ALARMS) / 2
"""Derived: as in `whole_limit`; half as much, since SLICE_MODEL has the margin of single cases in it already."""

# Directions of the error.

SPREADS = student_quantile(FALSE_ALARMS / DIRECTIONS / 2, SAMPLES)
"""Derived: a coefficient over its own spread, estimated by SAMPLES runs, follows Student's t: 10.3."""

DIRECTION_CHANCE = FALSE_ALARMS / DIRECTIONS
"""Derived: the chance that one direction holds by rounding alone a share of the error that names it."""

MIN_SHARE = 0.3
"""Convention: a direction with less of the error's square is no explanation, however significant it is."""

LEAN = 0.2
"""Measured: a right implementation may lean to one side by so many σ of each element, as library functions do whose
roundings are not symmetric."""

CORRELATED = 1.5
"""Convention: the share of a direction in honest runs is taken so many times larger, a margin for its estimate from
SAMPLES runs (its relative standard deviation is √(2/32) = 0.25; two of them)."""


def share_limit(independent: float) -> float:
    """The share of the error's square that a direction has by chance rarely enough, of so many independent errors.

    The share follows a beta distribution with parameters ½ and (n − 1)/2, whose tail beyond s is below (1 − s)^(n/2)
    for n errors but for a factor near 1.
    """
    return max(MIN_SHARE, 1 - float(DIRECTION_CHANCE ** (2 / independent)))


CLEARLY = 1.25
"""Convention: a departure of so many bounds or limits shows for certain: the honest error that hides a part of it is
below a quarter of the bound, 2 σ, for almost every element."""

NOT_ROUNDING = float(round(normal_quantile(1e-4 / 2)))
"""Derived: an error of so many σ is no ordinary rounding: 1 in 10,000 is larger; 4."""

MENDED_SHARE = 0.25
"""Convention: a direction explains an element when it takes away three quarters of its error."""

PART_EXPLAINED = 0.75
"""Convention: the share of wrong elements that a direction must explain each by itself to be named: one bad element
must not speak for all."""

SAME_SHARE = 0.01
"""Convention: of directions whose shares differ by less, the first is named: the whole before its parts."""

HOLDS_NEARLY_ALL, HOLDS_MUCH = 0.9, 0.25
"""Convention: the share of the error's square that a direction must hold to be named: where elements show it, and
where no element does."""

SCALE_STEP = 2.0**-10
"""Convention: the relative change by which the derivative by an argument's scale is measured: its own error is then
below 0.1 %, far less than LEAN."""

LEFT_OUT = 5e-3
"""Convention: an argument whose strength is below this is said to be left out."""

DIRECTION_CASES = 5
"""Convention: ordinary cases on which generic directions are measured."""

LONG_AXIS, LONGER_AXIS = 32, 100
"""Measured: software may take another path from a tile's size on; a case is long from the second on."""

# Forms: equal rewritings.

FORM_COST = SIGMA_BOUND
"""Derived: how many times its bound under the equation as it stands an error may reach by a form. An honest error of
the equation lies within K σ. A form is a matter of rounding as long as its own σ, its usual error, lies there too; its
largest honest error is then K σ_form ≤ K · K σ, K times the bound: in bits, a form may cost log2(K) = 3. Beyond that a
usual error of the form would be refused of the equation for the same inputs."""

# Naming a mistake.

SAME_MISTAKE = (0.8, 1.2)
"""Measured: the coefficients of a mutant that names it. √d rounded to bfloat16 gives −0.5 to 0.26 along mutants of
scale, half a mistake 0.5, twice 2."""

RESIDUAL_HALVED = 0.5
"""Convention: a mutant explains an error that no element shows if less than this of it is left."""

FAR = 1e4
"""Convention: an error of so many σ counts as no more: one bad element must not hide that all others agree."""

EXPLAINED_CASES = 0.75
"""Convention: the share of failing cases that a mistake must explain: overflow or a second slip may spoil others."""

ALIKE_FACTOR, ALIKE_STEP = 1.5, 0.2
"""Convention: mutants whose root mean squares are within this factor or this step of the best cannot be told apart:
the standard error of a root mean square of a dozen elements is 0.2."""

CONTROLS, TRIED_CASES, SHORTLIST = 24, 8, 6
"""Convention: cases that are right and that a mistake must leave right; failing cases that are tried; mutants that are
compared by their own noise, out of three times as many. More cost time and name the same."""

EQUIVALENT = 1e-9
"""Derived: float64 values this close, relative to the largest, are one: 10⁶ roundings of 2⁻⁵³ in a row."""

EQUIVALENCE_SIZES = 40
"""Convention: mutants are held against the equation on cases of no larger sizes."""

# How strong a pass is.

ENOUGH_CAUGHT = 0.9
"""Convention: below this share of mutants caught, the cases say too little for "conforms"."""

STRENGTHENING_ROUNDS = 3
"""Convention: how often more cases are drawn for mutants that the cases so far could not have caught."""

SCORED_CASES = 30
"""Convention: quick cases on which a mutant's direction is measured."""

MOST_DECIDABLE = 0.5
"""Convention: where less than this share of elements could be judged, the verdict is inconclusive."""

# Where bits are lost.

FEWEST_BITS = 3.0
"""Source: significant bits of the coarsest format in use, E5M2 (Micikevicius et al. 2022, arXiv:2209.05433)."""

BITS_STEP = 0.25
"""Convention: effective bits are searched to this precision."""

BITS_MARGIN = 0.3
"""Derived: the precision that is tried is lower by this, the step of the search rounded up."""

BITS_ALIKE = 0.15
"""Convention: sites whose likelihoods differ by less, in nats an element, are alike; a line of the formula goes
first."""

LIKE_TF32 = 1.5
"""Convention: bits within which lost operands look like TF32."""

SITE_CASES = 8
"""Convention: failing cases, the smallest, on which a site or a form is tried before it is tried on all."""

# Repeatability.

RESTLESS = 0.05
"""Convention: the share of elements that may move by more than σ between two runs. For one σ, 32 % would move if all
were rounded anew; other orders of summation move few."""

REPEATS = 300
"""Convention: calls in a row, after which the answer must still be the same."""

# Properties.

PROBES = 16
"""Derived: how often each value is moved its own way within its bound. That the root mean square of 16 is a third of
what it should be has a chance of 4e-6 (χ²), and then a sum is still allowed 2.7 σ."""

RELATION_SLACK = 2.0**-48
"""Derived: what the relations' own float64 arithmetic may add, relative to both sides: 32 roundings."""

# Double backward, in float64.

DIFFERENCE_STEP = 2.0**-8
"""Convention: how far an element is moved; the error of the differences is of its fourth power, 2e-10."""

SLOPE_ERROR = 1e-6
"""Measured: of the largest element of a gradient; differences are right to 1e-9 where nothing is steep."""

SMOOTH = 1e-8
"""Convention: where differences of two steps are further apart, the equation has a kink nearby, and the element is not
judged."""

DOUBLE_BACKWARD_DECIDABLE = 0.5
"""Convention: the share of elements that must be judged for the verdict to say that a double backward is right."""

FIT_CASES, TELLING_ELEMENTS, FIT_STEPS = 4, 4, 12
"""Convention: on how many failing cases a number is fitted, each of so many elements at least, in so many steps. What
is found is held against all other cases before it is said."""

FIT_SIGMAS = 8.0
"""Convention: how many standard deviations a closed form may be from a fitted number: more than `SIGMA_BOUND`, since
the noise of a wrong formula is not that of the equation."""

FITTED_RMS = 4.0
"""Convention: a number is fitted if it leaves no more than this root mean square of error/σ, for the same reason."""

READING_CASES, PROBED_PLACES = 2, 8
"""Convention: a sentence on what a candidate reads must hold in so many failing cases; axes up to this size are probed
place by place, longer ones by halving. More cost calls, and say the same."""
