"""Arithmetic, comparison and logic, element by element."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np

from ...errors import Limit
from ...ir import F32, F64, U8, Op, Value, ops
from ..importing.call import Call
from ..prepare.tensor_data import dtype_of, element_of
from ..registry import BOOL, FLOAT, NUMBERS, rule

FLOAT_UNARY: dict[str, Callable[[Value], Op]] = {
    "Ceil": ops.Ceil,
    "Erf": ops.Erf,
    "Exp": ops.Exp,
    "Floor": ops.Floor,
    "Log": ops.Log,
    "Reciprocal": ops.Reciprocal,
    "Round": ops.Round,
    "Sigmoid": ops.Sigmoid,
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
    "Div": ops.Div,
    "Less": ops.Less,
    "LessOrEqual": ops.LessEqual,
    "Mul": ops.Mul,
    "Sub": ops.Sub,
}
LOGIC: dict[str, Callable[[Value, Value], Op]] = {"And": ops.And, "Or": ops.Or}
BINARY: dict[str, Callable[[Value, Value], Op]] = {
    **NUMBER_BINARY,
    **LOGIC,
    "Equal": ops.Equal,
}

_TARGETS = {Limit.TYPE: "no conversion to float64 or types that bnnc lacks"}


@rule(*FLOAT_UNARY, types=FLOAT)
@rule(*NUMBER_UNARY, types=NUMBERS)
@rule("Not", types=BOOL)
def unary(call: Call) -> Value:
    """Operators that the IR has under the same name."""
    return call.add(UNARY[call.op](call.x(0)))


@rule("Sign", types=NUMBERS)
def sign(call: Call) -> Value:
    """-1, 0 or 1."""
    x = call.x(0)
    if x.element == F32:
        return call.add(ops.Sign(x))
    zero, one = call.const(0, x), call.const(1, x)
    above = call.add(ops.Where(call.add(ops.Less(zero, x)), one, zero))
    if x.element == U8:
        return above
    return call.add(ops.Where(call.add(ops.Less(x, zero)), call.const(-1, x), above))


@rule(*NUMBER_BINARY, types=NUMBERS)
@rule(*LOGIC, types=BOOL)
@rule("Equal")
def binary(call: Call) -> Value:
    """Operators of two operands that the IR has, with the same broadcasting."""
    return call.add(BINARY[call.op](call.x(0), second_operand(call)))


def second_operand(call: Call) -> Value:
    """The second operand. Before opset 7 ``axis`` says where its first axis lies in the first
    operand, unlike broadcasting from the last axis."""
    b = call.x(1)
    if call.version is None or call.version >= 7 or not call.given("axis"):
        return b
    rank = call.x(0).type.rank
    trailing = rank - call.axis(call.int("axis", 0), rank) - b.type.rank
    if trailing < 0:
        call.refuse(f"{b!r} does not fit {call.x(0)!r} from axis {call.int('axis', 0)} on")
    return call.reshape(b, (*b.shape, *[1] * trailing))


@rule("Greater", "GreaterOrEqual", types=NUMBERS)
def greater(call: Call) -> Value:
    """a > b is b < a, NaN included."""
    op = ops.Less if call.op == "Greater" else ops.LessEqual
    return call.add(op(second_operand(call), call.x(0)))


@rule("Xor", types=BOOL)
def xor(call: Call) -> Value:
    """Truth values differ: not equal."""
    return call.add(ops.Not(call.add(ops.Equal(call.x(0), second_operand(call)))))


@rule("IsNaN", types=FLOAT)
def is_nan(call: Call) -> Value:
    """Only NaN differs from itself."""
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
    element = element_of(dtype)
    if x.element == element:
        return x
    if element == F64:
        call.refuse(f"{element.dtype} is not computed; export the model in float32", Limit.TYPE)
    return call.add(ops.Cast(x, element))


@rule(
    "Pow",
    types=NUMBERS,
    limits={Limit.TYPE: "integers: only constant exponents from 1 to 8"},
)
def power(call: Call) -> Value:
    """Products and roots where a constant exponent allows it."""
    x = call.x(0)
    exponent = call.constant(1)
    if exponent is not None and exponent.size == 1 and exponent.ndim <= x.type.rank:
        simple = _simple_power(call, x, float(exponent.reshape(-1)[0]))
        if simple is not None:
            return simple
    if x.element != F32:
        call.refuse(f"{x!r} needs a constant exponent from 1 to 8", Limit.TYPE)
    y = second_operand(call)
    return call.add(ops.Pow(x, y if y.element == F32 else call.add(ops.Cast(y, F32))))


def _simple_power(call: Call, x: Value, exponent: float) -> Value | None:
    """The power by products, square roots and reciprocals, where few are enough."""
    if exponent in range(1, 4 if x.element == F32 else 9):
        return reduce(lambda a, _: call.add(ops.Mul(a, x)), range(int(exponent) - 1), x)
    if x.element != F32:
        return None
    if exponent == 0.5:
        return call.add(ops.Sqrt(x))
    if exponent == -1:
        return call.add(ops.Reciprocal(x))
    if exponent == -0.5:
        return call.add(ops.Reciprocal(call.add(ops.Sqrt(x))))
    return None
