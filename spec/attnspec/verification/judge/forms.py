"""A form: another way to compute the same, with its own rounding."""

from __future__ import annotations

from dataclasses import dataclass, replace

from attnspec.interpreters.rounding.policy import Policy
from attnspec.language.tree import Definition


@dataclass(frozen=True, slots=True)
class Form:
    """Another way to compute the same, with its own rounding.

    Attributes:
        says: what is done otherwise, and what it costs; "" for the equation as it stands.
        definition: the tree, None for the equation's own.
        constants: significant bits to which constants are rounded; None: they are exact.
        products: each product is rounded to storage before it is summed, as in `(a * b).sum()`.
        other: a second tree, for software that takes one order for some sizes and another for others.
    """

    says: str = ""
    definition: Definition | None = None
    constants: int | None = None
    products: bool = False
    other: Definition | None = None

    def under(self, policy: Policy) -> Policy:
        """The policy, with what the form rounds besides."""
        return replace(policy, products=policy.storage) if self.products else policy


PLAIN = Form()
