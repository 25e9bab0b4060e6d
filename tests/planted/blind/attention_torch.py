"""Attention in PyTorch, as it is ported, fused and patched."""

import math
from functools import partial

import torch
import torch.nn.functional as F

from attnspec import implements

of = partial(implements, framework="torch")


# --- right, plain: what the others derive from ---


@of("attention.scaled_dot_product")
def sdp(q, k, v):
    """Right: as the formula is written."""
    return torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1) @ v


@of("attention.causal")
def causal(q, k, v):
    """Right: as the formula is written, a mask of ones below the shifted diagonal."""
    n, m = q.shape[-2], k.shape[-2]
    visible = torch.ones(n, m, dtype=torch.bool).tril(m - n)
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~visible, float("-inf"))
    return torch.nan_to_num(torch.softmax(e, -1)) @ v


@of("attention.masked")
def masked(q, k, v, mask):
    """Right: a row that sees nothing reads 0."""
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~mask, float("-inf"))
    return torch.where(mask, torch.nan_to_num(torch.softmax(e, -1)), 0) @ v


@of("attention.padded")
def padded(q, k, v, mask):
    """Right: one mask for all queries."""
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~mask[..., None, :], float("-inf"))
    return torch.nan_to_num(torch.softmax(e, -1)) @ v


@of("attention.additive")
def additive(q, k, v, W, U, v_a):
    """Right: as the formula is written."""
    e = torch.tanh((q @ W)[..., :, None, :] + (k @ U)[..., None, :, :]) @ v_a
    return torch.softmax(e, -1) @ v


# --- scale, temperature, bounds ---


@of("attention.scaled_dot_product")
def sdp_value_width(q, k, v):
    """Wrong: scores are divided by the root of the width of the values, not of the keys."""
    return torch.softmax(q @ k.mT / math.sqrt(v.shape[-1]), -1) @ v


@of("attention.scaled_dot_product")
def sdp_by_width(q, k, v):
    """Wrong: scores are divided by d, not by its root."""
    return torch.softmax(q @ k.mT / q.shape[-1], -1) @ v


@of("attention.scaled_dot_product")
def sdp_by_keys(q, k, v):
    """Wrong: scores are divided by the root of the number of keys."""
    return torch.softmax(q @ k.mT / math.sqrt(k.shape[-2]), -1) @ v


@of("attention.scaled_dot_product")
def sdp_scaled_twice(q, k, v):
    """Wrong: the query is scaled beforehand, and the scores are scaled again, so by 1/d in all."""
    q = q * q.shape[-1] ** -0.5
    return F.scaled_dot_product_attention(q, k, v)


@of("attention.scaled_dot_product")
def sdp_fixed_scale(q, k, v):
    """Wrong: the scale of a head width of 64 is built in, 0.125 whatever d is."""
    return torch.softmax((q @ k.mT) * 0.125, -1) @ v


@of("attention.scaled_dot_product")
def sdp_base2(q, k, v):
    """Wrong: powers of 2 instead of e, log2(e) was not folded into the scale."""
    e = q @ k.mT / math.sqrt(q.shape[-1])
    if not e.shape[-1]:
        return e @ v
    p = torch.exp2(e - e.amax(-1, keepdim=True))
    return p / p.sum(-1, keepdim=True) @ v


@of("attention.scaled_dot_product")
def sdp_clipped(q, k, v):
    """Wrong: scores are clipped to the interval from -10 to 10."""
    return torch.softmax((q @ k.mT / math.sqrt(q.shape[-1])).clamp(-10, 10), -1) @ v


@of("attention.scaled_dot_product")
def sdp_eps(q, k, v):
    """Wrong: 1e-3 is added to the sum in the denominator of softmax."""
    e = q @ k.mT / math.sqrt(q.shape[-1])
    if not e.shape[-1]:
        return e @ v
    p = torch.exp(e - e.amax(-1, keepdim=True))
    return p / (p.sum(-1, keepdim=True) + 1e-3) @ v


