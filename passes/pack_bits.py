"""Layouts: bits into words of channels, floats of maps channels-last, and what that asks for.

Activations of ±1 lie as packed words, so a product reads 64 channels at once. The bits that fill
the last word are 0 in activations and weights alike and never mismatch; taps in zero padding are
left out by the kernels, so dot = (taps inside) * C - 2 * mismatches needs no correction table.
A product over a flattened map would need its bits in another order: it becomes the convolution
that it is, with a kernel as large as the map.

    binary_gemm(reshape(x [N,C,H,W]), w [O, C*H*W]) = reshape(binary_conv(x, w [O,C,H,W]))
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from ..errors import PassError
from ..ir import Graph, Layout, Node, Op, Output, Stage, TensorType, Value
from ..ir.ops import (
    AveragePool,
    BinaryConv,
    BinaryGemm,
    Const,
    Conv,
    Gather,
    MaxPool,
    Relayout,
    Reshape,
    Threshold,
    Transpose,
)
from ..ir.rewriting import Rewriter, drop_dead, rewrite
from ..ir.traits import Trait
from ..ir.types import physical_axes
from .canonicalize import is_flatten
from .manager import Context, Pass
from .support.queries import channel_shape

_LANES = 8
"""Channels that are worth lying side by side."""
_Relaid = dict[tuple[Value, Layout], Value]
"""Values that were moved to another layout."""


@dataclass(frozen=True)
class PackBits(Pass):
    """Give every value its layout and insert the relayouts that this needs.

    Before:
        input %x: f32[N,3,9]
        %w = const() data=random(1) element=bits<1;-1,1> : bits<1;-1,1>[8,3,1]
        %s = binarize(%x) zero=1 : bits<1;-1,1>[N,3,9]
        %n = binary_conv(%s, %w) strides=[2] pads=[0,0] dilations=[1] groups=1 : i32[N,8,5]
        output %n as "y"
    After:
        %s = binarize(%x) zero=1 : bits<1;-1,1>[N,3,9]@words
        %n = binary_conv(%s, %w) strides=[2] pads=[0,0] dilations=[1] groups=1 : i32[N,8,5]@nhwc
        %y.out = relayout(%n) layout=row : i32[N,8,5]
        output %y.out as "y"
    """

    requires: ClassVar[tuple[Stage, ...]] = (Stage.BINARIZED,)
    establishes: ClassVar[Stage | None] = Stage.PACKED

    def run(self, graph: Graph, context: Context) -> Graph:
        graph = rewrite(graph, (unflatten, sink_squeeze))
        rw = Rewriter.over(graph)
        relaid: _Relaid = {}
        beside = _stored_beside_signs(graph)
        for node in graph.nodes:
            _place(rw, node, relaid, node.result in beside)
        graph = _row_major_outputs(rw, rw.finish(graph))
        return drop_dead(graph)


def unflatten(rw: Rewriter, node: Node) -> Value | None:
    """A product over a flattened map of bits is a convolution with a kernel of the map's size."""
    op = node.op
    flat = rw.op(op.x, Reshape) if isinstance(op, BinaryGemm) else None
    if flat is None or not isinstance(op, BinaryGemm) or not is_flatten(flat):
        return None
    x = flat.x
    if not x.type.is_binary:
        return None
    weights = rw.array(op.w)
    if weights is None or math.prod(x.shape[2:]) == 1:
        return None
    name, origin = node.result.name, node.origin
    shaped = weights.reshape(weights.shape[0], *x.shape[1:])
    w = rw.add(Const.of(shaped, op.w.element), op.w.name, op.w.origin)
    spatial = len(x.shape) - 2
    conv = BinaryConv(x, w, (1,) * spatial, (0,) * 2 * spatial, (1,) * spatial)
    map_ = rw.add(conv, name + ".map", origin)
    return rw.add(Reshape(map_, node.result.shape), name, origin)


def sink_squeeze(rw: Rewriter, node: Node) -> Value | None:
    """op(squeeze(x), c) = squeeze(op(x, c)): the epilogue of `unflatten`'s convolution stays with
    it. ``squeeze`` is the reshape [N, C, 1, 1] -> [N, C], ``c`` a constant per channel."""
    op = node.op
    if not op.pointwise or node.result.type.rank != 2:
        return None
    maps = {v: m for v in op.operands if (m := _squeezed(rw, v)) is not None}
    ranks = {m.type.rank for m in maps.values()}
    if len(ranks) != 1:
        return None
    shape = channel_shape(ranks.pop())
    moved: dict[Value, Value] = dict(maps)
    for value in op.operands:
        array = rw.array(value)
        if value in moved:
            continue
        if array is None or array.ndim > 1:
            return None
        moved[value] = value
        if array.size > 1 and not isinstance(op, Threshold):
            spread = Const.of(array.reshape(shape), value.element)
            moved[value] = rw.add(spread, value.name, value.origin)
    out = rw.add(op.map_operands(lambda v: moved[v]), node.result.name + ".map", node.origin)
    return rw.add(Reshape(out, node.result.shape), node.result.name, node.origin)


def _squeezed(rw: Rewriter, value: Value) -> Value | None:
    """The map [N, C, 1, ..] of a convolution, or what was computed from it, before a reshape."""
    squeeze = rw.op(value, Reshape)
    producer = rw.producer(squeeze.x) if squeeze else None
    if squeeze is None or producer is None or squeeze.x.shape[:2] != squeeze.shape:
        return None
    return squeeze.x if producer.op.elementwise or isinstance(producer.op, BinaryConv) else None


