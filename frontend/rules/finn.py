"""FINN: thresholds, products of bits, and convolutions lowered to Im2Col and MatMul.

MultiThreshold(x, T) = out_scale * #{k: x >= T[c, k]} + out_bias, channel by channel. One threshold
is a sign. XnorPopcountMatMul counts the equal bits of {0, 1} matrices: (K + (2a - 1)(2b - 1)) / 2,
which for constant b is a(2b - 1) + sum(1 - b), so that a pad of zeros stays one. Im2Col lays the
windows of an NHWC map out side by side, in the order [kh, kw, C].
"""

from __future__ import annotations

import math

import numpy as np

from ...errors import Limit
from ...ir import I32, Array, Batch, Value
from ...ir.ops import (
    Add,
    AveragePool,
    Cast,
    Concat,
    Conv,
    Floor,
    Gather,
    LessEqual,
    Mul,
    Pad,
    Round,
    Slice,
    Sub,
    Transpose,
)
from ...ir.types import F32
from ..analysis.step_functions import Step
from ..importing.call import Call
from ..prepare.finn_im2col import DOMAIN
from ..registry import FLOAT, QONNX, rule
from .matrix_products import matmul

MAX_COMPARED = 15
"""Thresholds that are compared one by one; more are found by binary search."""

_LAYOUTS = {2: "NC", 3: "NWC", 4: "NCHW"}
"""The layout that MultiThreshold assumes for each rank when ``data_layout`` is not given."""


@rule("MultiThreshold", domains=QONNX, types=FLOAT, limits={Limit.CONSTANT: "thresholds"})
def multi_threshold(call: Call) -> Value:
    """A count of thresholds reached; a single one becomes a sign."""
    x = call.x(0)
    given = call.array(1, "thresholds")
    axis = _channel_axis(call, x)
    channels = x.shape[axis]
    if given.ndim != 2 or given.shape[0] not in (1, channels) or not given.shape[1]:
        call.refuse(
            f"thresholds of shape {list(given.shape)} do not fit the {channels} channels of {x!r}; "
            "expected [channels or 1, thresholds]"
        )
    thresholds = np.sort(_rounded_up(given), axis=1)
    scale = np.float32(call.float("out_scale", 1.0))
    bias = np.float32(call.float("out_bias", 0.0))
    rest = [1] * (x.type.rank - 1 - axis)
    if thresholds.shape[1] == 1:
        column = thresholds.reshape(-1, *rest)
        return call.add(Step(column, np.asarray(bias), np.asarray(scale + bias)).over(x, call.add))
    if thresholds.shape[1] <= MAX_COMPARED:
        count = _compared(call, x, thresholds.reshape(-1, *rest, thresholds.shape[1]))
    else:
        count = _searched(call, x, thresholds, rest)
    if scale != 1:
        count = call.add(Mul(count, call.const(scale)))
    return call.add(Add(count, call.const(bias))) if bias else count


def _rounded_up(thresholds: Array) -> Array:
    """The least float32 not below each threshold: x reaches both at once."""
    out = thresholds.astype(np.float32)
    return np.where(out < thresholds, np.nextafter(out, np.float32(np.inf)), out)


def _channel_axis(call: Call, x: Value) -> int:
    rank = x.type.rank
    layout = call.string("data_layout", "") or _LAYOUTS.get(rank, "NC")
    axis = layout.index("C") if "C" in layout else 1
    if axis >= rank:
        call.refuse(f"data_layout '{layout}' does not fit {x!r}")
    return axis


def _compared(call: Call, x: Value, thresholds: Array) -> Value:
    """The sum of the comparisons."""
    total: Value | None = None
    for k in range(thresholds.shape[-1]):
        reached = call.add(LessEqual(call.const(thresholds[..., k]), x))
        one = call.add(Cast(reached, F32))
        total = one if total is None else call.add(Add(total, one))
    assert total is not None
    return total


