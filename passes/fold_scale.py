"""Scales and biases per channel merged with each other and moved where they cost less.

(x * a) * b    = x * (a * b)                 exact when a or b is a power of two, else rounding
(x + a) + b    = x + (a + b)                 rounding
(x + a) * b    = x * b + (a * b)             rounding, only to meet another scale
conv(x, w) * a = conv(x, w * a)              rounding (float weights)
max_pool(x*a)  = max_pool(x) * a             exact for finite a >= 0: rounding is monotone
max_pool(x+a)  = max_pool(x) + a             exact for finite a
pad(x * a, 0)  = pad(x, 0) * a               exact for finite a
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ..ir import F32, Array, Graph, Node, Stage, Value
from ..ir.ops import Add, Conv, Div, Gemm, MaxPool, Mul, Pad, Sub
from ..ir.rewriting import Rewriter, rewrite
from .manager import Context, Exactness, Pass
from .support.queries import is_power_of_two, merged_scale, per_channel, reaches_sign


@dataclass(frozen=True)
class FoldScale(Pass):
    """Merge alpha, folded BatchNormalization and constants. ``exact`` leaves out what rounds; what
    leads to a sign is never reassociated.

    Before:
        input %x: f32[N,4]
        %a = const() data=[2] element=f32 : f32[1]
        %b = const() data=[0.3] element=f32 : f32[1]
        %s = mul(%x, %a) : f32[N,4]
        %y = mul(%s, %b) : f32[N,4]
        output %y as "y"
    After:
        %y.c = const() data=[0.6] element=f32 : f32[1]
        %y = mul(%x, %y.c) : f32[N,4]
        output %y as "y"
    """

    requires: ClassVar[tuple[Stage, ...]] = (Stage.IMPORTED, Stage.BINARIZED)
    exactness: ClassVar[Exactness] = "rounding"
    exact: bool = False

    def run(self, graph: Graph, context: Context) -> Graph:
        before_sign = reaches_sign(graph)

        def may_round(rw: Rewriter, node: Node) -> bool:
            """Values that rules make lead where those lead whose places they take."""
            return not self.exact and rw.ancestor(node.result) not in before_sign

        def merge(rw: Rewriter, node: Node) -> Value | None:
            return merge_constants(rw, node, may_round(rw, node))

        def fold(rw: Rewriter, node: Node) -> Value | None:
            return fold_into_weights(rw, node) if may_round(rw, node) else None

        return rewrite(graph, (normalise, merge, fold, move_after_pool, move_after_pad))


def _split(rw: Rewriter, node: Node | None) -> tuple[Value, Array] | None:
    """Operand and per-channel constant of ``x * c`` or ``x + c`` in f32."""
    if node is None or not isinstance(node.op, (Mul, Add)) or node.result.element != F32:
        return None
    op = node.op
    for x, c in ((op.a, op.b), (op.b, op.a)):
        array = rw.array(c)
        if array is None or x.type != node.result.type:
            continue
        if array.size == 1 or _per_channel(array, x) is not None:
            return x, array
    return None


def _per_channel(array: Array, x: Value) -> Array | None:
    rank = x.type.rank
    return per_channel(array, rank, x.shape[1]) if rank > 1 else None


def normalise(rw: Rewriter, node: Node) -> Value | None:
    """x - c = x + (-c) exactly; x / c = x * (1 / c) exactly for powers of two."""
    op = node.op
    if not isinstance(op, (Sub, Div)) or node.result.element != F32:
        return None
    array = rw.array(op.b)
    if array is None:
        return None
    if isinstance(op, Div) and not is_power_of_two(array):
        return None
    kind = Mul if isinstance(op, Div) else Add
    other = np.float32(1) / array if isinstance(op, Div) else -array
    const = rw.const(other, node.result.name + ".c", op.b.origin)
    return rw.add(kind(op.a, const), node.result.name, node.origin)


def merge_constants(rw: Rewriter, node: Node, rounding: bool) -> Value | None:
    """Two constants applied one after another become one."""
    outer = _split(rw, node)
    if outer is None or not rw.only_use(outer[0]):
        return None
    inner_node = rw.producer(outer[0])
    inner = _split(rw, inner_node)
    if inner is None or inner_node is None:
        return None
    (x, a), b = inner, outer[1]
    origin = (*inner_node.origin, *node.origin)
    same = type(inner_node.op) is type(node.op)
    if same and isinstance(node.op, Add) and rounding:
        return _apply(rw, Add, x, a + b, node, origin)
    merged = merged_scale(a, b) if isinstance(node.op, Mul) else None
    if merged is None:
        return None
    if same and (rounding or _exact_product(a, b)):
        return _apply(rw, Mul, x, merged, node, origin)
    if rounding and isinstance(inner_node.op, Add):
        if _split(rw, rw.producer(x)) is None or rw.op(x, Mul) is None:
            return None
        name = node.result.name + ".scaled"
        scale = rw.const(b, name + ".c", origin)
        scaled = rw.add(Mul(x, scale), name, origin)
        return _apply(rw, Add, scaled, merged, node, origin)
    return None


def _exact_product(a: Array, b: Array) -> bool:
    product = np.abs(a * b)
    normal = np.all((product == 0) | ((product > 1e-30) & (product < 1e30)))
    return bool(normal) and (is_power_of_two(a) or is_power_of_two(b))


def _apply(
    rw: Rewriter, kind: Any, x: Value, array: Any, node: Node, origin: tuple[str, ...]
) -> Value:
    const = rw.const(np.asarray(array, np.float32), node.result.name + ".c", origin)
    return rw.add(kind(x, const), node.result.name, origin)


def fold_into_weights(rw: Rewriter, node: Node) -> Value | None:
    """conv(x, w, c) * a = conv(x, w * a, c * a), but for weights that are codes;
    conv(x, w, c) + b = conv(x, w, c + b)."""
    split = _split(rw, node)
    product = rw.producer(split[0]) if split else None
    op = product.op if product else None
    if split is None or product is None or not isinstance(op, (Conv, Gemm)):
        return None
    x, constant = split
    if not rw.only_use(x):
        return None
    weights = rw.array(op.w)
    bias: Any = np.zeros(op.w.shape[0], np.float32) if op.bias is None else rw.array(op.bias)
    if weights is None or bias is None:
        return None
    a = np.broadcast_to(
        constant.reshape(-1) if constant.size == 1 else _per_channel(constant, x),  # type: ignore[arg-type]
        (op.w.shape[0],),
    )
    origin = (*product.origin, *node.origin)
    name = node.result.name
    if isinstance(node.op, Mul):
        if op.w.element != F32:
            return None
        scaled = merged_scale(weights, a.reshape(-1, *[1] * (weights.ndim - 1)))
        shift = merged_scale(bias, a)
        if scaled is None or shift is None:
            return None
        w = rw.const(scaled, op.w.name, op.w.origin)
        c = op.bias if op.bias is None else rw.const(shift, name + ".bias", origin)
        return rw.add(replace(op, w=w, bias=c), name, origin)
    c = rw.const(bias + a, name + ".bias", origin)
    return rw.add(replace(op, bias=c), name, origin)


def move_after_pool(rw: Rewriter, node: Node) -> Value | None:
    """max_pool(x * a) = max_pool(x) * a for a >= 0, max_pool(x + a) = max_pool(x) + a, a finite."""
    if not isinstance(node.op, MaxPool) or not rw.only_use(node.op.x):
        return None
    inner = rw.producer(node.op.x)
    split = _split(rw, inner)
    if split is None or inner is None:
        return None
    x, constant = split
    if not np.isfinite(constant).all() or (isinstance(inner.op, Mul) and (constant < 0).any()):
        return None
    pooled = rw.add(replace(node.op, x=x), node.result.name + ".pooled", node.origin)
    return _apply(rw, type(inner.op), pooled, constant, node, inner.origin)


def move_after_pad(rw: Rewriter, node: Node) -> Value | None:
    """pad(x * a) = pad(x) * a, a finite, for a border of zeros that adds no channels."""
    op = node.op
    if not isinstance(op, Pad) or op.value != 0 or not rw.only_use(op.x):
        return None
    inner = rw.producer(op.x)
    split = _split(rw, inner)
    if split is None or inner is None or not isinstance(inner.op, Mul):
        return None
    x, constant = split
    if not np.isfinite(constant).all():
        return None
    if op.x.type.rank > 1 and (op.before[1] or op.after[1]) and constant.size > 1:
        return None
    padded = rw.add(replace(op, x=x), node.result.name + ".padded", node.origin)
    return _apply(rw, Mul, padded, constant, node, inner.origin)
