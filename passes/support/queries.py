"""What passes ask of a graph: where signs come from, what a weight is, what follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ...ir import Array, Graph, Node, Value


def reaches_sign(graph: Graph) -> frozenset[Value]:
    """Values from which some path leads to a sign, or another step: a comparison, a rounding, an
    integer, a position. No float before one may be reassociated."""
    reached: set[Value] = set()
    for node in reversed(graph.nodes):
        if node.op.jumps or any(v in reached for v in node.results):
            reached.update(node.op.operands)
    return frozenset(reached)


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


def origins(values: Iterable[Value]) -> tuple[str, ...]:
    """ONNX nodes of several values, in order, without repeats."""
    return tuple(dict.fromkeys(name for value in values for name in value.origin))


def described(node: Node, operators: Mapping[str, str]) -> str:
    """``node 'conv1' (Conv)``: a node of the model with its operator, where ``operators`` has it by
    name; what it was imported as where it has not."""
    name = node.origin[0] if node.origin else ""
    if name not in operators:
        return node.describe()
    return f"node '{name}' ({operators[name]})" if operators[name] else f"node '{name}'"
