"""Softmax kernels: within a few ulp of float64 on the operand as float32 sees it."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_cases import TARGETS, Cases, asked_for, per_case

from bnnc.ir import interpret


def softmax_case(operator: str, shape: str, axis: int, layout: str) -> str:
    """One softmax of a scaled operand, so that small and large powers occur."""
    at = "@nhwc" if layout == "nhwc" else ""
    before = f"%m = relayout(%x) layout=nhwc : f32[{shape}]@nhwc" if at else ""
    return f"""
        input %x: f32[{shape}]
        {before}
        %y = {operator}(%{"m" if at else "x"}) axis={axis} : f32[{shape}]{at}
        output %y as "y"
    """


SHAPES = {
    "classes": ("N,10", 1, "row"),
    "thousand": ("N,1000", 1, "row"),
    "map": ("N,21,5,7", 1, "row"),
    "map_nhwc": ("N,21,5,7", 1, "nhwc"),
    "height_nhwc": ("N,21,5,7", 2, "nhwc"),
    "last": ("N,3,4,33", 3, "row"),
    "one": ("N,1", 1, "row"),
    "pixel": ("N,6,1,1", 1, "nhwc"),
    "columns": ("7,5", 0, "row"),
    "vector": ("19", 0, "row"),
    "single": ("N,4,1", 2, "row"),
}
CASES = {
    f"{operator}_{name}": softmax_case(operator, *plan)
    for operator in ("softmax", "log_softmax")
    for name, plan in SHAPES.items()
}


class SoftmaxCases(Cases):
    """Operands from -90 to 90."""

    def inputs(self, batch: int) -> dict[str, np.ndarray]:
        arrays = super().inputs(batch)
        return {name: np.float32(20) * array for name, array in arrays.items()}


@pytest.fixture(scope="module", params=TARGETS)
def cases(request: pytest.FixtureRequest) -> Cases:
    return SoftmaxCases(asked_for(request, CASES, "softmax_classes"), *request.param)


def exact(x: np.ndarray, axis: int, log: bool) -> tuple[np.ndarray, np.ndarray]:
    """The result in float64 from float32 differences to the maximum, and the largest error: 3 ulp,
    and for powers 2.8e-9 of the difference, by which the reduction of arguments is off."""
    shifted = (x - x.max(axis, keepdims=True)).astype(np.float64)
    total = np.exp(shifted).sum(axis, keepdims=True)
    if not log:
        y = np.exp(shifted) / total
        ulp = np.spacing(np.maximum(y, np.finfo(np.float32).tiny).astype(np.float32))
        return y, 3 * ulp - 2.8e-9 * shifted * y
    y = shifted - np.log(total)
    size = np.maximum(np.abs(y), np.log(total)).astype(np.float32)
    return y, 3 * np.spacing(np.maximum(size, np.float32(1)))


@pytest.mark.sampled(per=per_case(CASES))
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("batch", "pieces"), [(1, 0), (3, 4)])
def test_error_bound(cases: Cases, name: str, batch: int, pieces: int) -> None:
    x = cases.inputs(batch)[f"{name}.x"]
    expected, bound = exact(x, SHAPES[name.split("softmax_")[1]][1], name.startswith("log"))
    for _, got in cases.pairs(name, batch, pieces):
        assert np.all(np.abs(got - expected) < bound)


@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_special_values(cases: Cases) -> None:
    """Infinities and NaN behave as in the definition."""
    inputs = cases.inputs(3)
    x = inputs["softmax_classes.x"]
    x[0, 3], x[1, 2], x[2, :] = np.nan, np.inf, -np.inf
    expected = interpret(cases.graph, inputs)["softmax_classes.y"]
    got = cases.library.run(inputs, 3)["softmax_classes.y"]
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    x[:] = 1
    x[:, 4] = -np.inf
    got = cases.library.run(inputs, 3)["softmax_classes.y"]
    np.testing.assert_array_equal(got[:, 4], 0)
