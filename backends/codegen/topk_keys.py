"""The order of TopK as integers."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from ...ir import U8, Scalar
from ...ir.ops import TopK
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


def _all(type_: ir.VectorType, value: int) -> ir.Constant:
    return ir.Constant(type_, [value] * type_.count)
