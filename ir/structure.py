"""What decides how an operator is computed, as text: equal for equal operators over other values.

Values are numbered in the order in which they appear, so that names, origins and offsets in memory
do not count; types, attributes, the pitch of a part of a tensor and which operands are the same
value do. Two layers of a network that differ only in their weights have the same structure.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields, replace
from typing import Any

from .core import ANNOTATION, Data, Node, Op, Region, Value


def structure(op: Op, results: Sequence[Value] = ()) -> str:
    """The structure of an operator, and of how its results lie where these are given."""
    numbers: dict[Value, int] = {}
    parts: list[str] = []
    _add_op(op, numbers, parts)
    parts.extend(_typed(value, numbers) for value in results)
    return " ".join(parts)


def without_annotations(op: Op, kept: Collection[str] = ()) -> Op:
    """An operator and those inside it without what passes found out about them (`core.ANNOTATION`),
    but for the fields that are ``kept``."""
    changes: dict[str, Any] = {
        field.name: field.default
        for field in fields(op)
        if ANNOTATION in field.metadata and field.name not in kept
    }
    for name in op.attribute_fields():
        region = getattr(op, name)
        if isinstance(region, Region):
            nodes = tuple(Node(without_annotations(n.op, kept), n.results) for n in region.nodes)
            changes[name] = Region(region.params, nodes, region.results)
    return replace(op, **changes) if changes else op


def _add_op(op: Op, numbers: dict[Value, int], parts: list[str]) -> None:
    parts.append(op.mnemonic())
    for name in op.operand_fields():
        operand = getattr(op, name)
        parts.append(f"{name}=")
        if isinstance(operand, Value):
            parts.append(_typed(operand, numbers))
        elif operand is not None:
            parts.extend(_typed(value, numbers) for value in operand)
    for name in op.stated_fields():
        attribute = getattr(op, name)
        parts.append(f"{name}=")
        if isinstance(attribute, Region):
            _add_region(attribute, numbers, parts)
        else:
            parts.append(_attribute(attribute))


def _add_region(region: Region, numbers: dict[Value, int], parts: list[str]) -> None:
    parts.append("{")
    parts.extend(_typed(value, numbers) for value in region.params)
    for node in region.nodes:
        parts.append(";")
        _add_op(node.op, numbers, parts)
        parts.extend(_typed(value, numbers) for value in node.results)
    parts.append("->")
    parts.extend(_typed(value, numbers) for value in region.results)
    parts.append("}")


def _typed(value: Value, numbers: dict[Value, int]) -> str:
    """A value's number, with its type where it appears first."""
    if value in numbers:
        return f"%{numbers[value]}"
    numbers[value] = len(numbers)
    pitch = f"/{value.slot.pitch}" if value.slot is not None and value.slot.pitch else ""
    return f"%{numbers[value]}:{value.type}{pitch}"


def _attribute(attribute: Any) -> str:
    """Contents by their digest; floats in a form that tells -0 from 0."""
    return f"#{attribute.digest}" if isinstance(attribute, Data) else repr(attribute)
