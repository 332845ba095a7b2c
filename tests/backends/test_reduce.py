"""Reduction kernels against their definition; float sums may round their float64 otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_cases import TARGETS, Cases, asked_for, per_case

OPERATORS = ("reduce_mean", "reduce_sum", "reduce_max", "reduce_min")


def reduce_case(
    operator: str, source: str, axes: str, result: str, keep: bool, layout: str, element: str
) -> str:
    """A reduction of a row-major or channels-last operand, negated."""
    keepdims = "true" if keep else "false"
    at = "@nhwc" if layout == "nhwc" else ""
    before = f"%m = relayout(%x) layout=nhwc : {element}[{source}]@nhwc" if at else ""
    x = "m" if at else "x"
    return f"""
        input %x: {element}[{source}]
        {before}
        %y = fused([%{x}]) kernel="" {{
          (%{x}: {element}[{source}]{at})
          %r = {operator}(%{x}) axes=[{axes}] keepdims={keepdims} : {element}[{result}]
          %n = neg(%r) : {element}[{result}]
          yield %n
        }} : {element}[{result}]
        output %y as "y"
    """


SHAPES = {
    "global": ("N,37,7,7", "2,3", "N,37,1,1", True, "nhwc"),
    "global_flat": ("N,64,7,7", "2,3", "N,64", False, "nhwc"),
    "global_row": ("N,5,7,7", "2,3", "N,5,1,1", True, "row"),
    "channels": ("N,37,4,3", "1", "N,1,4,3", True, "nhwc"),
    "channels_row": ("N,5,4,9", "1", "N,4,9", False, "row"),
    "last": ("N,4,70", "2", "N,4", False, "row"),
    "all": ("N,4,5", "1,2", "N", False, "row"),
    "all_kept": ("N,4,5,6", "1,2,3", "N,1,1,1", True, "nhwc"),
    "none": ("N,4,5", "", "N,4,5", True, "row"),
    "rank2": ("N,33", "1", "N,1", True, "row"),
    "fixed": ("6,5", "0", "5", False, "row"),
    "scalar": ("6,50", "0,1", "", False, "row"),
    "outer": ("6,5,4", "0", "1,5,4", True, "row"),
}

CASES = {
    f"{operator}_{shape}_{element}": reduce_case(operator, *plan, element)
    for operator in OPERATORS
    for shape, plan in SHAPES.items()
    for element in ("f32", "i32")
    if element == "f32" or (operator != "reduce_mean" and shape in ("global", "last", "scalar"))
}
CASES |= {
    "packed_channels": """
        input %x: f32[N,70,5]
        %y = fused([%x]) kernel="" {
          (%x: f32[N,70,5])
          %r = reduce_sum(%x) axes=[2] keepdims=false : f32[N,70]
          %b = binarize(%r) zero=1 : bits<1;-1,1>[N,70]@words
          yield %b
        } : bits<1;-1,1>[N,70]@words
        %z = fused([%y]) kernel="" {
          (%y: bits<1;-1,1>[N,70]@words)
          %d = decode(%y) : f32[N,70]
          yield %d
        } : f32[N,70]
        output %z as "z"
    """,
    "f64": """
        input %x: f64[N,9,4]
        %y = fused([%x]) kernel="" {
          (%x: f64[N,9,4])
          %r = reduce_max(%x) axes=[1] keepdims=false : f64[N,4]
          yield %r
        } : f64[N,4]
        output %y as "y"
    """,
}


class ReduceCases(Cases):
    """NaN and infinities among the operands of maximum and minimum."""

    def inputs(self, batch: int) -> dict[str, np.ndarray]:
        arrays = super().inputs(batch)
        rng = np.random.default_rng(2)
        for name, array in arrays.items():
            if array.dtype.kind == "f" and ("max" in name or "min" in name):
                for value in (np.nan, np.inf, -np.inf):
                    array[rng.random(array.shape) < 0.01] = value
        return arrays


@pytest.fixture(scope="module", params=TARGETS)
def cases(request: pytest.FixtureRequest) -> Cases:
    return ReduceCases(asked_for(request, CASES), *request.param)


@pytest.mark.sampled(per=per_case(CASES))
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("batch", "pieces"), [(1, 0), (3, 4)])
def test_reduces_as_numpy_does(cases: Cases, name: str, batch: int, pieces: int) -> None:
    for expected, got in cases.pairs(name, batch, pieces):
        if ("mean" in name or "sum" in name) and "f32" in name:
            np.testing.assert_array_max_ulp(got, expected, 1)
        else:
            np.testing.assert_array_equal(got, expected)
