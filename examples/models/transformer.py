"""A Transformer (Vaswani et al. 2017), one layer on each side, learns to sort.

Nothing in it is recurrent: in training all places of the target are computed at once, and no place sees those after it.
Then it generates by its own equations: with the likeliest number each time, and with numbers that are drawn.
"""

import math

import torch
from torch import Tensor, nn
from training import drawn, learned, main

from attnspec.equations import attention
from attnspec.equations import transformer as spec
from attnspec_torch.attention import layer_readout
from attnspec_torch.generation import transformer_greedy_decode, transformer_sample_decode
from attnspec_torch.transformer import decoder_layer, embed_scaled, encoder_layer

WORDS, LENGTH, WIDTH, HEADS, INNER = 17, 8, 32, 4, 64
EPS = 1e-5
SIZES = {"c": WIDTH, "H": HEADS, "d": WIDTH // HEADS, "f": INNER}
START = STOP = 0
"""What stands before the first number; it is no number, so that nothing stops before the last place."""

FUNCTIONS = (
    embed_scaled, encoder_layer, decoder_layer, layer_readout, transformer_greedy_decode, transformer_sample_decode
)  # fmt: skip
STEPS = 1000


class Transformer(nn.Module):
    """Words and their places in, an encoder layer, a decoder layer, a distribution over words out."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Parameter(torch.randn(WORDS, WIDTH) / math.sqrt(WIDTH))  # they are read √WIDTH times
        self.encoder = learned(spec.encoder_layer, **SIZES)
        self.decoder = learned(spec.decoder_layer, **SIZES)
        self.output = learned(attention.layer_readout, k=WIDTH, v=WORDS)

    def forward(self, source: Tensor, previous: Tensor) -> Tensor:
        x = embed_scaled(previous, self.words)
        y = decoder_layer(x, self.read(source), **self.decoder, heads=HEADS, eps=EPS)
        return layer_readout(y, **self.output)

    def read(self, source: Tensor) -> Tensor:
        """What the encoder makes of a source."""
        return encoder_layer(embed_scaled(source, self.words), **self.encoder, heads=HEADS, eps=EPS)

    @torch.no_grad()
    def sort(self, source: Tensor) -> Tensor:
        """The likeliest numbers, one after the other."""
        return transformer_greedy_decode(
            self.read(source), self.words, **self.decoder, **self.output,
            start=START, stop=STOP, limit=LENGTH, heads=HEADS, eps=EPS,
        )  # fmt: skip

    @torch.no_grad()
    def draw(self, source: Tensor, chance: torch.Generator, tau: float) -> Tensor:
        """Numbers drawn one after the other; the higher the temperature τ, the more often an unlikely one."""
        uniform = torch.rand(len(source), LENGTH, generator=chance)
        return transformer_sample_decode(
            uniform, self.read(source), self.words, **self.decoder, **self.output,
            start=START, stop=STOP, heads=HEADS, eps=EPS, tau=tau,
        )  # fmt: skip


def draw(count: int, chance: torch.Generator) -> tuple[Tensor, Tensor]:
    """Numbers at random, to be sorted."""
    source = torch.randint(1, WORDS, (count, LENGTH), generator=chance)
    return source, source.sort(dim=1).values


if __name__ == "__main__":
    model = main(Transformer, draw, FUNCTIONS, steps=STEPS)
    source, _ = drawn(draw, 2, torch.Generator().manual_seed(2), held_out=True)
    print("read          ", *source.tolist())
    print("sorted        ", *model.sort(source).tolist())
    for tau in (1.0, 4.0):
        print(f"drawn at τ = {tau:.0f}", *model.draw(source, torch.Generator().manual_seed(4), tau).tolist())
