"""Every operator states its traits, and is what it states: checked on its own reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from operator_examples import EXAMPLES

from bnnc.ir import BOOL, F32, Bits, Node, Op, Ternary, Value, ops, parse
from bnnc.ir.intervals import UNKNOWN, Interval
from bnnc.ir.ops import Cast, Div, Pad, Where
from bnnc.ir.traits import ANCHOR, MONOTONE, PASSES_ON, Trait

ROUNDS = 40


def example(kind: type[Op]) -> Node:
    """The node of an operator in its example."""
    graph = parse(EXAMPLES[kind.mnemonic()])
    return next(node for node in graph.nodes if isinstance(node.op, kind))


def of_trait(trait: Trait) -> list[type[Op]]:
    return [kind for kind in Op.REGISTRY.values() if kind.traits & trait]


def each(kinds: list[type[Op]]) -> Any:
    return pytest.mark.parametrize("kind", kinds, ids=[kind.mnemonic() for kind in kinds])


def array_for(value: Value, random: np.random.Generator) -> Any:
    """Random elements of a value's type, at N = 1."""
    shape, element = value.type.concrete(1), value.element
    if isinstance(element, Bits):
        return random.integers(0, len(element.values), shape).astype(np.uint8)
    if isinstance(element, Ternary):
        return random.integers(-1, 2, shape).astype(np.int8)
    if element.dtype.kind == "f":
        numbers = random.standard_normal(shape) * random.choice([0.3, 1, 4])
        return numbers.astype(element.dtype)
    if element.dtype.kind == "b":
        return random.integers(0, 2, shape).astype(bool)
    return random.integers(0, 2, shape).astype(element.dtype)


def arguments(op: Op, seed: int = 0) -> list[Any]:
    random = np.random.default_rng(seed)
    return [array_for(value, random) for value in op.operands]


def compute(op: Op, args: list[Any]) -> Any:
    with np.errstate(all="ignore"):
        out = op.reference(args, 1)
    return np.asarray(out[0] if isinstance(out, tuple) else out)


def moved_operands(op: Op) -> Iterator[tuple[list[Any], list[Any], int]]:
    """Operands, and the same with one of them moved up; and which."""
    random = np.random.default_rng(3)
    for seed in range(ROUNDS):
        args = arguments(op, seed)
        for at, array in enumerate(args):
            if array.dtype.kind == "f" and op.operands[at] in dict.fromkeys(op.operands):
                higher = list(args)
                by = np.abs(random.standard_normal(array.shape)) * random.choice([0.01, 1, 4])
                higher[at] = (array + by).astype(array.dtype)
                yield args, higher, at


def directions(op: Op) -> dict[int, set[str]]:
    """Whether results go up or down when an operand goes up, over all that was tried."""
    seen: dict[int, set[str]] = {}
    for args, higher, at in moved_operands(op):
        before, after = (compute(op, a).astype(np.float64) for a in (args, higher))
        known = ~(np.isnan(before) | np.isnan(after))
        slack = 1e-5 if Trait.APPROXIMATED in op.traits else 0
        change = (after - before)[known]
        if (change > slack).any():
            seen.setdefault(at, set()).add("up")
        if (change < -slack).any():
            seen.setdefault(at, set()).add("down")
    return seen


@each(list(Op.REGISTRY.values()))
def test_traits_are_stated(kind: type[Op]) -> None:
    assert "traits" in vars(kind), f"{kind.__name__} states no traits"


MEASURED = [kind for kind in of_trait(Trait.ELEMENTWISE) if example(kind).op.operands]


@each(MEASURED)
def test_monotone_operators_say_so(kind: type[Op]) -> None:
    """Elementwise operators of floats, in both directions: what is stated, and what is not."""
    op = example(kind).op
    seen = directions(op)
    everything = set[str]().union(*seen.values()) if seen else set[str]()
    if Trait.RISES in kind.traits:
        assert "down" not in everything
    elif Trait.FALLS in kind.traits:
        assert "up" not in everything
    elif not kind.traits & MONOTONE and seen and kind not in (Cast, ops.Equal, ops.Expand):
        assert everything == {"up", "down"}


