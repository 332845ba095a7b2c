"""FakeQuantize of OpenVINO, as NNCF exports it.

    x <= min(in_low, in_high): out_low        x > max(in_low, in_high): out_high
    else: round((x - in_low) / (in_high - in_low) * (levels - 1)) / (levels - 1)
          * (out_high - out_low) + out_low

with halves to even, in this order of float32 operations (OpenVINO's reference implementation). With
two levels it is a step, whose threshold is found exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import Limit
from ...ir import Array, Value
from ...ir.ops import Add, Div, Less, LessEqual, Mul, Round, Sub, Where
from ...ir.types import broadcast
from ..analysis.step_functions import find_step
from ..importing.batch_shapes import described
from ..importing.call import Call
from ..registry import FLOAT, ONNX, rule

OPENVINO = ("org.openvinotoolkit", ONNX)
"""NNCF 1 wrote its operators into the standard domain."""


@dataclass(frozen=True)
class _Ranges:
    """The four constant operands, broadcast to one shape."""

    in_low: Array
    in_high: Array
    out_low: Array
    out_high: Array
    steps: np.float32
    """levels - 1."""

    def reference(self, x: Array) -> Array:
        """The definition, for NumPy."""
        share = (x - self.in_low) / (self.in_high - self.in_low) * self.steps
        inner = np.rint(share) / self.steps * (self.out_high - self.out_low) + self.out_low
        low = np.minimum(self.in_low, self.in_high)
        high = np.maximum(self.in_low, self.in_high)
        return np.where(x <= low, self.out_low, np.where(x > high, self.out_high, inner))


@rule(
    "FakeQuantize",
    domains=OPENVINO,
    types=FLOAT,
    limits={Limit.CONSTANT: "ranges", Limit.VALUE: "finite ranges"},
)
def fake_quantize(call: Call) -> Value:
    """Two levels become a sign, more are computed by the definition."""
    x = call.x(0)
    levels = call.int("levels", 256)
    if levels < 2:
        call.refuse(f"levels is {levels}; expected 2 or more")
    names = ("input_low", "input_high", "output_low", "output_high")
    bounds = [_range(call, i, what) for i, what in enumerate(names, 1)]
    if broadcast([x.shape, *(a.shape for a in bounds)]) != x.shape:
        call.refuse(f"ranges of shapes {[list(a.shape) for a in bounds]} do not fit {x!r}")
    low, high, out_low, out_high = np.broadcast_arrays(*bounds)
    ranges = _Ranges(low, high, out_low, out_high, np.float32(levels - 1))
    shape = ranges.in_low.shape
    step = None
    if levels == 2 and bool((ranges.in_low <= ranges.in_high).all()):
        step = find_step(ranges.reference, shape)
    return _full(call, x, ranges) if step is None else call.add(step.over(x, call.add))


def _range(call: Call, index: int, what: str) -> Array:
    array = call.array(index, what)
    if array.dtype != np.float32 or not array.size or not np.isfinite(array).all():
        call.refuse(f"{what} {described(array)} must hold finite float32 numbers", Limit.VALUE)
    return array


def _full(call: Call, x: Value, ranges: _Ranges) -> Value:
    """The definition, operator by operator."""
    low = np.minimum(ranges.in_low, ranges.in_high)
    high = np.maximum(ranges.in_low, ranges.in_high)
    share = call.add(Sub(x, call.const(ranges.in_low)))
    share = call.add(Div(share, call.const(ranges.in_high - ranges.in_low)))
    share = call.add(Mul(share, call.const(ranges.steps)))
    inner = call.add(Div(call.add(Round(share)), call.const(ranges.steps)))
    inner = call.add(Mul(inner, call.const(ranges.out_high - ranges.out_low)))
    inner = call.add(Add(inner, call.const(ranges.out_low)))
    above = call.add(Less(call.const(high), x))
    out = call.add(Where(above, call.const(ranges.out_high), inner))
    below = call.add(LessEqual(x, call.const(low)))
    return call.add(Where(below, call.const(ranges.out_low), out))
