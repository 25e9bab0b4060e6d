"""The cost of an equation, counted on its syntax tree as polynomials in the named sizes; nothing is computed.

The equation is counted for one example, as it is written: common subexpressions count each time, and only a sum of
products is fused, as a product of matrices. Arithmetic on sizes and indices does not count.
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
    """The cost of an equation for one example, as polynomials in its named sizes; `Equation.cost` counts it.

    `at` gives one of them as a number.

    Attributes:
        parameters: number of learned elements.
        products: operations in products of matrices and vectors: a multiplication and an addition for each term.
        elementwise: all other operations, one for each element; five for each element of a softmax.
        inputs: number of elements of the arguments that are not learned.
        outputs: number of elements of the results.
        intermediates: largest number of elements held at once in addition to these. An elementwise operation reuses the
            memory of an argument that is no longer needed; conditions on indices take no memory.
        steps: number of steps that must wait for each other; 1 without a recurrence.
        blocked: {name of a block size in the polynomials: the full size}.

    Examples:
        >>> import attnspec
        >>> cost = attnspec.equations()["recurrent.gru_cell"].cost()
        >>> sizes = {"d": 32, "u": 64}
        >>> cost.at(cost.parameters, sizes), cost.at(cost.operations, sizes), cost.at(cost.memory, sizes)
        (18624, 37760, 19040)
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
        """All operations: `products` and `elementwise`."""
        return self.products + self.elementwise

    @property
    def memory(self) -> MaxOf:
        """The largest number of elements held at once, with parameters, inputs and outputs."""
        return self.intermediates + MaxOf((self.parameters + self.inputs + self.outputs,))

    def at(self, size: Dim | MaxOf, sizes: Mapping[str, int], block: int | None = None) -> int:
        """Evaluate a count.

        Args:
            size: one of the counts, such as `memory`.
            sizes: {named size: its value}.
            block: size of a block, for a cost that was counted with ``blocked=True``.

        Returns:
            The count as a number.

        Raises:
            KeyError: a named size has no value.

        Examples:
            >>> import attnspec
            >>> cost = attnspec.equations()["attention.scaled_dot_product"].cost(blocked=True)
            >>> cost.at(cost.memory, {"n": 4096, "m": 4096, "d": 64, "e": 64}, block=128)
            1581056
        """
        blocks = {} if block is None else {name: min(block, full.value(sizes)) for name, full in self.blocked.items()}
        parts = size.parts if isinstance(size, MaxOf) else (size,)
        return max(part.value({**sizes, **blocks}) for part in parts)


def cost(definition: Definition, *, blocked: bool = False) -> Cost:
    """The cost of an equation.

    Args:
        definition: the equation.
        blocked: process each softmax in blocks, with a running maximum and a running sum for each row, so that its
            weights are never all in memory.

    Raises:
        SpecError: the equation takes layers, or `blocked` and it has no softmax that can be processed in blocks.
    """
    if layers.of(definition):
        raise SpecError(
            f"the cost of {definition.id} depends on the number and the sizes of its layers",
            given=definition.id,
            expected="an equation without layers",
            mend="compute the cost of one layer, and add them up",
        )
    counting = Counting(blocked)
    results = counting.count(definition)
    if blocked and not counting.blocked:
        raise SpecError(
            f"{definition.id} has no softmax that can be processed in blocks",
            given="a block",
            expected="an equation with a softmax whose weights are summed over and not returned",
            mend="leave the block out",
        )
    learned, count = parameters(definition)
    inputs = [parameter for parameter in definition.parameters if parameter.name not in learned]
    returned = frozenset[int]().union(*(result.buffers for result in results))
    return Cost(
        parameters=count,
        products=counting.products,
        elementwise=counting.elementwise,
        inputs=total(product(parameter.dims) for parameter in inputs),
        outputs=total(product(result.dims) for result in definition.results),
        intermediates=MaxOf.of(*counting.memory.largest(excluded=returned)),
        steps=MaxOf.among(result.after for result in results) if counting.recurs else MaxOf((ONE,)),
        blocked=counting.blocked,
    )
