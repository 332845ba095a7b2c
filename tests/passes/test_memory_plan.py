"""The memory plan on random networks: nothing is overwritten while somebody still reads it."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from ir_support import ONE_KERNEL_EACH
from random_graphs import networks

from bnnc.ir import SIGN, Batch, Graph, Layout, Node, Slot, TensorType, Value, parse
from bnnc.ir.memory import ALIGNMENT
from bnnc.ir.ops import Const, Relayout
from bnnc.ir.types import sample_bytes
from bnnc.passes import pipelines, run_passes
from bnnc.passes.memory_plan import Buffer, is_view, place

EXAMPLES = int(os.environ.get("BNNC_EXAMPLES", "40"))


class Memory:
    """What each byte of each arena holds, by the value that wrote it."""

    def __init__(self) -> None:
        self.held: dict[str, list[tuple[int, int, Value]]] = {}

    def write(self, slot: Slot, size: int, value: Value) -> None:
        end = slot.offset + size
        old = self.held.get(slot.arena, [])
        kept = [e for e in old if e[1] <= slot.offset or end <= e[0]]
        self.held[slot.arena] = [*kept, (slot.offset, end, value)]

    def holds(self, slot: Slot, size: int, value: Value) -> bool:
        return (slot.offset, slot.offset + size, value) in self.held.get(slot.arena, [])


def extent(value: Value) -> int:
    """Bytes of a value for one sample; a buffer of the caller's is a place of its own."""
    assert value.slot is not None
    return sample_bytes(value.type) if value.slot.arena in ("batch", "fixed") else 1


def check_plan(graph: Graph) -> None:
    """Run the plan on a memory that remembers who wrote what."""
    memory = Memory()
    roots: dict[Value, Value] = {}
    constants = {n.result for n in graph.nodes if isinstance(n.op, Const)}
    for index, value in enumerate(graph.inputs):
        assert value.slot == Slot("input", index)
        roots[value] = value
        memory.write(value.slot, extent(value), value)
    for node in graph.nodes:
        if isinstance(node.op, Const):
            assert node.result.slot is None
            continue
        read = [v for v in node.op.operands if v not in constants]
        for value in read:
            assert value.slot is not None
            root = roots[value]
            assert memory.holds(value.slot, extent(root), root), f"%{value.name} was overwritten"
        for value in node.results:
            slot = value.slot
            assert slot is not None
            assert slot.arena != "input" or is_view(node)
            assert slot.offset % ALIGNMENT == 0 or slot.arena in ("input", "output")
            if read and is_view(node) and slot == read[0].slot:
                roots[value] = roots[read[0]]
                continue
            roots[value] = value
            memory.write(slot, extent(value), value)
        for value in (*read, *node.results):
            assert value.slot is not None
            root = roots[value]
            assert memory.holds(value.slot, extent(root), root), f"%{value.name} is overlapped"
    for index, output in enumerate(graph.outputs):
        value = output.value
        assert value.slot == Slot("output", index)
        assert memory.holds(value.slot, 1, roots[value])


@given(networks(dyadic=True))
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
def test_nothing_is_overwritten(graph: Graph) -> None:
    check_plan(run_passes(graph, pipelines.default(), ONE_KERNEL_EACH))


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
