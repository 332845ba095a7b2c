"""What the ways to compute an operator cost: the question that passes ask before they decide.

A `CostModel` lists the ways (`Choice`) to compute an operator on a target and says what each costs,
in a unit of its own: numbers of one model compare only with each other. `PredictedCost` answers
by the kernels' own estimates, in cycles; `tuning` has models that search and measure. An answer
depends on what the operator computes and on which of its operands are constants, never on names or
contents, so that equal layers are asked about once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..ir import Graph, Op, Value
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
    """A way to compute an operator and what one call costs at N = 1, in its model's unit."""

    choice: Choice
    cost: float


class CostModel(ABC):
    """What kernels cost on a target."""

    def __init__(self, target: Target, kernels: tuple[KernelDescriptor, ...]) -> None:
        self.target = target
        self.kernels = kernels
        self._cheapest: dict[Hashable, Priced | None] = {}

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

    def cheapest(self, op: Op, constants: Constants = NO_CONSTANTS) -> Priced | None:
        """The cheapest choice, the first among equals; None when no kernel takes the operator."""
        key = (structure(op), tuple(value in constants for value in op.operands))
        if key not in self._cheapest:
            choices = self.choices(op, constants)
            priced = (Priced(choice, self.cost(op, choice, constants)) for choice in choices)
            self._cheapest[key] = min(priced, key=lambda one: one.cost, default=None)
        return self._cheapest[key]

    def refusals(self, op: Op) -> tuple[str, ...]:
        """Why the kernels that speak of an operator do not take it."""
        reasons = (kernel.refuses(op, self.target) for kernel in kernels_for(op, self.kernels))
        return tuple(reason for reason in reasons if reason)


class PredictedCost(CostModel):
    """The kernels' own estimates, in cycles."""

    def cost(self, op: Op, choice: Choice, constants: Constants = NO_CONSTANTS) -> float:
        kernel = next(k for k in kernels_for(op, self.kernels) if k.name == choice.kernel)
        return kernel.cycles(op, self.target, choice)
