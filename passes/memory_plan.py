"""One workspace for all intermediate values: offsets by liveness, views on their operand's memory.

Sizes grow with the batch N, so a value lives at ``offset * N`` in the batch arena; values without
a batch dimension lie in a fixed arena. The first nodes may run in rounds (`support.rounds`): what
only they read lies in an arena for as many samples as a round has. All are planned alike: values in
order of falling size take the lowest gap that is free for as long as they live.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ..ir import Graph, Node, Slot, Stage, Value, aligned
from ..ir.ops import Const, Relayout, Reshape, Transpose
from ..ir.types import physical_axes, sample_bytes
from .manager import Context, Pass
from .pack_bits import is_row_like
from .support.memory_sharing import Buffer, LastReads, Parts, concatenated
from .support.rounds import in_rounds


@dataclass(frozen=True)
class MemoryPlan(Pass):
    """Assign a slot to every value that is not a constant.

    Before:
        input %x: f32[N,16]
        %a = softmax(%x) axis=1 : f32[N,16]
        %y = softmax(%a) axis=1 : f32[N,16]
        output %y as "y"
    After:
        input %x: f32[N,16] in input+0
        %a = softmax(%x) axis=1 : f32[N,16] in batch+0
        %y = softmax(%a) axis=1 : f32[N,16] in output+0
        output %y as "y"
    """

    requires: ClassVar[tuple[Stage, ...]] = (Stage.SCHEDULED,)

    def run(self, graph: Graph, context: Context) -> Graph:
        parts = concatenated(graph)
        joined = {joined for joined, _ in parts.values()}
        roots = _roots(graph, parts)
        buffers = _live_ranges(graph, roots, parts)
        end = 0
        if context.costs is not None:
            moving = [n for n in graph.nodes if not is_view(n) and n.results[0] not in joined]
            end = in_rounds(graph, buffers, moving, context.costs)

        def arena(value: Value) -> str:
            if not value.type.symbolic:
                return "fixed"
            return "round" if buffers[value].last < end else "batch"

        arenas = {value: arena(value) for value in buffers}
        for name in ("batch", "round", "fixed"):
            place([buffer for value, buffer in buffers.items() if arenas[value] == name])
        slots: dict[Value, Slot] = {}
        slots.update((v, Slot("input", i)) for i, v in enumerate(graph.inputs))
        slots.update((roots[o.value], Slot("output", i)) for i, o in enumerate(graph.outputs))
        for value, buffer in buffers.items():
            slots[value] = Slot(arenas[value], buffer.offset)
        for value in parts:
            outermost, channel = _outermost(value, parts)
            slots[value] = replace(slots[outermost], channel=channel, pitch=outermost.shape[1])
        return _with_slots(graph, roots, slots)


def _outermost(value: Value, parts: Parts) -> tuple[Value, int]:
    """The concatenation that a value is part of, after all others, and its first channel there."""
    first = 0
    while value in parts:
        value, channel = parts[value]
        first += channel
    return value, first


def is_view(node: Node) -> bool:
    """True when a result is its operand's memory under another type."""
    op = node.op
    if isinstance(op, Reshape):
        if op.x.type.is_binary:
            # Words are filled up per position, so only a squeeze of single positions stays put.
            old, new = op.x.shape, op.shape
            return old[:2] == new[:2] and all(d == 1 for d in (*old[2:], *new[2:]))
        return is_row_like(op.x.type) and is_row_like(node.result.type)
    if isinstance(op, Relayout):
        if op.x.type.is_binary:
            return op.x.type.layout is op.layout
        return is_row_like(op.x.type) and is_row_like(node.result.type)
    if isinstance(op, Transpose) and not op.x.type.is_binary:
        rank = op.x.type.rank
        axes = physical_axes(rank, node.result.type.layout)
        return tuple(op.perm[a] for a in axes) == physical_axes(rank, op.x.type.layout)
    return False


def _roots(graph: Graph, parts: Parts) -> dict[Value, Value]:
    """The value whose memory each value lives in. An output may be a view of an intermediate value,
    which then is computed right into the output's buffer; an output that would be a view of an
    input, of a constant or of another output is copied. A result takes the place of an operand
    that is read for the last time, element by element."""
    fixed = {*graph.inputs, *(n.result for n in graph.nodes if isinstance(n.op, Const))}
    outputs = graph.output_values
    claimed: set[Value] = set()
    roots: dict[Value, Value] = {v: v for v in graph.inputs}
    reads = LastReads.of(graph)
    kept = fixed | outputs | {*parts, *(joined for joined, _ in parts.values())}
    for node in graph.nodes:
        roots.update((value, value) for value in node.results)
        for value in node.results:
            if value not in kept:
                roots[value] = reads.place(node, value, roots, kept)
            reads.live_in(value, roots[value])
        if is_view(node):
            root = roots[node.op.operands[0]]
            leaves = node.result in outputs
            if not leaves and (root not in fixed or root in graph.inputs):
                roots[node.result] = root
            elif leaves and not any(root in taken for taken in (fixed, claimed, outputs)):
                roots[node.result] = root
                claimed.add(root)
                kept.add(root)
            reads.live_in(node.result, roots[node.result])
    return roots


def _live_ranges(graph: Graph, roots: dict[Value, Value], parts: Parts) -> dict[Value, Buffer]:
    constants = {n.result for n in graph.nodes if isinstance(n.op, Const)}
    outside = {*graph.inputs, *(roots[v] for v in graph.output_values), *constants}
    buffers: dict[Value, Buffer] = {}
    for position, node in enumerate(graph.nodes):
        for value in (*node.op.operands, *node.results):
            root, _ = _outermost(roots.get(value, value), parts)
            if root in outside:
                continue
            if root not in buffers:
                buffers[root] = Buffer(aligned(sample_bytes(root.type)), position, position)
            buffers[root].last = position
    return buffers


def place(buffers: list[Buffer]) -> None:
    """Give each buffer the lowest offset that overlaps no buffer alive at the same time."""
    first, last, start, end = np.zeros((4, len(buffers)), np.int64)
    for count, buffer in enumerate(sorted(buffers, key=lambda b: (-b.size, b.first))):
        alive = (first[:count] <= buffer.last) & (buffer.first <= last[:count])
        others = np.flatnonzero(alive)
        others = others[np.argsort(start[others], kind="stable")]
        # The end of everything before each of them, and behind the last.
        ends = np.maximum.accumulate(np.concatenate([[0], end[others]]))
        gaps = np.flatnonzero(ends[:-1] + buffer.size <= start[others])
        buffer.offset = int(ends[gaps[0] if gaps.size else -1])
        first[count], last[count] = buffer.first, buffer.last
        start[count], end[count] = buffer.offset, buffer.offset + buffer.size


def _with_slots(graph: Graph, roots: dict[Value, Value], slots: dict[Value, Slot]) -> Graph:
    new: dict[Value, Value] = {}
    for value, root in roots.items():
        new[value] = replace(value, slot=slots[root]) if root in slots else value
    nodes = tuple(
        Node(n.op.map_operands(lambda v: new[v]), tuple(new[v] for v in n.results))
        for n in graph.nodes
    )
    outputs = tuple(replace(o, value=new[o.value]) for o in graph.outputs)
    return graph.replace(inputs=tuple(new[v] for v in graph.inputs), nodes=nodes, outputs=outputs)
