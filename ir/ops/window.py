"""Sliding windows: the geometry that convolutions and pools share, for any number of spatial axes.

``pads`` are (begin of each spatial axis.., end of each spatial axis..), as in ONNX.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import VerifyError
from ..types import Shape


@dataclass(frozen=True)
class Window:
    """Kernel size, strides, dilations and pads of a window over the axes after the second."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]
    ceil_mode: bool = False

    def check(self, rank: int) -> None:
        """Raise VerifyError unless the window fits a tensor of ``rank`` axes."""
        spatial = rank - 2
        lengths = (len(self.kernel), len(self.strides), len(self.dilations))
        if spatial < 1 or lengths != (spatial,) * 3 or len(self.pads) != 2 * spatial:
            raise VerifyError(f"{self} does not fit {rank} axes")
        if min(self.kernel + self.strides + self.dilations) < 1 or min(self.pads) < 0:
            raise VerifyError(f"{self} has sizes below one or negative pads")

    def extent(self, axis: int) -> int:
        """Input positions from the first to the last tap."""
        return self.dilations[axis] * (self.kernel[axis] - 1) + 1

    def output(self, spatial: Shape) -> tuple[int, ...]:
        """Output size of each spatial axis; raises VerifyError when no window fits."""
        out: list[int] = []
        for axis, size in enumerate(spatial):
            if not isinstance(size, int):
                raise VerifyError("windows cannot slide over a symbolic dimension")
            before, after = self.pads[axis], self.pads[axis + len(spatial)]
            room = size + before + after - self.extent(axis)
            if room < 0:
                raise VerifyError(f"window of {self.extent(axis)} exceeds input {size} + pads")
            count = room // self.strides[axis] + 1
            if self.ceil_mode and room % self.strides[axis]:
                # A window that would start in the end padding is left out.
                count += int(count * self.strides[axis] < size + before)
            out.append(count)
        return tuple(out)

    def overhang(self, spatial: tuple[int, ...]) -> tuple[int, ...]:
        """Positions past the end padding that the last window of `ceil_mode` touches."""
        return tuple(
            max(
                0,
                (count - 1) * self.strides[i]
                + self.extent(i)
                - (spatial[i] + self.pads[i] + self.pads[i + len(spatial)]),
            )
            for i, count in enumerate(self.output(spatial))
        )

    def padded(self, x: Any, fill: Any) -> Any:
        """The operand [N, C, ..] with its border (and the overhang of `ceil_mode`)."""
        spatial = len(self.kernel)
        over = self.overhang(x.shape[2:])
        pads = [(self.pads[i], self.pads[i + spatial] + over[i]) for i in range(spatial)]
        return np.pad(x, [(0, 0), (0, 0), *pads], constant_values=fill)

    def taps(self, x: Any, output: tuple[int, ...]) -> Any:
        """Yield (tap index, padded operand [N, C, *output] as that tap sees it), row-major."""
        for tap in np.ndindex(*self.kernel):
            index = tuple(
                slice(
                    tap[i] * self.dilations[i],
                    tap[i] * self.dilations[i] + (output[i] - 1) * self.strides[i] + 1,
                    self.strides[i],
                )
                for i in range(len(output))
            )
            yield tap, x[(slice(None), slice(None), *index)]
