"""Nodes against the signatures of the ONNX standard: inputs, outputs and attributes."""

from __future__ import annotations

from onnx import AttributeProto, NodeProto, defs

from ...errors import ModelError


def check_signature(node: NodeProto, version: int) -> None:
    """Raise ModelError unless a standard operator is called as its opset version says."""
    if not defs.has(node.op_type, version, ""):
        newer = defs.get_schema(node.op_type).since_version
        raise ModelError(f"ai.onnx opset {version} has no such operator; opset {newer} has it")
    schema = defs.get_schema(node.op_type, version, "")
    if schema.deprecated:
        raise ModelError(f"deprecated in opset {schema.since_version}")
    _check_count("inputs", len(node.input), schema.min_input, schema.max_input)
    _check_count("outputs", len(node.output), schema.min_output, schema.max_output)
    optional = defs.OpSchema.FormalParameterOption.Optional
    for i, name in enumerate(node.input):
        if not name and schema.inputs[min(i, len(schema.inputs) - 1)].option != optional:
            raise ModelError(f"required input {i} is missing")
    given = [a.name for a in node.attribute]
    if len(set(given)) != len(given):
        raise ModelError("an attribute is given twice")
    for name, attribute in schema.attributes.items():
        if attribute.required and name not in given:
            raise ModelError(f"required attribute '{name}' is missing")
    counts = [a.i for a in node.attribute if a.name == "num_outputs"]
    if counts and counts != [len(node.output)]:
        raise ModelError(f"num_outputs is {counts[0]}, but there are {len(node.output)} outputs")
    for attribute in node.attribute:
        _check_attribute(attribute, schema, version)


def _check_count(what: str, count: int, low: int, high: int) -> None:
    if not low <= count <= high:
        bounds = str(low) if low == high else f"{low} to {high}"
        raise ModelError(f"expected {bounds} {what}, got {count}")


def _check_attribute(attribute: AttributeProto, schema: defs.OpSchema, version: int) -> None:
    expected = schema.attributes.get(attribute.name)
    if expected is None:
        raise ModelError(f"unknown attribute '{attribute.name}' in opset {version}")
    if attribute.ref_attr_name:
        raise ModelError(f"attribute '{attribute.name}' refers to a function's parameter")
    wanted = str(expected.type).rsplit(".", 1)[-1]
    given = AttributeProto.AttributeType.Name(attribute.type)
    if wanted != given:
        raise ModelError(f"attribute '{attribute.name}' must be {wanted}, got {given}")
