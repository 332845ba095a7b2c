"""Constants of types below 16 bits, decoded at import by DequantizeLinear and Cast."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend_support import model, node, op_names, refused, values
from onnx import ModelProto, TensorProto, helper, numpy_helper

from bnnc import ir
from bnnc.driver import recognised
from bnnc.errors import Limit
from bnnc.frontend import load_model

TYPES = {
    "INT4": (21, -8, 7), "UINT4": (21, 0, 15), "INT2": (25, -2, 1), "UINT2": (25, 0, 3),
    "FLOAT8E4M3FN": (21, -4, 4), "FLOAT8E5M2": (21, -4, 4), "FLOAT4E2M1": (23, -4, 4),
}  # fmt: skip
"""Opset, least and greatest value tried."""
X = values(3, 16)


def type_code(name: str) -> int:
    if name not in dict(TensorProto.DataType.items()):
        pytest.skip(f"the installed onnx has no {name}")
    return TensorProto.DataType.Value(name)


def dequantized(
    name: str, weights: Any, scale: Any, zero: Any = None, op: str = "Identity", **attributes: Any
) -> ModelProto:
    """y = op(x) @ DequantizeLinear(weights)."""
    code = type_code(name)
    stored = {"q": weights} | ({} if zero is None else {"z": zero})
    nodes = [
        node("DequantizeLinear", ["q", "a", "z"][: len(stored) + 1], ["w"], **attributes),
        node(op, ["x"], ["s"]),
        node("MatMul", ["s", "w"], ["y"]),
    ]
    constants = {"a": np.float32(scale)}
    proto = model(nodes, {"x": ["N", 16]}, constants=constants, opset=TYPES[name][0])
    for key, numbers in stored.items():
        array = np.asarray(numbers)
        tensor = helper.make_tensor(key, code, array.shape, array.ravel().tolist())
        proto.graph.initializer.append(tensor)
    return proto


@pytest.mark.parametrize("form", ["per tensor", "per axis", "blocks"])
@pytest.mark.parametrize("name", TYPES)
def test_values(name: str, form: str) -> None:
    _, low, high = TYPES[name]
    weights = np.random.default_rng(0).integers(low, high + 1, (16, 7))
    zeros = np.arange(7) % 2 if "INT" in name else np.zeros(7, int)
    scale, zero, attributes = {
        "per tensor": (np.float32(0.25), zeros[1], {}),
        "per axis": (np.float32(1 + np.arange(7)) / 8, zeros, {"axis": 1}),
        "blocks": (np.float32(1 + np.arange(28)).reshape(4, 7) / 8, None,
                   {"axis": 0, "block_size": 4}),
    }[form]  # fmt: skip
    spread = np.repeat(scale, 4, 0) if form == "blocks" else scale
    expected = (weights - (0 if zero is None else zero)).astype(np.float32) * spread
    proto = dequantized(name, weights, scale, zero, **attributes)
    got = ir.interpret(load_model(proto).graph, {"x": X})["y"]
    np.testing.assert_allclose(got, X @ expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["INT4", "UINT4", "INT2", "UINT2"])
def test_two_valued_and_ternary_weights_are_on_bits(name: str) -> None:
    generator = np.random.default_rng(1)
    levels = [0, 1, 2] if name.startswith("U") else [-1, 0, 1]
    for chosen in (levels[::2], levels):
        weights = generator.choice(chosen, (16, 8))
        proto = dequantized(name, weights, 0.5, levels[1], op="Sign")
        assert [verdict.binarized for verdict in recognised(load_model(proto).graph)] == [True]


def test_stored_as_bytes_or_as_numbers() -> None:
    weights = np.random.default_rng(2).integers(-8, 8, (16, 7))
    proto = dequantized("INT4", weights, 0.5)
    first = ir.interpret(load_model(proto).graph, {"x": X})["y"]
    tensor = proto.graph.initializer[-1]
    raw = numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name)
    tensor.CopyFrom(raw)
    assert len(tensor.raw_data) == 56
    assert np.array_equal(ir.interpret(load_model(proto).graph, {"x": X})["y"], first)
    tensor.raw_data = tensor.raw_data[:-1]
    assert "tensor 'q' of shape [16, 7] needs 56 bytes, got 55" in str(refused(proto))


def test_cast() -> None:
    nodes = [node("Cast", ["q"], ["w"], to=TensorProto.FLOAT), node("MatMul", ["x", "w"], ["y"])]
    proto = model(nodes, {"x": ["N", 16]}, opset=21)
    weights = np.random.default_rng(3).integers(-8, 8, (16, 3))
    tensor = helper.make_tensor("q", type_code("INT4"), (16, 3), weights.ravel().tolist())
    proto.graph.initializer.append(tensor)
    graph = load_model(proto).graph
    assert op_names(graph) == ["gemm"] or op_names(graph) == ["matmul"]
    expected = X @ weights.astype(np.float32)
    np.testing.assert_allclose(ir.interpret(graph, {"x": X})["y"], expected, rtol=1e-5, atol=1e-5)


def test_operands_stay_refused() -> None:
    """At run time nothing has these types."""
    stored = helper.make_tensor("q", type_code("UINT4"), (16,), [1] * 16)
    proto = model([node("Gather", ["q", "i"], ["y"])], {"i": ([4], np.int64)}, opset=21)
    proto.graph.initializer.append(stored)
    error = refused(proto)
    assert "data type uint4 is not supported" in str(error)
    assert error.limits == (Limit.TYPE,)
    zero = helper.make_tensor("z", type_code("UINT4"), (), [0])
    nodes = [node("QuantizeLinear", ["x", "a", "z"], ["y"])]
    proto = model(nodes, {"x": [2, 16]}, constants={"a": np.float32(1)}, opset=21)
    proto.graph.initializer.append(zero)
    assert refused(proto).limits == (Limit.TYPE,)
