"""The dynamo exporter's form of ``x[mask] = number``, turned back into one node.

Before:
    positions = Transpose(NonZero(mask), perm=[1, 0])
    updates = Reshape(Expand(number, count of true elements), [-1])
    y = ScatterND(x, positions, updates)
After:
    y = bnnc::MaskedFill(x, mask, number)

The positions have no shape known before run time, so none of those operators could be imported
separately. The rule of MaskedFill checks that the mask covers all of x.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from onnx import NodeProto, TensorProto, helper

DOMAIN = "bnnc"
_MOVES = frozenset(("Cast", "Expand", "Identity", "Reshape", "Squeeze", "Unsqueeze"))
"""Operators that leave a repeated number the same number."""


def masked_fills(
    nodes: Sequence[NodeProto], initializers: Mapping[str, TensorProto]
) -> list[NodeProto]:
    """The nodes with masked assignments of one number replaced; their operands may stay unused."""
    if not any(node.op_type == "ScatterND" for node in nodes):
        return list(nodes)
    producers = {name: node for node in nodes for name in node.output if name}
    return [_filled(node, producers, initializers) or node for node in nodes]


def _filled(
    node: NodeProto,
    producers: Mapping[str, NodeProto],
    initializers: Mapping[str, TensorProto],
) -> NodeProto | None:
    if node.op_type != "ScatterND" or node.domain or len(node.input) != 3:
        return None
    if any(a.name == "reduction" and a.s != b"none" for a in node.attribute):
        return None
    moved = producers.get(node.input[1])
    if moved is None or moved.op_type != "Transpose" or not moved.input:
        return None
    if any(a.name == "perm" and list(a.ints) != [1, 0] for a in moved.attribute):
        return None
    positions = producers.get(moved.input[0])
    number = _number(node.input[2], producers, initializers)
    if positions is None or positions.op_type != "NonZero" or number is None:
        return None
    operands = [node.input[0], positions.input[0], number]
    return helper.make_node(
        "MaskedFill", operands, list(node.output), name=node.name, domain=DOMAIN
    )


def _number(
    name: str, producers: Mapping[str, NodeProto], initializers: Mapping[str, TensorProto]
) -> str | None:
    """The one-element constant that fills ``name``; None when it is filled in another way."""
    seen: set[str] = set()
    while name not in initializers:
        node = producers.get(name)
        if node is None or name in seen or node.domain:
            return None
        seen.add(name)
        if node.op_type == "Constant":
            return name
        if node.op_type not in _MOVES or not node.input:
            return None
        name = node.input[0]
    return name
