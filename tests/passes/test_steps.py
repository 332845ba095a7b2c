"""Step functions: what is recognised gives the function's own value at every float32 number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from bnnc.ir import BOOL, F32, I64, Batch, Builder, Graph, TensorType, Value
from bnnc.ir.ops import (
    Abs,
    Add,
    And,
    Cast,
    Ceil,
    Clip,
    Const,
    Div,
    Equal,
    Floor,
    Less,
    LessEqual,
    Max,
    Min,
    Mul,
    Neg,
    Not,
    PRelu,
    Relu,
    Round,
    Sign,
    Sub,
    Where,
)
from bnnc.passes.steps import Step, Steps

X = Value("x", TensorType((Batch(), 3, 1)))
Build = Callable[[Builder, Any], Value]


def find_step(rw: Builder, value: Value) -> Step | None:
    return Steps(Graph("g", (X,), tuple(rw.nodes), ())).find(value)


def const(rw: Builder, value: Any, element: Any = F32) -> Value:
    return rw.add(Const.of(np.asarray(value, element.dtype)), "c")


def numbers(step: Step) -> Any:
    """Every kind of float32, and the neighbours of the thresholds: [P, 3, 1]."""
    generator = np.random.default_rng(5)
    patterns = generator.integers(0, 2**32, 4000, dtype=np.uint32).view(np.float32)
    special = np.array([0, -0.0, np.inf, -np.inf, 1e-45, -1e-45, 3.4e38, -3.4e38], np.float32)
    small = generator.normal(size=2000).astype(np.float32) * 3
    near = [step.threshold]
    for _ in range(3):
        near = [np.nextafter(near[0], np.float32(-np.inf)), *near]
        near = [*near, np.nextafter(near[-1], np.float32(np.inf))]
    ties = np.arange(-40, 40, dtype=np.float32) / 8
    flat = np.concatenate([patterns[~np.isnan(patterns)], special, small, *near, ties])
    return np.repeat(flat.astype(np.float32).reshape(-1, 1, 1), 3, axis=1)


def evaluate(rw: Builder, value: Value, source: Value, x: Any) -> Any:
    env: dict[Value, Any] = {source: x}
    for node in rw.nodes:
        if all(v in env for v in node.op.operands):
            with np.errstate(all="ignore"):
                env[node.result] = np.asarray(
                    node.op.reference([env[v] for v in node.op.operands], len(x))
                )
    return np.broadcast_to(env[value], x.shape)


def check(rw: Builder, value: Value, step: Step) -> None:
    """The table at the sign of x - threshold is the value, for every number."""
    x = numbers(step)
    with np.errstate(invalid="ignore"):
        above = x - step.threshold.reshape(1, -1, 1)
    sign = np.where(above == 0, step.zero, np.sign(above)).astype(int)
    table = np.broadcast_to(step.table, (3, 3))
    got = np.take_along_axis(
        table[:, :, None], sign.reshape(1, -1)[..., None].reshape(-1, 3, 1) + 1, 0
    )
    np.testing.assert_array_equal(got, evaluate(rw, value, step.x, x))


def mask(rw: Builder, x: Value, low: float = 0) -> Value:
    """x > low as 0 and 1."""
    return rw.add(Cast(rw.add(Less(const(rw, low), x), "m"), F32), "f")


def assigned(rw: Builder, x: Any) -> Value:
    """y[y >= 0] = 1; y[y < 0] = -1."""
    above = rw.add(LessEqual(const(rw, 0), x), "m")
    y = rw.add(Where(above, const(rw, 1), x), "y")
    return rw.add(Where(rw.add(Less(y, const(rw, 0)), "m"), const(rw, -1), y), "z")


def elastic(rw: Builder, x: Any) -> Value:
    """BiT: clip(round(x / a), 0, 1) * a, a per channel."""
    a = const(rw, np.array([0.3, 0.7, 5]).reshape(1, 3, 1))
    rounded = rw.add(Round(rw.add(Div(x, a), "d")), "r")
    return rw.add(Mul(rw.add(Clip(rounded, 0, 1), "k"), a), "y")


def dorefa(rw: Builder, x: Any) -> Value:
    return rw.add(Round(rw.add(Clip(x, 0, 1), "k")), "y")


def floored(rw: Builder, x: Any) -> Value:
    half = rw.add(Div(rw.add(Add(x, const(rw, 1)), "p"), const(rw, 2)), "h")
    moved = rw.add(Add(rw.add(Clip(half, 0, 1), "k"), const(rw, 0.5)), "q")
    return rw.add(Sub(rw.add(Mul(rw.add(Floor(moved), "f"), const(rw, 2)), "t"), const(rw, 1)), "y")


def two_masks(rw: Builder, x: Any) -> Value:
    """(x > 0) - (x < 0): the sign with 0 at 0."""
    negative = rw.add(Neg(x), "n")
    return rw.add(Sub(mask(rw, x), mask(rw, negative)), "y")


def doubled(rw: Builder, x: Any) -> Value:
    below = rw.add(Not(rw.add(LessEqual(const(rw, 0.1), x), "m")), "n")
    return rw.add(Where(below, const(rw, -0.25), const(rw, [[0.5], [0.5], [0.75]])), "y")


def of_relu(rw: Builder, x: Any) -> Value:
    return rw.add(Sign(rw.add(Relu(x), "r"), 0), "y")


def falling(rw: Builder, x: Any) -> Value:
    return rw.add(Sub(const(rw, 1), mask(rw, x, 0.3)), "y")


def repaired(rw: Builder, x: Any) -> Value:
    sign = rw.add(Sign(x, 0), "s")
    zero = rw.add(Cast(rw.add(Equal(x, const(rw, 0)), "e"), F32), "z")
    return rw.add(Sub(sign, zero), "y")


def in_integers(rw: Builder, x: Any) -> Value:
    above = rw.add(LessEqual(const(rw, 0), x), "m")
    chosen = rw.add(Where(above, const(rw, 1, I64), const(rw, -1, I64)), "i")
    return rw.add(Cast(chosen, F32), "y")


def bounded(rw: Builder, x: Any) -> Value:
    """min(max(round(leaky(x) * -2), 0), 1)."""
    leaky = rw.add(PRelu(x, const(rw, 0.25)), "l")
    rounded = rw.add(Ceil(rw.add(Mul(leaky, const(rw, -2)), "d")), "c")
    return rw.add(Min(rw.add(Max(rounded, const(rw, 0)), "m"), const(rw, 1)), "y")


FORMS = [
    mask,
    assigned,
    elastic,
    dorefa,
    floored,
    two_masks,
    doubled,
    of_relu,
    falling,
    repaired,
    in_integers,
    bounded,
]


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.__name__)
def test_forms(form: Any) -> None:
    rw = Builder()
    value = form(rw, X)
    step = find_step(rw, value)
    assert step is not None
    assert step.x == X
    check(rw, value, step)


def three_levels(rw: Builder, x: Any) -> Value:
    return rw.add(Clip(rw.add(Round(x), "r"), 0, 2), "y")


def window(rw: Builder, x: Any) -> Value:
    """1 between two thresholds."""
    inside = rw.add(
        And(rw.add(Less(x, const(rw, 1)), "a"), rw.add(Less(const(rw, 0), x), "b")), "c"
    )
    return rw.add(Cast(inside, F32), "y")


def soft(rw: Builder, x: Any) -> Value:
    return rw.add(Where(rw.add(Less(x, const(rw, 0)), "m"), const(rw, 0), x), "y")


def not_monotone(rw: Builder, x: Any) -> Value:
    return mask(rw, rw.add(Mul(x, x), "q"), 1)


def never(rw: Builder, x: Any) -> Value:
    return rw.add(Round(rw.add(Clip(x, 0, 0.25), "k")), "y")


def dead_channel(rw: Builder, x: Any) -> Value:
    low = const(rw, np.array([0, np.inf, 1]).reshape(3, 1))
    return rw.add(Cast(rw.add(Less(low, x), "m"), F32), "y")


@pytest.mark.parametrize(
    "form", [three_levels, window, soft, never, dead_channel], ids=lambda f: f.__name__
)
def test_no_step(form: Any) -> None:
    rw = Builder()
    assert find_step(rw, form(rw, X)) is None


def test_what_is_not_monotone_is_a_source() -> None:
    rw = Builder()
    value = mask(rw, rw.add(Abs(X), "q"), 1)
    step = find_step(rw, value)
    assert step is not None
    assert step.x != X
    check(rw, value, step)


@given(st.data())
@settings(max_examples=300, suppress_health_check=list(HealthCheck), deadline=None)
def test_random_chains(data: Any) -> None:
    """Whatever a random chain is taken for, it is that at every number."""
    rw = Builder()

    def number() -> Value:
        table = (0, 1, -1, 0.5, 0.1, -0.7, 2, 3.3, -2.5, 1e-3)
        if data.draw(st.booleans()):
            return const(rw, data.draw(st.sampled_from(table)))
        picks = [data.draw(st.sampled_from(table)) for _ in range(3)]
        return const(rw, np.array(picks).reshape(3, 1))

    def grow(v: Value, older: list[Value]) -> Value:
        floats: list[Callable[[], Any]] = [
            lambda: Add(v, number()), lambda: Sub(number(), v), lambda: Mul(v, number()),
            lambda: Div(v, number()), lambda: Neg(v), lambda: Relu(v), lambda: Max(number(), v),
            lambda: Min(v, number()), lambda: PRelu(v, number()), lambda: Round(v),
            lambda: Clip(v, *data.draw(st.sampled_from([(0, 1), (-1, 1), (0, 0.7)]))),
            lambda: Floor(v), lambda: Ceil(v), lambda: Sign(v, data.draw(st.integers(-1, 1))),
            lambda: Less(v, number()), lambda: LessEqual(number(), v), lambda: Equal(v, number()),
            lambda: Sub(v, data.draw(st.sampled_from(older))),
            lambda: Mul(data.draw(st.sampled_from(older)), v),
        ]  # fmt: skip
        op = data.draw(st.sampled_from(floats))()
        out = rw.add(op, "v")
        if out.element != BOOL:
            return out
        if data.draw(st.booleans()):
            return rw.add(Cast(out, F32), "v")
        sides = [data.draw(st.sampled_from((v, *older))), number()]
        return rw.add(Where(out, *(sides if data.draw(st.booleans()) else sides[::-1])), "v")

    values = [X]
    for _ in range(data.draw(st.integers(2, 6))):
        values.append(grow(values[-1], values))
    assume(values[-1].shape == X.shape)
    step = find_step(rw, values[-1])
    event("step" if step else "no step")
    if step is not None:
        check(rw, values[-1], step)
