"""Binarizers written as a choice between +1 and -1, or as a repair of the sign at zero.

Equations: where(x >= t, 1, -1) = sign(x - t) with +1 at zero, and so on for >, <, <=; a choice of
-1 above is sign(t - x). x - t is exactly zero only for x = t (gradual underflow), so the rewrite
is exact for finite x; NaN gives -1. The choice may be made in integers and then cast.
where(sign(x) == 0, v, sign(x)) with v = ±1 is sign(x) with v at zero, and
where(x > 0, 1, where(x < 0, -1, 0)) is sign(x). Where the two tests leave no number out,
where(x < 0, -1, where(x >= 0, 1, k)), k is never read, whatever it holds: masked assignments into a
tensor that was only allocated.

Before:
    %t = const() data=[0] element=f32 : f32[]
    %m = less_equal(%t, %x) : bool[N,8]
    %p = const() data=[1] element=f32 : f32[]
    %n = const() data=[-1] element=f32 : f32[]
    %y = where(%m, %p, %n) : f32[N,8]
After:
    %y = sign(%x) zero=1 : f32[N,8]
"""

from __future__ import annotations

from dataclasses import dataclass

from ...ir import F32, Node, Value
from ...ir.ops import Cast, Equal, Sign, Where
from ..analysis.comparisons import choice, comparison_of
from ..analysis.patterns import Replacement, View

ORDER = 10


def match(view: View, node: Node) -> Replacement | None:
    """Match the choice, in floats or cast from integers."""
    op = node.op
    if isinstance(op, Cast) and op.to == F32:
        where = view.made_by(op.x, Where)
        return None if where is None else _chosen(view, where, node)
    if not isinstance(op, Where):
        return None
    return _repaired(view, op) or _nested(view, op) or _chosen(view, op, node)


def _chosen(view: View, where: Where, node: Node) -> Replacement | None:
    """where(mask, high, low) with {high, low} = {1, -1} and a comparison as mask."""
    values = view.number(where.a), view.number(where.b)
    if values not in ((1.0, -1.0), (-1.0, 1.0)):
        return None
    return choice(view, where.condition, values[0] == 1.0, node)


def _repaired(view: View, op: Where) -> Replacement | None:
    """where(sign(x) == 0, v, sign(x)); the mask may also test x itself."""
    equal = view.made_by(op.condition, Equal)
    sign = view.made_by(op.b, Sign)
    value = view.number(op.a)
    if equal is None or sign is None or value not in (1.0, -1.0) or sign.zero:
        return None
    for tested, zero in ((equal.a, equal.b), (equal.b, equal.a)):
        if view.number(zero) == 0 and tested in (op.b, sign.x):
            return Replacement(Sign(sign.x, int(value)), (view.node(op.b),))
    return None


def _nested(view: View, op: Where) -> Replacement | None:
    """where(x > 0, 1, where(x < 0, -1, k)), or the two tests the other way round. At zero the test
    decides that includes it, the outer one first; without any k = 0 does."""
    inner = view.made_by(op.b, Where)
    outer, nested = _one_sided(view, op), None if inner is None else _one_sided(view, inner)
    if inner is None or outer is None or nested is None:
        return None
    if outer.x is not nested.x or outer.above == nested.above:
        return None
    deciding = next((side for side in (outer, nested) if not side.strict), None)
    if deciding is None and view.number(inner.b) != 0:
        return None
    zero = 0 if deciding is None else 1 if deciding.above else -1
    return Replacement(Sign(outer.x, zero), (view.node(op.condition),))


@dataclass(frozen=True)
class _Side:
    """A choice of 1 for x above zero, or of -1 for x below it; at zero too unless ``strict``."""

    x: Value
    above: bool
    strict: bool


def _one_sided(view: View, where: Where) -> _Side | None:
    """The side of zero that the first value of a choice stands for."""
    comparison = comparison_of(view, where.condition)
    side = None if comparison is None else comparison.against_zero(view)
    if comparison is None or side is None or view.number(where.a) != (1.0 if side[1] else -1.0):
        return None
    return _Side(*side, comparison.strict)
