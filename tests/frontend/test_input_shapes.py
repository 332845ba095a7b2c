"""Types and shapes of inputs and outputs: the symbolic batch, and what --shape must fix."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend_support import W, check, conv_model, model, node, refused, values
from onnx import TensorProto, helper, numpy_helper

from bnnc.errors import Limit, ModelError
from bnnc.frontend import load_model


def test_inconsistent_shapes() -> None:
    message = str(refused(conv_model(outputs={"y": ["N", 4, 7, 7]})))
    assert "output 'y': inconsistent shapes: declared [?,4,7,7], computed [N,4,6,6]" in message
    message = str(refused(conv_model(outputs={"y": ["N", 4, 6]})))
    assert "inconsistent shapes" in message
    message = str(refused(conv_model(outputs={"y": (["N", 4, 6, 6], np.int64)})))
    assert "inconsistent types: declared int64, computed f32" in message
    message = str(refused(conv_model(inputs={"x": [1, 4, 8, 8]})))
    assert "node 'Conv_y' (Conv of ai.onnx 17): weights %w" in message
    assert "expected 3 input channels, got 4" in message


def test_declared_output_may_be_looser() -> None:
    load_model(conv_model(outputs={"y": [None, "C", 6, "W"]}))


def test_open_dimensions_are_all_listed() -> None:
    proto = model(
        [node("Add", ["a", "b"], ["y"])], {"a": ["N", 3, "H", None], "b": ["N", 3, "H", 5]}
    )
    message = str(refused(proto))
    for text in ("input 'a' axis 2 (H)", "input 'a' axis 3", "input 'b' axis 2 (H)", "--shape"):
        assert text in message
    graph = load_model(proto, shapes={"a": (-1, 3, 4, 5)}).graph
    assert [str(v.type) for v in graph.inputs] == ["f32[N,3,4,5]", "f32[N,3,4,5]"]
    graph = load_model(proto, shapes={"a": (2, 3, 4, 5)}).graph
    assert [str(v.type) for v in graph.inputs] == ["f32[2,3,4,5]", "f32[2,3,4,5]"]


def test_one_symbol_stays_open() -> None:
    proto = model([node("Add", ["a", "b"], ["y"])], {"a": ["N", 3], "b": ["M", 3]})
    assert "first dimensions have different symbols (N, M)" in str(refused(proto))
    load_model(proto, shapes={"b": (1, 3)})
    shared = model([node("Add", ["a", "b"], ["y"])], {"a": ["N", 3], "b": ["N", 3]})
    assert all(v.type.symbolic for v in load_model(shared).graph.inputs)


@pytest.mark.parametrize("x", [[-1, 3, 8, 8], [-5, 3, 8, 8]])
def test_a_negative_size_is_an_open_one(x: list[int]) -> None:
    proto = conv_model(inputs={"x": x}, outputs={"y": [-1, 4, 6, 6]})
    assert str(load_model(proto).graph.inputs[0].type) == "f32[N,3,8,8]"
    fixed = load_model(proto, shapes={"x": (2, 3, 8, 8)}).graph
    assert str(fixed.outputs[0].value.type) == "f32[2,4,6,6]"
    inside = conv_model(inputs={"x": [1, 3, -1, 8]})
    assert "input 'x' axis 2 (?x.2)" in str(refused(inside))
    check(conv_model(inputs={"x": x}), {"x": values(2, 3, 8, 8)})


def test_two_open_sizes_are_two_symbols() -> None:
    proto = model([node("Add", ["a", "b"], ["y"])], {"a": [-1, 3], "b": [-1, 3]})
    assert "first dimensions have different symbols (?a.0, ?b.0)" in str(refused(proto))


def test_a_size_of_zero_is_fixed_by_the_shape_option() -> None:
    proto = conv_model(inputs={"x": [0, 3, 8, 8]}, outputs={"y": [0, 4, 6, 6]})
    error = refused(proto)
    assert "input 'x' axis 0 has size 0; where that stands for an unknown size" in str(error)
    assert error.limits == (Limit.EMPTY,)
    for batch, text in ((-1, "f32[N,4,6,6]"), (5, "f32[5,4,6,6]")):
        graph = load_model(proto, shapes={"x": (batch, 3, 8, 8)}).graph
        assert str(graph.outputs[0].value.type) == text
    inside = conv_model(inputs={"x": ["N", 3, 0, 8]})
    load_model(inside, shapes={"x": (-1, 3, 8, 8)})


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"z": (1, 3, 8, 8)}, "--shape names 'z', which is no input; the inputs are 'x'"),
        ({"x": (1, 3, 8)}, "--shape x=1x3x8 has 3 dimensions, the model's input has 4"),
        ({"x": (1, 4, 8, 8)}, "contradicts the model: axis 1 (3) is 3"),
        ({"x": (0, 3, 8, 8)}, "axis 0 has size 0"),
        ({"x": (1, -1, 8, 8)}, "axis 1 has size -1"),
        ({"w": (4, 3, 3, 3)}, "--shape names 'w'"),
    ],
)
def test_shape_option(shapes: dict[str, tuple[int, ...]], message: str) -> None:
    assert message in str(refused(conv_model(), shapes=shapes))


def test_contradicting_symbols() -> None:
    proto = model([node("Add", ["a", "b"], ["y"])], {"a": [1, "H"], "b": [1, "H"]})
    message = str(refused(proto, shapes={"a": (1, 4), "b": (1, 5)}))
    assert "--shape b=1x5 contradicts the model: axis 1 (H) is 4" in message


def test_input_without_a_shape() -> None:
    proto = conv_model(inputs={"x": None})
    assert "input 'x' has no shape" in str(refused(proto))
    load_model(proto, shapes={"x": (1, 3, 8, 8)})


@pytest.mark.parametrize(
    ("dtype", "message"),
    [(np.float64, "is float64"), (np.uint16, "uint16"),
     (np.dtype(object), "string"), (np.complex64, "complex64")],
)  # fmt: skip
def test_input_types(dtype: Any, message: str) -> None:
    proto = model([node("Identity", ["x"], ["y"])], {"x": ([1, 3], dtype)})
    assert message in str(refused(proto))


def test_inputs_that_are_no_tensors() -> None:
    proto = conv_model()
    sequence = helper.make_tensor_sequence_value_info("s", TensorProto.FLOAT, [1])
    proto.graph.input.append(sequence)
    assert "input 's' is a sequence_type" in str(refused(proto))


def test_initializers_among_the_inputs_are_constants() -> None:
    proto = conv_model()
    proto.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, W.shape))
    assert [v.name for v in load_model(proto).graph.inputs] == ["x"]


@pytest.mark.parametrize("way", ["gather", "split", "slice"])
def test_a_batch_that_comes_back_in_front(way: str) -> None:
    """q, k and v of a transformer: permuted to [3, N, heads, T, D] and taken apart."""
    candidates: dict[str, Any] = {
        "s": np.array([0, 5, 3, 4, 2], np.int64),
        "a": np.array([0], np.int64),
    }
    nodes = [
        node("Reshape", ["x", "s"], ["r"]),
        node("Transpose", ["r"], ["t"], perm=[2, 0, 3, 1, 4]),
    ]
    if way == "split":
        nodes.append(node("Split", ["t"], ["p0", "p1", "p2"], axis=0, num_outputs=3))
    for i in range(3):
        candidates |= {f"i{i}": np.int64(i), f"b{i}": np.array([i]), f"e{i}": np.array([i + 1])}
        if way == "gather":
            nodes.append(node("Gather", ["t", f"i{i}"], [f"q{i}"], axis=0))
            continue
        if way == "slice":
            nodes.append(node("Slice", ["t", f"b{i}", f"e{i}", "a"], [f"p{i}"]))
        nodes.append(node("Squeeze", [f"p{i}", "a"], [f"q{i}"]))
    nodes += [
        node("Transpose", ["q1"], ["k"], perm=[0, 1, 3, 2]),
        node("MatMul", ["q0", "k"], ["m"]),
        node("MatMul", ["m", "q2"], ["y"]),
    ]
    used = {n for each in nodes for n in each.input}
    constants = {name: array for name, array in candidates.items() if name in used}
    proto = model(nodes, {"x": ["N", 5, 24]}, constants=constants, opset=18)
    check(proto, {"x": values(3, 5, 24)})


@pytest.mark.parametrize("op", ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceL2"])
@pytest.mark.parametrize("keep", [0, 1])
def test_a_stack_before_the_batch(op: str, keep: int) -> None:
    """torch.stack(..).sum(0) over the branches of a layer."""
    nodes = [
        node("Relu", ["x"], ["b"]),
        node("Unsqueeze", ["x", "zero"], ["u0"]),
        node("Unsqueeze", ["b", "zero"], ["u1"]),
        node("Concat", ["u0", "u1"], ["c"], axis=0),
        node(op, ["c", "zero"], ["r"], keepdims=keep),
    ]
    if op != "ReduceSum":
        nodes[-1] = node(op, ["c"], ["r"], keepdims=keep, axes=[0])
    nodes.append(node("Squeeze", ["r", "zero"], ["y"]) if keep else node("Neg", ["r"], ["y"]))
    proto = model(nodes, {"x": ["N", 5, 4]}, constants={"zero": np.array([0])}, opset=13)
    check(proto, {"x": values(3, 5, 4)})


def test_sparse_initializer() -> None:
    proto = conv_model()
    sparse = helper.make_sparse_tensor(
        numpy_helper.from_array(np.ones(1, np.float32), "s"),
        numpy_helper.from_array(np.zeros(1, np.int64), "i"),
        [3],
    )
    proto.graph.sparse_initializer.append(sparse)
    assert "sparse initializers are not supported: 's'" in str(refused(proto))


def test_batch_that_cannot_stay_symbolic() -> None:
    shape = {"s": np.array([2, 96], np.int64)}
    proto = model([node("Reshape", ["x", "s"], ["y"])], {"x": ["N", 3, 8, 8]}, constants=shape)
    message = str(refused(proto))
    assert "fixes the batch, which is symbolic" in message
    with pytest.raises(ModelError, match="cannot reshape"):
        load_model(proto, shapes={"x": (2, 3, 8, 8)})
    proto = model([node("Transpose", ["x"], ["y"], perm=[1, 0])], {"x": ["N", 3]})
    assert "moves the symbolic batch" in str(refused(proto))
    proto = model([node("ReduceMax", ["x"], ["y"], axes=[0])], {"x": ["N", 3]})
    assert "over the symbolic batch is not supported" in str(refused(proto))
    nodes = [node("Shape", ["x"], ["n"]), node("Cast", ["n"], ["f"], to=1),
             node("Add", ["x", "f"], ["y"])]  # fmt: skip
    assert "depends on the batch size" in str(refused(model(nodes, {"x": ["N", 2]})))
