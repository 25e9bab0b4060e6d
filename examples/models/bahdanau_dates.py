"""Bahdanau's translator (2015) learns dates: 21 november 2026, november 21, 2026 or 21 nov 2026 become 2026-11-21.

It reads in both directions, letter by letter, and at each digit it looks where in the source that digit stands.
"""

import datetime

import torch
from torch import Tensor, nn
from training import greedy, heat_map, learned, main

from attnspec.equations import attention_rnn, seq2seq
from attnspec_torch.attention_rnn import bahdanau_step
from attnspec_torch.seq2seq import decoder_start, encode_bidirectional_update_writes, output_maxout

LETTERS = " 0123456789,abcdefghijklmnopqrstuvwxyz"
DIGITS = "·0123456789-"
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
LONGEST = len("september 30, 2026")
FIRST, DAYS = datetime.date(1900, 1, 1), 73_000
WIDTH, STATE, SCORE, MAXOUT = 16, 48, 32, 32
FUNCTIONS = (encode_bidirectional_update_writes, decoder_start, bahdanau_step, output_maxout)
STEPS = 400


class Translator(nn.Module):
    """A GRU in each direction reads; at each step of the writer attention makes a context of all that was read."""

    def __init__(self) -> None:
        super().__init__()
        self.letters = nn.Parameter(torch.randn(len(LETTERS), WIDTH))
        self.digits = nn.Parameter(torch.randn(len(DIGITS), WIDTH))
        self.encoder = learned(seq2seq.encode_bidirectional_update_writes, d=WIDTH, u=STATE)
        self.start = learned(seq2seq.decoder_start, k=STATE, u=STATE)
        self.step = learned(attention_rnn.bahdanau_step, d=WIDTH, u=STATE, k=2 * STATE, a=SCORE)
        self.output = learned(seq2seq.output_maxout, u=STATE, d=WIDTH, k=2 * STATE, l=MAXOUT, v=len(DIGITS))

    def forward(self, source: Tensor, previous: Tensor) -> Tensor:
        return self.translated(source, previous)[0]

    def translated(self, source: Tensor, previous: Tensor) -> tuple[Tensor, Tensor]:
        """The probabilities, and the weights of attention: where each digit was read."""
        h, _ = encode_bidirectional_update_writes(self.letters[source], **self.encoder)
        s = decoder_start(h[:, 0, STATE:], **self.start)
        p, weights = [], []
        for y in self.digits[previous].unbind(1):
            s_next, c, alpha = bahdanau_step(y, s, h, **self.step)
            p.append(output_maxout(s, y, c, **self.output))  # of the state before, as the paper's appendix has it
            weights.append(alpha)
            s = s_next
        return torch.stack(p, dim=1), torch.stack(weights, dim=1)


def draw(count: int, chance: torch.Generator) -> tuple[Tensor, Tensor]:
    """Days of two centuries, written in one of three ways."""
    days = torch.randint(DAYS, (count,), generator=chance).tolist()
    ways = torch.randint(3, (count,), generator=chance).tolist()
    dates = [FIRST + datetime.timedelta(day) for day in days]
    sources = [written(date, way) for date, way in zip(dates, ways, strict=True)]
    return encoded(sources), torch.tensor([[DIGITS.index(digit) for digit in date.isoformat()] for date in dates])


def written(date: datetime.date, way: int) -> str:
    month = MONTHS[date.month - 1]
    day, year = date.day, date.year
    return (f"{day} {month} {year}", f"{month} {day}, {year}", f"{day} {month[:3]} {year}")[way]


def encoded(sources: list[str]) -> Tensor:
    """Letters as numbers; shorter ones end in spaces."""
    return torch.tensor([[LETTERS.index(letter) for letter in source.ljust(LONGEST)] for source in sources])


if __name__ == "__main__":
    model = main(Translator, draw, FUNCTIONS, steps=STEPS)
    text = "21 november 2026"
    said = greedy(model, encoded([text]), 10)
    _, alpha = model.translated(encoded([text]), nn.functional.pad(said[:, :-1], (1, 0)))
    print(heat_map(alpha[0, :, : len(text)], "".join(DIGITS[digit] for digit in said[0]), text))
