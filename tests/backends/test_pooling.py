"""Pooling kernels against their definition, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_cases import WIDTHS, Cases, asked_for, per_case

SIGN, TERNARY = "bits<1;-1,1>", "ternary"
WINDOWS = {
    "2x2": ("8,8", "4,4", "kernel=[2,2] strides=[2,2] pads=[0,0,0,0] dilations=[1,1]"),
    "3x3": ("7,9", "4,5", "kernel=[3,3] strides=[2,2] pads=[1,1,1,1] dilations=[1,1]"),
    "uneven": ("5,6", "5,4", "kernel=[2,3] strides=[1,2] pads=[0,2,1,1] dilations=[1,1]"),
    "dilated": ("6,5", "4,5", "kernel=[2,3] strides=[1,1] pads=[0,2,0,2] dilations=[2,2]"),
    "ceil": ("6,7", "3,4", "kernel=[3,2] strides=[2,2] pads=[0,0,0,0] dilations=[1,1]"),
    "large": ("7,7", "3,3", "kernel=[5,5] strides=[2,2] pads=[1,1,1,1] dilations=[1,1]"),
    "empty": ("1,3", "1,3", "kernel=[2,1] strides=[1,1] pads=[1,0,1,0] dilations=[2,1]"),
    "1d": ("9", "5", "kernel=[3] strides=[2] pads=[1,1] dilations=[1]"),
    "3d": (
        "4,5,4",
        "2,2,2",
        "kernel=[2,2,2] strides=[2,2,2] pads=[0,0,0,0,0,0] dilations=[1,1,1]",
    ),
}


def scalar_case(operator: str, window: str, channels: int, layout: str, more: str = "") -> str:
    """A pool and something elementwise after it."""
    source, result, attributes = WINDOWS[window]
    attributes += " ceil_mode=true" if window == "ceil" else " ceil_mode=false"
    x, y = f"f32[N,{channels},{source}]", f"f32[N,{channels},{result}]"
    at = "" if layout == "row" else "@nhwc"
    before = "" if layout == "row" else f"%m = relayout(%x) layout=nhwc : {x}@nhwc\n"
    operand = "x" if layout == "row" else "m"
    return f"""
        input %x: {x}
        {before}
        %y = fused([%{operand}]) kernel="" {{
          (%{operand}: {x}{at})
          %p = {operator}(%{operand}) {attributes}{more} : {y}@nhwc
          %q = neg(%p) : {y}@nhwc
          yield %q
        }} : {y}@nhwc
        output %y as "y"
    """


def packed_case(element: str, window: str, channels: int) -> str:
    """Packed elements in, floats and the packed result's floats out."""
    source, result, attributes = WINDOWS[window]
    attributes += " ceil_mode=true" if window == "ceil" else " ceil_mode=false"
    shape, out = f"[N,{channels},{source}]", f"[N,{channels},{result}]"
    return f"""
        input %x: f32{shape}
        %b = fused([%x]) kernel="" {{
          (%x: f32{shape})
          %c = binarize(%x) zero={0 if element == TERNARY else 1} : {element}{shape}@words
          yield %c
        }} : {element}{shape}@words
        %p = fused([%b]) kernel="" {{
          (%b: {element}{shape}@words)
          %q = max_pool(%b) {attributes} : {element}{out}@words
          yield %q
        }} : {element}{out}@words
        %y = fused([%p]) kernel="" {{
          (%p: {element}{out}@words)
          %d = decode(%p) : f32{out}@nhwc
          yield %d
        }} : f32{out}@nhwc
        output %y as "y"
        %z = fused([%b]) kernel="" {{
          (%b: {element}{shape}@words)
          %e = max_pool(%b) {attributes} : {element}{out}@words
          %f = decode(%e) : f32{out}@nhwc
          yield %f
        }} : f32{out}@nhwc
        output %z as "z"
    """


def all_cases() -> dict[str, str]:
    out: dict[str, str] = {}
    for window in WINDOWS:
        if window != "empty":
            out[f"max_{window}"] = scalar_case("max_pool", window, 21, "nhwc")
            out[f"average_{window}"] = scalar_case(
                "average_pool", window, 40, "nhwc", " count_pads=false"
            )
            out[f"sign_{window}"] = packed_case(SIGN, window, 70)
            out[f"ternary_{window}"] = packed_case(TERNARY, window, 5)
        counted = scalar_case("average_pool", window, 8, "nhwc", " count_pads=true")
        out[f"counted_{window}"] = counted
    out["max_empty"] = scalar_case("max_pool", "empty", 8, "nhwc")
    out["max_row"] = scalar_case("max_pool", "3x3", 3, "row")
    out["average_row"] = scalar_case("average_pool", "uneven", 3, "row", " count_pads=true")
    out["codes"] = """
        %c = const() data=random(11) element=bits<2;-3,-1,1,3> : bits<2;-3,-1,1,3>[2,70,6,6]
        %w = relayout(%c) layout=words : bits<2;-3,-1,1,3>[2,70,6,6]@words
        %y = fused([%w]) kernel="" {
          (%w: bits<2;-3,-1,1,3>[2,70,6,6]@words)
          %p = max_pool(%w) kernel=[3,3] strides=[2,2] pads=[1,1,1,1] dilations=[1,1]
               ceil_mode=false : bits<2;-3,-1,1,3>[2,70,3,3]@words
          %d = decode(%p) : f32[2,70,3,3]@nhwc
          yield %d
        } : f32[2,70,3,3]@nhwc
        output %y as "y"
    """
    for element in ("i8", "u8", "i64"):
        out[f"max_{element}"] = f"""
            input %x: {element}[N,11,6,6]
            %y = fused([%x]) kernel="" {{
              (%x: {element}[N,11,6,6])
              %p = max_pool(%x) kernel=[3,3] strides=[2,2] pads=[1,1,1,1] dilations=[1,1]
                   ceil_mode=false : {element}[N,11,3,3]@nhwc
              yield %p
            }} : {element}[N,11,3,3]@nhwc
            output %y as "y"
        """
    return out


CASES = all_cases()


class PoolCases(Cases):
    """NaN, infinities and zeros among the inputs."""

    def inputs(self, batch: int) -> dict[str, np.ndarray]:
        arrays = super().inputs(batch)
        rng = np.random.default_rng(2)
        for name, array in arrays.items():
            if array.dtype.kind == "f" and "sign" not in name and "ternary" not in name:
                for value in (np.nan, np.inf, -np.inf):
                    array[rng.random(array.shape) < 0.02] = value
        return arrays


@pytest.fixture(scope="module", params=WIDTHS)
def cases(request: pytest.FixtureRequest) -> Cases:
    return PoolCases(asked_for(request, CASES), *request.param)


@pytest.mark.sampled(per=per_case(CASES))
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("batch", "pieces"), [(1, 0), (3, 4)])
@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_pools_bit_for_bit(cases: Cases, name: str, batch: int, pieces: int) -> None:
    for expected, got in cases.pairs(name, batch, pieces):
        np.testing.assert_array_equal(got, expected)
