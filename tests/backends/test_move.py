"""Kernels that move elements, against NumPy: every layout, element size, axis and packing."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_cases import WIDTHS, Cases, asked_for, per_case
from library_support import ICELAKE, Library, scheduled

from bnnc.backends.llvm.kernels.moving.strided_copy import Axis, normalized

SIGN, CODES, TERNARY = "bits<1;-1,1>", "bits<2;-3,-1,1,3>", "ternary"


def relayouts() -> dict[str, str]:
    """Both directions for every element size and for maps that blocks do and do not divide."""
    out: dict[str, str] = {}
    for element in ("f32", "i8", "f16", "i64", "bool"):
        for c, h, w in ((16, 4, 8), (3, 5, 7), (10, 7, 7), (1, 3, 3), (33, 1, 1)):
            shape = f"[N,{c},{h},{w}]"
            out[f"relayout_{element}_{c}"] = f"""
                input %x: {element}{shape}
                %m = relayout(%x) layout=nhwc : {element}{shape}@nhwc
                %y = relayout(%m) layout=row : {element}{shape}
                output %y as "y"
                %t = transpose(%m) perm=[0,2,3,1] : {element}[N,{h},{w},{c}]
                output %t as "t"
            """
    return out


SCALARS = {
    "reshape": """
        input %x: f32[N,4,6]
        %y = reshape(%x) shape=[4N,6] : f32[4N,6]
        output %y as "y"
        %m = relayout(%x) layout=nhwc : f32[N,4,6]@nhwc
        %z = reshape(%m) shape=[N,2,12] : f32[N,2,12]
        output %z as "z"
    """,
    "scalar": """
        input %x: f32[]
        %y = relayout(%x) layout=row : f32[]
        output %y as "y"
        %c = const() data=random(2) element=f32 : f32[3,7]
        %z = relayout(%c) layout=row : f32[3,7]
        output %z as "z"
        input %v: bool[N]
        %w = relayout(%v) layout=row : bool[N]
        output %w as "w"
    """,
    "transpose": """
        input %x: f32[N,3,4,5,6]
        %y = transpose(%x) perm=[0,4,2,1,3] : f32[N,6,4,3,5]
        output %y as "y"
        %z = transpose(%x) perm=[0,2,1,3,4] : f32[N,4,3,5,6]@nhwc
        output %z as "z"
        %f = const() data=random(3) element=f32 : f32[17,21]
        %g = transpose(%f) perm=[1,0] : f32[21,17]
        output %g as "g"
    """,
    "rank8": """
        input %x: i16[N,2,3,2,2,3,2,2]
        %y = transpose(%x) perm=[0,7,6,5,4,3,2,1] : i16[N,2,2,3,2,2,3,2]
        output %y as "y"
    """,
    "concat": """
        input %x: f32[N,3,4,4]
        input %u: f32[N,5,4,4]
        %m = relayout(%x) layout=nhwc : f32[N,3,4,4]@nhwc
        %n = relayout(%u) layout=nhwc : f32[N,5,4,4]@nhwc
        %y = concat([%m, %n, %m]) axis=1 : f32[N,11,4,4]@nhwc
        output %y as "y"
        %z = concat([%x, %n]) axis=1 : f32[N,8,4,4]
        output %z as "z"
        %w = concat([%m, %x]) axis=3 : f32[N,3,4,8]@nhwc
        output %w as "w"
        %c = const() data=random(5) element=f32 : f32[2,3]
        %d = concat([%c, %c]) axis=0 : f32[4,3]
        output %d as "d"
    """,
    "slice": """
        input %x: f32[N,6,9,8]
        %m = relayout(%x) layout=nhwc : f32[N,6,9,8]@nhwc
        %y = slice(%m) starts=[0,1,0,7] steps=[1,2,3,-1] sizes=[1,2,3,8] : f32[N,2,3,8]@nhwc
        output %y as "y"
        %z = slice(%x) starts=[0,2,3,1] steps=[1,1,1,3] sizes=[1,4,5,2] : f32[N,4,5,2]
        output %z as "z"
        %e = slice(%x) starts=[0,0,0,0] steps=[1,1,1,1] sizes=[1,0,9,8] : f32[N,0,9,8]
        output %e as "e"
        %c = const() data=random(6) element=i64 : i64[7,3]
        %d = slice(%c) starts=[6,0] steps=[-2,1] sizes=[3,2] : i64[3,2]
        output %d as "d"
    """,
    "pad": """
        input %x: f32[N,3,4,4]
        %m = relayout(%x) layout=nhwc : f32[N,3,4,4]@nhwc
        %y = pad(%m) before=[0,1,2,0] after=[0,0,1,3] value=-1.5 : f32[N,4,7,7]@nhwc
        output %y as "y"
        %z = pad(%x) before=[0,0,1,1] after=[0,0,1,1] value=0.0 : f32[N,3,6,6]
        output %z as "z"
        input %i: i8[N,2,3]
        %j = pad(%i) before=[0,1,1] after=[0,0,2] value=-128.0 : i8[N,3,6]
        output %j as "j"
        %c = const() data=random(6) element=i64 : i64[2,3]
        %d = pad(%c) before=[1,0] after=[0,2] value=7.0 : i64[3,5]
        output %d as "d"
    """,
    "gather": """
        input %x: f32[N,5,3,4]
        %m = relayout(%x) layout=nhwc : f32[N,5,3,4]@nhwc
        %i = const() data=[4, 0, -1, 2] element=i64 : i64[2,2]
        %y = gather(%m, %i) axis=1 : f32[N,2,2,3,4]
        output %y as "y"
        %s = const() data=[-2] element=i32 : i32[]
        %z = gather(%m, %s) axis=3 : f32[N,5,3]@nhwc
        output %z as "z"
        %t = const() data=random(7) element=f32 : f32[9,4]
        %c = const() data=[0, 1, 2, 3, 4, 5, 6, 7, 8] element=i64 : i64[9]
        %e = gather(%t, %c) axis=0 : f32[9,4]
        output %e as "e"
        %f = gather(%t, %s) axis=0 : f32[4]
        output %f as "f"
    """,
    "gather_map": """
        input %x: f32[N,5,3,4]
        %m = relayout(%x) layout=nhwc : f32[N,5,3,4]@nhwc
        %i = const() data=[0, 0, 1, 1, 2, -1] element=i64 : i64[6]
        %y = gather(%m, %i) axis=2 : f32[N,5,6,4]@nhwc
        output %y as "y"
        %z = gather(%y, %i) axis=3 : f32[N,5,6,6]@nhwc
        output %z as "z"
    """,
}


def packed(element: str, shape: str, name: str = "x") -> str:
    """A graph input and the same, packed, as ``%<name>.w``; codes come from random constants."""
    if element == CODES:
        return f"""
            %{name}.c = const() data=random(11) element={element} : {element}[2,{shape}]
            %{name}.w = relayout(%{name}.c) layout=words : {element}[2,{shape}]@words
        """
    zero = 0 if element == TERNARY else 1
    return f"""
        input %{name}: f32[N,{shape}]
        %{name}.w = fused([%{name}]) kernel="" {{
          (%{name}: f32[N,{shape}])
          %{name}.b = binarize(%{name}) zero={zero} : {element}[N,{shape}]@words
          yield %{name}.b
        }} : {element}[N,{shape}]@words
    """


def decoded(element: str, shape: str, value: str, n: str) -> str:
    """The floats of a packed value as the output ``value``."""
    return f"""
        %{value}.f = fused([%{value}]) kernel="" {{
          (%{value}: {element}[{n},{shape}]@words)
          %{value}.d = decode(%{value}) : f32[{n},{shape}]
          yield %{value}.d
        }} : f32[{n},{shape}]
        output %{value}.f as "{value}"
    """


def packed_cases() -> dict[str, str]:
    """Each operator on whole words and on runs and single bits inside words."""
    out: dict[str, str] = {}
    for tag, element in (("sign", SIGN), ("ternary", TERNARY), ("codes", CODES)):
        n = "2" if element == CODES else "N"
        value = {SIGN: "-1.0", TERNARY: "0.0", CODES: "3.0"}[element]

        def op(text: str, source: str, result: str, element: str = element, n: str = n) -> str:
            node = f"%y = {text} : {element}[{n},{result}]@words\n"
            return packed(element, source) + node + decoded(element, result, "y", n)

        for c in (64, 128, 70, 5):
            out[f"{tag}_concat_{c}"] = op(
                "concat([%x.w, %x.w, %x.w]) axis=1", f"{c},3,2", f"{3 * c},3,2"
            )
        out |= {
            f"{tag}_concat_w": op("concat([%x.w, %x.w]) axis=3", "70,3,2", "70,3,4"),
            f"{tag}_slice_w": op(
                "slice(%x.w) starts=[0,0,4,0] steps=[1,1,-2,1] sizes=[2,70,3,2]",
                "70,5,3", "70,3,2",
            ),
            f"{tag}_slice_words": op(
                "slice(%x.w) starts=[0,64,0,1] steps=[1,1,1,1] sizes=[2,66,2,1]",
                "130,2,2", "66,2,1",
            ),
            f"{tag}_slice_bits": op(
                "slice(%x.w) starts=[0,37,0,0] steps=[1,1,1,1] sizes=[2,90,2,2]",
                "130,2,2", "90,2,2",
            ),
            f"{tag}_slice_steps": op(
                "slice(%x.w) starts=[0,129,0,0] steps=[1,-3,1,1] sizes=[2,43,2,2]",
                "130,2,2", "43,2,2",
            ),
            f"{tag}_pad_w": op(
                f"pad(%x.w) before=[0,0,1,0] after=[0,0,0,2] value={value}",
                "70,3,2", "70,4,4",
            ),
            f"{tag}_pad_bits": op(
                f"pad(%x.w) before=[0,3,0,1] after=[0,61,0,0] value={value}",
                "70,3,2", "134,3,3",
            ),
            f"{tag}_transpose": op("transpose(%x.w) perm=[0,1,3,2]", "70,3,2", "70,2,3"),
            f"{tag}_transpose_c": op("transpose(%x.w) perm=[0,3,1,2]", "70,3,66", "66,70,3"),
            f"{tag}_reshape": op(f"reshape(%x.w) shape=[{n},420]", "70,3,2", "420"),
        }  # fmt: skip
        indices = "%i = const() data=[3, -1, 0, 65] element=i64 : i64[2,2]\n"
        out[f"{tag}_gather_c"] = indices + op("gather(%x.w, %i) axis=1", "70,3", "2,2,3")
        out[f"{tag}_gather_w"] = "%i = const() data=[1, -3] element=i64 : i64[2]\n" + op(
            "gather(%x.w, %i) axis=2", "70,3,2", "70,2,2"
        )
    return out


CASES = relayouts() | SCALARS | packed_cases()


@pytest.fixture(scope="module", params=WIDTHS)
def cases(request: pytest.FixtureRequest) -> Cases:
    return Cases(asked_for(request, CASES), *request.param)


@pytest.mark.sampled(per=per_case(CASES))
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("batch", "pieces"), [(1, 0), (3, 2)])
def test_moves_as_numpy_does(cases: Cases, name: str, batch: int, pieces: int) -> None:
    for expected, got in cases.pairs(name, batch, pieces):
        np.testing.assert_array_equal(got, expected)


def test_gather_at_run_time_stays_inside(backend: str) -> None:
    """Negative indices count from the end; what is outside all the same is clamped."""
    text = """graph @gather scheduled {
      input %x: f32[N,5,3]
      input %i: i64[6]
      input %j: i32[N,2]
      %t = const() data=random(1) element=f32 : f32[5,4]
      %y = gather(%x, %i) axis=1 : f32[N,6,3]
      %z = gather(%t, %j) axis=0 : f32[N,2,4]
      output %y as "y"
      output %z as "z"
    }"""
    graph = scheduled(text)
    x = np.random.default_rng(0).standard_normal((2, 5, 3)).astype(np.float32)
    i = np.array([-(2**62), -6, -5, -1, 4, 2**62])
    j = np.array([[7, -7], [3, -2]], np.int32)
    got = Library(graph, ICELAKE, backend=backend).run({"x": x, "i": i, "j": j}, batch=2)
    table = graph.nodes[0].op.array
    np.testing.assert_array_equal(got["y"], x[:, [0, 0, 0, 4, 4, 4]])
    np.testing.assert_array_equal(got["z"], table[[[4, 0], [3, 3]]])


def test_axes_that_run_on_become_one() -> None:
    axes = (Axis(3, 80, 80), Axis(1, 0, 0), Axis(4, 20, 20), Axis(5, 4, 4))
    assert normalized(axes) == (Axis(60, 4, 4),)
    assert normalized((Axis(4, 4, 12), Axis(3, 16, 4))) == (Axis(3, 16, 4), Axis(4, 4, 12))
    assert normalized((Axis(3, 16, 4), Axis(0, 4, 12))) == (Axis(0, 0, 0),)
