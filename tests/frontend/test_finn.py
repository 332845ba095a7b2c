"""FINN's operators against qonnx's executor: thresholds, products of bits, lowered convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from frontend_support import IR_VERSION, model, node, op_names, refused, values
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.general.multithreshold import multithreshold
from qonnx.custom_op.general.xnorpopcount import xnorpopcountmatmul
from qonnx.transformation.channels_last import ConvertToChannelsLastAndClean
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.transformation.lower_convs_to_matmul import LowerConvsToMatMul

from bnnc import ir
from bnnc.frontend import load_model
from bnnc.frontend.registry import QONNX
from bnnc.ir.ops import Conv, Sign

DOMAIN = QONNX[0]


def thresholding(x: Any, t: Any, domain: str = DOMAIN, imports: bool = True, **rest: Any) -> Any:
    attributes = {"out_dtype": "UINT8", **rest}
    call = node("MultiThreshold", ["x", "t"], ["y"], domain=domain, **attributes)
    shape = ["N", *x.shape[1:]]
    return model([call], {"x": shape}, ["y"], {"t": t}, domains={domain: 1} if imports else {})


def run(proto: Any, **feeds: Any) -> Any:
    return ir.interpret(load_model(proto).graph, feeds)["y"]


@pytest.mark.parametrize("layout", ["", "NCHW", "NHWC"])
@pytest.mark.parametrize("count", [1, 2, 3, 15, 16, 31, 100, 255])
@pytest.mark.parametrize("channels", [1, 5])
def test_thresholds(count: int, channels: int, layout: str) -> None:
    shape = (2, 4, 3, 5) if layout == "NHWC" else (2, 5, 4, 3)
    t, x = values(channels, count), values(*shape)
    flat = x.reshape(-1)
    flat[:3] = np.inf, -np.inf, np.nan
    flat[3 : 3 + min(t.size, 50)] = t.reshape(-1)[:50]
    expected = multithreshold(x, t, channels_last=layout == "NHWC")
    assert np.array_equal(run(thresholding(x, t, data_layout=layout), x=x), expected)
    scaled = thresholding(x, t, data_layout=layout, out_scale=0.3, out_bias=-0.7)
    scale, bias = float(np.float32(0.3)), float(np.float32(-0.7))
    expected = multithreshold(x, t, scale, bias, channels_last=layout == "NHWC")
    assert np.array_equal(run(scaled, x=x), expected)


def test_unsorted_thresholds_count_the_same() -> None:
    x, t = values(2, 5, 4, 3), values(5, 40)
    turned = np.ascontiguousarray(t[:, ::-1])
    assert np.array_equal(run(thresholding(x, t), x=x), run(thresholding(x, turned), x=x))


@pytest.mark.parametrize("domain", QONNX)
@pytest.mark.parametrize("imports", [True, False])
@pytest.mark.parametrize(
    ("scale", "bias", "after"),
    [(2.0, -1.0, []), (1.0, 0.0, ["mul", "add"]), (0.6, -0.3, ["mul"]), (-2.0, 1.0, [])],
)
def test_one_threshold_is_a_sign(
    domain: str, imports: bool, scale: float, bias: float, after: list[str]
) -> None:
    x, t = values(2, 5, 4, 3), values(5, 1)
    x[:, :, 0, 0] = t[:, 0]
    proto = thresholding(x, t, domain, imports, out_scale=scale, out_bias=bias)
    graph = load_model(proto).graph
    assert op_names(graph) == ["sub", "sign", *after]
    zero = 1 if scale > 0 else -1  # a falling one is the sign of t - x
    assert [n.op.zero for n in graph.nodes if isinstance(n.op, Sign)] == [zero]
    expected = multithreshold(x, t, float(np.float32(scale)), float(np.float32(bias)))
    assert np.array_equal(run(proto, x=x), expected)


def test_infinite_thresholds() -> None:
    x = values(2, 3, 4, 4)
    t = np.array([[-np.inf], [np.inf], [0]], np.float32)
    expected = multithreshold(x, t, 2.0, -1.0)
    assert np.array_equal(run(thresholding(x, t, out_scale=2.0, out_bias=-1.0), x=x), expected)


def test_thresholds_in_float64() -> None:
    t = np.array([[0.1, 0.1 + 1e-12, np.nextafter(np.float32(0.1), np.float32(0))]])
    x = np.array([[0.1], [np.nextafter(np.float32(0.1), np.float32(1))], [0]], np.float32)
    assert np.array_equal(run(thresholding(x, t), x=x), multithreshold(x, t))


def test_threshold_refusals() -> None:
    x = values(2, 5, 4, 3)
    assert "thresholds of shape [4, 3]" in str(refused(thresholding(x, values(4, 3))))
    assert "holds NaN" in str(refused(thresholding(x, np.full((1, 2), np.nan, np.float32))))


def test_matching_bits() -> None:
    generator = np.random.default_rng(0)
    a, b = (generator.integers(0, 2, s).astype(np.float32) for s in ((7, 30), (30, 4)))
    call = node("XnorPopcountMatMul", ["x", "w"], ["y"], domain=DOMAIN)
    constant = model([call], {"x": ["N", 30]}, ["y"], {"w": b})
    computed = model([call], {"x": ["N", 30], "w": [30, 4]}, ["y"])
    assert np.array_equal(run(constant, x=a), xnorpopcountmatmul(a, b))
    assert np.array_equal(run(computed, x=a, w=b), xnorpopcountmatmul(a, b))


@pytest.fixture(autouse=True)
def _format_that_onnx_runtime_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """qonnx writes models in the newest format that the onnx package has."""
    monkeypatch.setattr(onnx, "IR_VERSION", IR_VERSION)


def convolution(kernel: tuple[int, int], stride: int, pads: list[int], groups: int) -> Any:
    """A convolution of small integers, and the operand of one sample."""
    generator = np.random.default_rng(0)
    outputs = 8 if groups == 1 else groups
    w = generator.choice([-1.0, 1.0], (outputs, 4 // groups, *kernel)).astype(np.float32)
    call = node(
        "Conv", ["x", "w"], ["y"], kernel_shape=kernel, strides=[stride] * 2, pads=pads,
        dilations=[1, 1], group=groups,
    )  # fmt: skip
    shape = [1, outputs, *_size(kernel, stride, pads)]
    proto = model([call], {"x": [1, 4, 9, 8]}, {"y": shape}, {"w": w})
    return proto, generator.choice([-1.0, 1.0], (1, 4, 9, 8)).astype(np.float32)


def _size(kernel: tuple[int, int], stride: int, pads: list[int]) -> list[int]:
    padded = 9 + pads[0] + pads[2], 8 + pads[1] + pads[3]
    return [(p - k) // stride + 1 for p, k in zip(padded, kernel, strict=True)]


CASES = [
    ((3, 3), 1, [1, 1, 1, 1], 1),
    ((3, 3), 2, [0, 0, 0, 0], 1),
    ((5, 2), 1, [2, 0, 1, 1], 1),
    ((1, 1), 2, [0, 0, 0, 0], 1),
    ((3, 3), 1, [1, 1, 1, 1], 4),
]


@pytest.mark.parametrize(("kernel", "stride", "pads", "groups"), CASES)
def test_lowered_convolution(
    kernel: tuple[int, int], stride: int, pads: list[int], groups: int
) -> None:
    proto, x = convolution(kernel, stride, pads, groups)
    wrapped = ModelWrapper(proto).transform(InferShapes())
    wrapped.set_tensor_datatype("x", DataType["TERNARY"])
    wrapped.set_tensor_datatype("w", DataType["BIPOLAR"])
    wrapped = wrapped.transform(InferDataTypes()).transform(LowerConvsToMatMul())
    lowered = wrapped.transform(InferShapes())
    assert "Im2Col" in [n.op_type for n in lowered.graph.node]
    expected = execute_onnx(lowered, {"x": x})["y"]
    graph = load_model(lowered.model).graph
    (conv,) = [n.op for n in graph.nodes if isinstance(n.op, Conv)]
    assert conv.groups == groups
    assert np.array_equal(ir.interpret(graph, {"x": x})["y"], expected)


@pytest.mark.parametrize("fill", [0, 1, -1])
def test_windows_alone(fill: int) -> None:
    call = node(
        "Im2Col", ["x"], ["y"], domain=DOMAIN, stride=[2, 1], kernel_size=[3, 2],
        pad_amount=[1, 0, 1, 2], pad_value=fill, dilations=[1, 2], input_shape="(1, 9, 8, 3)",
    )  # fmt: skip
    x = values(1, 9, 8, 3)
    proto = model([call], {"x": ["N", 9, 8, 3]}, {"y": [1, 5, 8, 18]})
    got = run(proto, x=x)
    wrapped = ModelWrapper(model([call], {"x": [1, 9, 8, 3]}, {"y": [1, 5, 8, 18]}))
    wrapped.set_tensor_datatype("x", DataType["FLOAT32"])
    assert np.array_equal(got, execute_onnx(wrapped, {"x": x})["y"])
    two = np.concatenate([x, x[:, ::-1]])
    assert np.array_equal(run(proto, x=two)[:1], got)


@pytest.mark.parametrize("computed", [False, True])
def test_matching_bits_of_windows(computed: bool) -> None:
    generator = np.random.default_rng(1)
    x, w = (generator.integers(0, 2, s).astype(np.float32) for s in ((2, 6, 5, 3), (27, 4)))
    nodes = [
        node("Im2Col", ["x"], ["c"], domain=DOMAIN, stride=[1, 1], kernel_size=[3, 3],
             pad_amount=[1, 1, 1, 1], input_shape="(1, 6, 5, 3)"),
        node("XnorPopcountMatMul", ["c", "w"], ["y"], domain=DOMAIN),
    ]  # fmt: skip
    inputs: dict[str, Any] = {"x": ["N", 6, 5, 3]}
    if computed:
        got = run(model(nodes, {**inputs, "w": [27, 4]}), x=x, w=w)
    else:
        got = run(model(nodes, inputs, constants={"w": w}), x=x)
    columns = run(model([_renamed(nodes[0])], inputs), x=x)
    assert np.array_equal(got, xnorpopcountmatmul(columns, w))


def _renamed(call: Any) -> Any:
    call.output[0] = "y"
    return call


def test_channels_last() -> None:
    proto, x = convolution((3, 3), 2, [1, 1, 1, 1], 1)
    proto.graph.node[0].output[0] = "c"
    norm = {k: np.abs(values(8, seed=i)) + 1 for i, k in enumerate(("s", "b", "m", "v"))}
    proto.graph.node.extend([
        node("MaxPool", ["c"], ["p"], kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0]),
        node("BatchNormalization", ["p", *norm], ["y"], epsilon=1e-5, momentum=0.9),
    ])  # fmt: skip
    initializers = model([], {}, constants=norm).graph.initializer
    proto.graph.initializer.extend(initializers)
    proto.graph.output[0].type.tensor_type.shape.dim[2].dim_value = 2
    proto.graph.output[0].type.tensor_type.shape.dim[3].dim_value = 2
    wrapped = ModelWrapper(proto).transform(InferShapes())
    last = wrapped.transform(ConvertToChannelsLastAndClean(make_input_channels_last=False))
    assert "qonnx.custom_op.channels_last" in {n.domain for n in last.graph.node}
    expected = execute_onnx(wrapped, {"x": x})["y"]
    assert np.allclose(run(last.model, x=x), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_average_pool_of_integers(layout: str, bits: int) -> None:
    shape = (1, 6, 6, 3) if layout == "NHWC" else (1, 3, 6, 6)
    out = [1, 2, 2, 3] if layout == "NHWC" else [1, 3, 2, 2]
    x = np.random.default_rng(0).integers(0, 16, shape).astype(np.float32)
    call = node("QuantAvgPool2d", ["x"], ["y"], domain=DOMAIN, kernel=3, stride=3, ibits=4,
                obits=bits, signed=0, data_layout=layout)  # fmt: skip
    proto = model([call], {"x": shape}, {"y": out}, domains={DOMAIN: 1})
    assert np.array_equal(run(proto, x=x), execute_onnx(ModelWrapper(proto), {"x": x})["y"])


@pytest.mark.parametrize(
    "call",
    [
        node("QuantAvgPool2d", ["x"], ["y"], domain=DOMAIN, kernel=3, stride=3, ibits=1 << 40),
        node("Im2Col", ["x"], ["y"], domain=DOMAIN, kernel_size=[3], stride=[1, 1]),
        node("Im2Col", ["x"], ["y"], domain=DOMAIN, kernel_size=[9, 9], stride=[1, 1]),
        node("Im2Col", ["x"], ["y"], domain=DOMAIN, kernel_size=[1, 1], stride=[1, 1],
             pad_amount=[-1, 0, 0, 0]),
        node("BatchNormalization", ["x"] * 6, ["y"], domain="qonnx.custom_op.channels_last"),
        node("MaxPoolNHWC", ["x"], ["y"], domain=DOMAIN),
    ],
)  # fmt: skip
def test_malformed(call: Any) -> None:
    assert len(refused(model([call], {"x": [1, 6, 6, 3]})).problems) == 1


def test_max_pool_nhwc() -> None:
    x = values(1, 7, 6, 3)
    call = node("MaxPoolNHWC", ["x"], ["y"], domain=DOMAIN, kernel_shape=[2, 2], strides=[2, 2],
                pads=[0, 0, 0, 0], ceil_mode=1)  # fmt: skip
    proto = model([call], {"x": [1, 7, 6, 3]}, {"y": [1, 4, 3, 3]}, domains={DOMAIN: 1})
    got = run(proto, x=x)
    padded = np.pad(x, ((0, 0), (0, 1), (0, 0), (0, 0)), constant_values=-np.inf)
    assert np.array_equal(got, padded.reshape(1, 4, 2, 3, 2, 3).max(axis=(2, 4)))


@pytest.mark.parametrize("op", ["GenericPartition", "StreamingDataflowPartition"])
def test_partitions_are_refused_by_name(op: str) -> None:
    proto = model([node(op, ["x"], ["y"], domain=DOMAIN, model="part.onnx")], {"x": [1, 3]})
    assert f"({op} of {DOMAIN}): this operator is not supported: a model" in str(refused(proto))
