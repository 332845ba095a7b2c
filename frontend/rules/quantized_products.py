"""Products of 8-bit integers: exact sums in float32, which hold every integer below 2^24.

Where a sum could grow beyond, the weights are split, w = 16*h + l, and the two sums meet in int32.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...errors import Limit
from ...ir import F32, I32, Array, Value, ops, scalar_of
from ..importing.call import Call
from ..registry import rule
from .conv_fallbacks import Steps, convolution
from .matrix_products import leading
from .window_attributes import explicit_pads, spatial_attribute

_EXACT = 1 << 24
_LIMITS = {
    Limit.CONSTANT: "weights, scales and zero points",
    Limit.VALUE: "no weights whose sums exceed int32",
}
_BYTES = ("i8", "u8")


@rule("ConvInteger", types=_BYTES, limits=_LIMITS)
def conv_integer(call: Call) -> Value:
    """Convolution summed in int32; padding counts as the zero point."""
    return _convolution(call, _centred(call, 0, 2), _weights(call, 1, 3, first=True))


@rule("MatMulInteger", types=_BYTES, limits={**_LIMITS, Limit.RANK: "weights of at most 2 axes"})
def matmul_integer(call: Call) -> Value:
    """Matrix product summed in int32."""
    return _product(call, _centred(call, 0, 2), _weights(call, 1, 3, first=False))


@rule("QLinearConv", types=_BYTES, limits=_LIMITS)
def qlinear_conv(call: Call) -> Value:
    """ConvInteger with bias, scaled, rounded and saturated."""
    total = _convolution(call, _centred(call, 0, 2), _weights(call, 3, 5, first=True))
    spread = (-1, *[1] * (total.type.rank - 2))
    if call.has(8):
        total = call.add(ops.Add(total, call.const(call.array(8, "the bias").reshape(spread))))
    return _requantized(call, total, (1, 4, 6), 7, spread)


@rule("QLinearMatMul", types=_BYTES, limits={**_LIMITS, Limit.RANK: "weights of at most 2 axes"})
def qlinear_matmul(call: Call) -> Value:
    """MatMulInteger, scaled, rounded and saturated."""
    total = _product(call, _centred(call, 0, 2), _weights(call, 3, 5, first=False))
    return _requantized(call, total, (1, 4, 6), 7, (-1,))


def _centred(call: Call, index: int, zero_at: int) -> Value:
    """The operand minus its zero point, as floats."""
    x = call.add(ops.Cast(call.x(index), F32))
    zero = call.array(zero_at, "a zero point") if call.has(zero_at) else np.zeros(1)
    if zero.size != 1:
        call.refuse("one zero point for each row is not supported", Limit.FORM)
    if not zero.any():
        return x
    return call.add(ops.Sub(x, call.const(zero.reshape(()), x)))


def _weights(call: Call, index: int, zero_at: int, first: bool) -> Array:
    """Constant weights minus their zero points, which follow the first axis or the last."""
    weights = call.array(index, "weights").astype(np.int64)
    if not call.has(zero_at):
        return weights
    zero = call.array(zero_at, "the zero point of the weights").astype(np.int64)
    if weights.ndim < 1 or zero.size not in (1, weights.shape[0 if first else -1]):
        call.refuse(f"zero point {call.x(zero_at)!r} does not fit weights {call.x(index)!r}")
    zero = zero.reshape(-1)
    return weights - (zero.reshape(-1, *[1] * (weights.ndim - 1)) if first else zero)


def _convolution(call: Call, x: Value, weights: Array) -> Value:
    spatial = x.type.rank - 2
    if spatial < 1 or weights.ndim != x.type.rank:
        call.refuse(f"weights of {weights.ndim} axes do not fit {x!r}")
    strides = spatial_attribute(call, "strides", spatial)
    dilations = spatial_attribute(call, "dilations", spatial)
    pads = explicit_pads(call, x, weights.shape[2:], strides, dilations)
    groups = call.int("group", 1)

    def convolved(w: Value) -> Value:
        return convolution(call, x, w, None, Steps(strides, pads, dilations, groups))

    return _summed(call, weights, convolved)


def _product(call: Call, x: Value, weights: Array) -> Value:
    if weights.ndim != 2 or x.type.rank < 1:
        call.refuse(f"weights of {weights.ndim} axes are not supported", Limit.RANK)
    rows = call.reshape(x, (leading(x.shape[:-1]), x.shape[-1]))
    out = _summed(call, weights.T, lambda w: call.add(ops.Gemm(rows, w, None)))
    return call.reshape(out, (*x.shape[:-1], weights.shape[1]))


def _summed(call: Call, weights: Array, product: Callable[[Value], Value]) -> Value:
    """The int32 product with weights [O, ..]."""

    def partial_product(part: Array) -> Value:
        return call.add(ops.Cast(product(call.const(part.astype(np.float32))), I32))

    if _bound(weights) < _EXACT:
        return partial_product(weights)
    high = (weights + 8) >> 4
    low = weights - 16 * high
    if max(_bound(high), _bound(low)) >= _EXACT or _bound(weights) >= 1 << 31:
        call.refuse("sums exceed int32", Limit.VALUE)
    wide = partial_product(high)
    return call.add(ops.Add(call.add(ops.Mul(wide, call.const(16, wide))), partial_product(low)))


def _bound(weights: Array) -> int:
    """The largest magnitude that a sum with operands of 8 bits can have."""
    return int(np.abs(weights).reshape(weights.shape[0], -1).sum(1).max(initial=0)) * 255


def _requantized(
    call: Call, total: Value, scales: tuple[int, int, int], zero_at: int, spread: tuple[int, ...]
) -> Value:
    """saturate(round(total * (scale of x * scale of w / scale of y)) + zero point)."""
    x, w, y = (call.array(i, "a scale") for i in scales)
    if x.size != 1 or y.size != 1 or x.dtype != np.float32:
        call.refuse("only one float32 scale for an operand is supported", Limit.FORM)
    factor = x.reshape(()) * w / y.reshape(())
    real = call.add(ops.Cast(total, F32))
    shaped = factor.reshape(()) if factor.size == 1 else factor.reshape(spread)
    real = call.add(ops.Round(call.add(ops.Mul(real, call.const(shaped)))))
    zero = call.array(zero_at, "the zero point of the result")
    if zero.any():
        real = call.add(ops.Add(real, call.const(zero.reshape(()), real)))
    limits = np.iinfo(zero.dtype.str)
    clipped = call.add(ops.Clip(real, float(limits.min), float(limits.max)))
    return call.add(ops.Cast(clipped, scalar_of(zero.dtype)))
