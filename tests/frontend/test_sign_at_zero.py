"""Which signs 0 can reach: proofs from bounds, and what an import says of each sign."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from frontend_support import model, node, run_reference, values
from hypothesis import given
from hypothesis import strategies as st
from onnx import NodeProto

from bnnc import ir
from bnnc.frontend import load_model
from bnnc.frontend.analysis.ranges import ranges
from bnnc.ir.ops import Sign

CONSTANTS = {
    "zero": np.float32(0), "one": np.float32(1), "tenth": np.float32(0.1), "two": np.float32(2),
    "mixed": np.array([-2, 3, -0.5, 1], np.float32), "flat": np.array([0, 1, 2, 3], np.float32),
    "tiny": np.float32(1e-30), "last": np.array([1]),
}  # fmt: skip

Nodes = Sequence[NodeProto]

RANGE = node("Clip", ["x", "zero", "two"], ["a"])
ABOVE = node("Clip", ["x", "tenth", "two"], ["a"])

NEVER: dict[str, Nodes] = {
    "magnitude and a bit": [node("Abs", ["x"], ["a"]), node("Add", ["a", "tenth"], ["t"])],
    "square and a bit": [node("Mul", ["x", "x"], ["a"]), node("Abs", ["a"], ["b"]),
                         node("Add", ["b", "tenth"], ["t"])],
    "clipped above zero": [node("Clip", ["x", "tenth", "two"], ["t"])],
    "relu minus": [node("Relu", ["x"], ["a"]), node("Neg", ["a"], ["b"]),
                   node("Sub", ["b", "tenth"], ["t"])],
    "softmax and a bit": [node("Softmax", ["x"], ["a"]), node("Add", ["a", "tenth"], ["t"])],
    "two minus softmax": [node("Softmax", ["x"], ["a"]), node("Sub", ["two", "a"], ["t"])],
    "two minus tanh": [node("Tanh", ["x"], ["a"]), node("Sub", ["two", "a"], ["t"])],
    "sigmoid of a range": [RANGE, node("Sigmoid", ["a"], ["t"])],
    "exponential of a range": [RANGE, node("Exp", ["a"], ["t"])],
    "times constants": [ABOVE, node("Mul", ["a", "mixed"], ["t"])],
    "root": [node("Abs", ["x"], ["a"]), node("Add", ["a", "one"], ["b"]),
             node("Sqrt", ["b"], ["t"])],
    "sum of what is above": [ABOVE,
                             node("ReduceSum", ["a", "last"], ["t"], keepdims=1)],
    "joined": [ABOVE, node("Neg", ["a"], ["b"]),
               node("Concat", ["a", "b"], ["t"], axis=1)],
}  # fmt: skip

PERHAPS: dict[str, Nodes] = {
    "anything": [node("Identity", ["x"], ["t"])],
    "magnitude": [node("Abs", ["x"], ["t"])],
    "magnitude less": [node("Abs", ["x"], ["a"]), node("Sub", ["a", "tenth"], ["t"])],
    "softmax": [node("Softmax", ["x"], ["t"])],
    "sigmoid": [node("Sigmoid", ["x"], ["t"])],
    "exponential": [node("Exp", ["x"], ["t"])],
    "one minus softmax": [node("Softmax", ["x"], ["a"]), node("Sub", ["one", "a"], ["t"])],
    "one minus tanh": [node("Tanh", ["x"], ["a"]), node("Sub", ["one", "a"], ["t"])],
    "underflow": [node("Clip", ["x", "tiny", "two"], ["a"]), node("Mul", ["a", "a"], ["t"])],
    "times zero": [ABOVE, node("Mul", ["a", "flat"], ["t"])],
    "difference": [ABOVE, node("Sub", ["a", "one"], ["t"])],
    "padded": [ABOVE,
               node("Pad", ["a", "border"], ["t"], mode="constant")],
}  # fmt: skip


def signed(nodes: Nodes) -> ir.Graph:
    constants = {**CONSTANTS, "border": np.array([0, 1, 0, 1])}
    proto = model([*nodes, node("Sign", ["t"], ["y"])], {"x": ["N", 4]}, constants=constants)
    imported = load_model(proto)
    # Not so far apart that a softmax is denormal, which ONNX Runtime makes 0 on some CPUs.
    x = np.concatenate([values(50, 4), np.zeros((1, 4), np.float32), -values(1, 4) * 40])
    got = ir.interpret(imported.graph, {"x": x})["y"]
    assert np.array_equal(got, run_reference(proto, {"x": x})["y"])
    (sign,) = imported.signs
    (node_,) = [n for n in imported.graph.nodes if isinstance(n.op, Sign)]
    assert (sign.name, sign.zero, sign.origin) == (node_.result.name, node_.op.zero, node_.origin)
    assert ("cannot reach" in sign.why) == (sign.zero == 1)
    assert ("kept exactly" in sign.why) == (sign.zero == 0)
    return imported.graph


@pytest.mark.parametrize("name", NEVER)
def test_zero_cannot_reach(name: str) -> None:
    graph = signed(NEVER[name])
    assert [n.op.zero for n in graph.nodes if isinstance(n.op, Sign)] == [1]


@pytest.mark.parametrize("name", PERHAPS)
def test_zero_can_reach(name: str) -> None:
    graph = signed(PERHAPS[name])
    assert [n.op.zero for n in graph.nodes if isinstance(n.op, Sign)] == [0]


def test_what_is_said_of_each_sign() -> None:
    nodes = [
        node("Sign", ["x"], ["a"], name="plain"),
        node("GreaterOrEqual", ["x", "zero"], ["m"]),
        node("Where", ["m", "one", "minus"], ["b"], name="chosen"),
        node("Add", ["a", "b"], ["y"]),
    ]
    constants = {**CONSTANTS, "minus": np.float32(-1)}
    proto = model(nodes, {"x": ["N", 4]}, constants=constants)
    said = {s.origin[-1]: (s.zero, s.why) for s in load_model(proto).signs}
    assert said == {
        "plain": (0, "sign(0) = 0 is kept exactly"),
        "chosen": (1, "+1 at 0, as the model says"),
    }
    (word,) = [s for s in load_model(proto, sign_zero="+1").signs if s.origin == ("plain",)]
    assert (word.zero, word.why) == (1, "+1 at 0 on the user's word (--sign-zero=+1)")


FORMS = ["Abs", "Neg", "Relu", "Exp", "Sigmoid", "Tanh", "Sqrt", "Add", "Sub", "Mul", "Div", "Max"]


@given(
    st.lists(st.tuples(st.sampled_from(FORMS), st.floats(-3, 3, width=32)), min_size=1, max_size=5),
    st.lists(st.floats(-100, 100, width=32), min_size=4, max_size=4),
)
def test_bounds_hold(steps: list[tuple[str, float]], numbers: list[float]) -> None:
    nodes, constants, at = [], {}, "x"
    for i, (op, number) in enumerate(steps):
        constants[f"c{i}"] = np.float32(number)
        operands = [at, f"c{i}"] if op in ("Add", "Sub", "Mul", "Div", "Max") else [at]
        nodes.append(node(op, operands, [at := f"t{i}"]))
    nodes[-1].output[0] = "y"
    proto = model(nodes, {"x": ["N", 4]}, constants=constants)
    graph = load_model(proto).graph
    arrays: dict[str, ir.Array] = {}

    def keep(value: ir.Value, array: ir.Array) -> ir.Array:
        arrays[value.name] = array
        return array

    with np.errstate(all="ignore"):
        ir.interpret(graph, {"x": np.array([numbers], np.float32)}, keep)
    for value, bounds in ranges(graph).items():
        array = arrays.get(value.name)
        if array is None or np.isnan(array).any():
            continue
        assert (array >= bounds.low).all()
        assert (array <= bounds.high).all()
        assert (np.abs(array) >= bounds.least).all()
