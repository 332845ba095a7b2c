"""Sums in other forms: running sums, products, norms, and local response normalisation."""

from __future__ import annotations

import math

import numpy as np

from ...errors import Limit
from ...ir import Batch, Value, ops
from ..importing.call import Call
from ..registry import FLOAT, NUMBERS, rule
from .conv_fallbacks import Steps, convolution
from .select_join_pad import sliced, whole_number
from .window_attributes import explicit_pads, spatial_attribute

MAX_WINDOW = 1 << 16
"""Positions that a norm or a response may look at."""


@rule("CumSum", types=NUMBERS, limits={Limit.CONSTANT: "axis", Limit.BATCH: "axis"})
def cum_sum(call: Call) -> Value:
    """Sums over 1, 2, 4, .. positions: each adds the previous sum to itself, moved by so many."""
    x = call.x(0)
    axis = call.axis(whole_number(call, 1, "axis"), x.type.rank)
    size = x.shape[axis]
    if isinstance(size, Batch):
        call.refuse("the symbolic batch cannot be summed", Limit.BATCH)
    back = bool(call.int("reverse", 0))
    if call.int("exclusive", 0):
        x = _shifted(call, x, axis, 1, back)
    distance = 1
    while distance < size:
        x = call.add(ops.Add(x, _shifted(call, x, axis, distance, back)))
        distance *= 2
    return x


def _shifted(call: Call, x: Value, axis: int, distance: int, back: bool) -> Value:
    """``x`` moved to later positions (to earlier ones with ``back``), zeros in the places left."""
    size = x.shape[axis]
    assert isinstance(size, int)
    kept = (distance, size, 1) if back else (0, size - distance, 1)
    widths = [distance if a == axis else 0 for a in range(x.type.rank)]
    none = [0] * x.type.rank
    before, after = (none, widths) if back else (widths, none)
    if distance >= size:
        return call.add(ops.Expand(call.const(0, x), x.shape))
    return call.add(ops.Pad(sliced(call, x, {axis: kept}), tuple(before), tuple(after)))


@rule("ReduceProd", types=NUMBERS, limits={Limit.SHAPE: "axes", Limit.BATCH: "not reduced"})
def reduce_prod(call: Call) -> Value:
    """Multiplies halves of each axis with each other until one position is left."""
    x = call.x(0)
    rank = x.type.rank
    axes = call.axes_argument(1, 18)
    if not axes:
        if call.int("noop_with_empty_axes", 0):
            return x
        axes = range(rank)
    axes = call.axes(axes, rank)
    for axis in axes:
        x = _product_of(call, x, axis)
    if call.int("keepdims", 1):
        return x
    return call.reshape(x, tuple(d for a, d in enumerate(x.shape) if a not in axes))


def _product_of(call: Call, x: Value, axis: int) -> Value:
    size = x.shape[axis]
    if isinstance(size, Batch):
        call.refuse("over the symbolic batch is not supported", Limit.BATCH)
    while size > 1:
        half = size // 2
        low, high = (sliced(call, x, {axis: (s, s + half, 1)}) for s in (0, half))
        product = call.add(ops.Mul(low, high))
        if size % 2:
            rest = sliced(call, x, {axis: (size - 1, size, 1)})
            product = call.add(ops.Concat((product, rest), axis))
        x, size = product, half + size % 2
    return x


@rule("LpNormalization", types=FLOAT)
def lp_normalization(call: Call) -> Value:
    """x divided by its norm along an axis, 0 where the norm is 0."""
    x = call.x(0)
    axis = call.axis(call.int("axis", -1), x.type.rank)
    kind = call.int("p", 2)
    if kind not in (1, 2):
        call.refuse(f"p must be 1 or 2, got {kind}")
    norm = _root(call, call.add(ops.ReduceSum(_powers(call, x, kind), (axis,), True)), kind)
    zero = call.const(0, x)
    out = call.add(ops.Div(x, norm))
    return call.add(ops.Where(call.add(ops.Equal(norm, zero)), zero, out))