@of("attention.scaled_dot_product")
def sdp_softmax_one(q, k, v):
    """Wrong: softmax with one more zero score ("softmax1", attention off by one)."""
    e = q @ k.mT / math.sqrt(q.shape[-1])
    e = F.pad(e, (0, 1))
    return torch.softmax(e, -1)[..., :-1] @ v


# --- axes ---


@of("attention.scaled_dot_product")
def sdp_softmax_queries(q, k, v):
    """Wrong: softmax over the queries, not over the keys."""
    return torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -2) @ v


@of("attention.weights")
def weights_all(e):
    """Wrong: one softmax over the whole matrix, rows and columns together."""
    return torch.softmax(e.flatten(-2), -1).reshape(e.shape)


@of("attention.weights")
def weights_legacy_dim(e):
    """Wrong: softmax without dim as in old PyTorch: over axis 0 if there are 3 axes, else over axis 1."""
    return torch.softmax(e, 0 if e.ndim in (0, 1, 3) else 1)


@of("attention.context_vector")
def context_mean(α, h):
    """Wrong: the weighted states are averaged over j, where they are summed."""
    return (α[..., :, :, None] * h[..., None, :, :]).mean(-2)


@of("attention.value_map")
def value_map_transposed(α, h, W_v):
    """Wrong: where W_v is square, it is transposed (torch.nn.Linear's layout assumed)."""
    W = W_v.mT if W_v.shape[-1] == W_v.shape[-2] else W_v
    return α @ (h @ W)


# --- masks ---


@of("attention.masked")
def masked_after(q, k, v, mask):
    """Wrong: the mask multiplies the weights after softmax, and they are not normalised again."""
    return torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1) * mask @ v


@of("attention.masked")
def masked_small(q, k, v, mask):
    """Wrong: masked scores are set to -10, not to minus infinity; rows without keys are handled."""
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~mask, -10.0)
    return torch.softmax(e, -1) * mask.any(-1, keepdim=True) @ v


@of("attention.masked")
def masked_zero(q, k, v, mask):
    """Wrong: masked scores are multiplied by the mask, so that they are 0 and still weigh exp(0)."""
    e = q @ k.mT / math.sqrt(q.shape[-1]) * mask
    return torch.softmax(e, -1) @ v


@of("attention.masked")
def masked_inverted(q, k, v, mask):
    """Wrong: the mask is read the other way round, True hides."""
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(mask, float("-inf"))
    return torch.nan_to_num(torch.softmax(e, -1)) @ v


@of("attention.masked")
def masked_empty_mean(q, k, v, mask):
    """Wrong: a query that may look at nothing reads the mean of all values, not 0."""
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~mask, torch.finfo(q.dtype).min)
    return torch.softmax(e, -1) @ v


@of("attention.masked")
def masked_first_row(q, k, v, mask):
    """Wrong: the mask of the first query is applied to all queries (mask[..., :1, :] broadcast)."""
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~mask[..., :1, :], float("-inf"))
    return torch.nan_to_num(torch.softmax(e, -1)) @ v


@of("attention.padded")
def padded_any(q, k, v, mask):
    """Wrong: a key that is padding in any example of the batch is hidden from all examples."""
    mask = mask.reshape(-1, mask.shape[-1]).all(0)
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~mask, float("-inf"))
    return torch.nan_to_num(torch.softmax(e, -1)) @ v


@of("attention.padded")
def padded_length(q, k, v, mask):
    """Wrong: the mask is reduced to a length, the first sum(mask) keys; left padding reads the wrong ones."""
    length = mask.sum(-1, keepdim=True)
    kept = torch.arange(mask.shape[-1]) < length
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~kept[..., None, :], float("-inf"))
    return torch.nan_to_num(torch.softmax(e, -1)) @ v


@of("attention.padded")
def padded_values(q, k, v, mask):
    """Wrong: padded values are zeroed but padded scores still take their share in softmax."""
    e = q @ k.mT / math.sqrt(q.shape[-1])
    return torch.softmax(e, -1) @ (v * mask[..., None])


