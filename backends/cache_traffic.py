"""Cycles of what all kernels have in common: tensors that go through the caches.

Measured on servers of the last years: 64 bytes between the second-level cache and a kernel cost
little beside its work; from beyond it, about as much as 5 vector operations; weights, each read
once a call, come from beyond it wherever a model is larger than it.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..ir import TensorType
from ..ir.types import sample_bytes
from .targets import Target

LINE = 64
"""Bytes."""
NEAR, FAR, COLD = 1.3, 5.5, 10.0
"""Cycles of a line."""


def traffic(tensors: Iterable[TensorType], target: Target) -> float:
    """Cycles to read or write tensors once, in order, at N = 1."""
    moved = sum(sample_bytes(type_) for type_ in tensors)
    return moved / LINE * (NEAR if moved <= target.l2 else FAR)


def weights(nbytes: int) -> float:
    """Cycles in which weights arrive; a kernel that has more to do does not notice."""
    return nbytes / LINE * COLD
