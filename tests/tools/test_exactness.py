"""What `bnnc verify` calls equal, a near-tie and wrong, on graphs whose reference is made up."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from bnnc.ir import F32, I32, I64, Array, Builder, Graph, Output, TensorType, Value, interpret
from bnnc.ir.ops import (
    Add,
    Binarize,
    Cast,
    Ceil,
    Const,
    Conv,
    Equal,
    Floor,
    Gemm,
    Less,
    LessEqual,
    Mul,
    Round,
    Sign,
    Sub,
    TopK,
    Where,
)
from bnnc.tools.verification.exactness import (
    EPSILON,
    Findings,
    Walk,
    layer_of,
    scale_of,
    signs_of,
    tolerance,
)

Steps = Callable[[Builder, Value], Value]
SCALE = 8.0
NEAR = 30 * EPSILON * SCALE
"""Within the bound of 64 ulp of the largest value."""
FAR = 1e-3


def const(rw: Builder, *numbers: float) -> Value:
    return rw.add(Const.of(np.asarray(numbers, np.float32)), "const")


def two_valued(rw: Builder, x: Value) -> Value:
    """u * sign(x - 1) + v, of which the reference shows only the sum."""
    sign = rw.add(Sign(rw.add(Sub(x, const(rw, 1.0)), "hidden")), "hidden")
    return rw.add(Add(rw.add(Mul(sign, const(rw, 0.75)), "hidden"), const(rw, 0.2)), "y")


def quantized(rw: Builder, x: Value) -> Value:
    """round(x / 0.5) * 0.5, of which the reference shows only the product."""
    scaled = rw.add(Mul(x, const(rw, 2.0)), "hidden")
    return rw.add(Mul(rw.add(Round(scaled), "hidden"), const(rw, 0.5)), "y")


def thresholds(rw: Builder, x: Value) -> Value:
    """The number of thresholds that x reaches."""
    masks = [rw.add(LessEqual(const(rw, t), x), "hidden") for t in (-1.0, 0.25, 1.0)]
    first, second, third = (rw.add(Cast(mask, F32), "hidden") for mask in masks)
    return rw.add(Add(rw.add(Add(first, second), "hidden"), third), "y")


def choice(rw: Builder, x: Value) -> Value:
    mask = rw.add(Less(x, const(rw, 1.0)), "hidden")
    return rw.add(Where(mask, const(rw, -3.0), const(rw, 3.0)), "y")


CASES: Mapping[str, tuple[float, Steps]] = {
    "sign": (0.0, lambda rw, x: rw.add(Sign(x, 1), "y")),
    "sign with 0 at 0": (0.0, lambda rw, x: rw.add(Sign(x), "y")),
    "round": (1.5, lambda rw, x: rw.add(Round(x), "y")),
    "floor": (2.0, lambda rw, x: rw.add(Floor(x), "y")),
    "ceil": (2.0, lambda rw, x: rw.add(Ceil(x), "y")),
    "cast": (2.0, lambda rw, x: rw.add(Cast(x, I32), "y")),
    "less": (1.0, lambda rw, x: rw.add(Less(x, const(rw, 1.0)), "y")),
    "equal": (1.0, lambda rw, x: rw.add(Equal(x, const(rw, 1.0)), "y")),
    "two-valued": (1.0, two_valued),
    "quantized": (0.25, quantized),
    "thresholds": (0.25, thresholds),
    "choice": (1.0, choice),
}


def build(steps: Steps) -> Graph:
    rw = Builder()
    x = Value("x", TensorType((4,), F32))
    y = steps(rw, x)
    return Graph("g", (x,), tuple(rw.nodes), (Output("y", y),))


def walk(graph: Graph, x: Array, seen: Mapping[str, Array]) -> Findings:
    findings = Findings()
    Walk(graph, {"x": x}, seen, findings)
    return findings


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("name", CASES)
def test_a_step_may_jump_within_the_bound(name: str, side: int) -> None:
    step, steps = CASES[name]
    graph = build(steps)
    mine = np.asarray([-SCALE, step, step, 3.2], np.float32)
    moved = mine.copy()
    moved[1] = np.float32(step + side * NEAR)
    seen = interpret(graph, {"x": moved})
    findings = walk(graph, mine, seen)
    assert findings.flips + findings.problems == []
    differs = not np.array_equal(seen["y"], interpret(graph, {"x": mine})["y"])
    assert [(tie.count, tie.size) for tie in findings.near_ties] == [(1, 4)] * differs


@pytest.mark.parametrize("name", CASES)
def test_a_jump_elsewhere_is_wrong(name: str) -> None:
    step, steps = CASES[name]
    graph = build(steps)
    for at in (step + FAR, step - FAR):
        mine = np.asarray([-SCALE, at, at, 3.2], np.float32)
        seen = interpret(graph, {"x": np.asarray([-SCALE, at, 2 * step - at, 3.2], np.float32)})
        if np.array_equal(seen["y"], interpret(graph, {"x": mine})["y"]):
            assert name == "equal"
            continue
        findings = walk(graph, mine, seen)
        assert findings.near_ties == []
        assert len(findings.flips) + len(findings.problems) == 1
        assert "1 of 4 elements of y differ" in (findings.flips + findings.problems)[0]


def test_what_the_reference_shows_is_gone_on_with() -> None:
    """One difference is reported once: the next node reads the reference's value."""
    graph = build(lambda rw, x: rw.add(Mul(rw.add(Sign(x, 1), "s"), const(rw, 100.0)), "y"))
    x = np.asarray([1e-9, 1, 2, -3], np.float32)
    findings = walk(
        graph, x, {"s": np.float32([-1, 1, 1, -1]), "y": np.float32([-100, 100, 100, -100])}
    )
    assert len(findings.near_ties) == 1
    assert findings.flips + findings.problems == []


