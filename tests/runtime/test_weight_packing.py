"""Bits in words and channels in lanes, element by element."""

from __future__ import annotations

import numpy as np
import pytest

from bnnc.runtime.weight_packing import in_lanes, in_words


@pytest.mark.parametrize("width", [8, 16, 32, 64])
@pytest.mark.parametrize("count", [1, 7, 8, 32, 33, 64, 65])
def test_bit_i_of_a_row_is_bit_i_of_its_words(width: int, count: int) -> None:
    bits = np.random.default_rng(count).integers(0, 2, (2, 3, count))
    words = in_words(bits, width)
    assert words.shape == (2, 3, -(-count // width))
    assert words.dtype == np.dtype(f"<u{width // 8}")
    for place in np.ndindex(2, 3):
        number = sum(int(word) << (i * width) for i, word in enumerate(words[place]))
        assert number == sum(int(bit) << i for i, bit in enumerate(bits[place]))


@pytest.mark.parametrize(
    ("outputs", "width", "groups"), [(5, 4, 1), (8, 4, 1), (6, 4, 2), (6, 8, 3)]
)
def test_each_channel_has_a_lane_of_a_block_of_its_group(
    outputs: int, width: int, groups: int
) -> None:
    rows = np.random.default_rng(width).integers(1, 9, (outputs, 2, 3)).astype(np.int16)
    blocks = in_lanes(rows, width, groups)
    assert blocks.dtype == rows.dtype
    per_group = outputs // groups
    each = -(-per_group // width)
    assert blocks.shape == (groups * each, 2, 3, width)
    expected = np.zeros_like(blocks)
    for channel in range(outputs):
        group, place = divmod(channel, per_group)
        expected[group * each + place // width, ..., place % width] = rows[channel]
    np.testing.assert_array_equal(blocks, expected)