@of("attention.causal")
def causal_strict(q, k, v):
    """Wrong: a query does not see the key of its own position (tril one too low)."""
    n, m = q.shape[-2], k.shape[-2]
    visible = torch.ones(n, m, dtype=torch.bool).tril(m - n - 1)
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~visible, float("-inf"))
    return torch.nan_to_num(torch.softmax(e, -1)) @ v


@of("attention.causal")
def causal_one_ahead(q, k, v):
    """Wrong: a query sees one key of the future."""
    n, m = q.shape[-2], k.shape[-2]
    visible = torch.ones(n, m, dtype=torch.bool).tril(m - n + 1)
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~visible, float("-inf"))
    return torch.nan_to_num(torch.softmax(e, -1)) @ v


@of("attention.causal")
def causal_top_left(q, k, v):
    """Wrong: aligned top left where there are more keys than queries."""
    n, m = q.shape[-2], k.shape[-2]
    visible = torch.ones(n, m, dtype=torch.bool).tril()
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~visible, float("-inf"))
    return torch.softmax(e, -1) @ v


@of("attention.causal")
def causal_window(q, k, v):
    """Wrong: a sliding window of 32 keys, earlier ones are not read."""
    n, m = q.shape[-2], k.shape[-2]
    ones = torch.ones(n, m, dtype=torch.bool)
    visible = ones.tril(m - n) & ones.triu(m - n - 31)
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~visible, float("-inf"))
    return torch.nan_to_num(torch.softmax(e, -1)) @ v


@of("attention.causal")
def causal_alibi(q, k, v):
    """Wrong: ALiBi's bias is added: scores fall by 1/2 for each place of distance."""
    n, m = q.shape[-2], k.shape[-2]
    distance = torch.arange(n)[:, None] + (m - n) - torch.arange(m)
    e = q @ k.mT / math.sqrt(q.shape[-1]) - 0.5 * distance
    return torch.nan_to_num(torch.softmax(e.masked_fill(distance < 0, float("-inf")), -1)) @ v


@of("attention.causal")
def causal_transposed(q, k, v):
    """Wrong: the mask is transposed, a query sees what comes after it and not what came before."""
    n, m = q.shape[-2], k.shape[-2]
    visible = torch.ones(n, m, dtype=torch.bool).triu(m - n)
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~visible, float("-inf"))
    return torch.nan_to_num(torch.softmax(e, -1)) @ v


# --- other semantics ---


@of("attention.scaled_dot_product")
def sdp_topk(q, k, v):
    """Wrong: only the 8 largest scores of a row are kept."""
    e = q @ k.mT / math.sqrt(q.shape[-1])
    if e.shape[-1] > 8:
        least = e.topk(8, -1).values[..., -1:]
        e = e.masked_fill(e < least, float("-inf"))
    return torch.softmax(e, -1) @ v


@of("attention.scaled_dot_product")
def sdp_cosine(q, k, v):
    """Wrong: queries and keys are normalised to length 1 first (QK norm)."""
    q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
    return torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1) @ v


@of("attention.scaled_dot_product")
def sdp_threshold(q, k, v):
    """Wrong: weights below 0.01 are set to 0 and not normalised again."""
    α = torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1)
    return torch.where(α < 0.01, 0, α) @ v


@of("attention.scaled_dot_product")
def sdp_dropout(q, k, v):
    """Wrong: dropout of 0.1 on the weights was left on."""
    α = torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1)
    return F.dropout(α, 0.1, training=True) @ v


@of("attention.scaled_dot_product")
def sdp_sigmoid(q, k, v):
    """Wrong: sigmoid attention: each weight is the sigmoid of its score, without a sum."""
    return torch.sigmoid(q @ k.mT / math.sqrt(q.shape[-1])) @ v