def _order(call: Call) -> int:
    """The p of a norm."""
    kind = call.int("p", 2)
    if not 1 <= kind <= 64:
        call.refuse(f"p must be 1 to 64, got {kind}")
    return kind


def _powers(call: Call, x: Value, kind: int) -> Value:
    """|x|^p."""
    if kind == 2:
        return call.add(ops.Mul(x, x))
    magnitude = call.add(ops.Abs(x))
    return magnitude if kind == 1 else call.add(ops.Pow(magnitude, call.const(kind, x)))


def _root(call: Call, x: Value, kind: int) -> Value:
    if kind == 1:
        return x
    if kind == 2:
        return call.add(ops.Sqrt(x))
    return call.add(ops.Pow(x, call.const(1 / kind, x)))


@rule(
    "LpPool",
    since=2,
    types=FLOAT,
    limits={Limit.FORM: "no ceil_mode"},
)
def lp_pool(call: Call) -> Value:
    """The norm of each window: a convolution of powers with ones."""
    x = call.x(0)
    spatial = x.type.rank - 2
    kernel = call.ints("kernel_shape") or ()
    channels = x.shape[1] if x.type.rank > 1 else 0
    if spatial < 1 or len(kernel) != spatial or not isinstance(channels, int):
        call.refuse(f"kernel_shape {list(kernel)} does not fit {x!r}")
    if call.int("ceil_mode", 0):
        call.refuse("ceil_mode is not supported", Limit.FORM)
    strides = spatial_attribute(call, "strides", spatial)
    dilations = spatial_attribute(call, "dilations", spatial)
    pads = explicit_pads(call, x, kernel, strides, dilations)
    kind = _order(call)
    if math.prod(kernel) > MAX_WINDOW or min(kernel) < 1:
        call.refuse(f"kernel_shape {list(kernel)} is not supported")
    ones = call.const(np.ones((channels, 1, *kernel), np.float32))
    powers = _powers(call, x, kind)
    steps = Steps(strides, pads, dilations, channels)
    total = convolution(call, powers, ones, None, steps)
    return _root(call, total, kind)


@rule("GlobalLpPool", since=2, types=FLOAT)
def global_lp_pool(call: Call) -> Value:
    """The norm over all spatial axes, which stay with size 1."""
    x = call.x(0)
    if x.type.rank < 3:
        call.refuse(f"{x!r} has no spatial axes")
    kind = _order(call)
    axes = tuple(range(2, x.type.rank))
    return _root(call, call.add(ops.ReduceSum(_powers(call, x, kind), axes, True)), kind)


@rule("LRN", types=FLOAT)
def local_response(call: Call) -> Value:
    """x / (bias + alpha / size * sum of squares of the channels around)^beta."""
    x = call.x(0)
    size = call.int("size", 0)
    if not 1 <= size <= MAX_WINDOW or x.type.rank < 3:
        call.refuse(f"a size of {size} does not fit {x!r}")
    n, channels, *spatial = x.shape
    positions = math.prod(d for d in spatial if isinstance(d, int))
    squares = call.reshape(call.add(ops.Mul(x, x)), (n, 1, channels, positions))
    pads = ((size - 1) // 2, 0, size // 2, 0)
    ones = call.const(np.ones((1, 1, size, 1), np.float32))
    sums = call.add(ops.Conv(squares, ones, None, (1, 1), pads, (1, 1), 1))
    sums = call.reshape(sums, x.shape)
    factor = call.float("alpha", 1e-4) / size
    base = call.add(ops.Mul(sums, call.const(factor, x)))
    base = call.add(ops.Add(base, call.const(call.float("bias", 1.0), x)))
    power = call.add(ops.Pow(base, call.const(call.float("beta", 0.75), x)))
    return call.add(ops.Div(x, power))
