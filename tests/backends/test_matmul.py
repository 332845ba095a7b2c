"""The matrix product of two run-time operands, within 2 sqrt(K) ulp of float64."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_cases import TARGETS, Cases, asked_for, per_case

CASES = {
    name: f"""
        input %a: f32[{a}]
        input %b: f32[{b}]
        %y = mat_mul(%a, %b) : f32[{y}]
        output %y as "y"
    """
    for name, a, b, y in (
        ("batched", "N,7,20", "N,20,33", "N,7,33"),
        ("heads", "N,4,13,16", "N,4,16,13", "N,4,13,13"),
        ("broadcast_a", "5,9", "N,3,9,64", "N,3,5,64"),
        ("broadcast_b", "N,1,14,9", "6,9,70", "N,6,14,70"),
        ("rows", "N,40", "40,10", "N,10"),
        ("one_column", "N,6,11", "N,11,1", "N,6,1"),
        ("one_row", "N,1,11", "N,11,5", "N,1,5"),
        ("one_inner", "N,3,1", "N,1,5", "N,3,5"),
        ("fixed", "8,300", "300,17", "8,17"),
    )
}
CASES["constant"] = """
    input %a: f32[N,6,8]
    %w = const() data=random(2) element=f32 : f32[8,19]
    %y = mat_mul(%a, %w) : f32[N,6,19]
    output %y as "y"
"""
CASES["channels_last"] = """
    input %a: f32[N,6,8]
    input %b: f32[N,8,9]
    %m = relayout(%a) layout=nhwc : f32[N,6,8]@nhwc
    %n = relayout(%b) layout=nhwc : f32[N,8,9]@nhwc
    %y = mat_mul(%m, %n) : f32[N,6,9]@nhwc
    output %y as "y"
"""


@pytest.fixture(scope="module", params=TARGETS)
def cases(request: pytest.FixtureRequest) -> Cases:
    return Cases(asked_for(request, CASES), *request.param)


@pytest.mark.sampled(per=per_case(CASES))
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("batch", "pieces"), [(1, 0), (8, 3)])
def test_error_bound(cases: Cases, name: str, batch: int, pieces: int) -> None:
    inputs = cases.inputs(batch)
    inner = inputs[f"{name}.a"].shape[-1]
    for expected, got in cases.pairs(name, batch, pieces):
        ulp = np.spacing(np.abs(expected).max())
        distance = np.abs(got - expected.astype(np.float64))
        assert np.max(distance) <= 2 * np.sqrt(inner) * ulp
