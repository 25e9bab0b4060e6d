"""Functions of SciPy and scikit-learn, the preprocessing of Keras, and the one-hot rows of JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from attnspec import implements

if TYPE_CHECKING:
    import jax

Array = npt.NDArray[Any]

CPU = ("cpu",)
LONG = ("float32",)


@implements("attention.weights", framework="numpy", dtypes=LONG, devices=CPU, finite=True)
def scipy_softmax(e: Array) -> Any:
    """scipy.special.softmax."""
    from scipy.special import softmax

    return softmax(e, axis=-1) if e.size else e


@implements("seq2seq.cross_entropy_probs", framework="numpy", dtypes=LONG, devices=CPU, finite=True)
def scipy_cross_entropy(p: Array, y: Array) -> Any:
    """scipy.special.xlogy, summed; where y is 0, it is 0 for every p."""
    from scipy.special import xlogy

    return -xlogy(y, p).sum(axis=-1)


@implements("seq2seq.distillation", framework="numpy", dtypes=LONG, devices=CPU, finite=True)
def scipy_distillation(p_teacher: Array, p_student: Array) -> Any:
    """scipy.special.xlogy, summed; where the teacher has 0, it is 0 for every student."""
    from scipy.special import xlogy

    return -xlogy(p_teacher, p_student).sum(axis=-1)


@implements(
    "text.logistic_regression", framework="numpy", dtypes=LONG, devices=CPU, smallest={"t": 1, "d": 1, "batch": 1},
    finite=True,
)  # fmt: skip
def sklearn_logistic_regression(X: Array, w: Array, b: Array) -> Any:
    """sklearn.linear_model.LogisticRegression, predict_proba of the second class."""
    from attnspec_peers._undrawn import undrawn

    with undrawn():
        from sklearn.linear_model import LogisticRegression
    model = LogisticRegression()
    model.classes_, model.coef_, model.intercept_ = np.array([0, 1]), w[None], b[None]
    rows = X.reshape(*X.shape[:-2], -1)
    p = model.predict_proba(rows if rows.ndim == 2 else rows[None])[:, 1]
    return p if rows.ndim == 2 else p[0]


def _aligned(k: Array, w: int, null: int, padding: str, truncating: str) -> Any:
    from attnspec_peers import _keras

    rows = _keras.aligned(
        k if k.ndim == 2 else k[None], maxlen=w, dtype=k.dtype, padding=padding, truncating=truncating, value=null
    )
    return rows if k.ndim == 2 else rows[0]


@implements("text.align", framework="numpy", smallest={"w": 1})
def keras_align(k: Array, *, w: int, null: int) -> Any:
    """keras.utils.pad_sequences, which fills and cuts in front by default."""
    return _aligned(k, w, null, "pre", "pre")


@implements("text.align_keep_first", framework="numpy", smallest={"w": 1})
def keras_align_keep_first(k: Array, *, w: int, null: int) -> Any:
    """keras.utils.pad_sequences with truncating="post"."""
    return _aligned(k, w, null, "pre", "post")


@implements("text.align_pad_behind", framework="numpy", smallest={"w": 1})
def keras_align_pad_behind(k: Array, *, w: int, null: int) -> Any:
    """keras.utils.pad_sequences with padding="post"."""
    return _aligned(k, w, null, "post", "pre")


@implements("text.one_hot", framework="jax")
def jax_one_hot(k: jax.Array, *, v: int) -> Any:
    """jax.nn.one_hot; a missing token, −1, gives a row of zeros."""
    import jax

    return jax.nn.one_hot(k, v, dtype=k.dtype)
