"""Pooling."""

from __future__ import annotations

from ...errors import Limit
from ...ir import Value
from ...ir.ops import AveragePool, MaxPool, ReduceMax, ReduceMean
from ..importing.call import Call
from ..registry import FLOAT, NUMBERS, rule
from .window_attributes import explicit_pads, spatial_attribute


@rule("MaxPool", types=NUMBERS, limits={Limit.OUTPUT: "Indices"})
@rule("AveragePool", types=FLOAT)
def pool(call: Call) -> Value:
    """Windows with explicit pads; the indices of MaxPool are not computed."""
    x = call.x(0)
    if call.uses(1):
        call.refuse("output 'Indices' is not supported", Limit.OUTPUT)
    kernel = call.ints("kernel_shape") or ()
    spatial = x.type.rank - 2
    if spatial < 1 or len(kernel) != spatial:
        call.refuse(f"kernel_shape {list(kernel)} does not fit {x!r}")
    strides = spatial_attribute(call, "strides", spatial)
    dilations = spatial_attribute(call, "dilations", spatial)
    pads = explicit_pads(call, x, kernel, strides, dilations)
    ceil_mode = bool(call.int("ceil_mode", 0))
    if call.op == "MaxPool":
        return call.add(MaxPool(x, kernel, strides, pads, dilations, ceil_mode))
    count_pads = bool(call.int("count_include_pad", 0))
    return call.add(AveragePool(x, kernel, strides, pads, dilations, ceil_mode, count_pads))


@rule("GlobalAveragePool", types=FLOAT)
@rule("GlobalMaxPool", types=NUMBERS)
def global_pool(call: Call) -> Value:
    """A reduction over all spatial axes, which stay with size 1."""
    x = call.x(0)
    if x.type.rank < 3:
        call.refuse(f"{x!r} has no spatial axes")
    op = ReduceMean if call.op == "GlobalAveragePool" else ReduceMax
    return call.add(op(x, tuple(range(2, x.type.rank)), True))
