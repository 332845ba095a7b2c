"""QONNX quantizers, under each name that their domain has had, in the order of qonnx's executor.

BipolarQuant(x, scale) = scale * (+1 where x >= 0, else -1).
Quant(x, scale, zeropt, bits) = (round(clamp(x / scale + zeropt)) - zeropt) * scale; with one signed
bit it is executed as bipolar. Constant operands are folded, so that a quantized initializer is a
constant of the IR.
"""

from __future__ import annotations

import numpy as np

from ...errors import Limit
from ...ir import Array, Value
from ...ir.ops import Abs, Add, Ceil, Clip, Div, Floor, Max, Min, Mul, Round, Sign, Sub
from ..importing.batch_shapes import described
from ..importing.call import Call
from ..registry import FLOAT, QONNX, rule

MODES = ("ROUND", "HALF_EVEN", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN")
"""Rounding modes; ROUND is half to even."""

_LIMITS = {Limit.CONSTANT: "parameters", Limit.VALUE: "finite parameters, scales other than 0"}


@rule("BipolarQuant", domains=QONNX, types=FLOAT, limits=_LIMITS)
def bipolar_quant(call: Call) -> Value:
    """The sign, +1 at zero, times the scale."""
    x = call.x(0)
    return _shaped_as(call, x, _times(call, call.add(Sign(x, 1)), _parameter(call, 1, "scale")))


@rule("Quant", "IntQuant", domains=QONNX, types=FLOAT, limits=_LIMITS)
def quant(call: Call) -> Value:
    """Integers of a given width, as floats."""
    x = call.x(0)
    scale, zero = _parameter(call, 1, "scale"), _parameter(call, 2, "zero point")
    bits = _parameter(call, 3, "bit width")
    signed, narrow = bool(call.int("signed", 1)), bool(call.int("narrow", 0))
    y = _plus(call, _over(call, x, scale), zero)
    if signed and (bits == 1).all():
        y = call.add(Sign(y, 1))
    else:
        y = _clamped(call, y, *limits(bits, signed, narrow))
        y = rounded(call, y, call.string("rounding_mode", "ROUND"), positive=not signed)
    return _shaped_as(call, x, _times(call, _plus(call, y, -zero), scale))


@rule("Trunc", domains=QONNX, types=FLOAT, limits=_LIMITS)
def trunc(call: Call) -> Value:
    """Fewer bits by a power of two. Version 1 has five inputs and keeps the scale; version 2 has
    six, clamps and states the output's scale."""
    x = call.x(0)
    scale, zero = _parameter(call, 1, "scale"), _parameter(call, 2, "zero point")
    y = call.add(Round(_plus(call, _over(call, x, scale), zero)))
    mode = call.string("rounding_mode", "FLOOR")
    if len(call) == 5:
        lost = _parameter(call, 3, "bits of the input") - _parameter(call, 4, "bits of the output")
        y = rounded(call, _over(call, y, np.float32(2) ** lost), mode)
        return _shaped_as(call, x, _times(call, _plus(call, y, -zero), scale))
    out_scale, out_bits = (
        _parameter(call, 4, "output scale"),
        _parameter(call, 5, "bits of the output"),
    )
    step = (2.0 ** np.round(np.log2(out_scale / scale))).astype(np.float32)
    signed, narrow = bool(call.int("signed", 1)), bool(call.int("narrow", 0))
    y = _clamped(call, _over(call, y, step), *limits(out_bits, signed, narrow))
    y = _plus(call, rounded(call, y, mode, positive=not signed), -(zero / step))
    return _shaped_as(call, x, _times(call, y, out_scale))


def limits(bits: Array, signed: bool, narrow: bool) -> tuple[Array, Array]:
    """Least and greatest integer of a width."""
    width = np.asarray(bits, np.float64)
    if signed:
        half = 2.0 ** (width - 1)
        return np.asarray(-half + narrow, np.float32), np.asarray(half - 1, np.float32)
    top = 2.0**width - (2 if narrow else 1)
    return np.zeros(width.shape, np.float32), np.asarray(top, np.float32)


def rounded(call: Call, y: Value, mode: str, positive: bool = False) -> Value:
    """Integers by the rounding modes of qonnx; ``positive`` if none is negative."""
    name = mode.upper()
    if name in ("ROUND", "HALF_EVEN"):
        return call.add(Round(y))
    if name in ("CEIL", "FLOOR"):
        return call.add(Ceil(y) if name == "CEIL" else Floor(y))
    magnitude = y if positive else call.add(Abs(y))
    if name in ("UP", "HALF_DOWN"):
        moved = magnitude
        if name == "HALF_DOWN":
            moved = call.add(Sub(magnitude, call.const(0.5, y)))
        magnitude = call.add(Ceil(moved))
    elif name in ("DOWN", "HALF_UP"):
        moved = magnitude
        if name == "HALF_UP":
            moved = call.add(Add(magnitude, call.const(0.5, y)))
        magnitude = call.add(Floor(moved))
    else:
        call.refuse(f"unknown rounding mode '{mode}'; expected one of {', '.join(MODES)}")
    return magnitude if positive else call.add(Mul(call.add(Sign(y, 0)), magnitude))


def _parameter(call: Call, index: int, what: str) -> Array:
    """A constant parameter in float32: finite numbers, no scale of zero."""
    array = np.asarray(call.array(index, what), np.float32)
    if not array.size or not np.isfinite(array).all():
        call.refuse(f"{what} {described(array)} must hold finite numbers", Limit.VALUE)
    if "bit" in what and ((array < 1) | (array > 32)).any():
        call.refuse(f"{what} must be 1 to 32")
    if "scale" in what and not array.all():
        call.refuse(f"{what} holds zero; expected other numbers", Limit.VALUE)
    return array


def _plus(call: Call, x: Value, array: Array) -> Value:
    return call.add(Add(x, call.const(array))) if array.any() else x


def _times(call: Call, x: Value, array: Array) -> Value:
    return call.add(Mul(x, call.const(array))) if (array != 1).any() else x


def _over(call: Call, x: Value, array: Array) -> Value:
    return call.add(Div(x, call.const(array))) if (array != 1).any() else x


def _clamped(call: Call, y: Value, low: Array, high: Array) -> Value:
    if low.size == high.size == 1:
        return call.add(Clip(y, float(low.reshape(-1)[0]), float(high.reshape(-1)[0])))
    return call.add(Max(call.add(Min(y, call.const(high))), call.const(low)))


def _shaped_as(call: Call, x: Value, y: Value) -> Value:
    """The result, which must have the operand's shape."""
    if x.shape != y.shape:
        call.refuse(f"its parameters do not broadcast to {x!r}")
    return y
