"""Step functions of one float32 variable, found exactly and written as a sign.

A function that never falls (or never rises) and takes two values is ``low`` below a threshold and
``high`` from it on. The threshold is found by bisection over all float32 numbers with the
function's own float32 arithmetic, so no rounding is argued about: it is the least number at which
the function has its last value. x >= t exactly where x - t >= 0 (gradual underflow: the difference
of finite numbers is zero only for equal ones), so

    f(x) = u * sign(x - t; +1 at zero) + v,    v + u = high,    v - u = low  in float32,

or a choice between the two where no such u and v exist. Not-a-number counts as below t; zeros are
not told apart by their sign.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from ...ir import Array, Op, Value
from ...ir.ops import Add, Const, LessEqual, Mul, Neg, Sign, Sub, Where

Put = Callable[[Op], Value]
"""Appends an operator to the graph that grows."""


@dataclass(frozen=True)
class Step:
    """``high`` where x > ``threshold``, ``low`` where x is below; ``zero`` says which side holds at
    the threshold (+1: ``high``). Arrays broadcast to the variable."""

    threshold: Array
    low: Array
    high: Array
    zero: int = 1

    def over(self, x: Value, put: Put) -> Op:
        """The last operator that computes the step, of values that ``put`` appends. Where the step
        falls its operand is turned, so that all signs rise and have one scale."""
        falls = np.asarray(self.high < self.low)
        if not falls.any():
            if np.any(self.threshold):
                x = put(Sub(x, put(Const.of(self.threshold))))
            return two_valued(Sign(x, self.zero), self.low, self.high, put)
        if falls.all():
            above = Sub(put(Const.of(self.threshold)), x) if np.any(self.threshold) else Neg(x)
            return two_valued(Sign(put(above), -self.zero), self.high, self.low, put)
        # Turned, the threshold itself changes sides: the number next to it takes its place.
        beside = np.nextafter(self.threshold, np.float32(-np.inf * self.zero))
        above = put(Sub(x, put(Const.of(np.where(falls, beside, self.threshold)))))
        turned = put(Mul(above, put(Const.of(np.where(falls, np.float32(-1), np.float32(1))))))
        low, high = np.minimum(self.low, self.high), np.maximum(self.low, self.high)
        return two_valued(Sign(turned, self.zero), low, high, put)


def two_valued(sign: Sign, low: Array, high: Array, put: Put) -> Op:
    """``low`` where the sign is -1, ``high`` where it is +1; exact in float32."""
    with np.errstate(all="ignore"):
        affine = _affine(low, high)
    if affine is None:
        zero = put(Const.of(np.float32(0)))
        return Where(
            put(LessEqual(zero, put(sign))), put(Const.of(_least(high))), put(Const.of(_least(low)))
        )
    scale, offset = map(_least, affine)
    op: Op = sign
    if np.any(scale != 1):
        op = Mul(put(op), put(Const.of(scale)))
    return Add(put(op), put(Const.of(offset))) if np.any(offset) else op


def _least(array: Array) -> Array:
    """One number where all agree."""
    first = array.reshape(-1)[0]
    return np.asarray(first) if bool((array == first).all()) else array


def _affine(low: Array, high: Array) -> tuple[Array, Array] | None:
    """(u, v) with v + u = high and v - u = low in float32, None when some pair has none."""
    low, high = np.broadcast_arrays(low, high)
    exact = low.astype(np.float64), high.astype(np.float64)
    u = np.asarray((exact[1] - exact[0]) / 2, np.float32)
    v = np.asarray((exact[1] + exact[0]) / 2, np.float32)
    scale, offset, done = u.copy(), v.copy(), np.zeros(u.shape, bool)
    for way_u, way_v in product((0, -1, 1), repeat=2):
        a, b = _moved(u, way_u), _moved(v, way_v)
        fits = ~done & (b + a == high) & (b - a == low)
        scale, offset = np.where(fits, a, scale), np.where(fits, b, offset)
        done |= fits
    return (scale, offset) if bool(done.all()) else None


def _moved(array: Array, way: int) -> Array:
    """The float32 neighbour above or below."""
    return array if way == 0 else np.nextafter(array, np.float32(way * np.inf))


def find_step(
    function: Callable[[Array], Any],
    shape: Sequence[int],
    least: float = -np.inf,
    greatest: float = np.inf,
) -> Step | None:
    """The step that ``function`` is for each element of a variable of ``shape`` with finite values
    from ``least`` to ``greatest``.

    The caller vouches that the function, applied to an array of that shape, never falls or never
    rises in each element. None when it takes more than two values, a value that is no finite
    number, or one value everywhere.
    """
    with np.errstate(all="ignore"):
        ends = _ordinal(least), _ordinal(greatest)
        return _bisected(lambda x: np.broadcast_to(function(x), shape), tuple(shape), ends)


def _bisected(
    function: Callable[[Array], Array], shape: tuple[int, ...], ends: tuple[int, int]
) -> Step | None:
    below, above = (np.full(shape, end, np.int64) for end in ends)
    low, high = function(floats(below)), function(floats(above))
    if not np.isfinite(low).all() or not np.isfinite(high).all() or bool((low == high).all()):
        return None
    while bool((above - below > 1).any()):
        middle = (above + below) >> 1
        reached = function(floats(middle)) == high
        above, below = np.where(reached, middle, above), np.where(reached, below, middle)
    constant = low == high
    if not bool(((function(floats(below)) == low) | constant).all()):
        return None
    above, below = np.where(constant, 0, above), np.where(constant, 0, below)
    return _written(floats(below), floats(above), low, high)


def _written(below: Array, above: Array, low: Array, high: Array) -> Step:
    """The threshold as the shorter of the two numbers between which the step lies."""
    lengths = [int(np.sum(_digits(t))) for t in (below, above)]
    if lengths[0] < lengths[1]:
        return Step(_least(below), low, high, -1)
    return Step(_least(above), low, high, 1)


def _digits(array: Array) -> Array:
    """Bits of the mantissa up to the last one that is set; a denormal counts as longest."""
    bits = array.view(np.int32)
    trailing = bits & -bits
    length = 24 - np.log2(np.maximum(trailing & 0xFFFFFF, 1)).clip(0, 23)
    denormal = (np.abs(array) < np.finfo(np.float32).tiny) & (array != 0)
    return np.where(array == 0, 0, np.where(denormal, 64, length))


def _ordinal(number: float) -> int:
    """Which float32 a number is, counted from zero; infinities count as the largest ones."""
    limit = np.finfo(np.float32).max
    value = np.float32(np.clip(number, -limit, limit))
    return int(ordinals(np.asarray(value)))


def ordinals(numbers: Array) -> Array:
    """Which float32 each finite number is, counted from zero: `floats` is the inverse."""
    keys = np.abs(numbers).view(np.int32).astype(np.int64)
    return np.where(numbers < 0, -keys, keys)


def floats(keys: Array) -> Array:
    """The float32 of an ordinal: 0 is zero, 1 the least number above it, -1 its negation."""
    magnitude = np.abs(keys).astype(np.int32).view(np.float32)
    return np.where(keys < 0, -magnitude, magnitude)
