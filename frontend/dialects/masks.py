"""Binarizers written as arithmetic on masks of zeros and ones.

Equations: with a mask m as float, 2*m - 1 chooses +1 or -1 (see `sign_by_choice`). m - m' is a sign
when m is x above zero and m' is x below it: +1 at zero if only m holds there, -1 if only m', 0 if
neither. sign(x) + (x == 0) is sign(x) with +1 at zero, sign(x) - (x == 0) has -1.

Before:
    %t = const() data=[0] element=f32 : f32[]
    %two = const() data=[2] element=f32 : f32[]
    %one = const() data=[1] element=f32 : f32[]
    %m = less_equal(%t, %x) : bool[N,8]
    %f = cast(%m) to=f32 : f32[N,8]
    %d = mul(%f, %two) : f32[N,8]
    %y = sub(%d, %one) : f32[N,8]
After:
    %y = sign(%x) zero=1 : f32[N,8]
"""

from __future__ import annotations

from ...ir import Node, Value
from ...ir.ops import Add, Equal, Mul, Sign, Sub
from ..analysis.comparisons import choice, comparison_of, mask_of
from ..analysis.patterns import Replacement, View

ORDER = 11


def match(view: View, node: Node) -> Replacement | None:
    """Match the last addition or subtraction."""
    op = node.op
    if isinstance(op, Sub):
        if view.number(op.b) == 1:
            return _doubled(view, op.a, node)
        return _difference(view, op) or _repaired(view, op.a, op.b, -1)
    if isinstance(op, Add):
        for a, b in ((op.a, op.b), (op.b, op.a)):
            replacement = (
                _doubled(view, a, node) if view.number(b) == -1 else _repaired(view, a, b, 1)
            )
            if replacement is not None:
                return replacement
    return None


def _doubled(view: View, value: Value, node: Node) -> Replacement | None:
    """2*m - 1, given 2*m."""
    mul = view.made_by(value, Mul)
    if mul is None:
        return None
    for number, other in ((mul.a, mul.b), (mul.b, mul.a)):
        mask = mask_of(view, other)
        if view.number(number) == 2 and mask is not None:
            return choice(view, mask, True, node)
    return None


def _difference(view: View, op: Sub) -> Replacement | None:
    """m - m' of x above and x below zero."""
    masks = mask_of(view, op.a), mask_of(view, op.b)
    if masks[0] is None or masks[1] is None:
        return None
    plus, minus = (comparison_of(view, m) for m in masks if m is not None)
    if plus is None or minus is None or not (plus.strict or minus.strict):
        return None
    above, below = plus.against_zero(view), minus.against_zero(view)
    if above is None or below is None or above[0] is not below[0]:
        return None
    if not above[1] or below[1]:
        return None
    at_zero = int(not plus.strict) - int(not minus.strict)
    return Replacement(Sign(above[0], at_zero), (plus.node, minus.node))


def _repaired(view: View, value: Value, repair: Value, at_zero: int) -> Replacement | None:
    """sign(x) plus or minus (x == 0); the mask may also test the sign."""
    sign, mask = view.made_by(value, Sign), mask_of(view, repair)
    equal = None if mask is None else view.made_by(mask, Equal)
    if sign is None or equal is None or sign.zero:
        return None
    for tested, zero in ((equal.a, equal.b), (equal.b, equal.a)):
        if view.number(zero) == 0 and tested in (value, sign.x):
            return Replacement(Sign(sign.x, at_zero), (view.node(value),))
    return None
