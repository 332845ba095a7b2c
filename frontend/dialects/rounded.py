"""Deterministic binarization of BinaryNet and DoReFa: a number in [0, 1] rounded to a bit.

Equation: for 0 <= c <= 1, 2*round(c) - 1 = sign(c - 1/2) with -1 at zero, because halves round to
even. c - 1/2 is exact in [1/4, 1] and keeps its sign below, so the rewrite is exact.

Before:
    %c = clip(%x) low=0.0 high=1.0 : f32[N,8]
    %r = round(%c) : f32[N,8]
    %two = const() data=[2] element=f32 : f32[]
    %d = mul(%r, %two) : f32[N,8]
    %one = const() data=[1] element=f32 : f32[]
    %y = sub(%d, %one) : f32[N,8]
After:
    %c = clip(%x) low=0.0 high=1.0 : f32[N,8]
    %y.half = const() data=[0.5] element=f32 : f32[]
    %y.shifted = sub(%c, %y.half) : f32[N,8]
    %y = sign(%y.shifted) zero=-1 : f32[N,8]
"""

from __future__ import annotations

from ...ir import F32, Node, Value
from ...ir.ops import Add, Clip, Mul, Round, Sigmoid, Sign, Sub
from ..analysis.patterns import Replacement, View, full

ORDER = 12


def match(view: View, node: Node) -> Replacement | None:
    """Match the final subtraction of one."""
    op = node.op
    if not isinstance(op, (Add, Sub)) or view.number(op.b) != (1 if isinstance(op, Sub) else -1):
        return None
    mul = view.made_by(op.a, Mul)
    if mul is None or node.result.element != F32:
        return None
    for two, other in ((mul.a, mul.b), (mul.b, mul.a)):
        rounded = view.made_by(other, Round)
        if view.number(two) != 2 or rounded is None or not _is_fraction(view, rounded.x):
            continue
        name, origin = node.result.name, view.node(other).origin
        half = view.add(full(node.result, 0.5), f"{name}.half", origin)
        shifted = view.add(Sub(rounded.x, half), f"{name}.shifted", origin)
        return Replacement(Sign(shifted, -1), (view.node(other),))
    return None


def _is_fraction(view: View, value: Value) -> bool:
    """True for values that lie in [0, 1]."""
    clip = view.made_by(value, Clip)
    if clip is not None:
        return 0 <= clip.low <= clip.high <= 1
    return view.made_by(value, Sigmoid) is not None
