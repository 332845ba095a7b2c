"""Recognise binarized layers: a product of signs with weights ±alpha becomes an integer product.

    conv(s * a, alpha * w) = (n * alpha) * a,    n = binary_conv(s, w)   (integers)

for signs s of the activation, a positive scale a of the activation, alpha per output channel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..ir import F32, SIGN, Array, Graph, Node, Op, Stage, Value
from ..ir.ops import (
    Add,
    Binarize,
    BinaryConv,
    BinaryGemm,
    Cast,
    Concat,
    Const,
    Conv,
    Div,
    Gemm,
    MaxPool,
    Mul,
    Pad,
    Reshape,
    Sign,
    Slice,
    Transpose,
)
from .analysis import Scaled, channel_shape, scaled_signs
from .base import Context, Pass
from .canonicalize import FEW_CHANNELS, is_flatten
from .rewrite import Rewriter, drop_dead


@dataclass(frozen=True)
class Verdict:
    """What `examine` found out about one layer."""

    node: Node
    binarized: bool
    reason: str
    advice: str = ""
    """What would make it binary; empty when it is."""


class NotSign(Exception):
    """Says why a value is not made of signs."""


@dataclass(frozen=True)
class Binarized(Pass):
    """Turn Conv and Gemm over signs and ±alpha weights into integer products on bits.

    Before:
        input %x: f32[N,2]
        %w = const() data=[2, -2] element=f32 : f32[1,2]
        %s = sign(%x) zero=1 : f32[N,2]
        %y = gemm(%s, %w, none) : f32[N,1]
        output %y as "y"
    After:
        %s.bits = binarize(%x) zero=1 : bits<1;-1,1>[N,2]
        %w.bits = const() data=[1, 0] element=bits<1;-1,1> : bits<1;-1,1>[1,2]
        %y.count = binary_gemm(%s.bits, %w.bits) : i32[N,1]
        %y.float = cast(%y.count) to=f32 : f32[N,1]
        %y.c = const() data=[2] element=f32 : f32[1]
        %y = mul(%y.float, %y.c) : f32[N,1]
        output %y as "y"
    """

    requires = (Stage.IMPORTED,)
    establishes = Stage.BINARIZED

    def run(self, graph: Graph, context: Context) -> Graph:
        rw = Rewriter.over(graph)
        bits: _Bits = {}
        for node in graph.nodes:
            current = Node(node.op.map_operands(rw.get), node.results)
            found = recognise(rw, current)
            if isinstance(found, str):
                rw.copy(node)
            else:
                _replace(rw, current, found, bits)
        return drop_dead(rw.finish(graph))


def examine(graph: Graph) -> tuple[Verdict, ...]:
    """Every Conv and Gemm of an imported graph: whether it is binary, and why not."""
    rw = Rewriter.over(graph)
    verdicts: list[Verdict] = []
    for node in graph.nodes:
        rw.copy(node)
        if isinstance(node.op, (Conv, Gemm)):
            found = recognise(rw, node)
            if isinstance(found, str):
                verdicts.append(Verdict(node, False, found))
            else:
                verdicts.append(Verdict(node, True, describe(rw, node.op.x, found)))
    return tuple(verdicts)


def describe(rw: Rewriter, x: Value, weights: Scaled) -> str:
    """One line on a recognised layer."""
    zeros = signs_at_zero(rw, x)
    exact = "; sign(0) = 0 is kept by a mask plane" if 0 in zeros else ""
    spread = f"; |w| spreads by {weights.spread:.1g} of alpha" if weights.spread else ""
    return f"signs times ±alpha{spread}{exact}"


def recognise(rw: Rewriter, node: Node) -> Scaled | str:
    """The split weights of a binary layer, or the reason why the layer is not binary."""
    op = node.op
    if not isinstance(op, (Conv, Gemm)):
        return "not a convolution or product"
    try:
        trace(rw, op.x, isinstance(op, Gemm))
    except NotSign as error:
        return f"activations are float: {error}"
    array = rw.array(op.w)
    if array is None:
        return "weights are not constant"
    found = scaled_signs(array)
    if isinstance(found, str):
        return found
    if array[0].size >= 1 << 24:
        return "counts exceed what float32 holds"
    if op.bias is not None and rw.array(op.bias) is None:
        return "bias is not constant"
    return found


def trace(rw: Rewriter, value: Value, flat: bool = False) -> None:
    """Raise NotSign unless the value is made of signs by moves that bits can follow. ``flat``: the
    reader takes a flattened map (`_follows`)."""
    node = rw.made.get(value)
    op = node.op if node else None
    if isinstance(op, Sign):
        return
    if isinstance(op, (MaxPool, Slice)):
        trace(rw, op.x)
        if isinstance(op, MaxPool) and _may_be_empty(op):
            raise NotSign(f"{_where(node)} has windows that see padding alone")
    elif isinstance(op, Concat) and op.axis == 1:
        for x in op.xs:
            trace(rw, x)
        if len({(scale_of(rw, x), 0 in signs_at_zero(rw, x)) for x in op.xs}) > 1:
            raise NotSign(f"{_where(node)} joins signs of different scales or values at 0")
    elif isinstance(op, Pad) and not any(op.before[:2] + op.after[:2]):
        trace(rw, op.x)
        scale = scale_of(rw, op.x)
        ternary = 0 in signs_at_zero(rw, op.x)
        if abs(_f32(op.value)) != scale and not (op.value == 0 and ternary):
            raise NotSign(f"{_where(node)} pads signs with {op.value:g}")
    elif isinstance(op, Reshape) and _follows(rw, op, flat):
        trace(rw, op.x)
    elif isinstance(op, (Transpose, Reshape)) and _moved_sign(rw, op) is not None:
        return
    elif isinstance(op, (Mul, Div)) and _factor(rw, op) is not None:
        trace(rw, op.a if rw.array(op.a) is None else op.b, flat)
        if not 0 < scale_of(rw, value) < np.inf:
            raise NotSign(f"{_where(node)} scales signs by {scale_of(rw, value):g}")
    else:
        raise NotSign(f"{_where(node)} is not a sign" if node else "they are a graph input")


def _may_be_empty(op: MaxPool) -> bool:
    """True when the gaps of a dilated window are as large as the map: its maximum is -inf."""
    return any(d > size for d, size in zip(op.dilations, op.x.shape[2:], strict=True))


def _where(node: Node | None) -> str:
    return node.describe() if node else "a graph input"


def _moved_sign(rw: Rewriter, op: Transpose | Reshape) -> tuple[Sign, list[Op]] | None:
    """The sign under a stack of moves and max pools, and the stack, innermost first. The sign
    commutes with a max pool too: it never decreases."""
    stack: list[Op] = [op]
    inner = rw.made.get(op.x)
    while inner is not None and isinstance(inner.op, (Transpose, Reshape, MaxPool, Slice)):
        stack.append(inner.op)
        inner = rw.made.get(inner.op.x)
    if inner is None or not isinstance(inner.op, Sign):
        return None
    return inner.op, stack[::-1]


def _follows(rw: Rewriter, op: Op, flat: bool) -> bool:
    """True for reshapes that packed words follow: [N, C, 1, 1] <-> [N, C], and flattening right
    under a product (``flat``), which reads the map instead. Any other reader of a flattened map
    would need its bits in another order, and a map of few channels would fill few bits of its
    words: those are flattened before the sign where that can be."""
    if not isinstance(op, Reshape) or _is_squeeze(op):
        return isinstance(op, Reshape)
    if not flat or not is_flatten(op):
        return False
    return op.x.shape[1] >= FEW_CHANNELS or _moved_sign(rw, op) is None


def _is_squeeze(op: Reshape) -> bool:
    """[N, C, 1, 1] <-> [N, C]: packed words do not move."""
    return [d for d in op.x.shape[2:] if d != 1] == [] == [d for d in op.shape[2:] if d != 1] and (
        op.shape[:2] == op.x.shape[:2]
    )


def _factor(rw: Rewriter, op: Mul | Div) -> float | None:
    """The positive scalar constant that an operator scales by."""
    sides = (op.b,) if isinstance(op, Div) else (op.b, op.a)
    for side in sides:
        array = rw.array(side)
        if array is not None and array.size == 1 and float(array.reshape(-1)[0]) > 0:
            factor = np.float32(array.reshape(-1)[0])
            with np.errstate(over="ignore"):
                return float(np.float32(1) / factor if isinstance(op, Div) else factor)
    return None


def scale_of(rw: Rewriter, value: Value) -> float:
    """What a traced value's ±1 are multiplied with."""
    node = rw.made[value]
    op = node.op
    if isinstance(op, Sign):
        return 1.0
    if isinstance(op, (Mul, Div)):
        factor = _factor(rw, op)
        inner = op.a if rw.array(op.a) is None else op.b
        return _f32((factor or 1.0) * scale_of(rw, inner))
    return scale_of(rw, op.operands[0])


