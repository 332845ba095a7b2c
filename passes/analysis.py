"""What passes ask of a graph: where signs come from, what a weight is, what follows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ir import F16, F32, F64, Array, Graph, Op, Value
from ..ir.ops import (
    Binarize,
    Cast,
    Ceil,
    Equal,
    Floor,
    Less,
    LessEqual,
    Round,
    Sign,
    Threshold,
)

_STEPS = (Binarize, Ceil, Equal, Floor, Less, LessEqual, Round, Sign, Threshold)

ALPHA_TOLERANCE = 1e-6
"""Relative spread of |w| in a channel up to which it is taken for one alpha: what the residue of a
straight-through estimator leaves in float32 is below 3.2e-7."""


@dataclass(frozen=True)
class Scaled:
    """Weights as ``alpha[channel] * sign``."""

    alpha: Array
    """float32 [O], not negative."""
    codes: Array
    """uint8, shape of the weights: 1 for +1."""
    spread: float
    """Largest relative distance of a weight from its ±alpha."""


def scaled_signs(weights: Array) -> Scaled | str:
    """Split weights [O, ..] into alpha and signs, or say which channel is off by how much.

    A channel of zeros has alpha 0.
    """
    if not weights.size:
        return "weights are empty"
    if not np.isfinite(weights).all():
        return "weights are not finite"
    magnitude = np.abs(weights.reshape(weights.shape[0], -1)).astype(np.float64)
    low, high = magnitude.min(1), magnitude.max(1)
    exact = low == high
    alpha = np.where(exact, high, magnitude.mean(1)).astype(np.float32)
    off = np.abs(magnitude - alpha.astype(np.float64)[:, None]).max(1)
    relative = np.where(off > 0, off / np.where(alpha > 0, alpha, np.float64(1e-45)), 0.0)
    worst = int(np.argmax(relative))
    if relative[worst] > ALPHA_TOLERANCE:
        return (
            f"weights of channel {worst} are not ±alpha: off by {relative[worst]:.2g} of alpha "
            f"{alpha[worst]:.4g} (channels off: {int((relative > ALPHA_TOLERANCE).sum())} of "
            f"{len(relative)})"
        )
    return Scaled(alpha, (weights > 0).astype(np.uint8), float(relative[worst]))


def reaches_sign(graph: Graph) -> frozenset[Value]:
    """Values from which some path leads to a sign, or another step: a comparison, a rounding, an
    integer. No float before one may be reassociated."""
    reached: set[Value] = set()
    for node in reversed(graph.nodes):
        if _is_step(node.op) or any(v in reached for v in node.results):
            reached.update(node.op.operands)
    return frozenset(reached)


def _is_step(op: Op) -> bool:
    if isinstance(op, Cast):
        return op.to not in (F32, F64, F16)
    return isinstance(op, _STEPS)


def per_channel(array: Array, rank: int, channels: int) -> Array | None:
    """A constant as one number per channel (axis 1 of ``rank`` axes), or None when it varies
    along another axis."""
    if array.ndim > rank:
        return None
    aligned = array.reshape((1,) * (rank - array.ndim) + array.shape)
    if any(size != 1 for axis, size in enumerate(aligned.shape) if axis != 1):
        return None
    return np.broadcast_to(aligned.reshape(-1), (channels,))


def channel_shape(rank: int) -> tuple[int, ...]:
    """Shape of a per-channel constant that broadcasts against ``rank`` axes."""
    return (-1, *[1] * (rank - 2))


def merged_scale(a: Array, b: Array) -> Array | None:
    """a * b in float32, or None where it overflows or vanishes though one after the other need
    not: (x * 1e30) * 1e30 is finite for a small x."""
    with np.errstate(all="ignore"):
        product = np.asarray(a * b)
    vanished = (product == 0) & (a != 0) & (b != 0)
    return None if vanished.any() or not np.isfinite(product).all() else product


def is_power_of_two(array: Any) -> bool:
    """True when multiplying by every entry is exact (barring overflow and subnormals)."""
    mantissa, exponent = np.frexp(np.asarray(array, np.float64))
    moderate = np.all(np.abs(exponent) < 64)
    return bool(np.all(np.abs(mantissa) == 0.5) and moderate)


def contains(graph: Graph, kinds: tuple[type[Op], ...]) -> bool:
    """True when some node is of one of these kinds."""
    return any(isinstance(node.op, kinds) for node in graph.nodes)


def origins(values: Iterable[Value]) -> tuple[str, ...]:
    """ONNX nodes of several values, in order, without repeats."""
    return tuple(dict.fromkeys(name for value in values for name in value.origin))
