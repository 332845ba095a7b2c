"""Arithmetic, comparison and logic, element by element."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np

from ...errors import Limit
from ...ir import F16, F64, Op, Value, ops, scalar_of
from ..call import Call
from ..registry import BOOL, FLOAT, NUMBERS, rule
from ..tensors import dtype_of

FLOAT_UNARY: dict[str, Callable[[Value], Op]] = {
    "Ceil": ops.Ceil,
    "Erf": ops.Erf,
    "Exp": ops.Exp,
    "Floor": ops.Floor,
    "Log": ops.Log,
    "Reciprocal": ops.Reciprocal,
    "Round": ops.Round,
    "Sigmoid": ops.Sigmoid,
    "Sign": ops.Sign,
    "Sqrt": ops.Sqrt,
    "Tanh": ops.Tanh,
}
NUMBER_UNARY: dict[str, Callable[[Value], Op]] = {
    "Abs": ops.Abs,
    "Neg": ops.Neg,
    "Relu": ops.Relu,
}
UNARY: dict[str, Callable[[Value], Op]] = {**FLOAT_UNARY, **NUMBER_UNARY, "Not": ops.Not}

NUMBER_BINARY: dict[str, Callable[[Value, Value], Op]] = {
    "Add": ops.Add,
    "Less": ops.Less,
    "LessOrEqual": ops.LessEqual,
    "Mul": ops.Mul,
    "Sub": ops.Sub,
}
LOGIC: dict[str, Callable[[Value, Value], Op]] = {"And": ops.And, "Or": ops.Or}
BINARY: dict[str, Callable[[Value, Value], Op]] = {
    **NUMBER_BINARY,
    **LOGIC,
    "Div": ops.Div,
    "Equal": ops.Equal,
}

_TARGETS = {Limit.TYPE: "no conversion to float16, float64 or types that bnnc lacks"}


@rule(*FLOAT_UNARY, types=FLOAT)
@rule(*NUMBER_UNARY, types=NUMBERS)
@rule("Not", types=BOOL)
def unary(call: Call) -> Value:
    """Operators that the IR has under the same name."""
    return call.add(UNARY[call.op](call.x(0)))


@rule(*NUMBER_BINARY, types=NUMBERS)
@rule(*LOGIC, types=BOOL)
@rule("Div", types=FLOAT)
@rule("Equal")
def binary(call: Call) -> Value:
    """Operators of two operands that the IR has, with the same broadcasting."""
    return call.add(BINARY[call.op](call.x(0), call.x(1)))


@rule("Greater", "GreaterOrEqual", types=NUMBERS)
def greater(call: Call) -> Value:
    """a > b is b < a, NaN included."""
    op = ops.Less if call.op == "Greater" else ops.LessEqual
    return call.add(op(call.x(1), call.x(0)))


@rule("Xor", types=BOOL)
def xor(call: Call) -> Value:
    """Truth values differ: not equal."""
    return call.add(ops.Not(call.add(ops.Equal(call.x(0), call.x(1)))))


@rule("IsNaN", types=FLOAT)
def is_nan(call: Call) -> Value:
    """NaN alone differs from itself."""
    x = call.x(0)
    return call.add(ops.Not(call.add(ops.Equal(x, x))))


@rule("IsInf", types=FLOAT)
def is_inf(call: Call) -> Value:
    """Equal to infinity, of either sign unless attributes leave one out."""
    x = call.x(0)
    if not call.int("detect_negative", 1):
        return call.add(ops.Equal(x, call.const(np.inf, x)))
    if not call.int("detect_positive", 1):
        return call.add(ops.Equal(x, call.const(-np.inf, x)))
    return call.add(ops.Equal(call.add(ops.Abs(x)), call.const(np.inf, x)))


@rule("Max", "Min", "Sum", types=NUMBERS)
@rule("Mean", types=FLOAT)
def variadic(call: Call) -> Value:
    """Any number of operands, from left to right."""
    op = {"Max": ops.Max, "Min": ops.Min}.get(call.op, ops.Add)
    values = call.values()
    out = reduce(lambda a, b: call.add(op(a, b)), values)
    if call.op == "Mean" and len(values) > 1:
        out = call.add(ops.Div(out, call.const(len(values), out)))
    return out


@rule("Where", operand=1)
def where(call: Call) -> Value:
    """One of two values by a mask."""
    return call.add(ops.Where(call.x(0), call.x(1), call.x(2)))


@rule("Cast", limits=_TARGETS)
def cast(call: Call) -> Value:
    """Conversion between element types."""
    dtype = dtype_of(call.int("to", 0))
    return _converted(call, call.x(0), dtype)


@rule("CastLike", limits=_TARGETS)
def cast_like(call: Call) -> Value:
    """Conversion to the element type of another tensor."""
    return _converted(call, call.x(0), call.x(1).element.dtype)


def _converted(call: Call, x: Value, dtype: np.dtype[np.generic]) -> Value:
    element = scalar_of(dtype)
    if x.element == element:
        return x
    if element in (F16, F64):
        call.refuse(f"{element.dtype} is not computed; export the model in float32", Limit.TYPE)
    return call.add(ops.Cast(x, element))


@rule(
    "Pow",
    types=FLOAT,
    limits={Limit.CONSTANT: "exponent", Limit.FORM: "exponents 1, 2, 3, 0.5, -0.5 and -1 alone"},
)
def power(call: Call) -> Value:
    """Constant exponents that come down to products, roots and reciprocals."""
    x = call.x(0)
    held = call.array(1, "exponent")
    if held.size != 1:
        call.refuse(f"only one exponent for all elements is supported, got {held.size}", Limit.FORM)
    exponent = float(held.reshape(-1)[0])
    if exponent == 1:
        return x
    if exponent == 2:
        return call.add(ops.Mul(x, x))
    if exponent == 3:
        return call.add(ops.Mul(call.add(ops.Mul(x, x)), x))
    if exponent == 0.5:
        return call.add(ops.Sqrt(x))
    if exponent == -1:
        return call.add(ops.Reciprocal(x))
    if exponent == -0.5:
        return call.add(ops.Reciprocal(call.add(ops.Sqrt(x))))
    text = f"exponent {exponent:g} is not supported; supported: 1, 2, 3, 0.5, -0.5, -1"
    return call.refuse(text, Limit.FORM)
