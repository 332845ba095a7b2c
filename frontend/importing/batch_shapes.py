"""Integer tensors that depend on the batch size: the results of shape arithmetic in the graph.

A graph with a symbolic batch computes shapes at run time: ``Shape -> Gather -> Concat -> Reshape``.
Instead of giving every operator a symbolic form, the importer keeps the values of such a tensor at
several batch sizes (`PROBES`), and constant folding computes each of them. Where a shape is needed,
each element must be ``a*N + b`` at all probes: with b = 0 it is a `Batch`, with a = 0 an integer,
anything else (a floor division, a branch on N) is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ModelError
from ...ir import Array, Batch, Dim, Shape, TensorType

PROBES = (1, 2, 3, 1009)
"""Batch sizes at which batch-dependent tensors are computed; two fix a line, the others check."""

PROBE_LIMIT = 4096
"""Elements that a batch-dependent tensor may have."""


@dataclass(frozen=True, eq=False)
class BatchDependent:
    """A small tensor that depends on the batch: its value at each batch size of `PROBES`."""

    arrays: tuple[Array, ...]


def shape_tensor(shape: Shape) -> Array | BatchDependent:
    """The result of ONNX ``Shape`` for a shape."""
    type_ = TensorType(shape)
    arrays = tuple(np.array(type_.concrete(n), np.int64) for n in PROBES)
    return BatchDependent(arrays) if type_.symbolic else arrays[0]


def of_probes(arrays: Sequence[Array]) -> Array | BatchDependent | None:
    """The tensor that has these values at the probes; None when its shape depends on the batch."""
    first = arrays[0]
    if any(a.shape != first.shape or a.dtype != first.dtype for a in arrays):
        return None
    if all(np.array_equal(a, first) for a in arrays):
        return first
    return BatchDependent(tuple(arrays)) if first.size <= PROBE_LIMIT else None


def undecided(
    a: Array | BatchDependent, b: Array | BatchDependent, result: Sequence[Array]
) -> bool:
    """Whether a comparison of two tensors may come out otherwise at another batch size, for an
    element for which it has one ``result`` at all probes.

    The difference of two elements is slope * N + offset and changes its sign at most once: after
    N = 1 where slope and difference have opposite signs there. Any other difference (N modulo 8)
    may do so anywhere.
    """
    sides = (x.arrays if isinstance(x, BatchDependent) else (x,) * len(PROBES) for x in (a, b))
    gaps = [np.subtract(x, y, dtype=np.float64) for x, y in zip(*sides, strict=True)]
    slope = (gaps[1] - gaps[0]) / (PROBES[1] - PROBES[0])
    crosses = gaps[0] * slope < 0
    for gap, n in zip(gaps, PROBES, strict=True):
        crosses = crosses | (gap != gaps[0] + slope * (n - PROBES[0]))
    same = np.logical_and.reduce([r == result[0] for r in result])
    return bool(np.any(same & crosses))


def dims_of(tensor: Array | BatchDependent) -> tuple[Dim, ...]:
    """A one-dimensional (or scalar) integer tensor as dimensions; -1 and 0 are kept.

    Raises ModelError when an element is not a multiple of the batch.
    """
    arrays = tensor.arrays if isinstance(tensor, BatchDependent) else (tensor,) * len(PROBES)
    if arrays[0].ndim > 1 or arrays[0].dtype.kind not in "iu":
        raise ModelError(f"a shape must be a list of integers, got {described(arrays[0])}")
    columns = zip(*(a.reshape(-1).tolist() for a in arrays), strict=True)
    return tuple(_dim(column) for column in columns)


def _dim(values: Sequence[int]) -> Dim:
    slope = values[1] - values[0]
    offset = values[0] - slope * PROBES[0]
    if any(v != slope * n + offset for v, n in zip(values, PROBES, strict=True)):
        raise ModelError("a dimension depends on the batch other than as a multiple of it")
    if slope == 0:
        return offset
    if offset or slope < 0:
        raise ModelError(f"a dimension is {slope}*N{offset:+d}; only multiples of N are supported")
    return Batch(slope)


def described(array: Any) -> str:
    """``float32[3,4]``, for messages."""
    return f"{array.dtype}[{','.join(map(str, array.shape))}]"