def _relaid(rw: Rewriter, x: Value, layout: Layout, suffix: str, relaid: _Relaid) -> Value:
    """A value in another layout, moved once."""
    if (x, layout) not in relaid:
        types = [x.type.with_layout(layout)]
        (copy,) = rw.add_all(Relayout(x, layout), x.name + suffix, x.origin, types)
        relaid[x, layout] = copy
    return relaid[x, layout]


def _stored_beside_signs(graph: Graph) -> set[Value]:
    """Values on the way to a sign, through elementwise operators, of which floats are stored too.

    Bits are packed pixel by pixel, with channels in the lanes. Floats that the same region stores
    should lie that way: else each is a store of its own, a map apart from the one before.
    """
    signed: set[Value] = set()
    stored = {output.value for output in graph.outputs}
    beside: set[Value] = set()
    for node in reversed(graph.nodes):
        op, result = node.op, node.result
        if not op.elementwise or not (result.type.is_binary or result in signed):
            stored.update(op.operands)
            continue
        signed.update(op.operands)
        if result in signed & stored:
            beside.add(result)
        if result in beside:
            beside.update(op.operands)
    return beside


def _place(rw: Rewriter, node: Node, relaid: _Relaid, beside_sign: bool) -> None:
    op = node.op.map_operands(rw.get)
    if isinstance(op, Const):
        rw.copy(node)
        return
    if isinstance(op, Reshape) and not (op.x.type.is_binary or is_row_like(op.x.type)):
        op = replace(op, x=_relaid(rw, op.x, Layout.ROW_MAJOR, ".row", relaid))
    if isinstance(op, Conv | BinaryConv | MaxPool | AveragePool) and _wants_channels_last(op):
        op = replace(op, x=_relaid(rw, op.x, Layout.CHANNELS_LAST, ".last", relaid))
    if op.elementwise and beside_sign:
        op = op.map_operands(lambda v: _with_channels_last(rw, v, node.result.type, relaid))
    rw.names.discard(node.result.name)
    types = [t.with_layout(_layout(op, t)) for t in op.infer()]
    new = rw.add_all(op, node.result.name, node.origin, types)
    rw.put(node.result, new[0])


def _with_channels_last(rw: Rewriter, x: Value, full: TensorType, relaid: _Relaid) -> Value:
    """A map, as an operand of an elementwise operator with a result of type ``full``."""
    if x.shape != full.shape or rw.array(x) is not None or not _lanes_are_apart(x.type):
        return x
    return _relaid(rw, x, Layout.CHANNELS_LAST, ".last", relaid)


def _lanes_are_apart(type_: TensorType) -> bool:
    """Whether lanes, which are channels, would each load an element from elsewhere."""
    if type_.is_binary or type_.layout is not Layout.ROW_MAJOR or type_.rank < 3:
        return False
    return any(size != 1 for size in type_.shape[2:]) and type_.concrete(1)[1] >= _LANES


def _wants_channels_last(op: Conv | BinaryConv | MaxPool | AveragePool) -> bool:
    """Whether lanes are channels of the input that lie apart."""
    if isinstance(op, Conv) and (op.groups == 1 or op.w.type.concrete(1)[0] // op.groups >= _LANES):
        return False
    return _lanes_are_apart(op.x.type)


def _layout(op: Op, type_: TensorType) -> Layout:
    """The layout that suits a result."""
    if type_.is_binary:
        return Layout.WORDS
    if type_.rank < 3:
        return Layout.ROW_MAJOR
    if Trait.WINDOW in op.traits:
        return Layout.CHANNELS_LAST
    if isinstance(op, Transpose):
        return _transposed_layout(op)
    if isinstance(op, Gather) and op.axis > 1 and op.indices.type.rank == 1:
        return op.x.type.layout
    if op.elementwise or Trait.AXISWISE in op.traits:
        maps = [v for v in op.operands if not op.elementwise or v.shape == type_.shape]
        lasting = (Layout.CHANNELS_LAST, Layout.WORDS)
        if any(v.type.layout in lasting for v in maps):
            return Layout.CHANNELS_LAST
    return Layout.ROW_MAJOR


def _transposed_layout(op: Transpose) -> Layout:
    """Channels-last when that leaves the operand's memory as it is."""
    rank = op.x.type.rank
    memory = physical_axes(rank, op.x.type.layout)
    for layout in (Layout.CHANNELS_LAST, Layout.ROW_MAJOR):
        axes = tuple(op.perm[a] for a in physical_axes(rank, layout))
        if axes == memory:
            return layout
    return Layout.ROW_MAJOR


def is_row_like(type_: TensorType) -> bool:
    """True when the memory is that of row-major: one channel, one position, or rank below 3."""
    if type_.layout is Layout.ROW_MAJOR or type_.rank < 3:
        return True
    if all(d == 1 for d in type_.shape[2:]):
        return True
    return type_.layout is Layout.CHANNELS_LAST and type_.shape[1] == 1


def _row_major_outputs(rw: Rewriter, graph: Graph) -> Graph:
    """Outputs leave in ONNX order, each in a buffer of its own."""
    outputs: list[Output] = []
    taken: set[Value] = set(graph.inputs)
    constants = {n.result for n in graph.nodes if isinstance(n.op, Const)}
    for output in graph.outputs:
        value = output.value
        if value.type.is_binary:
            raise PassError(f"output '{output.name}' would be packed bits")
        if value in taken or value in constants or value.type.layout is not Layout.ROW_MAJOR:
            row = [value.type.with_layout(Layout.ROW_MAJOR)]
            (value,) = rw.add_all(
                Relayout(value, Layout.ROW_MAJOR), output.name + ".out", value.origin, row
            )
        taken.add(value)
        outputs.append(Output(output.name, value))
    return graph.replace(nodes=tuple(rw.nodes), outputs=tuple(outputs))
