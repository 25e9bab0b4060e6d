"""All numbers that can change a verdict, each with its derivation or its source.

A number is *derived* if it follows from the budget of false alarms or from another number here; it is then computed. It
is *measured* if it describes software or the model of rounding; tests/test_thresholds.py or benchmarks/calibration.py
measure it again. It is a *convention* if any value near it would do; the text then says what depends on it.
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
"""Convention: the probability, for each kind of test, that rounding alone makes a verdict on correct software fail."""

ELEMENTS = 5e5
"""Measured: the largest number of elements that one verdict judges (attention over 1,100 keys: 4.1e5)."""

DIRECTIONS = 100
"""Measured: the number of directions that one verdict projects the error on; at most about 90 are generic, the others
are mutants."""

# The noise of an element: interpreters.rounding.

SIGMA_BOUND = float(round(normal_quantile(FALSE_ALARMS / ELEMENTS / 2)))
"""Derived: the bound of a rounding error in standard deviations σ, for ELEMENTS errors within the budget: 8."""

SAMPLES = 32
"""Convention: the number of simulated runs at the noise of the policy. The probability that their σ is too small by
more than a factor of 2.8 is below FALSE_ALARMS (χ² with 32 degrees of freedom), and the propagated σ is used if
larger."""

STRESSED_SAMPLES = 16
"""Convention: the number of simulated runs at `STRESS` times the noise. Their largest deviation bounds errors that
first-order propagation misses."""

STRESS = SIGMA_BOUND / 2
"""Derived: a uniform error is at most √3 of its σ, so runs at half of the bound reach 0.87 of the bound."""

UNDECIDABLE_SHARE = 0.25
"""Derived: a mistake of half the scale of the output must exceed the bound even if a rounding error as large as the
bound compensates it. The bound may therefore be a quarter of the scale; an element with a larger bound is not
judged."""

UNDERFLOWS, STATE_UNDERFLOWS = 4, 16
"""Convention: the number of underflows, in a line and in a step of a recurrence, that do not make an element
undecidable. Without this allowance, an output of zeros would be undecidable, as its scale is 0."""

UNDECIDABLE = 1e100
"""Convention: the variance of an undecidable element; larger than the square of any float32."""

ORACLE_VARIANCE = 2.0
"""Derived: in float64, the reference has as much rounding error as the candidate, and the variances add."""

# The choice of the precision policy.

HONEST_RMS = 0.7
"""Measured: the root mean square of error/σ of correct software; 0.33 to 0.98, depending on the equation
(benchmarks/calibration.py)."""

HONEST_MEDIAN = normal_quantile(0.25) * HONEST_RMS
"""Derived: the median of |error|/σ for normal errors with HONEST_RMS: 0.47."""

CONTRAST = 2.0
"""Convention: an element distinguishes two policies if the ratio of their σ is at least this."""

CONTRAST_QUANTILE = 0.8
"""Convention: the quantile of |error|/σ that is compared. Many elements are exact by saturation under any policy, and
a quantile ignores a single bad row."""

POLICY_TOO_TIGHT = normal_quantile((1 - CONTRAST_QUANTILE) / 2) * HONEST_RMS * math.sqrt(CONTRAST)
"""Derived: the quantile is 0.90 under the correct policy and CONTRAST times as large under one that is too tight; this
is the geometric mean of the two, 1.27."""

POLICY_OUTLIER = 8.0
"""Convention: the largest contribution of one element to the log-likelihood of a policy, in nats; that of 4 σ."""

POLICY_CASES = 16
"""Convention: the number of cases that a policy is inferred from; some thousand elements."""

# All elements together, and the rows and columns of an output.

WHOLE_MODEL, SLICE_MODEL = 2.5, 3.5
"""Measured: the largest root mean square of error/σ of correct software, over all elements and over a slice of one
case, since σ is a model: at most 1.4 and 2.3 (with a shared normaliser) were measured, times a margin of 1.5."""

WHOLE_SAMPLES, SLICE_SAMPLES = 1.5, 2.5
"""Measured: the largest ratio of the statistic of correct software to the largest of SAMPLES runs, which matters if
elements share their errors. A run exceeds 32 others in 3 % of cases; simulated runs stay below these factors
(tests/test_thresholds.py)."""


def whole_limit(count: int, samples: float) -> float:
    """The limit of the root mean square of error/σ over all elements.

    A root mean square of n independent errors is at most z/√(2n) above its expectation, relatively, with z = 6.0 for
    the budget; if two elements share one independent error, that is z/√n.

    Args:
        count: the number of elements, at least 1.
        samples: the largest root mean square of simulated runs.
    """
    return max(WHOLE_MODEL * (1 + normal_quantile(FALSE_ALARMS) / math.sqrt(count)), WHOLE_SAMPLES * samples)


SLICE_SPREAD = normal_quantile(FALSE_ALARMS) / 2
"""Derived: as in `whole_limit`, but half as much, since SLICE_MODEL already has a margin for single cases."""

# Directions of the error.

SPREADS = student_quantile(FALSE_ALARMS / DIRECTIONS / 2, SAMPLES)
"""Derived: a coefficient divided by its standard deviation, estimated from SAMPLES runs, follows Student's t: 10.3."""

