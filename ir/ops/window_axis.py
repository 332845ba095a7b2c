"""Which taps of a sliding window lie inside the operand: the border classes of its positions.

Padding is not stored. What an output position sees depends only on its class, and axes do not
depend on each other: a tap is inside when it is inside along each axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import numpy as np

from ..types import Array, Shape
from .window import Window


@dataclass(frozen=True)
class WindowAxis:
    """One axis of a window that slides over an operand."""

    size: int
    """Positions of the operand."""
    outputs: int
    taps: int
    stride: int
    dilation: int
    pad: int
    """Padding before the first position; what follows the last one needs no name."""

    def before(self, position: int) -> Array:
        """How many taps of each output lie before a position of the operand: i64 [outputs]."""
        starts = np.arange(self.outputs) * self.stride - self.pad
        return np.clip(-((starts - position) // self.dilation), 0, self.taps)

    @cached_property
    def inside(self) -> Array:
        """Whether a tap lies inside the operand: bool [outputs, taps]."""
        first, end = (self.before(edge)[:, None] for edge in (0, self.size))
        taps = np.arange(self.taps)
        return (first <= taps) & (taps < end)

    @cached_property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """First and end of the taps inside, for each output; both are the first tap that is not
        before the operand where none is inside."""
        first, end = (self.before(edge).tolist() for edge in (0, self.size))
        return tuple(zip(first, end, strict=True))

    @property
    def bordered(self) -> bool:
        """Whether some output sees a tap outside."""
        return bool(self.before(0).any() or (self.before(self.size) < self.taps).any())

    @property
    def may_be_empty(self) -> bool:
        """Whether some output sees no tap inside."""
        return bool((self.before(0) == self.before(self.size)).any())


def window_axes(window: Window, spatial: Shape) -> tuple[WindowAxis, ...]:
    """The axes of a window over an operand [N, C, *spatial]."""
    outputs = window.output(spatial)
    sizes = [size for size in spatial if isinstance(size, int)]
    pads = window.pads[: len(outputs)]
    rows = zip(sizes, outputs, window.kernel, window.strides, window.dilations, pads, strict=True)
    return tuple(WindowAxis(*row) for row in rows)


def joint(inside: Sequence[Array]) -> Array:
    """What is inside along all axes, of bool [positions, taps] along each: bool [positions..,
    taps..]."""
    outer: Any = np.logical_and.outer
    product = reduce(outer, inside, np.array(True))
    return product.transpose(*range(0, product.ndim, 2), *range(1, product.ndim, 2))


def border_classes(inside: Array) -> tuple[Array, Array]:
    """Positions that see the same taps, of bool [positions, taps]: the taps of each class, bool
    [classes, taps] in ascending order, and the class of each position, i64 [positions]."""
    taps, numbers = np.unique(inside, axis=0, return_inverse=True)
    return taps, numbers.reshape(-1)
