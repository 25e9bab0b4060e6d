"""From text to vectors: tokens as vectors, texts of one length, what a classifier reads of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from unicodedata import category

import torch
import torch.nn.functional as F
from torch import Tensor

from attnspec import implements
from attnspec_torch._functions import DTYPES


@implements("text.one_hot", framework="torch", dtypes=DTYPES)
def one_hot(k: Tensor, *, v: int) -> Tensor:
    """PyTorch's own knows no missing token: every token is compared with every place, and −1 is none of them."""
    return (k.unsqueeze(-1) == torch.arange(v, device=k.device)).long()


@implements("text.record", framework="torch", dtypes=DTYPES)
def record(age: Tensor, sex: Tensor, country: Tensor, *, v: int) -> Tensor:
    """The three end to end, in the dtype of the age."""
    known = torch.stack([age, sex.to(age.dtype)], dim=-1)
    return torch.cat([known, one_hot(country, v=v).to(age.dtype)], dim=-1)


@implements("text.align", framework="torch", dtypes=DTYPES)
def align(k: Tensor, *, w: int, null: int) -> Tensor:
    """A longer text is cut by padding of less than nothing."""
    return F.pad(k, (w - k.shape[-1], 0), value=null)


@implements("text.align_keep_first", framework="torch", dtypes=DTYPES)
def align_keep_first(k: Tensor, *, w: int, null: int) -> Tensor:
    """The first ones, filled in front."""
    kept = k[..., :w]
    return F.pad(kept, (w - kept.shape[-1], 0), value=null)


@implements("text.align_pad_behind", framework="torch", dtypes=DTYPES)
def align_pad_behind(k: Tensor, *, w: int, null: int) -> Tensor:
    """The last ones, filled behind."""
    kept = k[..., max(k.shape[-1] - w, 0) :]
    return F.pad(kept, (0, w - kept.shape[-1]), value=null)


@implements("text.segments", framework="torch", dtypes=DTYPES)
def segments(k: Tensor, *, w: int, s: int) -> tuple[Tensor, Tensor]:
    """Windows of all but the last token, every s-th; what follows each stands w further on."""
    label = k[..., w::s].clone()
    if not label.shape[-1]:
        return label.new_empty(*label.shape, w), label
    return k[..., :-1].unfold(-1, w, s).clone(), label


@implements("text.embedding", framework="torch", dtypes=DTYPES)
def embedding(k: Tensor, P: Tensor) -> Tensor:
    """Rows are looked up; for a missing token some row is, and replaced."""
    return torch.where((k >= 0).unsqueeze(-1), F.embedding(k.clamp(min=0), P), 0)


@implements("text.embedding_padding_idx", framework="torch", dtypes=DTYPES)
def embedding_padding_idx(k: Tensor, P: Tensor, *, padding_idx: int) -> Tensor:
    """The same rows, of which autograd leaves the one of padding alone."""
    return torch.where((k >= 0).unsqueeze(-1), F.embedding(k.clamp(min=0), P, padding_idx=padding_idx), 0)


@implements("text.logistic_regression", framework="torch", dtypes=DTYPES)
def logistic_regression(X: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """One product with the rows end to end."""
    return torch.sigmoid(X.flatten(start_dim=-2) @ w + b)


@implements("text.binary_cross_entropy", framework="torch", dtypes=DTYPES)
def binary_cross_entropy(logit: Tensor, target: Tensor) -> Tensor:
    """As written, in float32 for the half types: PyTorch's own subtracts a log-sigmoid, which loses small losses."""
    x = logit.to(torch.promote_types(logit.dtype, torch.float32))
    loss = x.clamp(min=0) - target * x + torch.log1p(torch.exp(-x.abs()))
    return loss.to(logit.dtype)


@implements("text.window_labels", framework="torch", dtypes=DTYPES)
def window_labels(x: Tensor, W: Tensor, b: Tensor, *, w: int) -> Tensor:
    """The windows are formed, and are one product."""
    t = x.shape[-2]
    padded = F.pad(x, (0, 0, w, w))
    window = torch.cat([padded[..., j : j + t, :] for j in range(2 * w + 1)], dim=-1)
    return F.linear(window, W.mT, b)


@implements("text.tokenize")
def tokenize(text: str, *, lower: bool, stop_words: Collection[str], typos: Mapping[str, str]) -> tuple[str, ...]:
    """One pass over the signs of the text; words are what lies between those that part them."""
    cased = (word.lower() if lower else word for word in _words(text))
    return tuple(word for word in (typos.get(each, each) for each in cased) if word not in stop_words)


def _words(text: str) -> Iterator[str]:
    """An apostrophe is held back until the sign after it says whether it is within a word."""
    word = held = ""
    for sign in text:
        if category(sign)[0] in "LMN":
            word, held = word + held + sign, ""
        elif sign in "'’" and word and not held:
            held = sign
        else:
            yield from [word] if word else []
            word = held = ""
    if word:
        yield word


@implements("text.characters")
def characters(text: str, *, lower: bool) -> tuple[str, ...]:
    """One character after the other."""
    return tuple(sign for sign in (text.lower() if lower else text))


@implements("text.delimit")
def delimit(tokens: Sequence[str], *, start: str, stop: str) -> tuple[str, ...]:
    """One tuple."""
    return (start, *tokens, stop)


@implements("text.vocabulary")
def vocabulary(texts: Sequence[Sequence[str]], *, v: int) -> dict[str, int]:
    """A counter has its most frequent by a heap, and words as frequent in the order in which it met them."""
    counted: Counter[str] = Counter()
    for text in texts:
        counted.update(text)
    return {word: index for index, (word, _) in enumerate(counted.most_common(v - 1), start=1)}


@implements("text.encode")
def encode(tokens: Sequence[str], vocabulary: Mapping[str, int]) -> tuple[int, ...]:
    """One look-up after the other."""
    return tuple(vocabulary.get(word, -1) for word in tokens)