@each([kind for kind in of_trait(MONOTONE) if Trait.TURNS in kind.traits])
def test_operators_that_turn_never_go_both_ways(kind: type[Op]) -> None:
    """With the other operands constant, each element goes one way only."""
    op = example(kind).op
    random = np.random.default_rng(5)
    for seed in range(ROUNDS):
        args = arguments(op, seed)
        for at, array in enumerate(args):
            if kind is Div and at == 1:
                continue
            if array.dtype.kind == "b":
                ladder = [np.zeros_like(array), np.ones_like(array)]
            else:
                ups = np.sort(random.standard_normal((6, *array.shape)), axis=0)
                ladder = list((array + ups).astype(array.dtype))
            results = [compute(op, [*args[:at], a, *args[at + 1 :]]) for a in ladder]
            change = np.diff(np.stack(results).astype(np.float64), axis=0)
            assert not ((change > 0).any(0) & (change < 0).any(0)).any()


@each(of_trait(PASSES_ON))
def test_results_are_elements_of_the_sources(kind: type[Op]) -> None:
    op = example(kind).op
    for seed in range(ROUNDS):
        args = arguments(op, seed)
        if kind in (ops.Gather, ops.GatherElements):
            args[1] = np.zeros_like(args[1])
        given = [a for v, a in zip(op.operands, args, strict=True) if v in op.sources]
        allowed = np.concatenate([a.reshape(-1) for a in given])
        border = [op.value] if isinstance(op, Pad) else []
        assert np.isin(compute(op, args), [*allowed.tolist(), *border]).all()


def test_places_of_moved_elements_do_not_depend_on_them() -> None:
    for kind in of_trait(Trait.MOVES):
        op = example(kind).op
        args = arguments(op)
        if kind in (ops.Gather, ops.GatherElements):
            args[1] = np.zeros_like(args[1])
        if isinstance(op, Pad) or args[0].dtype.kind != "f":
            continue
        assert np.array_equal(compute(op, [-a if a.dtype.kind == "f" else a for a in args]),
                              -compute(op, args))  # fmt: skip


@each(of_trait(Trait.NONEXPANSIVE | PASSES_ON))
def test_results_move_no_further_than_operands(kind: type[Op]) -> None:
    op = example(kind).op
    for args, higher, at in moved_operands(op):
        if op.operands[at] not in op.sources or kind is Where:
            continue
        before, after = (compute(op, a).astype(np.float64) for a in (args, higher))
        moved = np.abs(higher[at].astype(np.float64) - args[at]).max()
        assert np.abs(after - before).max() <= moved * (1 + 1e-5) + 1e-6


@each([kind for kind in Op.REGISTRY.values() if len(kind.operand_fields()) == 2])
def test_operands_that_change_places(kind: type[Op]) -> None:
    op = example(kind).op
    if not op.elementwise or op.operands[0].element != op.operands[1].element:
        assert Trait.COMMUTES not in kind.traits
        return
    same = True
    for seed in range(ROUNDS):
        args = arguments(op, seed)
        if args[0].dtype.kind == "f":
            zeros = np.random.default_rng(seed).integers(0, 3, args[0].shape)
            args[0] = np.where(zeros == 0, np.float32(0), args[0])
            args[1] = np.where(args[1] > 0, np.float32(-0.0), args[1])
        bits = [np.ascontiguousarray(compute(op, order)).tobytes() for order in (args, args[::-1])]
        same &= bits[0] == bits[1]
    assert same == (Trait.COMMUTES in kind.traits)


@each(of_trait(Trait.AFFINE))
def test_affine_operators_take_means_to_means(kind: type[Op]) -> None:
    op = example(kind).op
    for args, higher, at in moved_operands(op):
        if kind is Div and at == 1:
            continue
        middle = list(args)
        middle[at] = (args[at] + higher[at]) / 2
        ends = (compute(op, args) + compute(op, higher)) / 2
        np.testing.assert_allclose(compute(op, middle), ends, rtol=1e-4, atol=1e-4)


@each([kind for kind in Op.REGISTRY.values() if example(kind).op.operands])
def test_jumps_are_stated(kind: type[Op]) -> None:
    """Of random numbers, what jumps gives integers, truth values or codes; what does not, more."""
    op = example(kind).op
    if not any(v.element == F32 for v in op.operands):
        return
    results = [compute(op, arguments(op, seed)) for seed in range(ROUNDS)]
    numbers = np.concatenate([r.reshape(-1) for r in results]).astype(np.float64)
    numbers = numbers[np.isfinite(numbers)]
    assert op.jumps == bool(np.array_equal(numbers, np.rint(numbers)))


