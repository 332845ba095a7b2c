"""How exporters write a binarized activation: functions from a tensor to its two values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from onnx import TensorProto

from .sketch import Inexact, Sketch, Tensor, unit_of

Binarizer = Callable[[Sketch, Tensor], Tensor]


def signs(x: Tensor, name: str, form: str = "sign") -> Tensor:
    """±1 of the shape of x. ``sign0``: 0 at 0."""
    return replace(x, name=name, unit=1.0, bound=1.0, form=form, low=-1.0, high=1.0)


def two_valued(s: Sketch, x: Tensor, name: str, low: float, high: float, form: str) -> Tensor:
    """Two other values."""
    bound = max(abs(low), abs(high))
    unit = min(unit_of(low), unit_of(high)) if s.exact else 0.0
    out = replace(x, name=name, unit=unit, bound=bound, form=form, low=low, high=high)
    s.check(out)
    return out


def number(s: Sketch, value: float) -> str:
    """A scalar constant."""
    return s.const(np.array(value, np.float32) if s.chance() else np.array([value], np.float32))


# ±1.


def plain(s: Sketch, x: Tensor) -> Tensor:
    """Sign(x)."""
    return signs(x, s.raw("Sign", [x.name]), "sign0")


def larq(s: Sketch, x: Tensor) -> Tensor:
    """Sign(Sign(x) + 0.1)."""
    inner = s.raw("Sign", [x.name])
    pair = [inner, number(s, s.pick(0.1, 0.1, -0.1))]
    return signs(x, s.raw("Sign", [s.raw("Add", pair if s.chance() else pair[::-1])]))


def compared(s: Sketch, x: Tensor, op: str, threshold: str) -> str:
    """A mask, the threshold on either side."""
    return s.raw(op, [x.name, threshold] if s.chance(0.7) else [threshold, x.name])


def threshold(s: Sketch, x: Tensor) -> str:
    """0, another scalar, or one number per channel."""
    if s.chance(0.6):
        return number(s, 0.0)
    shape = s.pick((), (x.channels, *[1] * (x.rank - 2)))
    return s.const(s.numbers(shape, (0, 1, -0.5, 2)))


def comparison(s: Sketch) -> str:
    """A comparison that the opset has."""
    return s.pick("Greater", "Less", *["GreaterOrEqual", "LessOrEqual"] * (s.opset >= 12))


def where(s: Sketch, x: Tensor) -> Tensor:
    """Where(x >= t, 1, -1) with any comparison."""
    mask = compared(s, x, comparison(s), threshold(s, x))
    values = [number(s, 1.0), number(s, -1.0)]
    return signs(x, s.raw("Where", [mask, *(values if s.chance(0.7) else values[::-1])]))


def repaired(s: Sketch, x: Tensor) -> Tensor:
    """Where(Sign(x) == 0, 1, Sign(x))."""
    sign = s.raw("Sign", [x.name])
    mask = s.raw("Equal", [s.pick(sign, x.name), number(s, 0.0)])
    return signs(x, s.raw("Where", [mask, number(s, s.pick(1.0, 1.0, -1.0)), sign]))


def nested(s: Sketch, x: Tensor) -> Tensor:
    """Where(x > 0, 1, Where(x < 0, -1, 0))."""
    below = s.raw("Where", [s.raw("Less", [x.name, number(s, 0)]), number(s, -1), number(s, 0)])
    above = s.raw("Greater", [x.name, number(s, 0)])
    return signs(x, s.raw("Where", [above, number(s, 1), below]), "sign0")


def assigned(s: Sketch, x: Tensor) -> Tensor:
    """``s = sign(x); s[s == 0] = 1`` as dynamo writes it."""
    if s.opset < 13:
        raise Inexact
    sign = s.raw("Sign", [x.name])
    positions = s.raw("NonZero", [s.raw("Equal", [s.pick(sign, x.name), number(s, 0)])])
    where_ = s.raw("Transpose", [positions], perm=[1, 0])
    one = s.const(np.array([1.0], np.float32))
    count = s.raw("Slice", [s.raw("Shape", [where_]), *(
        s.const(np.array([i], np.int64)) for i in (0, 1, 0)
    )])  # fmt: skip
    return signs(x, s.raw("ScatterND", [sign, where_, s.raw("Expand", [one, count])]))


def allocated(s: Sketch, x: Tensor) -> Tensor:
    """``y = x.new(shape); y[x < 0] = -1; y[x >= 0] = 1``: a constant that nothing reads."""
    if s.opset < 12:
        raise Inexact
    memory = s.const(np.full((x.channels, *[1] * (x.rank - 2)), np.nan, np.float32))
    first = s.raw("Where", [s.raw("Less", [x.name, number(s, 0)]), number(s, -1), memory])
    mask = s.raw("GreaterOrEqual", [x.name, number(s, 0)])
    return signs(x, s.raw("Where", [mask, number(s, 1), first]))


def _float_mask(s: Sketch, mask: str) -> str:
    return s.raw("Cast", [mask], to=TensorProto.FLOAT)


def doubled(s: Sketch, x: Tensor) -> Tensor:
    """2 * (x >= 0) - 1."""
    mask = _float_mask(s, compared(s, x, comparison(s), threshold(s, x)))
    pair = [mask, number(s, 2)]
    twice = s.raw("Mul", pair if s.chance() else pair[::-1])
    if s.chance():
        return signs(x, s.raw("Sub", [twice, number(s, 1)]))
    return signs(x, s.raw("Add", [twice, number(s, -1)]))


def difference(s: Sketch, x: Tensor) -> Tensor:
    """(x > 0) - (x < 0), or with one of them not strict."""
    above, below = "Greater", "Less"
    form = "sign0"
    if s.opset >= 12 and s.chance():
        form = "sign"
        above, below = s.pick(("GreaterOrEqual", "Less"), ("Greater", "LessOrEqual"))
    masks = [_float_mask(s, s.raw(op, [x.name, number(s, 0)])) for op in (above, below)]
    return signs(x, s.raw("Sub", masks), form)


def patched(s: Sketch, x: Tensor) -> Tensor:
    """sign(x) + (x == 0)."""
    sign = s.raw("Sign", [x.name])
    mask = _float_mask(s, s.raw("Equal", [s.pick(sign, x.name), number(s, 0)]))
    return signs(x, s.raw(s.pick("Add", "Sub"), [sign, mask]))


def rounded(s: Sketch, x: Tensor) -> Tensor:
    """BinaryNet: 2 * round(clip((x + 1) / 2, 0, 1)) - 1."""
    half = s.raw("Add", [s.raw("Mul", [x.name, number(s, 0.5)]), number(s, 0.5)])
    unit = s.raw("Round", [clip(s, half, 0, 1)])
    return signs(x, s.raw("Sub", [s.raw("Mul", [unit, number(s, 2)]), number(s, 1)]))


def clip(s: Sketch, x: str, low: float, high: float) -> str:
    """Clip."""
    return s.raw("Clip", [x, *(s.const(np.array(v, np.float32)) for v in (low, high))])


def straight_through(s: Sketch, x: Tensor) -> Tensor:
    """The sign of x, of x over a temperature, clipped or both, with p(x) - p(x) around it."""
    kinds = (clip_of, polynomial, polynomial, tanh, itself, by_choice, soft_step, leaky)
    inner = x.name
    if s.chance(0.4):
        inner = s.raw("Div", [inner, number(s, s.pick(1.0, 0.5, 0.1, 3.0))])
    if s.chance(0.3):
        inner = clip(s, inner, -1, s.pick(1, 2))
    sign = s.raw("Sign", [inner])
    return signs(x, around(s, sign, s.pick(*kinds)(s, x)), "sign0")


def around(s: Sketch, q: str, p: str) -> str:
    """q - p + p in an order whose float32 result is q."""
    way = s.pick("q - p", "q - p", "p - q", "p - p", "-p + q")
    if way == "p - q":
        back = s.raw("Sub", [p, q])
        return s.raw("Sub", [p, back]) if s.chance() else s.raw("Add", [p, s.raw("Neg", [back])])
    if way == "p - p":
        pair = [s.raw("Sub", [p, p]), q]
    elif way == "-p + q":
        pair = [s.raw("Add", [s.raw("Neg", [p]), q]), p]
    else:
        pair = [s.raw("Sub", [q, p]), p]
    return s.raw("Add", pair if s.chance() else pair[::-1])


def clip_of(s: Sketch, x: Tensor) -> str:
    """Hardtanh."""
    return clip(s, x.name, -1, 1)


def tanh(s: Sketch, x: Tensor) -> str:
    """Tanh."""
    return s.raw("Tanh", [x.name])


def by_choice(s: Sketch, x: Tensor) -> str:
    """Hardtanh as a choice."""
    inside = s.raw("Less", [s.raw("Abs", [x.name]), number(s, 1)])
    return s.raw("Where", [inside, x.name, s.raw("Sign", [x.name])])


def soft_step(s: Sketch, x: Tensor) -> str:
    """x / (|x| + 1)."""
    return s.raw("Div", [x.name, s.raw("Add", [s.raw("Abs", [x.name]), number(s, 1)])])


def leaky(s: Sketch, x: Tensor) -> str:
    """A small part of the clipped x."""
    return s.raw("Mul", [clip(s, x.name, -1, 1), number(s, 0.01)])


def itself(s: Sketch, x: Tensor) -> str:
    """x."""
    return x.name


def polynomial(s: Sketch, x: Tensor) -> str:
    """Bi-Real Net's approximation of the sign: masks choose -1, x² + 2x, 2x - x² and 1."""
    masks = [
        _float_mask(s, s.raw("Less", [x.name, number(s, bound)])) for bound in (-1.0, 0.0, 1.0)
    ]
    square = s.raw("Mul", [x.name, x.name])
    twice = s.raw("Mul", [x.name, number(s, 2)])

    def chosen(mask: str, inside: str, outside: str) -> str:
        rest = s.raw("Sub", [number(s, 1), mask])
        return s.raw("Add", [s.raw("Mul", [inside, mask]), s.raw("Mul", [outside, rest])])

    one = s.raw("Add", [s.raw("Mul", [masks[0], number(s, 0)]), number(s, -1)])
    first = chosen(masks[0], one, s.raw("Add", [square, twice]))
    second = chosen(masks[1], first, s.raw("Add", [s.raw("Neg", [square]), twice]))
    return chosen(masks[2], second, number(s, 1))


