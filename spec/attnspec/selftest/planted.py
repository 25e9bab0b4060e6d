"""What each candidate is, and the verdict that it must get."""

from __future__ import annotations

from dataclasses import dataclass

from attnspec.implementation import FRAMEWORKS

ALL = tuple(FRAMEWORKS)
PLAIN = ("numpy",)
WRITABLE = tuple(each for each in ALL if each != "jax")


@dataclass(frozen=True, slots=True)
class Planted:
    """A candidate that is right, wrong or dishonest on purpose.

    Attributes:
        name: its name in `candidates`.
        what: what it does, in words.
        verdicts: the verdicts that are right.
        says: a part of the diagnosis, where the mistake must be named; "" otherwise.
        frameworks: those that it is asked in.
    """

    name: str
    what: str
    verdicts: tuple[str, ...]
    says: str = ""
    frameworks: tuple[str, ...] = ALL


RIGHT, WRONG, BROKEN = ("conforms",), ("differs",), ("misbehaves", "differs")

PLANTED = (
    Planted("attention_as_written", "attention: right", RIGHT, frameworks=WRITABLE),
    Planted("attention_scaled_first", "attention: right, the query scaled first", RIGHT, frameworks=PLAIN),
    Planted("gru_interpolated", "GRU cell: right, as h̃ + z (h − h̃)", RIGHT),
    Planted("norm_of_differences", "layer norm: right", RIGHT, frameworks=PLAIN),
    Planted("words_looked_up", "words to numbers: right", RIGHT, frameworks=PLAIN),
    Planted("attention_unscaled", "attention: not divided by √d", WRONG, "√d is missing"),
    Planted("attention_a_thousandth_off", "attention: 1.001 times as large", WRONG),
    Planted("attention_of_64_keys", "attention: keys beyond 64 unread", WRONG, frameworks=PLAIN),
    Planted("attention_in_half_precision", "attention: weights of 11 bits", ("imprecise", "differs"), frameworks=PLAIN),
    Planted("gru_with_gates_swapped", "GRU cell: z and 1 − z swapped", WRONG, "z and 1 − z are swapped"),
    Planted("norm_without_eps", "layer norm: ε outside the root", WRONG, "eps is outside sqrt", PLAIN),
    Planted("words_unknown_are_0", "words to numbers: unknown is 0", WRONG, "an unknown word", PLAIN),
    Planted("attention_remembered_by_shape", "attention: repeats earlier answers", BROKEN),
    Planted("attention_that_clears_its_query", "attention: writes to its input", ("misbehaves",), frameworks=WRITABLE),
    Planted("attention_that_is_zero_now_and_then", "attention: 0 now and then", BROKEN, frameworks=PLAIN),
    Planted("attention_that_ends_the_process", "attention: ends its process", ("fails",)),
    Planted("words_of_the_last_table", "words to numbers: keeps a vocabulary", BROKEN, frameworks=PLAIN),
)
