"""Binarizers that are not written as a sign become one.

Derivation. Let v = f(x) be elementwise and f a step: low below t, high above it (`steps` proves
that and finds t). Then with s = sign(x - t), which is exact for finite x,

    v = s                        for low = -1, high = 1
    v = s * (high - low) / 2 + (high + low) / 2      where float32 gives back low and high
    v = where(s == 1, high, low)                     elsewhere

A sign of NaN is -1, whatever f makes of it. Only values that something else than elementwise
operators reads are looked at: there a sign is worth having.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir import F32, Array, Graph, Node, Stage, Value
from ..ir.ops import Add, Clip, Const, Equal, Max, Min, Mul, Relu, Sign, Sub, Where
from .analysis import channel_shape
from .base import Context, Pass
from .rewrite import Rewriter, drop_dead
from .steps import DISCRETE, Step, Steps

_CLAMPS = (Clip, Max, Min, Relu)


@dataclass(frozen=True)
class StepFunctions(Pass):
    """Rewrite elementwise step functions as functions of a sign.

    Before:
        input %x: f32[N,2]
        %w = const() data=[1, -1] element=f32 : f32[1,2]
        %c = clip(%x) low=0.0 high=1.0 : f32[N,2]
        %r = round(%c) : f32[N,2]
        %y = gemm(%r, %w, none) : f32[N,1]
        output %y as "y"
    After:
        %w = const() data=[1, -1] element=f32 : f32[1,2]
        %r.t = const() data=[0.5] element=f32 : f32[1]
        %r.above = sub(%x, %r.t) : f32[N,2]
        %r.sign = sign(%r.above) zero=-1 : f32[N,2]
        %r.u = const() data=[0.5] element=f32 : f32[1]
        %r.scaled = mul(%r.sign, %r.u) : f32[N,2]
        %r.v = const() data=[0.5] element=f32 : f32[1]
        %r = add(%r.scaled, %r.v) : f32[N,2]
        %y = gemm(%r, %w, none) : f32[N,1]
        output %y as "y"
    """

    requires: ClassVar[tuple[Stage, ...]] = (Stage.IMPORTED,)

    def run(self, graph: Graph, context: Context) -> Graph:
        steps, candidates = Steps(graph), _candidates(graph)
        rw = Rewriter.over(graph)
        for node in graph.nodes:
            step = values = None
            if node.results[0] in candidates and _is_read(graph, node.result):
                step = steps.find(node.result)
                values = _function(step) if step is not None else None
            if step is None or values is None:
                rw.copy(node)
            else:
                rw.names.discard(node.result.name)
                rw.put(node.result, _emit(rw, node, step, values))
        return drop_dead(rw.finish(graph))


def _candidates(graph: Graph) -> set[Value]:
    """Values that a rounding, comparison or choice went into, but not functions of one sign: these
    need no other. A sign counts behind what may be a step or bound it, as in sign(relu(x))."""
    stepped: set[Value] = set()
    sign_of: dict[Value, Value] = {}
    found: set[Value] = set()
    for node in graph.nodes:
        op = node.op
        if not op.elementwise:
            continue
        result = node.result
        running = [v for v in op.operands if not isinstance(graph.producer_op(v), Const)]
        behind = any(v in stepped for v in running)
        if isinstance(op, Sign):
            sign_of[result] = result
            bounded = behind or isinstance(graph.producer_op(op.x), _CLAMPS)
            found.update([result] if bounded else [])
        elif len({sign_of.get(v) for v in running}) == 1 and running[0] in sign_of:
            sign_of[result] = sign_of[running[0]]
        elif behind or isinstance(op, DISCRETE):
            found.add(result)
        if behind or isinstance(op, DISCRETE):
            stepped.add(result)
    return found


def _is_read(graph: Graph, value: Value) -> bool:
    """Whether something that may take signs reads the value."""
    users = graph.users.get(value, ())
    return value.element == F32 and any(not user.op.elementwise for user in users)


@dataclass(frozen=True, eq=False)
class _Function:
    """A value as a function of a sign s: scale * s + offset, or scale where s is 1, else offset."""

    zero: int
    scale: Array
    offset: Array
    chosen: bool
    """The scaled sign does not give back the values exactly: choose between them."""


def _function(step: Step) -> _Function | None:
    """How to write the table of a step; None for three values that are not evenly spaced."""
    low, middle, high = step.table
    zero = step.zero
    if zero == 0 and np.all(middle == low):
        zero = -1
    elif zero == 0 and np.all(middle == high):
        zero = 1
    wide = step.table.astype(np.float64)
    with np.errstate(over="ignore"):
        scale = ((wide[2] - wide[0]) / 2).astype(np.float32)
        offset = ((wide[2] + wide[0]) / 2).astype(np.float32)
    rows = (-1, 0, 1) if zero == 0 else (-1, 1)
    exact = all(np.all(scale * np.float32(r) + offset == step.table[r + 1]) for r in rows)
    if exact:
        return _Function(zero, scale, offset, False)
    return None if zero == 0 else _Function(zero, high, low, True)


def _emit(rw: Rewriter, node: Node, step: Step, function: _Function) -> Value:
    name, origin = node.result.name, node.origin
    column = channel_shape(step.x.type.rank)

    def const(array: Array, suffix: str) -> Value:
        one = bool(np.all(array == array[0]))
        return rw.const(array[:1] if one else array.reshape(column), name + suffix, origin)

    x = rw.get(step.x)
    if np.any(step.threshold):
        x = rw.add(Sub(x, const(step.threshold, ".t")), name + ".above", origin)
    sign = Sign(x, function.zero)
    if function.chosen:
        s = rw.add(sign, name + ".sign", origin)
        above = rw.add(Equal(s, const(np.ones(1, np.float32), ".one")), name + ".is", origin)
        high, low = const(function.scale, ".high"), const(function.offset, ".low")
        return rw.add(Where(above, high, low), name, origin)
    scaled, shifted = bool(np.any(function.scale != 1)), bool(np.any(function.offset))
    s = rw.add(sign, name + ".sign" if scaled or shifted else name, origin)
    if scaled:
        s = rw.add(
            Mul(s, const(function.scale, ".u")), name + ".scaled" if shifted else name, origin
        )
    return rw.add(Add(s, const(function.offset, ".v")), name, origin) if shifted else s
