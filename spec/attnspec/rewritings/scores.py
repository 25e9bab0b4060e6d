"""Equal rewritings of the equations of scores, each with its own rounding."""

from attnspec import rewrite
from attnspec.equations.scores import bilinear, linear

merged = rewrite(
    linear, "merged",
    says="the two matrices merged first: s (W_q W_kᵀ) h",
    lines={"W_e": "W_q @ transpose(W_k)", "e": "s[i] @ W_e @ h[j]"},
)


rewrite(
    bilinear, "key_first",
    says="the matrix applied to the key first: q · (W k)",
    lines={"e": "q[i] @ (W @ k[j])"},
)
