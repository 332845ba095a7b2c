"""The references against ONNX Runtime (optimizations off) and against plain NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from ir_support import ULP
from onnx import helper, numpy_helper

from bnnc.errors import InputError
from bnnc.ir import Graph, Output, TensorType, Value, interpret, parse, scalar_of
from bnnc.ir.ops import AveragePool, BatchNorm, BinaryConv, Conv, MaxPool, Window
from bnnc.ir.types import SIGN, TERNARY


def onnxruntime(kind: str, arrays: list[np.ndarray], opset: int = 20, **attributes: Any) -> Any:
    """One ONNX operator on arrays; the first is the input, the others are initializers."""
    names = [f"i{i}" for i in range(len(arrays))]
    element = helper.np_dtype_to_tensor_dtype(arrays[0].dtype)
    graph = helper.make_graph(
        [helper.make_node(kind, names, ["y"], **attributes)],
        "g",
        [helper.make_tensor_value_info("i0", element, arrays[0].shape)],
        [helper.make_tensor_value_info("y", element, None)],
        [numpy_helper.from_array(a, n) for a, n in zip(arrays[1:], names[1:], strict=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    return session.run(None, {"i0": arrays[0]})[0]


def value(array: np.ndarray, name: str = "x") -> Value:
    """A value of an array's type."""
    return Value(name, TensorType(array.shape, scalar_of(array.dtype)))


def normal(seed: int, *shape: int) -> np.ndarray:
    """Float32 noise with exact zeros."""
    generator = np.random.default_rng(seed)
    noise = generator.standard_normal(shape) * (generator.random(shape) > 0.1)
    return noise.astype(np.float32)


@st.composite
def windows(draw: st.DrawFn, dilated: bool = True) -> tuple[tuple[int, ...], Window]:
    """Spatial sizes and a window that fits them."""
    rank = draw(st.integers(1, 3 if draw(st.booleans()) else 2))
    size = tuple(draw(st.integers(1, 7)) for _ in range(rank))
    kernel = tuple(draw(st.integers(1, 3)) for _ in range(rank))
    strides = tuple(draw(st.integers(1, 3)) for _ in range(rank))
    dilations = tuple(draw(st.integers(1, 2 if dilated else 1)) for _ in range(rank))
    pads = tuple(draw(st.integers(0, 2)) for _ in range(2 * rank))
    window = Window(kernel, strides, dilations, pads, draw(st.booleans()))
    for axis in range(rank):
        assume(window.extent(axis) <= size[axis] + pads[axis] + pads[axis + rank])
    return size, window


@given(windows(), st.integers(1, 3), st.integers(1, 2), st.integers(1, 2), st.booleans())
@settings(max_examples=60)
def test_conv(
    geometry: tuple[tuple[int, ...], Window], groups: int, out: int, per_group: int, biased: bool
) -> None:
    size, window = geometry
    x = normal(1, 2, groups * per_group, *size)
    arrays = [x, normal(2, groups * out, per_group, *window.kernel)]
    arrays += [normal(3, groups * out)] if biased else []
    values = [value(a) for a in arrays]
    op = Conv(
        values[0],
        values[1],
        values[2] if biased else None,
        window.strides,
        window.pads,
        window.dilations,
        groups,
    )
    actual = op.reference(arrays, 1)
    expected = onnxruntime(
        "Conv",
        arrays,
        strides=window.strides,
        pads=window.pads,
        dilations=window.dilations,
        group=groups,
        kernel_shape=window.kernel,
    )
    assert actual.shape == expected.shape == op.infer()[0].shape
    bound = 2 * math.sqrt(per_group * math.prod(window.kernel)) * ULP * 10
    np.testing.assert_allclose(actual, expected, rtol=0, atol=bound)


