"""Convolutions that no kernel computes directly, by ones that a kernel does.

A third spatial axis is unfolded: the taps along it become channels, its positions samples, and a
convolution over two axes with the same sums remains. Where the weights are computed at run time,
every axis is unfolded and a matrix product remains.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...errors import Limit
from ...ir import Batch, Value
from ...ir.ops import Add, Concat, Conv, MatMul, Pad, Transpose
from ..importing.call import Call
from .matrix_products import leading
from .select_join_pad import sliced

MAX_SPATIAL = 2
"""Spatial axes of a convolution that the backends have kernels for."""

MAX_TAPS = 1024
"""Slices that unfolding may make."""


@dataclass(frozen=True)
class Steps:
    """Strides, pads (begins, then ends), dilations and groups of a convolution."""

    strides: tuple[int, ...]
    pads: tuple[int, ...]
    dilations: tuple[int, ...]
    groups: int = 1

    def axis(self, axis: int, kernel: int) -> Axis:
        """Those of one axis."""
        count = len(self.strides)
        pads = (self.pads[axis], self.pads[axis + count])
        return Axis(kernel, self.strides[axis], self.dilations[axis], pads)

    def without_first(self) -> Steps:
        """Those of all axes but the first."""
        count = len(self.strides)
        pads = (*self.pads[1:count], *self.pads[count + 1 :])
        return Steps(self.strides[1:], pads, self.dilations[1:], self.groups)


@dataclass(frozen=True)
class Axis:
    """The window along one axis."""

    kernel: int
    stride: int
    dilation: int
    pads: tuple[int, int]

    def count(self, size: int) -> int:
        """Output positions."""
        return (size + sum(self.pads) - self.dilation * (self.kernel - 1) - 1) // self.stride + 1


def convolution(call: Call, x: Value, w: Value, bias: Value | None, steps: Steps) -> Value:
    """Any convolution; a bias that is not constant is added after it."""
    constant = call.scope.graph.array_of(w) is not None
    if constant and x.type.rank - 2 <= MAX_SPATIAL:
        fused = bias is None or call.scope.graph.array_of(bias) is not None
        fused_bias = bias if fused else None
        rest = (steps.strides, steps.pads, steps.dilations, steps.groups)
        out = call.add(Conv(x, w, fused_bias, *rest))
        if fused:
            return out
    else:
        out = _over_depth(call, x, w, steps) if constant else _by_products(call, x, w, steps)
    if bias is None:
        return out
    return call.add(Add(out, call.reshape(bias, (w.shape[0], *[1] * (x.type.rank - 2)))))


def _unfolded(call: Call, x: Value, axis: int, window: Axis) -> Value:
    """[.., C, .., D, ..] with D = ``axis`` padded and seen by every tap: [.., taps, positions, ..]
    in its place."""
    size = x.shape[axis]
    assert isinstance(size, int)
    count = window.count(size)
    if window.kernel > MAX_TAPS:
        call.refuse(f"a window of {window.kernel} taps along axis {axis} is not supported")
    if count < 1:
        call.refuse(f"a window of {window.kernel} exceeds axis {axis} of {x!r}")
    if any(window.pads):
        before, after = ([0] * x.type.rank for _ in range(2))
        before[axis], after[axis] = window.pads
        x = call.add(Pad(x, tuple(before), tuple(after)))
    shape = (*x.shape[:axis], 1, count, *x.shape[axis + 1 :])
    parts: list[Value] = []
    for tap in range(window.kernel):
        first = tap * window.dilation
        last = first + (count - 1) * window.stride + 1
        parts.append(call.reshape(sliced(call, x, {axis: (first, last, window.stride)}), shape))
    return parts[0] if len(parts) == 1 else call.add(Concat(tuple(parts), axis))


def _over_depth(call: Call, x: Value, w: Value, steps: Steps) -> Value:
    """The first spatial axis unfolded, the convolution over the others, and the axis back."""
    kernel = w.shape[2]
    assert isinstance(kernel, int)
    wide = _unfolded(call, x, 2, steps.axis(0, kernel))
    n, channels, _, depth, *rest = wide.shape
    assert isinstance(channels, int)
    spatial = range(4, wide.type.rank)
    moved = call.add(Transpose(wide, (0, 3, 1, 2, *spatial)))
    flat = call.reshape(moved, (leading((n, depth)), channels * kernel, *rest))
    inner = w.shape[1]
    assert isinstance(inner, int)
    weights = call.reshape(w, (w.shape[0], inner * kernel, *w.shape[3:]))
    out = convolution(call, flat, weights, None, steps.without_first())
    split = call.reshape(out, (n, depth, *out.shape[1:]))
    return call.add(Transpose(split, (0, 2, 1, *range(3, split.type.rank))))


def _by_products(call: Call, x: Value, w: Value, steps: Steps) -> Value:
    """Every axis unfolded: weights [G, O, C * taps] times columns [N, G, C * taps, positions]."""
    spatial = x.type.rank - 2
    kernel = tuple(d for d in w.shape[2:] if isinstance(d, int))
    sizes = tuple(d for d in x.shape[2:] if isinstance(d, int))
    channels, outs, groups = x.shape[1], w.shape[0], steps.groups
    if isinstance(channels, Batch) or isinstance(outs, Batch) or len(sizes) != spatial:
        call.refuse(f"weights {w!r} follow the batch", Limit.BATCH)
    if math.prod(kernel) > MAX_TAPS:
        call.refuse(f"a window of {math.prod(kernel)} taps needs constant weights", Limit.CONSTANT)
    if groups < 1 or channels % groups or outs % groups or w.shape[1] != channels // groups:
        call.refuse(f"weights {w!r} in {groups} groups do not fit {x!r}")
    windows = [steps.axis(a, k) for a, k in enumerate(kernel)]
    for a, window in enumerate(windows):
        x = _unfolded(call, x, 2 + 2 * a, window)
    # [N, C, k0, p0, k1, p1, ..] to [N, C, k0, k1, .., p0, p1, ..]
    order = (0, 1, *range(2, x.type.rank, 2), *range(3, x.type.rank, 2))
    if spatial > 1:
        x = call.add(Transpose(x, order))
    counts = tuple(window.count(size) for window, size in zip(windows, sizes, strict=True))
    depth = channels // groups * math.prod(kernel)
    columns = call.reshape(x, (x.shape[0], groups, depth, math.prod(counts)))
    rows = call.reshape(w, (groups, outs // groups, depth))
    return call.reshape(call.add(MatMul(rows, columns)), (x.shape[0], outs, *counts))
