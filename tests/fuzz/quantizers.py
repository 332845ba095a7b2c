"""Quantizers to few bits in standard operators, as training codes write them. Those of QONNX, FINN
and NNCF, only in exact models: the twin writes them in standard operators, and both must agree in
every bit.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from onnx import TensorProto

from .binarizers import around, clip, number, two_valued
from .sketch import Inexact, Sketch, Tensor, unit_of

QONNX = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general")
FINN = "finn.custom_op.general"
OPENVINO = "org.openvinotoolkit"


def levels(s: Sketch, x: Tensor) -> Tensor:
    """round(clip(x / a, low, high)) * a, DoReFa's round(clip(x, 0, 1) * n) / n, bytes with a zero
    point; at times with the residue of a straight-through estimator, which rounds."""
    bits = s.pick(2, 2, 3, 4, 8)
    kind = s.pick("scaled", "scaled", "fraction", "bytes")
    if kind == "fraction":
        n = 2.0**bits - (0 if s.exact else 1)
        clipped = clip(s, x.name, 0, 1)
        rounded = s.raw("Round", [s.raw("Mul", [clipped, number(s, n)])])
        name = s.raw("Div", [rounded, number(s, n)])
        low, high, unit = 0.0, 1.0, 1 / n
    else:
        a = abs(float(s.numbers((), (0.5, 1, 0.25))))
        ratio = s.raw("Div", [x.name, number(s, a)])
        if kind == "bytes":
            zero = float(s.rng.integers(0, 256))
            moved = s.raw("Add", [s.raw("Round", [ratio]), number(s, zero)])
            stored = s.raw("Cast", [clip(s, moved, 0, 255)], to=TensorProto.UINT8)
            back = s.raw("Cast", [stored], to=TensorProto.FLOAT)
            integers = s.raw("Sub", [back, number(s, zero)])
            least, most = -zero, 255 - zero
        else:
            least, most = quant_limits(bits, s.pick(0, 1), 0)
            integers = s.raw("Round", [clip(s, ratio, least, most)])
        name = s.raw("Mul", [integers, number(s, a)])
        low, high, unit = least * a, most * a, a
    if not s.exact and s.chance(0.3):
        name = around(s, name, x.name)
    out = two_valued(s, x, name, low, high, "multi-bit")
    return replace(out, unit=min(out.unit, unit)) if s.exact else out


def bipolar(s: Sketch, x: Tensor) -> Tensor:
    """BipolarQuant, or Quant with one signed bit."""
    if not s.exact:
        raise Inexact
    scale = s.pick(1.0, 1.0, 0.5)
    scale_name = number(s, scale)
    name = bipolar_node(s, x.name, scale_name)
    return two_valued(s, x, name, -scale, scale, "sign" if scale == 1 else "±a")


def bipolar_node(s: Sketch, x: str, scale: str) -> str:
    """The node, of activations or weights."""

    def expand() -> str:
        mask = s.raw("Less", [x, number(s, 0)])
        return s.raw("Mul", [s.raw("Where", [mask, number(s, -1), number(s, 1)]), scale])

    domain = s.pick(*QONNX)
    if s.chance():
        return s.custom("BipolarQuant", domain, [x, scale], expand)
    inputs = [x, scale, number(s, 0), number(s, 1)]
    op = s.pick("Quant", "IntQuant")
    return s.custom(
        op, domain, inputs, expand, signed=1, narrow=s.pick(0, 1), rounding_mode="ROUND"
    )


def quantized(s: Sketch, x: Tensor) -> Tensor:
    """Quant of one to four bits: {0, a}, ternary, multi-bit."""
    if not s.exact:
        raise Inexact
    bits = s.pick(1, 2, 2, 3, 4)
    signed = 0 if bits == 1 else s.pick(0, 1)
    scale, zero = s.pick(0.5, 1.0, 2.0), s.pick(0.0, 0.0, 1.0)
    narrow = s.pick(0, 1) if bits > 1 else 0
    name = quant_node(s, x.name, scale, zero, bits, signed, narrow)
    low, high = quant_limits(bits, signed, narrow)
    ends = [(v - zero) * scale for v in (low, high)]
    form = "multi-bit" if bits > 1 else "{0,1}" if ends == [0, 1] else "{u,v}"
    out = two_valued(s, x, name, ends[0], ends[1], form)
    return replace(out, unit=min(out.unit, scale))


def quant_limits(bits: int, signed: int, narrow: int) -> tuple[float, float]:
    """Least and greatest integer."""
    if signed:
        return float(-(2 ** (bits - 1)) + narrow), float(2 ** (bits - 1) - 1)
    return 0.0, float(2**bits - 1 - narrow)


def quant_node(
    s: Sketch, x: str, scale: float, zero: float, bits: int, signed: int, narrow: int
) -> str:
    """Quant, and (round(clip(x / scale + zero)) - zero) * scale."""
    mode = s.pick("ROUND", "ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN")

    def expand() -> str:
        moved = s.raw("Add", [s.raw("Div", [x, number(s, scale)]), number(s, zero)])
        kept = clip(s, moved, *quant_limits(bits, signed, narrow))
        back = s.raw("Sub", [round_to(s, kept, mode), number(s, zero)])
        return s.raw("Mul", [back, number(s, scale)])

    inputs = [x, number(s, scale), number(s, zero), number(s, bits)]
    op, domain = s.pick("Quant", "IntQuant"), s.pick(*QONNX)
    return s.custom(op, domain, inputs, expand, signed=signed, narrow=narrow, rounding_mode=mode)


def round_to(s: Sketch, x: str, mode: str) -> str:
    """Rounding by a mode of QONNX."""
    direct = {"ROUND": "Round", "CEIL": "Ceil", "FLOOR": "Floor"}
    if mode in direct:
        return s.raw(direct[mode], [x])
    op, shift = {
        "UP": ("Ceil", 0.0), "DOWN": ("Floor", 0.0), "HALF_UP": ("Floor", 0.5),
        "HALF_DOWN": ("Ceil", -0.5),
    }[mode]  # fmt: skip
    magnitude = s.raw("Add", [s.raw("Abs", [x]), number(s, shift)])
    return s.raw("Mul", [s.raw("Sign", [x]), s.raw(op, [magnitude])])


def multi_threshold(s: Sketch, x: Tensor) -> Tensor:
    """out_scale * (the count of thresholds reached) + out_bias, per channel or for all."""
    if not s.exact:
        raise Inexact
    levels, rows = s.pick(1, 1, 1, 2, 3, 17), s.pick(1, x.channels)
    thresholds = np.sort(s.numbers((rows, levels), (-2, -0.5, 0, 0, 1, 3)), axis=1)
    scale, bias = s.pick((2.0, -1.0), (1.0, 0.0), (0.5, 0.0), (0.5, 0.25))
    attributes = {} if (scale, bias) == (1, 0) else {"out_scale": scale, "out_bias": bias}
    layout = {2: "NC", 3: "NCW", 4: "NCHW"}[x.rank]

    def expand() -> str:
        total = ""
        for k in range(levels):
            column = s.const(thresholds[:, k].reshape(-1, *[1] * (x.rank - 2)))
            mask = s.raw("Not", [s.raw("Less", [x.name, column])])
            one = s.raw("Cast", [mask], to=TensorProto.FLOAT)
            total = s.raw("Add", [total, one]) if total else one
        return s.raw("Add", [s.raw("Mul", [total, number(s, scale)]), number(s, bias)])

    name = s.custom(
        "MultiThreshold",
        FINN,
        [x.name, s.const(thresholds)],
        expand,
        data_layout=layout,
        **attributes,
    )
    high = scale * levels + bias
    form = "multi-bit" if levels > 1 else form_of(bias, high)
    out = two_valued(s, x, name, bias, high, form)
    return replace(out, unit=min(scale, out.unit))


def form_of(low: float, high: float) -> str:
    """What a pair of values is called."""
    if low == -high:
        return "sign" if high == 1 else "±a"
    if low == 0:
        return "{0,1}" if high == 1 else "{0,a}"
    return "{u,v}"


def fake_quantize(s: Sketch, x: Tensor) -> Tensor:
    """NNCF: two levels, at times three or five."""
    if not s.exact:
        raise Inexact
    levels = s.pick(2, 2, 2, 3, 5)
    low, high = s.pick((0.0, 1.0), (-1.0, 1.0), (-0.5, 0.5), (0.0, 2.0), (1.0, 1.5))
    ends = s.pick((0.0, 1.0), (0.0, 0.5), (-1.0, 1.0), (-0.5, 2.0))
    shape = s.pick((), (1,), (1,) * x.rank, (1, x.channels, *[1] * (x.rank - 2)))
    bounds = [s.const(np.full(shape, v, np.float32)) for v in (low, high, *ends)]

    def expand() -> str:
        moved = s.raw("Div", [s.raw("Sub", [x.name, number(s, low)]), number(s, high - low)])
        rounded = s.raw("Round", [s.raw("Mul", [moved, number(s, levels - 1)])])
        step = number(s, (ends[1] - ends[0]) / (levels - 1))
        inner = s.raw("Add", [s.raw("Mul", [rounded, step]), number(s, ends[0])])
        above = s.raw("Greater", [x.name, number(s, high)])
        inside = s.raw("Not", [s.raw("Greater", [x.name, number(s, low)])])
        upper = s.raw("Where", [above, number(s, ends[1]), inner])
        return s.raw("Where", [inside, number(s, ends[0]), upper])

    name = s.custom("FakeQuantize", OPENVINO, [x.name, *bounds], expand, levels=levels)
    form = "multi-bit" if levels > 2 else form_of(*ends)
    out = two_valued(s, x, name, *ends, form)
    return replace(out, unit=min(out.unit, unit_of((ends[1] - ends[0]) / (levels - 1))))


def trunc(s: Sketch, x: Tensor) -> Tensor:
    """Trunc version 1: the lowest bits are dropped, the scale stays."""
    if not s.exact:
        raise Inexact
    scale, lost, mode = s.pick(0.5, 1.0), s.pick(1, 2), s.pick("FLOOR", "ROUND", "CEIL")

    def expand() -> str:
        rounded = s.raw("Round", [s.raw("Div", [x.name, number(s, scale)])])
        less = round_to(s, s.raw("Div", [rounded, number(s, 2**lost)]), mode)
        return s.raw("Mul", [less, number(s, scale)])

    inputs = [x.name, *(number(s, v) for v in (scale, 0, 8, 8 - lost))]
    name = s.custom("Trunc", QONNX[0], inputs, expand, rounding_mode=mode)
    out = replace(x, name=name, unit=scale, bound=x.bound + 1, form="multi-bit")
    s.check(out)
    return out