DIRECTION_CHANCE = FALSE_ALARMS / DIRECTIONS
"""Derived: the probability that rounding alone gives one direction a share of the error that names it."""

MIN_SHARE = 0.3
"""Convention: a direction with a smaller share of the squared error is not named, however significant it is."""

LEAN = 0.2
"""Measured: the bias of correct software, in σ of each element; library functions do not round symmetrically."""

CORRELATED = 1.5
"""Convention: a margin for the share of a direction in simulated runs, as a factor: two relative standard deviations
of its estimate from SAMPLES runs, √(2/32) = 0.25."""


FEWEST_INDEPENDENT = 4
"""Convention: the least number of independent errors for which a share of them is judged. Two errors may be opposite by
more than chance, as those of two weights that sum to 1, and then any direction along them has the whole share."""


def share_limit(independent: float) -> float:
    """The share of the squared error that a direction exceeds by chance with probability DIRECTION_CHANCE.

    The share follows a beta distribution with parameters ½ and (n − 1)/2 for n independent errors. The probability of
    more than s is below (1 − s)^(n/2), up to a factor near 1.

    Args:
        independent: the number of independent errors, n.
    """
    return max(MIN_SHARE, 1 - float(DIRECTION_CHANCE ** (2 / independent)))


CLEARLY = 1.25
"""Convention: a mistake of this many bounds or limits counts as detected. Rounding errors that could compensate a part
of it are below a quarter of the bound, 2 σ, for almost all elements."""

NOT_ROUNDING = float(round(normal_quantile(1e-4 / 2)))
"""Derived: an error of more σ is not ordinary rounding; 1 in 10,000 rounding errors is larger: 4."""

MENDED_SHARE = 0.25
"""Convention: a direction explains an element if subtracting it leaves at most this share of the error."""

PART_EXPLAINED = 0.75
"""Convention: the share of the wrong elements that a direction must explain to be named, so that a single element does
not decide."""

SAME_SHARE = 0.01
"""Convention: if shares of directions differ by less, the first direction is named; the whole comes before its
parts."""

HOLDS_NEARLY_ALL, HOLDS_MUCH = 0.9, 0.25
"""Convention: the share of the squared error that a direction must have to be named: in every wrong answer, if single
elements are wrong; in all together, if none is."""

HOLDS_ALL = 0.999
"""Convention: the share of the squared error from which a direction is named as the mistake, and not as what most of
the error looks like; where single elements are wrong, nothing less is named. A factor of 1.01 of an argument has
0.9999, by the second term of its series."""

ENOUGH_WRONG = 5
"""Convention: the number of clearly wrong elements below which no direction is named. Of n errors without a direction,
a given one has 0.9 of the square with a chance of 4e-3 for n = 5, 0.999 with 4e-7, and all of it for n = 1."""

SCALE_STEP = 2.0**-10
"""Convention: the relative step of the derivative with respect to the scale of an argument; the error of the
derivative is below 0.1 %, much less than LEAN."""