def _searched(call: Call, x: Value, thresholds: Array, rest: list[int]) -> Value:
    """A binary search in one table [channels * size]: ascending thresholds, then not-a-number,
    which nothing reaches."""
    channels, count = thresholds.shape
    steps = count.bit_length()
    size = (1 << steps) - 1
    table = np.full((channels, size), np.nan, np.float32)
    table[:, :count] = thresholds
    first = (np.arange(channels, dtype=np.int32) * size).reshape(-1, *rest)
    flat = call.const(table.reshape(-1))
    at: Value | None = None
    for step in (1 << k for k in reversed(range(steps))):
        if at is None:
            tested = call.const(table[:, step - 1].reshape(-1, *rest))
        else:
            index = call.add(Add(at, call.const(first + np.int32(step - 1))))
            tested = call.add(Gather(flat, index, 0))
        reached = call.add(Cast(call.add(LessEqual(tested, x)), I32))
        moved = call.add(Mul(reached, call.const(np.int32(step)))) if step > 1 else reached
        at = moved if at is None else call.add(Add(at, moved))
    assert at is not None
    return call.add(Cast(at, F32))


@rule("XnorPopcountMatMul", domains=QONNX, types=FLOAT)
def xnor_popcount(call: Call) -> Value:
    """Matching bits. With constant bits b: the product of a and 2b - 1, plus K, minus sum(b)."""
    a, bits = call.x(0), call.constant(1)
    if bits is not None:
        return _matches(call, matmul(call.on({1: _as_signs(call, call.x(1))})), bits)
    dot = matmul(call.on({0: _as_signs(call, a), 1: _as_signs(call, call.x(1))}))
    length = a.shape[-1]
    if isinstance(length, Batch):
        call.refuse("the symbolic batch cannot be summed", Limit.BATCH)
    return call.add(Mul(call.add(Add(dot, call.const(length, a))), call.const(0.5, a)))


def _as_signs(call: Call, bits: Value) -> Value:
    doubled = call.add(Mul(bits, call.const(2, bits)))
    return call.add(Sub(doubled, call.const(1, bits)))


def _matches(call: Call, product: Value, bits: Array) -> Value:
    """Matching bits from the product of {0, 1} and the signs of constant bits [.., K, O]."""
    zeros = (1 - bits).sum(axis=-2 if bits.ndim > 1 else 0)
    zeros = zeros[..., None, :] if bits.ndim > 2 else zeros
    return call.add(Add(product, call.const(zeros, product)))


@rule("Im2Col", domains=QONNX, types=FLOAT)
def im2col(call: Call) -> Value:
    """Windows side by side: one slice for each position of the kernel."""
    x = call.x(0)
    return _Windows(call, x).columns(x)


@rule("Im2ColMatMul", "Im2ColXnor", domains=(DOMAIN,), types=FLOAT)
def lowered_convolution(call: Call) -> Value:
    """Im2Col and the product that reads it: a convolution when the weights are constant."""
    x, weights = call.x(0), call.constant(1)
    windows = _Windows(call, x)
    if weights is None or weights.ndim != 2:
        product = xnor_popcount if call.op == "Im2ColXnor" else matmul
        return product(call.on({0: windows.columns(x)}))
    if call.op == "Im2ColMatMul":
        return windows.convolved(x, weights)
    return _matches(call, windows.convolved(x, 2 * weights - 1), weights)


