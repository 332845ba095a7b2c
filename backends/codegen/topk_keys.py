"""The order of TopK: elements as integers, and how the best of several is chosen.

An entry is a key and its position, lanes of one type for the position. The best entry so far is a
fold over positions from the first to the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir

from ...ir import BOOL, F16, U8, Op, Scalar
from ...ir.ops import TopK
from ..targets import Target
from .kernel_builder import I32, I64, Emission, IRValue, vector


def key_type(op: TopK) -> ir.IntType:
    """The integer that an element becomes."""
    element = op.x.element
    assert isinstance(element, Scalar)
    return I32 if element.dtype.itemsize <= 4 else I64


def order_key(code: Emission, op: TopK, x: Any) -> IRValue:
    """Lanes of the operand as signed integers that rise with it (fall, for the smallest)."""
    b: Any = code.b
    element = op.x.element
    assert isinstance(element, Scalar)
    target = vector(key_type(op), x.type.count)
    if element.dtype.kind != "f":
        if target.element != x.type.element:
            x = b.zext(x, target) if element == U8 else b.sext(x, target)
        return x if op.largest else b.not_(x)
    # -0 + 0 is +0. Negative floats rise as their bits fall.
    x = x if op.largest else b.fneg(x)
    x = b.fadd(x, ir.Constant(x.type, [0.0] * x.type.count))
    top = np.iinfo(element.dtype.str.replace("f", "i")).max
    bits = b.bitcast(x, target)
    mask = b.and_(b.ashr(bits, _all(target, target.element.width - 1)), _all(target, top))
    return b.select(b.fcmp_unordered("uno", x, x), _all(target, top), b.xor(bits, mask))


NO_ENTRY = (0, -1)
"""Key and position before the first element: any entry is better."""
Entry = Sequence[IRValue]
"""Key and position."""


def improves(code: Emission, op: TopK, entry: Entry, best: Entry) -> IRValue:
    """Whether an entry comes before the best one of the positions before its own."""
    b: Any = code.b
    better = b.icmp_signed(">=" if op.last else ">", entry[0], best[0])
    return b.or_(better, b.icmp_signed("<", best[1], _all(best[1].type, 0)))


def follows(code: Emission, op: TopK, entry: Entry, other: Entry) -> IRValue:
    """Whether an entry comes after another one in the order, at any positions."""
    b: Any = code.b
    further = b.icmp_signed("<" if op.last else ">", entry[1], other[1])
    equal = b.and_(b.icmp_signed("==", entry[0], other[0]), further)
    return b.or_(b.icmp_signed("<", entry[0], other[0]), equal)


def refusal(op: Op, target: Target) -> str | None:
    """Why elements cannot be ordered, or None."""
    element = op.operands[0].element
    return f"{op.mnemonic()} does not order {element}" if element in (F16, BOOL) else None


def _all(type_: ir.VectorType, value: int) -> ir.Constant:
    return ir.Constant(type_, [value] * type_.count)
