"""Convolution."""

from __future__ import annotations

from ...errors import Limit
from ...ir import Value
from ...ir.ops import Add, Conv
from ..call import Call
from ..registry import FLOAT, rule
from .windows import check_spatial, explicit_pads, spatial_attribute


@rule("Conv", types=FLOAT, limits={Limit.CONSTANT: "weights", Limit.RANK: "at most 2 spatial axes"})
def conv(call: Call) -> Value:
    """Conv with every form of padding resolved to explicit pads."""
    x = call.x(0)
    array = call.array(1, "weights")
    w = call.x(1)
    spatial = x.type.rank - 2
    if spatial < 1 or array.ndim != x.type.rank:
        call.refuse(f"weights {w!r} do not fit {x!r}")
    check_spatial(call, spatial)
    kernel = tuple(array.shape[2:])
    declared = call.ints("kernel_shape", kernel)
    if declared != kernel:
        call.refuse(f"kernel_shape {list(declared or ())} contradicts weights {w!r}")
    strides = spatial_attribute(call, "strides", spatial)
    dilations = spatial_attribute(call, "dilations", spatial)
    pads = explicit_pads(call, x, kernel, strides, dilations)
    groups = call.int("group", 1)
    if not call.has(2) or call.constant(2) is not None:
        bias = call.x(2) if call.has(2) else None
        return call.add(Conv(x, w, bias, strides, pads, dilations, groups))
    out = call.add(Conv(x, w, None, strides, pads, dilations, groups))
    bias = call.reshape(call.x(2), (array.shape[0], *[1] * spatial))
    return call.add(Add(out, bias))
