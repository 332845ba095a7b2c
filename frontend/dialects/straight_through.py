"""The straight-through estimator: ``detach`` vanishes in export and leaves (q - p) + p.

q is the binarized value, p what gives the gradient: any two elementwise expressions of one x. What
they can be on either side of every jump is proven by intervals (`piecewise`), so it does not matter
how they are written: hardtanh, ReActNet's polynomial of Less, Cast and Mul, tanh, a division by a
temperature or a Clip in front of the sign, rounding to {0, a}.

Equation: fl(fl(q - p) + p) = q in float32 for

- q = 0 and any p, and any q where p = 0;
- |q| = 2^k and 0 <= p/q <= 2^24: take q = 1. For p >= 1, p is a multiple of its last place, which
  divides 1, so 1 - p is one too and not longer than p: exact. For 1/2 <= p < 1 the difference is
  exact (Sterbenz). For p < 1/2 it lies in (1/2, 1] and is off by at most 2^-25, so the sum is
  1 + d with |d| <= 2^-25, which rounds to 1 (to even at the tie);
- any q where 1/2 <= p/q <= 2: the difference is exact (Sterbenz);

and q + (p - p) = q for finite p. Negations are exact, so p - (p - q) and the like are the same.
(q + p) - p has no such property. The proofs are for finite |x| <= 1e19; x + (sign(x) - x) is exact
for |x| <= 2^24, then a note says so.

Before:
    %s = sign(%x) zero=0 : f32[N,8]
    %p = clip(%x) low=-1.0 high=1.0 : f32[N,8]
    %d = sub(%s, %p) : f32[N,8]
    %y = add(%d, %p) : f32[N,8]
After:
    %y = sign(%x) zero=0 : f32[N,8]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...ir import F32, Array, Node, Value
from ...ir.intervals import UNKNOWN, Interval, negated
from ...ir.ops import Add, Neg, Sign, Sub
from ..analysis.patterns import Replacement, View
from ..analysis.piecewise import LARGEST, everywhere, expression_root, point_values

ORDER = 30
LIMIT = np.float32(1 << 24)
"""Bound of p/q."""
_LONGEST = 24
"""Operators between x and q."""


@dataclass(frozen=True)
class Residue:
    """A sum of q, p and -p. ``negative``: p is the negation of the value. ``inner`` is the sum that
    is computed first: q - p, or p - p where ``inner_lacks_q``."""

    q: Value
    p: Value
    negative: bool
    inner: Value
    inner_lacks_q: bool


def match(view: View, node: Node) -> Replacement | None:
    """Match the last addition or subtraction."""
    if not isinstance(node.op, (Add, Sub)) or node.result.element != F32:
        return None
    for residue in _residues(view, node.result):
        q = view.graph.producers.get(residue.q)
        if q is None:
            continue
        replacement = Replacement(q.op, (q, view.node(residue.inner)))
        roots = _roots(view, q)
        if any(_proven(view, residue, x, LARGEST) for x in roots):
            return replacement
        if any(_proven(view, residue, x, float(LIMIT)) for x in roots):
            name = node.origin[0] if node.origin else node.result.name
            view.notes.append(
                f"node '{name}': the straight-through estimator is read as its sign, which is "
                f"exact for inputs up to {int(LIMIT)} in magnitude"
            )
            return replacement
        _note_rounding(view, node, residue.q)
    return None


def _residues(view: View, value: Value) -> Iterator[Residue]:
    """The ways to read a sum as one of q, p and -p."""
    outer = _terms(view, value)
    for (added, turned), (last, subtracted) in zip(outer, reversed(outer), strict=True):
        inner, minus = _unsigned(view, added, turned)
        terms = [(term, sign != minus) for term, sign in _terms(view, inner)]
        signed = [_unsigned(view, *term) for term in terms]
        p, negative = _unsigned(view, last, subtracted)
        for (q, q_subtracted), cancelled in zip(terms, reversed(signed), strict=True):
            if cancelled == (p, not negative) and not q_subtracted:
                yield Residue(q, p, negative, inner, False)
        if terms and signed[0] == (signed[1][0], not signed[1][1]) and not subtracted:
            yield Residue(last, signed[0][0], signed[0][1], inner, True)


def _terms(view: View, value: Value) -> list[tuple[Value, bool]]:
    """The two terms of a sum, and whether each is subtracted; none of other operators."""
    op = view.graph.producer_op(value)
    return [(op.a, False), (op.b, isinstance(op, Sub))] if isinstance(op, (Add, Sub)) else []


def _unsigned(view: View, value: Value, negative: bool) -> tuple[Value, bool]:
    """What a value negates, and whether it is then still negated."""
    negation = view.made_by(value, Neg)
    return (value, negative) if negation is None else (negation.x, not negative)


def _roots(view: View, q: Node) -> list[Value]:
    """Values that q may be a function of, the nearest first: what its chain of operators with
    constants reads, and what it reads in all places."""
    roots: list[Value] = []
    at: Node | None = q
    while at is not None and at.op.elementwise and len(roots) < _LONGEST:
        running = [v for v in at.op.operands if view.number(v) is None]
        if len(running) != 1 or running[0].element != F32:
            break
        roots.append(running[0])
        at = view.graph.producers.get(running[0])
    root = expression_root(view.graph, q.result, roundings=True)
    return list(dict.fromkeys([*roots, *([] if root is None else [root])]))


def _proven(view: View, residue: Residue, x: Value, largest: float) -> bool:
    """Whether the sum is q wherever |x| <= ``largest``, and q takes single values."""
    is_sign = view.made_by(residue.q, Sign) is not None

    def holds(q: Interval, p: Interval | None = None) -> Array:
        if p is not None and residue.negative:
            p = negated(p)
        if not is_sign:
            return (q.low == q.high) & np.isfinite(q.low) & _exact(q.low, p)
        # A sign is one of three numbers, however wide its bounds are.
        levels = [np.float32(level) for level in (-1, 0, 1)]
        fits = [(q.low > v) | (q.high < v) | _exact(np.full_like(q.low, v), p) for v in levels]
        return np.logical_and.reduce(fits)

    known = view.ranges.get(x, UNKNOWN)
    if residue.inner_lacks_q:
        q_alone = everywhere(view.graph, [residue.q], x, largest, holds, known)
        return q_alone and _is_finite(view, residue.p, largest)
    return everywhere(view.graph, [residue.q, residue.p], x, largest, holds, known)


def _is_finite(view: View, p: Value, largest: float) -> bool:
    """Whether p is a number, not infinite, wherever what it is computed from is at most
    ``largest``; p - p is 0 only then."""
    root = expression_root(view.graph, p, roundings=True)
    made = None if root is None else view.graph.producer_op(root)
    if root is None or (made is not None and made.elementwise):
        return False

    def holds(p: Interval) -> Array:
        return np.isfinite(p.low) & np.isfinite(p.high)

    known = view.ranges.get(root, UNKNOWN)
    return everywhere(view.graph, [p], root, largest, holds, known)


def _exact(q: Array, p: Interval | None) -> Array:
    """Where (q - p) + p is q for all p within bounds; of p - p, where these are left out."""
    if p is None:
        return np.ones(q.shape, bool)
    size = np.abs(q)
    low, high = np.where(q < 0, -p.high, p.low), np.where(q < 0, -p.low, p.high)
    # Nothing that is far above the smallest normal number rounds otherwise than 1 does.
    scales = size >= np.finfo(np.float32).tiny * LIMIT
    powers = (np.frexp(size)[0] == 0.5) & (low >= 0) & (high <= size * LIMIT)
    close = (low >= size / 2) & (high <= size * 2)
    finite = np.isfinite(low) & np.isfinite(high)
    return finite & ((q == 0) | (low == 0) & (high == 0) | scales & (powers | close))


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