def test_positions_of_equal_elements() -> None:
    graph = build(lambda rw, x: rw.add(TopK(x, 0), "y"))
    x = np.asarray([3, 5, 5 + NEAR / 4, -SCALE], np.float32)
    findings = walk(graph, x, {"y": np.asarray([1])})
    assert [tie.operator for tie in findings.near_ties] == ["top_k"]
    assert walk(graph, x, {"y": np.asarray([0])}).flips != []
    assert graph.outputs[0].value.element == I64


@pytest.mark.parametrize(("error", "wrong"), [(0.5, False), (3.0, True)])
def test_floats_keep_to_the_bound(error: float, wrong: bool) -> None:
    """2 sqrt(K) ulp of the largest result, whatever --rtol says."""
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((3, 4096)).astype(np.float32)
    rw = Builder()
    x = Value("x", TensorType((2, 4096), F32))
    y = rw.add(Gemm(x, rw.add(Const.of(weights), "w"), None), "y", ["the layer"])
    graph = Graph("g", (x,), tuple(rw.nodes), (Output("y", y),))
    given = rng.standard_normal((2, 4096)).astype(np.float32)
    seen = interpret(graph, {"x": given})["y"].copy()
    seen[0, 1] += np.float32(error * tolerance(4096) * scale_of(seen))
    findings = walk(graph, given, {"y": seen})
    assert tolerance(4096) == 128 * EPSILON
    assert bool(findings.problems) == wrong
    assert all(
        text.startswith("the layer: 1 of 6 elements of y differ") for text in findings.problems
    )


def test_one_count_off_is_wrong_in_the_largest_layers() -> None:
    """2 of 4608 products of signs times 0.03: far below an rtol of 0.001."""
    rng = np.random.default_rng(0)
    rw = Builder()
    x = Value("x", TensorType((1, 512, 3, 3), F32))
    weights = np.ones((1, 512, 3, 3), np.float32) * np.float32(0.03)
    w = rw.add(Const.of(weights), "w")
    y = rw.add(Conv(x, w, None, (1, 1), (1,) * 4, (1, 1)), "y")
    graph = Graph("g", (x,), tuple(rw.nodes), (Output("y", y),))
    given = np.where(rng.random((1, 512, 3, 3)) < 0.9, 1, -1).astype(np.float32)
    seen = interpret(graph, {"x": given})["y"].copy()
    seen[0, 0, 1, 1] += np.float32(2 * 0.03)
    assert len(walk(graph, given, {"y": seen}).problems) == 1


@pytest.mark.parametrize(("value", "near"), [(NEAR, True), (-NEAR, True), (FAR, False)])
def test_packed_signs_are_judged_by_the_reference(value: float, near: bool) -> None:
    """A sign whose operand the scheduled graph does not show: the recognised graph has it."""
    recognised = build(lambda rw, x: rw.add(Binarize(x, 1), "s", ["the sign"]))
    x = np.asarray([value, 1, SCALE, -3], np.float32)
    findings = Findings()
    before = signs_of(Walk(recognised, {"x": x}, {}, findings))
    # The same name, computed with the opposite result at the first element.
    mine = np.asarray([-value, 1, SCALE, -3], np.float32)
    later = Walk(recognised, {"x": mine}, {"s": (x >= 0).astype(np.uint8)}, findings, before)
    assert layer_of(recognised.nodes[0], recognised.nodes[0].result) == "the sign"
    assert later.values["s"].tolist() == (x >= 0).astype(np.uint8).tolist()
    expected = f"the sign (sign): 1 of 4, the reference's value {NEAR:.2g} from the step, "
    expected += f"bound {tolerance(1) * SCALE:.2g}"
    assert [str(tie) for tie in findings.near_ties] == [expected] * near
    assert len(findings.flips) == (not near)
