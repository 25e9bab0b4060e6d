"""Wrong, in PyTorch, as it was handed over: in-place steps, shards, tiles, functions and operands of other lines."""

import math
from functools import partial

import torch

from attnspec import implements

of = partial(implements, framework="torch")


@of("recurrent.gru_update_writes")
def kept_state_is_reset_in_place(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the reset gate multiplies the state in place, so that what is kept of it is reset too."""
    h, out = h_0.clone(), []
    for row in x.unbind(-2):
        r = torch.sigmoid(row @ W_xr + h @ W_hr + b_r)
        z = torch.sigmoid(row @ W_xz + h @ W_hz + b_z)
        candidate = torch.tanh(row @ W_xh + h.mul_(r) @ W_hh + b_h)
        h = torch.lerp(h, candidate, z)
        out.append(h.clone())
    return torch.stack(out, -2) if out else x.new_zeros(*x.shape[:-1], h_0.shape[-1])


@of("multihead.masked_biased")
def bias_of_values_behind_the_weights(x_q, x_kv, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, *, heads):
    """Wrong: the bias of the values is added to what is read, which rows that see nothing get as well."""

    def cut(a):
        return a.unflatten(-1, (heads, a.shape[-1] // heads)).transpose(-2, -3)

    q, k, v = cut(x_q @ W_q + b_q), cut(x_kv @ W_k + b_k), cut(x_kv @ W_v)
    seen = mask[..., None, :, :]
    e = (q @ k.mT / math.sqrt(max(q.shape[-1], 1))).masked_fill(~seen, -math.inf)
    p = torch.where(seen, torch.softmax(e, -1), 0) if e.shape[-1] else e
    read = (p @ v).transpose(-2, -3).flatten(-2) + b_v
    return read @ W_o + b_o


@of("seq2seq.cross_entropy")
def both_shards_give_a_target(logits, target):
    """Wrong: the words are cut in two shards, and each adds the logit of its place nearest to the target."""
    v = logits.shape[-1]
    first, found = math.ceil(v / 2), torch.zeros_like(logits[..., :1])
    for start, stop in ((0, first), (first, v)):
        part = logits[..., start:stop]
        if stop > start:
            found = found + part.gather(-1, (target[..., None] - start).clamp(0, stop - start - 1))
    return torch.logsumexp(logits, -1) - found.squeeze(-1)


@of("attention.scaled_dot_product")
def last_tile_is_not_scaled(q, k, v):
    """Wrong: keys are scaled in whole tiles of 32; those of a last tile that is not full keep their length."""
    keys, m = k.clone(), k.shape[-2]
    for start in range(0, m - m % 32, 32):
        keys[..., start : start + 32, :] /= math.sqrt(q.shape[-1])
    return torch.softmax(q @ keys.mT, -1) @ v


@of("optimizer.adamw")
def moment_decays_as_well(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Wrong: the decay multiplies the first moment too, before the gradient is added to it."""
    kept = 1 - lr * decay
    m_next = torch.lerp(m * kept, g, 1 - beta_1)
    v_next = beta_2 * v + (1 - beta_2) * g * g
    denominator = (v_next / (1 - beta_2**step)).sqrt() + eps
    return theta * kept - lr / (1 - beta_1**step) * m_next / denominator, m_next, v_next


@of("recurrent.lstm")
def functions_of_the_last_two_exchanged(
    x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o
):
    """Wrong: of four packed parts the last gets the tanh and the third the sigmoid, as if the candidate came last."""
    W_x, W_h = torch.cat([W_xi, W_xf, W_xg, W_xo], 1), torch.cat([W_hi, W_hf, W_hg, W_ho], 1)
    b = torch.cat([b_i, b_f, b_g, b_o])
    h, c, out = h_0, c_0, []
    for row in x.unbind(-2):
        i, f, g, o = (row @ W_x + h @ W_h + b).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.sigmoid(g)
        h = torch.tanh(o) * torch.tanh(c)
        out.append(h)
    return torch.stack(out, -2) if out else x.new_zeros(*x.shape[:-1], h_0.shape[-1]), c.clone()


@of("attention.incremental")
def newest_key_is_not_read(q, k_new, v_new, K, V):
    """Wrong: the query is asked over the slots that were filled before the new key and value came."""
    filled = K.shape[-2]
    keys = torch.cat([K, k_new[..., None, :]], -2)
    values = torch.cat([V, v_new[..., None, :]], -2)
    e = (keys[..., : max(filled, 1), :] @ q[..., None]).squeeze(-1) / math.sqrt(q.shape[-1])
    p = torch.softmax(e, -1)[..., None, :]
    return (p @ values[..., : max(filled, 1), :]).squeeze(-2), keys, values


@of("seq2seq.until_stop")
def stops_at_larger_words(token, *, stop):
    """Wrong: words whose number is larger than that of `stop` end the text too."""
    before = (token >= stop).long().cumsum(-1) - (token >= stop).long()
    return torch.where(before > 0, torch.full_like(token, stop), token)
