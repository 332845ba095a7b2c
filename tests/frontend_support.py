"""Small ONNX models, and their results by ONNX Runtime (no optimizations, one thread)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper

from bnnc import ir
from bnnc.errors import ModelError
from bnnc.frontend import load_model

IR_VERSION = 10

Shape = Sequence[int | str | None]


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> NodeProto:
    """A node named after its operator and first output."""
    domain = attributes.pop("domain", "")
    name = attributes.pop("name", f"{op}_{next(iter(outputs), '')}")
    return helper.make_node(op, inputs, outputs, name=name, domain=domain, **attributes)


def model(
    nodes: Sequence[NodeProto],
    inputs: Mapping[str, Any],
    outputs: Sequence[str] | Mapping[str, Any] = ("y",),
    constants: Mapping[str, Any] | None = None,
    opset: int = 17,
    domains: Mapping[str, int] | None = None,
) -> ModelProto:
    """A model. Inputs and outputs are shapes, or (shape, dtype); a tuple of output names leaves
    their types open."""
    infos = [_info(name, spec) for name, spec in inputs.items()]
    outs = (
        [_info(name, spec) for name, spec in outputs.items()]
        if isinstance(outputs, Mapping)
        else [helper.make_empty_tensor_value_info(name) for name in outputs]
    )
    initializers = [numpy_helper.from_array(np.asarray(a), n) for n, a in (constants or {}).items()]
    graph = helper.make_graph(list(nodes), "test", infos, outs, initializers)
    imports = [helper.make_opsetid("", opset)]
    imports += [helper.make_opsetid(d, v) for d, v in (domains or {}).items()]
    return helper.make_model(graph, opset_imports=imports, ir_version=IR_VERSION)


def _info(name: str, spec: Any) -> onnx.ValueInfoProto:
    shape, dtype = (
        spec
        if isinstance(spec, tuple) and len(spec) == 2 and _is_type(spec[1])
        else (
            spec,
            np.float32,
        )
    )
    code = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return helper.make_tensor_value_info(name, code, None if shape is None else list(shape))


def _is_type(spec: Any) -> bool:
    return isinstance(spec, (type, np.dtype))


def branch(nodes: Sequence[NodeProto], *outputs: str, **constants: Any) -> GraphProto:
    """A branch of an If, its constants as initializers."""
    infos = [helper.make_empty_tensor_value_info(name) for name in outputs]
    tensors = [numpy_helper.from_array(np.asarray(a), n) for n, a in constants.items()]
    return helper.make_graph(list(nodes), "branch", [], infos, tensors)


def choice(
    then: GraphProto, otherwise: GraphProto, *outputs: str, condition: str = "c"
) -> NodeProto:
    """An If."""
    return node("If", [condition], outputs, then_branch=then, else_branch=otherwise)


def run_reference(proto: ModelProto, feeds: Mapping[str, Any]) -> dict[str, Any]:
    """The model's outputs by ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [o.name for o in session.get_outputs()]
    arrays = {name: np.asarray(array) for name, array in feeds.items()}
    return dict(zip(names, session.run(None, arrays), strict=True))


def check(
    proto: ModelProto, feeds: Mapping[str, Any], rtol: float = 2e-6, **options: Any
) -> ir.Graph:
    """Assert that the imported graph computes what ONNX Runtime computes: types, shapes, values
    within ``rtol`` of the output's scale. Returns the graph."""
    graph = load_model(proto, **options).graph
    expected = run_reference(proto, feeds)
    got = ir.interpret(graph, feeds)
    assert list(got) == list(expected)
    for name, want in expected.items():
        have = got[name]
        assert have.dtype == want.dtype
        assert have.shape == want.shape
        if want.dtype.kind != "f":
            assert np.array_equal(have, want)
            continue
        finite = np.isfinite(want)
        assert np.array_equal(have[~finite], want[~finite], equal_nan=True)
        scale = max(1.0, float(np.abs(want[finite]).max(initial=0)))
        assert np.abs(have[finite] - want[finite]).max(initial=0) <= rtol * scale
    return graph


def single(
    op: str,
    *operands: Any,
    opset: int,
    constants: dict[int, Any] | None = None,
    outputs: int = 1,
    **attributes: Any,
) -> tuple[Any, dict[str, Any]]:
    """A model of one node and its feeds; ``constants`` are inputs stored in the model by index."""
    constants = constants or {}
    count = len(operands) + len(constants)
    feeds, iterator, names = {}, iter(operands), []
    for i in range(count):
        name = f"i{i}"
        if i in constants and constants[i] is None:
            names.append("")
            continue
        names.append(name)
        if i not in constants:
            feeds[name] = next(iterator)
    named = {f"i{i}": a for i, a in constants.items() if a is not None}
    outs = [f"y{i}" for i in range(outputs)]
    inputs = {n: (list(a.shape), a.dtype) for n, a in feeds.items()}
    proto = model([node(op, names, outs, **attributes)], inputs, outs, named, opset)
    return proto, feeds


def run(op: str, *operands: Any, opset: int = 17, rtol: float = 2e-6, **rest: Any) -> ir.Graph:
    """Import a model of one node and compare it with ONNX Runtime."""
    proto, feeds = single(op, *operands, opset=opset, **rest)
    return check(proto, feeds, rtol)


def values(*shape: int, seed: int = 0, low: float = -3, high: float = 3) -> Any:
    """Float32 numbers between bounds."""
    generator = np.random.default_rng([seed, *shape])
    return generator.uniform(low, high, shape).astype(np.float32)


def op_names(graph: ir.Graph) -> list[str]:
    """Mnemonics of the nodes that are not constants, in order."""
    return [n.op.mnemonic() for n in graph.nodes if n.op.mnemonic() != "const"]


W = values(4, 3, 3, 3)


def conv_model(**changes: Any) -> onnx.ModelProto:
    arguments = {"inputs": {"x": ["N", 3, 8, 8]}, "constants": {"w": W}, **changes}
    return model([node("Conv", ["x", "w"], ["y"])], **arguments)


def refused(given: Any, **options: Any) -> ModelError:
    """The error, once it is known to be one line that names the model."""
    with pytest.raises(ModelError) as caught:
        load_model(given, **options)
    message = str(caught.value)
    label = "<model>" if isinstance(given, onnx.ModelProto) else str(given)
    assert "\n" not in message
    assert message.startswith(f"{label}: ")
    assert caught.value.problems
    assert all(problem[:2000] in message for problem in caught.value.problems[:20])
    return caught.value
