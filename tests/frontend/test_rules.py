"""Import rules against ONNX Runtime, operator by operator, in every opset that changed them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend_support import op_names, run, single, values

from bnnc import ir
from bnnc.errors import ModelError
from bnnc.frontend import load_model
from bnnc.frontend.registry import all_rules

OPSETS = (9, 11, 13, 17, 18, 20, 22)
X = values(2, 3, 5, 4)


UNARY = "Abs Ceil Erf Exp Floor Neg Relu Sigmoid Sign Tanh Softsign Softplus HardSigmoid Elu Selu"


@pytest.mark.parametrize("op", UNARY.split())
@pytest.mark.parametrize("opset", [9, 22])
def test_unary(op: str, opset: int) -> None:
    run(op, X, opset=opset)


@pytest.mark.parametrize("op", ["Sqrt", "Log", "Reciprocal"])
def test_unary_of_positive_numbers(op: str) -> None:
    run(op, np.abs(X) + np.float32(0.1))


@pytest.mark.parametrize(
    ("op", "opset", "attributes"),
    [
        ("Round", 11, {}),
        ("Celu", 12, {"alpha": 0.7}),
        ("HardSwish", 14, {}),
        ("Mish", 18, {}),
        ("Gelu", 20, {}),
        ("Gelu", 20, {"approximate": "tanh"}),
        ("LeakyRelu", 9, {"alpha": 0.2}),
        ("LeakyRelu", 16, {}),
        ("Elu", 9, {"alpha": 0.5}),
        ("HardSigmoid", 9, {"alpha": 0.3, "beta": 0.4}),
        ("ThresholdedRelu", 10, {"alpha": 0.7}),
        ("Shrink", 9, {"lambd": 0.9, "bias": 0.2}),
        ("IsNaN", 9, {}),
        ("IsInf", 10, {}),
        ("IsInf", 10, {"detect_negative": 0}),
        ("IsInf", 10, {"detect_positive": 0}),
    ],
)
def test_unary_with_attributes(op: str, opset: int, attributes: dict[str, Any]) -> None:
    run(op, X, opset=opset, **attributes)


def test_is_inf_and_is_nan_see_them() -> None:
    odd = np.array([np.inf, -np.inf, np.nan, 0.0], np.float32)
    run("IsInf", odd)
    run("IsNaN", odd)


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div", "Pow"])
@pytest.mark.parametrize("shape", [(), (4,), (5, 1), (2, 3, 1, 4)])
def test_arithmetic_broadcasts(op: str, shape: tuple[int, ...]) -> None:
    other = values(*shape, seed=1, low=1, high=2)
    if op == "Pow":
        run(op, X, constants={1: np.float32(2)})
        return
    run(op, X, other)
    run(op, X, constants={1: other})
    run(op, other, X)


@pytest.mark.parametrize("exponent", [1, 2, 3, 0.5, -0.5, -1])
def test_power_by_a_constant(exponent: float) -> None:
    x = np.abs(X) + np.float32(0.5)
    run("Pow", x, constants={1: np.float32(exponent)})
    run("Pow", x, constants={1: np.array([exponent], np.float64 if exponent % 1 else np.int64)})


def in_opset_6(op: str, a: Any, b: Any, **attributes: Any) -> Any:
    """The result of an operator in the oldest opset, which ONNX Runtime does not compute."""
    proto, feeds = single(op, a, opset=6, constants={1: b}, **attributes)
    return ir.interpret(load_model(proto).graph, feeds)["y0"]


def test_broadcasting_before_opset_7() -> None:
    b = values(3, 5, seed=1)
    np.testing.assert_array_equal(
        in_opset_6("Add", X, b, broadcast=1, axis=1), X + b[None, :, :, None]
    )
    np.testing.assert_array_equal(
        in_opset_6("Greater", X, b[:, 0], broadcast=1, axis=1), b[None, :, :1, None] < X
    )
    np.testing.assert_array_equal(in_opset_6("Mul", X, b[0, :4], broadcast=1), X * b[0, :4])
    slope = in_opset_6("PRelu", X, b[:, 0])
    np.testing.assert_array_equal(slope, np.where(X >= 0, X, X * b[None, :, :1, None]))


def test_training_before_opset_7_is_refused() -> None:
    statistics = {i: np.ones(3, np.float32) for i in range(1, 5)}
    proto, _ = single("BatchNormalization", X, opset=6, constants=statistics)
    with pytest.raises(ModelError, match="is in training mode"):
        load_model(proto)
    proto, feeds = single("BatchNormalization", X, opset=6, constants=statistics, is_test=1)
    assert ir.interpret(load_model(proto).graph, feeds)["y0"].shape == X.shape
    proto, _ = single("Dropout", X, opset=6)
    with pytest.raises(ModelError, match="is in training mode"):
        load_model(proto)


def test_other_powers() -> None:
    x = np.abs(X) + np.float32(0.1)
    run("Pow", x, constants={1: np.float32(1.7)})
    run("Pow", x, constants={1: np.array([[2], [3], [-1], [0], [0.3]], np.float32)})
    run("Pow", X, np.float32(3))
    run("Pow", X, np.array([2, 3, 0, 1], np.int64), opset=13)
    run("Pow", (X * 2).astype(np.int32), constants={1: np.int32(5)}, opset=13)
    proto, _ = single("Pow", np.arange(3), np.arange(3), opset=13)
    with pytest.raises(ModelError, match="needs a constant exponent from 1 to 8"):
        load_model(proto)


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.uint8, np.int32, np.int64])
def test_sign_and_quotient_of_numbers(dtype: Any) -> None:
    x = (np.abs(X) if dtype == np.uint8 else X * 5).astype(dtype)
    run("Sign", x, opset=13)
    run("Div", x, np.array([1, 2, 3, 4]).astype(dtype), opset=14)


@pytest.mark.parametrize("op", ["Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"])
def test_comparison_with_nan(op: str) -> None:
    a = np.array([1, 2, 3, np.nan, 0, -0.0], np.float32)
    b = np.array([2, 2, 2, 1, np.nan, 0], np.float32)
    run(op, a, b)


@pytest.mark.parametrize("op", ["And", "Or", "Xor"])
def test_logic(op: str) -> None:
    a, b = (np.array(v, np.bool_) for v in ([0, 0, 1, 1], [0, 1, 0, 1]))
    run(op, a, b)
    run("Not", a)
    run("Where", a, X[0, 0, 0], X[0, 0, 1])


@pytest.mark.parametrize("op", ["Max", "Min", "Sum", "Mean"])
def test_variadic(op: str) -> None:
    run(op, X)
    run(op, X, X[..., :1], X[0] * 2)


@pytest.mark.parametrize("opset", [9, 11, 13])
def test_clip(opset: int) -> None:
    if opset < 11:
        run("Clip", X, opset=opset, min=-1.0, max=0.5)
        run("Clip", X, opset=opset, max=0.5)
        return
    run("Clip", X, opset=opset, constants={1: np.float32(-1), 2: np.float32(0.5)})
    run("Clip", X, opset=opset, constants={1: None, 2: np.float32(0.5)})
    run("Clip", X, opset=opset, constants={1: np.float32(-0.25)})
    run("Clip", X, np.float32(-1), np.float32(1), opset=opset)
    run("Clip", X, opset=opset, constants={1: np.float32(-np.inf), 2: np.float32(np.inf)})


@pytest.mark.parametrize("shape", [(3, 1, 1), (1,), (), (1, 3, 1, 1), (4,)])
def test_prelu(shape: tuple[int, ...]) -> None:
    run("PRelu", X, constants={1: values(*shape, seed=3)})


def test_prelu_slope_does_not_enlarge_the_operand() -> None:
    proto, _ = single("PRelu", values(3, 1), opset=17, constants={1: values(3, 4)})
    with pytest.raises(ModelError, match="does not broadcast"):
        load_model(proto)


@pytest.mark.parametrize("to", [np.float32, np.int32, np.int64, np.bool_, np.uint8, np.int8])
def test_cast(to: Any) -> None:
    from onnx import helper

    code = helper.np_dtype_to_tensor_dtype(np.dtype(to))
    run("Cast", np.abs(X), to=code)
    run("Cast", X > 0, to=code)


@pytest.mark.parametrize("op", ["ReduceMean", "ReduceMax", "ReduceMin", "ReduceSum", "ReduceL1",
                                "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp"])  # fmt: skip
@pytest.mark.parametrize("opset", [9, 13, 18])
@pytest.mark.parametrize("keep", [0, 1])
def test_reductions(op: str, opset: int, keep: int) -> None:
    as_input = opset >= (13 if op == "ReduceSum" else 18)
    for axes in ([-1], [2, 3], [1], None):
        if as_input:
            constants = {} if axes is None else {1: np.array(axes, np.int64)}
            run(op, X, opset=opset, constants=constants, keepdims=keep, rtol=1e-5)
        else:
            attributes = {} if axes is None else {"axes": axes}
            run(op, X, opset=opset, keepdims=keep, rtol=1e-5, **attributes)


def test_reduction_of_no_axes() -> None:
    empty = {1: np.zeros(0, np.int64)}
    run("ReduceSum", X, constants=empty, noop_with_empty_axes=1)
    run("ReduceSum", X, constants=empty, rtol=1e-5)


@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax"])
@pytest.mark.parametrize("opset", [9, 11, 13])
@pytest.mark.parametrize("axis", [None, 1, 2, -1])
def test_softmax_in_both_meanings(op: str, opset: int, axis: int | None) -> None:
    if axis == -1 and opset < 11:
        return
    attributes = {} if axis is None else {"axis": axis}
    run(op, X, opset=opset, **attributes)


@pytest.mark.parametrize("trans_a", [0, 1])
@pytest.mark.parametrize("trans_b", [0, 1])
@pytest.mark.parametrize("bias", [None, (5,), (1, 5), (), (1,), (4, 5), (4, 1)])
def test_gemm(trans_a: int, trans_b: int, bias: tuple[int, ...] | None) -> None:
    a, b = values(*((3, 4) if trans_a else (4, 3))), values(*((5, 3) if trans_b else (3, 5)))
    for alpha, beta in ((1.0, 1.0), (0.5, 2.0)):
        rest = {"transA": trans_a, "transB": trans_b, "alpha": alpha, "beta": beta}
        constants = {1: b} if bias is None else {1: b, 2: values(*bias, seed=2)}
        graph = run("Gemm", a, constants=constants, **rest)
        assert "gemm" in op_names(graph)
        if bias in ((5,), (1, 5)):
            assert "add" not in op_names(graph)
        run("Gemm", a, b, constants={} if bias is None else {2: values(*bias, seed=2)}, **rest)


@pytest.mark.parametrize(
    ("a", "b"),
    [((4, 3), (3, 5)), ((2, 4, 3), (3, 5)), ((2, 6, 4, 3), (3, 5)), ((3,), (3, 5)), ((4, 3), (3,)),
     ((2, 4, 3), (3,)), ((3,), (3,)), ((2, 4, 3), (2, 3, 5)), ((2, 4, 3), (1, 3, 5)),
     ((3,), (2, 3, 5)), ((4, 3), (2, 3, 5))],
)  # fmt: skip
def test_matmul(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    left, right = values(*a), values(*b, seed=1)
    run("MatMul", left, right)
    graph = run("MatMul", left, constants={1: right})
    assert ("gemm" in op_names(graph)) == (len(b) <= 2 or (b[0] == 1 and len(a) == 3))
    graph = run("MatMul", right, constants={0: left})
    assert ("gemm" in op_names(graph)) == (len(a) == 2 and len(b) >= 2)


@pytest.mark.parametrize("opset", [9, 14, 15, 22])
@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5), (2, 3, 5, 4)])
def test_batch_norm(opset: int, shape: tuple[int, ...]) -> None:
    parameters = {i: values(3, seed=i) for i in (1, 2, 3)}
    parameters[4] = values(3, seed=4, low=0.1)
    graph = run("BatchNormalization", values(*shape), opset=opset, constants=parameters)
    assert op_names(graph) == ["batch_norm"]


@pytest.mark.parametrize("opset", [17, 22])
@pytest.mark.parametrize("axis", [-1, 2, 1])
def test_layer_norm(opset: int, axis: int) -> None:
    shape = X.shape[axis:]
    constants = {1: values(*shape, seed=1), 2: values(*shape, seed=2)}
    run(
        "LayerNormalization",
        X,
        opset=opset,
        constants=constants,
        axis=axis,
        epsilon=1e-4,
        rtol=1e-5,
    )
    run("LayerNormalization", X, opset=opset, constants=constants, axis=axis, outputs=3, rtol=1e-5)


def test_instance_and_group_norm() -> None:
    constants = {1: values(3, seed=1), 2: values(3, seed=2)}
    run("InstanceNormalization", X, constants=constants, rtol=1e-5)
    x = values(2, 6, 4, 3)
    constants = {1: values(6, seed=1), 2: values(6, seed=2)}
    run("GroupNormalization", x, opset=21, constants=constants, num_groups=3, rtol=1e-5)


@pytest.mark.parametrize("opset", OPSETS)
def test_shape_operators(opset: int) -> None:
    run("Transpose", X, opset=opset, perm=[0, 2, 3, 1])
    run("Transpose", X, opset=opset)
    run("Flatten", X, opset=opset, axis=2)
    run("Flatten", X, opset=opset, axis=0)
    run("Concat", X, X, X[:, :1], opset=opset, axis=1)
    run("Reshape", X, opset=opset, constants={1: np.array([0, -1, 2])})
    run("Reshape", X, opset=opset, constants={1: np.array([-1])})
    run("Identity", X, opset=opset)
    run("Expand", X[:, :, :1], opset=opset, constants={1: np.array([3, 5, 1])})
    run("Tile", X, opset=opset, constants={1: np.array([2, 1, 3, 1])})
    axes = np.array([0, 3])
    if opset < 13:
        run("Unsqueeze", X, opset=opset, axes=[0, 3])
        run("Squeeze", X[:1], opset=opset, axes=[0])
    else:
        run("Unsqueeze", X, opset=opset, constants={1: axes})
        run("Squeeze", X[:1], opset=opset, constants={1: axes[:1]})
    run("Squeeze", X[:1, :, :1], opset=opset)


@pytest.mark.parametrize("opset", [9, 10, 13])
@pytest.mark.parametrize(
    ("starts", "ends", "axes", "steps"),
    [([1], [3], [2], [1]), ([-2], [1 << 62], [3], [1]), ([0, 1], [9, -1], [1, 2], [1, 1]),
     ([4], [0], [2], [-2]), ([-1], [-(1 << 62)], [2], [-1]), ([0], [5], [2], [2])],
)  # fmt: skip
def test_slice(
    opset: int, starts: list[int], ends: list[int], axes: list[int], steps: list[int]
) -> None:
    if opset < 10:
        if steps == [1] * len(steps):
            run("Slice", X, opset=opset, starts=starts, ends=ends, axes=axes)
        return
    constants = {i: np.array(v, np.int64) for i, v in enumerate((starts, ends, axes, steps), 1)}
    run("Slice", X, opset=opset, constants=constants)


def test_split() -> None:
    run("Split", X, opset=11, axis=2, split=[2, 3], outputs=2)
    run("Split", X, opset=11, axis=3, outputs=2)
    run("Split", X, opset=13, constants={1: np.array([1, 4])}, axis=2, outputs=2)
    run("Split", X, opset=18, axis=2, num_outputs=2, outputs=2)


@pytest.mark.parametrize(
    "indices", [0, -1, [0, 2], [2, 1, 0], [[0, 1], [2, 0]], [0, 0], [[0, 1], [2, 3]], [4, 2, 0]]
)
def test_gather(indices: Any) -> None:
    run("Gather", X, constants={1: np.array(indices, np.int64)}, axis=2)
    run("Gather", X, np.array(indices, np.int64), axis=2)


def test_gather_outside_is_refused() -> None:
    proto, _ = single("Gather", X, opset=17, constants={1: np.array([5])}, axis=2)
    with pytest.raises(ModelError, match="indices are outside of axis 2"):
        load_model(proto)


def test_pad() -> None:
    pads = [0, 0, 1, 2, 0, 0, 3, 0]
    run("Pad", X, opset=9, pads=pads, value=1.5)
    run("Pad", X, opset=11, constants={1: np.array(pads)})
    run("Pad", X, opset=13, constants={1: np.array(pads), 2: np.float32(-1)})
    run("Pad", X, opset=13, constants={1: np.array([0, 0, -1, 2, 0, 0, 3, -1])})
    constants = {1: np.array([1, 2]), 2: np.float32(1), 3: np.array([-1])}
    run("Pad", X, opset=18, constants=constants)


def test_depth_to_space_and_back() -> None:
    x = values(1, 8, 4, 6)
    for mode in ("DCR", "CRD"):
        run("DepthToSpace", x, blocksize=2, mode=mode)
    run("SpaceToDepth", x, blocksize=2)


def test_quantize_and_dequantize() -> None:
    scale, zero = np.float32(0.05), np.uint8(12)
    run("QuantizeLinear", X, constants={1: scale, 2: zero})
    run("DequantizeLinear", (X * 20).astype(np.int8), constants={1: scale})
    scales = values(3, low=0.01, high=0.1)
    run("QuantizeLinear", X, constants={1: scales, 2: np.array([1, -2, 3], np.int8)}, axis=1)
    run("QuantizeLinear", X, scale, np.uint8(3))
    run("DequantizeLinear", (X * 20).astype(np.uint8), scale, zero)
    run("QuantizeLinear", X, opset=21, constants={1: scale, 2: np.int16(-300)})
    run("DynamicQuantizeLinear", X, outputs=3)


def test_dropout_is_the_identity() -> None:
    assert not op_names(run("Dropout", X, opset=9, ratio=0.3))
    run("Dropout", X, opset=13, outputs=2)
    assert not op_names(run("Dropout", X, opset=13, constants={1: np.float32(0.3)}))
    proto, _ = single("Dropout", X, opset=13, constants={1: np.float32(0.3), 2: np.bool_(True)})
    with pytest.raises(ModelError, match="is in training mode"):
        load_model(proto)


def test_every_rule_file_is_found() -> None:
    operators = {r.op for r in all_rules() if r.domain == ""}
    assert {
        "Conv",
        "Gemm",
        "MatMul",
        "BatchNormalization",
        "Softmax",
        "Pad",
        "Constant",
    } <= operators
    assert {"BipolarQuant", "Quant", "IntQuant", "Trunc"} <= {r.op for r in all_rules() if r.domain}


def test_very_many_operands_are_joined_in_runs() -> None:
    arrays = [values(1, 1 + i % 3, seed=i) for i in range(300)]
    graph = run("Concat", *arrays, axis=1)
    assert op_names(graph) == ["concat"] * 4
    assert max(len(n.op.operands) for n in graph.nodes) == 128
