"""Small files that would expand without end are refused before anything is allocated."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from frontend_support import conv_model, model, node, refused
from onnx import helper

from bnnc.frontend import load_model
from bnnc.frontend.importing import graph_builder


@pytest.fixture
def bounded() -> Any:
    """No more than 3 GiB of address space beyond what the process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + (3 << 30)
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def bomb(*nodes: onnx.NodeProto, **constants: Any) -> onnx.ModelProto:
    return model(
        [*nodes, node("Add", ["x", "b"], ["y"])], {"x": [1]}, constants=constants, opset=17
    )


@pytest.mark.usefixtures("bounded")
def test_constants_that_explode() -> None:
    size = np.array([1 << 20, 1 << 20], np.int64)
    one = np.ones((1, 1), np.float32)
    row = np.ones((1, 100_000), np.float32)
    for proto in (
        bomb(node("ConstantOfShape", ["s"], ["b"]), s=size),
        bomb(node("Expand", ["o", "s"], ["b"]), s=size, o=one),
        bomb(node("Tile", ["o", "s"], ["b"]), s=size, o=one),
        bomb(node("Range", ["a", "z", "d"], ["b"]), a=np.float32(0), z=np.float32(1e12),
             d=np.float32(1)),
        bomb(node("Transpose", ["r"], ["t"]), node("Mul", ["r", "t"], ["b"]), r=row),
        bomb(node("Transpose", ["r"], ["t"]), node("MatMul", ["t", "r"], ["b"]), r=row),
        bomb(node("Pad", ["o", "p"], ["b"]), o=one, p=np.array([0, 0, 1 << 40, 1 << 10])),
    ):  # fmt: skip
        message = str(refused(proto))
        assert "too large" in message or "absurdly large" in message


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize(
    ("huge", "constants"),
    [
        (node("Tile", ["x", "c"], ["b"]), {"c": [1, 1, 1 << 40, 1]}),
        (node("Tile", ["x", "c"], ["b"]), {"c": [1, 1, 1 << 20, 1 << 10]}),
        (node("Concat", ["x"] * 3000, ["b"], axis=2), {}),
        (node("Expand", ["x", "c"], ["b"]), {"c": [1 << 40, 1, 4, 4]}),
        (node("Pad", ["x", "c"], ["b"]), {"c": [0, 0, 1 << 40, 0, 0, 0, 0, 0]}),
        (node("Conv", ["x", "w"], ["b"], pads=[1 << 20] * 4), {"w": np.ones((1, 1, 1, 1), "f4")}),
        (node("ConvTranspose", ["x", "w"], ["b"], strides=[1 << 30] * 2),
         {"w": np.ones((1, 1, 1, 1), "f4")}),
        (node("Resize", ["x", "", "", "c"], ["b"]), {"c": [1, 1, 1 << 40, 4]}),
        (node("AveragePool", ["x"], ["b"], kernel_shape=[1, 1], pads=[1 << 40] * 4), {}),
    ],
    ids=lambda part: part.op_type if isinstance(part, onnx.NodeProto) else "",
)  # fmt: skip
def test_a_result_that_explodes_names_its_node(huge: onnx.NodeProto, constants: Any) -> None:
    arrays = {n: np.asarray(a, None if n == "w" else np.int64) for n, a in constants.items()}
    width = 1 << 20 if huge.op_type == "Concat" else 4
    reader = node("Relu", ["b"], ["y"])
    message = str(refused(model([huge, reader], {"x": [1, 1, 4, width]}, constants=arrays)))
    assert f"node '{huge.name}' ({huge.op_type} of ai.onnx 17): " in message


def test_a_constant_of_a_rule_is_bounded_too() -> None:
    message = str(refused(model([node("Trilu", ["x"], ["y"])], {"x": [1, 5000, 5000]})))
    assert "node 'Trilu_y' (Trilu of ai.onnx 17): a constant of 25000000 elements" in message


