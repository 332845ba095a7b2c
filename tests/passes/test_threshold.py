"""Thresholds at every count that a layer can reach, fed through the layer itself."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ir_support import assert_same, examples

from bnnc.ir import (
    SIGN,
    TERNARY,
    Batch,
    Builder,
    Graph,
    Output,
    Stage,
    TensorType,
    Value,
    interpret,
    ops,
)
from bnnc.ir.ops import (
    Add,
    Binarize,
    BinaryConv,
    BinaryGemm,
    Cast,
    Clip,
    Const,
    Decode,
    MaxPool,
    Mul,
    PRelu,
    Relu,
    Sub,
)
from bnnc.ir.types import F32, U8
from bnnc.passes import run_passes
from bnnc.passes.threshold import (
    Counts,
    Step,
    Threshold,
    find_chain,
    reachable,
    step_function,
    tabulate,
)

SETTINGS = examples(100)
FLOATS = st.floats(-4, 4, width=32) | st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 1e-30, -1e30])


@st.composite
def chains(draw: st.DrawFn) -> tuple[list[tuple[str, list[float]]], int, int]:
    """Operators with a constant per channel, the number of channels, the sign's value at 0."""
    channels = draw(st.integers(1, 4))
    constant = st.lists(FLOATS, min_size=channels, max_size=channels)
    kinds = st.sampled_from("mul add sub prelu clip relu".split())
    steps = draw(st.lists(st.tuples(kinds, constant), max_size=4))
    return steps, channels, draw(st.sampled_from([-1, 0, 1]))


def with_chain(
    builder: Builder, count: Value, steps: list[tuple[str, list[float]]], zero: int
) -> Graph:
    """cast, the chain, binarize, decode after a count [N, C, ..]."""
    x = builder.add(Cast(count, F32), "f")
    shape = (-1, *[1] * (count.type.rank - 2))
    for kind, numbers in steps:
        constant = np.array(numbers, np.float32).reshape(shape)
        if kind == "clip":
            x = builder.add(Clip(x, -abs(numbers[0]), abs(numbers[-1])), "clip")
        elif kind == "relu":
            x = builder.add(Relu(x), "relu")
        else:
            op: Any = {"mul": Mul, "add": Add, "sub": Sub, "prelu": PRelu}[kind]
            x = builder.add(op(x, builder.add(Const.of(constant), "c")), kind)
    return shown(builder, builder.add(Binarize(x, zero), "s"))


def shown(builder: Builder, bits: Value) -> Graph:
    """The graph that decodes bits, over the value %x."""
    y = builder.add(Decode(bits), "y")
    inputs = tuple(dict.fromkeys(v for n in builder.nodes for v in n.op.operands if v.name == "x"))
    return Graph("g", inputs, tuple(builder.nodes), (Output("y", y),), Stage.BINARIZED)


def every_count(width: int, ternary: bool) -> Any:
    """Rows of codes [.., width] whose sums are all that ``width`` values can have."""
    rows = []
    for plus in range(width + 1):
        for zeros in range(width + 1 - plus) if ternary else (0,):
            row = [1] * plus + [0] * zeros + [-1] * (width - plus - zeros)
            rows.append(row)
    signs = np.array(rows, np.int8)
    return signs if ternary else (signs > 0).astype(np.uint8)


@given(chains(), st.sampled_from([1, 2, 3, 8, 17]), st.booleans())
@SETTINGS
@example(([("mul", [-1.0]), ("add", [3.0])], 1, 0), 3, False)
@example(([("add", [-1.0])], 1, 0), 2, True)
@example(([("prelu", [-0.5]), ("sub", [1.0])], 1, 1), 8, False)
@example(([("mul", [0.0])], 1, 1), 3, False)
@example(([("mul", [1e30]), ("mul", [1e30]), ("sub", [1e30])], 1, 0), 3, False)
def test_products_at_every_count(
    chain: tuple[list[tuple[str, list[float]]], int, int], width: int, ternary: bool
) -> None:
    steps, channels, zero = chain
    builder = Builder(names={"x"})
    x = Value("x", TensorType((Batch(), width), TERNARY if ternary else SIGN))
    codes = np.random.default_rng(channels).integers(0, 2, (channels, width)).astype(np.uint8)
    codes[0] = 1  # x of channel 0 reaches each count; the others are permuted
    w = builder.add(Const.of(codes, SIGN), "w")
    graph = with_chain(builder, builder.add(BinaryGemm(x, w), "n"), steps, zero)
    after = run_passes(graph, (Threshold(),))
    rows = every_count(width, ternary)
    assert_same(interpret(graph, {"x": rows}), interpret(after, {"x": rows}))


@given(chains(), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2), st.booleans())
@SETTINGS
def test_convolutions_at_every_count_of_every_border(
    chain: tuple[list[tuple[str, list[float]]], int, int],
    kernel: int,
    pad: int,
    channels_in: int,
    pooled: bool,
) -> None:
    """All inputs of a small map: each border class meets each of its counts."""
    steps, channels, zero = chain
    builder = Builder(names={"x"})
    size = 4
    x = Value("x", TensorType((Batch(), channels_in, size), SIGN))
    generator = np.random.default_rng(kernel)
    codes = generator.integers(0, 2, (channels, channels_in, kernel)).astype(np.uint8)
    w = builder.add(Const.of(codes, SIGN), "w")
    n = builder.add(BinaryConv(x, w, (1,), (pad, pad), (1,)), "n")
    graph = with_chain(builder, n, steps, zero)
    if pooled:
        graph = pool_before_the_sign(graph)
    after = run_passes(graph, (Threshold(),))
    numbers = np.arange(1 << (channels_in * size))[:, None]
    bits = (numbers >> np.arange(channels_in * size)) & 1
    rows = bits.reshape(-1, channels_in, size).astype(np.uint8)
    assert_same(interpret(graph, {"x": rows}), interpret(after, {"x": rows}))


