"""`If` whose condition is known at import: the branch takes the node's place."""

from __future__ import annotations

import numpy as np
import pytest
from frontend_support import branch, check, choice, model, node, op_names, refused, values
from onnx import NodeProto, TensorProto, helper, numpy_helper

from bnnc.errors import Limit
from bnnc.frontend import load_model


def doubled_or_negated(**names: str) -> NodeProto:
    """y = 2 x where the condition holds, -x elsewhere; the branches use the same inner names."""
    nodes = [node("Mul", ["x", "k"], ["m"]), node("Abs", ["m"], ["a"])]
    double = branch(
        [*nodes, node("Add", ["m", "zero"], ["o"])], "o", k=np.float32(2), zero=np.float32(0)
    )
    negated = branch([node("Identity", ["x"], ["m"]), node("Neg", ["m"], ["o"])], "o")
    return choice(double, negated, "y", **names)


X = values(2, 3, 4)


@pytest.mark.parametrize("condition", [True, False])
def test_constant_condition(condition: bool) -> None:
    proto = model([doubled_or_negated()], {"x": X.shape}, constants={"c": np.array(condition)})
    graph = check(proto, {"x": X})
    assert op_names(graph) == (["mul", "add"] if condition else ["neg"])
    assert graph.outputs[0].value.name == "y"


@pytest.mark.parametrize(("size", "ops"), [(4, ["mul", "add"]), (3, ["neg"])])
def test_condition_from_shapes(size: int, ops: list[str]) -> None:
    """Of an input with a symbolic batch: only the batch itself is unknown."""
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "two"], ["d"]),
        node("Equal", ["d", "size"], ["c"]),
        doubled_or_negated(),
    ]
    constants = {"two": np.array(2), "size": np.array(size)}
    graph = check(model(nodes, {"x": ["N", 3, 4]}, constants=constants), {"x": X})
    assert op_names(graph) == ops


def test_nested_branches_see_all_names_outside() -> None:
    innermost = branch([node("Add", ["m", "x"], ["p"]), node("Mul", ["p", "w"], ["o"])], "o")
    never = branch([node("Abs", ["x"], ["o"])], "o")
    inner = choice(innermost, never, "o", condition="true")
    outer = branch([node("Relu", ["x"], ["m"]), inner], "o")
    nodes = [choice(never, outer, "r", condition="false"), node("Neg", ["r"], ["y"])]
    constants = {"true": np.array([True]), "false": np.array(False), "w": np.float32(3)}
    graph = check(model(nodes, {"x": X.shape}, constants=constants), {"x": X})
    assert op_names(graph) == ["relu", "add", "mul", "neg"]
    names = [n.result.name for n in graph.nodes]
    assert names == ["If_r/m", "If_r/If_o/p", "w", "r", "y"]


def test_a_branch_that_is_not_taken_may_hold_anything() -> None:
    taken = branch([node("Relu", ["x"], ["o"])], "o")
    other = branch([node("NoSuchOperator", ["x"], ["o"])], "o")
    proto = model([choice(taken, other, "y")], {"x": X.shape}, constants={"c": np.array(True)})
    assert op_names(load_model(proto).graph) == ["relu"]


def test_outputs_from_outside_of_the_branch() -> None:
    """One is the graph's input, one a constant."""
    taken = branch([node("Relu", ["x"], ["r"])], "x", "k", "r", k=np.float32([1, 2]))
    nodes = [choice(taken, taken, "a", "b", "d"), node("Add", ["a", "d"], ["y"])]
    proto = model(nodes, {"x": X.shape}, ["y", "b"], {"c": np.array(True)})
    graph = load_model(proto).graph
    assert op_names(graph) == ["relu", "add"]
    assert [o.name for o in graph.outputs] == ["y", "b"]


def test_in_a_local_function() -> None:
    body = [node("Constant", [], ["c"], value=numpy_helper.from_array(np.array(False)))]
    function = helper.make_function(
        "local", "Turned", ["x"], ["y"], [*body, doubled_or_negated()],
        [helper.make_opsetid("", 17)],
    )  # fmt: skip
    proto = model(
        [node("Turned", ["x"], ["y"], domain="local")], {"x": X.shape}, domains={"local": 1}
    )
    proto.functions.append(function)
    assert op_names(check(proto, {"x": X})) == ["neg"]


