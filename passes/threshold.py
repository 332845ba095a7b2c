"""Operators between an integer count and the next sign become an integer comparison.

Derivation. Let n be a count, f the float32 operators from it to the sign, per channel. n takes few
values: for a window with v taps inside the map, -v*C, -v*C + 2, .., v*C (every integer between
for ternary activations, so many times as far for bytes), v over the border classes. So s(n) =
sign(f(n)) is tabulated at all of them, with the operators' own references, and looked at:

    s never changes         constant channel
    s changes once, upward  bit = n >= t      t: first count with s = +1
    s changes once, down    bit = not n >= t  t: first count with s = -1   (gamma < 0)
    anything else           refused: 0 at some count (ONNX Sign), or a PRelu with negative slope

A max pool inside the chain is passed where s only rises or only falls in the pool's operand
v = g(n): sign(f(max v)) is the largest bit of the window where s rises and the smallest where it
falls, and min(bits) = not max(not bits).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ..ir import I32, TERNARY, Array, Graph, Node, Stage, Value, ops
from ..ir.core import decode
from ..ir.ops import (
    Binarize,
    BinaryConv,
    BinaryGemm,
    Const,
    Decode,
    MaxPool,
    Mul,
    Pad,
)
from ..ir.ops.binary import largest_product
from ..ir.ops.window_axis import window_axes
from ..ir.rewriting import Rewriter, drop_dead
from .manager import Context, Pass
from .support.queries import channel_shape, origins, per_channel

CHUNK = 1 << 22
"""Elements evaluated at once."""
MOST = 1 << 25
"""Elements evaluated for one sign: counts of bytes are many."""
LOWEST, HIGHEST = np.iinfo(np.int32).min, np.iinfo(np.int32).max


@dataclass(frozen=True)
class Chain:
    """The elementwise nodes from a count to a sign, in order, and the pool among them."""

    count: Value
    nodes: tuple[Node, ...]
    pool: Node | None


@dataclass(frozen=True)
class Step:
    """A sign as a step function of the count, per channel."""

    thresholds: Array
    """int32 [C]."""
    flip: Array
    """bool [C]: the bit is the complement of n >= t."""
    falls: Array
    """bool [C]: after a max pool, the sign is that of the smallest bit of the window."""


@dataclass(frozen=True)
class Threshold(Pass):
    """Replace float chains between counts and signs by integer thresholds where that is exact.

    Before:
        input %i: f32[N,4]
        %w = const() data=[1, 1, 0, 1] element=bits<1;-1,1> : bits<1;-1,1>[1,4]
        %c = const() data=[-0.5] element=f32 : f32[1]
        %x = binarize(%i) zero=1 : bits<1;-1,1>[N,4]
        %n = binary_gemm(%x, %w) : i32[N,1]
        %f = cast(%n) to=f32 : f32[N,1]
        %g = mul(%f, %c) : f32[N,1]
        %s = binarize(%g) zero=1 : bits<1;-1,1>[N,1]
        %d = decode(%s) : f32[N,1]
        output %d as "y"
    After:
        %x = binarize(%i) zero=1 : bits<1;-1,1>[N,4]
        %n = binary_gemm(%x, %w) : i32[N,1]
        %s.t = const() data=[2] element=i32 : i32[1]
        %s.flip = const() data=[true] element=bool : bool[1]
        %s = threshold(%n, %s.t, %s.flip) : bits<1;-1,1>[N,1]
    """

    requires: ClassVar[tuple[Stage, ...]] = (Stage.BINARIZED,)

    def run(self, graph: Graph, context: Context) -> Graph:
        steps: dict[Node, tuple[Chain, Step]] = {}
        for node in graph.nodes:
            chain = find_chain(graph, node)
            step = tabulate(graph, chain, node) if chain else None
            if chain is not None and isinstance(step, Step):
                steps[node] = (chain, step)
        while misfits := needed_as_ternary(graph, steps):
            for node in misfits:
                del steps[node]
        rw = Rewriter.over(graph)
        for node in graph.nodes:
            if node in steps:
                rw.put(node.result, _emit(rw, node, *steps[node]))
            else:
                rw.copy(node)
        return drop_dead(rw.finish(graph))


def _emit(rw: Rewriter, node: Node, chain: Chain, step: Step) -> Value:
    name = node.result.name
    origin = origins([*(n.result for n in chain.nodes), node.result])
    rw.names.discard(name)
    t = rw.const(step.thresholds, name + ".t", origin)
    flip = rw.const(step.flip ^ step.falls, name + ".flip", origin)
    count = rw.get(chain.count)
    if chain.pool is None:
        return rw.add(ops.Threshold(count, t, flip), name, origin)
    bits = rw.add(ops.Threshold(count, t, flip), name + ".unpooled", origin)
    assert isinstance(chain.pool.op, MaxPool)
    pool = replace(chain.pool.op, x=bits)
    if not step.falls.any():
        return rw.add(pool, name, origin)
    signs = rw.add(Decode(rw.add(pool, name + ".pooled", origin)), name + ".signs", origin)
    turns = np.where(step.falls, np.float32(-1), np.float32(1))
    turn = rw.const(turns.reshape(channel_shape(signs.type.rank)), name + ".turn", origin)
    return rw.add(Binarize(rw.add(Mul(signs, turn), name + ".turned", origin), 1), name, origin)


def needed_as_ternary(graph: Graph, changing: Collection[Node]) -> tuple[Node, ...]:
    """Ternary signs among ``changing`` that must not become ±1: joined with values that stay
    ternary, padded with 0, or shown by an output. Products and `Decode` take both."""
    signs: dict[Value, tuple[Node, ...]] = {}
    for node in graph.nodes:
        if node in changing and node.result.element == TERNARY:
            signs[node.result] = (node,)
        read = [v for v in node.op.operands if v in signs]
        if not read or isinstance(node.op, (BinaryConv, BinaryGemm, Decode)):
            continue
        sources = tuple(dict.fromkeys(s for v in read for s in signs[v]))
        zeros = isinstance(node.op, Pad) and node.op.value == 0
        if zeros or len(read) < len(node.op.operands):
            return sources
        signs[node.result] = sources
    shown = [signs[v] for v in signs if v in graph.output_values]
    return shown[0] if shown else ()


def find_chain(graph: Graph, node: Node) -> Chain | None:
    """The nodes between one count and this sign, or None when anything else flows in."""
    if not isinstance(node.op, Binarize):
        return None
    rank, channels = node.result.type.rank, node.result.shape[1] if node.result.shape[1:] else 0
    nodes: list[Node] = []
    counts: list[Value] = []
    pools: list[Node] = []
    todo = [node.op.x]
    while todo:
        value = todo.pop()
        producer = graph.producers.get(value)
        if producer is None:
            return None
        if value.element == I32 and isinstance(producer.op, (BinaryConv, BinaryGemm)):
            if counts and value not in counts:
                return None
            counts.append(value)
        elif isinstance(producer.op, Const):
            if per_channel(producer.op.array, rank, channels) is None:
                return None
        elif isinstance(producer.op, MaxPool) or producer.op.pointwise:
            if producer not in nodes:
                nodes.append(producer)
                pools.extend([producer] if isinstance(producer.op, MaxPool) else [])
                todo.extend(producer.op.operands)
        else:
            return None
    if not counts or len(pools) > 1:
        return None
    nodes.sort(key=graph.order.__getitem__)
    if pools and not _all_paths_pass(nodes, pools[0], counts[0]):
        return None
    shapes = [p.result.shape for p in pools] or [counts[0].shape]
    if node.result.shape != shapes[0]:
        return None
    if any(n.result.shape not in (counts[0].shape, *shapes) for n in nodes):
        return None
    return Chain(counts[0], tuple(nodes), pools[0] if pools else None)


def _all_paths_pass(nodes: list[Node], pool: Node, count: Value) -> bool:
    """True when what follows the pool reads neither the count nor what stands before the pool."""
    index = nodes.index(pool)
    before = {count, *(n.result for n in nodes[:index])}
    return all(v not in before for n in nodes[index + 1 :] for v in n.op.operands)


@dataclass(frozen=True)
class Counts:
    """Every value that a count can take at any output position, described and not yet listed.

    A window with t taps inside the map gives -t*c, -t*c + step, .., t*c. Of two such ranges the
    longer holds the shorter, unless the step is 2 and one is even and the other odd.
    """

    largest: tuple[int, ...]
    """Of each parity where the step is 2, else of all."""
    step: int

    def __len__(self) -> int:
        return sum(2 * top // self.step + 1 for top in self.largest)

    def values(self) -> Array:
        """int32, ascending."""
        ranges = [np.arange(-top, top + 1, self.step, dtype=np.int32) for top in self.largest]
        return np.sort(np.concatenate(ranges), kind="stable")  # merges what is sorted already


def reachable(graph: Graph, count: Value) -> Counts:
    """The counts that the product ``count`` can give."""
    op = graph.producers[count].op
    assert isinstance(op, (BinaryConv, BinaryGemm))
    per_tap = int(np.prod(op.w.shape[1:2]))
    taps = {1}
    if isinstance(op, BinaryConv):
        for axis in window_axes(op.window, op.x.shape[2:]):
            taps = {a * int(b) for a in taps for b in np.unique(axis.inside.sum(1))}
    step = 2 if len(getattr(op.x.element, "values", ())) == 2 else 1
    per_tap *= largest_product(op)
    largest = {top % step: top for top in sorted(t * per_tap for t in taps)}
    return Counts(tuple(largest.values()), step)


def tabulate(graph: Graph, chain: Chain, sign: Node) -> Step | str:
    """The sign at every reachable count as a step function per channel, or why it is none."""
    possible = reachable(graph, chain.count)
    rank, channels = chain.count.type.rank, chain.count.shape[1]
    if len(possible) * channels > MOST:
        return f"{len(possible)} counts of {channels} channels are too many to look at"
    counts = possible.values()
    signs = np.empty((len(counts), channels), np.int8)
    pooled = np.empty((len(counts), channels), np.float64) if chain.pool else None
    rows = max(1, CHUNK // channels)
    for start in range(0, len(counts), rows):
        part = counts[start : start + rows]
        ramp = np.broadcast_to(
            part.reshape(-1, *[1] * (rank - 1)), (len(part), channels, *[1] * (rank - 2))
        )
        env: dict[Value, Any] = {chain.count: ramp}
        for node in (*chain.nodes, sign):
            args = [env[v] if v in env else _constant(graph, v) for v in node.op.operands]
            if node is chain.pool and pooled is not None:
                pooled[start : start + rows] = args[0].reshape(len(part), channels)
                env[node.result] = args[0]
            else:
                with np.errstate(all="ignore"):
                    env[node.result] = node.op.reference(args, len(part))
        values = decode(env[sign.result], sign.result.element)
        signs[start : start + rows] = values.reshape(len(part), channels)
    falls: Array = np.zeros(channels, np.bool_)
    if pooled is not None:
        order = np.argsort(pooled, axis=0, kind="stable")
        change = np.diff(np.take_along_axis(signs, order, 0), axis=0)
        falls = np.any(change < 0, axis=0)
        if np.any(falls & np.any(change > 0, axis=0)):
            return "a function after the pool neither rises nor falls"
    return step_function(counts, signs, falls)


def _constant(graph: Graph, value: Value) -> Any:
    op = graph.producers[value].op
    assert isinstance(op, Const)
    return op.array


def step_function(counts: Array, signs: Array, falls: Array) -> Step | str:
    """Thresholds from signs [counts, channels] at ascending counts, or why there are none."""
    zero = np.flatnonzero((signs == 0).any(0))
    if len(zero):
        channel = int(zero[0])
        at = int(counts[np.flatnonzero(signs[:, channel] == 0)[0]])
        return f"count {at} of channel {channel} gives exactly 0 under sign"
    changes = (np.diff(signs, axis=0) != 0).sum(0)
    if np.any(changes > 1):
        return f"the sign of channel {int(np.argmax(changes > 1))} changes more than once"
    flip = signs[0] > signs[-1]
    turned = signs != signs[0]
    first = counts[np.argmax(turned, axis=0)]
    constant = np.where(signs[0] > 0, LOWEST, HIGHEST)
    return Step(np.where(changes == 0, constant, first).astype(np.int32), flip, falls)