def pool_before_the_sign(graph: Graph) -> Graph:
    """The same chain with a max pool in its middle."""
    builder = Builder()
    middle = next(
        (n for n in graph.nodes if n.op.mnemonic() in ("add", "sub", "prelu")), graph.nodes[-3]
    )
    for node in graph.nodes:
        builder.copy(node)
        if node is middle:
            pool = MaxPool(node.result, (2,), (1,), (0, 0), (1,))
            pooled = builder.add(pool, "pooled")
            builder.put(node.result, pooled)
    nodes = builder.nodes
    last = nodes[-1].result
    return Graph("g", graph.inputs, tuple(nodes), (Output("y", last),), Stage.BINARIZED)


def test_neighbours_of_the_threshold() -> None:
    """t - 1 and t in every channel, for K that no float16 or int16 holds."""
    width, channels = 70001, 3
    builder = Builder(names={"x"})
    x = Value("x", TensorType((Batch(), width), SIGN))
    w = builder.add(Const.of(np.ones((channels, width), np.uint8), SIGN), "w")
    scale, bias = np.float32([0.1, -0.1, 1]), np.float32([-3.3, 3300.7, -69999])
    steps = [("mul", list(scale)), ("add", list(bias))]
    graph = with_chain(builder, builder.add(BinaryGemm(x, w), "n"), steps, 1)
    after = run_passes(graph, (Threshold(),))
    (threshold,) = [n.op for n in after.nodes if isinstance(n.op, ops.Threshold)]
    (t,) = [n.op.array for n in after.nodes if n.result is threshold.thresholds]
    rows = np.zeros((2 * channels, width), np.uint8)
    for row, count in enumerate([c for v in t for c in (v - 2, v)]):
        rows[row, : (width + count) // 2] = 1
    expected = interpret(graph, {"x": rows})["y"]
    np.testing.assert_array_equal(interpret(after, {"x": rows})["y"], expected)
    for channel in range(channels):
        below, above = expected[2 * channel : 2 * channel + 2, channel]
        assert below != above


@pytest.mark.parametrize(
    ("pads", "dilation", "size", "expected"),
    [
        (0, 1, 4, [-6, -4, -2, 0, 2, 4, 6]),
        (1, 1, 4, [-6, -4, -2, 0, 2, 4, 6]),
        (2, 1, 4, [-6, -4, -2, 0, 2, 4, 6]),
        (1, 1, 1, [-2, 0, 2]),
        (2, 2, 1, [-2, 0, 2]),
        (3, 1, 1, [-2, 0, 2]),
    ],
)
def test_reachable_counts(pads: int, dilation: int, size: int, expected: list[int]) -> None:
    """Two channels, three taps: 6 products inside, fewer at the border, none over padding only."""
    builder = Builder(names={"x"})
    x = Value("x", TensorType((Batch(), 2, size), SIGN))
    w = builder.add(Const.of(np.ones((1, 2, 3), np.uint8), SIGN), "w")
    n = builder.add(BinaryConv(x, w, (1,), (pads, pads), (dilation,)), "n")
    graph = Graph("g", (x,), tuple(builder.nodes), (Output("n", n),), Stage.BINARIZED)
    counts = reachable(graph, n)
    assert counts.values().tolist() == expected
    assert len(counts) == len(expected)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (Counts((3,), 1), [-3, -2, -1, 0, 1, 2, 3]),
        (Counts((0,), 2), [0]),
        (Counts((4, 1), 2), [-4, -2, -1, 0, 1, 2, 4]),
        (Counts((2, 3), 2), [-3, -2, -1, 0, 1, 2, 3]),
    ],
)
def test_counts_are_listed_in_order(counts: Counts, expected: list[int]) -> None:
    assert counts.values().tolist() == expected
    assert len(counts) == len(expected)


def test_too_many_counts_are_never_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """70,000 bytes reach 36 million: to list them took longer than to compile the network."""
    builder = Builder(names={"x"})
    x = Value("x", TensorType((Batch(), 70000), U8))
    w = builder.add(Const.of(np.ones((2, 70000), np.uint8), SIGN), "w")
    n = builder.add(BinaryGemm(x, w), "n")
    s = builder.add(Binarize(builder.add(Cast(n, F32), "f"), 1), "s")
    graph = Graph("g", (x,), tuple(builder.nodes), (Output("s", s),), Stage.BINARIZED)
    monkeypatch.delattr(Counts, "values")
    chain = find_chain(graph, graph.nodes[-1])
    assert chain is not None
    assert tabulate(graph, chain, graph.nodes[-1]) == (
        "35700001 counts of 2 channels are too many to look at"
    )


@given(st.lists(st.lists(st.sampled_from([-1, 0, 1]), min_size=5, max_size=5), min_size=1))
@settings(max_examples=200)
def test_step_functions(columns: list[list[int]]) -> None:
    """A step function is found exactly when there is one, and it is the right one."""
    counts = np.array([-9, -4, 0, 1, 7], np.int32)
    signs = np.array(columns, np.int8).T
    step = step_function(counts, signs, np.zeros(signs.shape[1], np.bool_))
    possible = all(
        0 not in c and sum(a != b for a, b in itertools.pairwise(c)) < 2 for c in columns
    )
    assert isinstance(step, Step) == possible
    if isinstance(step, Step):
        bits = (counts[:, None] >= step.thresholds) ^ step.flip
        np.testing.assert_array_equal(np.where(bits, 1, -1), signs)
