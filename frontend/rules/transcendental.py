"""Trigonometry and hyperbolic functions."""

from __future__ import annotations

from collections.abc import Callable

from ...ir import Op, Value, ops
from ..importing.call import Call
from ..registry import FLOAT, rule

FUNCTIONS: dict[str, Callable[[Value], Op]] = {
    "Acos": ops.Acos,
    "Acosh": ops.Acosh,
    "Asin": ops.Asin,
    "Asinh": ops.Asinh,
    "Atan": ops.Atan,
    "Atanh": ops.Atanh,
    "Cos": ops.Cos,
    "Cosh": ops.Cosh,
    "Sin": ops.Sin,
    "Sinh": ops.Sinh,
    "Tan": ops.Tan,
}


@rule(*FUNCTIONS, types=FLOAT)
def function(call: Call) -> Value:
    """Operators that the IR has under the same name."""
    return call.add(FUNCTIONS[call.op](call.x(0)))