@each([kind for kind in Op.REGISTRY.values() if example(kind).op.operands])
def test_sums_are_stated(kind: type[Op]) -> None:
    assert (example(kind).op.terms() > 1) == (Trait.SUMS in kind.traits)


@each(of_trait(Trait.MULTIPLIES) + of_trait(Trait.AFFINE))
def test_zero_times_infinity_is_no_number(kind: type[Op]) -> None:
    op = example(kind).op
    if Trait.BITS in kind.traits:
        return

    def poisoned(args: list[Any]) -> bool:
        filled = [np.zeros_like(args[0]), *(np.full_like(a, np.inf) for a in args[1:])]
        if kind is Div:
            filled = [np.full_like(a, np.inf) for a in args]
        if kind is ops.PRelu:
            filled = [np.full_like(args[0], -np.inf), np.zeros_like(args[1])]
        return bool(np.isnan(compute(op, filled)).any())

    expected = Trait.MULTIPLIES in kind.traits
    assert poisoned(arguments(op)) == expected


@each([kind for kind in Op.REGISTRY.values() if example(kind).op.operands])
def test_elementwise_operators_look_at_one_position(kind: type[Op]) -> None:
    """Of the first operand one element is changed: what changes in the result is there alone for
    elementwise operators, and for others it is elsewhere, or other elements have a part in it."""
    op = example(kind).op
    x, result = op.operands[0], example(kind).results[0]
    if not op.elementwise:
        return
    for seed in range(ROUNDS):
        args = arguments(op, seed)
        if args[0].dtype.kind not in "fi":
            return
        at = tuple(int(i) for i in np.random.default_rng(seed).integers(0, args[0].shape))
        changed = args[0].copy()
        changed[at] = args[0][at] * -3 - 1
        before, after = compute(op, args), compute(op, [changed, *args[1:]])
        different = (before != after) & ((before == before) | (after == after))
        place = np.zeros(x.type.concrete(1), bool)
        place[at] = True
        shared = np.broadcast_to(place, result.type.concrete(1))
        assert not (different & ~shared).any()


@each(of_trait(Trait.WINDOW | Trait.AXISWISE | Trait.REDUCES | Trait.PRODUCT))
def test_shapes_are_those_of_the_trait(kind: type[Op]) -> None:
    op, (result, *_) = example(kind).op, example(kind).results
    x = op.operands[0].shape
    if Trait.WINDOW in kind.traits:
        assert result.shape[0] == x[0]
        assert op.window.output(x[2:]) == result.shape[2:]  # type: ignore[attr-defined]
    if Trait.AXISWISE in kind.traits:
        assert len(result.shape) == len(x)
    if Trait.REDUCES in kind.traits:
        sizes = [x[axis] for axis in op.axes]  # type: ignore[attr-defined]
        elements = op.operands[0].type.elements_per_sample()
        assert result.type.elements_per_sample() * math.prod(sizes) == elements
    if Trait.PRODUCT in kind.traits:
        assert result.shape[1] == op.w.shape[0]  # type: ignore[attr-defined]


@each(list(Op.REGISTRY.values()))
def test_bits_are_where_they_are_stated(kind: type[Op]) -> None:
    """Operators that move, and max pools, take bits as they take everything."""
    node = example(kind)
    packed = any(v.type.is_binary for v in (*node.op.operands, *node.results))
    assert packed == (Trait.BITS in kind.traits) or kind is ops.Const


@each([kind for kind in of_trait(Trait.ELEMENTWISE) if len(kind.operand_fields()) == 1])
def test_functions_without_a_value_somewhere_are_stated(kind: type[Op]) -> None:
    op = example(kind).op
    if op.operands[0].element != F32:
        assert Trait.PARTIAL not in kind.traits
        return
    missing = [np.isnan(compute(op, arguments(op, seed)).astype(np.float32)) for seed in range(99)]
    assert bool(np.any(missing)) == (Trait.PARTIAL in kind.traits)


