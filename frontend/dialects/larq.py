"""Larq's quantizers as tf2onnx writes them.

Equation: sign(sign(x) + c) is +1 at x = 0 for 0 < c < 1, -1 there for -1 < c < 0, and sign(x)
elsewhere. sign(sign(x)) is sign(x).

Before:
    %c = const() data=[0.1] element=f32 : f32[]
    %s = sign(%x) zero=0 : f32[N,8]
    %t = add(%s, %c) : f32[N,8]
    %y = sign(%t) zero=0 : f32[N,8]
After:
    %y = sign(%x) zero=1 : f32[N,8]
"""

from __future__ import annotations

from ...ir import Node, Value
from ...ir.ops import Add, Sign
from ..analysis.patterns import Replacement, View

ORDER = 20


def match(view: View, node: Node) -> Replacement | None:
    """Match the outer sign."""
    outer = node.op
    if not isinstance(outer, Sign):
        return None
    inner = view.made_by(outer.x, Sign)
    if inner is not None:
        zero = inner.zero or outer.zero
        return Replacement(Sign(inner.x, zero), (view.node(outer.x),))
    add = view.made_by(outer.x, Add)
    if add is None:
        return None
    for s, c in ((add.a, add.b), (add.b, add.a)):
        sign = _shifted(view, s, view.number(c))
        if sign is not None:
            return Replacement(sign, (view.node(s), view.node(outer.x)))
    return None


def _shifted(view: View, s: Value, c: float | None) -> Sign | None:
    """sign(s + c) for s = sign(x) and 0 < |c| < 1; s is nonzero unless its own zero is 0."""
    inner = view.made_by(s, Sign)
    if inner is None or c is None or not 0 < abs(c) < 1:
        return None
    return Sign(inner.x, inner.zero or (1 if c > 0 else -1))
