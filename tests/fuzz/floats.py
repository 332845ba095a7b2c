"""What stands between binarized products: each function takes a tensor and returns the next."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .binarizers import clip, number
from .sketch import Inexact, Sketch, Tensor, unit_of


def channel(x: Tensor) -> tuple[int, ...]:
    """The shape of one number per channel."""
    return (x.channels, *[1] * (x.rank - 2))


def floats(x: Tensor) -> Tensor:
    """The same tensor without the facts on a binarized one."""
    return replace(x, form="", low=0.0, high=0.0)


def norm(s: Sketch, x: Tensor) -> Tensor:
    """BatchNormalization, gamma of any sign and 0."""
    c = (x.channels,)
    gamma, beta = s.numbers(c, (1, -1, 0, 0.5)), s.numbers(c, (0, 1, -0.5, 3))
    mean, var = s.numbers(c, (0, 1, -2)), np.abs(s.numbers(c, (1, 0.25, 4)))
    names = [s.const(a) for a in (gamma, beta, mean, var)]
    like = replace(floats(x), unit=min(x.unit, 1.0) / 4, bound=2 * (x.bound + 3) + 4)
    return s.op("BatchNormalization", x, *names, like=like, epsilon=0.0 if s.exact else 1e-5)


def affine(s: Sketch, x: Tensor) -> Tensor:
    """A constant added, subtracted, multiplied, or a bound."""
    shape = s.pick((), (1,), channel(x), (1, *channel(x)))
    kind = s.pick("Add", "Sub", "Mul", "Max", "Min", "Div")
    table = {"Mul": (0.5, -2, 1, 0), "Div": (0.5, -2, 1)}.get(kind, (0, 1, -0.5, 2))
    array = s.numbers(shape, table)
    const = s.const(array)
    top = float(np.abs(array).max())
    if kind in ("Mul", "Div"):
        like = replace(floats(x), unit=x.unit / 2, bound=2 * x.bound * max(top, 1))
        return s.op(
            kind, *((const, x) if kind == "Mul" and s.chance(0.3) else (x, const)), like=like
        )
    like = replace(floats(x), unit=min(x.unit, unit_of(array)), bound=x.bound + top)
    return s.op(kind, *((x, const) if s.chance(0.7) else (const, x)), like=like)


def activation(s: Sketch, x: Tensor) -> Tensor:
    """Relu, Clip, PRelu, RPReLU, Abs, Neg, LeakyRelu, HardTanh."""
    kind = s.pick("Relu", "Clip", "PRelu", "PRelu", "RPReLU", "RPReLU", "Abs", "Neg", "LeakyRelu")
    x = floats(x)
    if kind in ("Relu", "Abs", "Neg"):
        return s.op(kind, x, like=x)
    if kind == "Clip":
        low, high = s.pick((-1.0, 1.0), (0.0, 6.0), (-2.0, 3.0), (0.0, 1.0))
        return replace(x, name=clip(s, x.name, low, high), bound=6.0, unit=min(x.unit, 1.0))
    if kind == "LeakyRelu":
        return s.op(kind, x, like=replace(x, unit=x.unit / 4), alpha=s.pick(0.25, -0.5))
    if kind == "PRelu":
        return prelu(s, x)
    moved = affine_by(s, x, s.pick("Add", "Sub"))
    return affine_by(s, prelu(s, moved), "Add")


def prelu(s: Sketch, x: Tensor) -> Tensor:
    """PRelu with a slope per channel or one."""
    shape = channel(x) if s.chance(0.7) else (1,) * (x.rank - 1)
    slope = s.numbers(shape, s.pick((0.25, 0.5), (0.25, -0.5, 0)))
    return s.op("PRelu", x, s.const(slope), like=replace(x, unit=x.unit / 4, bound=x.bound))


def affine_by(s: Sketch, x: Tensor, kind: str) -> Tensor:
    """A number per channel added or subtracted."""
    array = s.numbers(channel(x), (0, 1, -0.5, 2))
    like = replace(floats(x), unit=min(x.unit, 0.5), bound=x.bound + 4)
    return s.op(kind, x, s.const(array), like=like)


def max_pool(s: Sketch, x: Tensor) -> Tensor:
    """MaxPool; of signs too."""
    size = x.shape[1:]
    kernel = [s.pick(*(k for k in (1, 2, 3) if k <= n)) for n in size]
    strides = [s.pick(1, 2) for _ in size]
    pads = [s.pick(0, min(1, k - 1)) for k in kernel * 2]
    dilations = [
        s.pick(1, 1, 1, 2) if 2 * (k - 1) < n else 1 for k, n in zip(kernel, size, strict=True)
    ]
    out = [
        (n + pads[a] + pads[a + len(size)] - d * (k - 1) - 1) // t + 1
        for a, (n, k, d, t) in enumerate(zip(size, kernel, dilations, strides, strict=True))
    ]
    if min(out) < 1:
        raise Inexact("no output")
    ceil = s.chance(0.2)
    if ceil:
        pads = [0] * len(pads)
        out = [
            -(-(n - d * (k - 1) - 1) // t) + 1
            for n, k, d, t in zip(size, kernel, dilations, strides, strict=True)
        ]
        if any((m - 1) * t >= n for m, t, n in zip(out, strides, size, strict=True)):
            raise Inexact("a window outside of the map, on which definitions differ")
    like = replace(x, shape=(x.channels, *out))
    return s.op("MaxPool", x, like=like, kernel_shape=kernel, strides=strides, pads=pads,
                dilations=dilations, ceil_mode=int(ceil))  # fmt: skip


def average_pool(s: Sketch, x: Tensor) -> Tensor:
    """AveragePool; over 2 or 4 elements without border in exact models."""
    size = x.shape[1:]
    if s.exact:
        kernel = [s.pick(*(k for k in (1, 2) if k <= n)) for n in size]
        pads = [0] * 2 * len(size)
    else:
        kernel = [s.pick(*(k for k in (1, 2, 3) if k <= n)) for n in size]
        pads = [s.pick(0, min(1, k - 1)) for k in kernel * 2]
    strides = [s.pick(1, 2) for _ in size]
    out = [
        (n + pads[a] + pads[a + len(size)] - k) // t + 1
        for a, (n, k, t) in enumerate(zip(size, kernel, strides, strict=True))
    ]
    like = replace(floats(x), shape=(x.channels, *out), unit=x.unit / 4)
    return s.op("AveragePool", x, like=like, kernel_shape=kernel, strides=strides, pads=pads,
                count_include_pad=s.pick(0, 1))  # fmt: skip


def skip(s: Sketch, x: Tensor) -> Tensor:
    """An earlier tensor of the same shape is added."""
    alike = [v for v in s.values if v.shape == x.shape and v.name != x.name]
    if not alike:
        raise Inexact("nothing to add")
    other = s.pick(*alike)
    like = replace(floats(x), unit=min(x.unit, other.unit), bound=x.bound + other.bound)
    return s.op("Add", *((x, other) if s.chance() else (other, x)), like=like)


def join(s: Sketch, x: Tensor) -> Tensor:
    """Concat with an earlier tensor, of the same values if x is binarized."""
    alike = [
        v for v in s.values
        if v.shape[1:] == x.shape[1:] and (v.form, v.low, v.high) == (x.form, x.low, x.high)
    ]  # fmt: skip
    if not alike:
        raise Inexact("nothing to join")
    other = s.pick(*alike)
    shape = (x.channels + other.channels, *x.shape[1:])
    like = replace(x, shape=shape, unit=min(x.unit, other.unit), bound=max(x.bound, other.bound))
    return s.op("Concat", x, other, like=like, axis=1)


def split(s: Sketch, x: Tensor) -> Tensor:
    """One part of a Split or a Slice of the channels, or both parts the other way round."""
    if x.channels < 2:
        raise Inexact("one channel")
    size = int(s.rng.integers(1, x.channels))
    if s.chance(0.3):
        ends = [s.const(np.array([i], np.int64)) for i in (size, x.channels, 1)]
        return s.op("Slice", x, *ends, like=replace(x, shape=(x.channels - size, *x.shape[1:])))
    sizes = [size, x.channels - size]
    parts: Any
    if s.opset < 13:
        parts = s.raw("Split", [x.name], 2, axis=1, split=sizes)
    else:
        parts = s.raw("Split", [x.name, s.const(np.array(sizes, np.int64))], 2, axis=1)
    if s.chance(0.3):
        return replace(x, name=s.raw("Concat", parts[::-1], axis=1))
    index = s.pick(0, 1)
    return replace(x, name=parts[index], shape=(sizes[index], *x.shape[1:]))


def shuffle(s: Sketch, x: Tensor) -> Tensor:
    """Channel shuffle: Reshape, Transpose, Reshape."""
    groups = s.pick(*(g for g in (1, 2, 3, 4) if x.channels % g == 0))
    if groups == 1:
        raise Inexact("nothing to shuffle")
    rest = x.shape[1:]
    first = s.const(np.array([-1, groups, x.channels // groups, *rest], np.int64), "shape")
    perm = [0, 2, 1, *range(3, 3 + len(rest))]
    turned = s.raw("Transpose", [s.raw("Reshape", [x.name, first])], perm=perm)
    last = s.const(np.array([-1, *x.shape], np.int64), "shape")
    return replace(x, name=s.raw("Reshape", [turned, last]))


def nhwc(s: Sketch, x: Tensor) -> Tensor:
    """Channels last, at times something on it, and back."""
    rank = x.rank
    there = s.raw("Transpose", [x.name], perm=[0, *range(2, rank), 1])
    if not x.form:
        kind = s.pick("none", "mul", "add", "pool")
        if kind in ("mul", "add"):
            array = s.numbers((x.channels,), (0.5, -1, 2))
            there = s.raw(kind.capitalize(), [there, s.const(array)])
            x = replace(x, unit=min(x.unit, 1) / 2, bound=3 * x.bound + 3)
            s.check(x)
    name = s.raw("Transpose", [there], perm=[0, rank - 1, *range(1, rank - 1)])
    return replace(x, name=name)


def pad(s: Sketch, x: Tensor) -> Tensor:
    """A border of -1, 0 or 1 (or of one of the two values of a binarized tensor)."""
    before, after = ([0, 0, *(s.pick(0, 1, 2) for _ in x.shape[1:])] for _ in range(2))
    value = float(s.pick(0.0, 1.0, -1.0, *([x.low, x.high] * 2 if x.form else [])))
    shape = (
        x.channels,
        *(n + a + b for n, a, b in zip(x.shape[1:], before[2:], after[2:], strict=True)),
    )
    # Form says what a product reads: another value at the border is a third one.
    form = x.form
    if form and value not in (x.low, x.high):
        form = (
            {"sign0": "sign0", "sign": "sign pad 0"}.get(form, f"{form} pad")
            if value == 0
            else f"{form} pad"
        )
    bound = max(x.bound, abs(value))
    like = replace(x, shape=shape, form=form, bound=bound, unit=min(x.unit, 1.0))
    pads = s.const(np.array([*before, *after], np.int64), "pads")
    return s.op("Pad", x, pads, s.const(np.array(value, np.float32)), like=like)


def gate(s: Sketch, x: Tensor) -> Tensor:
    """Squeeze and excitation: a scale per sample and channel computed from the tensor itself."""
    if s.exact:
        axes = list(range(2, x.rank))
        top = s.axes("ReduceMax", [x.name], axes, 18, keepdims=1)
        factor = clip(s, s.raw("Mul", [top, number(s, 0.25)]), 0, 1)
        unit, bound = min(x.unit, 1.0) / 4, 1.0
    else:
        mean = s.raw("GlobalAveragePool", [x.name])
        hidden = s.const(s.numbers((2, x.channels, *[1] * (x.rank - 2)), (0.1, -0.2)))
        back = s.const(s.numbers((x.channels, 2, *[1] * (x.rank - 2)), (0.5, -0.2)))
        inner = s.raw("Relu", [s.raw("Conv", [mean, hidden])])
        factor = s.raw(s.pick("Sigmoid", "HardSigmoid"), [s.raw("Conv", [inner, back])])
        unit, bound = 0.0, 1.0
    like = replace(floats(x), unit=x.unit * unit, bound=x.bound * bound)
    pair = [x.name, factor]
    return s.op("Mul", *(pair if s.chance() else pair[::-1]), like=like)


def per_position(s: Sketch, x: Tensor) -> Tensor:
    """A scale per sample and position: the largest or mean |x| over the channels (XNOR-Net's K)."""
    source = s.pick(*[v for v in s.values if v.shape[1:] == x.shape[1:]], x)
    op = "ReduceMax" if s.exact else "ReduceMean"
    scale = s.axes(op, [s.raw("Abs", [source.name])], [1], 18, keepdims=1)
    like = replace(floats(x), unit=x.unit * source.unit, bound=x.bound * source.bound)
    return s.op("Mul", x, scale, like=like)


def layer_norm(s: Sketch, x: Tensor) -> Tensor:
    """LayerNormalization over the last axis; a scale and a shift in exact models."""
    width = x.shape[-1]
    scale, bias = s.numbers((width,), (1, 0.5, -1)), s.numbers((width,), (0, 0.5, -1))
    like = replace(floats(x), unit=min(x.unit, 1) / 2, bound=x.bound + 1)
    if s.exact:
        return s.op("Add", s.raw("Mul", [x.name, s.const(scale)]), s.const(bias), like=like)
    if s.opset >= 17 and s.chance(0.7):
        inputs = [x.name, s.const(scale), s.const(bias)]
        return s.op("LayerNormalization", *inputs, like=like, axis=-1)
    mean = s.axes("ReduceMean", [x.name], [-1], 18, keepdims=1)
    centred = s.raw("Sub", [x.name, mean])
    variance = s.axes("ReduceMean", [s.raw("Mul", [centred, centred])], [-1], 18, keepdims=1)
    deviation = s.raw("Sqrt", [s.raw("Add", [variance, number(s, 1e-5)])])
    scaled = s.raw("Mul", [s.raw("Div", [centred, deviation]), s.const(scale)])
    return s.op("Add", scaled, s.const(bias), like=like)


def depth_space(s: Sketch, x: Tensor) -> Tensor:
    """SpaceToDepth or DepthToSpace by 2."""
    if x.rank != 4:
        raise Inexact("one spatial axis")
    c, h, w = x.shape
    if c % 4 == 0 and s.chance():
        mode = s.pick("DCR", "CRD")
        return s.op(
            "DepthToSpace", x, like=replace(x, shape=(c // 4, 2 * h, 2 * w)), blocksize=2, mode=mode
        )
    if h % 2 or w % 2:
        raise Inexact("odd size")
    return s.op("SpaceToDepth", x, like=replace(x, shape=(4 * c, h // 2, w // 2)), blocksize=2)


def tame(s: Sketch, x: Tensor) -> Tensor:
    """Fewer bits in exact models: round(x / q) * q with q a power of two."""
    if not s.exact or x.bits() <= s.pick(9, 13, 13, 16):
        return x
    q = 2.0 ** float(np.ceil(np.log2(x.bound)) - 6)
    rounded = s.raw("Round", [s.raw("Mul", [x.name, number(s, 1 / q)])])
    return replace(x, name=s.raw("Mul", [rounded, number(s, q)]), unit=q, bound=2 * x.bound)