class _Windows:
    """The attributes of Im2Col on an NHWC operand."""

    def __init__(self, call: Call, x: Value) -> None:
        self.call = call
        self.kernel: tuple[int, ...] = call.ints("kernel_size", ()) or ()
        self.stride: tuple[int, ...] = call.ints("stride", (1, 1)) or ()
        self.dilation: tuple[int, ...] = call.ints("dilations", (1, 1)) or ()
        self.pads: tuple[int, ...] = call.ints("pad_amount", (0, 0, 0, 0)) or ()
        self.fill = float(call.int("pad_value", 0))
        pairs = (self.kernel, self.stride, self.dilation)
        if x.type.rank != 4 or any(len(p) != 2 or min(p) < 1 for p in pairs):
            call.refuse(
                f"kernel {list(self.kernel)} and stride {list(self.stride)} do not fit {x!r}"
            )
        if len(self.pads) != 4 or min(self.pads) < 0:
            call.refuse(
                f"pad_amount {list(self.pads)} is malformed; expected [top,left,bottom,right]"
            )
        sizes = x.shape[1:]
        assert all(isinstance(d, int) for d in sizes)
        self.channels = int(str(sizes[2]))
        self.length = math.prod(self.kernel) * self.channels

    def columns(self, x: Value) -> Value:
        """[N, oh, ow, kh * kw * C]."""
        top, left, bottom, right = self.pads
        if any(self.pads):
            x = self.call.add(Pad(x, (0, top, left, 0), (0, bottom, right, 0), self.fill))
        size = [
            (int(str(x.shape[1 + i])) - self.dilation[i] * (self.kernel[i] - 1) - 1)
            // self.stride[i] + 1
            for i in (0, 1)
        ]  # fmt: skip
        if min(size) < 1:
            self.call.refuse(f"the kernel {list(self.kernel)} is larger than {x!r}")
        first = 0 if x.type.symbolic else int(str(x.shape[0]))
        parts = [
            self.call.add(
                Slice(
                    x,
                    (0, i * self.dilation[0], j * self.dilation[1], 0),
                    (1, *self.stride, 1),
                    (first, *size, self.channels),
                )
            )
            for i in range(self.kernel[0])
            for j in range(self.kernel[1])
        ]
        return parts[0] if len(parts) == 1 else self.call.add(Concat(tuple(parts), 3))

    def convolved(self, x: Value, weights: Array) -> Value:
        """The windows times [kh * kw * C, O], as a convolution between transposes."""
        call = self.call
        if weights.shape[0] != self.length:
            call.refuse(f"{weights.shape[0]} rows of weights do not fit windows of {self.length}")
        shaped = weights.reshape(*self.kernel, self.channels, -1).transpose(3, 2, 0, 1)
        groups = self.channels if _is_depthwise(shaped) else 1
        if groups > 1:
            each = shaped.shape[0] // groups
            shaped = shaped[np.arange(shaped.shape[0]), np.arange(shaped.shape[0]) // each][:, None]
        x = call.add(Transpose(x, (0, 3, 1, 2)))
        pads = self.pads
        if any(pads) and self.fill:
            x = call.add(Pad(x, (0, 0, *pads[:2]), (0, 0, *pads[2:]), self.fill))
            pads = (0, 0, 0, 0)
        w = call.const(np.ascontiguousarray(shaped))
        out = call.add(Conv(x, w, None, self.stride, pads, self.dilation, groups))
        return call.add(Transpose(out, (0, 2, 3, 1)))


def _is_depthwise(weights: Array) -> bool:
    """True when each output channel of [O, C, kh, kw] reads one input channel, in order: how a
    depthwise convolution looks once it is lowered."""
    outputs, channels = weights.shape[:2]
    if channels < 2 or outputs % channels:
        return False
    own = np.arange(outputs)[:, None] // (outputs // channels) == np.arange(channels)
    return not weights[~own].any()


@rule("QuantAvgPool2d", domains=QONNX, types=FLOAT)
def quant_avg_pool(call: Call) -> Value:
    """The window's sum, shifted right until the widest sum has ``obits`` bits."""
    x = call.x(0)
    size, stride = call.int("kernel", 1), call.int("stride", 1)
    bits = call.int("ibits", 1), call.int("obits", 1)
    if size < 1 or stride < 1 or min(bits) < 1 or max(bits) > 32 or x.type.rank != 4:
        call.refuse(f"kernel {size}, stride {stride} and bits {list(bits)} do not fit {x!r}")
    widest = (2 ** bits[0] - 1) * size * size
    shift = max(0, widest.bit_length() - bits[1])
    last = call.string("data_layout", "NCHW") == "NHWC"
    if last:
        x = call.add(Transpose(x, (0, 3, 1, 2)))
    mean = call.add(AveragePool(x, (size, size), (stride, stride), (0,) * 4, (1, 1), False, False))
    total = call.add(Round(call.add(Mul(mean, call.const(size * size, x)))))
    if shift:
        total = call.add(Floor(call.add(Mul(total, call.const(2.0**-shift, x)))))
    return call.add(Transpose(total, (0, 2, 3, 1))) if last else total


@rule("DebugMarker", domains=QONNX)
def debug_marker(call: Call) -> Value:
    """The operand itself."""
    return call.x(0)
