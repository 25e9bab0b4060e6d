"""The simple RNN with attention, as in document 003, learns to say backwards what it has read.

Its state is made of the word, the state and the context before it, [x; s; c]; then it asks the encoder's states, and
says a word from what it reads there and from its own state. It looks from the end to the beginning.
"""

import torch
from torch import Tensor, nn
from training import greedy, heat_map, learned, main

from attnspec.equations import attention, attention_rnn, recurrent
from attnspec_torch import scores
from attnspec_torch.attention import context_vector, into_readout, weights
from attnspec_torch.attention_rnn import attentive_step
from attnspec_torch.recurrent import simple_rnn
from attnspec_torch.seq2seq import decoder_start_copy

WORDS, LENGTH, WIDTH, STATE, SCORE = 10, 7, 16, 64, 32
FUNCTIONS = (simple_rnn, decoder_start_copy, scores.linear, weights, context_vector, attentive_step, into_readout)
STEPS = 800


class AttentiveRNN(nn.Module):
    """One simple RNN reads; another begins in its last state, and looks at all of them again at every step."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Parameter(torch.randn(WORDS, WIDTH))
        self.encoder = learned(recurrent.simple_rnn, d=WIDTH, u=STATE)
        self.step = learned(attention_rnn.attentive_step, d=WIDTH, u=STATE, a=SCORE)
        self.output = learned(attention.into_readout, u=STATE, k=STATE, o=WORDS)

    def forward(self, source: Tensor, previous: Tensor) -> Tensor:
        _, s, c = self.states(source, previous)
        return weights(into_readout(s, c, **self.output))

    def states(self, source: Tensor, previous: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The encoder's states, the decoder's, and the context of each of these."""
        h = simple_rnn(self.words[source], torch.zeros(len(source), STATE), **self.encoder)
        s = decoder_start_copy(h)
        c = context_vector(self.attention(s.unsqueeze(1), h), h).squeeze(1)
        states, contexts = [], []
        for x in self.words[previous].unbind(1):
            s, c = attentive_step(x, s, c, h, **self.step)
            states.append(s)
            contexts.append(c)
        return h, torch.stack(states, dim=1), torch.stack(contexts, dim=1)

    def attention(self, s: Tensor, h: Tensor) -> Tensor:
        """How much each state s looks at each h; attentive_step makes its context of the same."""
        return weights(scores.linear(s, h, self.step["W_q"], self.step["W_k"]))


def draw(count: int, chance: torch.Generator) -> tuple[Tensor, Tensor]:
    """Words at random, no two alike, to be said backwards: it is by its word that a state is found again."""
    source = 1 + torch.rand(count, WORDS - 1, generator=chance).argsort(dim=1)[:, :LENGTH]
    return source, source.flip(1)


if __name__ == "__main__":
    model = main(AttentiveRNN, draw, FUNCTIONS, steps=STEPS, rate=1e-3)
    source = torch.tensor([[3, 1, 4, 5, 9, 2, 6]])
    said = greedy(model, source, LENGTH)
    h, s, _ = model.states(source, nn.functional.pad(said[:, :-1], (1, 0)))
    print(heat_map(model.attention(s, h)[0], "".join(map(str, said[0].tolist())), "3145926"))