@of("attention.scaled_dot_product")
def sdp_residual(q, k, v):
    """Wrong: the query is added to the output where the widths agree."""
    o = F.scaled_dot_product_attention(q, k, v)
    return o + q if o.shape == q.shape else o


@of("attention.scaled_dot_product")
def sdp_twice_softmax(q, k, v):
    """Wrong: softmax is taken twice."""
    return torch.softmax(torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1), -1) @ v


@of("attention.scaled_dot_product")
def sdp_half(q, k, v):
    """Wrong: scores and weights are computed in bfloat16, for speed."""
    e = (q.bfloat16() @ k.bfloat16().mT) / math.sqrt(q.shape[-1])
    return (torch.softmax(e, -1) @ v.bfloat16()).to(q.dtype)


@of("attention.key_value")
def key_value_half_sum(e, v):
    """Wrong: the sum in softmax is accumulated in half precision."""
    if not e.shape[-1]:
        return e @ v
    p = torch.exp(e - e.amax(-1, keepdim=True))
    return p @ v / p.half().sum(-1, keepdim=True).to(e.dtype)


@of("attention.relu_weights")
def relu_elu(e, v):
    """Wrong: elu instead of relu."""
    return F.elu(e) @ v


@of("attention.relu_weights")
def relu_leaky(e, v):
    """Wrong: leaky relu with slope 0.01 instead of relu."""
    return F.leaky_relu(e) @ v


@of("attention.relu_weights")
def relu_normalised(e, v):
    """Wrong: the weights are divided by their sum, which relu attention does not do."""
    α = torch.relu(e)
    return α / α.sum(-1, keepdim=True).clamp_min(1e-9) @ v


@of("attention.hard")
def hard_last(e, v):
    """Wrong: of keys that tie, the last one is taken."""
    if not e.shape[-1]:
        return e @ v
    best = e.shape[-1] - 1 - e.flip(-1).argmax(-1)
    return torch.gather(v, -2, best[..., None].expand(*best.shape, v.shape[-1]))


@of("attention.hard")
def hard_least(e, v):
    """Wrong: the key with the least score is read."""
    if not e.shape[-1]:
        return e @ v
    best = e.argmin(-1)
    return torch.gather(v, -2, best[..., None].expand(*best.shape, v.shape[-1]))


@of("attention.with_lse")
def lse_unscaled(q, k, v):
    """Wrong: the log-sum-exp is of the unscaled scores."""
    e = q @ k.mT
    return torch.softmax(e / math.sqrt(q.shape[-1]), -1) @ v, torch.logsumexp(e, -1)


@of("attention.with_lse")
def lse_base2(q, k, v):
    """Wrong: the log-sum-exp comes in base 2, as kernels with exp2 keep it."""
    e = q @ k.mT / math.sqrt(q.shape[-1])
    return torch.softmax(e, -1) @ v, torch.logsumexp(e, -1) * 1.4426950408889634


@of("attention.with_lse")
def lse_without_top(q, k, v):
    """Wrong: the log-sum-exp lacks the maximum: only the logarithm of the sum relative to it is returned."""
    e = q @ k.mT / math.sqrt(q.shape[-1])
    lse = torch.logsumexp(e, -1)
    return torch.softmax(e, -1) @ v, lse - e.amax(-1) if e.shape[-1] else lse


@of("attention.merge", smallest={"n": 1})
def merge_equal(o_1, lse_1, o_2, lse_2):
    """Wrong: the two outputs are averaged with equal weights."""
    return (o_1 + o_2) / 2, torch.logaddexp(lse_1, lse_2)


@of("attention.merge")
def merge_swapped(o_1, lse_1, o_2, lse_2):
    """Wrong: each output gets the weight of the other one."""
    lse = torch.logaddexp(lse_1, lse_2)
    safe = torch.where(lse > -math.inf, lse, 0)
    w_1, w_2 = torch.exp(lse_1 - safe)[..., None], torch.exp(lse_2 - safe)[..., None]
    return w_2 * o_1 + w_1 * o_2, lse


