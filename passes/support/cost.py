"""What the cheapest way to compute an operator costs, by the kernels' own estimates."""

from __future__ import annotations

from dataclasses import dataclass

from ...backends.interface import Choice, choices_for
from ...ir import Op
from ..manager import Context


@dataclass(frozen=True)
class Priced:
    """A choice and the cycles that its kernel expects of one call at N = 1."""

    choice: Choice
    cycles: float


def cheapest(op: Op, context: Context) -> Priced | None:
    """The cheapest choice, the first among equals; None when no kernel takes the operator."""
    assert context.target is not None
    best: Priced | None = None
    for kernel, choice in choices_for(op, context.target, context.kernels):
        cycles = kernel.cycles(op, context.target, choice)
        if best is None or cycles < best.cycles:
            best = Priced(choice, cycles)
    return best