@given(windows(), st.integers(1, 3), st.booleans(), st.sampled_from([1, 63, 64, 65]))
@settings(max_examples=40)
def test_binary_conv_is_the_convolution_of_its_values(
    geometry: tuple[tuple[int, ...], Window], groups: int, ternary: bool, per_group: int
) -> None:
    size, window = geometry
    generator = np.random.default_rng(per_group)
    shape = (2, groups * per_group, *size)
    x = generator.integers(-1, 2, shape).astype(np.float32)
    if not ternary:
        x = np.where(x > 0, np.float32(1), np.float32(-1))
    w = generator.choice([-1.0, 1.0], (groups, per_group, *window.kernel)).astype(np.float32)
    codes = x.astype(np.int8) if ternary else (x > 0).astype(np.uint8)
    op = BinaryConv(
        Value("x", TensorType(shape, TERNARY if ternary else SIGN)),
        Value("w", TensorType(w.shape, SIGN)),
        window.strides,
        window.pads,
        window.dilations,
        groups,
    )
    actual = op.reference([codes, (w > 0).astype(np.uint8)], 1)
    as_float = Conv(value(x), value(w), None, window.strides, window.pads, window.dilations, groups)
    np.testing.assert_array_equal(actual, as_float.reference([x, w], 1))
    assert actual.dtype == np.int32


def onnxruntime_pools(size: tuple[int, ...], window: Window) -> bool:
    """True for windows that it takes (pads below the kernel) and of which none is empty."""
    pads = [max(p) for p in zip(window.pads[: len(size)], window.pads[len(size) :], strict=True)]
    return all(p < k for p, k in zip(pads, window.kernel, strict=True)) and all(
        d <= s for d, s in zip(window.dilations, size, strict=True)
    )


def pooled(op: MaxPool | AveragePool, x: Any, window: Window, **attributes: int) -> tuple[Any, Any]:
    """What ONNX Runtime and the reference make of a pool."""
    op.verify()
    expected = onnxruntime(
        type(op).__name__,
        [x],
        kernel_shape=window.kernel,
        strides=window.strides,
        pads=window.pads,
        dilations=window.dilations,
        ceil_mode=int(window.ceil_mode),
        **attributes,
    )
    actual = op.reference([x], 1)
    assert actual.shape == op.infer()[0].shape
    return expected, actual


@given(windows())
@settings(max_examples=80)
@example(((5,), Window((2,), (2,), (1,), (0, 0), True)))
@example(((2,), Window((1,), (3,), (1,), (0, 0), True)))
@example(((4,), Window((3,), (3,), (1,), (1, 1), True)))
def test_max_pool(geometry: tuple[tuple[int, ...], Window]) -> None:
    size, window = geometry
    assume(onnxruntime_pools(size, window))
    x = normal(1, 2, 3, *size)
    op = MaxPool(
        value(x), window.kernel, window.strides, window.pads, window.dilations, window.ceil_mode
    )
    expected, actual = pooled(op, x, window)
    np.testing.assert_array_equal(actual, expected)


@given(windows(), st.booleans())
@settings(max_examples=80)
@example(((5,), Window((2,), (2,), (1,), (0, 0), True)), True)
@example(((4,), Window((3,), (3,), (1,), (1, 1), True)), True)
@example(((4, 5), Window((3, 2), (2, 2), (1, 1), (1, 0, 1, 1), True)), True)
def test_average_pool(geometry: tuple[tuple[int, ...], Window], count_pads: bool) -> None:
    size, window = geometry
    assume(onnxruntime_pools(size, window))
    x = normal(1, 2, 3, *size)
    op = AveragePool(
        value(x),
        window.kernel,
        window.strides,
        window.pads,
        window.dilations,
        window.ceil_mode,
        count_pads,
    )
    expected, actual = pooled(op, x, window, count_include_pad=int(count_pads))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=8 * ULP)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 5), (3, 7, 4, 5), (1, 2, 2, 3, 2)])
@pytest.mark.parametrize("epsilon", [1e-5, 1e-3, 0.0])
def test_batch_norm_is_onnxruntimes_bit_for_bit(shape: tuple[int, ...], epsilon: float) -> None:
    for seed in range(10):
        x = normal(seed, *shape) * np.float32(100)
        terms = [normal(seed + i, shape[1]) for i in (1, 2, 3)]
        arrays = [x, *terms, np.abs(normal(seed + 4, shape[1])) + np.float32(0.01)]
        op = BatchNorm(*map(value, arrays), epsilon)
        expected = onnxruntime("BatchNormalization", arrays, epsilon=epsilon)
        np.testing.assert_array_equal(op.reference(arrays, 1), expected)


