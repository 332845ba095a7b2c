"""integer-products on random layers: whatever it takes keeps every bit, and grids are what they
say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from ir_support import ONE_KERNEL_EACH, assert_same, examples

from bnnc.ir import (
    F32,
    I8,
    U8,
    Batch,
    Builder,
    Graph,
    Output,
    Stage,
    TensorType,
    Value,
    interpret,
    parse,
)
from bnnc.ir.ops import (
    Add,
    Binarize,
    BinaryConv,
    BinaryGemm,
    Cast,
    Clip,
    Const,
    Conv,
    Decode,
    Floor,
    Gemm,
    MaxPool,
    Mul,
    Pad,
    Relu,
    Reshape,
    Round,
    Sub,
    Transpose,
)
from bnnc.ir.rewriting import Rewriter
from bnnc.passes import run_passes
from bnnc.passes.binarize import examine
from bnnc.passes.integer_products import IntegerProducts
from bnnc.passes.support.grids import find_grid
from bnnc.passes.threshold import Threshold

SETTINGS = examples(100)


@st.composite
def chains(draw: Any) -> Graph:
    """A map of bytes or floats, what quantizers and exporters do to it, and a product of ±alpha
    weights per channel; the product's operand is shown too."""
    builder = Builder()
    source = draw(st.sampled_from([U8, I8, F32]))
    start = Value("i", TensorType((Batch(), 2, 4, 3), source))
    x = builder.add(Cast(start, F32), "x") if source != F32 else start

    def constant(*choices: float) -> Value:
        return builder.add(Const.of(np.float32(draw(st.sampled_from(choices)))), "c")

    steps = {
        "mul": lambda v: Mul(v, constant(0.5, 2, 0.0078125, 1 / 255, -1)),
        "add": lambda v: Add(constant(1, -128, 0.5, 3), v),
        "sub": lambda v: Sub(v, constant(1, 128, 0.25)),
        "clip": lambda v: Clip(v, draw(st.sampled_from([-128.0, 0.0, -1.5, -4.0])), 127.0),
        "relu": Relu,
        "round": Round,
        "floor": Floor,
        "pad": lambda v: Pad(v, (0, 0, 1, 0), (0, 0, 0, 1), draw(st.sampled_from([0.0, 1.0]))),
        "pool": lambda v: MaxPool(v, (2, 2), (1, 1), (1, 0, 0, 1), (1, 1), False),
        "turn": lambda v: Transpose(v, (0, 1, 3, 2)),
    }
    for name in draw(st.lists(st.sampled_from(sorted(steps)), max_size=5)):
        x = builder.add(steps[name](x), name)
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    out, depth = 3, x.shape[1:]
    flat = draw(st.booleans())
    shape = (
        (out, int(np.prod([d for d in depth if isinstance(d, int)]))) if flat else (out, 2, 2, 2)
    )
    signs = rng.choice([-1.0, 1.0], shape) if draw(st.booleans()) else rng.integers(-1, 2, shape)
    alpha = rng.choice(draw(st.sampled_from([[1.0], [0.5, 2], [0.3, 0.7]])), out)
    w = builder.add(Const.of((signs.T * alpha).T.astype(np.float32)), "w")
    bias = None
    if draw(st.booleans()):
        bias = builder.add(Const.of(rng.standard_normal(out).astype(np.float32)), "b")
    if flat:
        y = builder.add(Gemm(builder.add(Reshape(x, (Batch(), shape[1])), "flat"), w, bias), "y")
    else:
        pads = draw(st.sampled_from([(0, 0, 0, 0), (1, 0, 0, 2)]))
        y = builder.add(Conv(x, w, bias, (1, 2), pads, (1, 1), 1), "y")
    outputs = (Output("y", y), Output("x", x))
    return Graph("g", (start,), tuple(builder.nodes), outputs, Stage.BINARIZED)


def _inputs(graph: Graph) -> dict[str, Any]:
    """Bytes with both ends of their range, floats up to a few hundreds."""
    (value,) = graph.inputs
    rng, shape = np.random.default_rng(4), value.type.concrete(3)
    if value.element == F32:
        return {value.name: (rng.standard_normal(shape) * 200).astype(np.float32)}
    info = np.iinfo(value.element.dtype)
    array = rng.integers(info.min, info.max + 1, shape)
    array[:, :, 0] = info.min
    array[:, :, 1] = info.max
    return {value.name: array.astype(info.dtype)}


@given(chains())
@SETTINGS
def test_every_bit_stays_where_nothing_may_round(graph: Graph) -> None:
    inputs = _inputs(graph)
    after = run_passes(graph, (IntegerProducts(exact=True),), ONE_KERNEL_EACH)
    products = [n.op for n in after.nodes if isinstance(n.op, (BinaryConv, BinaryGemm))]
    event("in integers" if products else "as floats")
    for op in products:
        assert op.x.element in (U8, I8)
    assert_same(interpret(graph, inputs), interpret(after, inputs))


@given(chains())
@SETTINGS
def test_sums_stay_within_float_rounding(graph: Graph) -> None:
    """Of what a sum of absolute products can be."""
    inputs = _inputs(graph)
    after = run_passes(graph, (IntegerProducts(),), ONE_KERNEL_EACH)
    expected, actual = interpret(graph, inputs), interpret(after, inputs)
    scale = 1 + 30 * float(np.abs(expected["x"]).max())
    np.testing.assert_allclose(actual["y"], expected["y"], rtol=0, atol=2e-7 * scale)


