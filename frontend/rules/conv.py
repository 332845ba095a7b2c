"""Convolution."""

from __future__ import annotations

from ...ir import Value
from ..importing.call import Call
from ..registry import FLOAT, rule
from .conv_fallbacks import Steps, convolution
from .window_attributes import explicit_pads, spatial_attribute


@rule("Conv", types=FLOAT)
def conv(call: Call) -> Value:
    """Conv with every form of padding resolved to explicit pads."""
    x, w = call.x(0), call.x(1)
    spatial = x.type.rank - 2
    kernel = tuple(d for d in w.shape[2:] if isinstance(d, int))
    if spatial < 1 or w.type.rank != x.type.rank or w.type.symbolic:
        call.refuse(f"weights {w!r} do not fit {x!r}")
    declared = call.ints("kernel_shape", kernel)
    if declared != kernel:
        call.refuse(f"kernel_shape {list(declared or ())} contradicts weights {w!r}")
    strides = spatial_attribute(call, "strides", spatial)
    dilations = spatial_attribute(call, "dilations", spatial)
    pads = explicit_pads(call, x, kernel, strides, dilations)
    bias = call.x(2) if call.has(2) else None
    steps = Steps(strides, pads, dilations, call.int("group", 1))
    return convolution(call, x, w, bias, steps)
