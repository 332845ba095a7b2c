"""Activations u*s + v and weights p*t + q, weights of three values, scales per input channel: on
bits, and equal to the float product where float32 arithmetic is exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ir_support import ONE_KERNEL_EACH, assert_same

from bnnc.ir import Batch, Builder, Graph, Output, TensorType, Value, interpret
from bnnc.ir.ops import (
    Add,
    BinaryConv,
    BinaryGemm,
    Clip,
    Const,
    Conv,
    Equal,
    Gemm,
    MaxPool,
    Mul,
    Neg,
    PRelu,
    Relu,
    Reshape,
    Sign,
    Sub,
    Transpose,
    Where,
)
from bnnc.passes import pipelines, run_passes
from bnnc.passes.binarize import Binarize, examine

Form = Callable[[Builder, Value], Value]


def const(b: Builder, array: Any) -> Value:
    return b.add(Const.of(np.asarray(array, np.float32)), "c")


def zero_one(b: Builder, s: Value) -> Value:
    return b.add(Relu(s), "v")


def affine(scale: Any, offset: Any) -> Form:
    def build(b: Builder, s: Value) -> Value:
        return b.add(Add(const(b, offset), b.add(Mul(s, const(b, scale)), "m")), "v")

    return build


def masked(b: Builder, s: Value) -> Value:
    """{-1, +1} to {0, +1} as attention masks are written."""
    is_minus = b.add(Equal(s, const(b, -1)), "e")
    return b.add(Where(is_minus, const(b, 0), s), "v")


def negated(b: Builder, s: Value) -> Value:
    return b.add(Sub(const(b, 0.5), b.add(Neg(s), "n")), "v")


def leaky(b: Builder, s: Value) -> Value:
    return b.add(PRelu(s, const(b, 0.25)), "v")


def per_channel(b: Builder, s: Value) -> Value:
    """A scale and an offset for each channel."""
    shape = (-1, *[1] * (s.type.rank - 2))
    scale = 2.0 ** (np.arange(s.shape[1]) % 3 - 1)
    scaled = b.add(Mul(s, const(b, scale.reshape(shape))), "m")
    return b.add(Add(scaled, const(b, (np.arange(s.shape[1]) % 2 * 0.5).reshape(shape))), "v")


def either_way(b: Builder, s: Value) -> Value:
    """{0, 1} and {-1, 0} in turns of channels."""
    offset = (0.5 - np.arange(s.shape[1]) % 2).reshape(-1, *[1] * (s.type.rank - 2))
    return b.add(Add(b.add(Mul(s, const(b, 0.5)), "m"), const(b, offset)), "v")


FORMS: dict[str, Form] = {
    "plain": lambda b, s: s,
    "zero_one": zero_one,
    "zero_a": affine(0.25, 0.25),
    "minus_a_zero": affine(0.5, -0.5),
    "negative_scale": affine(-2, 0),
    "adabin": affine(0.5, 0.125),
    "masked": masked,
    "negated": negated,
    "leaky": leaky,
    "clipped": lambda b, s: b.add(Clip(s, 0, 0.5), "v"),
    "falling": lambda b, s: b.add(Sub(const(b, 1), s), "v"),
    "per_channel": per_channel,
    "either_way": either_way,
}
OF_CHANNELS = ("per_channel", "either_way")
"""Forms whose values differ from channel to channel, which a transpose then may not move."""


def weights(kind: str, shape: tuple[int, ...], generator: Any, divide: Any = 1) -> Any:
    """Dyadic weights [O, I/groups, ..]."""
    signs = generator.integers(0, 2, shape) * 2.0 - 1
    column = (-1, *[1] * (len(shape) - 1))
    alpha = (2.0 ** (np.arange(shape[0]) % 3 - 1)).reshape(column)
    out = {
        "alpha": alpha * signs,
        "zero_one": (signs + 1) / 2,
        "zero_alpha": alpha * (1 - signs) / 2,
        "two_valued": alpha * signs + 0.25 * (np.arange(shape[0]) % 3).reshape(column),
        "ternary": alpha * generator.integers(-1, 2, shape),
        "two_scales": np.maximum(3 * alpha * (trits := generator.integers(-1, 2, shape)), trits),
        "three_valued": alpha * np.array([-1, 0.25, 2])[generator.integers(0, 3, shape)],
    }[kind]
    return (out / divide).astype(np.float32)


KINDS = (
    "alpha", "zero_one", "zero_alpha", "two_valued", "ternary", "two_scales", "three_valued",
)  # fmt: skip


def conv_graph(draw: Any, form: str, kind: str) -> Graph:
    """Pool, form, perhaps a pad, and a convolution of any shape."""

    def pick(*choices: Any) -> Any:
        return draw(st.sampled_from(choices))

    generator = np.random.default_rng(draw(st.integers(0, 999)))
    rank = pick(3, 4)
    groups, per_group, outs = pick((1, 5, 6), (2, 3, 2), (3, 1, 1), (1, 40, 3), (2, 33, 2))
    channels = groups * per_group
    kernel = tuple(pick(1, 2, 3) for _ in range(rank - 2))
    if kind != "alpha" and per_group * int(np.prod(kernel)) < 4:
        kernel = (3,) * (rank - 2)
        per_group = max(per_group, 2)
        channels = groups * per_group
    b = Builder()
    x = Value("x", TensorType((Batch(), channels, *[7] * (rank - 2))))
    s = b.add(Sign(x, pick(-1, 1) if form == "leaky" else pick(-1, 0, 1)), "s")
    if form not in ("negative_scale", "falling") and draw(st.booleans()):
        window = (pick(2, 3),) * (rank - 2)
        ones = (1,) * (rank - 2)
        s = b.add(MaxPool(s, window, ones, (pick(0, 1),) * 2 * (rank - 2), ones), "pooled")
    v = FORMS[form](b, s)
    scale = 2.0 ** (np.arange(channels) % 3 - 1) if form == "per_channel" else np.ones(channels)
    rows = np.repeat(scale.reshape(groups, -1), outs, axis=0)
    shape = (groups * outs, per_group, *kernel)
    w = weights(kind, shape, generator, rows.reshape(*shape[:2], *[1] * (rank - 2)))
    bias = const(b, generator.integers(-3, 4, groups * outs)) if draw(st.booleans()) else None
    pads = tuple(pick(0, 1, 2) for _ in range(2 * (rank - 2)))
    strides, dilations = ((pick(1, 2),) * (rank - 2) for _ in range(2))
    y = b.add(Conv(v, const(b, w), bias, strides, pads, dilations, groups), "y")
    return Graph("g", (x,), tuple(b.nodes), (Output("y", y),))


def gemm_graph(draw: Any, form: str, kind: str) -> Graph:
    """A product over a vector or a flattened map, in either order of its axes."""
    generator = np.random.default_rng(draw(st.integers(0, 999)))
    b = Builder()
    flat = draw(st.sampled_from(("vector", "map", "last")))
    size = (2, 3) if flat != "vector" else ()
    x = Value("x", TensorType((Batch(), 10, *size)))
    zeros = (-1, 1) if form == "leaky" else (-1, 0, 1)
    v = FORMS[form](b, b.add(Sign(x, draw(st.sampled_from(zeros))), "s"))
    channel = 2.0 ** (np.arange(10) % 3 - 1) if form == "per_channel" else np.ones(10)
    if flat == "last" and form not in OF_CHANNELS:
        v = b.add(Transpose(v, (0, 2, 3, 1)), "t")
    if size:
        v = b.add(Reshape(v, (Batch(), 60)), "f")
    w = weights(kind, (4, v.shape[1]), generator, np.repeat(channel, v.shape[1] // 10))
    y = b.add(Gemm(v, const(b, w), const(b, [1, -2, 0, 0.5])), "y")
    return Graph("g", (x,), tuple(b.nodes), (Output("y", y),))


def check(graph: Graph) -> None:
    """One layer, on bits, equal in every bit from import to schedule; zeros at the sign occur."""
    (verdict,) = examine(run_passes(graph, pipelines.recognition(), ONE_KERNEL_EACH))
    assert verdict.binarized, verdict.reason
    generator = np.random.default_rng(1)
    shape = graph.inputs[0].type.concrete(2)
    inputs = {"x": generator.integers(-1, 2, shape).astype(np.float32)}
    expected = interpret(graph, inputs)
    for step in pipelines.default(exact_float=True):
        graph = run_passes(graph, (step,), ONE_KERNEL_EACH)
        assert_same(expected, interpret(graph, inputs))
        if isinstance(step, Binarize):
            ops = [n.op for n in graph.nodes]
            assert any(isinstance(op, (BinaryConv, BinaryGemm)) for op in ops)
            assert not any(isinstance(op, (Conv, Gemm)) for op in ops)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
@settings(max_examples=5, suppress_health_check=list(HealthCheck), deadline=None)
def test_convolutions(form: str, kind: str, data: Any) -> None:
    check(conv_graph(data.draw, form, kind))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
@settings(max_examples=2, suppress_health_check=list(HealthCheck), deadline=None)
def test_products(form: str, kind: str, data: Any) -> None:
    check(gemm_graph(data.draw, form, kind))


def at_zero(form: Form, shape: tuple[int, ...], levels: int, magnitude: float, seed: int) -> Graph:
    """A convolution with zero padding and a product, each of weights [5, ..] of any ``levels``
    values per channel, on what a form makes of a sign."""
    generator = np.random.default_rng(seed)
    values = generator.normal(0, magnitude, (5, levels))
    drawn = generator.integers(0, levels, (5, *shape))
    w = np.stack([row[index] for row, index in zip(values, drawn, strict=True)])
    b = Builder()
    x = Value("x", TensorType((Batch(), shape[0], *[4] * (len(shape) - 1))))
    v = form(b, b.add(Sign(x, 1), "s"))
    if len(shape) == 1:
        y = b.add(Gemm(v, const(b, w), None), "y")
    else:
        y = b.add(Conv(v, const(b, w), None, (1, 1), (1,) * 4, (1, 1), 1), "y")
    return Graph("g", (x,), tuple(b.nodes), (Output("y", y),))


@pytest.mark.parametrize("magnitude", [1e-3, 1, 3e5])
@pytest.mark.parametrize("levels", [2, 3])
@pytest.mark.parametrize("shape", [(37,), (450,), (40, 3, 3)])
@pytest.mark.parametrize(
    ("form", "signs"),
    [
        (zero_one, [-1]),
        (affine(0.3, 0.3), [-1]),
        (affine(0.7, -0.7), [1]),
        (affine(-0.3, 0.3), [1]),
        (either_way, [-1, 1]),
    ],
    ids=["zero_one", "zero_a", "minus_a_zero", "falling", "either_way"],
)
def test_activations_of_zero_give_zero(
    form: Form, signs: list[int], shape: tuple[int, ...], levels: int, magnitude: float
) -> None:
    """Nothing is left of the parts of a sum that cancel, whatever rounding they would undergo."""
    graph = at_zero(form, shape, levels, magnitude, seed=shape[0])
    (verdict,) = examine(run_passes(graph, pipelines.recognition(), ONE_KERNEL_EACH))
    assert verdict.binarized, verdict.reason
    x = np.ones(graph.inputs[0].type.concrete(1), np.float32)
    x *= np.resize(signs, shape[0]).reshape(-1, *[1] * (len(shape) - 1))
    np.testing.assert_array_equal(interpret(graph, {"x": x})["y"], 0)
    for step in pipelines.default():
        graph = run_passes(graph, (step,), ONE_KERNEL_EACH)
        np.testing.assert_array_equal(interpret(graph, {"x": x})["y"], 0, repr(step))
