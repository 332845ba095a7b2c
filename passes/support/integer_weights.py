"""Weights as integers of at most 8 bits with one scale per output channel: w[o] = scale[o] * t[o].

They are found by value, whatever quantizer they come from (DoReFa's odd levels, LSQ, ternary): the
largest weight of a channel is n steps, for the least n at which all others are whole steps too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...ir import I8, SIGN, Array, Bits, Element
from .weight_bits import SMALLEST, TOLERANCE

MOST_STEPS = 128
"""Steps of the largest magnitude."""
MOST_LEVELS = 512
"""Magnitudes of one channel; what rounding makes of one level are several."""
MOST_PLANES = 5
"""Bits of weights whose integers a table holds; others are bytes."""


@dataclass(frozen=True, eq=False)
class IntegerWeights:
    """Weights as integers and scale."""

    integers: Array
    """int8, of the shape of the weights."""
    scale: Array
    """float32 [O]."""
    exact: bool
    """Whether each weight is scale * integer in every bit."""

    @cached_property
    def levels(self) -> Array:
        """The integers that occur, in order."""
        return np.unique(self.integers)

    @property
    def largest_sum(self) -> int:
        """The largest sum of magnitudes of one channel."""
        magnitudes = np.abs(self.integers.astype(np.int64)).reshape(len(self.scale), -1)
        return int(magnitudes.sum(1).max())

    def coded(self) -> tuple[Array, Element]:
        """The integers as contents of a constant: bits with a table of them, if few will do."""
        values = self.levels
        if np.isin(values, (-1, 1)).all():
            return (self.integers > 0).astype(np.uint8), SIGN
        for planes in range(1, MOST_PLANES + 1):
            count, half = 1 << planes, 1 << (planes - 1)
            if -half <= values[0] and values[-1] < half:
                table = np.arange(-half, half)
            elif len(values) <= count:
                table = np.pad(values, (0, count - len(values)), mode="edge")
            else:
                continue
            codes = np.searchsorted(table, self.integers).astype(np.uint8)
            return codes, Bits(tuple(map(float, table)))
        return self.integers, I8


def integer_weights(weights: Array) -> IntegerWeights | None:
    """Weights [O, ..] as integers, or None where a channel's are none."""
    if not weights.size or not np.isfinite(weights).all():
        return None
    flat = weights.reshape(len(weights), -1).astype(np.float64)
    integers = np.empty(flat.shape, np.int8)
    scale = np.empty(len(flat), np.float32)
    for channel, row in enumerate(flat):
        found = _in_steps(row)
        if found is None:
            return None
        scale[channel], integers[channel] = found
    exact = np.array_equal(scale.astype(np.float64)[:, None] * integers, flat)
    return IntegerWeights(integers.reshape(weights.shape), scale, exact)


def _in_steps(row: Array) -> tuple[np.float32, Array] | None:
    """The scale of one channel, and its integers."""
    levels = np.unique(np.abs(row))
    largest = levels[-1]
    if largest == 0:
        return np.float32(1), np.zeros(row.shape, np.int8)
    if len(levels) > MOST_LEVELS or largest < SMALLEST * MOST_STEPS:
        return None
    counts = np.arange(1, MOST_STEPS + 1)
    steps = levels / largest * counts[:, None]  # [count, level]
    off = np.abs(steps - np.rint(steps)).max(1) / counts
    fits = np.flatnonzero(off <= 2 * TOLERANCE)
    if not len(fits):
        return None
    integers = np.rint(row / largest * counts[fits[0]])
    scale = np.float32(row @ integers / (integers @ integers))  # least squares
    if integers.max() == MOST_STEPS or np.abs(row - scale * integers).max() > TOLERANCE * largest:
        return None
    return scale, integers.astype(np.int8)
