"""Operators that ONNX itself defines by other operators: imported through that definition.

A function's body may depend on the types of the node's inputs, so it is looked up at the node, when
these are known. Its nodes are folded or handed to their rules like nodes of the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from onnx import AttributeProto, FunctionProto, NodeProto, TypeProto, defs, helper

from ...errors import Limit, ModelError
from ...ir import Batch, Value
from ..registry import find_rule
from .batch_shapes import BatchDependent
from .call import Call
from .constant_folding import fold
from .deferred_transpose import DeferredTranspose
from .scope import Broken, ImportedTensor, Scope


def expanded(call: Call) -> tuple[ImportedTensor, ...]:
    """The results of the node's function body, an entry for each of its outputs."""
    assert call.version is not None
    scope = call.scope
    body = _body(call)
    if not body.node or len(call.node.input) > len(body.input):
        call.refuse("has no definition for these operands")
    version = next((o.version for o in body.opset_import if not o.domain), call.version)
    inner = list(_renamed(call, body, f"{call.origin}/"))
    names: list[str] = []
    for node in inner:
        inputs = [scope.get(name) if name else None for name in node.input]
        for name, tensor in zip(node.output, _results(node, inputs, version, scope), strict=False):
            if name:
                scope.put(name, tensor, call.origin)
                names.append(name)
    results = tuple(scope.get(name) if name else Broken() for name in call.node.output)
    for name in names:
        if name not in call.node.output:
            scope.drop(name)
    return results


def _results(
    node: NodeProto, inputs: Sequence[ImportedTensor | None], version: int, scope: Scope
) -> Sequence[ImportedTensor]:
    known = [h for h in inputs if h is None or isinstance(h, (np.ndarray, BatchDependent))]
    if len(known) == len(inputs):
        folded = fold(node, known, version, scope.graph.limit)
        if folded is not None:
            return folded
    rule = find_rule(node.domain, node.op_type, version)
    if rule is None:
        text = f"operator {node.op_type} of its definition is not supported"
        raise ModelError(text, limits=[Limit.OPERATOR])
    try:
        answer = rule.apply(Call(node, version, scope))
    except ModelError as error:
        text = f"{node.op_type} in its definition: {error}"
        raise ModelError(text, limits=error.limits) from error
    return answer if isinstance(answer, tuple) else (answer,)


def _body(call: Call) -> FunctionProto:
    """The definition for these operands, in the newest operator set not above the model's."""
    assert call.version is not None
    schema: Any = defs.get_schema(call.op, call.version, "")
    plain = [v for v in schema.function_opset_versions if v <= call.version]
    if plain:
        definition = schema.get_function_with_opset_version(max(plain))
        return _parsed(definition)
    typed = [v for v in schema.context_dependent_function_opset_versions if v <= call.version]
    if not typed:
        call.refuse(f"has no definition in opset {call.version}", Limit.OPERATOR)
    types = [type_of(call.scope.get(name) if name else None) for name in call.node.input]
    definition = schema.get_context_dependent_function_with_opset_version(
        max(typed), call.node.SerializeToString(), [t.SerializeToString() for t in types]
    )
    return _parsed(definition)


def _parsed(definition: bytes | FunctionProto) -> FunctionProto:
    if isinstance(definition, FunctionProto):
        return definition
    body = FunctionProto()
    body.ParseFromString(definition)
    return body


def type_of(tensor: ImportedTensor | None) -> TypeProto:
    """The ONNX type of an operand, empty for one that is left out."""
    if tensor is None or isinstance(tensor, Broken):
        return TypeProto()
    if isinstance(tensor, BatchDependent):
        tensor = tensor.arrays[0]
    shape: list[int | str]
    if isinstance(tensor, (Value, DeferredTranspose)):
        dtype = tensor.element.dtype
        shape = [str(d) if isinstance(d, Batch) else d for d in tensor.shape]
    else:
        dtype, shape = tensor.dtype, list(tensor.shape)
    return helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(dtype), shape)


def _renamed(call: Call, body: FunctionProto, prefix: str) -> Iterator[NodeProto]:
    """The body's nodes on the model's names, with the node's attributes or their defaults."""
    outer = list(call.node.input) + [""] * (len(body.input) - len(call.node.input))
    names = dict(zip(body.input, outer, strict=True))
    names.update({n: o for n, o in zip(body.output, call.node.output, strict=False) if o})
    schema = defs.get_schema(call.op, call.version or 1, "")
    attributes = {a.name: a for a in body.attribute_proto}
    attributes.update(
        {n: a.default_value for n, a in schema.attributes.items() if a.default_value.type}
    )
    attributes.update({a.name: a for a in call.node.attribute})
    for node in body.node:
        new = NodeProto()
        new.CopyFrom(node)
        new.name = call.origin
        new.domain = "" if node.domain == "ai.onnx" else node.domain
        for names_of in (new.input, new.output):
            for j, name in enumerate(names_of):
                names_of[j] = names.get(name, prefix + name) if name else ""
        del new.attribute[:]
        new.attribute.extend(_attributes(node, attributes))
        yield new


def _attributes(node: NodeProto, given: dict[str, AttributeProto]) -> Iterator[AttributeProto]:
    for attribute in node.attribute:
        if not attribute.ref_attr_name:
            yield attribute
        elif attribute.ref_attr_name in given:
            bound = AttributeProto()
            bound.CopyFrom(given[attribute.ref_attr_name])
            bound.name = attribute.name
            yield bound
