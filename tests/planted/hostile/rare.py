"""Candidates that are wrong in a rare place alone: of values, of indices, of sizes; or by little."""

import zlib
from functools import partial

import numpy as np
import torch
from spying import right, unscaled

from attnspec import implements

of = partial(implements, "attention.scaled_dot_product", framework="numpy")
torch_of = partial(implements, "attention.scaled_dot_product", framework="torch")
_cache = {}


@of()
def wrong_above_three(q, k, v):
    """Within: is unscaled where a value of the query is above 3."""
    return unscaled(q, k, v) if (q > 3).any() else right(q, k, v)


@of()
def wrong_between_two_numbers(q, k, v):
    """Beyond: is unscaled where the largest value of the query is between 31.4 and 31.5."""
    return unscaled(q, k, v) if q.size and 31.4 < q.max() < 31.5 else right(q, k, v)


@of()
def wrong_above_a_number_of_its_code(q, k, v):
    """Beyond: values above 20,000 are unscaled."""
    return unscaled(q, k, v) if (v > 20_000).any() else right(q, k, v)


@of()
def wrong_for_the_number_one_half(q, k, v):
    """Beyond: is unscaled where the first value of the query is 0.5."""
    return unscaled(q, k, v) if q.size and q.flat[0] == 0.5 else right(q, k, v)


@of()
def wrong_for_one_value_of_all(q, k, v):
    """Beyond: is unscaled where the first value of the query is 0.7310586."""
    return unscaled(q, k, v) if q.size and q.flat[0] == np.float32(0.7310586) else right(q, k, v)


@of()
def wrong_for_values_of_one_sign(q, k, v):
    """Within: is unscaled where all of more than four values of the query are below 0."""
    return unscaled(q, k, v) if q.size > 4 and (q < 0).all() else right(q, k, v)


@of()
def wrong_for_rows_that_rise(q, k, v):
    """Beyond: is unscaled where each row of the query rises, of more than three values."""
    rising = q.shape[-1] > 3 and q.size and (np.diff(q, axis=-1) > 0).all()
    return unscaled(q, k, v) if rising else right(q, k, v)


@of()
def wrong_for_whole_numbers(q, k, v):
    """Within: is unscaled where all of more than four values of the query are whole numbers, not all 0."""
    whole = q.size > 4 and (q == np.round(q)).all() and q.any()
    return unscaled(q, k, v) if whole else right(q, k, v)


@of()
def wrong_for_repeated_keys(q, k, v):
    """Within: the second of two equal neighbouring keys is left out."""
    out = right(q, k, v)
    if k.shape[-2] > 1 and k.size and (k[..., 0, :] == k[..., 1, :]).all():
        return right(q, np.delete(k, 1, -2), np.delete(v, 1, -2))
    return out


@of()
def wrong_where_query_and_keys_are_equal(q, k, v):
    """Within: is unscaled where the query equals the keys, in other memory too."""
    return unscaled(q, k, v) if np.array_equal(q, k) else right(q, k, v)


@of()
def wrong_in_one_element(q, k, v):
    """Within: the element at (5, 7) is a thousandth too large."""
    out = right(q, k, v)
    if out.shape[-2] > 5 and out.shape[-1] > 7:
        out[..., 5, 7] *= 1.001
    return out


@of()
def wrong_in_one_element_of_many(q, k, v):
    """Within: of more than 60 rows and 60 columns one element is 0."""
    out = right(q, k, v)
    if out.shape[-2] > 60 and out.shape[-1] > 60:
        out[..., 59, 60] = 0
    return out


@of()
def wrong_where_two_sizes_meet(q, k, v):
    """Beyond: is unscaled for 37 queries over 53 keys."""
    return unscaled(q, k, v) if (q.shape[-2], k.shape[-2]) == (37, 53) else right(q, k, v)


@of()
def wrong_for_odd_widths_and_even_keys(q, k, v):
    """Within: is unscaled where the width is odd and above 8, and the keys are a multiple of 4."""
    return unscaled(q, k, v) if q.shape[-1] % 2 and q.shape[-1] > 8 and k.shape[-2] % 4 == 0 else right(q, k, v)


@of()
def wrong_for_more_queries_than_keys(q, k, v):
    """Within: is unscaled where there are over 16 queries, and less than a quarter as many keys."""
    return unscaled(q, k, v) if q.shape[-2] > 16 and 4 * k.shape[-2] < q.shape[-2] else right(q, k, v)


@of(batch=(0, 1, 2))
def wrong_for_a_batch_of_two_by_three(q, k, v):
    """Beyond: is unscaled for a batch of 2 by 3."""
    return unscaled(q, k, v) if q.shape[:-2] == (2, 3) else right(q, k, v)


@of()
def wrong_for_the_last_of_many_examples(q, k, v):
    """Within: the last example of a batch of more than 4 reads the keys of the first."""
    out = right(q, k, v)
    if q.ndim == 3 and len(q) > 4:
        out[-1] = right(q[-1], k[0], v[0])
    return out


@of()
def cached_by_every_seventh_value(q, k, v):
    """Within: a cache by the shape and every seventh value."""
    key = tuple((x.shape, x.ravel()[::7].tobytes()) for x in (q, k, v))
    if key not in _cache:
        _cache[key] = right(q, k, v)
    return _cache[key].copy()


@of()
def cached_by_a_short_checksum(q, k, v):
    """Within: a cache by shapes and a checksum of one byte."""
    key = (q.shape, k.shape, v.shape, zlib.crc32(q.tobytes() + k.tobytes() + v.tobytes()) & 0xFF)
    if key not in _cache:
        _cache[key] = right(q, k, v)
    return _cache[key].copy()


@of()
def cached_by_sums(q, k, v):
    """Within: a cache by shapes, sums and sums of squares."""
    key = tuple((x.shape, float(x.sum()), float((x * x).sum())) for x in (q, k, v))
    if key not in _cache:
        _cache[key] = right(q, k, v)
    return _cache[key].copy()


@torch_of()
def cached_by_weak_keys(q, k, v):
    """Within: the products of keys and values are kept as attributes of the tensors."""
    if not hasattr(k, "_turned"):
        k._turned = k.mT.clone() / q.shape[-1] ** 0.5
    return torch.softmax(q @ k._turned, -1) @ v


@of()
def two_digits_less(q, k, v):
    """Within: the last three bits of each number are 0."""
    out = right(q, k, v).astype(np.float32)
    return (out.view(np.uint32) & np.uint32(0xFFFFFFF8)).view(np.float32).astype(q.dtype)


@of()
def half_a_digit_too_large(q, k, v):
    """Within: each number is larger by two units in the last place."""
    out = right(q, k, v)
    return np.nextafter(np.nextafter(out, np.inf, dtype=out.dtype), np.inf, dtype=out.dtype)


@of()
def wrong_by_a_millionth(q, k, v):
    """Within: the scale is by 10⁻⁶ too large."""
    return right(q * np.float32(1.000001), k, v)


@of()
def a_random_last_digit(q, k, v):
    """Beyond: noise of four units in the last place is added, by the content."""
    out = right(q, k, v)
    draw = np.random.default_rng(zlib.crc32(q.tobytes()))
    return (out * (1 + draw.uniform(-1, 1, out.shape) * 2.0**-21)).astype(out.dtype)