PLUS_MINUS: tuple[Binarizer, ...] = (
    plain, plain, larq, where, where, repaired, nested, assigned, doubled, difference, patched,
    rounded, straight_through, straight_through, straight_through, allocated,
)  # fmt: skip


def any_signs(s: Sketch, x: Tensor) -> Tensor:
    """One of the forms of ±1."""
    return s.pick(*PLUS_MINUS)(s, x)


# Other two values.


def heaviside(s: Sketch, x: Tensor) -> Tensor:
    """{0, 1}: Sign(Relu(x)), Where(Sign == -1, 0, Sign), a mask as float, or a rounded fraction
    with its straight-through estimator."""
    kind = s.pick("relu", "where", "mask", "pick", "rounded")
    if kind == "relu":
        name = s.raw("Sign", [s.raw("Relu", [x.name])])
    elif kind == "rounded":
        fraction = clip(s, x.name, 0, 1)
        name = around(s, s.raw("Round", [fraction]), fraction)
    elif kind == "where":
        sign = s.raw("Sign", [x.name])
        name = s.raw("Where", [s.raw("Equal", [sign, number(s, -1)]), number(s, 0), sign])
    else:
        mask = compared(s, x, comparison(s), threshold(s, x))
        if kind == "mask":
            name = _float_mask(s, mask)
        else:
            name = s.raw("Where", [mask, number(s, 1), number(s, 0)])
    return two_valued(s, x, name, 0.0, 1.0, "{0,1}")


