"""Straight-through estimators: the forms that are read as their binarizer, exact in every bit, and
those whose float32 result differs from it somewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from frontend_support import model, node, op_names, run_reference
from onnx import TensorProto

from bnnc import ir
from bnnc.driver import recognised
from bnnc.frontend import Imported, importer, load_model

CHANNELS = 64


class Drawing:
    """Nodes under construction; numbers become constants."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def __call__(self, op: str, *operands: Any, **attributes: Any) -> str:
        names = [o if isinstance(o, str) else self.constant(o) for o in operands]
        name = f"t{len(self.nodes)}"
        self.nodes.append(node(op, names, [name], **attributes))
        return name

    def constant(self, number: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(number, np.float32)
        return name

    def clip(self, x: str, low: float = -1, high: float = 1) -> str:
        return self("Clip", x, low, high)

    def residue(self, q: str, p: str) -> str:
        return self("Add", self("Sub", q, p), p)


Form = Callable[[Drawing, str], str]


def temperature(t: Any, clips: bool) -> Form:
    """BNext's HardSign: Sign(Clip(x / t)) - Clip(x) + Clip(x)."""

    def form(d: Drawing, x: str) -> str:
        scaled = d("Div", x, t)
        return d.residue(d("Sign", d.clip(scaled) if clips else scaled), d.clip(x))

    return form


def estimator(p: Callable[[Drawing, str], str]) -> Form:
    """Sign(x) - p(x) + p(x)."""
    return lambda d, x: d.residue(d("Sign", x), p(d, x))


def arranged(last: Callable[[Drawing, str, str], str]) -> Form:
    """Another order of the sum of Sign(x), p and -p."""
    return lambda d, x: last(d, d("Sign", x), d.clip(x))


def no_residue(d: Drawing, x: str, p: str) -> str:
    """Sign(x) + (p - p)."""
    return d("Add", d("Sign", x), d("Sub", p, p))


def rounded(scale: float, levels: int) -> Form:
    """Round(Clip(x / scale, 0, levels)) * scale, all of it around the clipped x."""

    def form(d: Drawing, x: str) -> str:
        q = d("Mul", d("Round", d.clip(d("Div", x, scale), 0, levels)), scale)
        return d.residue(q, d.clip(x, 0, float(np.float32(scale * levels))))

    return form


def around_rounding(clipped: Callable[[Drawing, str], str]) -> Form:
    """Round(c) - c + c."""

    def form(d: Drawing, x: str) -> str:
        c = clipped(d, x)
        return d.residue(d("Round", c), c)

    return form


def dorefa(d: Drawing, x: str) -> str:
    """2 * (Round(c) - c + c) - 1 for c = (Clip(x) + 1) / 2."""
    c = d("Mul", d("Add", d.clip(x), 1), 0.5)
    return d("Sub", d("Mul", d.residue(d("Round", c), c), 2), 1)


def cubed(d: Drawing, x: str) -> str:
    """(3 c - c^3) / 2 for c = Clip(x)."""
    c = d.clip(x)
    cube = d("Mul", d("Mul", c, c), c)
    return d("Mul", d("Sub", d("Mul", c, 3), cube), 0.5)


def by_choice(d: Drawing, x: str) -> str:
    """Hardtanh as a choice."""
    inside = d("LessOrEqual", d("Abs", x), 1)
    return d("Where", inside, x, d("Sign", x))


def mask(d: Drawing, x: str) -> str:
    return d("Cast", d("Greater", x, 0), to=TensorProto.FLOAT)


EXACT: dict[str, Form] = {
    "divided by one": temperature(1, False),
    "temperature": temperature(0.1, False),
    "temperature, clip": temperature(0.1, True),
    "small temperature": temperature(1e-8, True),
    "large temperature": temperature(1e6, True),
    "temperature per channel": temperature(np.linspace(0.1, 3, CHANNELS), True),
    "clip in front": lambda d, x: d.residue(d("Sign", d.clip(x)), d.clip(x)),
    "other clip in front": lambda d, x: d.residue(d("Sign", d.clip(x, -3, 3)), d.clip(x)),
    "shifted": lambda d, x: d.residue(d("Sign", d("Sub", x, 0.3)), d.clip(d("Sub", x, 0.3))),
    "tanh": estimator(lambda d, x: d("Tanh", d("Mul", x, 3))),
    "clip of a product": estimator(lambda d, x: d.clip(d("Mul", x, 1.7))),
    "soft step": estimator(lambda d, x: d("Div", x, d("Add", d("Abs", x), 1))),
    "parabola": estimator(
        lambda d, x: d("Mul", d.clip(x), d("Sub", 2, d("Abs", d.clip(x))))
    ),
    "cubic": estimator(cubed),
    "hardtanh by choice": estimator(by_choice),
    "clip by minimum and maximum": estimator(lambda d, x: d("Min", d("Max", x, -1), 1)),
    "leaky": estimator(lambda d, x: d("Mul", d.clip(x), 0.01)),
    "p - p first": arranged(lambda d, s, p: d("Add", d("Sub", p, p), s)),
    "p - p last": arranged(lambda d, s, p: d("Add", s, d("Sub", p, p))),
    "p + (s - p)": arranged(lambda d, s, p: d("Add", p, d("Sub", s, p))),
    "p - (p - s)": arranged(lambda d, s, p: d("Sub", p, d("Sub", p, s))),
    "p + -(p - s)": arranged(lambda d, s, p: d("Add", p, d("Neg", d("Sub", p, s)))),
    "(s + -p) + p": arranged(lambda d, s, p: d("Add", d("Add", s, d("Neg", p)), p)),
    "(-p + s) - -p": arranged(
        lambda d, s, p: d("Sub", d("Add", d("Neg", p), s), d("Neg", p))
    ),
    "clip of the sign": lambda d, x: d.residue(d.clip(d("Sign", x)), d.clip(x)),
    "mask": lambda d, x: d.residue(mask(d, x), d.clip(x, 0, 1)),
    "choice": lambda d, x: d.residue(d("Where", d("GreaterOrEqual", x, 0), 1, -1), d.clip(x)),
    "half a sign": lambda d, x: d.residue(d("Mul", d("Sign", x), 0.5), d.clip(x)),
    "rounded to a bit": around_rounding(lambda d, x: d.clip(x, 0, 1)),
    "rounded sigmoid": around_rounding(lambda d, x: d("Sigmoid", x)),
    "rounded to 0 and 0.3": rounded(0.3, 1),
    "dorefa": dorefa,
}  # fmt: skip
"""Forms whose layer is on bits."""

LEVELS: dict[str, Form] = {
    "rounded to four levels": around_rounding(lambda d, x: d.clip(x, 0, 3)),
    "rounded to levels of both signs": around_rounding(lambda d, x: d.clip(x, -2, 1)),
}
"""Forms that lose their residue and have more than two values."""

INEXACT: dict[str, Form] = {
    "sum first": arranged(lambda d, s, p: d("Sub", d("Add", s, p), p)),
    "threshold outside of p's zero": lambda d, x: d.residue(d("Sign", d("Sub", x, 0.3)), d.clip(x)),
    "scaled sign": lambda d, x: d.residue(d("Mul", d("Sign", x), 0.37), d.clip(x)),
    "wrong sign": estimator(lambda d, x: d("Neg", d.clip(x))),
    "far above": estimator(lambda d, x: d.clip(d("Mul", x, 3), -3e7, 3e7)),
    "infinity minus infinity": lambda d, x: no_residue(d, x, d("Exp", x)),
    "infinite at zero": lambda d, x: no_residue(d, x, d("Div", 1, x)),
    "no number below zero": lambda d, x: no_residue(d, x, d("Sqrt", x)),
}  # fmt: skip


def imported(form: Form, layer: bool) -> tuple[Any, Imported]:
    """A model of one form, with a binary layer behind it or as it is."""
    d = Drawing()
    d("Identity", form(d, "x"))
    outputs = {d.nodes[-1].output[0]: ["N", CHANNELS]}
    if layer:
        w = np.where(np.random.default_rng(0).random((CHANNELS, 8)) < 0.5, -1, 1)
        outputs = {d("MatMul", d.nodes[-1].output[0], w): ["N", 8]}
    proto = model(d.nodes, {"x": ["N", CHANNELS]}, outputs, d.constants)
    return proto, load_model(proto)


def samples() -> Any:
    """Numbers of every magnitude up to 1e19, and the neighbours of those where the forms jump."""
    generator = np.random.default_rng(0)
    exponents = generator.uniform(-149, 63, (400, CHANNELS))
    wide = np.exp2(exponents) * generator.choice([-1, 1], exponents.shape)
    jumps = np.array([0, 0.1, 0.15, 0.3, 0.5, 1, 1.5, 2, 2.5, 3, 1e-8, 1e6, 1e-38], np.float32)
    near = np.concatenate([jumps, -jumps])
    for side in (-np.inf, np.inf):
        near = np.concatenate([near, np.nextafter(near, np.float32(side))])
    repeated = np.resize(near, (8, CHANNELS))
    narrow = generator.uniform(-4, 4, (100, CHANNELS))
    return np.concatenate([wide, repeated, narrow]).astype(np.float32)


@pytest.mark.parametrize("name", [*EXACT, *LEVELS])
def test_exact_in_every_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    proto, new = imported((EXACT | LEVELS)[name], layer=False)
    monkeypatch.setattr(importer, "normalise", lambda graph, notes: graph)
    old = load_model(proto).graph
    assert len(op_names(new.graph)) < len(op_names(old))
    assert not new.notes
    x = samples()
    (before,), (after,) = (ir.interpret(g, {"x": x}).values() for g in (old, new.graph))
    assert np.array_equal(before, after)
    if name != "rounded sigmoid":  # Another sigmoid differs within its error of the jump.
        (reference,) = run_reference(proto, {"x": x}).values()
        assert np.array_equal(after, reference)


@pytest.mark.parametrize("name", EXACT)
def test_the_layer_behind_it_is_on_bits(name: str) -> None:
    _, new = imported(EXACT[name], layer=True)
    (verdict,) = recognised(new.graph)
    assert verdict.binarized, verdict.reason


@pytest.mark.parametrize("name", INEXACT)
def test_what_rounds_stays_and_is_noted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    proto, new = imported(INEXACT[name], layer=True)
    (verdict,) = recognised(new.graph)
    assert not verdict.binarized
    (note,) = new.notes
    assert "rounds, so it is kept in floats" in note
    monkeypatch.setattr(importer, "normalise", lambda graph, notes: graph)
    old = load_model(proto).graph
    assert op_names(old) == op_names(new.graph)