def _f32(value: float) -> float:
    """The nearest float32."""
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def signs_at_zero(rw: Rewriter, value: Value) -> frozenset[int]:
    """Values at 0 of the signs that a traced value is made of."""
    op = rw.made[value].op
    if isinstance(op, Sign):
        return frozenset((op.zero,))
    operands = [v for v in op.operands if rw.array(v) is None]
    return frozenset(z for v in operands for z in signs_at_zero(rw, v))


_Bits = dict[tuple[Value, bool], Value]
"""Packed values by what they stand for and by whether the reader takes a flattened map."""


def as_bits(rw: Rewriter, value: Value, done: _Bits, flat: bool = False) -> Value:
    """Rebuild a traced value on bits, without its scale."""
    if (value, flat) in done:
        return done[value, flat]
    node = rw.made[value]
    op = node.op

    def again(v: Value) -> Value:
        return as_bits(rw, v, done)

    name = value.name + ".bits"
    moved = None
    if isinstance(op, (Transpose, Reshape)) and not _follows(rw, op, flat):
        moved = _moved_sign(rw, op)
    if isinstance(op, Sign):
        out = rw.add(Binarize(op.x, op.zero), name, node.origin)
    elif moved is not None:
        # move(sign(x)) = sign(move(x)), and moving floats is what kernels do well.
        sign, stack = moved
        x = sign.x
        for move in stack:
            x = rw.add(replace(move, x=x), value.name + ".moved", node.origin)  # type: ignore[call-arg]
        out = rw.add(Binarize(x, sign.zero), name, node.origin)
    elif isinstance(op, (Mul, Div)):
        out = as_bits(rw, op.a if rw.array(op.a) is None else op.b, done, flat)
    elif isinstance(op, Pad):
        border = float(np.sign(op.value)) + 0.0
        out = rw.add(Pad(again(op.x), op.before, op.after, border), name, node.origin)
    else:
        out = rw.add(op.map_operands(again), name, node.origin)
    done[value, flat] = out
    return out


