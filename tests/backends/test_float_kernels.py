"""Float convolutions and products within 2 sqrt(K) ulp of a float64 sum of the same products."""

from __future__ import annotations

import math

import numpy as np
import pytest
from float_cases import Conv, gemm
from kernel_cases import TARGETS, Cases, asked_for, per_case

CONVS = {
    "stem": Conv(3, 40, (15, 17), (7, 7), (2, 2), (3, 3, 3, 3), layout="row"),
    "grey": Conv(1, 16, (9, 9), (5, 5), pads=(2, 2, 2, 2), bias=False),
    "c33": Conv(33, 65),
    "c64": Conv(64, 64, (3, 20), result="row"),
    "strided": Conv(16, 100, strides=(2, 2), pads=(0, 1, 1, 2)),
    "pointwise": Conv(40, 24, kernel=(1, 1), pads=(0, 0, 0, 0)),
    "far_padding": Conv(20, 32, (4, 15), pads=(1, 4, 1, 4)),
    "far_taps": Conv(3, 24, (2, 60), (1, 3), pads=(0, 150, 0, 140), dilations=(1, 65)),
    "wide": Conv(2, 24, (3, 17), (1, 9), pads=(0, 4, 0, 4)),
    "dilated": Conv(16, 32, (9, 7), dilations=(2, 3), pads=(2, 3, 2, 3)),
    "one_column": Conv(16, 32, (7, 1), (3, 1), pads=(1, 0, 1, 0)),
    "line": Conv(12, 20, (30,), (5,), (2,), (2, 2), (1,)),
    "pixel": Conv(64, 32, (3, 3), pads=(0, 0, 0, 0)),
    "halves": Conv(32, 64, groups=2),
    "halves_odd": Conv(10, 50, groups=2),
    "thirds_row": Conv(12, 6, groups=3, layout="row"),
    "depthwise": Conv(70, 70, groups=70),
    "depthwise_five": Conv(24, 24, (8, 11), (5, 5), pads=(2, 2, 2, 2), groups=24),
    "depthwise_strided": Conv(64, 64, (9, 25), strides=(2, 2), pads=(0, 0, 0, 0), groups=64),
    "depthwise_dilated": Conv(40, 40, (6, 14), pads=(1, 6, 1, 6), dilations=(1, 3), groups=40),
    "depthwise_far_apart": Conv(16, 16, (3, 14), (3, 9), pads=(1, 4, 1, 4), groups=16),
    "depthwise_line": Conv(33, 33, (21,), (4,), (2,), (1, 2), (1,), groups=33),
    "depthwise_row": Conv(20, 20, strides=(2, 2), groups=20, layout="row"),
    "multiplier": Conv(8, 32, groups=8),
    "codes": Conv(33, 65, weights="bits<2;-0.7,0,0.3,0.7>"),
    "codes_depthwise": Conv(70, 70, groups=70, weights="bits<1;-1,1>"),
}
CASES = {name: conv.text() for name, conv in CONVS.items()} | {
    "gemm": gemm(100, 33),
    "gemm_small": gemm(5, 3),
    "gemm_large": gemm(1024, 70),
    "gemm_stripes": gemm(513, 640),
    "gemm_codes": gemm(513, 70, "bits<1;-0.1,0.3>"),
}
TERMS = {name: conv.terms for name, conv in CONVS.items()} | {
    "gemm": 101,
    "gemm_small": 6,
    "gemm_large": 1025,
    "gemm_stripes": 514,
    "gemm_codes": 514,
}


@pytest.fixture(scope="module", params=TARGETS)
def cases(request: pytest.FixtureRequest) -> Cases:
    return Cases(asked_for(request, CASES), *request.param)


@pytest.mark.sampled(per=per_case(CASES))
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("batch", "pieces"), [(1, 0), (7, 3)])
def test_float_products(cases: Cases, name: str, batch: int, pieces: int) -> None:
    """The unit is the last place of the largest sum: all terms are of order one."""
    (expected, got), *signs = cases.pairs(name, batch, pieces)
    bound = 2 * math.sqrt(TERMS[name]) * np.spacing(np.abs(expected).max())
    np.testing.assert_allclose(got, expected, rtol=0, atol=bound)
    for expected_sign, sign in signs:
        differs = expected_sign != sign
        assert np.all(np.abs(expected[differs]) <= bound)
        np.testing.assert_array_equal(sign, np.where(got >= 0, np.float32(1), np.float32(-1)))


@pytest.mark.sampled(per=per_case(CASES))
@pytest.mark.parametrize("name", CASES)
def test_a_result_is_the_same_bits_however_tasks_are_split(cases: Cases, name: str) -> None:
    """Samples alone, in threes and all together: a tile adds in the order of a single pixel."""
    together = cases.pairs(name, 7)
    for pieces in (3, 7):
        for (_, joint), (_, split) in zip(together, cases.pairs(name, 7, pieces), strict=True):
            np.testing.assert_array_equal(split, joint)


@pytest.fixture(scope="module", params=TARGETS)
def products(request: pytest.FixtureRequest) -> Cases:
    """Only the products: their samples share panels of weights."""
    fixed = gemm(130, 24).replace("f32[N,", "f32[21,")
    alike = {name: text for name, text in CASES.items() if name.startswith("gemm")}
    return Cases({**alike, "fixed": fixed}, *request.param)


BATCHES = (1, 2, 3, 16, 21, 70)
"""Fewer samples than a panel is for, one tile, several with a rest, more than a chunk."""


def test_a_sample_has_the_same_bits_in_any_batch(products: Cases) -> None:
    many = products.inputs(BATCHES[-1])
    expected = products.library.run(many, BATCHES[-1])
    for batch in BATCHES:
        some = {name: x if name == "fixed.x" else x[:batch] for name, x in many.items()}
        for name, y in products.library.run(some, batch, pieces=batch % 4).items():
            np.testing.assert_array_equal(y, expected[name][: len(y)])


@pytest.mark.parametrize("batch", BATCHES)
def test_products_of_many_samples(products: Cases, batch: int) -> None:
    for name in TERMS:
        if name.startswith("gemm"):
            ((expected, got),) = products.pairs(name, batch)
            bound = 2 * math.sqrt(TERMS[name]) * np.spacing(np.abs(expected).max())
            np.testing.assert_allclose(got, expected, rtol=0, atol=bound)
