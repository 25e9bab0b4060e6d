"""Mistakes with decoders that attend that no operator makes."""

from jaxtyping import Float

from attnspec import mutant, mutate
from attnspec.equations.attention_rnn import (
    attentive_step,
    bahdanau_decode,
    bahdanau_step,
    input_feeding_step,
    readout_step,
    self_attentive,
    self_attentive_context,
)
from attnspec.equations.recurrent import simple_rnn_cell
from attnspec.notation import (
    Tensor,
    concat,
    index,
    softmax,
    sum,
    tanh,
)

update_keeps = mutate(
    bahdanau_step, "update_keeps",
    says="z keeps the old state instead of writing the candidate",
    lines={"alpha": "softmax(j, tanh(s @ W_a + h[j] @ U_a) @ v_a)", "s_next": "z * s + (1 - z) * s_tilde"},
)


mutate(
    bahdanau_decode, "begins_with_forward_half",
    says="the decoder begins with the forward half of h_1, not with the backward one",
    lines={"s_0": "tanh(h[0, 1 * k].stack(k) @ W_s)"},
)


mutate(
    bahdanau_decode, "begins_with_last_row",
    says="the decoder begins with the backward half of h_m, not with that of h_1",
    lines={"s_0": "tanh(h[-1, e + k].stack(k) @ W_s)"},
)


mutate(
    bahdanau_decode, "updates_keep",
    says="z keeps the old state instead of writing the candidate",
    lines={
        "s_0": "tanh(h[0, e + k].stack(k) @ W_s)",
        "s, c, alpha": (
            'scan(i, lambda s, c, alpha: update_keeps(y[i], s, h, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, '
            'C_z, b_z, W_xh, W_hh, C_h, b_h), s_0, zeros("2*e"), zeros("m"))'
        ),
    },
)


@mutant(attentive_step, says="the newer context is read where the older is meant: the old state asks first")
def newer_context(
    x: Float[Tensor, " d"], s: Float[Tensor, " u"], c: Float[Tensor, " u"], h: Float[Tensor, "m u"],
    A: Float[Tensor, "d+u+u u"], b: Float[Tensor, " u"], W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "u a"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " u"]]:
    """Bahdanau's order, in which the context given does not count."""
    j = index("m")
    alpha = softmax(j, (h[j] @ W_k) @ (s @ W_q))
    c_next = sum(j, alpha * h[j])
    s_next = tanh(concat(x, s, c_next) @ A + b)
    return s_next, c_next


mutate(
    attentive_step, "context_first",
    says="state and context are joined in the other order: [x; c; s]",
    lines={"s_next": "tanh(concat(x, c, s) @ A + b)"},
)


mutate(
    readout_step, "old_state_asks",
    says="the old state asks, not the new one",
    lines={"alpha": "softmax(j, (h[j] @ W_k) @ (s @ W_q))"},
)


@mutant(input_feeding_step, says="the newer context is fed where the older is meant: the old state asks first")
def newer_context_fed(
    y: Float[Tensor, " d"], s: Float[Tensor, " u"], c: Float[Tensor, " k"], h: Float[Tensor, "m k"],
    W_xh: Float[Tensor, "d+k u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "k a"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " k"]]:
    """Bahdanau's order, in which the context given does not count."""
    j = index("m")
    alpha = softmax(j, (h[j] @ W_k) @ (s @ W_q))
    c_next = sum(j, alpha * h[j])
    s_next = simple_rnn_cell(concat(y, c_next), s, W_xh, W_hh, b_h)
    return s_next, c_next


zero_read = mutate(
    self_attentive_context, "zero_read",
    says="h_0, which is 0, is read too: every softmax has one more score, of 0",
    lines={
        "p": "exp((h[j] @ W_k) @ (h[t] @ W_q))",
        "c": "sum(j, p * h[j], where=j <= t) / (1 + sum(j, p, where=j <= t))",
    },
)


mutate(
    self_attentive, "zero_read_throughout",
    says="h_0, which is 0, is read too: every softmax has one more score, of 0",
    lines={
        "H": (
            "scan(t, lambda H: where(j == t, tanh(concat(x[t], zero_read(H, W_q, W_k)[t - 1]) @ A + b), "
            "H[j]).stack(j), H_0)"
        ),
        "c": "zero_read(h, W_q, W_k)",
    },
)