def _replace(rw: Rewriter, node: Node, weights: Scaled, done: _Bits) -> None:
    op, name, origin = node.op, node.result.name, node.origin
    assert isinstance(op, (Conv, Gemm))
    x = as_bits(rw, op.x, done, isinstance(op, Gemm))
    w = rw.add(Const.of(weights.codes, SIGN), op.w.name + ".bits", op.w.origin)
    if isinstance(op, Conv):
        product = BinaryConv(x, w, op.strides, op.pads, op.dilations, op.groups)
    else:
        product = BinaryGemm(x, w)
    rw.names.discard(name)
    steps: list[tuple[Any, Array]] = []
    shape = channel_shape(node.result.type.rank)
    if not np.all(weights.alpha == 1):
        steps.append((Mul, weights.alpha.reshape(shape)))
    scale = np.float32(scale_of(rw, op.x))
    if scale != 1:
        steps.append((Mul, np.asarray(scale)))
    if op.bias is not None:
        steps.append((Add, rw.array(op.bias).reshape(shape)))
    count = rw.add(product, name + ".count", origin)
    out = rw.add(Cast(count, F32), name if not steps else name + ".float", origin)
    for index, (kind, array) in enumerate(steps):
        last = index == len(steps) - 1
        const = rw.const(array, name + ".c", origin)
        out = rw.add(kind(out, const), name if last else name + ".step", origin)
    rw.names.add(name)
    rw.put(node.result, out)
