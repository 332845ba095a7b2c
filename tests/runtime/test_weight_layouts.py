"""How weights lie in the code: descriptions, sizes, and what no file may ask for. That the layouts
are what kernels read is shown by the tests of the kernels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnc.errors import ArtifactError
from bnnc.runtime import weight_layouts
from bnnc.runtime.weight_layouts import (
    Codewords,
    Differences,
    Fives,
    Majorities,
    Nibbles,
    Registers,
    WeightLayout,
    Words,
)

EXAMPLES: list[WeightLayout] = [
    Words(40, 70, 9, 1, 3, 16, 1),
    Words(64, 64, 4, 2, 1, 32, 1),
    Words(48, 48, 9, 48, 1, 16, 0),
    Registers(40, 70, 9),
    Registers(32, 64, 1),
    Nibbles(130, 33, 9, 64),
    Nibbles(16, 3, 1, 16),
    Majorities(7, 27, 4, 0),
    Majorities(7, 2, 1, 64),
    Majorities(5, 1152, 48, 16),
    Fives(7, 27, 4, 16),
    Fives(2, 2, 1, 32),
    Fives(5, 1152, 54, 32),
    Codewords(3, 10, 9, 2, 4, 8, 8, 3, (5, 77, 400, 0, 1, 0)),
    Codewords(2, 4, 49, 1, 4, 8, 8, 2, (1 << 40, (1 << 48) + 5, 0, 1)),
    *(Differences(4, 20, 9, 64, 8, part, (0, 1, 2, 0)) for part in range(3)),
]


@pytest.mark.parametrize("layout", EXAMPLES, ids=str)
def test_descriptions(layout: WeightLayout) -> None:
    name, sizes = weight_layouts.described(layout)
    assert weight_layouts.from_description(name, sizes, "f") == layout
    bits = np.random.default_rng(0).integers(0, 2, layout.shape).astype(np.uint8)
    array = layout.array(bits)
    if isinstance(layout, Differences):
        assert layout.nbytes / 64 <= array.nbytes <= layout.nbytes
    else:
        assert array.nbytes == layout.nbytes


@given(st.sampled_from(EXAMPLES), st.data())
def test_any_description_is_refused_or_makes_no_more_than_it_says(
    layout: WeightLayout, draw: st.DataObject
) -> None:
    name, sizes = weight_layouts.described(layout)
    place = draw.draw(st.integers(0, len(sizes) - 1))
    sizes[place] = draw.draw(st.integers(-1, 70) | st.sampled_from([1 << 20, 1 << 31, 1 << 62]))
    try:
        other = weight_layouts.from_description(name, sizes, "f")
    except ArtifactError:
        return
    if other.nbytes < 1 << 20 and other.shape[0] * other.shape[1] < 1 << 20:
        array = other.array(np.ones(other.shape, np.uint8))
        assert array.nbytes <= other.nbytes


@pytest.mark.parametrize(
    ("name", "sizes", "message"),
    [
        ("later", [1], "made by a newer bnnc .weights stored as 'later'.: upgrade"),
        ("words", [], "no weights can be stored as words"),
        ("words", [40, 70, 9, 1, 3, 16], "no weights"),
        ("words", [40, 70, 9, 3, 3, 16, 1], "no weights"),
        ("words", [1 << 20, 1 << 20, 9, 1 << 20, 1, 16, 0], "no weights"),
        ("nibbles", [130, 33, 9, 48], "no weights"),
        ("majorities", [7, 1, 4, 0], "no weights"),
        ("majorities", [7, 27, 4096, 64], "no weights"),
        ("fives", [7, 1, 4, 16], "no weights"),
        ("fives", [7, 27, 86, 32], "no weights"),
        ("fives", [7, 27, 4, 0], "no weights"),
        ("codewords", [3, 10, 9, 2, 4, 8, 8, 3, 5, 77, 512, 0, 1, 0], "no weights"),
        ("codewords", [3, 10, 9, 2, 4, 8, 8, 3, 5, 77, 400, 0, 1], "no weights"),
        ("differences", [4, 20, 9, 64, 8, 0, 0, 1, 2], "no weights"),
        ("differences", [4, 20, 9, 64, 8, 0, 0, 1, 2, 5], "no weights"),
        ("differences", [4, 20, 9, 64, 8, 3, 0, 1, 2, 0], "no weights"),
    ],
)
def test_refused(name: str, sizes: list[int], message: str) -> None:
    with pytest.raises(ArtifactError, match=f"^f: .*{message}"):
        weight_layouts.from_description(name, sizes, "f")
