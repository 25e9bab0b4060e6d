"""What an equation costs, counted on its tree as polynomials in the named sizes: nothing is computed or allocated.

Everything is counted as it is written, for one example: no common parts are found, and nothing is fused but a sum of
products, which is a product of matrices. Only what is done with data counts, not arithmetic on sizes and indices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from attnspec.errors import SpecError
from attnspec.interpreters.cost.counting import Counting
from attnspec.interpreters.cost.polynomials import ONE, MaxOf, product, total, written
from attnspec.interpreters.dataflow import parameters
from attnspec.language import layers
from attnspec.language.dims import Dim
from attnspec.language.tree import Definition

__all__ = ["Cost", "MaxOf", "cost", "written"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What an equation costs.

    Attributes:
        parameters: elements of what a model learns.
        products: operations in products of matrices and vectors, a multiplication and an addition for each term.
        elementwise: all other operations, one for each element; five in a softmax.
        inputs: elements of what is given and not learned.
        outputs: elements of what is returned.
        intermediates: the most elements that are held at once besides these. What is no longer needed gives its place
            to the result of an elementwise operation; conditions made of indices are not held.
        steps: how many steps must wait for each other; 1 where there is no recurrence.
        blocked: what stands for the sizes of which only a block is held, each with the size.
    """

    parameters: Dim
    products: Dim
    elementwise: Dim
    inputs: Dim
    outputs: Dim
    intermediates: MaxOf
    steps: MaxOf
    blocked: Mapping[str, Dim]

    @property
    def operations(self) -> Dim:
        """All of them."""
        return self.products + self.elementwise

    @property
    def memory(self) -> MaxOf:
        """All that is held at once, with parameters, inputs and outputs."""
        return self.intermediates + MaxOf((self.parameters + self.inputs + self.outputs,))

    def at(self, size: Dim | MaxOf, sizes: Mapping[str, int], block: int | None = None) -> int:
        """One of these as a number.

        Raises:
            KeyError: a name without a size.
        """
        held = {} if block is None else {name: min(block, full.value(sizes)) for name, full in self.blocked.items()}
        parts = size.parts if isinstance(size, MaxOf) else (size,)
        return max(part.value({**sizes, **held}) for part in parts)


def cost(definition: Definition, *, blocked: bool = False) -> Cost:
    """What an equation costs.

    Args:
        blocked: never hold all weights of a softmax: what it runs over is taken a block at a time, and of each row
            the largest so far and the sum so far are kept.

    Raises:
        SpecError: it takes layers, or there is nothing to take in blocks.
    """
    if layers.of(definition):
        raise SpecError(
            f"the cost of {definition.id} depends on how many layers there are, and how wide each is",
            given=definition.id,
            expected="an equation of so many arrays",
            mend="ask for the cost of one layer, and add them up",
        )
    counting = Counting(blocked)
    results = counting.whole(definition)
    if blocked and not counting.blocked:
        raise SpecError(
            f"{definition.id} has nothing to take in blocks",
            given="a block",
            expected="an equation with a softmax whose weights are summed over and not returned",
            mend="ask without a block",
        )
    learned, count = parameters(definition)
    given = [each for each in definition.parameters if each.name not in learned]
    returned = frozenset[int]().union(*(result.places for result in results))
    return Cost(
        parameters=count,
        products=counting.products,
        elementwise=counting.elementwise,
        inputs=total(product(each.dims) for each in given),
        outputs=total(product(each.dims) for each in definition.results),
        intermediates=MaxOf.of(*counting.memory.largest(besides=returned)),
        steps=MaxOf.among(result.after for result in results) if counting.recurs else MaxOf((ONE,)),
        blocked=counting.blocked,
    )
