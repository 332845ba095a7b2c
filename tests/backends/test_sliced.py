"""Pixel-sliced convolutions against their definition, bit for bit, on every code path."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import Golden
from emitted_code import hot_block, loop_facts
from hypothesis import given
from hypothesis import strategies as st
from kernel_cases import NAMES, asked_for, by_target, joined, per_case
from library_support import X86_PATHS, scheduled
from sliced_cases import Layer, Packed

from bnnc.backends import targets as backends
from bnnc.backends.codegen.fused_region import anchor_of
from bnnc.backends.cost_model import PredictedCost
from bnnc.backends.interface import Choice
from bnnc.backends.llvm import LlvmBackend
from bnnc.backends.llvm.kernels.sliced.majority_sums import MajorityPlan
from bnnc.ir.ops import BinaryConv, Fused
from bnnc.runtime.weight_layouts import FIVE_FORMS, FORMS, Fives

GOLDEN = Path(__file__).parent / "golden" / "llvm"
LAYERS = {
    "tiny": Layer(2, 1, size=(1, 3), kernel=(1, 1)),
    "odd": Layer(3, 5, size=(5, 7)),
    "even": Layer(4, 16, size=(8, 8)),
    "one_word": Layer(20, 17, size=(7, 7)),
    "wide": Layer(9, 65, size=(3, 150)),
    "tall": Layer(9, 24, size=(70, 3)),
    "chunks": Layer(70, 40, size=(9, 9)),
    "stripes": Layer(16, 200, size=(12, 12)),
    "pointwise": Layer(130, 33, kernel=(1, 1)),
    "row": Layer(11, 16, kernel=(1, 5)),
    "five": Layer(7, 16, kernel=(5, 5)),
    "seven": Layer(5, 8, size=(9, 20), kernel=(7, 7)),
    "dilated": Layer(8, 24, dilations=(3, 2)),
    "shifted": Layer(8, 24, pads=(0, 2)),
    "zeros": Layer(33, 20, ternary=True),
    "zeros_five": Layer(6, 9, size=(5, 40), kernel=(5, 5), ternary=True),
    "lanes": Layer(9, 20, size=(9, 7), lanes=True),
    "lanes_bytes": Layer(70, 70, size=(8, 8), lanes=True),
    "lanes_stripes": Layer(16, 150, size=(5, 30), lanes=True),
    "lanes_zeros": Layer(40, 64, ternary=True, lanes=True),
    "lanes_long": Layer(300, 16, size=(6, 6), kernel=(5, 5), lanes=True),
    "tree_tiny": Layer(2, 3, size=(1, 3), kernel=(1, 1), tree=True),
    "tree_odd": Layer(3, 5, size=(5, 7), tree=True),
    "tree_one_word": Layer(20, 17, size=(7, 7), tree=True),
    "tree_chunks": Layer(70, 40, size=(9, 9), kernel=(5, 5), tree=True),
    "tree_stripes": Layer(16, 200, size=(12, 12), tree=True),
    "tree_equal": Layer(16, 70, size=(12, 12), tree=True, same=True),
    "tree_pointwise": Layer(130, 33, kernel=(1, 1), tree=True),
    "tree_seven": Layer(5, 8, size=(9, 20), kernel=(7, 7), tree=True),
    "tree_zeros": Layer(33, 70, ternary=True, tree=True),
    "tree_lanes": Layer(9, 20, size=(9, 7), lanes=True, tree=True),
    "tree_lanes_stripes": Layer(30, 150, size=(5, 30), lanes=True, tree=True),
    "tree_lanes_zeros": Layer(40, 64, ternary=True, lanes=True, tree=True),
}
CASES = {name: layer.text() for name, layer in LAYERS.items()} | {
    f"{name}_full": replace(LAYERS[name], bits=0).text()
    for name in ("odd", "one_word", "wide", "chunks", "zeros", "lanes_bytes", "lanes_zeros")
}
WIDE_TREES = ("tree_odd", "tree_chunks", "tree_zeros", "tree_lanes_stripes")
NAMED = CASES | {f"{name}_wide": CASES[name] for name in WIDE_TREES}
"""Those in the vectors of the target are made with it."""


@pytest.fixture(scope="module", params=by_target(*NAMES))
def cases(request: pytest.FixtureRequest) -> Packed:
    path = X86_PATHS.get(request.param) or backends.TARGETS[request.param]
    bits = path.plane_bits
    wide = {f"{name}_wide": replace(LAYERS[name], bits=bits).text() for name in WIDE_TREES}
    return Packed(asked_for(request, CASES | wide), request.param, strict=False)


@pytest.mark.sampled(per=per_case(NAMED))
@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize(("batch", "pieces"), [(1, 0), (4, 3), (17, 0)])
def test_sliced_convolutions_bit_for_bit(cases: Packed, name: str, batch: int, pieces: int) -> None:
    cases.assert_equal(name, batch, pieces)


@given(
    channels=st.integers(2, 40),
    out=st.integers(1, 5),
    kernel=st.sampled_from([(1, 1), (3, 3), (1, 2), (5, 1), (4, 4), (1, 7), (7, 7)]),
    seed=st.integers(0, 99),
)
def test_a_program_counts_mismatches(
    channels: int, out: int, kernel: tuple[int, int], seed: int
) -> None:
    """Twice the majorities that a channel names, and the parity, are its mismatches."""
    layer = Layer(channels, out, size=(4, 4), kernel=kernel, pads=(0, 0), bits=128)
    graph = scheduled(joined({"one": layer.text()}), strict=False)
    (op,) = [node.op for node in graph.nodes if isinstance(node.op, Fused)]
    plan = MajorityPlan.of(anchor_of(op, BinaryConv), 128)
    assert plan is not None
    random = np.random.default_rng(seed)
    weights = random.integers(0, 2, (out, channels, *kernel)).astype(np.uint8)
    inputs = random.integers(0, 2, plan.inputs)
    layout = plan.layout(scales=True)
    program = layout.array(weights.reshape(out, -1)) // FORMS
    signs = layout.parities(weights.reshape(out, -1))
    queue = [*inputs, *[0] * (plan.groups + 3)]
    counts = np.zeros(out, int)
    for group in range(plan.groups):
        planes = queue[3 * group : 3 * group + 3]
        chunk, place = divmod(group, plan.chunk)
        for channel in range(out):
            form = program[chunk, channel, place]
            counts[channel] += sum(p ^ (form >> i & 1) for i, p in enumerate(planes)) >= 2
        queue[plan.inputs + group] = sum(planes) % 2
    parity = queue[plan.inputs + plan.groups - 1] ^ signs
    expected = (weights.reshape(out, -1) != inputs).sum(axis=1)
    np.testing.assert_array_equal(2 * counts + parity, expected)


@given(
    channels=st.integers(1, 40),
    out=st.integers(1, 5),
    taps=st.integers(1, 9),
    chunk=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_a_program_of_fives_counts_mismatches(
    channels: int, out: int, taps: int, chunk: int, seed: int
) -> None:
    """Twice the two planes that a channel names of each group, and the parity."""
    layout = Fives(out, max(2, channels * taps), chunk, 16)
    random = np.random.default_rng(seed)
    weights = random.integers(0, 2, layout.shape).astype(np.uint8)
    inputs = random.integers(0, 2, layout.inputs)
    program = layout.array(weights)[::-1]
    queue = [*inputs, *[0] * (layout.groups + 5)]
    counts = np.zeros(out, int)
    for group in range(layout.groups):
        a, b, c, d, e = queue[5 * group : 5 * group + 5]
        number, place = divmod(group, chunk)
        for channel in range(out):
            named = int(program[number, channel, place])
            first, apart = (at // 16 - FIVE_FORMS * place for at in (named & 0xFFFF, named >> 16))
            signs = 2 * (apart - FORMS)
            three = (a ^ first & 1) + (b ^ first >> 1 & 1) + (c ^ first >> 2 & 1)
            turned = a + (b ^ signs >> 1 & 1) + (c ^ signs >> 2 & 1)
            pair = turned % 2 + (d ^ signs >> 3 & 1) + (e ^ signs >> 4 & 1)
            differs = (turned >= 2) != (pair >= 2)
            counts[channel] += int(three >= 2) + int((three >= 2) != differs)
        queue[layout.inputs + group] = (a + b + c + d + e) % 2
    parity = queue[layout.inputs + layout.groups - 1] ^ layout.parities(weights)
    np.testing.assert_array_equal(2 * counts + parity, (weights != inputs).sum(axis=1))


def _choices(text: str, target: str) -> list[Choice]:
    graph = scheduled(joined({"one": text}), strict=False)
    (op,) = [node.op for node in graph.nodes if isinstance(node.op, Fused)]
    return [*PredictedCost(backends.TARGETS[target], LlvmBackend().kernels).choices(op)]


def test_candidates_are_the_widths_of_the_target() -> None:
    text = Layer(8, 8, bits=0).text()
    assert [str(c) for c in _choices(text, "x86-64-v4")] == [
        "binary_conv_sliced bits=512",
        "binary_conv_sliced bits=256",
        "binary_conv_sliced bits=128",
    ]
    assert [str(c) for c in _choices(text, "arm64")] == [
        "binary_conv_sliced bits=256",
        "binary_conv_sliced bits=128",
    ]
    deep = Layer(800, 64, bits=0).text()
    assert [str(c) for c in _choices(deep, "x86-64-v4")] == [
        "binary_conv_sliced bits=256",
        "binary_conv_sliced bits=128",
    ]


@pytest.mark.parametrize(
    "layer",
    [
        Layer(8, 8, kernel=(11, 11), size=(20, 20)),
        Layer(1, 8, kernel=(1, 1)),
        Layer(8000, 16, kernel=(5, 5)),
    ],
)
def test_refuses_what_does_not_fit(layer: Layer) -> None:
    assert not _choices(layer.text(), "x86-64-v3")


@pytest.mark.parametrize("name", ["x86-64-v2", "x86-64-v3", "x86-64-v4", "arm64"])
def test_instructions_of_the_inner_loop(name: str, golden: Golden) -> None:
    """What one channel costs in one chunk: its loads, adders and the upkeep of its sum."""
    graph = scheduled(joined({"one": Layer(64, 64, size=(56, 56), bits=0).text()}), strict=False)
    lowered = LlvmBackend().lower(graph, backends.TARGETS[name])
    assembly = lowered.emit("asm", "m", b"{}").decode()
    facts = loop_facts(hot_block(assembly, "movzbl|bsl|bit|bif"))
    golden.check(GOLDEN / f"sliced-loop.{name}.txt", facts)


@pytest.mark.parametrize("name", ["x86-64-v2", "x86-64-v3", "x86-64-v4", "arm64"])
def test_instructions_of_the_chain(name: str, golden: Golden) -> None:
    """Eight additions from a list: an offset, a plane and an adder each."""
    bits = backends.TARGETS[name].plane_bits
    layer = Layer(64, 64, size=(56, 56), bits=bits, tree=True)
    graph = scheduled(joined({"one": layer.text()}), strict=False)
    lowered = LlvmBackend().lower(graph, backends.TARGETS[name])
    assembly = lowered.emit("asm", "m", b"{}").decode()
    golden.check(
        GOLDEN / f"sliced-chain.{name}.txt", loop_facts(hot_block(assembly, "movzwl|ldrh"))
    )


@pytest.mark.parametrize(("out", "resident"), [(7, 16), (40, 48), (100, 128)])
def test_the_stack_holds_only_sums_of_existing_channels(out: int, resident: int) -> None:
    graph = scheduled(joined({"one": Layer(16, out, bits=512).text()}), strict=False)
    (op,) = [node.op for node in graph.nodes if isinstance(node.op, Fused)]
    plan = MajorityPlan.of(anchor_of(op, BinaryConv), 512)
    assert plan is not None
    assert plan.resident == resident


@pytest.mark.parametrize("name", ["x86-64-v2", "x86-64-v3", "x86-64-v4", "arm64"])
@pytest.mark.parametrize(("share", "tree"), [(0.2, True), (0.9, False)])
def test_a_tree_is_chosen_by_its_distances(name: str, share: float, tree: bool) -> None:
    """Only the estimates decide, from the annotation."""
    inputs = 128 * 9
    distances = [inputs, *[int(share * inputs)] * 63] * 2
    parents = [-1, *[0] * 63, -1, *[64] * 63]
    text = Layer(128, 128, size=(28, 28), bits=0).text()
    text = text.replace("groups=1", f"groups=1 parents={parents} distances={distances}")
    graph = scheduled(joined({"one": text}), strict=False)
    (op,) = [node.op for node in graph.nodes if isinstance(node.op, Fused)]
    best = PredictedCost(backends.TARGETS[name], LlvmBackend().kernels).cheapest(op)
    assert best is not None
    assert bool(best.choice.get("tree", 0)) == tree