SPECIAL = np.array(
    [0, -0.0, 1, -1, 0.5, 1.5, 2.5, -0.5, -1.5, 3.7, -3.7, 1e30, -1e30, 1e-30, 1e-40, 88, -104, 6],
    np.float32,
)
NOT_FINITE = np.array([np.inf, -np.inf, np.nan], np.float32)


@pytest.mark.parametrize(
    ("body", "kind", "ulps"),
    [
        ("neg(%x)", "Neg", 0),
        ("abs(%x)", "Abs", 0),
        ("relu(%x)", "Relu", 0),
        ("sigmoid(%x)", "Sigmoid", 4),
        ("tanh(%x)", "Tanh", 4),
        ("exp(%x)", "Exp", 4),
        ("log(%x)", "Log", 2),
        ("erf(%x)", "Erf", 4),
        ("sqrt(%x)", "Sqrt", 0),
        ("reciprocal(%x)", "Reciprocal", 0),
        ("floor(%x)", "Floor", 0),
        ("ceil(%x)", "Ceil", 0),
        ("round(%x)", "Round", 0),
        ("sign(%x) zero=0", "Sign", 0),
    ],
)
def test_unary(body: str, kind: str, ulps: int) -> None:
    x = np.concatenate([SPECIAL, normal(5, 100) * np.float32(5)])
    graph = parse(
        f"graph @g imported {{ input %x: f32[{x.size}] %y = {body} : f32[{x.size}] "
        'output %y as "y" }'
    )
    actual = interpret(graph, {"x": x})["y"]
    expected = onnxruntime(kind, [x])
    # ONNX Runtime's sigmoid is an approximation with an absolute error; denormals may be flushed.
    atol = 1e-7 if kind == "Sigmoid" else 1e-37
    np.testing.assert_allclose(actual, expected, rtol=ulps * ULP, atol=atol)


def test_special_numbers() -> None:
    """NaN stays NaN; the sign of NaN is -1, which a bit can hold; halves round to even."""
    expected = {
        "relu(%x)": [np.inf, 0, np.nan],
        "clip(%x) low=-1.0 high=2.0": [2, -1, np.nan],
        "sign(%x) zero=0": [1, -1, -1],
        "max(%x, %x)": [np.inf, -np.inf, np.nan],
        "prelu(%x, %x)": [np.inf, np.inf, np.nan],
        "neg(%x)": [-np.inf, np.inf, np.nan],
        "round(%x)": [np.inf, -np.inf, np.nan],
    }
    for body, result in expected.items():
        text = f'graph @g imported {{ input %x: f32[3] %y = {body} : f32[3] output %y as "y" }}'
        actual = interpret(parse(text), {"x": NOT_FINITE})["y"]
        np.testing.assert_array_equal(actual, np.array(result, np.float32), err_msg=body)
    for zero, element in ((1, "bits<1;-1,1>"), (-1, "bits<1;-1,1>"), (0, "ternary")):
        text = (
            f"graph @g binarized {{ input %x: f32[5] %b = binarize(%x) zero={zero} : {element}[5] "
            '%y = decode(%b) : f32[5] output %y as "y" }'
        )
        x = np.array([2, -3, 0, -0.0, np.nan], np.float32)
        out = interpret(parse(text), {"x": x})["y"]
        np.testing.assert_array_equal(out, np.array([1, -1, zero, zero, -1], np.float32))


@pytest.mark.parametrize(
    ("mnemonic", "kind"),
    [("add", "Add"), ("sub", "Sub"), ("mul", "Mul"), ("div", "Div"), ("prelu", "PRelu")],
)
def test_arithmetic_with_broadcasting(mnemonic: str, kind: str) -> None:
    a, b = normal(1, 2, 3, 4), normal(2, 3, 1) + np.float32(2)
    text = (
        "graph @g imported { input %a: f32[2,3,4] input %b: f32[3,1] "
        f'%y = {mnemonic}(%a, %b) : f32[2,3,4] output %y as "y" }}'
    )
    actual = interpret(parse(text), {"a": a, "b": b})["y"]
    np.testing.assert_array_equal(actual, onnxruntime(kind, [a, b]))


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize(
    ("mnemonic", "kind"), [("softmax", "Softmax"), ("log_softmax", "LogSoftmax")]
)
def test_softmax(mnemonic: str, kind: str, axis: int) -> None:
    x = normal(1, 2, 5, 7) * np.float32(20)
    text = (
        f"graph @g imported {{ input %x: f32[2,5,7] %y = {mnemonic}(%x) axis={axis} : f32[2,5,7] "
        'output %y as "y" }'
    )
    expected = onnxruntime(kind, [x], axis=axis)
    np.testing.assert_allclose(
        interpret(parse(text), {"x": x})["y"], expected, rtol=16 * ULP, atol=1e-6
    )


