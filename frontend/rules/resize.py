"""Resize and Upsample: along each axis a weighted sum of elements at constant positions.

Interpolation is separable, so each axis is done by itself: `Taps` says for every output position
which input positions count and how much. Nearest has one tap of weight 1, a Gather; linear has two,
cubic four. Coordinates are computed in float32, as in ONNX Runtime.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import Limit
from ...ir import F32, Array, Batch, Value
from ...ir.ops import Add, Gather, Mul
from ..importing.call import Call
from ..registry import rule
from .select_join_pad import gathered

MAX_SIZE = 1 << 24
"""Positions that an axis may get."""


@dataclass(frozen=True)
class Taps:
    """``positions`` and ``weights`` [output size, taps] of one axis."""

    positions: Array
    weights: Array

    def apply(self, call: Call, x: Value, axis: int) -> Value:
        """The axis resampled."""
        if self.positions.shape[1] == 1:
            return gathered(call, x, self.positions[:, 0], axis)
        shape = (-1, *[1] * (x.type.rank - axis - 1))
        out = None
        for positions, weights in zip(self.positions.T, self.weights.T, strict=True):
            part = call.add(Gather(x, call.const(np.ascontiguousarray(positions)), axis))
            part = call.add(Mul(part, call.const(weights.reshape(shape), x)))
            out = part if out is None else call.add(Add(out, part))
        assert out is not None
        return out


@dataclass(frozen=True)
class Axis:
    """Sizes and scale of one axis."""

    size: int
    out: int
    scale: float


_LIMITS = {
    Limit.CONSTANT: "scales",
    Limit.SHAPE: "sizes",
    Limit.BATCH: "not resized",
    Limit.FORM: "no antialias, tf_crop_and_resize, align_corners to a fractional size",
    Limit.TYPE: "linear and cubic only in float32",
}


@rule("Resize", since=10, limits=_LIMITS)
def resize(call: Call) -> Value:
    """Every mode; sizes or scales are constant."""
    x = call.x(0)
    old = call.version is not None and call.version < 11
    if call.int("antialias", 0):
        call.refuse("antialias is not supported", Limit.FORM)
    axes = _axes(call, x, 1 if old else 2, 3)
    transform = "asymmetric" if old else call.string("coordinate_transformation_mode", "half_pixel")
    nearest = "simple" if old else call.string("nearest_mode", "round_prefer_floor")
    return _resampled(call, x, axes, transform, nearest)


@rule("Upsample", since=7, until=9, limits=_LIMITS)
def upsample(call: Call) -> Value:
    """The ancestor of Resize."""
    x = call.x(0)
    return _resampled(call, x, _axes(call, x, 1, 3), "asymmetric", "floor")


def _resampled(call: Call, x: Value, axes: dict[int, Axis], transform: str, nearest: str) -> Value:
    mode = call.string("mode", "nearest")
    if mode not in ("nearest", "linear", "cubic"):
        call.refuse(f"unknown mode '{mode}'")
    if mode != "nearest" and x.element != F32:
        call.refuse(f"mode '{mode}' needs float32, got {x!r}", Limit.TYPE)
    for index, axis in axes.items():
        if axis.out == axis.size and axis.scale == 1:
            continue
        at = _coordinates(call, axis, transform)
        if mode == "nearest":
            taps = _nearest(call, at, axis, nearest)
        elif mode == "linear":
            taps = _linear(at, axis)
        else:
            outside = bool(call.int("exclude_outside", 0))
            taps = _cubic(at, axis, call.float("cubic_coeff_a", -0.75), outside)
        x = taps.apply(call, x, index)
    return x


def _axes(call: Call, x: Value, scales_at: int, sizes_at: int) -> dict[int, Axis]:
    """The axes that are resized, never the symbolic batch."""
    rank = x.type.rank
    named = call.axes(call.ints("axes", range(rank)) or (), rank)
    if call.op == "Upsample" and call.given("scales"):
        scales = np.array(list(call.node_attribute("scales").floats), np.float32)
    else:
        given = call.has(scales_at)
        scales = call.array(scales_at, "scales") if given else np.zeros(0, np.float32)
    if scales.size:
        if scales.size != len(named) or not (scales > 0).all():
            call.refuse(f"scales {scales.reshape(-1).tolist()} do not fit {x!r}")
        return _by_scales(call, x, dict(zip(named, scales.reshape(-1).tolist(), strict=True)))
    sizes = call.dims(sizes_at, "sizes")
    if len(sizes) != len(named):
        call.refuse(f"{len(sizes)} sizes do not fit {x!r}")
    out: dict[int, Axis] = {}
    for axis, wanted in zip(named, sizes, strict=True):
        size = x.shape[axis]
        if size == wanted:
            continue
        if isinstance(size, Batch) or isinstance(wanted, Batch) or wanted < 1:
            call.refuse(f"axis {axis} of {x!r} cannot become {wanted}", Limit.BATCH)
        scale = float(np.float32(wanted) / np.float32(size))
        out[axis] = _sized(call, size, wanted, scale)
    return _keeping_aspect(call, x, named, out)


def _by_scales(call: Call, x: Value, scales: dict[int, float]) -> dict[int, Axis]:
    out: dict[int, Axis] = {}
    for axis, scale in scales.items():
        size = x.shape[axis]
        if scale == 1:
            continue
        if isinstance(size, Batch):
            call.refuse("the symbolic batch cannot be resized", Limit.BATCH)
        resized = float(np.floor(np.float32(size) * np.float32(scale)))
        out[axis] = _sized(call, size, max(1.0, resized), scale)
    return out


def _sized(call: Call, size: int, out: float, scale: float) -> Axis:
    if not 1 <= out <= MAX_SIZE:
        call.refuse(f"an axis of {size} cannot become {out:g}")
    return Axis(size, int(out), scale)


def _keeping_aspect(
    call: Call, x: Value, named: tuple[int, ...], axes: dict[int, Axis]
) -> dict[int, Axis]:
    """``sizes`` as bounds, when a policy says so: one scale for all axes."""
    policy = call.string("keep_aspect_ratio_policy", "stretch")
    if policy == "stretch":
        return axes
    if policy not in ("not_larger", "not_smaller"):
        call.refuse(f"unknown keep_aspect_ratio_policy '{policy}'")
    scales = [axes[a].scale if a in axes else 1.0 for a in named]
    scale = min(scales) if policy == "not_larger" else max(scales)
    out: dict[int, Axis] = {}
    for axis in named:
        size = x.shape[axis]
        if isinstance(size, Batch):
            call.refuse("the symbolic batch cannot be resized", Limit.BATCH)
        out[axis] = _sized(call, size, max(1.0, float(np.floor(scale * size + 0.5))), scale)
    return out


def _coordinates(call: Call, axis: Axis, transform: str) -> Array:
    """Where each output position lies on the input axis, float32."""
    at = np.arange(axis.out, dtype=np.float32)
    scale, half = np.float32(axis.scale), np.float32(0.5)
    if transform == "asymmetric":
        return at / scale
    if transform == "tf_half_pixel_for_nn":
        return (at + half) / scale
    if transform == "align_corners":
        if abs(axis.scale * axis.size - axis.out) > 1e-3:
            # ONNX counts with the fraction, PyTorch and ONNX Runtime without it.
            call.refuse(f"align_corners with a size of {axis.scale * axis.size:g}", Limit.FORM)
        last = np.float32(axis.size - 1)
        return at * last / np.float32(max(1, axis.out - 1))
    if transform == "pytorch_half_pixel" and axis.out == 1:
        return at * 0
    if transform in ("half_pixel", "pytorch_half_pixel"):
        return (at + half) / scale - half
    if transform == "half_pixel_symmetric":
        adjustment = np.float32(axis.out) / (scale * np.float32(axis.size))
        offset = np.float32(axis.size / 2) * (np.float32(1) - adjustment)
        return offset + (at + half) / scale - half
    return call.refuse(f"coordinate_transformation_mode '{transform}' is not supported", Limit.FORM)


def _nearest(call: Call, at: Array, axis: Axis, mode: str) -> Taps:
    below = np.floor(at)
    if mode == "simple":
        mode = "ceil" if axis.scale < 1 else "floor"
    chosen = {
        "floor": below,
        "ceil": np.ceil(at),
        "round_prefer_floor": np.where(at - below == 0.5, below, np.rint(at)),
        "round_prefer_ceil": np.floor(at + np.float32(0.5)),
    }.get(mode)
    if chosen is None:
        call.refuse(f"unknown nearest_mode '{mode}'")
    positions = np.clip(chosen, 0, axis.size - 1).astype(np.int64)
    return Taps(positions[:, None], np.ones((axis.out, 1), np.float32))


def _linear(at: Array, axis: Axis) -> Taps:
    """Two neighbours; beyond the ends, the end."""
    at = np.clip(at, 0, axis.size - 1)
    low = np.floor(at).astype(np.int64)
    high = np.minimum(low + 1, axis.size - 1)
    part = at - low.astype(np.float32)
    return Taps(np.stack([low, high], 1), np.stack([np.float32(1) - part, part], 1))


def _cubic(at: Array, axis: Axis, a: float, exclude_outside: bool) -> Taps:
    """Four neighbours by Keys' kernel; beyond the ends, the end or nothing."""
    low = np.floor(at)
    part = at.astype(np.float64) - low
    near, far = np.stack([part, 1 - part]), np.stack([part + 1, 2 - part])
    inner = ((a + 2) * near - (a + 3)) * near * near + 1
    outer = ((a * far - 5 * a) * far + 8 * a) * far - 4 * a
    weights = np.stack([outer[0], inner[0], inner[1], outer[1]], 1)
    positions = low.astype(np.int64)[:, None] + np.arange(-1, 3)
    if exclude_outside:
        weights = np.where((positions >= 0) & (positions < axis.size), weights, 0)
        weights = weights / weights.sum(1, keepdims=True)
    return Taps(np.clip(positions, 0, axis.size - 1), weights.astype(np.float32))
