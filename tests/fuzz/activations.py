"""The choice among all ways to binarize an activation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .binarizers import Binarizer, adabin, any_signs, clip, heaviside, scaled, step
from .moves import paired
from .quantizers import bipolar, fake_quantize, levels, multi_threshold, quantized, trunc
from .sketch import Sketch, Tensor

BINARIZERS: tuple[Binarizer, ...] = (
    *[any_signs] * 8, scaled, scaled, heaviside, heaviside, step, adabin, adabin, bipolar, bipolar,
    quantized, multi_threshold, multi_threshold, fake_quantize, fake_quantize, trunc, paired,
    levels, levels, levels, levels,
)  # fmt: skip


def binarize(s: Sketch, x: Tensor) -> Tensor:
    """Any of the forms, in front of them at times a shift per channel (RSign)."""
    if s.chance(0.2):
        shape = (x.channels, *[1] * (x.rank - 2))
        shift = s.numbers(shape, (0, 1, -0.5))
        name = s.raw("Add", [x.name, s.const(shift)])
        x = replace(x, name=name, unit=min(x.unit, 0.5), bound=x.bound + 2)
    return s.pick(*BINARIZERS)(s, x)


def multiplied(s: Sketch, x: Tensor, axes: Sequence[int]) -> Tensor:
    """A binarized tensor times the mean (in exact models, a small integer near the maximum) of the
    magnitudes of an earlier one along axes: XNOR-Net's factors. Other axes than the batch and
    ``axes`` are left where the factor varies within what a window sums."""
    source = s.pick(*[v for v in s.values if v.shape == x.shape], x)
    magnitude = s.raw("Abs", [source.name])
    if s.exact:
        top = s.axes("ReduceMax", [magnitude], axes, 18, keepdims=1)
        factor, unit, bound = clip(s, s.raw("Round", [top]), 0, 4), 1.0, 4.0
    else:
        factor, unit, bound = s.axes("ReduceMean", [magnitude], axes, 18, keepdims=1), 0.0, 0.0
    pair = [x.name, factor]
    form = f"{x.form} factor" if len(axes) == x.rank - 1 or axes == [-1] else f"{x.form} factors"
    like = replace(
        x, unit=x.unit * unit, bound=x.bound * bound, form=form, low=x.low * bound,
        high=x.high * bound,
    )  # fmt: skip
    return s.op("Mul", *(pair if s.chance() else pair[::-1]), like=like)
