"""What may become of signs on their way to a product: they are moved, repeated, joined, chosen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .binarizers import any_signs, compared, comparison, number, signs, threshold
from .products import conv
from .sketch import Inexact, Sketch, Tensor


def paired(s: Sketch, x: Tensor) -> Tensor:
    """The product of two signs, the larger or the smaller one, or a choice between them."""
    shift = number(s, s.pick(0.5, -1.0, 2.0))
    moved = replace(x, name=s.raw("Add", [x.name, shift]), unit=min(x.unit, 0.5), bound=x.bound + 2)
    pair = any_signs(s, x), any_signs(s, moved)
    names = [p.name for p in pair]
    kind = s.pick("Mul", "Mul", "Max", "Min", "Where")
    if kind == "Where":
        names = [compared(s, x, comparison(s), threshold(s, x)), *names]
    form = "sign" if all(p.form == "sign" for p in pair) else "sign0"
    return signs(x, s.raw(kind, names), form)


def border(s: Sketch, x: Tensor) -> Tensor:
    """A border of the map's own elements."""
    mode = s.pick("reflect", "edge")
    ends = [[0, 0, *(s.pick(0, 1, min(2, n - 1)) for n in x.shape[1:])] for _ in "ab"]
    if mode == "reflect" and min(x.shape[1:]) < 2:
        raise Inexact("nothing to reflect")
    sizes = [n + a + b for n, a, b in zip(x.shape[1:], ends[0][2:], ends[1][2:], strict=True)]
    pads = s.const(np.array([*ends[0], *ends[1]], np.int64), "pads")
    return s.op("Pad", x, pads, like=replace(x, shape=(x.channels, *sizes)), mode=mode)


def zero_channels(s: Sketch, x: Tensor) -> Tensor:
    """Further channels that hold 0."""
    before, after = s.pick((0, 3), (2, 0), (5, 1))
    rest = [0] * (x.rank - 2)
    pads = s.const(np.array([0, before, *rest, 0, after, *rest], np.int64), "pads")
    form = x.form if 0 in (x.low, x.high) else {"sign": "sign0", "±a": "±a0"}.get(x.form, "pad")
    like = replace(x, shape=(before + x.channels + after, *x.shape[1:]), form=form)
    return s.op("Pad", x, pads, like=like)


def repeated(s: Sketch, x: Tensor) -> Tensor:
    """Tile along channels and space."""
    repeats = [s.pick(1, 1, 2) for _ in x.shape]
    shape = tuple(r * n for r, n in zip(repeats, x.shape, strict=True))
    return s.op("Tile", x, s.const(np.array([1, *repeats], np.int64)), like=replace(x, shape=shape))


def mirrored(s: Sketch, x: Tensor) -> Tensor:
    """The last axis backwards, at times behind the map itself."""
    ends = [s.const(np.array([i], np.int64)) for i in (-1, -1000, x.rank - 1, -1)]
    turned = replace(x, name=s.raw("Slice", [x.name, *ends]))
    if s.chance():
        return turned
    shape = (*x.shape[:-1], 2 * x.shape[-1])
    return s.op("Concat", x, turned, like=replace(x, shape=shape), axis=x.rank - 1)


def gathered(s: Sketch, x: Tensor) -> Tensor:
    """Some positions of an axis in any order."""
    axis = int(s.rng.integers(1, x.rank))
    count = s.pick(2, 3, 5)
    positions = s.rng.integers(0, x.shape[axis - 1], count)
    shape = (*x.shape[: axis - 1], count, *x.shape[axis:])
    return s.op("Gather", x, s.const(positions), like=replace(x, shape=shape), axis=axis)


def least(s: Sketch, x: Tensor) -> Tensor:
    """The smallest of each window, by a negated max pool."""
    kernel = [min(2, n) for n in x.shape[1:]]
    shape = (x.channels, *(n - k + 1 for n, k in zip(x.shape[1:], kernel, strict=True)))
    largest = s.raw("MaxPool", [s.raw("Neg", [x.name])], kernel_shape=kernel)
    return s.op("Neg", replace(x, name=largest), like=replace(x, shape=shape))


def solid(s: Sketch, x: Tensor) -> Tensor:
    """A convolution over three axes of a map whose channels are cut in slices."""
    depths = [d for d in (2, 3, 4) if x.channels % d == 0]
    if x.rank != 4 or not depths:
        raise Inexact("no depth")
    depth = s.pick(*depths)
    shape = (x.channels // depth, depth, *x.shape[1:])
    # Zeros around two values that are neither 0 nor opposite are no third value in the middle.
    form = x.form if 0 in (x.low, x.high) or x.low == -x.high else "pad"
    cut = replace(x, name=_reshaped(s, x, shape), shape=shape, form=form)
    y = conv(s, cut)
    flat = (y.shape[0] * y.shape[1], *y.shape[2:])
    return replace(y, name=_reshaped(s, y, flat), shape=flat)


def _reshaped(s: Sketch, x: Tensor, shape: tuple[int, ...]) -> str:
    return s.raw("Reshape", [x.name, s.const(np.array([-1, *shape], np.int64), "shape")])


MOVES = (border, border, zero_channels, repeated, mirrored, gathered, least)
