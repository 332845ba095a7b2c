"""Convolutions and matrix products on binarized and on float tensors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .binarizers import number
from .quantizers import FINN
from .sketch import Inexact, Layer, Sketch, Tensor
from .weights import Weights, binary, real, sum_bound, weights_unit


def product(
    s: Sketch, x: Tensor, w: Weights, op: str, inputs: list[str], shape: tuple[int, ...],
    bias: np.ndarray | None, **attributes: Any,
) -> Tensor:  # fmt: skip
    """A product node; its bounds follow from the weights."""
    extra = float(np.abs(bias).max(initial=0.0)) if bias is not None else 0.0
    unit = min(x.unit * weights_unit(w), 0.5)
    bound = sum_bound(w) * max(x.bound, abs(x.low), abs(x.high)) + extra
    like = Tensor("", shape, unit if s.exact else 0.0, bound)
    out = s.op(op, *inputs, like=like, **attributes)
    s.layers.append(Layer(f"{op}_{out.name}", op, x.form or "float", w.form))
    return out


def _weights(s: Sketch, x: Tensor, shape: tuple[int, ...]) -> Weights:
    return (binary if x.form or s.chance(0.2) else real)(s, shape)


def _bias(s: Sketch, count: int) -> np.ndarray | None:
    return s.numbers((count,), (0, 1, -2, 0.5)) if s.chance(0.4) else None


def _groups(s: Sketch, channels: int) -> int:
    if s.chance(0.6):
        return 1
    if s.chance(0.5) and channels <= 16:
        return channels
    return s.pick(*(g for g in range(1, min(channels, 8) + 1) if channels % g == 0))


def conv(s: Sketch, x: Tensor) -> Tensor:
    """Conv in one or two dimensions with any attributes."""
    channels, size = x.channels, x.shape[1:]
    groups = _groups(s, channels)
    out = groups * s.pick(1, 2, 3) if groups > 1 else s.pick(1, 2, 3, 5, 8, 16, 33)
    kernel, dilations, strides, out_size = [], [], [], []
    largest = s.pick(1, 3, 3, 3, 5, 7)
    pads = [s.pick(0, largest // 2, largest // 2, s.pick(0, 1, 2)) for _ in range(2 * len(size))]
    for axis, length in enumerate(size):
        room = length + pads[axis] + pads[axis + len(size)]
        k = largest if s.chance(0.8) else s.pick(1, 2, 3, 4, 5)
        k = min(k, room)
        d = s.pick(*(d for d in (1, 1, 1, 2, 3) if d * (k - 1) < room))
        kernel.append(k)
        dilations.append(d)
        strides.append(s.pick(1, 1, 1, 2, 3))
        out_size.append((room - d * (k - 1) - 1) // strides[-1] + 1)
    attributes: dict[str, Any] = {"strides": strides, "dilations": dilations, "group": groups}
    fits = all(d == 1 and k <= n for d, k, n in zip(dilations, kernel, size, strict=True))
    if s.chance(0.15) and fits:
        attributes["auto_pad"] = s.pick("SAME_UPPER", "SAME_LOWER")
        out_size = [-(-n // t) for n, t in zip(size, strides, strict=True)]
    else:
        attributes["pads"] = pads
    if s.chance():
        attributes["kernel_shape"] = kernel
    w = _weights(s, x, (out, channels // groups, *kernel))
    bias = _bias(s, out)
    inputs = [x.name, w.name, *([s.const(bias)] if bias is not None else [])]
    return product(s, x, w, "Conv", inputs, (out, *out_size), bias, **attributes)


def conv_transpose(s: Sketch, x: Tensor) -> Tensor:
    """ConvTranspose: weights [I, O/groups, ..]."""
    channels, size = x.channels, x.shape[1:]
    groups = s.pick(1, 1, s.pick(*(g for g in range(1, min(channels, 4) + 1) if channels % g == 0)))
    per_group = s.pick(1, 2, 5)
    kernel = [s.pick(1, 2, 3, 4) for _ in size]
    strides, dilations = [s.pick(1, 2, 2, 3) for _ in size], [s.pick(1, 1, 2) for _ in size]
    extra = [s.pick(0, 0, t - 1) for t in strides]
    pads = [s.pick(0, 0, 1) for _ in range(2 * len(size))]
    out_size = [
        (n - 1) * t + e + d * (k - 1) + 1 - pads[a] - pads[a + len(size)]
        for a, (n, t, e, d, k) in enumerate(
            zip(size, strides, extra, dilations, kernel, strict=True)
        )
    ]
    if min(out_size) < 1:
        raise Inexact("no output")
    if groups == 1 and s.chance(0.7):
        w = _weights(s, x, (per_group, channels, *kernel))
        perm = [1, 0, *range(2, x.rank)]
        w = replace(
            w, name=s.raw("Transpose", [w.name], perm=perm), array=np.swapaxes(w.array, 0, 1)
        )
    else:
        w = _weights(s, x, (channels, per_group, *kernel))
        w = replace(w, form=f"{w.form} by input")
    turned = np.moveaxis(np.asarray(w.array), 0, 1)
    bias = _bias(s, groups * per_group)
    inputs = [x.name, w.name, *([s.const(bias)] if bias is not None else [])]
    return product(
        s, x, replace(w, array=np.ascontiguousarray(turned)), "ConvTranspose", inputs,
        (groups * per_group, *out_size), bias, strides=strides, dilations=dilations, pads=pads,
        output_padding=extra, group=groups,
    )  # fmt: skip


def gemm(s: Sketch, x: Tensor) -> Tensor:
    """Gemm on [N, K], weights in either order, with alpha and beta at times."""
    (width,) = x.shape
    out = s.pick(1, 3, 10, 33)
    w = _weights(s, x, (out, width))
    as_given = s.chance(0.6)
    name = w.name if as_given else s.raw("Transpose", [w.name], perm=[1, 0])
    attributes: dict[str, Any] = {"transB": 1} if as_given else {}
    bias = _bias(s, out)
    if s.chance(0.2):
        attributes["alpha"] = s.pick(0.5, 2.0)
        attributes["beta"] = s.pick(0.5, 1.0)
        w = replace(w, array=np.asarray(w.array) * np.float32(4))
    inputs = [x.name, name]
    if bias is not None:
        inputs.append(s.const(bias if s.chance(0.7) else bias.reshape(1, -1)))
    y = product(s, x, w, "Gemm", inputs, (out,), bias, **attributes)
    return replace(y, unit=y.unit / 4)


def linear(s: Sketch, x: Tensor, out: int | None = None) -> Tensor:
    """MatMul with constant weights on the right, and at times a bias."""
    width, out = x.shape[-1], out or s.pick(1, 4, 8, 24)
    w = _weights(s, x, (out, width))
    name = s.raw("Transpose", [w.name], perm=[1, 0])
    y = product(s, x, w, "MatMul", [x.name, name], (*x.shape[:-1], out), None)
    bias = _bias(s, out)
    if bias is None:
        return y
    like = replace(y, unit=min(y.unit, 0.5), bound=y.bound + float(np.abs(bias).max()))
    pair = [y.name, s.const(bias)]
    return s.op("Add", *(pair if s.chance() else pair[::-1]), like=like)


def xnor(s: Sketch, x: Tensor) -> Tensor:
    """FINN: bits that match, of {0, 1} matrices."""
    if not s.exact or x.form != "{0,1}":
        raise Inexact
    width, out = x.shape[-1], s.pick(1, 3, 10)
    w = s.const(s.rng.integers(0, 2, (width, out)).astype(np.float32))

    def expand() -> str:
        one, two = number(s, 1), number(s, 2)
        a, b = (s.raw("Sub", [s.raw("Mul", [v, two]), one]) for v in (x.name, w))
        shifted = s.raw("Add", [s.raw("MatMul", [a, b]), number(s, width)])
        return s.raw("Mul", [shifted, number(s, 0.5)])

    name = s.custom("XnorPopcountMatMul", FINN, [x.name, w], expand)
    s.layers.append(Layer(f"XnorPopcountMatMul_{name}", "MatMul", x.form, "{0,1} xnor"))
    return Tensor(name, (*x.shape[:-1], out), 0.5, float(width))


def lowered(s: Sketch, x: Tensor) -> Tensor:
    """FINN: Im2Col of a channels-last map, and MatMul."""
    if not s.exact or x.rank != 4:
        raise Inexact
    c, h, w = x.shape
    k, t = [min(s.pick(1, 2, 3), n) for n in (h, w)], [s.pick(1, 2), s.pick(1, 2)]
    pads, fill = s.pick([0] * 4, [1] * 4, [0, 1, 1, 0]), s.pick(0, 0, 1, -1)
    size = [(n + pads[i] + pads[i + 2] - k[i]) // t[i] + 1 for i, n in enumerate((h, w))]
    there = s.raw("Transpose", [x.name], perm=[0, 2, 3, 1])

    def expand() -> str:
        border = s.const(np.array([0, *pads[:2], 0, 0, *pads[2:], 0], np.int64))
        padded = s.raw("Pad", [there, border, s.const(np.array(fill, np.float32))])
        parts = [_window(s, padded, (i, j), size, t) for i in range(k[0]) for j in range(k[1])]
        return s.raw("Concat", parts, axis=3)

    columns = s.custom(
        "Im2Col", FINN, [there], expand, kernel_size=k, stride=t, pad_amount=pads, pad_value=fill,
        input_shape=f"(1,{h},{w},{c})",
    )  # fmt: skip
    rows = replace(x, name=columns, shape=(*size, k[0] * k[1] * c))
    if any(pads) and fill not in (x.low, x.high):
        rows = replace(rows, form=x.form and f"{x.form} pad", bound=max(1.0, x.bound))
    y = linear(s, rows)
    back = s.raw("Transpose", [y.name], perm=[0, 3, 1, 2])
    return replace(y, name=back, shape=(y.shape[-1], *size))


def _window(s: Sketch, x: str, at: tuple[int, int], size: list[int], strides: list[int]) -> str:
    ends = [i + t * (n - 1) + 1 for i, n, t in zip(at, size, strides, strict=True)]
    bounds = [s.const(np.array(a, np.int64)) for a in (at, ends, (1, 2), strides)]
    return s.raw("Slice", [x, *bounds])


def mixed(s: Sketch, x: Tensor) -> Tensor:
    """MatMul with constant weights on the left: tokens [N, T, C] are mixed."""
    tokens, width = x.shape
    w = _weights(s, x, (s.pick(1, 3, tokens), tokens))
    return product(s, x, w, "MatMul", [w.name, x.name], (w.array.shape[0], width), None)
