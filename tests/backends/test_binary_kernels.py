"""Binary convolutions and products against their definition, bit for bit, on every code path."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from kernel_cases import TARGETS, Cases
from llvm_support import X86_PATHS

from bnnc.ir.ops.window import Window

SIGN = "bits<1;-1,1>"


@dataclass(frozen=True)
class Conv:
    """One convolution: input [N, channels, *size], ``zero`` = 0 makes it ternary."""

    channels: int
    out: int
    size: tuple[int, int] = (6, 6)
    kernel: tuple[int, int] = (3, 3)
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (1, 1, 1, 1)
    dilations: tuple[int, int] = (1, 1)
    groups: int = 1
    zero: int = 1

    def text(self) -> str:
        """Sign, convolution, scale; floats and next signs out."""
        window = Window(self.kernel, self.strides, self.dilations, self.pads)
        height, width = window.output(self.size)
        x = f"[N,{self.channels},{self.size[0]},{self.size[1]}]"
        y = f"[N,{self.out},{height},{width}]"
        w = f"{SIGN}[{self.out},{self.channels // self.groups},{self.kernel[0]},{self.kernel[1]}]"
        bits = "ternary" if self.zero == 0 else SIGN

        def listed(values: tuple[int, ...]) -> str:
            return "[" + ",".join(map(str, values)) + "]"

        return f"""
            input %x: f32{x}
            %w = const() data=random({self.out}) element={SIGN} : {w}
            %s = const() data=random(2) element=f32 : f32[{self.out},1,1]
            %b = fused([%x]) kernel="" {{
              (%x: f32{x})
              %c = binarize(%x) zero={self.zero} : {bits}{x}@words
              yield %c
            }} : {bits}{x}@words
            %y, %q = fused([%b, %w, %s]) kernel="binary_conv" {{
              (%b: {bits}{x}@words, %w: {w}, %s: f32[{self.out},1,1])
              %c = binary_conv(%b, %w) strides={listed(self.strides)} pads={listed(self.pads)}
                   dilations={listed(self.dilations)} groups={self.groups} : i32{y}@nhwc
              %f = cast(%c) to=f32 : f32{y}@nhwc
              %m = mul(%f, %s) : f32{y}@nhwc
              %r = binarize(%m) zero=0 : ternary{y}@words
              yield %m, %r
            }} : f32{y}@nhwc, ternary{y}@words
            %d = fused([%q]) kernel="" {{
              (%q: ternary{y}@words)
              %e = decode(%q) : f32{y}
              yield %e
            }} : f32{y}
            %p = relayout(%y) layout=row : f32{y}
            output %p as "y"
            output %d as "q"
        """


def gemm(inputs: int, out: int, zero: int) -> str:
    """A product with integer thresholds behind it."""
    bits = "ternary" if zero == 0 else SIGN
    return f"""
        input %x: f32[N,{inputs}]
        %w = const() data=random(7) element={SIGN} : {SIGN}[{out},{inputs}]
        %t = const() data=random(8) element=i32 : i32[{out}]
        %f = const() data=random(9) element=bool : bool[{out}]
        %b = fused([%x]) kernel="" {{
          (%x: f32[N,{inputs}])
          %c = binarize(%x) zero={zero} : {bits}[N,{inputs}]@words
          yield %c
        }} : {bits}[N,{inputs}]@words
        %y, %q = fused([%b, %w, %t, %f]) kernel="binary_gemm" {{
          (%b: {bits}[N,{inputs}]@words, %w: {SIGN}[{out},{inputs}], %t: i32[{out}],
           %f: bool[{out}])
          %c = binary_gemm(%b, %w) : i32[N,{out}]
          %r = threshold(%c, %t, %f) : {SIGN}[N,{out}]@words
          yield %c, %r
        }} : i32[N,{out}], {SIGN}[N,{out}]@words
        %d = fused([%q]) kernel="" {{
          (%q: {SIGN}[N,{out}]@words)
          %e = decode(%q) : f32[N,{out}]
          yield %e
        }} : f32[N,{out}]
        output %y as "y"
        output %d as "q"
    """


CONVS = {
    "one": Conv(1, 3),
    "c3": Conv(3, 31, zero=0),
    "c31": Conv(31, 33, strides=(2, 2)),
    "c32": Conv(32, 32),
    "c33": Conv(33, 64, zero=0),
    "c64": Conv(64, 96),
    "c65": Conv(65, 65, pads=(0, 1, 2, 0)),
    "c96": Conv(96, 128, size=(4, 9)),
    "c128": Conv(128, 200, size=(3, 3), zero=0),
    "c200": Conv(200, 16, zero=-1),
    "c256": Conv(256, 40, size=(3, 8)),
    "pointwise": Conv(64, 64, kernel=(1, 1), pads=(0, 0, 0, 0)),
    "strided": Conv(64, 64, kernel=(1, 1), strides=(2, 2), pads=(0, 0, 0, 0), zero=0),
    "five": Conv(64, 24, kernel=(5, 5), pads=(2, 2, 2, 2)),
    "seven": Conv(40, 24, size=(9, 9), kernel=(7, 7), strides=(2, 2), pads=(3, 3, 4, 4)),
    "row": Conv(64, 32, kernel=(1, 7), pads=(0, 3, 0, 3)),
    "dilated": Conv(64, 32, size=(9, 7), dilations=(2, 3), pads=(2, 3, 2, 3), zero=0),
    "wide": Conv(70, 32, size=(2, 3), kernel=(3, 5), pads=(2, 4, 2, 4)),
    "pixel": Conv(64, 32, size=(3, 3), pads=(0, 0, 0, 0)),
    "halves": Conv(64, 48, groups=2),
    "quarters": Conv(128, 256, size=(3, 3), groups=4, zero=0),
    "odd_groups": Conv(60, 36, groups=12),
    "odd_ternary": Conv(60, 36, groups=12, zero=0),
    "depthwise": Conv(70, 70, groups=70),
    "depthwise_ternary": Conv(40, 80, groups=40, strides=(2, 1), zero=0),
    "many": Conv(1100, 16, size=(2, 2)),
}
CASES = {name: conv.text() for name, conv in CONVS.items()} | {
    "gemm": gemm(784, 100, 1),
    "gemm_ternary": gemm(65, 10, 0),
    "gemm_stripes": gemm(600, 531, 1),
    "gemm_long": gemm(9000, 17, 1),
    "gemm_long_ternary": gemm(4099, 8, 0),
}


SHORT = ("c3", "c33", "c65", "c256", "depthwise", "gemm_long", "gemm_long_ternary")
"""What counts otherwise on the targets that differ from one of `TARGETS` in the counter alone."""


@pytest.fixture(scope="module", params=TARGETS)
def cases(request: pytest.FixtureRequest) -> Cases:
    return Cases(CASES, request.param)


@pytest.fixture(scope="module", params=[*sorted(set(X86_PATHS) - set(TARGETS)), "cortex-a76"])
def short_cases(request: pytest.FixtureRequest) -> Cases:
    return Cases({name: CASES[name] for name in SHORT}, request.param)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("batch", "pieces"), [(1, 0), (3, 4)])
def test_binary_products_bit_for_bit(cases: Cases, name: str, batch: int, pieces: int) -> None:
    _assert_equal(cases, name, batch, pieces)


@pytest.mark.parametrize("name", SHORT)
def test_every_counter_bit_for_bit(short_cases: Cases, name: str) -> None:
    _assert_equal(short_cases, name, 2, 0)


def _assert_equal(cases: Cases, name: str, batch: int, pieces: int) -> None:
    for expected, got in cases.pairs(name, batch, pieces):
        assert expected.dtype == got.dtype
        assert expected.tobytes() == got.tobytes()
