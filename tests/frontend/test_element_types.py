"""Every element type that a rule declares is compiled: on the ONNX project's cases, retyped."""

from __future__ import annotations

from collections.abc import Iterator

import onnx
import pytest
from onnx import helper, numpy_helper
from onnx_suite import Case, cases, with_constants

from bnnc import driver
from bnnc.backends.cost_model import PredictedCost
from bnnc.errors import ModelError
from bnnc.frontend.registry import Rule, find_rule
from bnnc.options import Options

CODES = {
    "f32": onnx.TensorProto.FLOAT,
    "i8": onnx.TensorProto.INT8,
    "u8": onnx.TensorProto.UINT8,
    "i16": onnx.TensorProto.INT16,
    "i32": onnx.TensorProto.INT32,
    "i64": onnx.TensorProto.INT64,
    "bool": onnx.TensorProto.BOOL,
}
NAMES = {"f32": "float", "i8": "int8", "u8": "uint8", "i16": "int16", "i32": "int32",
         "i64": "int64", "bool": "bool"}  # fmt: skip


def examples() -> Iterator[tuple[Case, Rule, str]]:
    """The first imported case of each standard operator, its rule and the operand that has the
    declared types."""
    seen: set[str] = set()
    for case in cases("node"):
        nodes = case.model.graph.node
        if len(nodes) != 1 or nodes[0].domain or nodes[0].op_type in seen:
            continue
        rule = find_rule("", nodes[0].op_type, case.model.opset_import[0].version)
        if rule is None or len(nodes[0].input) <= rule.operand:
            continue
        changed, met = with_constants(case)
        operand = nodes[0].input[rule.operand]
        if met is None and operand in [info.name for info in changed.model.graph.input]:
            seen.add(nodes[0].op_type)
            yield changed, rule, operand


def retyped(case: Case, operand: str, code: int) -> onnx.ModelProto:
    """The model with another type for everything that has the operand's."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    graph = model.graph
    before = next(i.type.tensor_type.elem_type for i in graph.input if i.name == operand)
    for info in graph.input:
        if info.type.tensor_type.elem_type == before:
            info.type.tensor_type.elem_type = code
    dtype = helper.tensor_dtype_to_np_dtype(code)
    for tensor in graph.initializer:
        if tensor.data_type == before:
            array = numpy_helper.to_array(tensor).astype(dtype)
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    outputs = [helper.make_empty_tensor_value_info(o.name) for o in graph.output]
    del graph.output[:]
    graph.output.extend(outputs)
    return model


def compiles(case: Case, rule: Rule, operand: str, element: str, name: str) -> bool:
    """True when the backend compiles the retyped case, False when another stated limit of its rule
    stops it; raises what else is wrong."""
    try:
        imported = driver.import_model(retyped(case, operand, CODES[element]))
    except ModelError as error:
        if error.limits[0] not in {entry.limit for entry in rule.limits}:
            raise
        return False
    target, backend = driver.resolve_target("x86-64-v3"), driver.load_backend(name)
    graph, _ = driver.lower(imported, PredictedCost(target, backend.kernels), Options())
    backend.lower(graph, target)
    return True


@pytest.mark.sampled(per=())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_declared_types_compile(backend: str) -> None:
    done = 0
    for case, rule, operand in examples():
        schema = onnx.defs.get_schema(rule.op, case.model.opset_import[0].version)
        allowed = schema.inputs[min(rule.operand, len(schema.inputs) - 1)].types
        declared = [e for e in rule.types if f"tensor({NAMES[e]})" in allowed]
        done += sum(compiles(case, rule, operand, element, backend) for element in declared)
    assert done > 300


def test_other_types_are_refused_by_name() -> None:
    case = next(c for c, rule, _ in examples() if rule.op == "And")
    with pytest.raises(ModelError, match="f32 is not supported; expected bool"):
        driver.import_model(retyped(case, case.model.graph.input[0].name, CODES["f32"]))
