"""How exporters write binarized weights: as constants, or computed in the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .binarizers import clip, number
from .quantizers import bipolar_node, quant_node
from .sketch import Inexact, Sketch, unit_of


@dataclass(frozen=True)
class Weights:
    """A tensor [O, I, ..] in the graph and its value."""

    name: str
    array: np.ndarray
    form: str


Shape = Sequence[int]
SMALL = (0.5, 1, 2, 0.25)


def _signs(s: Sketch, shape: Shape) -> np.ndarray:
    return s.rng.choice(np.array([-1, 1], np.float32), tuple(shape))


def _per_output(s: Sketch, shape: Shape, table: Sequence[float]) -> np.ndarray:
    """One number per output channel, or one in all, shaped to broadcast."""
    count = shape[0] if s.chance(0.8) else 1
    return s.numbers((count, *[1] * (len(shape) - 1)), table)


def _constant(s: Sketch, array: np.ndarray, form: str) -> Weights:
    array = np.ascontiguousarray(array, np.float32)
    return Weights(s.const(array, "w"), array, form)


def ones(s: Sketch, shape: Shape) -> Weights:
    """±1."""
    return _constant(s, _signs(s, shape), "±alpha")


def scaled(s: Sketch, shape: Shape) -> Weights:
    """±alpha per output channel or in all, some 0."""
    alpha = _per_output(s, shape, s.pick(SMALL, (0, 1, 0.25)))
    return _constant(s, _signs(s, shape) * alpha, "±alpha")


def latent(s: Sketch, shape: Shape) -> Weights:
    """Sign(w) times the mean of |w|, in the graph."""
    magnitude = np.abs(_per_output(s, shape, SMALL))
    wide = np.broadcast_to(magnitude, tuple(shape))
    if not s.exact:
        wide = np.abs(s.rng.normal(0, 0.1, tuple(shape))).astype(np.float32) + np.float32(1e-3)
    w = s.const((_signs(s, shape) * wide).astype(np.float32), "w")
    axes = list(range(1, len(shape))) if magnitude.size == shape[0] else list(range(len(shape)))
    mean = s.axes("ReduceMean", [s.raw("Abs", [w])], axes, 18, keepdims=1)
    pair = [s.raw("Sign", [w]), mean]
    name = s.raw("Mul", pair if s.chance() else pair[::-1])
    return Weights(name, np.asarray(wide, np.float32), "±alpha computed")


def chosen(s: Sketch, shape: Shape) -> Weights:
    """Where(w >= 0, alpha, -alpha) in the graph."""
    alpha = np.abs(_per_output(s, shape, SMALL))
    w = s.const(s.numbers(shape, (-1, 0, 0.5)), "w")
    mask = s.raw("Less", [w, number(s, 0)])
    name = s.raw("Where", [mask, s.const(-alpha), s.const(alpha)])
    return Weights(name, np.broadcast_to(alpha, tuple(shape)), "±alpha computed")


def residue(s: Sketch, shape: Shape) -> Weights:
    """(q - clip(w)) + clip(w) or w + (q - w), q = alpha * sign(w): off ±alpha by rounding."""
    alpha = np.abs(_per_output(s, shape, SMALL))
    if s.exact:
        latent_ = s.rng.choice(np.array([-1.25, -0.5, 0.25, 0.75], np.float32), tuple(shape))
    else:
        latent_ = s.rng.normal(0, 0.5, tuple(shape)).astype(np.float32)
    w = s.const(latent_, "w")
    q = s.raw("Mul", [s.raw("Sign", [w]), s.const(alpha)])
    p = clip(s, w, -1, 1) if s.chance() else w
    pair = [s.raw("Sub", [q, p]), p]
    name = s.raw("Add", pair if s.chance() else pair[::-1])
    return Weights(name, np.broadcast_to(alpha, tuple(shape)), "±alpha residue")


def ternary(s: Sketch, shape: Shape) -> Weights:
    """{-a, 0, a}."""
    codes = s.rng.choice(np.array([-1, 0, 1], np.float32), tuple(shape))
    return _constant(s, codes * _per_output(s, shape, SMALL), "ternary")


def three_valued(s: Sketch, shape: Shape) -> Weights:
    """{-a, 0, b}, or other three values, per output channel or in all."""
    codes = s.rng.choice(np.array([-1, 0, 1], np.float32), tuple(shape))
    low, high = _per_output(s, shape, SMALL), _per_output(s, shape, SMALL)
    middle = _per_output(s, shape, s.pick((0,), (0,), (0.25, -0.5)))
    array = np.where(codes < 0, -np.abs(low), np.where(codes > 0, np.abs(high), 0)) + middle
    return _constant(s, array, "three-valued")


def two_valued(s: Sketch, shape: Shape) -> Weights:
    """p * t + q."""
    p, q = _per_output(s, shape, SMALL), _per_output(s, shape, (0.5, -1, 0.25))
    return _constant(s, _signs(s, shape) * p + q, "p*t+q")


def per_input(s: Sketch, shape: Shape) -> Weights:
    """±1 times a number per input channel, at times also per output channel."""
    scale = np.abs(s.numbers((1, shape[1], *[1] * (len(shape) - 2)), (0.5, 1, 2)))
    if s.chance():
        scale = scale * _per_output(s, shape, (1, 0.5))
    return _constant(s, _signs(s, shape) * scale, "per input")


def real(s: Sketch, shape: Shape) -> Weights:
    """Float weights."""
    return _constant(s, s.numbers(shape, (-1, 0.5, 2, 0, -0.25)), "float")


def quantizer(s: Sketch, shape: Shape) -> Weights:
    """BipolarQuant of an initializer, with a scale per output channel."""
    if not s.exact:
        raise Inexact
    scale = np.abs(_per_output(s, shape, SMALL))
    name = bipolar_node(s, s.const(s.numbers(shape, (-1, 0, 0.5)), "w"), s.const(scale))
    return Weights(name, np.broadcast_to(scale, tuple(shape)), "±alpha computed")


def few_bits(s: Sketch, shape: Shape) -> Weights:
    """Quant of an initializer to two or three bits."""
    if not s.exact:
        raise Inexact
    bits, narrow = s.pick(2, 2, 3), s.pick(0, 1)
    name = quant_node(
        s, s.const(s.numbers(shape, (-2, -1, 0, 0.5, 3)), "w"), 0.5, 0.0, bits, 1, narrow
    )
    form = "ternary" if bits == 2 and narrow else "multi-bit"
    return Weights(name, np.full(tuple(shape), 2.0 ** (bits - 2), np.float32), form)


def levels(s: Sketch, shape: Shape) -> Weights:
    """alpha * integers of two to eight bits, odd ones at times (DoReFa)."""
    half = 1 << (s.pick(2, 2, 3, 4, 8) - 1)
    integers = s.rng.integers(-half, half, tuple(shape))
    if half < 16 and s.chance():
        integers = 2 * integers + 1
    return _constant(s, integers * _per_output(s, shape, SMALL), "levels")


FORMS: tuple[Callable[[Sketch, Shape], Weights], ...] = (
    ones, scaled, scaled, latent, latent, chosen, residue, residue, ternary, three_valued,
    two_valued, two_valued, per_input, quantizer, few_bits, levels, levels, levels,
)  # fmt: skip


def binary(s: Sketch, shape: Shape) -> Weights:
    """Any of the forms but floats; at times stored in another shape or order."""
    kind = s.pick("plain", "plain", "plain", "transposed", "flat")
    if kind == "transposed":
        order = [int(a) for a in s.rng.permutation(len(shape))]
        stored = [0] * len(shape)
        for at, axis in enumerate(order):
            stored[axis] = shape[at]
        if stored[order[0]] == shape[0] and order[0] == 0:
            inner = s.pick(*FORMS)(s, stored)
            array = np.transpose(inner.array, order)
            return Weights(s.raw("Transpose", [inner.name], perm=order), array, inner.form)
    if kind == "flat":
        inner = s.pick(*FORMS)(s, (shape[0], int(np.prod(shape[1:]))))
        target = s.const(np.array(shape, np.int64), "shape")
        form = "per element" if inner.form == "per input" else inner.form
        return Weights(s.raw("Reshape", [inner.name, target]), inner.array.reshape(shape), form)
    return s.pick(*FORMS)(s, shape)


def sum_bound(w: Weights) -> float:
    """The largest sum of |w| of an output channel."""
    flat = np.abs(w.array.astype(np.float64)).reshape(w.array.shape[0], -1)
    return float(flat.sum(1).max(initial=0.0))


def weights_unit(w: Weights) -> float:
    """Of which all weights are multiples."""
    if w.form in ("multi-bit",):
        return 0.5
    if w.form == "ternary" and w.array.size and np.all(w.array == 1):
        return 0.5
    return unit_of(w.array)
