"""Products on a matrix unit against their definition, bit for bit: signs, ternaries and bytes."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from binary_cases import SIGN, Conv
from kernel_cases import Cases, asked_for, by_target
from library_support import X86_PATHS, present, random_inputs, run_graph, scheduled
from missing_instructions import runnable
from sampling import Parameters

from bnnc.backends.llvm import LlvmBackend
from bnnc.ir import interpret
from bnnc.ir.ops.window import Window

CONV, GEMM = "binary_conv_matrix", "binary_gemm_matrix"
CONVS = {
    "c4": Conv(4, 3, size=(5, 7)),
    "c64": Conv(64, 96, size=(9, 18)),
    "c65": Conv(65, 65, pads=(0, 1, 2, 0)),
    "c96": Conv(96, 128, size=(4, 9), zero=0),
    "c128": Conv(128, 200, size=(3, 3), zero=0),
    "c200": Conv(200, 16, zero=-1),
    "c256": Conv(256, 40, size=(7, 7)),
    "c33": Conv(33, 64, pads=(0, 0, 0, 0), zero=0),
    "pointwise": Conv(65, 64, size=(5, 9), kernel=(1, 1), pads=(0, 0, 0, 0)),
    "padded_pointwise": Conv(64, 17, size=(4, 3), kernel=(1, 1), pads=(1, 2, 0, 1)),
    "strided": Conv(64, 64, kernel=(1, 1), strides=(2, 2), pads=(0, 0, 0, 0), zero=0),
    "halved": Conv(64, 24, size=(9, 11), strides=(2, 2)),
    "halved_even": Conv(64, 24, size=(8, 12), strides=(2, 2), zero=0),
    "thirds": Conv(70, 32, size=(11, 13), kernel=(5, 4), strides=(3, 2), pads=(2, 1, 2, 1)),
    "skipping": Conv(64, 32, size=(11, 10), kernel=(2, 2), strides=(4, 3), pads=(0, 0, 0, 0)),
    "five": Conv(64, 24, kernel=(5, 5), pads=(2, 2, 2, 2)),
    "seven": Conv(40, 24, size=(9, 9), kernel=(7, 7), strides=(2, 2), pads=(3, 3, 4, 4)),
    "row": Conv(64, 32, kernel=(1, 7), pads=(0, 3, 0, 3)),
    "column": Conv(64, 32, kernel=(7, 1), pads=(3, 0, 3, 0), zero=0),
    "dilated": Conv(64, 32, size=(9, 7), dilations=(2, 3), pads=(2, 3, 2, 3), zero=0),
    "dilated_strided": Conv(
        64, 32, size=(9, 7), dilations=(2, 3), strides=(2, 2), pads=(2, 3, 2, 3)
    ),
    "wide": Conv(72, 32, size=(2, 3), kernel=(3, 5), pads=(2, 4, 2, 4)),
    "whole": Conv(70, 50, size=(3, 4), kernel=(3, 4), pads=(0, 0, 0, 0), zero=0),
    "whole_bordered": Conv(64, 48, size=(2, 2), kernel=(3, 3), strides=(2, 2), pads=(1, 1, 0, 0)),
    "many": Conv(1100, 16, size=(2, 2)),
}
BYTES = {
    # operand, channels out, weights, kernel, strides, pads
    "pointwise": ("N,100,5,7", 70, "bits<2;-2,-1,0,1>", (1, 1), (1, 1), (0, 0, 0, 0)),
    "three": ("2N,130,6,5", 40, SIGN, (3, 3), (1, 1), (1, 1, 1, 1)),
    "halved": ("N,64,9,9", 33, "bits<2;-3,-1,1,3>", (3, 3), (2, 2), (1, 1, 0, 0)),
    "whole": ("N,70,2,3", 16, "i8", (2, 3), (1, 1), (0, 0, 0, 0)),
    "line": ("N,70,30", 20, SIGN, (5,), (2,), (2, 1)),
    "gemm": ("N,784", 70, "i8", (), (), ()),
    "gemm_bits": ("3N,33", 20, SIGN, (), (), ()),
    "gemm_few": ("N,128", 33, f"bits<3;{','.join(map(str, range(-4, 4)))}>", (), (), ()),
    "gemm_16": ("N,100", 33, f"bits<4;{','.join(map(str, range(-15, 16, 2)))}>", (), (), ()),
    "gemm_32": ("N,100", 33, f"bits<5;{','.join(map(str, range(-16, 16)))}>", (), (), ()),
}  # fmt: skip


def _bytes(element: str, name: str) -> str:
    """Counts as they are, and as bits by a threshold."""
    dims, out, weights, kernel, strides, pads = BYTES[name]
    batch, channels, *size = dims.split(",")
    shape, at, call = f"{batch},{out}", "", f"binary_gemm(%x, %w) : i32[{batch},{out}]"
    w = f"{weights}[{','.join([str(out), channels, *map(str, kernel)])}]"
    if size:
        ones = (1,) * len(size)
        spatial = Window(kernel, strides, ones, pads).output(tuple(map(int, size)))
        shape, at = ",".join(map(str, (batch, out, *spatial))), "@nhwc"
        lists = [",".join(map(str, v)) for v in (strides, pads, ones)]
        call = (
            f"binary_conv(%x, %w) strides=[{lists[0]}] pads=[{lists[1]}] "
            f"dilations=[{lists[2]}] groups=1 : i32[{shape}]@nhwc"
        )
    contents = "splat(-128)" if weights == "i8" else "random(5)"
    return f"""
        input %x: {element}[{dims}]{at}
        %w = const() data={contents} element={weights} : {w}
        %t = const() data=random(6) element=i32 : i32[{out}]
        %f = const() data=random(7) element=bool : bool[{out}]
        %s, %n = fused([%x, %w, %t, %f]) kernel="{CONV if size else GEMM}" {{
          (%x: {element}[{dims}]{at}, %w: {w}, %t: i32[{out}], %f: bool[{out}])
          %n = {call}
          %s = threshold(%n, %t, %f) : {SIGN}[{shape}]@words
          yield %s, %n
        }} : {SIGN}[{shape}]@words, i32[{shape}]{at}
        output %n as "n"
        output %s as "s"
    """


def _gemm(inputs: int, out: int, zero: int) -> str:
    bits = "ternary" if zero == 0 else SIGN
    return f"""
        input %x: f32[N,{inputs}]
        %w = const() data=random(7) element={SIGN} : {SIGN}[{out},{inputs}]
        %b = fused([%x]) kernel="" {{
          (%x: f32[N,{inputs}])
          %c = binarize(%x) zero={zero} : {bits}[N,{inputs}]@words
          yield %c
        }} : {bits}[N,{inputs}]@words
        %y = fused([%b, %w]) kernel="{GEMM}" {{
          (%b: {bits}[N,{inputs}]@words, %w: {SIGN}[{out},{inputs}])
          %c = binary_gemm(%b, %w) : i32[N,{out}]
          yield %c
        }} : i32[N,{out}]
        output %y as "y"
    """


CASES = {
    **{name: conv.text(CONV) for name, conv in CONVS.items()},
    **{f"{name}_signs": conv.thresholded(CONV) for name, conv in CONVS.items()},
    **{f"{name}_{e}": _bytes(e, name) for name in BYTES for e in ("u8", "i8")},
    "gemm": _gemm(784, 100, 1),
    "gemm_ternary": _gemm(65, 10, 0),
    "gemm_long": _gemm(9000, 17, 1),
}


@pytest.fixture(scope="module", params=by_target("amx"))
def cases(request: pytest.FixtureRequest) -> Cases:
    return Cases(asked_for(request, CASES), request.param, strict=False)


def _name(parameters: Parameters) -> str:
    return parameters["name"].removesuffix("_signs")


@pytest.mark.sampled(per=_name)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("batch", "pieces"), [(1, 0), (3, 4), (17, 3)])
def test_products_bit_for_bit(cases: Cases, name: str, batch: int, pieces: int) -> None:
    cases.assert_equal(name, batch, pieces)


@pytest.mark.parametrize(
    "conv",
    [
        Conv(64, 32, size=(40, 37)),
        Conv(64, 32, size=(40, 37), strides=(2, 2), zero=0),
        Conv(64, 32, size=(40, 37), kernel=(1, 1), pads=(0, 0, 0, 0)),
    ],
    ids=["three", "halved", "pointwise"],
)
@pytest.mark.parametrize("pieces", [0, 7])
def test_a_map_that_the_second_level_does_not_hold(conv: Conv, pieces: int) -> None:
    """Some rows of it are expanded at a time."""
    target = replace(X86_PATHS["amx"], l2=1 << 16)
    if not present(runnable(target)):
        pytest.skip("not executed here: this machine cannot run amx")
    graph = scheduled(f"graph @g scheduled {{{conv.thresholded(CONV)}}}")
    inputs = random_inputs(graph, 2)
    got = run_graph(graph, inputs, target, 2, pieces)
    for name, expected in interpret(graph, inputs).items():
        assert expected.tobytes() == got[name].tobytes()


def test_sums_are_made_by_the_unit_s_instructions() -> None:
    graph = scheduled(f"graph @g scheduled {{{Conv(64, 32).thresholded(CONV)}}}")
    lowered = LlvmBackend().lower(graph, X86_PATHS["amx"])
    assembly = lowered.emit("asm", "test", b"\0").decode()
    for mnemonic, count in (("ldtilecfg", 1), ("tdpbssd", 4), ("tilerelease", 1)):
        assert len(re.findall(rf"\b{mnemonic}\b", assembly)) >= count
    assert not np.any(
        [re.search(rf"{name}\b.*rsp", assembly) for name in ("ldtilecfg", "sttilecfg")]
    )
