"""TopK and GatherElements against their definitions, on every kind of operand."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_cases import WIDTHS, Cases

from bnnc.ir import interpret


def top_k(shape: str, axis: int, k: int, result: str, rest: str = "", element: str = "f32") -> str:
    """The positions, and the elements there."""
    flags = rest or "largest=true last=false"
    return f"""
        input %x: {element}[{shape}]
        %p = top_k(%x) axis={axis} k={k} {flags} : i64[{result}]
        %v = gather_elements(%x, %p) axis={axis} : {element}[{result}]
        output %p as "p"
        output %v as "v"
    """


SMALLEST, LAST = "largest=false last=false", "largest=true last=true"
CASES = {
    "classes": top_k("N,10", 1, 1, "N,1"),
    "classes_last": top_k("N,10", 1, 1, "N,1", LAST),
    "classes_least": top_k("N,10", 1, 3, "N,3", SMALLEST),
    "least_last": top_k("N,10", 1, 3, "N,3", "largest=false last=true"),
    "map": top_k("N,21,5,7", 1, 1, "N,1,5,7"),
    "map_three": top_k("N,21,5,7", 1, 3, "N,3,5,7"),
    "rows": top_k("N,3,9,33", 2, 2, "N,3,2,33", LAST),
    "columns": top_k("N,3,4,33", 3, 33, "N,3,4,33"),
    "first": top_k("7,5", 0, 2, "2,5"),
    "vector": top_k("19", 0, 19, "19"),
    "i8": top_k("N,40", 1, 5, "N,5", SMALLEST, "i8"),
    "u8": top_k("N,40", 1, 5, "N,5", "", "u8"),
    "i32": top_k("N,6,3", 1, 2, "N,2,3", "", "i32"),
    "i64": top_k("N,6,3", 1, 2, "N,2,3", SMALLEST, "i64"),
    "f64": top_k("N,6,3", 1, 2, "N,2,3", "", "f64"),
    "nhwc": """
        input %x: f32[N,6,4,3]
        %c = relayout(%x) layout=nhwc : f32[N,6,4,3]@nhwc
        %p = top_k(%c) axis=1 k=2 largest=true last=false : i64[N,2,4,3]
        output %p as "p"
    """,
    "shorter": """
        input %x: i16[N,6,4]
        %p = const() data=[0,-1,3,-6,5,1] element=i64 : i64[6]
        %q = reshape(%p) shape=[2,3] : i64[2,3]
        %c = const() data=[1,2,3,4,5,6,7,8] element=i8 : i8[8]
        %d = reshape(%c) shape=[4,2] : i8[4,2]
        %i = const() data=[3,-4,0] element=i32 : i32[3]
        %j = reshape(%i) shape=[3,1] : i32[3,1]
        %y = gather_elements(%d, %j) axis=0 : i8[3,1]
        output %y as "y"
    """,
}


@pytest.fixture(scope="module", params=WIDTHS)
def cases(request: pytest.FixtureRequest) -> Cases:
    return Cases(CASES, *request.param)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("batch", "pieces"), [(1, 0), (3, 4)])
def test_positions(cases: Cases, name: str, batch: int, pieces: int) -> None:
    for expected, got in cases.pairs(name, batch, pieces):
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)


def test_ties_zeros_infinities_and_nan(cases: Cases) -> None:
    inputs = cases.inputs(3)
    for name, array in inputs.items():
        if array.dtype == np.float32:
            flat = array.reshape(-1)
            flat[: flat.size // 2] = np.resize(
                np.float32([0, -0.0, 1, 1, np.inf, -np.inf, np.nan, 2, np.nan]), flat.size // 2
            )
            assert name
    expected, got = interpret(cases.graph, inputs), cases.library.run(inputs, 3)
    for name, want in expected.items():
        np.testing.assert_array_equal(got[name], want, err_msg=name)
