"""Transposed convolution as plain convolutions, one for each output phase.

Along one axis y[o] = sum over i, k with i*s + k*d = o + pad of x[i] * w[k]. The outputs
o = q*s + r of one phase r see only the taps with k*d = r + pad modulo s, at x[q + offset - m] with
m = (k*d - phase) / s: an ordinary convolution of stride 1 with the taps in reverse order. So each
phase is a Conv, the phases are interleaved, and binary ones need no kernel of their own.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from ...errors import Limit
from ...ir import Array, Value
from ...ir.ops import Add, Concat, Expand, Transpose
from ..importing.call import Call
from ..registry import FLOAT, rule
from .conv_fallbacks import Steps, convolution
from .select_join_pad import sliced
from .window_attributes import spatial_attribute

MAX_PHASES = 4096
"""Convolutions that one transposed convolution may become."""


@dataclass(frozen=True)
class Phase:
    """One phase of one axis: the taps in reverse, their distance, and the operand's part that they
    see. ``before`` and ``after`` widen the operand with zeros, or cut it where negative."""

    taps: tuple[int, ...]
    dilation: int
    before: int
    after: int


def phases_of(
    size: int, kernel: int, stride: int, dilation: int, pad: int, out: int
) -> list[Phase | None]:
    """Every phase of an axis; None where no tap sees the operand."""
    count = -(-out // stride)
    phases: list[Phase | None] = []
    for r in range(stride):
        offset, phase = divmod(r + pad, stride)
        taps = [k for k in range(kernel) if (k * dilation - phase) % stride == 0]
        places = [(k * dilation - phase) // stride for k in taps]
        if not taps:
            phases.append(None)
            continue
        before, after = places[-1] - offset, count - 1 + offset - places[0] - (size - 1)
        if size + min(before, 0) + min(after, 0) < 1:
            phases.append(None)
            continue
        step = places[1] - places[0] if len(places) > 1 else 1
        phases.append(Phase(tuple(reversed(taps)), step, before, after))
    return phases


@rule(
    "ConvTranspose",
    types=FLOAT,
    limits={Limit.CONSTANT: "weights", Limit.FORM: "no strides whose product exceeds 4096"},
)
def conv_transpose(call: Call) -> Value:
    """Phases of every axis, a Conv for each combination, interleaved and cut to size."""
    x = call.x(0)
    weights = _conv_weights(call, x, call.array(1, "weights"))
    spatial = x.type.rank - 2
    kernel = weights.shape[2:]
    strides = spatial_attribute(call, "strides", spatial)
    dilations = spatial_attribute(call, "dilations", spatial)
    if math.prod(strides) > MAX_PHASES:
        call.refuse(f"strides {list(strides)} make more than {MAX_PHASES} phases", Limit.FORM)
    pads, outs = _geometry(call, x, kernel, strides, dilations)
    sizes = [d for d in x.shape[2:] if isinstance(d, int)]
    table = [
        phases_of(*axis) for axis in zip(sizes, kernel, strides, dilations, pads, outs, strict=True)
    ]
    bias = call.constant(2) if call.has(2) else None
    combinations = list(itertools.product(*table))
    counts = tuple(-(-o // s) for o, s in zip(outs, strides, strict=True))
    if None not in combinations[0] and len(set(map(_window, combinations))) == 1:
        y = _stacked(call, x, weights, bias, combinations, strides)
    else:
        parts = [_part(call, x, weights, bias, phases, counts) for phases in combinations]
        y = parts[0] if len(parts) == 1 else call.add(Concat(tuple(parts), 1))
        y = _interleaved(call, y, 1, strides)
    y = sliced(call, y, {2 + a: (0, o, 1) for a, o in enumerate(outs)})
    if call.has(2) and bias is None:
        y = call.add(Add(y, call.reshape(call.x(2), (weights.shape[0], *[1] * spatial))))
    return y


def _conv_weights(call: Call, x: Value, w: Array) -> Array:
    """Weights [C, O / groups, k..] as those of Conv, [O, C / groups, k..]."""
    groups = call.int("group", 1)
    rank = x.type.rank
    fits = rank > 2 and w.ndim == rank and groups > 0 and w.shape[0] == x.shape[1]
    if not fits or w.shape[0] % groups:
        call.refuse(f"weights {call.x(1)!r} in {groups} groups do not fit {x!r}")
    if call.ints("kernel_shape", w.shape[2:]) != w.shape[2:]:
        call.refuse(f"kernel_shape contradicts weights {call.x(1)!r}")
    split = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
    return np.swapaxes(split, 1, 2).reshape(-1, split.shape[1], *w.shape[2:])


def _geometry(
    call: Call,
    x: Value,
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
) -> tuple[list[int], list[int]]:
    """Positions cut from the front of each axis, and output sizes."""
    spatial = len(kernel)
    extra = call.ints("output_padding", (0,) * spatial) or (0,) * spatial
    wanted = call.ints("output_shape")
    mode = call.string("auto_pad", "NOTSET") or "NOTSET"
    pads = call.ints("pads", (0,) * 2 * spatial) or (0,) * 2 * spatial
    if mode not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        call.refuse(f"unknown auto_pad '{mode}'")
    if len(extra) != spatial or min(extra) < 0 or len(pads) != 2 * spatial or min(pads) < 0:
        call.refuse(f"pads {list(pads)} and output_padding {list(extra)} do not fit {x!r}")
    if wanted is not None and len(wanted) < spatial:
        call.refuse(f"output_shape {list(wanted)} does not fit {x!r}")
    begins: list[int] = []
    outs: list[int] = []
    for a in range(spatial):
        size = x.shape[2 + a]
        if not isinstance(size, int):
            call.refuse("needs fixed spatial dimensions")
        full = strides[a] * (size - 1) + extra[a] + (kernel[a] - 1) * dilations[a] + 1
        if wanted is None and mode in ("NOTSET", "VALID"):
            begin, end = (pads[a], pads[a + spatial]) if mode == "NOTSET" else (0, 0)
            begins.append(begin)
            outs.append(full - begin - end)
            continue
        out = wanted[a - spatial] if wanted is not None else size * strides[a]
        total = max(0, full - out)
        begins.append(total // 2 if mode == "SAME_UPPER" else total - total // 2)
        outs.append(out)
    if min(outs) < 1:
        call.refuse(f"the result of {x!r} would have sizes {outs}")
    return begins, outs


def _window(phases: tuple[Phase | None, ...]) -> tuple[tuple[int, int, int, int] | None, ...]:
    """The window that two combinations of phases must share to be one convolution."""
    return tuple(p and (len(p.taps), p.dilation, p.before, p.after) for p in phases)


def _convolved(
    call: Call, x: Value, w: Array, bias: Array | None, phases: tuple[Phase | None, ...]
) -> Value:
    window = [p for p in phases if p is not None]
    cut: dict[int, tuple[int, int, int]] = {}
    for a, (p, size) in enumerate(zip(window, x.shape[2:], strict=True)):
        assert isinstance(size, int)
        cut[2 + a] = (max(0, -p.before), size - max(0, -p.after), 1)
    part = sliced(call, x, dict(cut))
    pads = (*(max(0, p.before) for p in window), *(max(0, p.after) for p in window))
    dilations = tuple(p.dilation for p in window)
    b = None if bias is None else call.const(bias)
    steps = Steps((1,) * len(window), pads, dilations, call.int("group", 1))
    return convolution(call, part, call.const(w), b, steps)


def _taps(w: Array, phases: tuple[Phase | None, ...]) -> Array:
    for a, p in enumerate(phases):
        assert p is not None
        w = np.take(w, p.taps, 2 + a)
    return w


def _part(
    call: Call,
    x: Value,
    w: Array,
    bias: Array | None,
    phases: tuple[Phase | None, ...],
    counts: tuple[int, ...],
) -> Value:
    """The outputs of one combination of phases, [N, O, ..]."""
    if None not in phases:
        return _convolved(call, x, _taps(w, phases), bias, phases)
    level = np.zeros(w.shape[0], w.dtype) if bias is None else bias
    spread = call.const(level.reshape(-1, *[1] * len(counts)))
    return call.add(Expand(spread, (x.shape[0], w.shape[0], *counts)))


def _stacked(
    call: Call,
    x: Value,
    w: Array,
    bias: Array | None,
    combinations: list[tuple[Phase | None, ...]],
    strides: tuple[int, ...],
) -> Value:
    """All phases see the same window: one convolution with the channels of all of them."""
    groups, outs = call.int("group", 1), w.shape[0]
    parts = [_taps(w, phases) for phases in combinations]
    split = [p.reshape(groups, outs // groups, *p.shape[1:]) for p in parts]
    joined = np.stack(split, 1).reshape(-1, *parts[0].shape[1:])
    if bias is not None:
        spread = np.stack([bias.reshape(groups, -1)] * len(combinations), 1)
        bias = spread.reshape(-1)
    return _interleaved(call, _convolved(call, x, joined, bias, combinations[0]), groups, strides)


def _interleaved(call: Call, y: Value, groups: int, strides: tuple[int, ...]) -> Value:
    """[N, groups * phases * O, Q..] to [N, groups * O, Q * s..]."""
    if math.prod(strides) == 1:
        return y
    n, channels, *counts = y.shape
    assert isinstance(channels, int)
    spatial, outs = len(strides), channels // groups // math.prod(strides)
    split = call.reshape(y, (n, groups, *strides, outs, *counts))
    pairs = [axis for a in range(spatial) for axis in (3 + spatial + a, 2 + a)]
    moved = call.add(Transpose(split, (0, 1, 2 + spatial, *pairs)))
    sizes = [c * s for c, s in zip(counts, strides, strict=True) if isinstance(c, int)]
    return call.reshape(moved, (n, groups * outs, *sizes))
