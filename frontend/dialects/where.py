"""Binarizers written as a choice between +1 and -1, or as a repair of the sign at zero.

Equations: where(x >= t, 1, -1) = sign(x - t) with +1 at zero, and so on for >, <, <=; a choice of
-1 above is sign(t - x). x - t is exactly zero only for x = t (gradual underflow), so the rewrite
is exact for finite x; NaN gives -1. 2 * cast(x >= t) - 1 is the same choice.
where(sign(x) == 0, v, sign(x)) with v = ±1 is sign(x) with v at zero.

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

from ...ir import BOOL, F32, Node, Value
from ...ir.ops import Cast, Equal, Less, LessEqual, Mul, Not, Sign, Sub, Where
from ..rewriting import Found, View

ORDER = 10


def match(view: View, node: Node) -> Found | None:
    """Match the choice, or the arithmetic that makes it."""
    op = node.op
    if isinstance(op, Where):
        return _repaired(view, op, node) or _chosen(
            view, op.condition, view.number(op.a), view.number(op.b), node
        )
    if isinstance(op, Sub) and view.number(op.b) == 1:
        mask = _doubled_mask(view, op.a)
        return None if mask is None else _chosen(view, mask, 1.0, -1.0, node)
    return None


def _doubled_mask(view: View, value: Value) -> Value | None:
    """m of 2 * cast(m)."""
    mul = view.made_by(value, Mul)
    if mul is None:
        return None
    for number, other in ((mul.a, mul.b), (mul.b, mul.a)):
        cast = view.made_by(other, Cast)
        if view.number(number) == 2 and cast is not None and cast.x.element == BOOL:
            return cast.x
    return None


def _chosen(
    view: View, mask: Value, high: float | None, low: float | None, node: Node
) -> Found | None:
    """where(mask, high, low) with {high, low} = {1, -1} and a comparison as mask."""
    if (high, low) not in ((1.0, -1.0), (-1.0, 1.0)):
        return None
    positive = high == 1.0
    negation = view.made_by(mask, Not)
    while negation is not None:
        mask, positive = negation.x, not positive
        negation = view.made_by(mask, Not)
    less = view.made_by(mask, Less) or view.made_by(mask, LessEqual)
    if less is None or less.a.element != F32:
        return None
    # b - a is above zero where a < b; at zero `less` is false and `less_equal` true.
    at_zero = 1 if isinstance(less, LessEqual) == positive else -1
    upper, lower = (less.b, less.a) if positive else (less.a, less.b)
    origin = view.node(mask).origin
    if view.number(lower) == 0:
        x = upper
    elif upper.type.shape == node.result.shape or lower.type.shape == node.result.shape:
        x = view.add(Sub(upper, lower), f"{node.result.name}.shifted", origin)
    else:
        return None
    return Found(Sign(x, at_zero), (view.node(mask),))


def _repaired(view: View, op: Where, node: Node) -> Found | None:
    """where(sign(x) == 0, v, sign(x)); the mask may also test x itself."""
    equal = view.made_by(op.condition, Equal)
    sign = view.made_by(op.b, Sign)
    value = view.number(op.a)
    if equal is None or sign is None or value not in (1.0, -1.0) or sign.zero:
        return None
    for tested, zero in ((equal.a, equal.b), (equal.b, equal.a)):
        if view.number(zero) == 0 and tested in (op.b, sign.x):
            return Found(Sign(sign.x, int(value)), (view.node(op.b),))
    return None