def step(s: Sketch, x: Tensor) -> Tensor:
    """{0, a}: Clip(Round(x / a), 0, 1) * a, or a choice."""
    a = float(s.numbers((), (0.5, 2, 0.25)))
    if s.chance():
        ratio = s.raw("Round", [s.raw("Div", [x.name, number(s, a)])])
        name = s.raw("Mul", [clip(s, ratio, 0, 1), number(s, a)])
    else:
        mask = compared(s, x, comparison(s), threshold(s, x))
        name = s.raw("Where", [mask, number(s, a), number(s, 0)])
    return two_valued(s, x, name, 0.0, a, "{0,a}")


def adabin(s: Sketch, x: Tensor) -> Tensor:
    """alpha * (sign((x - b) / a) + c)."""
    a, b, c, alpha = (
        float(s.numbers((), t)) for t in ((0.5, 1, 2), (0, 0.5, -1), (0.5, -0.25, 2), (1, 0.5, 2))
    )
    inner = x.name
    if s.chance():
        inner = s.raw("Div", [s.raw("Sub", [inner, number(s, b)]), number(s, a)])
    sign = any_signs(s, replace(x, name=inner))
    moved = s.raw("Add", [sign.name, number(s, c)])
    low, high = (float(np.float32(alpha) * np.float32(v + c)) for v in (-1, 1))
    name = s.raw("Mul", [moved, number(s, alpha)])
    form = "{u,v}" if sign.form == "sign" else "{u,m,v}"
    return two_valued(s, x, name, low, high, form)


def scaled(s: Sketch, x: Tensor) -> Tensor:
    """alpha * sign(x)."""
    sign = any_signs(s, x)
    alpha = float(s.numbers((), (0.5, 2, 4)))
    pair = [sign.name, number(s, alpha)]
    name = s.raw("Mul", pair if s.chance() else pair[::-1])
    form = "±a" if sign.form == "sign" else "±a0"
    return two_valued(s, x, name, -alpha, alpha, form)
