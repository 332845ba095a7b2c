"""Softmax and its logarithm."""

from __future__ import annotations

import math

from ...errors import Limit
from ...ir import Batch, Value
from ...ir.ops import LogSoftmax, Softmax
from ..importing.call import Call
from ..registry import FLOAT, rule
from .matrix_products import leading

OPS = {"Softmax": Softmax, "LogSoftmax": LogSoftmax}


@rule("Softmax", "LogSoftmax", since=13, types=FLOAT)
def softmax(call: Call) -> Value:
    """Along one axis, the last by default."""
    x = call.x(0)
    return call.add(OPS[call.op](x, call.axis(call.int("axis", -1), x.type.rank)))


@rule("Softmax", "LogSoftmax", until=12, types=FLOAT, limits={Limit.BATCH: "not summed over"})
def softmax_flattened(call: Call) -> Value:
    """Before opset 13: over all axes from ``axis`` on, as if flattened to a matrix."""
    x = call.x(0)
    axis = call.axis(call.int("axis", 1), x.type.rank)
    if axis == x.type.rank - 1:
        return call.add(OPS[call.op](x, axis))
    tail = x.shape[axis:]
    if any(isinstance(d, Batch) for d in tail):
        call.refuse("the batch cannot be part of a softmax", Limit.BATCH)
    flat = call.reshape(x, (leading(x.shape[:axis]), math.prod(tail)))
    return call.reshape(call.add(OPS[call.op](flat, 1)), x.shape)
