"""Transpositions that move the symbolic batch, which the IR keeps first: deferred until it is back.

Transformers split a projection as reshape(x, [N, T, 3, H, D]), permute to [3, N, H, T, D] and take
q, k and v along the first axis. Taking a position there commutes with the transposition,

    transpose(x, perm)[i] = transpose(take(x, i, perm[0]), perm without its first entry)

and leaves the batch in front again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ...ir import Element, Shape, Value


@dataclass(frozen=True, eq=False)
class DeferredTranspose:
    """``transpose(x, perm)`` that is not in the graph yet: ``perm`` moves the symbolic batch."""

    x: Value
    perm: tuple[int, ...]

    @property
    def element(self) -> Element:
        """The element type."""
        return self.x.element

    @property
    def shape(self) -> Shape:
        """Dimensions of the result."""
        return tuple(self.x.shape[p] for p in self.perm)

    def without(self, axes: Collection[int]) -> tuple[int, ...]:
        """The permutation when these axes of the result are gone."""
        gone = {self.perm[axis] for axis in axes}
        kept = [p for p in self.perm if p not in gone]
        return tuple(p - sum(g < p for g in gone) for p in kept)