def test_a_function_called_in_a_branch() -> None:
    function = helper.make_function(
        "local", "Turned", ["x"], ["y"], [node("Neg", ["x"], ["y"])], [helper.make_opsetid("", 17)]
    )
    taken = branch([node("Turned", ["x"], ["o"], domain="local")], "o")
    proto = model(
        [choice(taken, taken, "y")], {"x": X.shape}, constants={"c": np.array(True)},
        domains={"local": 1},
    )  # fmt: skip
    proto.functions.append(function)
    assert op_names(check(proto, {"x": X})) == ["neg"]


def test_a_condition_of_data_is_refused() -> None:
    nodes = [node("ReduceMax", ["x"], ["m"], keepdims=0), node("Greater", ["m", "zero"], ["c"])]
    proto = model([*nodes, doubled_or_negated()], {"x": X.shape}, constants={"zero": np.float32(0)})
    error = refused(proto)
    assert "node 'If_y' (If of ai.onnx 17): the condition ('c') must be known" in str(error)
    assert error.limits == (Limit.SHAPE,)


def test_a_condition_of_the_batch_is_refused() -> None:
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "zero"], ["d"]),
        node("Equal", ["d", "one"], ["c"]),
    ]
    constants = {"zero": np.array(0), "one": np.array(1)}
    proto = model([*nodes, doubled_or_negated()], {"x": ["N", 3, 4]}, constants=constants)
    assert "the condition ('c') must be known" in str(refused(proto))
    assert op_names(load_model(proto, shapes={"x": (1, 3, 4)}).graph) == ["mul", "add"]


@pytest.mark.parametrize(
    ("divisor", "op", "number", "known"),
    [
        (None, "Greater", 0, True),
        (None, "GreaterOrEqual", 1, True),
        (None, "Equal", -1, True),
        (None, "Equal", 4, False),
        (None, "Less", 5000, False),
        (8, "Equal", 0, False),
    ],
)
def test_a_batch_is_compared_as_every_batch_is(
    divisor: int | None, op: str, number: int, known: bool
) -> None:
    """N > 0 always holds; N = 4 and N mod 8 = 0 hold for some batches, whichever are looked at."""
    constants = {"zero": np.array(0), "number": np.array(number)}
    nodes = [node("Shape", ["x"], ["s"]), node("Gather", ["s", "zero"], ["d"])]
    if divisor is not None:
        constants["divisor"] = np.array(divisor)
        nodes.append(node("Mod", ["d", "divisor"], ["rest"]))
    nodes.append(node(op, [nodes[-1].output[0], "number"], ["c"]))
    proto = model([*nodes, doubled_or_negated()], {"x": ["N", 3, 4]}, constants=constants)
    if known:
        check(proto, {"x": X})
    else:
        assert "depends on the batch size and is used as data" in str(refused(proto))
        check(proto, {"x": values(4, 3, 4)}, shapes={"x": (4, 3, 4)})


def test_problems_inside_a_branch_are_all_listed() -> None:
    chain = [node("GridSample", ["x", "x"], ["m"]), node("Relux", ["m"], ["n"])]
    broken = branch([*chain, node("Neg", ["n"], ["o"])], "o")
    nodes = [choice(broken, broken, "r"), node("NonMaxSuppression", ["r", "r"], ["y"])]
    error = refused(model(nodes, {"x": X.shape}, constants={"c": np.array(True)}))
    assert [problem.split("'")[1] for problem in error.problems] == [
        "GridSample_m", "Relux_n", "NonMaxSuppression_y",
    ]  # fmt: skip


def test_malformed_branches() -> None:
    def message(node_: NodeProto) -> str:
        return str(refused(model([node_], {"x": X.shape}, constants={"c": np.array(True)})))

    fine = branch([node("Relu", ["x"], ["o"])], "o")
    lost = branch([node("Relu", ["nowhere"], ["o"])], "o")
    assert "reads 'nowhere', which nothing defines" in message(choice(lost, fine, "y"))
    assert "has 1 outputs, its branch 2" in message(choice(branch([], "x", "c"), fine, "y"))
    cycle = branch([node("Relu", ["b"], ["o"]), node("Relu", ["o"], ["b"])], "o")
    assert "the graph has a cycle" in message(choice(cycle, fine, "y"))
    wrong = branch([node("Relu", ["x"], ["o"])], "o")
    wrong.initializer.append(TensorProto(name="t", dims=[3], data_type=1, raw_data=b"\0"))
    assert "tensor 't' of shape [3] needs 12 bytes" in message(choice(wrong, fine, "y"))