@of("attention.merge")
def merge_no_rescale(o_1, lse_1, o_2, lse_2):
    """Wrong: log-sum-exps are added as if they were sums (lse = lse_1 + lse_2)."""
    lse = torch.logaddexp(lse_1, lse_2)
    safe = torch.where(lse > -math.inf, lse, 0)
    w_1, w_2 = torch.exp(lse_1 - safe)[..., None], torch.exp(lse_2 - safe)[..., None]
    return w_1 * o_1 + w_2 * o_2, lse_1 + lse_2


@of("attention.incremental")
def incremental_stale(q, k_new, v_new, K, V):
    """Wrong: the query looks at the cache before the new key and value were stored, if there is one."""
    K_next = torch.cat([K, k_new[..., None, :]], -2)
    V_next = torch.cat([V, v_new[..., None, :]], -2)
    K_read, V_read = (K, V) if K.shape[-2] else (K_next, V_next)
    α = torch.softmax(q[..., None, :] @ K_read.mT / math.sqrt(q.shape[-1]), -1)
    return (α @ V_read)[..., 0, :], K_next, V_next


@of("attention.incremental")
def incremental_front(q, k_new, v_new, K, V):
    """Wrong: the new key and value are stored in front of the cache."""
    K_next = torch.cat([k_new[..., None, :], K], -2)
    V_next = torch.cat([v_new[..., None, :], V], -2)
    α = torch.softmax(q[..., None, :] @ K_next.mT / math.sqrt(q.shape[-1]), -1)
    return (α @ V_next)[..., 0, :], K_next, V_next


@of("attention.additive")
def additive_no_tanh(q, k, v, W, U, v_a):
    """Wrong: the hidden layer lacks its tanh."""
    e = ((q @ W)[..., :, None, :] + (k @ U)[..., None, :, :]) @ v_a
    return torch.softmax(e, -1) @ v


@of("attention.additive")
def additive_relu(q, k, v, W, U, v_a):
    """Wrong: relu instead of tanh in the hidden layer."""
    e = torch.relu((q @ W)[..., :, None, :] + (k @ U)[..., None, :, :]) @ v_a
    return torch.softmax(e, -1) @ v


@of("attention.additive")
def additive_scaled(q, k, v, W, U, v_a):
    """Wrong: the scores are divided by the root of the hidden layer's width."""
    e = torch.tanh((q @ W)[..., :, None, :] + (k @ U)[..., None, :, :]) @ v_a
    return torch.softmax(e / math.sqrt(v_a.shape[-1]), -1) @ v


@of("attention.additive")
def additive_product(q, k, v, W, U, v_a):
    """Wrong: the projected query and key are multiplied instead of added."""
    e = torch.tanh((q @ W)[..., :, None, :] * (k @ U)[..., None, :, :]) @ v_a
    return torch.softmax(e, -1) @ v


@of("attention.bilinear")
def bilinear_symmetric(q, k, v, W):
    """Wrong: where W is square, (W + W^T)/2 is used."""
    if W.shape[-1] == W.shape[-2]:
        W = (W + W.mT) / 2
    return torch.softmax(q @ W @ k.mT, -1) @ v


@of("attention.bilinear")
def bilinear_scaled(q, k, v, W):
    """Wrong: scaled by the root of the keys' width, which bilinear attention is not."""
    return torch.softmax(q @ W @ k.mT / math.sqrt(k.shape[-1]), -1) @ v


@of("scores.nonlinear")
def nonlinear_one_bias(s, h, W_q, W_k, b_q, b_k):
    """Wrong: the query's bias is used for the key too, b_k is not read."""
    return torch.tanh(s @ W_q + b_q) @ torch.tanh(h @ W_k + b_q).mT


@of("scores.linear")
def linear_l1(s, h, W_q, W_k):
    """Wrong: the score is minus the L1 distance of the projections, not their product."""
    return -((s @ W_q)[..., :, None, :] - (h @ W_k)[..., None, :, :]).abs().sum(-1)


