"""Weights as bits: a sum of ±1 bases with one scale per output channel, and an offset.

    w[o] = scale[o] * (t_1[o] + .. + t_n[o]) + offset[o],     t_i = ±1

±alpha is one base without offset; two values that are not symmetric (AdaBin, {0, a}) are one base
with an offset; {-a, 0, a} is two bases, which cancel where the weight is 0. Any other three values
(TTQ's {-a, 0, b}) are the sum of two such weights: {-a, 0} + {0, b}.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...ir import Array

TOLERANCE = 1e-6
"""Relative distance from its level up to which a weight is taken for it: what the residue of a
straight-through estimator leaves in float32 is below 3.2e-7."""
SMALLEST = 1e-37
"""Scales below it have lost digits to underflow."""


@dataclass(frozen=True)
class BitWeights:
    """Weights as bases, scale and offset."""

    bases: tuple[Array, ...]
    """uint8, each of the shape of the weights: 1 for +1."""
    scale: Array
    """float32 [O]."""
    offset: Array
    """float64 [O]."""
    spread: float
    """Largest relative distance of a weight from its level."""

    @property
    def signs(self) -> Array:
        """The sum of the bases, int32."""
        return sum(2 * base.astype(np.int32) - 1 for base in self.bases)  # type: ignore[return-value]


def split_weights(weights: Array) -> tuple[BitWeights, ...] | str:
    """Weights [O, ..] as a sum of bits, or which channel is off ±alpha by how much.

    A channel of zeros has scale 0. Few weights take few values whatever they are: levels that are
    not ±alpha must be borne out by more weights than there are levels.
    """
    if not weights.size:
        return "weights are empty"
    if not np.isfinite(weights).all():
        return "weights are not finite"
    flat = weights.reshape(weights.shape[0], -1)
    if _levels(flat[0]) > 3:
        return _off_alpha(flat)  # most float weights: one row tells
    flat = flat.astype(np.float64)
    single = _symmetric(flat) or _two_valued(flat) or _ternary(flat)
    parts = _three_valued(flat) if single is None else (single,)
    if parts is None or any(np.any((p.scale > 0) & (p.scale < SMALLEST)) for p in parts):
        return _off_alpha(flat)
    return tuple(
        replace(p, bases=tuple(b.reshape(weights.shape).astype(np.uint8) for b in p.bases))
        for p in parts
    )


def _levels(row: Array) -> int:
    """Values of one channel that differ by more than the tolerance allows to one level."""
    ordered = np.sort(row.astype(np.float64))
    apart = np.diff(ordered) > 2 * TOLERANCE * max(abs(ordered[0]), abs(ordered[-1]))
    return 1 + int(apart.sum())


def _alpha(flat: Array) -> tuple[Array, Array]:
    """float32 alpha of each channel, and the largest relative distance of its weights from it."""
    magnitude = np.abs(flat)
    low, high = magnitude.min(1), magnitude.max(1)
    alpha = np.where(low == high, high, magnitude.mean(1, dtype=np.float64)).astype(np.float32)
    off = np.abs(magnitude - alpha.astype(np.float64)[:, None]).max(1)
    return alpha, _relative(off, alpha)


def _relative(off: Array, level: Array) -> Array:
    """Distances as fractions of a level; of one that rounds to 0, they are enormous."""
    return np.where(off > 0, off / np.where(level > 0, level, 1e-45), 0.0)


def _symmetric(flat: Array) -> BitWeights | None:
    """±alpha per channel."""
    alpha, off = _alpha(flat)
    if off.max() > TOLERANCE:
        return None
    return BitWeights((flat > 0,), alpha, np.zeros(len(flat)), float(off.max()))


def _two_valued(flat: Array) -> BitWeights | None:
    """Two values per channel, whatever they are; where they are ±alpha, the offset is 0."""
    low, high = flat.min(1), flat.max(1)
    upper = flat > ((low + high) / 2)[:, None]
    top = _level(flat, upper, high)
    bottom = _level(flat, ~upper, low)
    nearest = np.where(upper, top[:, None], bottom[:, None])
    off = _relative(np.abs(flat - nearest).max(1), np.maximum(np.abs(low), np.abs(high)))
    levels = len(np.unique(np.stack([bottom, top], 1), axis=0)) * 2
    if off.max() > TOLERANCE or flat.size <= levels:
        return None
    alpha, from_alpha = _alpha(flat)
    plain = from_alpha <= TOLERANCE
    scale = np.where(plain, alpha, (top - bottom) / 2).astype(np.float32)
    base = np.where(plain[:, None], flat > 0, upper)
    return BitWeights((base,), scale, np.where(plain, 0.0, (top + bottom) / 2), float(off.max()))


def _level(flat: Array, chosen: Array, extreme: Array) -> Array:
    """The value of the chosen weights of each channel: the one they share, or their mean."""
    count = chosen.sum(1)
    mean = np.where(chosen, flat, 0).sum(1) / np.maximum(count, 1)
    shared = np.all(~chosen | (flat == extreme[:, None]), axis=1)
    return np.where(shared | (count == 0), extreme, mean)


def _ternary(flat: Array) -> BitWeights | None:
    """{-a, 0, a} per channel."""
    magnitude = np.abs(flat)
    present = magnitude > magnitude.max(1, keepdims=True) / 2
    a = _level(magnitude, present, magnitude.max(1))
    nearest = np.where(present, a[:, None], 0)
    off = _relative(np.abs(magnitude - nearest).max(1), a)
    if off.max() > TOLERANCE or flat.size <= 3 * len(np.unique(a)):
        return None
    bases = (np.where(present, flat > 0, True), np.where(present, flat > 0, False))
    return BitWeights(bases, (a / 2).astype(np.float32), np.zeros(len(flat)), float(off.max()))


def _three_valued(flat: Array) -> tuple[BitWeights, BitWeights] | None:
    """{p, q, r} per channel, p < q < r: {p - q, 0} + {q, r}. Where there are but two values, q is 0
    if it can be, so that all channels of {-a, 0, b} have it."""
    low, high = flat.min(1), flat.max(1)
    largest = np.maximum(np.abs(low), np.abs(high))
    near = (2 * TOLERANCE * largest)[:, None]
    at_low, at_high = flat - low[:, None] <= near, high[:, None] - flat <= near
    between = ~(at_low | at_high)
    lower = at_low & (~at_high | (low < 0)[:, None])
    upper = at_high & ~lower
    inner = _level(flat, between, np.where(between, flat, -np.inf).max(1))
    outer = np.where((low <= 0) & (high >= 0) | at_high.all(1), 0.0, low)
    middle = np.where(between.any(1), inner, outer)
    middle = np.where(np.abs(middle) <= TOLERANCE * largest, 0.0, middle)
    bottom = np.where(lower.any(1), _level(flat, lower, low), middle)
    top = np.where(upper.any(1), _level(flat, upper, high), middle)
    nearest = np.where(lower, bottom[:, None], np.where(upper, top[:, None], middle[:, None]))
    off = _relative(np.abs(flat - nearest).max(1), largest)
    levels = len(np.unique(np.stack([bottom, middle, top], 1), axis=0)) * 3
    if off.max() > TOLERANCE or flat.size <= levels:
        return None
    below = ((middle - bottom) / 2).astype(np.float32)
    above = ((top - middle) / 2).astype(np.float32)
    rest = np.where(middle == 0, above.astype(np.float64), (top + middle) / 2)
    spread = float(off.max())
    return (
        BitWeights((~lower,), below, -below.astype(np.float64), spread),
        BitWeights((upper,), above, rest, spread),
    )


def _off_alpha(flat: Array) -> str:
    alpha, off = _alpha(flat)
    worst = int(np.argmax(off))
    return (
        f"weights of channel {worst} are not ±alpha: off by {off[worst]:.2g} of alpha "
        f"{alpha[worst]:.4g} (channels off: {int((off > TOLERANCE).sum())} of {len(off)})"
    )
