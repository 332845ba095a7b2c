"""What a fused region is to any kernel: its iteration space, what keeps it from being code, and
what one pass over it costs."""

from __future__ import annotations

from typing import TypeVar

from ...ir import Bits, Layout, Op, TensorType, Value
from ...ir.ops import BinaryConv, BinaryGemm, Conv, Fused, Gemm
from .. import cache_traffic
from ..interface import Choice
from ..targets import Target
from . import elementwise_emitters

A = TypeVar("A", bound=Op)


def anchor_of(op: Op, *kinds: type[A]) -> A:
    """The anchor of a fused region, which is of one of these kinds."""
    assert isinstance(op, Fused)
    assert op.anchor is not None
    anchor = op.anchor.op
    assert isinstance(anchor, kinds)
    return anchor


def full_type(op: Fused) -> TensorType:
    """Type of the region's iteration space: that of the anchor's result, else of the widest."""
    if op.anchor is not None:
        return op.anchor.results[0].type
    return max((v.type for v in op.body.results), key=lambda t: (t.rank, t.elements_per_sample()))


def refusal(op: Fused, target: Target) -> str | None:
    """Why the region's elementwise operators cannot be emitted, or None."""
    for node in op.body.nodes:
        if node.op.elementwise:
            reason = elementwise_emitters.refusal(node.op, target)
            if reason is not None:
                return f"{node.describe()}: {reason}"
    return None


def plain_refusal(op: Op, target: Target) -> str | None:
    """The same for kernels that neither read nor write planes of pixels."""
    assert isinstance(op, Fused)
    for value in (*op.xs, *op.body.results):
        if value.type.layout is Layout.PLANES:
            return f"cannot read or write planes of pixels, as {value!r}"
    return refusal(op, target)


def bytes_for_bits(op: Op, target: Target, choice: Choice) -> int:
    """What it adds to store the weights of the anchor as bytes (`extra_bytes`)."""
    return _unpacked(anchor_of(op, BinaryConv, BinaryGemm).w, 1)


def floats_for_codes(op: Op, target: Target, choice: Choice) -> int:
    """What it adds to store the weights of the anchor as floats where they are codes."""
    return _unpacked(anchor_of(op, Conv, Gemm).w, 4)


def _unpacked(w: Value, size: int) -> int:
    """What it adds to store codes in ``size`` bytes each; other weights stay as they are."""
    if not isinstance(w.element, Bits):
        return 0
    weights = w.type.elements_per_sample()
    return size * weights - weights * w.element.planes // 8


def pass_cycles(op: Op, target: Target, choice: Choice) -> float:
    """One vector operation a cycle for each operator, operand and result; the memory's share."""
    assert isinstance(op, Fused)
    elements = full_type(op).elements_per_sample()
    memory = cache_traffic.traffic([v.type for v in (*op.xs, *op.body.results)], target)
    operations = len(op.body.nodes) + len(op.xs) + len(op.body.results)
    return elements / target.lanes * operations + memory
