"""The memory plan on random networks: nothing is overwritten while somebody still reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_support import ONE_KERNEL_EACH, examples
from random_graphs import networks

from bnnc.backends.cost_model import PredictedCost
from bnnc.ir import (
    SIGN,
    Batch,
    Graph,
    Layout,
    Node,
    Slot,
    TensorType,
    Value,
    nodes_in_rounds,
    parse,
    part_slots,
)
from bnnc.ir.ops import Concat, Const, Fused, Relayout, Threshold
from bnnc.ir.types import sample_bytes
from bnnc.ir.workspace import ALIGNMENT
from bnnc.passes import Context, pipelines, run_passes
from bnnc.passes.memory_plan import MemoryPlan, is_view, place
from bnnc.passes.support.memory_sharing import Buffer, LastReads

_MOST = 1 << 10
"""Channels that a part of an output can have."""


class Memory:
    """What each byte of one sample's arenas holds, by the value that wrote it."""

    def __init__(self) -> None:
        self.owners: dict[str, np.ndarray] = {}
        self.numbers: dict[Value, int] = {}

    def cells(self, value: Value) -> tuple[np.ndarray, np.ndarray]:
        """Who wrote a value's arena, and the value's bytes there."""
        slot = value.slot
        assert slot is not None
        owners = self.owners.setdefault(slot.arena, np.zeros(1 << 20, np.int32))
        if slot.arena in ("input", "output"):  # buffers of their own, here cells for channels
            channels = slot.channel + np.arange(value.shape[1]) if slot.pitch else np.arange(_MOST)
            return owners, _MOST * slot.offset + channels
        size = sample_bytes(value.type)
        if not slot.pitch:
            return owners, slot.offset + np.arange(size)
        pixels = size // (4 * value.shape[1])
        first = slot.offset + 4 * (slot.pitch * np.arange(pixels) + slot.channel)
        return owners, first[:, None] + np.arange(4 * value.shape[1])

    def write(self, value: Value) -> None:
        owners, at = self.cells(value)
        owners[at] = self.numbers.setdefault(value, len(self.numbers) + 1)

    def holds(self, value: Value) -> bool:
        owners, at = self.cells(value)
        return bool((owners[at] == self.numbers[value]).all())


def replaces(node: Node, result: Value, operand: Value) -> bool:
    """True when a region may write a result where an operand of the same shape lies."""
    if not isinstance(node.op, Fused) or operand not in node.op.xs or operand.type != result.type:
        return False
    inner = node.op.body.params[node.op.xs.index(operand)]
    readers = [n for n in node.op.body.nodes if inner in n.op.operands]
    return all(n.op.elementwise and not isinstance(n.op, Threshold) for n in readers)


def check_plan(graph: Graph) -> None:
    """Run the plan on a memory that remembers who wrote what."""
    memory = Memory()
    pieces: dict[Value, tuple[Value, ...]] = {}
    """The values that wrote what a value, perhaps a view, consists of."""
    constants = {n.result for n in graph.nodes if isinstance(n.op, Const)}

    def intact(value: Value) -> bool:
        return all(memory.holds(piece) for piece in pieces[value])

    for index, value in enumerate(graph.inputs):
        assert value.slot == Slot("input", index)
        pieces[value] = (value,)
        memory.write(value)
    for node in graph.nodes:
        if isinstance(node.op, Const):
            assert node.result.slot is None
            continue
        read = [v for v in node.op.operands if v not in constants]
        for value in read:
            assert intact(value), f"%{value.name} was overwritten"
        for value in node.results:
            slot = value.slot
            assert slot is not None
            assert slot.arena != "input" or is_view(node)
            assert slot.offset % ALIGNMENT == 0 or slot.arena in ("input", "output")
            if read and is_view(node) and slot == read[0].slot:
                pieces[value] = pieces[read[0]]
            elif isinstance(node.op, Concat) and [v.slot for v in read] == part_slots(read, slot):
                pieces[value] = tuple(piece for v in read for piece in pieces[v])
            else:
                pieces[value] = (value,)
                memory.write(value)
        for value in (*read, *node.results):
            instead = [r for r in node.results if r.slot == value.slot and replaces(node, r, value)]
            assert instead or intact(value), f"%{value.name} is overlapped"
    for index, output in enumerate(graph.outputs):
        value = output.value
        assert value.slot == Slot("output", index)
        assert intact(value)


@given(networks(dyadic=True), st.sampled_from([1, 1000, 1 << 18]))
@examples(40)
def test_nothing_is_overwritten(graph: Graph, l2: int) -> None:
    check_plan(run_passes(graph, pipelines.default(), cached(l2)))


def cached(l2: int) -> Context:
    """A target with so many bytes of second-level cache."""
    assert ONE_KERNEL_EACH.costs is not None
    target = replace(ONE_KERNEL_EACH.costs.target, l2=l2)
    return Context(PredictedCost(target, ONE_KERNEL_EACH.costs.kernels))


ROUNDS = """graph @g scheduled {
  input %x: f32[N,16,64]
  %w = const() data=splat(1) element=f32 : f32[4,1024]
  %a = softmax(%x) axis=1 : f32[N,16,64]
  %b = softmax(%a) axis=1 : f32[N,16,64]
  %c = reshape(%b) shape=[N,1024] : f32[N,1024]
  %d = fused([%c, %w]) kernel="gemm" {
    (%c: f32[N,1024], %w: f32[4,1024])
    %d = gemm(%c, %w, none) : f32[N,4]
    yield %d
  } : f32[N,4]
  %y = softmax(%d) axis=1 : f32[N,4]
  output %y as "y"
}"""


