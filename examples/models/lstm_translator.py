"""An LSTM translator (document 003, after Sutskever et al. 2014) learns to write numbers in Roman numerals.

All that the decoder knows of a number are the last two states of the encoder. In training it reads the true letters
before each one. Then it generates by its own equation: the likeliest letter, which it reads in the next step.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from training import learned, main

from attnspec.equations import seq2seq as spec
from attnspec_torch.seq2seq import encode_lstm, greedy_decode_lstm, teacher_forced_lstm

LETTERS, DIGITS, LONGEST = " IVXLCDM", 10, 13
START = STOP = 0
WIDTH, STATE = 16, 96
FUNCTIONS = (encode_lstm, teacher_forced_lstm, greedy_decode_lstm)
STEPS = 1000


class Translator(nn.Module):
    """An LSTM reads the digits; another begins in its two last states, and writes the letters."""

    def __init__(self) -> None:
        super().__init__()
        self.digits = nn.Parameter(torch.randn(DIGITS, WIDTH))
        self.encoder = learned(spec.encode_lstm, d=WIDTH, u=STATE)
        self.decoder = learned(spec.teacher_forced_lstm, d=WIDTH, u=STATE, v=len(LETTERS))

    def forward(self, source: Tensor, previous: Tensor) -> Tensor:
        target = F.pad(previous[:, 1:], (0, 1))  # its last letter is read by nothing
        p, _ = teacher_forced_lstm(target, *self.states(source), **self.decoder, start=START)
        return p

    def states(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """What the encoder hands on: its last state and its last cell state."""
        zero = torch.zeros(len(source), STATE)
        _, h, c = encode_lstm(self.digits[source], zero, zero, **self.encoder)
        return h, c

    @torch.no_grad()
    def write(self, source: Tensor) -> list[str]:
        """The numerals of numbers."""
        letters = greedy_decode_lstm(*self.states(source), **self.decoder, start=START, stop=STOP, limit=LONGEST)
        return ["".join(LETTERS[letter] for letter in row).strip() for row in letters.tolist()]


def roman(number: int) -> str:
    """A number below 1000 in Roman numerals: each digit by itself, with its own three letters."""
    places = zip(f"{number:03}", ("CDM", "XLC", "IVX"), strict=True)
    patterns = ("", "a", "aa", "aaa", "ab", "b", "ba", "baa", "baaa", "ac")
    return "".join(patterns[int(digit)].translate(str.maketrans("abc", letters)) for digit, letters in places)


def digits(numbers: list[int]) -> Tensor:
    """Their three digits."""
    return torch.tensor([[int(digit) for digit in f"{number:03}"] for number in numbers])


def draw(count: int, chance: torch.Generator) -> tuple[Tensor, Tensor]:
    """Numbers at random, with their numerals."""
    numbers = torch.randint(1, 1000, (count,), generator=chance).tolist()
    written = [roman(number).ljust(LONGEST) for number in numbers]
    return digits(numbers), torch.tensor([[LETTERS.index(letter) for letter in word] for word in written])


if __name__ == "__main__":
    model = main(Translator, draw, FUNCTIONS, steps=STEPS)
    samples = [4, 49, 388, 944, 999]
    for number, numeral in zip(samples, model.write(digits(samples)), strict=True):
        print(f"{number:3}  {numeral}")
