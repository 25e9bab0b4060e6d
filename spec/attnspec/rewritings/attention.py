"""Equal rewritings of attention, each with a rounding of its own."""

from attnspec import rewrite
from attnspec.equations.attention import bilinear, merge, scaled_dot_product, value_map, weights

# As numpy.logaddexp.reduce computes it: each of its steps rounds.
rewrite(
    weights, "log_sum_in_turn",
    says="softmax as exp(e − lse), the lse made up score by score, which loses digits where there are many",
    lines={
        "lse": """scan(
            j,
            lambda lse: (
                where(lse[i] < e[i, j], e[i, j], lse[i])
                + log(1 + exp(where(lse[i] < e[i, j], lse[i] - e[i, j], e[i, j] - lse[i])))
            ).stack(i),
            zeros("n") - inf,
        )""",
        "alpha": "exp(e[i, j] - last(j, lse)[i])",
    },
)

rewrite(
    value_map, "mapped_after",
    says="the matrix applied to the sum: (Σ α h) W_v",
    lines={"c": "sum(j, alpha[i, j] * h[j]) @ W_v"},
)

rewrite(
    bilinear, "bilinear_key_first",
    says="the matrix applied to the key first: q · (W k)",
    lines={"e": "q[i] @ (W @ k[j])"},
)

rewrite(
    scaled_dot_product, "divided_at_the_end",
    says="the sum divided at the end, as online softmax does",
    lines={"p": "exp(e - max(j, e))", "c": "sum(j, p * v[j]) / sum(j, p)"},
)

rewrite(
    merge, "interpolated",
    says="o_1 weighted by 1 less the share of o_2, which loses digits where that share is near 1",
    lines={
        "share": "where(total > 0, p_2 / total, 0)",
        "o": "where(total > 0, (1 - share) * o_1[i] + share * o_2[i], 0)",
    },
)