def test_external_data_that_share_their_bytes(tmp_path: Path) -> None:
    (tmp_path / "w.bin").touch()
    os.truncate(tmp_path / "w.bin", 4 << 20)
    names = [f"w{i}" for i in range(100)]
    proto = model([node("Sum", ["x", *names], ["y"])], {"x": [1 << 20]})
    for name in names:
        tensor = proto.graph.initializer.add(name=name, data_type=1, dims=[1 << 20])
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="w.bin")
    onnx.save(proto, tmp_path / "model.onnx")
    message = str(refused(tmp_path / "model.onnx"))
    assert "100 tensors of 419430400 bytes are in files of 4194304 bytes: too many" in message


@pytest.mark.usefixtures("bounded")
def test_doubling_constants() -> None:
    nodes = [node("Concat", [f"c{i}"] * 2, [f"c{i + 1}"], axis=0) for i in range(60)]
    message = str(refused(bomb(*nodes, node("Abs", ["c60"], ["b"]), c0=np.ones(1, np.float32))))
    assert "too large" in message


@pytest.mark.usefixtures("bounded")
def test_functions_that_explode() -> None:
    proto = conv_model()
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("f", 1)]
    for i in range(60):
        inner = (
            node("Relu", ["a"], ["b"]) if i == 0 else node(f"f{i - 1}", ["a"], ["b"], domain="f")
        )
        again = node(inner.op_type, ["b"], ["c"], domain=inner.domain)
        proto.functions.append(
            helper.make_function("f", f"f{i}", ["a"], ["c"], [inner, again], imports)
        )
    proto.opset_import.append(helper.make_opsetid("f", 1))
    proto.graph.node[0].input[0] = "q"
    proto.graph.node.insert(0, node("f59", ["x"], ["q"], domain="f"))
    assert "nodes with its functions expanded; bnnc takes up to 50000" in str(refused(proto))
    del proto.functions[1:]
    proto.functions[0].node[0].CopyFrom(node("f0", ["a"], ["b"], domain="f"))
    assert "recursive" in str(refused(proto))
    proto.graph.node[0].op_type = "f0"
    assert "model-local function 'f0' calls itself" in str(refused(proto))


def test_very_many_nodes_are_refused_at_once() -> None:
    nodes = [node("Neg", ["x"], [f"t{i}"]) for i in range(50_000)]
    proto = model([*nodes, node("Neg", ["x"], ["y"])], {"x": [1]})
    assert "the model has 50001 nodes; bnnc takes up to 50000" in str(refused(proto))


def test_a_node_that_stands_for_too_many_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_builder, "MAX_OPERATORS", 100)
    proto = model([node("Sum", ["x"] * 102, ["y"])], {"x": [1]})
    assert "node 'Sum_y' (Sum of ai.onnx 17): the model takes more than 100" in str(refused(proto))
    del proto.graph.node[0].input[101:]
    assert len(load_model(proto).graph.nodes) == 100


def test_functions_are_expanded() -> None:
    proto = conv_model()
    body = [node("Sign", ["a"], ["s"]), node("Add", ["s", "t"], ["u"]), node("Sign", ["u"], ["b"])]
    body.insert(0, helper.make_node("Constant", [], ["t"], value_float=0.1))
    imports = [helper.make_opsetid("", 17)]
    proto.functions.append(helper.make_function("f", "binarize", ["a"], ["b"], body, imports))
    proto.opset_import.append(helper.make_opsetid("f", 1))
    proto.graph.node[0].input[0] = "q"
    proto.graph.node.insert(0, node("binarize", ["x"], ["q"], domain="f"))
    graph = load_model(proto).graph
    assert [n.op.mnemonic() for n in graph.nodes] == ["sign", "const", "conv"]
    assert graph.nodes[0].op.zero == 1


def test_a_function_with_a_rule_of_its_own_stays_a_call() -> None:
    domain = "qonnx.custom_op.general"
    proto = model(
        [node("BipolarQuant", ["x", "s"], ["y"], domain=domain)],
        {"x": ["N", 3]},
        constants={"s": np.float32(1)},
        domains={domain: 1},
    )
    body = [node("Mul", ["a", "s"], ["b"])]
    imports = [helper.make_opsetid("", 17)]
    proto.functions.append(
        helper.make_function(domain, "BipolarQuant", ["a", "s"], ["b"], body, imports)
    )
    assert [n.op.mnemonic() for n in load_model(proto).graph.nodes] == ["sign"]
