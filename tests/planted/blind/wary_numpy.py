"""Right, in NumPy: running maxima with out=, packed gates in one buffer, sums in float64, sums of sorted tokens."""

import numpy as np

from attnspec import implements


def of(name):
    return implements(name, framework="numpy", dtypes=("float32", "float64"))


@of("attention.causal")
def tiles_up_to_the_diagonal(q, k, v):
    """Right: an online softmax in tiles of 16 by 24, in place; tiles beyond the last query's place are left out."""
    n, m = q.shape[-2], k.shape[-2]
    o = np.zeros((*np.broadcast_shapes(q.shape[:-2], k.shape[:-2]), n, v.shape[-1]), q.dtype)
    for i in range(0, n, 16):
        rows = q[..., i : i + 16, :] / np.sqrt(q.shape[-1]).astype(q.dtype) if q.shape[-1] else q[..., i : i + 16, :]
        places = np.arange(i, min(i + 16, n))[:, None] + (m - n)
        top = np.full((*o.shape[:-2], len(places), 1), -np.inf, q.dtype)
        total, part = np.zeros_like(top), o[..., i : i + 16, :]
        for j in range(0, min(m, places[-1, 0] + 1), 24):
            seen = np.arange(j, min(j + 24, m)) <= places
            e = np.where(seen, rows @ np.swapaxes(k[..., j : j + 24, :], -1, -2), -np.inf)
            largest = np.maximum(top, e.max(-1, keepdims=True))
            finite = np.where(np.isneginf(largest), 0, largest)
            kept, p = np.exp(top - finite), np.exp(e - finite)
            np.multiply(total, kept, out=total)
            np.add(total, p.sum(-1, keepdims=True), out=total)
            np.multiply(part, kept, out=part)
            np.add(part, p @ v[..., j : j + 24, :], out=part)
            top = largest
        np.divide(part, np.where(total > 0, total, 1), out=part)
    return o


@of("recurrent.gru")
def two_gates_in_one_buffer(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Right: the inputs of all steps at once, both gates in one buffer; the state moves by a difference."""
    W, U = np.concatenate([W_xr, W_xz, W_xh], -1), np.concatenate([W_hr, W_hz], -1)
    a = np.einsum("...td,du->...tu", x, W) + np.concatenate([b_r, b_z, b_h])
    u = h_0.shape[-1]
    h, states = h_0.copy(), np.empty((*a.shape[:-1], u), x.dtype)
    for t in range(x.shape[-2]):
        gates = a[..., t, : 2 * u] + h @ U
        np.multiply(gates, 0.5, out=gates)
        np.tanh(gates, out=gates)
        gates += 1
        gates *= 0.5
        new = np.tanh(a[..., t, 2 * u :] + (gates[..., :u] * h) @ W_hh)
        new -= h
        new *= 1 - gates[..., u:]
        h = h + new
        states[..., t, :] = h
    return states


@of("transformer.layer_norm")
def moments_in_double(x, gamma, beta, *, eps):
    """Right: both moments are sums of the centred row in float64; what is returned has the dtype of x."""
    d = max(x.shape[-1], 1)
    mean = np.add.reduce(x, axis=-1, dtype=np.float64, keepdims=True) / d
    centred = x - mean
    spread = np.einsum("...d,...d->...", centred, centred)[..., None] / d
    return (centred / np.sqrt(spread + eps) * gamma + beta).astype(x.dtype)


@of("backward.embedding")
def runs_of_sorted_tokens(d_x, k, P):
    """Right: places are sorted by token, and each run of one token is summed by np.add.reduceat in float64."""
    d_P = np.zeros((*k.shape[:-1], *P.shape[-2:]), P.dtype)
    for place in np.ndindex(*k.shape[:-1]):
        order = np.argsort(k[place], kind="stable")
        order = order[(k[place][order] >= 0) & (k[place][order] < P.shape[-2])]
        if len(order):
            words, begins = np.unique(k[place][order], return_index=True)
            d_P[place][words] = np.add.reduceat(d_x[place][order].astype(np.float64), begins, axis=0)
    return d_P
