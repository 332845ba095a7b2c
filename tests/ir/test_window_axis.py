"""Taps inside the operand and border classes, against an enumeration of every tap."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from bnnc.errors import VerifyError
from bnnc.ir import TensorType, Value
from bnnc.ir.ops import AveragePool
from bnnc.ir.ops.window import Window
from bnnc.ir.ops.window_axis import WindowAxis, border_classes, joint, window_axes

SMALL = st.integers(1, 4)
PADS = st.integers(0, 9)
"""Larger than any kernel here."""


@st.composite
def windows(draw: st.DrawFn) -> tuple[Window, tuple[int, ...]]:
    """A window over up to three axes, and the operand's size."""
    rank = draw(st.integers(1, 3))
    size, kernel, strides, dilations = (
        tuple(draw(st.lists(SMALL, min_size=rank, max_size=rank))) for _ in range(4)
    )
    pads = tuple(draw(st.lists(PADS, min_size=2 * rank, max_size=2 * rank)))
    window = Window(kernel, strides, dilations, pads, draw(st.booleans()))
    try:
        outputs = window.output(size)
    except VerifyError:
        outputs = ()
    assume(outputs)
    return window, size


def is_inside(window: Window, size: tuple[int, ...], at: tuple[int, ...], tap: tuple[int, ...]):
    """By definition, for one output position and one tap."""
    return all(
        0 <= at[i] * window.strides[i] + tap[i] * window.dilations[i] - window.pads[i] < size[i]
        for i in range(len(size))
    )


@given(windows())
def test_taps_inside_along_all_axes(case: tuple[Window, tuple[int, ...]]) -> None:
    window, size = case
    axes = window_axes(window, size)
    outputs = window.output(size)
    inside = joint([axis.inside for axis in axes])
    assert inside.shape == (*outputs, *window.kernel)
    for at in np.ndindex(*outputs):
        for tap in np.ndindex(*window.kernel):
            assert inside[(*at, *tap)] == is_inside(window, size, at, tap)
    everywhere = itertools.product(np.ndindex(*outputs), np.ndindex(*window.kernel))
    assert any(axis.bordered for axis in axes) == any(
        not is_inside(window, size, at, tap) for at, tap in everywhere
    )
    assert any(axis.may_be_empty for axis in axes) == any(
        not any(is_inside(window, size, at, tap) for tap in np.ndindex(*window.kernel))
        for at in np.ndindex(*outputs)
    )


@given(windows())
def test_ranges_hold_the_taps_inside(case: tuple[Window, tuple[int, ...]]) -> None:
    for axis in window_axes(*case):
        assert len(axis.ranges) == axis.outputs
        for (first, end), inside in zip(axis.ranges, axis.inside, strict=True):
            assert 0 <= first <= end <= axis.taps
            assert np.flatnonzero(inside).tolist() == list(range(first, end))


@given(windows())
def test_positions_of_a_class_see_the_same_taps(case: tuple[Window, tuple[int, ...]]) -> None:
    for axis in window_axes(*case):
        taps, numbers = border_classes(axis.inside)
        assert (taps[numbers] == axis.inside).all()
        distinct = {tuple(row) for row in axis.inside.tolist()}
        assert [tuple(row) for row in taps.tolist()] == sorted(distinct)


@given(windows(), st.booleans())
def test_divisors_count_the_taps_of_each_window(
    case: tuple[Window, tuple[int, ...]], count_pads: bool
) -> None:
    window, sizes = case
    ends = window.pads[len(sizes) :]
    counts = np.zeros(window.output(sizes))
    for at in np.ndindex(counts.shape):
        for tap in np.ndindex(*window.kernel):
            places = [
                a * s + t * d - pad
                for a, s, t, d, pad in zip(
                    at, window.strides, tap, window.dilations, window.pads, strict=False
                )
            ]
            bounds = [
                size + (end if count_pads else 0) for size, end in zip(sizes, ends, strict=True)
            ]
            low = -99 if count_pads else 0
            counts[at] += all(low <= p < b for p, b in zip(places, bounds, strict=True))
    assert (average(window, sizes, count_pads).divisors() == counts).all()


def average(window: Window, sizes: tuple[int, ...], count_pads: bool = False) -> AveragePool:
    x = Value("x", TensorType((1, 1, *sizes)))
    form = (window.strides, window.pads, window.dilations, window.ceil_mode)
    return AveragePool(x, window.kernel, *form, count_pads=count_pads)


def test_a_large_window_is_not_counted_tap_by_tap() -> None:
    window = Window((500, 500), (1, 1), (1, 1), (400,) * 4)
    divisors = average(window, (600, 600)).divisors()
    assert divisors.shape == (901, 901)
    assert (divisors[0, 0], divisors[450, 450]) == (100 * 100, 500 * 500)


def test_a_window_that_steps_over_the_operand_sees_none_of_it() -> None:
    """Taps at -1 and 1 of an operand of one position; then all before it, then all after it."""
    axis = WindowAxis(size=1, outputs=1, taps=2, stride=1, dilation=2, pad=1)
    assert [axis.before(edge).tolist() for edge in (-1, 0, 1, 2)] == [[0], [1], [1], [2]]
    assert axis.may_be_empty
    assert axis.ranges == ((1, 1),)
    far = WindowAxis(size=2, outputs=3, taps=2, stride=4, dilation=1, pad=4)
    assert far.ranges == ((2, 2), (0, 2), (0, 0))


def test_no_axes_have_one_class() -> None:
    assert window_axes(Window((), (), (), ()), ()) == ()
    assert joint([]).shape == ()
    assert bool(joint([]))
