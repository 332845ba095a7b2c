"""Smaller models that still fail: cut off what comes after, and what comes before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper

Fails = Callable[[ModelProto, ModelProto, dict[str, np.ndarray]], bool]


def shrink(
    model: ModelProto, twin: ModelProto, feed: dict[str, Any], values: dict[str, Any], fails: Fails
) -> ModelProto:
    """The model with one output, then with as many nodes replaced by inputs as can be.

    ``values`` holds every tensor of the twin on ``feed``.
    """
    names = [o for n in model.graph.node for o in n.output if _is_float(values.get(o))]
    for name in names:
        trial = _with_outputs(model, [name]), _with_outputs(twin, [name])
        if fails(*trial, feed):
            model, twin = trial
            break
    for name in reversed(names):
        inputs = {i.name for i in model.graph.input}
        if name in inputs or name in {o.name for o in model.graph.output}:
            continue
        if not any(name in n.output for n in model.graph.node):
            continue
        trial = _with_input(model, name, values[name]), _with_input(twin, name, values[name])
        given = {i.name: values.get(i.name, feed.get(i.name)) for i in trial[0].graph.input}
        if fails(*trial, given):
            (model, twin), feed = trial, given
    return model


def _is_float(array: Any) -> bool:
    return array is not None and array.dtype == np.float32 and array.ndim > 0


def _with_outputs(model: ModelProto, names: list[str]) -> ModelProto:
    copy = ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.extend(helper.make_empty_tensor_value_info(n) for n in names)
    return _pruned(copy)


def _with_input(model: ModelProto, name: str, array: np.ndarray) -> ModelProto:
    copy = ModelProto()
    copy.CopyFrom(model)
    shape: list[Any] = list(array.shape)
    if copy.graph.input[0].type.tensor_type.shape.dim[0].dim_param:
        shape[0] = "N"
    copy.graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    return _pruned(copy)


def _pruned(model: ModelProto) -> ModelProto:
    """Without nodes, constants and inputs that no output needs."""
    graph = model.graph
    given = {i.name for i in graph.input}
    needed = {o.name for o in graph.output}
    kept: list[onnx.NodeProto] = []
    for node in reversed(graph.node):
        if any(o in needed and o not in given for o in node.output):
            kept.append(node)
            needed.update(node.input)
    nodes = kept[::-1]
    constants = [t for t in graph.initializer if t.name in needed]
    inputs = [i for i in graph.input if i.name in needed]
    for field, new in ((graph.node, nodes), (graph.initializer, constants), (graph.input, inputs)):
        copies = [type(item).FromString(item.SerializeToString()) for item in new]
        del field[:]
        field.extend(copies)
    return model


def described(model: ModelProto) -> str:
    """Nodes and constants, one a line."""
    lines = [f"  input {i.name} {_dims(i)}" for i in model.graph.input]
    for t in model.graph.initializer:
        array = onnx.numpy_helper.to_array(t)
        text = np.array2string(array, threshold=12, separator=",").replace("\n", "")
        lines.append(f"  const {t.name} {list(array.shape)} {text[:160]}")
    for n in model.graph.node:
        attributes = ", ".join(
            f"{a.name}={helper.get_attribute_value(a)}" for a in n.attribute if a.name != "value"
        )
        domain = f"{n.domain}." if n.domain else ""
        lines.append(
            f"  {', '.join(n.output)} = {domain}{n.op_type}({', '.join(n.input)}) {attributes}"
        )
    lines += [f"  output {o.name}" for o in model.graph.output]
    return "\n".join(lines)


def _dims(info: Any) -> list[Any]:
    return [d.dim_param or d.dim_value for d in info.type.tensor_type.shape.dim]
