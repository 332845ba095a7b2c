"""Weights as integers: found whatever their scale, refused when one is off its step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_support import examples

from bnnc.ir import I8, SIGN, Bits, decode
from bnnc.passes.support.integer_weights import integer_weights


@st.composite
def quantized(draw: Any) -> tuple[Any, Any]:
    """Integers of 1 to 8 bits, odd ones among them, and one scale for each channel."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    bits = draw(st.integers(1, 8))
    half = 1 << (bits - 1)
    shape = (draw(st.integers(1, 5)), draw(st.integers(1, 40)))
    integers = rng.integers(-half, half, shape)
    if bits < 8 and draw(st.booleans()):
        integers = 2 * integers + 1  # DoReFa
    return integers, rng.uniform(1e-3, 10, shape[0]).astype(np.float32)


@given(quantized())
@examples(200)
def test_weights_are_their_integers_times_scale(case: tuple[Any, Any]) -> None:
    """Whatever common divisor the integers of a channel have."""
    integers, scale = case
    weights = (integers * scale.astype(np.float64)[:, None]).astype(np.float32)
    found = integer_weights(weights)
    assert found is not None
    again = found.integers * found.scale.astype(np.float64)[:, None]
    assert np.all(np.abs(again - weights) <= 1e-6 * np.abs(weights).max(1, keepdims=True))
    codes, element = found.coded()
    assert np.array_equal(decode(codes, element), found.integers)
    few = len(np.unique(found.integers)) <= 32
    assert isinstance(element, Bits) if few else element in (I8, SIGN)
    if found.exact:
        assert np.array_equal(again, weights)


def test_powers_of_two_are_exact() -> None:
    rng = np.random.default_rng(3)
    found = integer_weights((rng.integers(-128, 128, (4, 600)) * 0.125).astype(np.float32))
    assert found is not None
    assert found.exact
    assert np.array_equal(found.scale, np.full(4, 0.125, np.float32))


@pytest.mark.parametrize("off", [1.0001, 0.5, np.nan, np.inf])
def test_one_weight_off_its_step_keeps_all_float(off: float) -> None:
    weights = np.random.default_rng(1).integers(-7, 8, (3, 50)).astype(np.float32) / 3
    weights[1, 7] = 7 / 3
    assert integer_weights(weights) is not None
    weights[1, 8] = off * 7 / 3 if off != 0.5 else 7 / 3 * 0.501
    assert integer_weights(weights) is None


def test_more_than_a_byte_is_refused() -> None:
    steps = np.arange(-128, 128, dtype=np.float32)[None]
    assert integer_weights(steps) is not None
    assert integer_weights(-steps) is None
    assert integer_weights(np.append(steps, np.float32(200))[None]) is None


def test_channels_without_weights_are_zeros() -> None:
    found = integer_weights(np.array([[0, 0], [1, -1]], np.float32))
    assert found is not None
    assert np.array_equal(found.integers, [[0, 0], [1, -1]])
    assert found.coded()[1] == Bits((-2.0, -1.0, 0.0, 1.0))
