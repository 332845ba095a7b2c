"""Normal forms: identities dropped, transposes moved down until they cancel, pads merged."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ..ir import F32, Array, Batch, Graph, Node, Op, Scalar, Stage, Value
from ..ir.ops import (
    Cast,
    Clip,
    Concat,
    Conv,
    Div,
    Expand,
    Gemm,
    MatMul,
    Max,
    MaxPool,
    Min,
    Mul,
    Neg,
    Pad,
    Relu,
    Reshape,
    Sign,
    Slice,
    Transpose,
)
from ..ir.ops.elementwise import FLOATS
from ..ir.ops.nn import Reduction
from ..ir.rewriting import Rewriter, rewrite
from ..ir.types import broadcast
from .manager import Context, Pass

FEW_CHANNELS = 8
"""Below this, a map's bits are better flattened before they are packed into words of channels."""


@dataclass(frozen=True)
class Canonicalize(Pass):
    """Bring a graph to the form that the later passes expect.

    Before:
        input %x: f32[N,4,4,3]
        %t = transpose(%x) perm=[0,3,1,2] : f32[N,3,4,4]
        %r = relu(%t) : f32[N,3,4,4]
        %y = transpose(%r) perm=[0,2,3,1] : f32[N,4,4,3]
        output %y as "y"
    After:
        %r.t = relu(%x) : f32[N,4,4,3]
        output %r.t as "y"
    """

    requires: ClassVar[tuple[Stage, ...]] = (Stage.IMPORTED,)

    def run(self, graph: Graph, context: Context) -> Graph:
        rules = (
            drop_identity,
            merge_moves,
            drop_expand,
            shrink_constant,
            drop_zero_channels,
            merge_pad,
            product_with_constant,
            bound_is_clip,
            merge_clips,
            simplify_sign,
            negate_before_sign,
            sign_before_window,
            sink_transpose,
            flatten_after_sign,
            flatten_before_transpose,
        )
        return rewrite(graph, rules)


def drop_identity(rw: Rewriter, node: Node) -> Value | None:
    """x * 1, x / 1 and moves that move nothing are x."""
    op = node.op
    if isinstance(op, (Mul, Div)):
        for kept, other in ((op.a, op.b), (op.b, op.a))[: 1 if isinstance(op, Div) else 2]:
            array = rw.array(other)
            if array is not None and kept.type == node.result.type and bool(np.all(array == 1)):
                return kept
    x = op.operands[0] if op.operands else None
    if x is None or x.type != node.result.type:
        return None
    same = (
        (isinstance(op, Transpose) and op.perm == tuple(range(len(op.perm))))
        or isinstance(op, (Reshape, Expand, Cast))
        or (isinstance(op, Slice) and set(op.steps) <= {1})
        or (isinstance(op, Pad) and not any(op.before + op.after))
        or (isinstance(op, Concat) and len(op.xs) == 1)
    )
    return x if same else None


def merge_moves(rw: Rewriter, node: Node) -> Value | None:
    """reshape of reshape and transpose of transpose are one; transposing over axes of size 1 is
    a reshape; max_pool or relu twice stays."""
    op = node.op
    hint, origin = node.result.name, node.origin
    if isinstance(op, Reshape) and (inner := rw.op(op.x, Reshape)):
        return rw.add(Reshape(inner.x, op.shape), hint, origin)
    if isinstance(op, Transpose):
        if inner_t := rw.op(op.x, Transpose):
            perm = tuple(inner_t.perm[p] for p in op.perm)
            return rw.add(Transpose(inner_t.x, perm), hint, origin)
        moved = [p for p in op.perm if op.x.shape[p] != 1]
        if moved == sorted(moved) and not _batch_moves(op):
            return rw.add(Reshape(op.x, node.result.shape), hint, origin)
    return None


def _batch_moves(op: Transpose) -> bool:
    return isinstance(op.x.shape[0], Batch) and op.perm[0] != 0


def drop_expand(rw: Rewriter, node: Node) -> Value | None:
    """An elementwise operator broadcasts by itself: op(x, expand(c)) = op(x, c), and
    op(expand(c)) = expand(op(c))."""
    op = node.op
    if not op.pointwise:
        return None

    def bare(value: Value) -> Value:
        expand = rw.op(value, Expand)
        return expand.x if expand else value

    values = [bare(v) for v in op.operands]
    if values == list(op.operands):
        return None
    name, shape = node.result.name, node.result.shape
    if broadcast([v.shape for v in values]) == shape:
        return rw.add(op.map_operands(bare), name, node.origin)
    small = rw.add(op.map_operands(bare), name + ".small", node.origin)
    return rw.add(Expand(small, shape), name, node.origin)


