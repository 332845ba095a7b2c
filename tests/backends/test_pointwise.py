"""Elementwise regions against their definition, bit for bit: operators, broadcasts, layouts."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_cases import TARGETS, Cases, asked_for, per_case

UNARY = ("neg", "abs", "relu", "sqrt", "reciprocal", "floor", "ceil", "round")
BINARY = ("add", "sub", "mul", "div", "max", "min", "prelu")
COMPARE = ("equal", "less", "less_equal")
X = "f32[N,5,3,4]"


def region(operands: str, params: str, body: str, result: str) -> str:
    """One region over inputs and constants that are declared before it."""
    return f"""
        %y = fused([{operands}]) kernel="" {{
          ({params})
          {body}
          yield %r
        }} : {result}
        output %y as "y"
    """


def unary(operator: str, more: str = "", result: str = X) -> str:
    """One operator on floats."""
    body = f"%r = {operator}(%x){more} : {result}"
    return f"input %x: {X}" + region("%x", f"%x: {X}", body, result)


def broadcast(operator: str, shape: str, constant: bool, element: str = "f32") -> str:
    """One operator on a tensor and something that broadcasts to it."""
    x, y = f"{element}[N,5,3,4]", f"{element}{shape}"
    other = f"%z = const() data=random(5) element={element} : {y}" if constant else f"input %z: {y}"
    body = f"%r = {operator}(%x, %z) : {x}"
    return f"input %x: {x}\n{other}" + region("%x, %z", f"%x: {x}, %z: {y}", body, x)


def cast(source: str, to: str) -> str:
    """A conversion."""
    body = f"%r = cast(%x) to={to} : {to}[N,37]"
    head = f"input %x: {source}[N,37]"
    return head + region("%x", f"%x: {source}[N,37]", body, f"{to}[N,37]")


SHAPES = {
    "same": "[N,5,3,4]",
    "channel": "[1,5,1,1]",
    "position": "[N,1,3,4]",
    "sample": "[N,5,1,1]",
    "scalar": "[]",
    "last": "[4]",
}
CASES = {name: unary(name) for name in UNARY}
CASES |= {f"sign{zero + 1}": unary("sign", f" zero={zero}") for zero in (-1, 0, 1)}
CASES["clip"] = unary("clip", " low=-0.5 high=0.75")
CASES["clip_open"] = unary("clip", " low=0.1 high=inf")
CASES |= {f"{op}_{s}": broadcast(op, SHAPES[s], False) for op in BINARY for s in ("same", "sample")}
CASES |= {f"add_{s}": broadcast("add", shape, False) for s, shape in SHAPES.items()}
CASES |= {f"mul_c_{s}": broadcast("mul", SHAPES[s], True) for s in ("channel", "scalar", "last")}
CASES |= {f"{op}_i32": broadcast(op, "[5,1,1]", True, "i32") for op in ("add", "mul", "max", "min")}
CASES |= {f"add_{e}": broadcast("add", "[N,5,3,4]", False, e) for e in ("i64", "f64", "i8", "u8")}
CASES |= {
    f"{op}_{e}": broadcast(op, "[N,5,3,4]", False, e)
    for op in ("div", "and", "or")
    for e in ("i8", "u8", "i16", "i32", "i64")
}
CASES |= {
    f"cast_{source}_{to}": cast(source, to)
    for source, to in (
        ("f32", "i32"), ("f32", "i64"), ("f32", "bool"), ("f32", "f64"), ("f64", "f32"),
        ("i32", "f32"), ("i64", "f32"), ("u8", "f32"), ("i8", "f32"), ("bool", "f32"),
        ("i64", "i32"), ("i32", "i64"), ("u8", "i32"), ("i8", "i64"), ("i32", "bool"),
        ("bool", "i64"), ("f32", "i8"), ("f16", "f32"), ("f32", "f16"), ("f16", "i32"),
        ("f16", "f64"), ("i32", "f16"), ("f16", "bool"), ("i16", "f32"), ("u8", "i8"), ("i8", "u8"),
        ("bool", "u8"), ("u8", "bool"), ("i64", "u8"), ("i64", "bool"), ("bool", "i8"),
    )
}  # fmt: skip
for _element in ("i8", "i16", "i32", "i64"):
    for _op in ("abs", "neg"):
        CASES[f"{_op}_{_element}"] = f"input %x: {_element}[N,37]" + region(
            "%x", f"%x: {_element}[N,37]", f"%r = {_op}(%x) : {_element}[N,37]",
            f"{_element}[N,37]",
        )  # fmt: skip
for _element in ("u8", "i16", "i64"):
    CASES[f"not_{_element}"] = f"input %x: {_element}[N,37]" + region(
        "%x", f"%x: {_element}[N,37]", f"%r = not(%x) : {_element}[N,37]", f"{_element}[N,37]"
    )
    CASES[f"less_{_element}"] = f"input %x: {_element}[N,37]\ninput %z: {_element}[N,37]" + region(
        "%x, %z", f"%x: {_element}[N,37], %z: {_element}[N,37]", "%r = less(%x, %z) : bool[N,37]",
        "bool[N,37]",
    )  # fmt: skip
for _op in COMPARE:
    CASES[_op] = (
        f"input %x: {X}\ninput %z: {X}"
        + region("%x, %z", f"%x: {X}, %z: {X}", f"%r = {_op}(%x, %z) : bool[N,5,3,4]",
                 "bool[N,5,3,4]")
    )  # fmt: skip
CASES["where"] = """
    input %x: f32[N,9]
    input %z: f32[N,9]
    %y = fused([%x, %z]) kernel="" {
      (%x: f32[N,9], %z: f32[N,9])
      %c = less(%x, %z) : bool[N,9]
      %d = equal(%x, %z) : bool[N,9]
      %e = or(%c, %d) : bool[N,9]
      %f = not(%d) : bool[N,9]
      %g = and(%e, %f) : bool[N,9]
      %r = where(%g, %x, %z) : f32[N,9]
      yield %r
    } : f32[N,9]
    output %y as "y"
