"""The straight-through estimator: ``detach`` vanishes in export and leaves (sign(x) - p) + p.

Equation: with |s| = 1 and 0 <= s*p <= 2^24 in float32, fl(fl(s - p) + p) = s exactly, and so it is
for s = 0 and any p, and with both scaled by a power of two. Take s = 1. For p >= 1, p is a multiple
of its last place, which divides 1, so 1 - p is one too and not longer than p: exact. For
1/2 <= p < 1 the difference is exact (Sterbenz). For p < 1/2 it lies in (1/2, 1] and is off by at
most 2^-25, so the sum is 1 + d with |d| <= 2^-25, which rounds to 1 (to even at the tie).
(s + p) - p has no such property. s is the sign of x, or another step function of x with values 0
and powers of two, such as a mask of zeros and ones.

p may be any elementwise expression of x whose bounds `piecewise` can prove: hardtanh, ReActNet's
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
from ..analysis.patterns import Replacement, View
from ..analysis.piecewise import LARGEST, bounds, expression_root, point_values

ORDER = 30
LIMIT = np.float32(1 << 24)
"""Bound of p."""


def match(view: View, node: Node) -> Replacement | None:
    """Match the final Add, its operands in either order."""
    add = node.op
    if not isinstance(add, Add) or node.result.element != F32:
        return None
    for d, p in ((add.a, add.b), (add.b, add.a)):
        sub = view.made_by(d, Sub)
        if sub is None or sub.b is not p:
            continue
        if cancels(view, sub.a, p, LARGEST):
            return Replacement(view.node(sub.a).op, (view.node(sub.a), view.node(d)))
        if cancels(view, sub.a, p, float(LIMIT)):
            name = node.origin[0] if node.origin else node.result.name
            view.notes.append(
                f"node '{name}': the straight-through estimator is read as its sign, which is "
                f"exact for inputs up to {int(LIMIT)} in magnitude"
            )
            return Replacement(view.node(sub.a).op, (view.node(sub.a), view.node(d)))
        _note_rounding(view, node, sub.a)
    return None


def _note_rounding(view: View, node: Node, quantized: Value) -> None:
    """Say so when only the rounding of the estimator keeps a product from being on bits."""
    if node.result not in view.factors or view.constant(quantized) is not None:
        return
    x = expression_root(view.graph, quantized)
    piecewise = None if x is None else point_values(view.graph, quantized, x)
    if piecewise is not None and len(values := sorted(set(piecewise[1].tolist()))) in (2, 3):
        name = node.origin[0] if node.origin else node.result.name
        view.notes.append(
            f"node '{name}': the straight-through estimator of values "
            f"{', '.join(f'{v:g}' for v in values)} rounds, so it is kept in floats; export the "
            "quantizer as a torch.autograd.Function, or scale after the estimator, to have it on "
            "bits"
        )


def cancels(view: View, quantized: Value, p: Value, largest: float) -> bool:
    """True when, for |x| <= ``largest``, the quantized value is 0 or a power of two, of which p
    provably has the sign or is 0, and is bounded."""
    sign = view.made_by(quantized, Sign)
    x = expression_root(view.graph, quantized) if sign is None else sign.x
    enclosed = None if x is None else bounds(view.graph, (quantized, p), x, largest)
    if enclosed is None:
        return False
    _, (steps, p_bounds) = enclosed
    mantissas = np.abs(np.frexp(steps.low)[0])
    if not np.array_equal(steps.low, steps.high) or not np.isin(mantissas, (0, 0.5)).all():
        return False
    least, greatest = np.minimum(steps.low, 0) * LIMIT, np.maximum(steps.low, 0) * LIMIT
    fits = (p_bounds.low >= least) & (p_bounds.high <= greatest)
    return bool(
        (fits | (steps.low == 0) & np.isfinite(p_bounds.low) & np.isfinite(p_bounds.high)).all()
    )