def _gemm(inputs: int, weight: float, exact: bool) -> bool:
    """Whether a product of bytes with weights of ±127 and another one becomes integers."""
    builder = Builder()
    start = Value("i", TensorType((Batch(), inputs), U8))
    w = np.full((1, inputs), 127, np.float32)
    w[0, 0] = weight
    x = builder.add(Cast(start, F32), "x")
    y = builder.add(Gemm(x, builder.add(Const.of(w), "w"), None), "y")
    graph = Graph("g", (start,), tuple(builder.nodes), (Output("y", y),), Stage.BINARIZED)
    after = run_passes(graph, (IntegerProducts(exact),), ONE_KERNEL_EACH)
    return any(isinstance(node.op, BinaryGemm) for node in after.nodes)


def test_sums_that_could_overflow_stay_float() -> None:
    """255 * 127 * 66,311 is the last below 2^31."""
    assert _gemm(66_311, 1, exact=False)
    assert not _gemm(66_312, 1, exact=False)


def test_sums_that_float32_rounds_are_not_exact() -> None:
    """255 * 127 * 518 is below 2^24, one more weight of 127 above."""
    assert _gemm(519, 1, exact=True)
    assert not _gemm(520, 1, exact=True)


@given(chains())
@SETTINGS
def test_grids_hold_every_element(graph: Graph) -> None:
    rw = Rewriter.over(graph)
    for node in graph.nodes:
        rw.copy(node)
    arrays: dict[Value, Any] = {}

    def observe(value: Value, array: Any) -> Any:
        arrays[value] = array
        return array

    interpret(graph, _inputs(graph), observe)
    for node in graph.nodes:
        for old in node.results:
            grid = find_grid(rw, rw.get(old))
            if grid is not None:
                integers = arrays[old].astype(np.float64) / grid.unit
                off = np.abs(integers - np.rint(integers))
                assert off.max() <= (0 if grid.exact else 1e-4)
                integers = np.rint(integers)
                assert grid.low <= integers.min()
                assert integers.max() <= grid.high


@pytest.mark.parametrize(("element", "low", "high"), [(U8, 0, 255), (I8, -128, 127)])
def test_a_first_layer_of_a_network_leads_to_bits_in_integers(
    element: Any, low: int, high: int
) -> None:
    """Cast, product, scale, sign: thresholds of counts, right at all of them."""
    builder = Builder()
    start = Value("i", TensorType((Batch(), 4), element))
    x = builder.add(Cast(start, F32), "x")
    w = np.array([[0.3, -0.3, 0.3, 0.3], [-0.7, -0.7, 0.7, -0.7]], np.float32)
    y = builder.add(Gemm(x, builder.add(Const.of(w), "w"), None), "y")
    shifted = Add(y, builder.add(Const.of(np.array([-30.1, 40.2], np.float32)), "c"))
    s = builder.add(Binarize(builder.add(shifted, "z"), 1), "s")
    out = builder.add(Decode(s), "d")
    graph = Graph("g", (start,), tuple(builder.nodes), (Output("d", out),), Stage.BINARIZED)
    after = run_passes(graph, (IntegerProducts(), Threshold()), ONE_KERNEL_EACH)
    assert not any(value.element == F32 for node in after.nodes[:-1] for value in node.results)
    rng = np.random.default_rng(1)
    inputs = {"i": rng.integers(low, high + 1, (20000, 4)).astype(element.dtype)}
    assert_same(interpret(graph, inputs), interpret(after, inputs))


def test_inspection_says_that_a_layer_runs_in_integers() -> None:
    graph = parse(
        """graph @g imported {
          input %i: u8[N,4]
          %w = const() data=[0.5, -0.5, 0.5, 0.5] element=f32 : f32[1,4]
          %x = cast(%i) to=f32 : f32[N,4]
          %y = gemm(%x, %w, none) : f32[N,1]
          output %y as "y"
        }"""
    )
    (verdict,) = examine(graph)
    assert not verdict.binarized
    assert "multiplied as integers" in verdict.reason
    assert verdict.bits == (8, 1)


def test_a_single_level_takes_a_bit() -> None:
    graph = parse(
        """graph @g imported {
          input %i: u8[N,4]
          %w = const() data=[1, 1, 1, 1] element=f32 : f32[1,4]
          %x = cast(%i) to=f32 : f32[N,4]
          %y = gemm(%x, %w, none) : f32[N,1]
          output %y as "y"
        }"""
    )
    (verdict,) = examine(graph)
    assert verdict.bits == (8, 1)


def test_integers_far_from_where_they_are_made_are_floats() -> None:
    """A chain longer than Python's stack is deep."""
    builder = Builder()
    start = Value("i", TensorType((Batch(), 8), U8))
    value = builder.add(Cast(start, F32), "x")
    one = builder.add(Const.of(np.float32(1)), "one")
    for number in range(1500):
        value = builder.add(Relu(value) if number % 2 else Add(value, one), "x")
    w = builder.add(Const.of(np.ones((2, 8), np.float32)), "w")
    y = builder.add(Gemm(value, w, None), "y")
    graph = Graph("g", (start,), tuple(builder.nodes), (Output("y", y),), Stage.BINARIZED)
    after = run_passes(graph, (IntegerProducts(),), ONE_KERNEL_EACH)
    assert any(isinstance(node.op, Gemm) for node in after.nodes)
