"""Arithmetic on integers: remainders, bits and shifts."""

from __future__ import annotations

import numpy as np

from ...errors import Limit
from ...ir import F32, U8, Value, ops
from ..importing.call import Call
from ..registry import INTEGERS, NUMBERS, rule


@rule("Mod", types=NUMBERS, limits={Limit.FORM: "floats: only fmod by constant powers of two"})
def mod(call: Call) -> Value:
    """The remainder with the divisor's sign, or the dividend's with ``fmod``."""
    a, b = call.x(0), call.x(1)
    truncated = bool(call.int("fmod", 0))
    if a.element == F32:
        divisor = call.constant(1)
        if divisor is None or (np.frexp(divisor)[0] != 0.5).any() or not truncated:
            call.refuse("on floats needs fmod and a constant power of two", Limit.FORM)
        quotient = call.add(ops.Div(a, b))
        truncation = call.add(ops.Floor(call.add(ops.Abs(quotient))))
        below = call.add(ops.Less(quotient, call.const(0, a)))
        truncation = call.add(ops.Where(below, call.add(ops.Neg(truncation)), truncation))
        return call.add(ops.Sub(a, call.add(ops.Mul(truncation, b))))
    rest = call.add(ops.Sub(a, call.add(ops.Mul(call.add(ops.Div(a, b)), b))))
    if truncated or a.element == U8:
        return rest
    opposite = call.add(ops.Or(_apart(call, rest, b), _apart(call, b, rest)))
    return call.add(ops.Where(opposite, call.add(ops.Add(rest, b)), rest))


def _apart(call: Call, low: Value, high: Value) -> Value:
    """One below zero, the other above."""
    zero = call.const(0, low)
    return call.add(ops.And(call.add(ops.Less(low, zero)), call.add(ops.Less(zero, high))))


@rule("BitwiseAnd", "BitwiseOr", "BitwiseXor", types=INTEGERS)
def bitwise(call: Call) -> Value:
    """Bit by bit; exclusive or is the bits of either without the bits of both."""
    a, b = call.x(0), call.x(1)
    if call.op == "BitwiseAnd":
        return call.add(ops.And(a, b))
    either = call.add(ops.Or(a, b))
    return either if call.op == "BitwiseOr" else call.add(ops.Sub(either, call.add(ops.And(a, b))))


@rule("BitwiseNot", types=INTEGERS)
def bitwise_not(call: Call) -> Value:
    """Every bit inverted."""
    return call.add(ops.Not(call.x(0)))


@rule("BitShift", types=INTEGERS, limits={Limit.CONSTANT: "the distance"})
def bit_shift(call: Call) -> Value:
    """By constant distances, in two steps whose powers of two fit: to the left products, to the
    right quotients after the lower bits are cleared (the sign stays). Distances of at least the
    width, and negative ones, lose every bit."""
    x = call.x(0)
    width = 8 * x.element.dtype.itemsize
    shifts = call.array(1, "the distance").astype(np.int64)
    left = call.string("direction", "") == "LEFT"
    shifts = np.where(shifts < 0, width, shifts)
    distance = np.minimum(shifts, width - 1)
    out = x
    for step in (distance // 2, distance - distance // 2):
        power = np.left_shift(np.int64(1), step)
        if not left:
            out = call.add(ops.And(out, call.const(-power, x)))
        factor = call.const(power, x)
        out = call.add(ops.Mul(out, factor) if left else ops.Div(out, factor))
    if not (shifts >= width).any():
        return out
    beyond = call.const(shifts >= width)
    lost = call.const(0, x)
    if not left and x.element != U8:
        lost = call.add(ops.Where(call.add(ops.Less(x, lost)), call.const(-1, x), lost))
    return call.add(ops.Where(beyond, lost, out))
