"""Interval arithmetic on float32: what encloses the results of an operator.

Rounding to nearest is monotone, so float32 arithmetic on the ends of intervals encloses every
float32 result: bounds hold for what a machine computes, not only for real numbers. Functions that
libraries approximate are granted `LIBRARY_ERROR`. Arrays hold one interval for each cell of
whatever the caller has cut into cells; truth values are 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

LIBRARY_ERROR = np.float32(1e-5)
"""Relative error granted to any library's exponential, hyperbolic tangent and the like."""


@dataclass(frozen=True, eq=False)
class Interval:
    """low <= x <= high and |x| >= least for every element x that is a number; ``nan``: whether
    elements may be not-a-number. float32 and bool, of one shape or broadcast."""

    low: Any
    high: Any
    least: Any
    nan: Any

    @classmethod
    def of(cls, low: Any, high: Any, least: Any = 0.0, nan: Any = False) -> Interval:
        """Bounds of which those that are not-a-number say nothing."""
        low, high, least = (np.asarray(bound, np.float32) for bound in (low, high, least))
        nan = nan | np.isnan(low) | np.isnan(high)
        low = np.where(np.isnan(low), np.float32(-np.inf), low)
        high = np.where(np.isnan(high), np.float32(np.inf), high)
        least = np.where(np.isnan(least), np.float32(0), least)
        return cls(low, high, np.maximum(np.maximum(least, 0), np.maximum(low, -high)), nan)

    @classmethod
    def union(cls, *parts: Interval) -> Interval:
        """What encloses all of several intervals."""
        return cls(
            reduce(np.minimum, [part.low for part in parts]),
            reduce(np.maximum, [part.high for part in parts]),
            reduce(np.minimum, [part.least for part in parts]),
            reduce(np.logical_or, [part.nan for part in parts]),
        )

    @property
    def most(self) -> Any:
        """The greatest magnitude."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    @property
    def unbounded(self) -> Any:
        """Whether an end is infinite."""
        return np.isinf(self.low) | np.isinf(self.high)


UNKNOWN = Interval.of(-np.inf, np.inf, nan=True)
Function = Callable[[Sequence[Any]], Any]


def exactly(array: Any) -> Interval:
    """What encloses the elements of a constant, float32 or bool; nothing is known of others."""
    if not array.size or array.dtype.type not in (np.float32, np.bool_):
        return UNKNOWN
    numbers = array.astype(np.float32)
    return Interval.of(numbers.min(), numbers.max(), np.abs(numbers).min())


def truth(surely: Any, never: Any) -> Interval:
    """A truth value that is 1 where ``surely`` and 0 where ``never``."""
    return Interval.of(np.asarray(surely, np.float32), np.asarray(~np.asarray(never), np.float32))


def monotone(
    function: Function,
    args: Sequence[Interval],
    falls: bool = False,
    error: Any = 0.0,
    codomain: tuple[float, float] = (-np.inf, np.inf),
) -> Interval:
    """A function that never falls in any operand, or never rises with ``falls``; its values lie in
    ``codomain``, computed to a relative ``error``."""

    def ends(lows: Sequence[Any], highs: Sequence[Any]) -> tuple[Any, Any, Any]:
        """Least and greatest value, and whether one of them is not-a-number."""
        with np.errstate(all="ignore"):
            first, last = (np.asarray(function(at), np.float32) for at in (lows, highs))
            if falls:
                first, last = last, first
            if error:
                first = np.where(np.isfinite(first), first - np.abs(first) * error, first)
                last = np.where(np.isfinite(last), last + np.abs(last) * error, last)
        nan = np.isnan(first) | np.isnan(last)
        first = np.where(np.isnan(first), np.float32(codomain[0]), first)
        last = np.where(np.isnan(last), np.float32(codomain[1]), last)
        least, most = (np.float32(bound) for bound in codomain)
        return np.maximum(first, least), np.minimum(last, most), nan

    low, high, nan = ends([a.low for a in args], [a.high for a in args])
    nan = reduce(np.logical_or, [nan, *(a.nan for a in args)])
    return Interval.of(low, high, _least_of_sides(ends, args), nan)


def _least_of_sides(
    ends: Callable[[Sequence[Any], Sequence[Any]], tuple[Any, Any, Any]], args: Sequence[Interval]
) -> Any:
    """The least magnitude of a function of one variable, from what it is on either side of zero."""
    if len(args) != 1:
        return 0.0
    (a,) = args
    sides = ((np.maximum(a.low, a.least), a.high), (a.low, np.minimum(a.high, -a.least)))
    least = np.float32(np.inf)
    for low, high in sides:
        first, last, _ = ends([low], [high])
        away = np.maximum(0, np.maximum(first, -last))
        least = np.minimum(least, np.where(low <= high, away, np.float32(np.inf)))
    return np.where(np.isinf(least), np.float32(0), least)


def added(a: Interval, b: Interval) -> Interval:
    """a + b."""
    with np.errstate(all="ignore"):
        opposite = (np.isinf(a.low) & np.isinf(b.high)) | (np.isinf(a.high) & np.isinf(b.low))
        least = np.maximum(a.least - b.most, b.least - a.most)
        return Interval.of(a.low + b.low, a.high + b.high, least, a.nan | b.nan | opposite)


def negated(a: Interval) -> Interval:
    """-a."""
    return Interval(-a.high, -a.low, a.least, a.nan)


def multiplied(a: Interval, b: Interval) -> Interval:
    """a * b; no number is 0 times infinity."""
    with np.errstate(all="ignore"):
        products = _at_ends(np.multiply, a, b)
        products = [np.where(np.isnan(end), np.float32(0), end) for end in products]
        lost = (_holds_zero(a) & b.unbounded) | (_holds_zero(b) & a.unbounded)
        low, high = reduce(np.minimum, products), reduce(np.maximum, products)
        return Interval.of(low, high, a.least * b.least, a.nan | b.nan | lost)


def divided(a: Interval, b: Interval) -> Interval:
    """a / b; nothing but a least magnitude is known where b may be 0."""
    with np.errstate(all="ignore"):
        quotients = _at_ends(np.divide, a, b)
        low, high = reduce(np.minimum, quotients), reduce(np.maximum, quotients)
        crosses = (b.low <= 0) & (b.high >= 0)
        least = np.where(b.most < np.inf, a.least / b.most, 0)
        low = np.where(crosses, np.float32(-np.inf), low)
        high = np.where(crosses, np.float32(np.inf), high)
        lost = (crosses & (b.least == 0)) | (a.unbounded & b.unbounded)
        return Interval.of(low, high, least, a.nan | b.nan | lost)


def magnitude(a: Interval) -> Interval:
    """|a|."""
    return Interval(a.least, a.most, a.least, a.nan)


def chosen(condition: Interval, a: Interval, b: Interval) -> Interval:
    """a where the condition holds, else b."""
    both = Interval.union(a, b)
    surely, never = condition.low > 0, condition.high < 1

    def pick(of_a: Any, of_b: Any, of_both: Any) -> Any:
        return np.where(surely, of_a, np.where(never, of_b, of_both))

    return Interval(
        pick(a.low, b.low, both.low),
        pick(a.high, b.high, both.high),
        pick(a.least, b.least, both.least),
        pick(a.nan, b.nan, both.nan),
    )


def _at_ends(function: Any, a: Interval, b: Interval) -> list[Any]:
    return [function(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]


def _holds_zero(a: Interval) -> Any:
    return (a.low <= 0) & (a.high >= 0) & (a.least == 0)
