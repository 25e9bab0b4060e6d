"""An encoder-decoder of GRUs with one context for all steps (Cho et al. 2014) learns to say again what it has read.

All that the decoder knows of the source is the vector c: six words are few enough to fit.
"""

import torch
from torch import Tensor, nn
from training import learned, main

from attnspec.equations import seq2seq as spec
from attnspec_torch.seq2seq import (
    context_transform,
    decoder_start,
    decoder_step_fixed_context,
    encode_gru,
    output_distribution,
)

WORDS, LENGTH, WIDTH, STATE = 9, 6, 16, 64
FUNCTIONS = (encode_gru, context_transform, decoder_start, decoder_step_fixed_context, output_distribution)
STEPS = 1000


class EncoderDecoder(nn.Module):
    """A GRU reads, a vector is made of its last state, another GRU writes."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Parameter(torch.randn(WORDS, WIDTH))
        self.encoder = learned(spec.encode_gru, d=WIDTH, u=STATE)
        self.context = learned(spec.context_transform, u=STATE, k=STATE)
        self.start = learned(spec.decoder_start, k=STATE, u=STATE)
        self.step = learned(spec.decoder_step_fixed_context, d=WIDTH, u=STATE, k=STATE)
        self.output = learned(spec.output_distribution, u=STATE, d=WIDTH, k=STATE, v=WORDS)

    def forward(self, source: Tensor, previous: Tensor) -> Tensor:
        h, _ = encode_gru(self.words[source], torch.zeros(len(source), STATE), **self.encoder)
        c = context_transform(h, **self.context)
        s = decoder_start(c, **self.start)
        p = []
        for y in self.words[previous].unbind(1):
            s = decoder_step_fixed_context(y, s, c, **self.step)
            p.append(output_distribution(s, y, c, **self.output))
        return torch.stack(p, dim=1)


def draw(count: int, chance: torch.Generator) -> tuple[Tensor, Tensor]:
    """Words at random, to be said again."""
    source = torch.randint(1, WORDS, (count, LENGTH), generator=chance)
    return source, source


if __name__ == "__main__":
    main(EncoderDecoder, draw, FUNCTIONS, steps=STEPS)
