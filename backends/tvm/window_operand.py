"""The operand of a sliding window, with its border.

Padding is not stored: where a window reaches beyond the operand, a task first copies what it reads
into memory of its own, border included, so that the inner loops check nothing. Where that would be
too much memory, each read checks instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...ir import TensorType
from ...ir.ops import Window
from ...ir.ops.window_axis import window_axes
from .expressions import Expression
from .program import Buffer, Coordinate, Program
from .tir import T, tirx

PAD = "pad"
"""The block that copies."""
MOST_BYTES = 128 << 10
"""Of a copy of what a task reads, or of what is computed from it, in scratch."""

Read = Callable[[Sequence[Coordinate]], Expression]
"""What lies at (sample, positions.., element)."""


def seen(window: Window, size: tuple[int, ...]) -> tuple[int, ...]:
    """Positions along each axis that a window covers of an operand, border included."""
    return tuple(
        (count - 1) * stride + window.extent(axis)
        for axis, (count, stride) in enumerate(
            zip(window.output(size), window.strides, strict=True)
        )
    )


def seen_by_task(window: Window, size: tuple[int, ...]) -> int:
    """How many of these a task needs, for one position along the first of several axes."""
    first, *others = seen(window, size) or (1,)
    return (window.extent(0) if others else first) * math.prod(others)


@dataclass(frozen=True)
class Source:
    """An operand of ``elements`` for each of its positions, seen through a window.

    ``fill`` is what the border holds.
    """

    program: Program
    window: Window
    type: TensorType
    elements: int
    dtype: str
    fill: float
    read: Read

    @property
    def size(self) -> tuple[int, ...]:
        """Positions of the operand along each axis."""
        return self.type.concrete(1)[2:]

    @property
    def output(self) -> tuple[int, ...]:
        """Positions of the result along each axis."""
        return self.window.output(self.size)

    @property
    def seen(self) -> tuple[int, ...]:
        """Positions that the windows cover along each axis, border included."""
        return seen(self.window, self.size)

    @property
    def bordered(self) -> bool:
        """Whether some window reaches beyond the operand."""
        return any(axis.bordered for axis in window_axes(self.window, self.size))

    @property
    def copied(self) -> bool:
        """Whether a task copies what it reads."""
        copied = seen_by_task(self.window, self.size) * self.elements
        return self.bordered and copied * np.dtype(self.dtype).itemsize <= MOST_BYTES

    def prepare(self) -> Read:
        """Write the copy, if there is one; how to read at (sample, positions of ``seen``..,
        element) afterwards."""
        if not self.bordered:
            return self.read
        if not self.copied:
            return self._guarded
        samples = self.type.concrete(1)[0]
        copy: Buffer = self.program.scratch((samples, *self.seen, self.elements), self.dtype)
        with self.program.block(PAD, (samples, *self.seen, self.elements)) as (at, _):
            T.buffer_store(copy, self._guarded(at), at)
        return lambda at: copy[tuple(at)]

    def _guarded(self, at: Sequence[Coordinate]) -> Expression:
        sample, *positions, element = at
        inside: Expression = tirx.const(True, "bool")
        there: list[Coordinate] = []
        for axis, (position, size) in enumerate(zip(positions, self.size, strict=True)):
            before = self.window.pads[axis]
            there.append(position - before)
            if before:
                inside = tirx.all(inside, position >= before)
            if self.seen[axis] > size + before:
                inside = tirx.all(inside, position < size + before)
        value = self.read([sample, *there, element])
        return tirx.if_then_else(inside, value, tirx.const(self.fill, self.dtype))

    def positions(
        self, output: Sequence[Coordinate], taps: Sequence[Coordinate]
    ) -> list[Coordinate]:
        """Where a tap of the window of an output position lies in ``seen``."""
        window = self.window
        return [
            at * window.strides[axis] + tap * window.dilations[axis]
            for axis, (at, tap) in enumerate(zip(output, taps, strict=True))
        ]
