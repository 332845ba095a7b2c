"""Binary convolutions and products against their definition, bit for bit, on every code path."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pytest
from binary_cases import SIGN, Conv
from kernel_cases import TARGETS, Cases, asked_for, each, joined, library, per_case
from library_support import X86_PATHS, Library, present, random_inputs, scheduled
from missing_instructions import runnable
from sampling import Parameters

from bnnc.ir import interpret

CONSTANT_CHANNELS = (
    "data=[-2147483648, 2147483647, -2147483648, 2147483647, 5, 5, -5, -5]",
    "data=[false, false, true, true, false, true, false, true]",
)
"""Thresholds, and what turns them, of channels that are +1, -1, -1 and +1 whatever is counted, and
of four others."""


def gemm(inputs: int, out: int, zero: int, steps: tuple[str, str] | None = None) -> str:
    """A product with integer thresholds after it, random ones or ``steps``."""
    bits = "ternary" if zero == 0 else SIGN
    thresholds, flips = steps or ("data=random(8)", "data=random(9)")
    return f"""
        input %x: f32[N,{inputs}]
        %w = const() data=random(7) element={SIGN} : {SIGN}[{out},{inputs}]
        %t = const() {thresholds} element=i32 : i32[{out}]
        %f = const() {flips} element=bool : bool[{out}]
        %b = fused([%x]) kernel="" {{
          (%x: f32[N,{inputs}])
          %c = binarize(%x) zero={zero} : {bits}[N,{inputs}]@words
          yield %c
        }} : {bits}[N,{inputs}]@words
        %y, %q = fused([%b, %w, %t, %f]) kernel="" {{
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
    "one_unit_a_task": Conv(4, 1, size=(17, 2), kernel=(1, 1), strides=(1, 2), pads=(0, 0, 1, 0)),
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
    "gemm_constant_channels": gemm(70, 8, 1, CONSTANT_CHANNELS),
    "gemm_stripes": gemm(600, 531, 1),
    "gemm_long": gemm(9000, 17, 1),
    "gemm_long_ternary": gemm(4099, 8, 0),
}


SHORT = ("c3", "c33", "c65", "c256", "depthwise", "gemm_long", "gemm_long_ternary")
"""What counts otherwise on the targets that differ from one of `TARGETS` only in the counter."""


@pytest.fixture(scope="module", params=TARGETS)
def cases(request: pytest.FixtureRequest) -> Cases:
    return Cases(asked_for(request, CASES), *request.param)


def _counter_and_form(parameters: Parameters) -> Hashable:
    return parameters["short_cases"], parameters["name"].startswith("gemm")


@pytest.fixture(scope="module", params=each("alderlake", "v4-bitalg", "v4-vnni", "cortex-a76"))
def short_cases(request: pytest.FixtureRequest) -> Cases:
    return Cases(asked_for(request, {name: CASES[name] for name in SHORT}), *request.param)


@pytest.mark.sampled(per=per_case(CASES))
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("batch", "pieces"), [(1, 0), (3, 4)])
def test_binary_products_bit_for_bit(cases: Cases, name: str, batch: int, pieces: int) -> None:
    cases.assert_equal(name, batch, pieces)


@pytest.mark.sampled(per=_counter_and_form)
@pytest.mark.parametrize("name", SHORT)
def test_every_counter_bit_for_bit(short_cases: Cases, name: str) -> None:
    short_cases.assert_equal(name, 2, 0)


@pytest.mark.parametrize("run", each("v3", "arm64"))
def test_no_zero_of_a_long_row_is_overlooked(run: tuple[str, str]) -> None:
    """The two-valued loop runs where a row has none."""
    graph = scheduled(joined({"long": gemm(4099, 8, 0)}))
    compiled = library(graph, *run)
    x = np.where(np.arange(4099) % 3, 1, -1).astype(np.float32)[None]
    for zero in (None, 0, 64, 1023, 1024, 2111, 4031, 4095, 4096, 4098):
        row = x.copy()
        if zero is not None:
            row[0, zero] = 0
        got = compiled.run({"long.x": row}, 1)
        for name, expected in interpret(graph, {"long.x": row}).items():
            assert expected.tobytes() == got[name].tobytes(), f"a zero at {zero}"


@pytest.mark.parametrize("run", each("icelake", "v4-bitalg"))
def test_code_for_vector_popcounts_on_a_machine_without_them(run: tuple[str, str]) -> None:
    """The same LLVM IR, in which LLVM expands what the machine lacks: what is run where VPOPCNTD
    or VPOPCNTB cannot be."""
    target, backend = run
    machine = runnable(X86_PATHS[target].without("avx512_vpopcntdq", "avx512_bitalg"))
    if not present(machine):
        pytest.skip(f"not executed here: this machine cannot run {machine.name} without popcounts")
    graph = scheduled(joined({name: CASES[name] for name in ("c33", "c65", "gemm_long")}))
    library = Library(graph, X86_PATHS[target], machine, backend)
    inputs = random_inputs(graph, 2)
    got = library.run(inputs, 2)
    for name, expected in interpret(graph, inputs).items():
        assert expected.tobytes() == got[name].tobytes()
