"""What the ways to compute an operator cost: the question that passes ask before they decide.

A `CostModel` lists the ways (`Choice`) to compute an operator on a target and says what each costs,
in a unit of its own: numbers of one model compare only with each other. `PredictedCost` answers
by the kernels' own estimates, in cycles; `WeighedCost` adds a price of the constants' bytes;
`tuning` has models that search and measure. An answer depends on what the operator computes and on
which of its operands are constants, never on names or contents, so that equal layers are asked
about once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from ..ir import Bits, Graph, Op, TensorType, Value
from ..ir.ops import Const
from ..ir.structure import structure
from .interface import Choice, KernelDescriptor, kernels_for
from .targets import Target

Constants = Mapping[Value, Const]
"""The operands of operators that are constants."""
NO_CONSTANTS: Constants = MappingProxyType({})


def constants_of(graph: Graph) -> Constants:
    """The constants among a graph's values, as a model wants them with a question."""
    defined = ((node.results[0], node.op) for node in graph.nodes)
    return {value: op for value, op in defined if isinstance(op, Const)}


@dataclass(frozen=True)
class Priced:
    """A way to compute an operator, what one call costs at N = 1, in its model's unit, and the
    bytes of constants that it brings into the library."""

    choice: Choice
    cost: float
    nbytes: int = 0


class CostModel(ABC):
    """What kernels cost on a target."""

    def __init__(self, target: Target, kernels: tuple[KernelDescriptor, ...]) -> None:
        self.target = target
        self.kernels = kernels
        self._ways: dict[Hashable, tuple[Priced, ...]] = {}

    def choices(self, op: Op, constants: Constants = NO_CONSTANTS) -> tuple[Choice, ...]:
        """Every way to compute an operator, the likeliest first; none when no kernel takes it."""
        return tuple(
            choice
            for kernel in kernels_for(op, self.kernels)
            if kernel.refuses(op, self.target) is None
            for choice in kernel.choices(op, self.target)
        )

    @abstractmethod
    def cost(self, op: Op, choice: Choice, constants: Constants = NO_CONSTANTS) -> float:
        """What one call costs at N = 1."""

    def nbytes(self, op: Op, choice: Choice, constants: Constants = NO_CONSTANTS) -> int:
        """Bytes of constants that a choice brings into the library, as estimated."""
        own = (_stored_bytes(v.type) for v in dict.fromkeys(op.operands) if v in constants)
        return sum(own) + self._kernel(op, choice).extra_bytes(op, self.target, choice)

    def knows(self, op: Op, choice: Choice) -> bool:
        """Whether a choice names a kernel of the operator."""
        return any(kernel.name == choice.kernel for kernel in kernels_for(op, self.kernels))

    def ways(self, op: Op, constants: Constants = NO_CONSTANTS) -> tuple[Priced, ...]:
        """All choices with what they cost."""
        key = (structure(op), tuple(value in constants for value in op.operands))
        if key not in self._ways:
            self._ways[key] = tuple(
                Priced(choice, self.cost(op, choice, constants), self.nbytes(op, choice, constants))
                for choice in self.choices(op, constants)
            )
        return self._ways[key]

    def cheapest(self, op: Op, constants: Constants = NO_CONSTANTS) -> Priced | None:
        """The cheapest choice, the first among equals; None when no kernel takes the operator."""
        return min(self.ways(op, constants), key=lambda one: one.cost, default=None)

    def refusals(self, op: Op) -> tuple[str, ...]:
        """Why the kernels that speak of an operator do not take it."""
        reasons = (kernel.refuses(op, self.target) for kernel in kernels_for(op, self.kernels))
        return tuple(reason for reason in reasons if reason)

    def _kernel(self, op: Op, choice: Choice) -> KernelDescriptor:
        """The descriptor that a choice names."""
        return next(k for k in kernels_for(op, self.kernels) if k.name == choice.kernel)


class PredictedCost(CostModel):
    """The kernels' own estimates, in cycles."""

    def cost(self, op: Op, choice: Choice, constants: Constants = NO_CONSTANTS) -> float:
        return self._kernel(op, choice).cycles(op, self.target, choice)


class WeighedCost(CostModel):
    """Another model's costs, and a price of each byte of constants in that model's unit."""

    def __init__(self, costs: CostModel, byte: float) -> None:
        super().__init__(costs.target, costs.kernels)
        self.byte = byte
        self._costs = costs

    def priced(self, byte: float) -> WeighedCost:
        """The same with another price."""
        return WeighedCost(self._costs, byte)

    def choices(self, op: Op, constants: Constants = NO_CONSTANTS) -> tuple[Choice, ...]:
        return self._costs.choices(op, constants)

    def cost(self, op: Op, choice: Choice, constants: Constants = NO_CONSTANTS) -> float:
        plain = self._costs.cost(op, choice, constants)
        return plain + self.byte * self.nbytes(op, choice, constants)

    def ways(self, op: Op, constants: Constants = NO_CONSTANTS) -> tuple[Priced, ...]:
        plain = self._costs.ways(op, constants)
        return tuple(replace(one, cost=one.cost + self.byte * one.nbytes) for one in plain)


def _stored_bytes(type_: TensorType) -> int:
    """Bytes of a constant among those of a library: binary weights take one bit each."""
    elements = type_.elements_per_sample()
    if isinstance(type_.element, Bits):
        return -(-elements * type_.element.planes // 8)
    return elements * type_.element.dtype.itemsize