LEFT_OUT = 5e-3
"""Convention: an argument whose scale is below this, relative to the correct one, is called left out."""

DIRECTION_CASES = 5
"""Convention: the number of ordinary cases that generic directions are measured on."""

LONG_AXIS, LONGER_AXIS = 32, 100
"""Measured: software may use another algorithm for axes longer than a tile, 32; a case with an axis of 100 is long."""

# Forms: equal rewritings.

FORM_COST = SIGMA_BOUND
"""Derived: the largest error of an accepted form, in bounds of the equation as written. A rounding error of the
equation is at most K σ, with K = SIGMA_BOUND. The σ of a form, its usual error, must be at most that too, so its
largest rounding error is K σ_form ≤ K · K σ, K times the bound. In bits, a form may lose log2(K) = 3."""

# Naming a mistake.

SAME_MISTAKE = (0.8, 1.2)
"""Measured: the coefficients for which a mutant is named. √d rounded to bfloat16 gives −0.5 to 0.26 for mutants of the
scale; half of a mistake gives 0.5, a mistake made twice gives 2."""

RESIDUAL_HALVED = 0.5
"""Convention: if no single element is wrong, a mutant explains the error if less than this share of it is left."""

FAR = 1e4
"""Convention: larger errors count as this many σ, so that one wrong element does not hide that all others agree."""

EXPLAINED_CASES = 0.75
"""Convention: the share of failing cases that a mistake must explain; others may fail by overflow or a second
mistake."""

PAIRED, PAIRED_FROM = 8, 100
"""Convention: the number of generated mistakes, nearest to the answers, to which a second one is added; the number of
known mistakes above which two at once are not tried. A pair costs as much as a mutant."""
RESULTS_ALONE, EXPRESSIONS = 8, 2_000
"""Convention: the number of wrong results above which they are not explained one by one; the number of expressions in
place of others above which they are not tried. An expression costs as much as a mutant."""

LINE_NODES = 40
"""Convention: the number of nodes of a line, with the equations that it calls, of which one evaluation in the search
for a mistake in single lines counts once; that of the lines of a recurrent cell. Python takes a time for each node."""

SEARCHED_NODES, ELEMENTS_OF_NODE, NODES_OF_NUMBER = 3e6, 1_000, 20
"""Convention: the number of nodes of formulas that are evaluated at most in the search for a mistake, where one that is
tried in a formula of n nodes counts as n in each layer and at each step; the number of elements of inputs with which it
counts twice; how many times n a number counts that is fitted at a place. Each search has at most half of what is left,
so that none is left out whole. The known mistakes of the equation come first and are always tried. What is left out is
said."""

WIDE_ELEMENTS, NARROWED_PLACES = 2**14, 8
"""Convention: from so many elements of inputs on, the search for a form and for a smaller case asks only the places of
the longest axis where the answer is furthest off, and that for a mistake only such examples of the longest batch; how
many. The noise of so many elements takes a third of a second or more."""

BY_CHANCE = 0.01
"""Convention: the chance with which what failing cases have in common, over all that is looked at, may be so though it
has nothing to do with them. It is said as what was seen, and changes no verdict."""

ALIKE_FACTOR, ALIKE_STEP = 1.5, 0.2
"""Convention: mutants whose root mean square is within this factor or this difference of the best cannot be
distinguished; the standard error of a root mean square of a dozen elements is 0.2."""

CONTROLS, TRIED_CASES, SHORTLIST, MANY = 24, 8, 6, 100
"""Convention: the number of passing cases that a mistake must not contradict; of failing cases that are tried; of
mutants that are compared with their own noise, out of three times as many; the number of mutants above which only half
as many, the nearest on one cheap case, are tried on others. Larger numbers take longer and name the same."""

EQUIVALENT = 1e-9
"""Derived: float64 values that differ by less, relative to the largest, count as equal: 10⁶ roundings of 2⁻⁵³ in one
direction give 1e-10."""

EQUIVALENCE_SIZES = 40
"""Convention: the largest size of the cases on which mutants are compared with the equation."""

# How strong a pass is.

ENOUGH_CAUGHT = 0.9
"""Convention: the share of mutants that the cases must be able to detect for the verdict "conforms"."""

