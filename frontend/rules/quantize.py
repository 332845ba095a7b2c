"""QuantizeLinear and DequantizeLinear, computed as they are written."""

from __future__ import annotations

import numpy as np

from ...errors import Limit
from ...ir import F32, I8, U8, Array, Value, scalar_of
from ...ir.ops import Add, Cast, Clip, Div, Mul, Round, Sub
from ..call import Call
from ..registry import FLOAT, rule
from ..tensors import dtype_of

_PARAMETERS = {
    Limit.CONSTANT: "scale and zero point",
    Limit.FORM: "per tensor or per axis, float32 scales",
}


@rule("QuantizeLinear", types=FLOAT, limits={**_PARAMETERS, Limit.TYPE: "to int8 and uint8 alone"})
def quantize(call: Call) -> Value:
    """saturate(round(x / scale) + zero point), halves to even."""
    x = call.x(0)
    scale, zero = _parameters(call, x)
    element = scalar_of(zero.dtype)
    if call.int("output_dtype", 0):
        element = scalar_of(dtype_of(call.int("output_dtype", 0)))
    if element not in (I8, U8):
        call.refuse(f"only float32 to 8-bit integers is supported, got {element}", Limit.TYPE)
    y = call.add(Round(call.add(Div(x, call.const(scale)))))
    if zero.any():
        y = call.add(Add(y, call.const(zero.astype(np.float32))))
    low, high = (-128.0, 127.0) if element == I8 else (0.0, 255.0)
    return call.add(Cast(call.add(Clip(y, low, high)), element))


@rule("DequantizeLinear", types=("i8", "u8", "i32"), limits=_PARAMETERS)
def dequantize(call: Call) -> Value:
    """(x - zero point) * scale."""
    x = call.x(0)
    scale, zero = _parameters(call, x)
    y = call.add(Cast(x, F32))
    if zero.any():
        y = call.add(Sub(y, call.const(zero.astype(np.float32))))
    return call.add(Mul(y, call.const(scale)))


def _parameters(call: Call, x: Value) -> tuple[Array, Array]:
    """Scale and zero point, shaped to broadcast along ``axis``."""
    scale = call.array(1, "scale")
    zero = call.array(2, "zero point") if call.has(2) else np.zeros(scale.shape, np.uint8)
    if call.int("block_size", 0) or scale.ndim > 1 or zero.shape != scale.shape:
        call.refuse("only per-tensor and per-axis scales are supported", Limit.FORM)
    if scale.dtype != np.float32 or not np.isfinite(scale).all() or not scale.all():
        call.refuse("scales must be float32, finite and not zero")
    if scale.size == 1:
        return scale.reshape(()), zero.reshape(())
    axis = call.axis(call.int("axis", 1), x.type.rank)
    if x.shape[axis] != scale.size:
        call.refuse(f"{scale.size} scales do not fit axis {axis} of {x!r}")
    shape = (scale.size, *[1] * (x.type.rank - axis - 1))
    return scale.reshape(shape), zero.reshape(shape)