@pytest.mark.parametrize("mnemonic", ["mean", "sum", "max", "min"])
def test_reductions_round_once(mnemonic: str) -> None:
    x = normal(1, 3, 50, 70)
    text = (
        f"graph @g imported {{ input %x: f32[3,50,70] "
        f"%y = reduce_{mnemonic}(%x) axes=[1,2] keepdims=true : f32[3,1,1] "
        'output %y as "y" }'
    )
    exact = getattr(x.astype(np.float64), mnemonic)((1, 2), keepdims=True)
    np.testing.assert_array_equal(interpret(parse(text), {"x": x})["y"], exact.astype(np.float32))


def test_products_against_float64() -> None:
    x, w, b = normal(1, 5, 300), normal(2, 7, 300), normal(3, 7)
    exact = x.astype(np.float64) @ w.astype(np.float64).T
    text = (
        "graph @g imported { input %x: f32[5,300] input %w: f32[7,300] input %b: f32[7] "
        "%y = gemm(%x, %w, %b) : f32[5,7] %t = transpose(%w) perm=[1,0] : f32[300,7] "
        '%z = mat_mul(%x, %t) : f32[5,7] output %y as "y" output %z as "z" }'
    )
    out = interpret(parse(text), {"x": x, "w": w, "b": b})
    np.testing.assert_array_equal(out["y"], (exact + b).astype(np.float32))
    np.testing.assert_array_equal(out["z"], exact.astype(np.float32))


def test_erf_against_the_standard_library() -> None:
    x = np.concatenate([np.linspace(-7, 7, 2001), [0, -0.0, 1e-20, 2, 2.0000002]])
    graph = parse(
        f"graph @g imported {{ input %x: f64[{x.size}] %y = erf(%x) : f64[{x.size}] "
        'output %y as "y" }'
    )
    expected = [math.erf(v) for v in x]
    np.testing.assert_allclose(interpret(graph, {"x": x})["y"], expected, rtol=0, atol=2e-15)


def test_inputs_that_do_not_fit() -> None:
    graph = parse('graph @g imported { input %x: f32[2N,3] input %z: f32[2N] output %x as "y" }')
    x, z = np.zeros((4, 3), np.float32), np.zeros(4, np.float32)
    assert interpret(graph, {"x": x, "z": z})["y"].shape == (4, 3)
    for inputs, message in [
        ({"x": x}, "missing inputs: z"),
        ({"x": x.astype(np.float64), "z": z}, r"input 'x': expected float32\[4, 3\], got float64"),
        ({"x": x[:3], "z": z}, r"input 'x': expected float32\[2, 3\], got float32\[3, 3\]"),
        ({"x": x, "z": z[:2]}, r"input 'z': expected float32\[4\], got float32\[2\]"),
        ({"x": x[0], "z": z}, "input 'x'"),
    ]:
        with pytest.raises(InputError, match=message):
            interpret(graph, inputs)


def test_an_observer_may_replace_values() -> None:
    x = Value("x", TensorType((2,)))
    graph = parse(
        "graph @g imported { input %x: f32[2] %a = neg(%x) : f32[2] %b = neg(%a) : f32[2] "
        'output %b as "b" output %a as "a" output %b as "again" }'
    )
    seen: list[str] = []

    def observe(which: Value, array: np.ndarray) -> np.ndarray:
        seen.append(which.name)
        return array + 1 if which.name == "a" else array

    out = interpret(graph, {"x": np.array([1, 2], np.float32)}, observe)
    assert seen == ["x", "a", "b"]
    np.testing.assert_array_equal(out["a"], [0, -1])
    np.testing.assert_array_equal(out["b"], [0, 1])
    np.testing.assert_array_equal(out["again"], [0, 1])
    passed = Graph("g", (x,), (), (Output("y", x),))
    np.testing.assert_array_equal(interpret(passed, {"x": np.float32([3, 4])})["y"], [3, 4])
