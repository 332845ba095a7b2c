"""Arithmetic, comparison and logic, element by element."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np

from ...ir import F16, F64, Op, Value, ops, scalar_of
from ..call import Call
from ..registry import rule
from ..tensors import dtype_of

UNARY: dict[str, Callable[[Value], Op]] = {
    "Abs": ops.Abs,
    "Ceil": ops.Ceil,
    "Erf": ops.Erf,
    "Exp": ops.Exp,
    "Floor": ops.Floor,
    "Log": ops.Log,
    "Neg": ops.Neg,
    "Not": ops.Not,
    "Reciprocal": ops.Reciprocal,
    "Relu": ops.Relu,
    "Round": ops.Round,
    "Sigmoid": ops.Sigmoid,
    "Sign": ops.Sign,
    "Sqrt": ops.Sqrt,
    "Tanh": ops.Tanh,
}

BINARY: dict[str, Callable[[Value, Value], Op]] = {
    "Add": ops.Add,
    "And": ops.And,
    "Div": ops.Div,
    "Equal": ops.Equal,
    "Less": ops.Less,
    "LessOrEqual": ops.LessEqual,
    "Mul": ops.Mul,
    "Or": ops.Or,
    "Sub": ops.Sub,
}


@rule(*UNARY)
def unary(call: Call) -> Value:
    """Operators that the IR has under the same name."""
    return call.add(UNARY[call.op](call.x(0)))


@rule(*BINARY)
def binary(call: Call) -> Value:
    """Operators of two operands that the IR has, with the same broadcasting."""
    return call.add(BINARY[call.op](call.x(0), call.x(1)))


@rule("Greater", "GreaterOrEqual")
def greater(call: Call) -> Value:
    """a > b is b < a, NaN included."""
    op = ops.Less if call.op == "Greater" else ops.LessEqual
    return call.add(op(call.x(1), call.x(0)))


@rule("Xor")
def xor(call: Call) -> Value:
    """Truth values differ: not equal."""
    return call.add(ops.Not(call.add(ops.Equal(call.x(0), call.x(1)))))


@rule("IsNaN")
def is_nan(call: Call) -> Value:
    """NaN alone differs from itself."""
    x = call.x(0)
    return call.add(ops.Not(call.add(ops.Equal(x, x))))


@rule("IsInf")
def is_inf(call: Call) -> Value:
    """Equal to infinity, of either sign unless attributes leave one out."""
    x = call.x(0)
    if not call.int("detect_negative", 1):
        return call.add(ops.Equal(x, call.const(np.inf, x)))
    if not call.int("detect_positive", 1):
        return call.add(ops.Equal(x, call.const(-np.inf, x)))
    return call.add(ops.Equal(call.add(ops.Abs(x)), call.const(np.inf, x)))


@rule("Max", "Min", "Sum", "Mean")
def variadic(call: Call) -> Value:
    """Any number of operands, from left to right."""
    op = {"Max": ops.Max, "Min": ops.Min}.get(call.op, ops.Add)
    values = call.values()
    out = reduce(lambda a, b: call.add(op(a, b)), values)
    if call.op == "Mean" and len(values) > 1:
        out = call.add(ops.Div(out, call.const(len(values), out)))
    return out


@rule("Where")
def where(call: Call) -> Value:
    """One of two values by a mask."""
    return call.add(ops.Where(call.x(0), call.x(1), call.x(2)))


@rule("Cast")
def cast(call: Call) -> Value:
    """Conversion between element types."""
    dtype = dtype_of(call.int("to", 0))
    return _converted(call, call.x(0), dtype)


@rule("CastLike")
def cast_like(call: Call) -> Value:
    """Conversion to the element type of another tensor."""
    return _converted(call, call.x(0), call.x(1).element.dtype)


def _converted(call: Call, x: Value, dtype: np.dtype[np.generic]) -> Value:
    element = scalar_of(dtype)
    if x.element == element:
        return x
    if element in (F16, F64):
        call.refuse(f"{element.dtype} is not computed; export the model in float32")
    return call.add(ops.Cast(x, element))


@rule("Pow")
def power(call: Call) -> Value:
    """Constant exponents that come down to products, roots and reciprocals."""
    x = call.x(0)
    exponent = float(call.scalar(1, "exponent"))
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
    return call.refuse(f"exponent {exponent:g} is not supported; supported: 1, 2, 3, 0.5, -0.5, -1")
