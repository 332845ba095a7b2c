"""The straight-through estimator: ``detach`` vanishes in export and leaves (sign(x) - p) + p.

Equation: with s = sign(x), |s| = 1 and 0 <= s*p <= 2^24 in float32, fl(fl(s - p) + p) = s exactly.
Take s = 1. For p >= 1, p is a multiple of its last place, which divides 1, so 1 - p is one too and
not longer than p: exact. For 1/2 <= p < 1 the difference is exact (Sterbenz). For p < 1/2 it lies
in (1/2, 1] and is off by at most 2^-25, so the sum is 1 + d with |d| <= 2^-25, which rounds to 1
(to even at the tie). At x = 0 it needs p = 0 when s = 0. (s + p) - p has no such property.

p may be any elementwise expression of x whose bounds `intervals` can prove: hardtanh, ReActNet's
polynomial of Less, Cast and Mul, tanh (for finite |x| <= 1e19), or x itself, x + (sign(x) - x),
which is exact for |x| <= 2^24; then a note says so.

Before:
    %s = sign(%x) zero=0 : f32[N,8]
    %p = clip(%x) low=-1.0 high=1.0 : f32[N,8]
    %d = sub(%s, %p) : f32[N,8]
    %y = add(%d, %p) : f32[N,8]
After:
    %y = sign(%x) zero=0 : f32[N,8]
"""

from __future__ import annotations

import numpy as np

from ...ir import F32, Node, Value
from ...ir.ops import Add, Sign, Sub
from ..intervals import LARGEST, bounds
from ..rewriting import Found, View

ORDER = 30
LIMIT = np.float32(1 << 24)
"""Bound of p."""


def match(view: View, node: Node) -> Found | None:
    """Match the final Add, its operands in either order."""
    add = node.op
    if not isinstance(add, Add) or node.result.element != F32:
        return None
    for d, p in ((add.a, add.b), (add.b, add.a)):
        sub = view.made_by(d, Sub)
        if sub is None or sub.b is not p:
            continue
        sign = view.made_by(sub.a, Sign)
        if sign is None:
            continue
        if cancels(view, sign, p, LARGEST):
            return Found(sign, (view.node(sub.a), view.node(d)))
        if cancels(view, sign, p, float(LIMIT)):
            name = node.origin[0] if node.origin else node.result.name
            view.notes.append(
                f"node '{name}': the straight-through estimator is read as its sign, which is "
                f"exact for inputs up to {int(LIMIT)} in magnitude"
            )
            return Found(sign, (view.node(sub.a), view.node(d)))
    return None


def cancels(view: View, sign: Sign, p: Value, largest: float) -> bool:
    """True when, for |x| <= ``largest``, p provably has the sign of x or is 0, and is bounded."""
    found = bounds(view.graph, p, sign.x, largest)
    if found is None:
        return False
    grid, held = found
    positive, negative = grid.low > 0, grid.high < 0
    least = np.where(positive, np.float32(0), -LIMIT)
    greatest = np.where(negative, np.float32(0), LIMIT)
    at_zero = ~positive & ~negative
    least[at_zero] = min(sign.zero, 0) * LIMIT
    greatest[at_zero] = max(sign.zero, 0) * LIMIT
    return bool((held.low >= least).all() and (held.high <= greatest).all())