def shrink_constant(rw: Rewriter, node: Node) -> Value | None:
    """A constant that repeats itself along an axis is broadcast along it: what is left of a bias
    that was expanded to a whole map."""
    op = node.op
    if not op.pointwise:
        return None
    small: dict[Value, Value] = {}
    for value in dict.fromkeys(op.operands):
        array = rw.array(value)
        shrunk = _shrunk(array) if array is not None and array.size > 1 else array
        if array is not None and shrunk is not None and shrunk.shape != array.shape:
            small[value] = rw.const(shrunk, value.name, value.origin)
    shape = broadcast([small.get(v, v).shape for v in op.operands])
    if not small or shape != node.result.shape:
        return None
    moved = op.map_operands(lambda v: small.get(v, v))
    return rw.add(moved, node.result.name, node.origin)


def _shrunk(array: Array) -> Array:
    """The array with every axis along which it repeats cut to one entry."""
    for axis in range(array.ndim):
        first = array.take([0], axis)
        # Bytes, so that -0 and NaN count as they are.
        if array.shape[axis] > 1 and np.array_equal(
            np.broadcast_to(first, array.shape).view(f"V{array.itemsize}"),
            array.view(f"V{array.itemsize}"),
        ):
            array = np.ascontiguousarray(first)
    return array


def drop_zero_channels(rw: Rewriter, node: Node) -> Value | None:
    """Channels of zeros that a pad adds in front of a convolution or product contribute nothing:
    they go, with the weights that multiply them."""
    op = node.op
    if not isinstance(op, (Conv, Gemm)) or getattr(op, "groups", 1) > 1:
        return None
    pad, weights = rw.op(op.x, Pad), rw.array(op.w)
    if pad is None or weights is None or pad.value != 0 or not pad.before[1] + pad.after[1]:
        return None
    kept = weights[:, pad.before[1] : weights.shape[1] - pad.after[1]]
    w = rw.const(np.ascontiguousarray(kept), op.w.name, op.w.origin)
    before, after = ((side[0], 0, *side[2:]) for side in (pad.before, pad.after))
    x = rw.add(replace(pad, before=before, after=after), op.x.name, op.x.origin)
    return rw.add(replace(op, x=x, w=w), node.result.name, node.origin)


def merge_pad(rw: Rewriter, node: Node) -> Value | None:
    """A zero pad over spatial axes before a convolution belongs to the convolution, also one of a
    channels-last map that is transposed in between."""
    op = node.op
    if not isinstance(op, Conv):
        return None
    turn = rw.op(op.x, Transpose)
    pad = rw.op(turn.x if turn else op.x, Pad)
    if pad is None or pad.value != 0:
        return None
    order = turn.perm if turn else range(op.x.type.rank)
    before = tuple(pad.before[axis] for axis in order)
    after = tuple(pad.after[axis] for axis in order)
    if any(before[:2] + after[:2]):
        return None
    x = rw.add(replace(turn, x=pad.x), op.x.name, op.x.origin) if turn else pad.x
    pads = tuple(a + b for a, b in zip(op.pads, before[2:] + after[2:], strict=True))
    return rw.add(replace(op, x=x, pads=pads), node.result.name, node.origin)


def product_with_constant(rw: Rewriter, node: Node) -> Value | None:
    """matmul(x, w) for one constant matrix w is a layer: gemm on the rows of x."""
    op = node.op
    weights = rw.array(op.b) if isinstance(op, MatMul) else None
    if not isinstance(op, MatMul) or weights is None or weights.ndim != 2:
        return None
    *rows, inner = op.a.shape
    first, rest = rows[0], math.prod(rows[1:])
    count = Batch(first.factor * rest) if isinstance(first, Batch) else first * rest
    name, origin = node.result.name, node.origin
    x = rw.add(Reshape(op.a, (count, inner)), name + ".rows", origin)
    w = rw.const(np.ascontiguousarray(weights.T), op.b.name, op.b.origin)
    out = rw.add(Gemm(x, w, None), name + ".product", origin)
    return rw.add(Reshape(out, node.result.shape), name, origin)


def bound_is_clip(rw: Rewriter, node: Node) -> Value | None:
    """max(x, c) and min(x, c) for one number c are clip(x, c, inf) and clip(x, -inf, c)."""
    op = node.op
    if not isinstance(op, (Max, Min)) or node.result.element not in FLOATS:
        return None
    for x, other in ((op.a, op.b), (op.b, op.a)):
        bound = rw.array(other)
        if bound is None or bound.size != 1 or x.type != node.result.type or np.isnan(bound).any():
            continue
        number = float(bound.reshape(()))
        clip = Clip(x, low=number) if isinstance(op, Max) else Clip(x, high=number)
        return rw.add(clip, node.result.name, node.origin)
    return None