STRENGTHENING_ROUNDS = 3
"""Convention: the number of rounds of additional cases for mutants that the cases so far cannot detect."""

SCORED_CASES = 30
"""Convention: the number of quick cases that the direction of a mutant is measured on."""

MOST_DECIDABLE = 0.5
"""Convention: the verdict is inconclusive if a smaller share of the elements could be judged, of all and of one output
on average: a size at which none can be, in ten memory layouts, leaves a verdict on all other sizes."""

# Effective bits.

FEWEST_BITS = 3.0
"""Source: significant bits of the coarsest format in use, E5M2 (Micikevicius et al. 2022, arXiv:2209.05433)."""

TRUNCATED_BITS = 7.0
"""Derived: truncation to bfloat16, the coarsest format of arrays, errs with one sign, as rounding to one bit fewer than
its 8 does."""

BITS_STEP = 0.25
"""Convention: the step of the search for effective bits."""

BITS_MARGIN = 0.3
"""Derived: the tried precision is lower than the estimate by this many bits: the step of the search, rounded up."""

BITS_ALIKE = 0.15
"""Convention: sites whose likelihoods differ by less, in nats per element, count as equal; lines of the formula come
first."""

LIKE_TF32 = 1.5
"""Convention: the largest difference, in bits, at which the precision of operands counts as that of TF32."""

SITE_CASES = 8
"""Convention: the number of failing cases, the smallest ones, that a site or a form is tried on before all others."""

# Repeatability.

AGAIN = 2
"""Convention: how many wrong answers are asked for again before they are explained; a wrong formula repeats them."""

REPEATS = 300
"""Convention: the number of repeated calls after which the answer must be the same."""

LATER = 8
"""Convention: the number of calls with other inputs after which an earlier answer must be what it was; software that
takes buffers in turn has two or three."""

NUDGE = 2.0**-12
"""Convention: the part by which values are raised, of 1 at most, that a cache might take for the old ones: it does not
show in the third digit, and is a thousand times the rounding of float32."""

PRINTED = 1_000
"""Source: NumPy and PyTorch, set_printoptions(threshold=1000). They leave out the middle of arrays of more elements."""

# Properties.

PROBES = 16
"""Derived: the number of random perturbations of each value within its bound. The root mean square of 16 is a third of
its expectation with probability 4e-6 (χ²), and a sum may then still be off by 2.7 σ."""

RELATION_SLACK = 2.0**-48
"""Derived: the error of the float64 arithmetic of a property, relative to both sides: 32 roundings."""

# Double backward, in float64.

DIFFERENCE_STEP = 2.0**-8
"""Convention: the step of finite differences; their error is of its fourth power, 2e-10."""

SLOPE_ERROR = 1e-6
"""Measured: the tolerance relative to the largest element of a gradient; the differences of smooth functions are
accurate to 1e-9."""

SMOOTH = 1e-8
"""Convention: if finite differences with two steps differ by more, the equation has a kink nearby, and the element is
not judged."""

DOUBLE_BACKWARD_DECIDABLE = 0.5
"""Convention: the share of elements that must be judged for a verdict on a double backward pass."""

RELATED = 0.2
"""Convention: a number is fitted where its slope has at least this correlation with the error, so that most places cost
one evaluation: the error of a wrong number has most of its slope, unless the number is far off."""

FIT_CASES, TELLING_ELEMENTS, FIT_STEPS = 4, 4, 12
"""Convention: the number of failing cases that a number is fitted to; the least number of elements of each; the number
of steps. A fitted number is tested on all other cases before it is named."""

UNWRITTEN_CASES = 2
"""Convention: so many cases must show places of an output that are not written, with written ones in front of them."""

FORM_SIZES = 3
"""Convention: a product of a constant and a form of sizes is named only of so many fitted cases of different sizes; of
two, one of these forms agrees by chance."""

FIT_SIGMAS = 8.0
"""Convention: the largest distance of a closed form from a fitted number, in standard deviations, although a wrong
formula does not have the noise of the equation."""

