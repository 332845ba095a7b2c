"""float16 and bfloat16: computed in float32, with a note; constants alone in their own type."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend_support import branch, check, choice, model, node, op_names, run_reference, values
from onnx import ModelProto, TensorProto, helper, numpy_helper

from bnnc import ir
from bnnc.driver import recognised
from bnnc.frontend import load_model, to_float32
from bnnc.tools import onnx_backend

CODES = {"float16": TensorProto.FLOAT16, "bfloat16": TensorProto.BFLOAT16}
BATCH = 3


def network(name: str) -> ModelProto:
    """A binary network whose every number is of a half type, one layer's weights computed; its gate
    is computed in float32, as mixed precision does."""
    dtype = helper.tensor_dtype_to_np_dtype(CODES[name])
    generator = np.random.default_rng(0)
    nodes = [
        node("Conv", ["x", "first"], ["c"], pads=[1] * 4),
        node("BatchNormalization", ["c", *"gbmv"], ["n"]),
        node("Sign", ["n"], ["s"]),
        node("Sign", ["latent"], ["signs"]),
        node("Abs", ["latent"], ["sizes"]),
        node("ReduceMean", ["sizes"], ["alpha"], axes=[1, 2, 3]),
        node("Mul", ["signs", "alpha"], ["w"]),
        node("Conv", ["s", "w"], ["d"], pads=[1] * 4),
        node("Cast", ["d"], ["wide"], to=TensorProto.FLOAT),
        node("HardSigmoid", ["wide"], ["gate"]),
        node("Cast", ["gate"], ["narrow"], to=CODES[name]),
        node("Mul", ["d", "narrow"], ["e"]),
        node("GlobalAveragePool", ["e"], ["p"]),
        node("Flatten", ["p"], ["y"]),
    ]
    arrays = {
        "first": generator.standard_normal((16, 3, 3, 3)),
        "latent": generator.standard_normal((8, 16, 3, 3)),
        **{letter: generator.uniform(0.5, 2, 16) for letter in "gbmv"},
    }
    proto = model(nodes, {"x": ["N", 3, 6, 6]}, {"y": ["N", 8]})
    for info in (*proto.graph.input, *proto.graph.output):
        info.type.tensor_type.elem_type = CODES[name]
    stored = [numpy_helper.from_array(a.astype(dtype), n) for n, a in arrays.items()]
    proto.graph.initializer.extend(stored)
    return proto


def in_float32(proto: ModelProto) -> ModelProto:
    out = ModelProto()
    out.CopyFrom(proto)
    to_float32(out)
    return out


@pytest.mark.parametrize("name", CODES)
def test_a_network(name: str) -> None:
    proto = network(name)
    imported = load_model(proto)
    assert imported.half == (name,)
    (note,) = imported.notes
    assert note.startswith(f"{name} is computed in float32, which rounds less")
    assert [verdict.binarized for verdict in recognised(imported.graph)] == [False, True]
    types = [str(v.type) for v in (*imported.graph.inputs, imported.graph.outputs[0].value)]
    assert types == ["f32[N,3,6,6]", "f32[N,8]"]
    x = values(BATCH, 3, 6, 6).astype(np.float16).astype(np.float32)
    got = ir.interpret(imported.graph, {"x": x})["y"]
    wide = run_reference(in_float32(proto), {"x": x})["y"]
    np.testing.assert_allclose(got, wide, rtol=1e-5, atol=1e-5)
    assert imported.source.sha256 != load_model(in_float32(proto)).source.sha256


def test_near_what_the_model_computes_in_float16() -> None:
    proto = network("float16")
    x = values(BATCH, 3, 6, 6)
    narrow = run_reference(proto, {"x": x.astype(np.float16)})["y"]
    got = ir.interpret(load_model(proto).graph, {"x": x.astype(np.float16).astype(np.float32)})["y"]
    assert narrow.dtype == np.float16
    np.testing.assert_allclose(got, narrow.astype(np.float32), atol=0.05 * np.abs(got).max())


def test_constants_alone_keep_their_rounding() -> None:
    """Weights that the graph rounds to float16 and back are these numbers, in a float32 model."""
    nodes = [
        node("Cast", ["w"], ["h"], to=TensorProto.FLOAT16),
        node("Mul", ["h", "third"], ["q"]),
        node("Cast", ["q"], ["f"], to=TensorProto.FLOAT),
        node("MatMul", ["x", "f"], ["y"]),
    ]
    constants = {"w": values(8, 4), "third": np.float16(1 / 3)}
    proto = model(nodes, {"x": ["N", 8]}, constants=constants)
    imported = load_model(proto)
    assert imported.half == () == imported.notes
    x, third = values(2, 8), np.float16(1 / 3)
    weights = (constants["w"].astype(np.float16) * third).astype(np.float32)
    got = ir.interpret(imported.graph, {"x": x})["y"]
    np.testing.assert_allclose(got, x @ weights, rtol=1e-5, atol=1e-6)
    assert np.abs(got - x @ (constants["w"] / np.float32(3))).max() > 1e-4


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Cast", ["x"], ["h"], to=10), node("Sign", ["h"], ["s"]),
         node("Cast", ["s"], ["y"], to=1)],
        [node("CastLike", ["x", "k"], ["h"]), node("Add", ["h", "k"], ["s"]),
         node("Cast", ["s"], ["y"], to=1)],
        [node("Gather", ["k", "i"], ["h"]), node("Cast", ["h"], ["f"], to=1),
         node("Mul", ["x", "f"], ["y"])],
        [node("Shape", ["x"], ["n"]),
         node("ConstantOfShape", ["n"], ["o"],
              value=numpy_helper.from_array(np.ones(1, np.float16))),
         node("Cast", ["x"], ["h"], to=10), node("Add", ["h", "o"], ["s"]),
         node("Cast", ["s"], ["y"], to=1)],
    ],
    ids=["cast", "like", "table", "filled"],
)  # fmt: skip
def test_half_types_inside_of_a_float32_model(nodes: list[Any]) -> None:
    inputs: dict[str, Any] = {"x": ["N", 4]}
    used = {name for each in nodes for name in each.input}
    constants = {"k": np.array([1, 2, 3, 0.5], np.float16), "i": np.array([2, 2, 0, 1])}
    if "i" in used:
        inputs["i"] = (["N", 4], np.int64)
        del constants["i"]
    constants = {name: array for name, array in constants.items() if name in used}
    proto = model(nodes, inputs, constants=constants)
    feeds = {"x": np.array([[1, -2, 0, 0.25]], np.float32)}
    if "i" in used:
        feeds["i"] = np.array([[0, 1, 2, 3]])
    assert load_model(proto).half == ("float16",)
    check(proto, feeds)


def test_branches_and_functions() -> None:
    half = numpy_helper.from_array(np.float16([2]))
    twice = [node("Constant", [], ["k"], value=half), node("Mul", ["x", "k"], ["o"])]
    other = branch([node("Neg", ["x"], ["o"])], "o")
    nodes = [choice(branch(twice, "o"), other, "b"), node("Turned", ["b"], ["y"], domain="local")]
    proto = model(nodes, {"x": ([2, 4], np.float16)}, {"y": ([2, 4], np.float16)},
                  {"c": np.array(True)}, domains={"local": 1})  # fmt: skip
    body = [node("Constant", [], ["k"], value=half), node("Sub", ["k", "x"], ["y"])]
    function = helper.make_function(
        "local", "Turned", ["x"], ["y"], body, [helper.make_opsetid("", 17)]
    )
    proto.functions.append(function)
    imported = load_model(proto)
    assert op_names(imported.graph) == ["mul", "sub"]
    x = values(2, 4)
    (got,) = ir.interpret(imported.graph, {"x": x}).values()
    (want,) = run_reference(in_float32(proto), {"x": x}).values()
    assert np.array_equal(got, want)


def test_an_onnx_backend_gives_the_declared_type() -> None:
    x = values(BATCH, 3, 6, 6).astype(np.float16)
    (y,) = onnx_backend.run_model(network("float16"), [x])
    assert y.dtype == np.float16
    (wide,) = ir.interpret(
        load_model(network("float16")).graph, {"x": x.astype(np.float32)}
    ).values()
    np.testing.assert_allclose(y, wide.astype(np.float16), rtol=2e-3)