def merge_clips(rw: Rewriter, node: Node) -> Value | None:
    """A clip of a clip or a relu is one, its bounds those of the first between the second's."""
    op = node.op
    inner = rw.op(op.x, (Clip, Relu)) if isinstance(op, Clip) else None
    if not isinstance(op, Clip) or inner is None:
        return None
    bounds = (inner.low, inner.high) if isinstance(inner, Clip) else (0.0, math.inf)
    low, high = (min(max(b, op.low), op.high) for b in (min(bounds), bounds[1]))
    return rw.add(Clip(inner.x, low, high), node.result.name, node.origin)


def simplify_sign(rw: Rewriter, node: Node) -> Value | None:
    """sign(clip(x, low < 0 < high)) = sign(x); sign of a sign is one sign; clip(relu) bounds."""
    op = node.op
    if isinstance(op, Clip) and op.high == math.inf and op.low == 0:
        return rw.add(Relu(op.x), node.result.name, node.origin)
    if not isinstance(op, Sign):
        return None
    clip = rw.op(op.x, Clip)
    # A bound that rounds to zero in the operand's type would hide the sign.
    if clip and _rounded(clip.low, clip.x) < 0 < _rounded(clip.high, clip.x):
        return rw.add(replace(op, x=clip.x), node.result.name, node.origin)
    inner = rw.op(op.x, Sign)
    if inner:
        zero = inner.zero or op.zero
        return rw.add(replace(op, x=inner.x, zero=zero), node.result.name, node.origin)
    return None


def negate_before_sign(rw: Rewriter, node: Node) -> Value | None:
    """max_pool(-sign(x)) = max_pool(sign(-x)), the smallest sign of a window: its bits are pooled
    as they are."""
    op = node.op
    negation = rw.producer(op.x) if isinstance(op, MaxPool) else None
    if not isinstance(op, MaxPool) or negation is None or not isinstance(negation.op, Neg):
        return None
    sign = rw.op(negation.op.x, Sign)
    if sign is None:
        return None
    hint, origin = negation.result.name, negation.origin
    negated = rw.add(Neg(sign.x), hint + ".neg", origin)
    turned = rw.add(Sign(negated, -sign.zero), hint, origin)
    return rw.add(replace(op, x=turned), node.result.name, node.origin)


def sign_before_window(rw: Rewriter, node: Node) -> Value | None:
    """sign(max_pool(x)) = max_pool(sign(x)), as a sign never falls, and sign(pad(x, c)) =
    pad(sign(x), sign(c)): bits are pooled and padded instead of floats, and the sign stays with
    what computes its operand. NaN counts as the sign that it has, -1."""
    op = node.op
    window = rw.producer(op.x) if isinstance(op, Sign) else None
    if not isinstance(op, Sign) or window is None or not rw.only_use(op.x):
        return None
    if isinstance(window.op, MaxPool) and not window.op.may_be_empty():
        moved: Op = window.op
    elif isinstance(window.op, Pad) and not any(window.op.before[:2] + window.op.after[:2]):
        border = float(np.sign(_rounded(window.op.value, op.x))) or float(op.zero)
        if np.isnan(border):
            return None
        moved = replace(window.op, value=border)
    else:
        return None
    sign = rw.add(replace(op, x=moved.operands[0]), node.result.name + ".sign", node.origin)
    return rw.add(replace(moved, x=sign), node.result.name, window.origin)  # type: ignore[call-arg]


def _rounded(bound: float, x: Value) -> Any:
    """A bound in the type of the operand, as `Clip` computes with it."""
    assert isinstance(x.element, Scalar)
    with np.errstate(over="ignore"):
        return x.element.dtype.type(bound)


def flatten_after_sign(rw: Rewriter, node: Node) -> Value | None:
    """gemm(sign(flatten(x)), w) = gemm(flatten(sign(x)), w): the sign stays with what computes its
    map, where it may become a threshold, and bits are flattened instead of floats. Maps of few
    channels stay: their words would be nearly empty."""
    op = node.op
    moved = rw.producer(op.x) if isinstance(op, Sign) else None
    flat = moved.op if moved else None
    if not isinstance(op, Sign) or moved is None or not isinstance(flat, Reshape):
        return None
    if not is_flatten(flat):
        return None
    turned = rw.op(flat.x, Transpose)
    channels = (turned.x if turned else flat.x).shape[1]
    users = rw.users(node.result)
    if channels < FEW_CHANNELS or not users or rw.leaves(node.result):
        return None
    if not all(isinstance(user.op, Gemm) for user in users):
        return None
    sign = rw.add(replace(op, x=flat.x), node.result.name + ".map", node.origin)
    return rw.add(Reshape(sign, flat.shape), node.result.name, moved.origin)


