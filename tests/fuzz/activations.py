"""The choice among all ways to binarize an activation."""

from __future__ import annotations

from dataclasses import replace

from .binarizers import Binarizer, adabin, any_signs, heaviside, scaled, step
from .quantizers import bipolar, fake_quantize, multi_threshold, quantized, trunc
from .sketch import Sketch, Tensor

BINARIZERS: tuple[Binarizer, ...] = (
    *[any_signs] * 8, scaled, scaled, heaviside, heaviside, step, adabin, adabin, bipolar, bipolar,
    quantized, multi_threshold, multi_threshold, fake_quantize, fake_quantize, trunc,
)  # fmt: skip


def binarize(s: Sketch, x: Tensor) -> Tensor:
    """Any of the forms, in front of them at times a shift per channel (RSign)."""
    if s.chance(0.2):
        shape = (x.channels, *[1] * (x.rank - 2))
        shift = s.numbers(shape, (0, 1, -0.5))
        name = s.raw("Add", [x.name, s.const(shift)])
        x = replace(x, name=name, unit=min(x.unit, 0.5), bound=x.bound + 2)
    return s.pick(*BINARIZERS)(s, x)