"""


def folded(operator: str, result: str = "f32") -> str:
    """A zero that only an algebraist sees, beside NaN and infinities."""
    zero = "%n = sub(%i, %i) : i32[N,37]"
    other = "%i" if result == "bool" else "%x"
    first = "%n" if result == "bool" else "%z"
    more = "" if result == "bool" else "\n%z = cast(%n) to=f32 : f32[N,37]"
    body = f"{zero}{more}\n%r = {operator}({first}, {other}) : {result}[N,37]"
    head = "input %x: f32[N,37]\ninput %i: i32[N,37]"
    return head + region("%x, %i", "%x: f32[N,37], %i: i32[N,37]", body, f"{result}[N,37]")


CASES |= {f"folded_{op}": folded(op) for op in ("add", "sub", "mul", "div", "max")}
CASES |= {f"folded_{op}": folded(op, "bool") for op in COMPARE}
CASES["sum_beyond_i64"] = """
    input %x: i64[N,37]
    %k = const() data=splat(9223372036854775807) element=i64 : i64[1,37]
    %y = fused([%x, %k]) kernel="" {
      (%x: i64[N,37], %k: i64[1,37])
      %s = add(%x, %k) : i64[N,37]
      %r = less(%s, %x) : bool[N,37]
      yield %r
    } : bool[N,37]
    output %y as "y"
"""
CASES["scalar"] = """
    input %x: f32[]
    %y = fused([%x]) kernel="" {
      (%x: f32[])
      %r = neg(%x) : f32[]
      yield %r
    } : f32[]
    output %y as "y"