def test_large_maps_run_in_rounds_and_large_constants_once() -> None:
    """The maps of the softmaxes have 4 KiB, the constants of the product 16 KiB; two rounds read
    these again for each sample, but not for every fourth."""

    def plan(l2: int) -> tuple[int, dict[str, str]]:
        graph = run_passes(parse(ROUNDS), [MemoryPlan()], cached(l2))
        slots = {v.name: v.slot.arena for n in graph.nodes for v in n.results if v.slot}
        return nodes_in_rounds(graph), slots

    in_rounds, arenas = plan(8 << 10)
    assert (in_rounds, arenas["a"], arenas["b"]) == (3, "round", "batch")
    in_rounds, arenas = plan(32 << 10)
    assert (in_rounds, arenas["b"], arenas["d"]) == (6, "round", "round")
    assert plan(8 << 20)[0] == 0  # many samples fit as they are


PLANES = """graph @g scheduled {
  input %i: f32[N,8,900]
  %w = const() data=random(1) element=bits<1;-1,1> : bits<1;-1,1>[800,8,1]
  %t = const() data=splat(1) element=i32 : i32[800]
  %f = const() data=splat(false) element=bool : bool[800]
  %v = const() data=random(2) element=bits<1;-1,1> : bits<1;-1,1>[8,800,900]
  %x = fused([%i]) kernel="fused" {
    (%i: f32[N,8,900])
    %x = binarize(%i) zero=1 : bits<1;-1,1>[N,8,900]@words
    yield %x
  } : bits<1;-1,1>[N,8,900]@words
  %p = relayout(%x) layout=planes : bits<1;-1,1>[N,8,900]@planes
  %a = fused([%p, %w, %t, %f]) kernel="binary_conv" {
    (%p: bits<1;-1,1>[N,8,900]@planes, %w: bits<1;-1,1>[800,8,1], %t: i32[800], %f: bool[800])
    %n = binary_conv(%p, %w) strides=[1] pads=[0,0] dilations=[1] groups=1 : i32[N,800,900]@nhwc
    %a = threshold(%n, %t, %f) : bits<1;-1,1>[N,800,900]@LAYOUT
    yield %a
  } : bits<1;-1,1>[N,800,900]@LAYOUT
  %y = fused([%a, %v]) kernel="binary_conv" {
    (%a: bits<1;-1,1>[N,800,900]@LAYOUT, %v: bits<1;-1,1>[8,800,900])
    %y = binary_conv(%a, %v) strides=[1] pads=[0,0] dilations=[1] groups=1 : i32[N,8,1]@nhwc
    yield %y
  } : i32[N,8,1]@nhwc
  output %y as "y"
}"""


@pytest.mark.parametrize(("layout", "count"), [("words", 7), ("planes", 0)])
def test_planes_of_a_round_go_no_further(layout: str, count: int) -> None:
    """Those of all samples of a batch lie side by side in each channel."""
    graph = run_passes(parse(PLANES.replace("LAYOUT", layout)), [MemoryPlan()], cached(1))
    assert nodes_in_rounds(graph) == count


def test_the_check_finds_an_overlap() -> None:
    """With liveness ignored the same check fails: it is not vacuous."""
    text = """graph @g scheduled {
      input %x: f32[N,2] in input+0
      %a = softmax(%x) axis=1 : f32[N,2] in batch+0
      %b = softmax(%a) axis=1 : f32[N,2] in batch+64
      %c = softmax(%b) axis=1 : f32[N,2] in batch+OFFSET
      %y = concat([%a, %c]) axis=1 : f32[N,4] in output+0
      output %y as "y"
    }"""
    check_plan(parse(text.replace("OFFSET", "128")))
    for offset in ("0", "64"):
        with pytest.raises(AssertionError, match=r"is overlapped|was overwritten"):
            check_plan(parse(text.replace("OFFSET", offset)))


def test_places_are_as_low_as_liveness_allows() -> None:
    a, b, c, d = Buffer(128, 0, 1), Buffer(64, 1, 2), Buffer(64, 2, 3), Buffer(192, 4, 5)
    place([a, b, c, d])
    assert (a.offset, d.offset) == (0, 0)
    assert b.offset == 128
    assert c.offset == 0


def test_bits_between_words_and_planes_are_no_view() -> None:
    """Not even of single positions, where other layouts share their memory."""
    words = Value("x", TensorType((Batch(), 64, 1, 1), SIGN, Layout.WORDS))
    for layout in (Layout.WORDS, Layout.PLANES):
        result = Value("y", words.type.with_layout(layout))
        assert is_view(Node(Relayout(words, layout), (result,))) is (layout is Layout.WORDS)


def test_taking_a_place_does_not_look_through_all_memory() -> None:
    class Roots(dict[Value, Value]):
        def items(self) -> Any:
            raise AssertionError("asked for each value, this would be quadratic")

    region = 'fused([%{0}]) kernel="" {{ (%p: f32[N,4]) %q = relu(%p) : f32[N,4] yield %q }}'
    graph = parse(
        f"graph @g scheduled {{ input %x: f32[N,4] %a = {region.format('x')} : f32[N,4] "
        f"%b = {region.format('a')} : f32[N,4] %c = {region.format('b')} : f32[N,4] "
        'output %c as "c" }'
    )
    a, b, _ = (node.result for node in graph.nodes)
    reads = LastReads.of(graph)
    reads.live_in(a, a)
    assert reads.place(graph.nodes[1], b, Roots({a: a, b: b}), {graph.inputs[0]}) is a
    reads.live_in(b, a)
    assert reads.place(graph.nodes[1], b, Roots({a: a, b: b}), set()) is b