def test_the_sign_of_what_is_no_number() -> None:
    """A number, which what follows may rely on: -1, and never 0 where 0 has a sign."""
    (x,) = example(ops.Sign).op.operands
    bounds = ops.Sign(x, 1).interval([Interval.of(0, np.inf, nan=True)])
    assert (bounds.low, bounds.high, bounds.least, bounds.nan) == (-1, 1, 1, False)
    assert ops.Sign(x, 0).interval([Interval.of(-2, 3)]).least == 0
    assert ops.Sign(x, 0).interval([Interval.of(-2, 3, 0.5)]).least == 1


def test_truth_values_of_cells_and_of_all() -> None:
    (a, b) = example(ops.And).op.operands
    cells = Interval.of([0, 0, 1], [0, 1, 1])
    assert ops.And(a, b).interval([cells, Interval.of(1, 1)]).low.tolist() == [0, 0, 1]
    assert ops.Or(a, b).interval([Interval.of(0, 0), cells]).high.tolist() == [0, 1, 1]


def test_anchors_are_no_elementwise_operators() -> None:
    assert of_trait(ANCHOR)
    assert not [kind for kind in of_trait(ANCHOR) if Trait.ELEMENTWISE in kind.traits]


def test_jumps_of_a_cast_depend_on_its_type() -> None:
    x = Value("x", example(ops.Relu).op.operands[0].type)
    assert Cast(x, BOOL).jumps
    assert not Cast(x, F32).jumps


# --- intervals ---------------------------------------------------------------------------------


def intervals_of(
    random: np.random.Generator, shape: tuple[int, ...], truth: bool
) -> tuple[Interval, Callable[[], Any]]:
    """A random interval, and what draws arrays out of it."""
    if truth:
        low, high = sorted(random.integers(0, 2, 2))
        return Interval.of(low, high), lambda: random.integers(low, high + 1, shape).astype(bool)
    pool = np.array([-np.inf, -30, -2.5, -1, -0.5, -1e-30, 0, 0, 1e-30, 0.5, 1, 2.5, 30, np.inf])
    low, high = np.sort(random.choice(pool, 2)).astype(np.float32)
    if low == high and np.isinf(low):
        low, high = np.float32(-1), np.float32(1)
    finite = [np.clip(end, -1e4, 1e4) for end in (low, high)]
    least = np.float32(random.choice([0, 0, 0.25]))
    if least > max(abs(finite[0]), abs(finite[1])):
        least = np.float32(0)

    def draw() -> Any:
        numbers = random.uniform(*finite, shape).astype(np.float32)
        ends = random.integers(0, 4, shape)
        numbers = np.where(ends == 0, low, np.where(ends == 1, high, numbers))
        sides = [end for end in (low, high) if abs(end) >= least]
        return np.where(np.abs(numbers) < least, random.choice(sides), numbers).astype(np.float32)

    return Interval.of(low, high, least), draw


@each(
    [
        kind
        for kind in Op.REGISTRY.values()
        if example(kind).op.operands
        and example(kind).results[0].element in (F32, BOOL)
        and kind is not ops.Fused
    ]
)
@pytest.mark.parametrize("seed", range(30))
def test_intervals_hold(kind: type[Op], seed: int) -> None:
    """Whatever the operands are in their intervals, results are in theirs, or not-a-number where
    the interval says that they may be."""
    op = example(kind).op
    random = np.random.default_rng(seed)
    bounds: list[Interval] = []
    draws: list[Callable[[], Any]] = []
    for value in op.operands:
        shape = value.type.concrete(1)
        if value.element in (F32, BOOL):
            interval, draw = intervals_of(random, shape, value.element == BOOL)
        else:
            interval, draw = UNKNOWN, lambda v=value: array_for(v, random)
        if kind in (ops.Gather, ops.GatherElements) and value is op.operands[1]:
            draw = lambda s=shape: np.zeros(s, np.int64)  # noqa: E731
        bounds.append(interval)
        draws.append(draw)
    enclosure = op.interval(bounds)
    for _ in range(8):
        out = compute(op, [draw() for draw in draws]).astype(np.float32)
        number = ~np.isnan(out)
        assert enclosure.nan or number.all()
        assert (out[number] >= enclosure.low).all()
        assert (out[number] <= enclosure.high).all()
        assert (np.abs(out[number]) >= enclosure.least).all()