FITTED_RMS = 4.0
"""Convention: the largest root mean square of error/σ that a fitted number may leave; the noise of a wrong formula is
not that of the equation."""

NEARER_ELEMENTS, NAMED_CHANGES = 0.75, 3
"""Convention: the share of wrong elements that must be nearer to the values of changed inputs, and decidable there; the
number of changes that are named. A change is named only if all answers are then within their bounds."""

READING_CASES, MOVING_CASES, PROBED_PLACES = 2, 16, 16
"""Convention: the number of failing cases in which a sentence on what a candidate reads must hold; of others, spread
over all sizes, in which what is said not to be read must not move the answer; the largest size of an axis that is
probed element by element, longer ones being bisected. Larger numbers cost calls and name the same."""

MATCHED_ELEMENTS, MATCHED_BITS, MOST_BITS = 4, 64.0, 24.0
"""Derived: the least number of different elements, and of bits that they have together above the noise, at which an
array of a candidate counts as a line of the formula; the most bits of one element. Some 400 arrays are compared with
some 300 parts in 2,000 layouts, 2^28 in all; 64 bits leave a chance of 2^-36 that one of them agrees."""

FOLLOWED_BOUNDS = 4.0
"""Convention: what is computed from wrong values of a line agrees with an array of a candidate within so many bounds of
the right values, than which it may be larger. `MATCHED_BITS` are counted above these bounds."""

WATCHED_CASES = 2
"""Convention: the number of failing cases that are watched; a sentence must hold in all of them."""

# The function of a traced candidate: interpreters.balls, verification.function.

EXACT_CONSTANT_BITS = 12
"""Convention: a constant of code with at most so many significant bits, such as 0.5 or 0.125, means just this number.
Others are widened; a larger limit risks that a rounded one counts as exact, a smaller one costs digits of agreement.
Formats of less than twice as many bits have less than half of their own for it."""

CONSTANT_ROUNDINGS = 4
"""Convention: a constant that is written in a format may be the result of so many roundings in it (1/√d makes two)."""

SCALAR_CONSTANT_ERROR = 2.0**-46
"""Derived: the error of a constant that Python computed in float64 before the trace, absolutely and relatively: 128
roundings of 2^-53 of numbers of order 1. The mistake "× (1 + 1e-12)" is still 70 times larger."""

MOST_CONSTANTS = 64
"""Convention: code that uses more different constants of many digits has computed a table, by roundings that are not
known, and is not traced."""

FLOOR_EXPONENTS = {"float64": -1022, "float32": -126, "float16": -126, "bfloat16": -126}
"""Source: IEEE 754. Two functions are told apart only where they differ by more than the smallest normal number of the
format in which software computes (float32 for half precision): an exponential of a mask, e^-10000, is 0 there."""

# Time: verification.candidate.slow_calls.

EXPECTED_SHARE = 0.25
"""Convention: a call that exceeds its time is taken for slow, not for one that hangs, if the most similar earlier call,
as many times as long as the case is larger, comes to this share of the limit. Work may grow faster than sizes."""

# Production sizes: verification.cases.pools, verification.equations.at_sizes.

POOL_ROWS, POOL_REDUCED, POOL_BATCH = 32, 256, 4
"""Convention: the largest number of distinct rows along an axis of production size: where each gives outputs of its
own; where they are summed, so that a sum has many different terms; of the examples of a batch. A candidate that takes
one row for another is right by chance in one row of so many, and it is asked thousands."""

ORACLE_ELEMENTS = 24_000_000
"""Convention: the most elements of one array of simulated runs, all runs that are made at once taken together; eight
bytes each, and some five such arrays are alive at once: less than 1 GB. Fewer runs are made at once where they would be
more. One run has at most a fourth of it; a sixteenth where two examples of a batch are distinct, and a 256th where four
are, since the reference then costs twice as much."""


def widened(elements: float) -> float:
    """Derived: the factor of bounds where more elements are judged than `ELEMENTS`: 1.05 for ten million.

    The chance of a false alarm is then the same.
    """
    return max(1.0, normal_quantile(FALSE_ALARMS / elements) / normal_quantile(FALSE_ALARMS / ELEMENTS))