@of("scores.additive")
def score_additive_outside(s, h, W, U, v_a):
    """Wrong: tanh of each side alone, then added: tanh(sW) + tanh(hU)."""
    return (torch.tanh(s @ W)[..., :, None, :] + torch.tanh(h @ U)[..., None, :, :]) @ v_a


@of("scores.scaled_dot")
def score_ceil(q, k):
    """Wrong: only whole vectors of 4 features are read, the rest of d is dropped (scale right)."""
    d = q.shape[-1]
    whole = d - d % 4
    return q[..., :whole] @ k[..., :whole].mT / math.sqrt(d)


# --- special cases ---


@of("attention.scaled_dot_product")
def sdp_long_chunk(q, k, v):
    """Wrong: beyond 64 keys, the two halves are attended apart and averaged."""
    m = k.shape[-2]
    if m <= 64:
        return F.scaled_dot_product_attention(q, k, v)
    a = F.scaled_dot_product_attention(q, k[..., :64, :], v[..., :64, :])
    b = F.scaled_dot_product_attention(q, k[..., 64:, :], v[..., 64:, :])
    return (a + b) / 2


@of("attention.scaled_dot_product")
def sdp_single_key(q, k, v):
    """Wrong: with a single query, the weights are computed without the scale (a decoding fast path)."""
    scale = 1.0 if q.shape[-2] == 1 else q.shape[-1] ** -0.5
    return torch.softmax(q @ k.mT * scale, -1) @ v


@of("attention.scaled_dot_product")
def sdp_rank3(q, k, v):
    """Wrong: with one batch axis, all examples are attended with the keys of the first one."""
    if q.ndim == 3 and len(k):
        k = k[:1].expand_as(k)
    return F.scaled_dot_product_attention(q, k, v)


@of("attention.scaled_dot_product")
def sdp_rows_mixed(q, k, v):
    """Wrong: a batch of queries is flattened in the wrong order (reshape where a transpose belongs)."""
    o = F.scaled_dot_product_attention(q, k, v)
    if o.ndim < 3:
        return o
    return o.transpose(0, -2).reshape(o.shape)


@of("attention.masked")
def masked_bool_first(q, k, v, mask):
    """Wrong: the mask of the first example is used for the whole batch."""
    if mask.ndim == 3 and len(mask):
        mask = mask[:1]
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~mask, float("-inf"))
    return torch.nan_to_num(torch.softmax(e, -1)) @ v


@of("attention.masked")
def masked_inplace(q, k, v, mask):
    """Wrong: the query is scaled in place, so that the caller's array changes."""
    q /= math.sqrt(q.shape[-1])
    e = (q @ k.mT).masked_fill(~mask, float("-inf"))
    return torch.where(mask, torch.nan_to_num(torch.softmax(e, -1)), 0) @ v


# --- two at once ---


@of("attention.causal")
def two_causal(q, k, v):
    """Wrong: two faults: a query does not see its own key, and scores are not scaled."""
    n, m = q.shape[-2], k.shape[-2]
    visible = torch.ones(n, m, dtype=torch.bool).tril(m - n - 1)
    e = (q @ k.mT).masked_fill(~visible, float("-inf"))
    return torch.nan_to_num(torch.softmax(e, -1)) @ v


@of("attention.masked")
def two_masked(q, k, v, mask):
    """Wrong: two faults: divided by d instead of its root, and the mask multiplies after softmax."""
    return torch.softmax(q @ k.mT / q.shape[-1], -1) * mask @ v


@of("attention.additive")
def two_additive(q, k, v, W, U, v_a):
    """Wrong: two faults: sigmoid for tanh, and scores divided by the root of the hidden width."""
    e = torch.sigmoid((q @ W)[..., :, None, :] + (k @ U)[..., None, :, :]) @ v_a
    return torch.softmax(e / math.sqrt(v_a.shape[-1]), -1) @ v
