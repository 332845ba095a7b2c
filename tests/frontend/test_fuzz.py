"""Damaged models: whatever happens to bytes or nodes, the answer is a graph or a `ModelError`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from frontend_support import model, node, values
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import AttributeProto, helper

from bnnc import ir
from bnnc.errors import ModelError
from bnnc.frontend import load_model
from bnnc.frontend.registry import QONNX, all_rules


def convolutional() -> onnx.ModelProto:
    """Weights computed in the graph, a residue, normalisation, a skip, shape arithmetic."""
    nodes = [
        node("Sign", ["x"], ["s"]),
        node("Clip", ["x", "low", "high"], ["p"]),
        node("Sub", ["s", "p"], ["d"]),
        node("Add", ["d", "p"], ["a"]),
        node("Abs", ["w"], ["wa"]),
        node("ReduceMean", ["wa"], ["wm"], axes=[1, 2, 3], keepdims=1),
        node("Sign", ["w"], ["ws"]),
        node("Mul", ["ws", "wm"], ["wb"]),
        node("Conv", ["a", "wb"], ["c"], pads=[1, 1, 1, 1], strides=[1, 1], group=1),
        node("BatchNormalization", ["c", *["one4"] * 4], ["n"]),
        node("Add", ["n", "x"], ["r"]),
        node("MaxPool", ["r"], ["m"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Shape", ["m"], ["dims"]),
        node("Gather", ["dims", "zero"], ["batch"], axis=0),
        node("Unsqueeze", ["batch", "axes"], ["batch1"]),
        node("Concat", ["batch1", "rest"], ["target"], axis=0),
        node("Reshape", ["m", "target"], ["f"]),
        node("Gemm", ["f", "fc", "fb"], ["g"], transB=1),
        node("Softmax", ["g"], ["y"], axis=-1),
    ]
    constants = {
        "w": values(4, 4, 3, 3), "one4": np.ones(4, np.float32), "zero": np.array(0),
        "axes": np.array([0]), "rest": np.array([-1]), "fc": values(3, 16),
        "fb": values(3), "low": np.float32(-1), "high": np.float32(1),
    }  # fmt: skip
    return model(nodes, {"x": ["N", 4, 4, 4]}, {"y": ["N", 3]}, constants)


def quantized() -> onnx.ModelProto:
    """QONNX, older operators, functions, slices and pads."""
    nodes = [
        node("BipolarQuant", ["x", "one"], ["q"], domain=QONNX[1]),
        node("Quant", ["w", "one", "zero", "four"], ["wq"], domain=QONNX[0], signed=1, narrow=1),
        node("Transpose", ["wq"], ["wt"], perm=[1, 0]),
        node("MatMul", ["q", "wt"], ["a"]),
        node("Pad", ["a"], ["b"], pads=[0, 0, 0, 1], value=1.0),
        node("Slice", ["b"], ["c"], starts=[1], ends=[9], axes=[1]),
        node("Split", ["c"], ["d", "e"], axis=1, split=[2, 2]),
        node("double", ["d"], ["f"], domain="local"),
        node("Concat", ["f", "e"], ["g"], axis=1),
        node("Squeeze", ["h"], ["y"], axes=[1]),
        node("Unsqueeze", ["g"], ["h"], axes=[1]),
    ]
    constants = {
        "w": values(4, 6), "one": np.float32(1), "zero": np.float32(0), "four": np.float32(4),
    }  # fmt: skip
    proto = model(
        nodes, {"x": [1, 6]}, ["y"], constants, 9, {QONNX[0]: 2, "local": 1}
    )  # fmt: skip
    body = [node("Add", ["a", "a"], ["b"])]
    imports = [helper.make_opsetid("", 9)]
    proto.functions.append(helper.make_function("local", "double", ["a"], ["b"], body, imports))
    return proto


SEEDS = [convolutional(), quantized()]
OPERATORS = sorted({r.op for r in all_rules()} | {"Loop", "Einsumm", ""})


def survives(proto: Any) -> None:
    """Load; a graph must print, parse and be small enough to run."""
    try:
        graph = load_model(proto).graph
    except ModelError as error:
        message = str(error)
    else:
        message = ""
        ir.verify(graph)
    assert "\n" not in message


@pytest.mark.parametrize("seed", SEEDS, ids=["convolutional", "quantized"])
def test_seeds_are_valid(seed: onnx.ModelProto) -> None:
    assert len(load_model(seed).graph.nodes) > 5


@settings(max_examples=300)
@given(data=st.data())
def test_damaged_bytes(data: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    blob = bytearray(data.draw(st.sampled_from(SEEDS)).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(blob) - 1))
        action = data.draw(st.sampled_from(["set", "flip", "drop", "insert", "copy"]))
        if action == "set":
            blob[at] = data.draw(st.integers(0, 255))
        elif action == "flip":
            blob[at] ^= 1 << data.draw(st.integers(0, 7))
        elif action == "drop":
            del blob[at : at + data.draw(st.integers(1, 8))]
        elif action == "insert":
            blob[at:at] = data.draw(st.binary(min_size=1, max_size=8))
        else:
            blob[at:at] = blob[at : at + data.draw(st.integers(1, 200))]
        if not blob:
            return
    path = tmp_path_factory.getbasetemp() / "damaged.onnx"
    path.write_bytes(blob)
    survives(path)


INTEGERS = st.one_of(
    st.integers(-3, 9), st.sampled_from([1 << 20, 1 << 40, (1 << 63) - 1, -(1 << 63)])
)


@st.composite
def attribute(draw: Any, name: str) -> AttributeProto:
    value = draw(
        st.one_of(
            INTEGERS,
            st.lists(INTEGERS, min_size=1, max_size=5),
            st.floats(width=32),
            st.lists(st.floats(width=32), min_size=1, max_size=3),
            st.sampled_from(["", "SAME_UPPER", "constant", "ROUND", "tanh"]),
        )
    )
    return helper.make_attribute(name, value)


def mutate_node(data: Any, graph: onnx.GraphProto) -> None:
    target = graph.node[data.draw(st.integers(0, len(graph.node) - 1))]
    names = ["", "x", "q", *(t.name for t in graph.initializer)]
    names += [name for n in graph.node for name in n.output]
    action = data.draw(
        st.sampled_from(["op", "input", "drop", "more", "output", "attribute", "remove", "domain"])
    )
    if action == "op":
        target.op_type = data.draw(st.sampled_from(OPERATORS))
    elif action == "input" and target.input:
        index = data.draw(st.integers(0, len(target.input) - 1))
        target.input[index] = data.draw(st.sampled_from(names))
    elif action == "drop" and target.input:
        target.input.pop()
    elif action == "more":
        target.input.append(data.draw(st.sampled_from(names)))
    elif action == "output":
        target.output.append(data.draw(st.sampled_from(["", "extra", "y"])))
    elif action == "attribute":
        known = [a.name for n in graph.node for a in n.attribute]
        name = data.draw(st.sampled_from([*known, "axis", "to", "alpha", "epsilon", "blocksize"]))
        for i, present in reversed(list(enumerate(target.attribute))):
            if present.name == name:
                del target.attribute[i]
        target.attribute.append(data.draw(attribute(name)))
    elif action == "remove" and target.attribute:
        target.attribute.pop()
    elif action == "domain":
        target.domain = data.draw(st.sampled_from(["", "ai.onnx", QONNX[0], "local", "other"]))


def mutate_tensor(data: Any, graph: onnx.GraphProto) -> None:
    tensor = graph.initializer[data.draw(st.integers(0, len(graph.initializer) - 1))]
    action = data.draw(st.sampled_from(["values", "dims", "type", "name"]))
    if action == "values" and tensor.data_type == onnx.TensorProto.INT64:
        array = np.array([data.draw(INTEGERS)], np.int64)
        tensor.raw_data = np.tile(array, len(tensor.raw_data) // 8).tobytes()
    elif action == "values":
        number = np.float32(data.draw(st.floats(width=32)))
        tensor.raw_data = number.tobytes() * (len(tensor.raw_data) // 4)
    elif action == "dims":
        dims = data.draw(st.lists(INTEGERS, max_size=4))
        del tensor.dims[:]
        tensor.dims.extend(dims)
    elif action == "type":
        tensor.data_type = data.draw(st.integers(0, 30))
    else:
        tensor.name = data.draw(st.sampled_from(["", "x", "other"]))


def mutate_types(data: Any, proto: onnx.ModelProto) -> None:
    action = data.draw(st.sampled_from(["dim", "symbol", "rank", "type", "opset"]))
    info = data.draw(st.sampled_from([*proto.graph.input, *proto.graph.output]))
    dims = info.type.tensor_type.shape.dim
    if action == "opset":
        proto.opset_import[0].version = data.draw(st.integers(0, 40))
    elif action == "type":
        info.type.tensor_type.elem_type = data.draw(st.integers(0, 30))
    elif action == "rank" or not dims:
        dims.add().dim_value = 2
    elif action == "symbol":
        dims[-1].dim_param = "S"
    else:
        dims[data.draw(st.integers(0, len(dims) - 1))].dim_value = data.draw(INTEGERS)


@settings(max_examples=500)
@given(st.data())
def test_damaged_structure(data: Any) -> None:
    proto = onnx.ModelProto()
    proto.CopyFrom(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 4))):
        kind = data.draw(st.sampled_from(["node", "node", "node", "tensor", "types"]))
        if kind == "node":
            mutate_node(data, proto.graph)
        elif kind == "tensor":
            mutate_tensor(data, proto.graph)
        else:
            mutate_types(data, proto)
    survives(proto)


@settings(max_examples=100)
@given(blob=st.binary(max_size=200))
def test_noise(tmp_path_factory: pytest.TempPathFactory, blob: bytes) -> None:
    path = Path(tmp_path_factory.getbasetemp()) / "noise.onnx"
    path.write_bytes(blob)
    survives(path)