def flatten_before_transpose(rw: Rewriter, node: Node) -> Value | None:
    """gemm(flatten(transpose(s)), w) = gemm(flatten(s), w with its columns permuted) for signs s,
    whose sums are exact in any order: [N, H, W, C] is flattened as the map [N, C, H, W] that it is.
    """
    op = node.op
    flat = rw.op(op.x, Reshape) if isinstance(op, Gemm) else None
    turned = rw.op(flat.x, Transpose) if flat and is_flatten(flat) else None
    if not isinstance(op, Gemm) or flat is None or turned is None or turned.perm[0] != 0:
        return None
    weights, source = rw.array(op.w), turned.x
    while pool := rw.op(source, MaxPool):
        source = pool.x
    if weights is None or rw.op(source, Sign) is None:
        return None
    shaped = weights.reshape(weights.shape[0], *flat.x.shape[1:])
    inverse = tuple(int(i) for i in np.argsort(turned.perm))
    w = rw.const(shaped.transpose(inverse).reshape(weights.shape), op.w.name, op.w.origin)
    x = rw.add(Reshape(turned.x, flat.shape), node.result.name + ".flat", node.origin)
    return rw.add(replace(op, x=x, w=w), node.result.name, node.origin)


def is_flatten(op: Reshape) -> bool:
    """True for [N, C, ..] -> [N, C * ..], which binary products read as a window of one or two
    axes."""
    return op.x.type.rank in (3, 4) and len(op.shape) == 2 and op.shape[0] == op.x.shape[0]


def sink_transpose(rw: Rewriter, node: Node) -> Value | None:
    """op(transpose(x)) = transpose(op(x)) for elementwise operators and moves, axes renamed.

    Elementwise operands are transposes by the same permutation or constants.
    """
    op = node.op
    perm = next((t.perm for v in op.operands if (t := rw.op(v, Transpose))), None)
    if perm is None or (isinstance(node.op, Transpose) or not op.operands):
        return None
    if op.elementwise:
        return _sink_elementwise(rw, node, perm)
    below = _below(op, perm)
    if below is None or any(rw.op(v, Transpose) is None for v in op.operands):
        return None
    if any(rw.op(v, Transpose).perm != perm for v in op.operands):  # type: ignore[union-attr]
        return None
    moved = below.map_operands(lambda v: rw.op(v, Transpose).x)  # type: ignore[union-attr]
    return _transposed(rw, moved, perm, node)


def _transposed(rw: Rewriter, op: Op, perm: tuple[int, ...], node: Node) -> Value:
    inner = rw.add(op, node.result.name + ".t", node.origin)
    return rw.add(Transpose(inner, perm), node.result.name, node.origin)


def _sink_elementwise(rw: Rewriter, node: Node, perm: tuple[int, ...]) -> Value | None:
    if isinstance(node.op, Expand):  # its shape would have to turn too
        return None
    inverse = tuple(int(i) for i in np.argsort(perm))
    new: dict[Value, Value] = {}
    for value in dict.fromkeys(node.op.operands):
        transpose = rw.op(value, Transpose)
        array = rw.array(value)
        if transpose and transpose.perm == perm:
            new[value] = transpose.x
        elif array is not None and array.ndim <= len(perm):
            aligned = array.reshape((1,) * (len(perm) - array.ndim) + array.shape)
            const = np.ascontiguousarray(aligned.transpose(inverse))
            if array.size == 1:
                new[value] = value
            else:
                new[value] = rw.const(const, value.name, value.origin)
        else:
            return None
    return _transposed(rw, node.op.map_operands(lambda v: new[v]), perm, node)


def _below(op: Op, perm: tuple[int, ...]) -> Op | None:
    """The operator as it acts before the transpose, on operands not yet replaced."""

    def back(per_axis: tuple[Any, ...]) -> tuple[Any, ...]:
        out = list(per_axis)
        for result_axis, axis in enumerate(perm):
            out[axis] = per_axis[result_axis]
        return tuple(out)

    if isinstance(op, Pad):
        return replace(op, before=back(op.before), after=back(op.after))
    if isinstance(op, Slice):
        starts, steps, sizes = back(op.starts), back(op.steps), back(op.sizes)
        return replace(op, starts=starts, steps=steps, sizes=sizes)
    if isinstance(op, Concat):
        return replace(op, axis=perm[op.axis])
    if isinstance(op, Reduction) and op.keepdims and op.x.element == F32:
        return replace(op, axes=tuple(sorted(perm[a] for a in op.axes)))
    return None