"""


def chain(shape: str) -> str:
    """Operands and results that lie alike: their axes are one."""
    return f"""
        input %x: f32{shape}
        input %z: f32{shape}
        %y = fused([%x, %z]) kernel="" {{
          (%x: f32{shape}, %z: f32{shape})
          %r = add(%x, %z) : f32{shape}
          yield %r
        }} : f32{shape}
        output %y as "y"
    """


CASES |= {
    "rank1": chain("[N]"),
    "rank1_fixed": chain("[19]"),
    "one_a_sample": chain("[N,1]"),
    "one_a_sample_of_a_map": broadcast("mul", "[1,1,1]", True).replace("[N,5,3,4]", "[N,1,1,1]"),
    "one_in_all": chain("[1,1]"),
    "one_in_all_of_a_map": broadcast("mul", "[1]", True).replace("[N,5,3,4]", "[1,1,1,1]"),
    "long": chain("[N,3,70,61]"),
    "long_fixed": chain("[1,3,70,61]"),
    "long_multiple": chain("[2N,8193]"),
    "channel_only": broadcast("add", "[5,1,1]", True).replace("[N,5,3,4]", "[1,5,30,40]"),
}


def sign_times(channels: int) -> str:
    """What LLVM turns into a choice between a number and its negative, also for a last lane."""
    shape = f"f32[N,{channels}]"
    body = f"%s = sign(%x) zero=0 : {shape}\n%r = mul(%s, %z) : {shape}"
    head = f"input %x: {shape}\ninput %z: {shape}"
    return head + region("%x, %z", f"%x: {shape}, %z: {shape}", body, shape)


CASES |= {f"sign_times_{channels}": sign_times(channels) for channels in (1, 7, 33)}


def words(channels: int, zero: int) -> str:
    """Bits of a channels-last sum, decoded again beside a broadcast of bits."""
    bits = "ternary" if zero == 0 else "bits<1;-1,1>"
    shape = f"[N,{channels},2,3]"
    return f"""
        input %x: f32{shape}
        %b, %s = fused([%x]) kernel="" {{
          (%x: f32{shape})
          %n = neg(%x) : f32{shape}@nhwc
          %c = binarize(%n) zero={zero} : {bits}{shape}@words
          yield %c, %n
        }} : {bits}{shape}@words, f32{shape}@nhwc
        %y = fused([%b, %s]) kernel="" {{
          (%b: {bits}{shape}@words, %s: f32{shape}@nhwc)
          %d = decode(%b) : f32{shape}
          %r = add(%d, %s) : f32{shape}
          yield %r
        }} : f32{shape}
        output %y as "y"
    """


for _channels in (1, 3, 31, 32, 33, 64, 65, 96, 128, 200):
    for _zero in (-1, 0, 1):
        CASES[f"words_{_channels}_{_zero + 1}"] = words(_channels, _zero)
CASES["codes"] = """
    %c = const() data=random(11) element=bits<2;-3,-1,1,3> : bits<2;-3,-1,1,3>[2,70,2,3]
    %y = fused([%c]) kernel="" {
      (%c: bits<2;-3,-1,1,3>[2,70,2,3])
      %r = decode(%c) : f32[2,70,2,3]
      yield %r
    } : f32[2,70,2,3]
    output %y as "y"
"""
CASES["ternary_codes"] = """
    %c = const() data=random(11) element=ternary : ternary[1,70,1,1]
    input %x: f32[N,70,2,3]
    %y = fused([%c, %x]) kernel="" {
      (%c: ternary[1,70,1,1], %x: f32[N,70,2,3])
      %d = decode(%c) : f32[1,70,1,1]
      %r = mul(%d, %x) : f32[N,70,2,3]
      yield %r
    } : f32[N,70,2,3]
    output %y as "y"
"""


INTEGERS = [f"{op}_{element}" for op in ("abs", "neg", "div") for element in ("i8", "i32", "i64")]


class SpecialCases(Cases):
    """NaN, infinities and zeros of both signs among the floats."""

    def inputs(self, batch: int) -> dict[str, np.ndarray]:
        arrays = super().inputs(batch)
        rng = np.random.default_rng(3)
        for name, array in arrays.items():
            if array.dtype.kind == "f" and "cast" not in name:
                for value in (np.nan, np.inf, -np.inf, -0.0):
                    array[rng.random(array.shape) < 0.03] = value
        return arrays


@pytest.fixture(scope="module", params=TARGETS)
def cases(request: pytest.FixtureRequest) -> Cases:
    return SpecialCases(asked_for(request, CASES, *INTEGERS), *request.param)


@pytest.mark.sampled(per=per_case(CASES))
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("batch", "pieces"), [(1, 0), (3, 4)])
@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_elementwise_bit_for_bit(cases: Cases, name: str, batch: int, pieces: int) -> None:
    """Equal as numbers: every NaN is the same, and so are the zeros."""
    for expected, got in cases.pairs(name, batch, pieces):
        assert expected.dtype == got.dtype
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("element", ["i8", "i32", "i64"])
def test_the_least_integer_is_its_own_opposite(cases: Cases, element: str) -> None:
    inputs = cases.inputs(3)
    least = np.iinfo(element.replace("i", "int")).min
    for op in ("abs", "neg"):
        inputs[f"{op}_{element}.x"][:, ::2] = least
    got = cases.library.run(inputs, 3)
    for op in ("abs", "neg"):
        np.testing.assert_array_equal(got[f"{op}_{element}.y"][:, ::2], least)


@pytest.mark.parametrize("element", ["i8", "i32", "i64"])
def test_integer_division_never_traps(cases: Cases, element: str) -> None:
    inputs = cases.inputs(3)
    a, b = inputs[f"div_{element}.x"], inputs[f"div_{element}.z"]
    a[0], b[0], b[1] = np.iinfo(a.dtype).min, -1, 0
    got = cases.library.run(inputs, 3)[f"div_{element}.y"]
    np.testing.assert_array_equal(got[:2], np.stack([a[0], np.zeros_like(a[1])]))
