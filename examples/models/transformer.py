"""A Transformer (Vaswani et al. 2017), one layer on each side, learns to sort.

Nothing in it is recurrent: in training all places of the target are computed at once, and no place sees those after it.
"""

import torch
from torch import Tensor, nn
from training import learned, main

from attnspec.equations import attention
from attnspec.equations import transformer as spec
from attnspec_torch import position
from attnspec_torch.attention import layer_readout
from attnspec_torch.transformer import decoder_layer, encoder_layer

WORDS, LENGTH, WIDTH, HEADS, INNER = 17, 8, 32, 4, 64
SIZES = {"c": WIDTH, "H": HEADS, "d": WIDTH // HEADS, "f": INNER}
FUNCTIONS = (position.sinusoidal, position.add, encoder_layer, decoder_layer, layer_readout)
STEPS = 1000


class Transformer(nn.Module):
    """Words and their places in, an encoder layer, a decoder layer, a distribution over words out."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Parameter(torch.randn(WORDS, WIDTH))
        self.encoder = learned(spec.encoder_layer, **SIZES)
        self.decoder = learned(spec.decoder_layer, **SIZES)
        self.output = learned(attention.layer_readout, k=WIDTH, v=WORDS)

    def forward(self, source: Tensor, previous: Tensor) -> Tensor:
        z = encoder_layer(self.placed(source), **self.encoder, heads=HEADS, eps=1e-5)
        y = decoder_layer(self.placed(previous), z, **self.decoder, heads=HEADS, eps=1e-5)
        return layer_readout(y, **self.output)

    def placed(self, words: Tensor) -> Tensor:
        """The vector of each word and of its place."""
        return position.add(self.words[words], position.sinusoidal(t=words.shape[1], d=WIDTH))


def draw(count: int, chance: torch.Generator) -> tuple[Tensor, Tensor]:
    """Numbers at random, to be sorted."""
    source = torch.randint(1, WORDS, (count, LENGTH), generator=chance)
    return source, source.sort(dim=1).values


if __name__ == "__main__":
    main(Transformer, draw, FUNCTIONS, steps=STEPS)
