"""QuantizeLinear and DequantizeLinear, by their definitions."""

from __future__ import annotations

import numpy as np

from ...errors import Limit
from ...ir import F32, I8, I16, U8, Scalar, Value
from ...ir.ops import Add, Cast, Clip, Div, Mul, Round, Sub
from ..importing.call import Call
from ..prepare.tensor_data import dtype_of, element_of
from ..registry import FLOAT, rule

_PARAMETERS = {Limit.FORM: "per tensor or per axis, float32 scales"}
_STORED = (I8, U8, I16)


@rule(
    "QuantizeLinear",
    types=FLOAT,
    limits={**_PARAMETERS, Limit.TYPE: "only to int8, uint8 and int16"},
)
def quantize(call: Call) -> Value:
    """saturate(round(x / scale) + zero point), halves to even."""
    x = call.x(0)
    scale = _parameter(call, x, 1)
    element = call.x(2).element if call.has(2) else U8
    if call.int("output_dtype", 0):
        element = element_of(dtype_of(call.int("output_dtype", 0)))
    if not isinstance(element, Scalar) or element not in _STORED:
        call.refuse(f"to {element} is not supported", Limit.TYPE)
    y = _plus(call, call.add(Round(call.add(Div(x, scale)))), Add)
    limits = np.iinfo(element.dtype.str)
    return call.add(Cast(call.add(Clip(y, float(limits.min), float(limits.max))), element))


@rule("DequantizeLinear", types=("i8", "u8", "i16", "i32"), limits=_PARAMETERS)
def dequantize(call: Call) -> Value:
    """(x - zero point) * scale."""
    x = call.x(0)
    scale = _parameter(call, x, 1)
    return call.add(Mul(_plus(call, call.add(Cast(x, F32)), Sub), scale))


def _plus(call: Call, y: Value, op: type[Add] | type[Sub]) -> Value:
    """``y`` and the zero point, where there is one."""
    zero = call.constant(2) if call.has(2) else np.zeros(1)
    if zero is not None and not zero.any():
        return y
    zero_point = _parameter(call, y, 2)
    if zero_point.element != F32:
        zero_point = call.add(Cast(zero_point, F32))
    return call.add(op(y, zero_point))


def _parameter(call: Call, x: Value, index: int) -> Value:
    """Scale or zero point, shaped to broadcast along ``axis``."""
    value, constant = call.x(index), call.constant(index)
    if call.int("block_size", 0) or value.type.rank > 1 or value.type.symbolic:
        call.refuse("only per-tensor and per-axis scales are supported", Limit.FORM)
    if index == 1 and value.element != F32:
        call.refuse(f"scales must be float32, got {value!r}", Limit.FORM)
    if index == 1 and constant is not None and not (np.isfinite(constant).all() and constant.all()):
        call.refuse("scales must be finite and not zero")
    if value.shape in ((), (1,)):
        return call.reshape(value, ())
    axis = call.axis(call.int("axis", 1), x.type.rank)
    if x.shape[axis] != value.shape[0]:
        call.refuse(f"{value!r} does not fit axis {axis} of {x!r}")
    return call.reshape(value, (value.shape[0], *[1] * (x.type.rank - axis - 1)))
