"""Binarizers to two values of any kind: {0, 1}, {0, a}, {a, b}, by comparing, rounding or clipping.

Equation: a chain of operators with constant operands, none of which falls in one place and rises in
another (adding, scaling, clipping, rounding, comparing, choosing), is monotone. If it takes two
values it is a step; `find_step` finds its threshold t with the chain's own float32 arithmetic, and
f(x) = u * sign(x - t) + v. That covers Clip(Round(x / a), 0, 1) * a (halves to even: 0 at exactly
a / 2), Sign(Relu(x)), Where(x > 0, a, b), Cast(x >= 0) * a, and two neighbouring integers between
QuantizeLinear and DequantizeLinear. A chain that starts at a comparison of two computed values
reads the sign of their difference; other elementwise functions of one variable (torch.heaviside:
two masks and a choice) are cut into cells by `piecewise`.

Exact for finite x up to the sign of zero; not-a-number counts as below t. Only what reaches a
product is rewritten: anywhere else the graph's own operators are as good.

Before:
    %a = const() data=[0.5] element=f32 : f32[]
    %d = div(%x, %a) : f32[N,8]
    %r = round(%d) : f32[N,8]
    %c = clip(%r) low=0.0 high=1.0 : f32[N,8]
    %q = mul(%c, %a) : f32[N,8]
    %w = const() data=[1, -1, 1, -1, 1, -1, 1, -1] element=f32 : f32[1,8]
    %y = gemm(%q, %w, none) : f32[N,1]
After:
    %q.const = const() data=[0.25] element=f32 : f32[]
    %q.sub = sub(%x, %q.const) : f32[N,8]
    %q.sign = sign(%q.sub) zero=-1 : f32[N,8]
    %q.mul = mul(%q.sign, %q.const) : f32[N,8]
    %q = add(%q.mul, %q.const) : f32[N,8]
    %w = const() data=[1, -1, 1, -1, 1, -1, 1, -1] element=f32 : f32[1,8]
    %y = gemm(%q, %w, none) : f32[N,1]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...ir import BOOL, F32, Array, Node, Op, Value, ops
from ...ir.intervals import UNKNOWN, Interval, exactly
from ...ir.ops import Cast, Const, Less, LessEqual, Sign, Sub, Where
from ...ir.traits import MONOTONE, Trait
from ..analysis.patterns import Replacement, View
from ..analysis.piecewise import expression_root, point_values
from ..analysis.step_functions import Put, find_step, two_valued

ORDER = 40

_LONGEST = 24


def match(view: View, node: Node) -> Replacement | None:
    """Match the last operator of a chain that a product reads."""
    op = node.op
    if not _is_monotone(op) or node.result not in view.factors:
        return None
    if (isinstance(op, Sign) and op.zero) or node.result.element != F32:
        return None
    chain, root = _chain(view, node)
    if isinstance(view.graph.producer_op(root), Sign):
        return None
    name = node.result.name
    origin = [o for n in chain for o in n.origin]
    constants: dict[bytes, Value] = {}

    def put(new: Op) -> Value:
        if not isinstance(new, Const):
            return view.add(new, f"{name}.{new.mnemonic()}", origin)
        key = new.array.tobytes() + repr(new.array.shape).encode()
        if key not in constants:
            constants[key] = view.add(new, f"{name}.const", origin)
        return constants[key]

    step = None
    if any(n.op.jumps or isinstance(n.op, (Cast, Where)) for n in (node, *chain)):
        step = _of_difference(view, chain, root, put) or _of_chain(view, chain, root, put)
    if step is None and isinstance(op, (Where, ops.Add, ops.Mul, ops.Sub)):
        step = _of_cells(view, node, put)
    return None if step is None else Replacement(step, tuple(chain[1:][::-1]))


def _chain(view: View, node: Node) -> tuple[list[Node], Value]:
    """Monotone operators from ``node`` down, and the value that the last one reads."""
    chain: list[Node] = []
    at = node
    while len(chain) < _LONGEST and (running := _variable(view, at)) is not None:
        chain.append(at)
        below = view.graph.producers.get(running)
        if below is None or isinstance(below.op, Sign):
            return chain, running
        at = below
    return chain, at.result


def _is_monotone(op: Op) -> bool:
    """Whether the operator never falls, or never rises, in one operand while the others are
    constant; to the last bit. (A cast does so from some types to some; see `_variable`.)"""
    exact = not op.traits & (Trait.APPROXIMATED | Trait.PARTIAL)
    return (op.elementwise and exact and bool(op.traits & MONOTONE)) or isinstance(op, Cast)


def _variable(view: View, node: Node) -> Value | None:
    """The one operand of a monotone operator that is not constant, when it has the result's
    shape; None for other operators and for constants that make no monotone function."""
    op = node.op
    if not _is_monotone(op):
        return None
    running = [v for v in op.operands if _constant(view, v) is None]
    if len(running) != 1 or running[0].shape != node.result.shape:
        return None
    if isinstance(op, Cast) and not _keeps_order(view, op):
        return None
    if isinstance(op, ops.Div) and running[0] is not op.a:
        return None
    if isinstance(op, Where) and running[0] is not op.condition:
        return None
    if len(op.operands) == 2 and not op.jumps:
        constants = [a for v in op.operands if (a := _constant(view, v)) is not None]
        wraps = running[0].element != F32 and Trait.SELECTS not in op.traits
        if wraps or not all(np.isfinite(a).all() for a in constants):
            return None
    return running[0]


def _keeps_order(view: View, cast: Cast) -> bool:
    """Whether a cast never falls: to float32 it rounds, in integers it wraps unless the type holds
    all that the operand can be."""
    if cast.to == F32 or cast.x.element in (BOOL, cast.to):
        return True
    if cast.to.dtype.kind not in "iu":
        return False
    held = np.iinfo(cast.to.dtype.name)
    if cast.x.element.dtype.kind in "iu":
        source = np.iinfo(cast.x.element.dtype.name)
        return held.min <= source.min and source.max <= held.max
    x = view.ranges.get(cast.x, UNKNOWN)
    return held.min <= float(x.low) and float(x.high) <= held.max


def _constant(view: View, value: Value) -> Array | None:
    """The contents of a constant; one number for a constant spread over the batch."""
    array = view.constant(value)
    if array is not None or value.element == BOOL:
        return array
    number = view.number(value)
    return None if number is None else np.asarray(number, value.element.dtype)


def _of_chain(view: View, chain: Sequence[Node], root: Value, put: Put) -> Op | None:
    """The step of a float32 variable."""
    if root.element != F32 or not chain:
        return None
    shapes = [
        a.shape for n in chain for v in n.op.operands if (a := _constant(view, v)) is not None
    ]
    shape = np.broadcast_shapes(*shapes)
    if any(isinstance(d, int) and len(shape) > len(root.shape) for d in shape):
        return None
    known = view.ranges.get(root, UNKNOWN)
    if _may_be_no_number(view, chain, root, known):
        return None
    step = find_step(lambda x: _computed(view, chain, root, x), shape, known.low, known.high)
    return None if step is None else step.over(root, put)


def _may_be_no_number(view: View, chain: Sequence[Node], root: Value, bounds: Interval) -> bool:
    """Whether a float of the chain may be not-a-number for some finite value of the root: an
    overflow times zero. Such a chain is not monotone."""
    largest = np.finfo(np.float32).max
    known = {root: Interval.of(max(bounds.low, -largest), min(bounds.high, largest))}
    with np.errstate(all="ignore"):
        for node in reversed(chain):
            floats = node.result.element == F32 and all(v.element == F32 for v in node.op.operands)
            args = [
                known[v] if v in known else exactly(np.asarray(_constant(view, v)))
                for v in node.op.operands
            ]
            interval = node.op.interval(args)
            if floats and np.any(interval.nan):
                return True
            known[node.result] = replace(interval, nan=np.False_)
    return False


def _of_difference(view: View, chain: Sequence[Node], root: Value, put: Put) -> Op | None:
    """Two values chosen by a comparison of computed float32 values."""
    less = view.made_by(root, Less) or view.made_by(root, LessEqual)
    if less is None or less.a.element != F32 or not chain:
        return None
    if root.shape not in (less.a.shape, less.b.shape):
        return None
    sides = np.array([False, True])
    low, high = (np.asarray(_computed(view, chain, root, s)) for s in sides)
    if not (np.isfinite(low).all() and np.isfinite(high).all()) or bool((low == high).all()):
        return None
    difference = put(Sub(less.b, less.a))
    return two_valued(Sign(difference, -1 if isinstance(less, Less) else 1), low, high, put)


def _computed(view: View, chain: Sequence[Node], root: Value, x: Any) -> Any:
    """The chain's result by the operators' own references."""
    known: dict[Value, Any] = {root: np.asarray(x)}
    for node in reversed(chain):
        args = [known[v] if v in known else _constant(view, v) for v in node.op.operands]
        known[node.result] = np.asarray(node.op.reference(args, 1))
    return known[chain[0].result]


def _of_cells(view: View, node: Node, put: Put) -> Op | None:
    """A step that is no chain: the same variable in several places."""
    root = expression_root(view.graph, node.result)
    if root is None or root.shape != node.result.shape:
        return None
    piecewise = point_values(view.graph, node.result, root)
    if piecewise is None:
        return None
    cells, values = piecewise
    changes = np.flatnonzero(np.diff(values))
    if changes.size != 1:
        return None
    first = cells.low[changes[0] + 1]

    def reached(x: Array) -> Array:
        return np.where(x >= first, values[-1], values[0])

    step = find_step(reached, ())
    return None if step is None else step.over(root, put)
