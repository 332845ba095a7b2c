"""Products of 8-bit integers and weights of 1 to 8 bits: every kernel equals the operator's
definition."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from emulated import EmulatedLibrary
from kernel_cases import each
from kernel_cases import library as load
from library_support import X86_PATHS, Library, scheduled

from bnnc.backends import targets as backends
from bnnc.backends.llvm import LlvmBackend
from bnnc.ir import Graph, interpret
from bnnc.ir.ops import Fused
from bnnc.ir.ops.window import Window

VBMI = replace(X86_PATHS["v4-vnni"], features=(*X86_PATHS["v4-vnni"].features, "avx512vbmi"))
PATHS = {**X86_PATHS, "v4-vbmi": VBMI}
TARGETS = each("v2", "v3", "alderlake", "v4", "v4-vnni", "v4-vbmi", "arm64", "cortex-a76")
CONVS = {
    # name: (operand, layout, channels out, kernel, strides, dilations)
    "stem3": ("N,3,11,13", "row", 64, (3, 3), (2, 2), (1, 1)),
    "stem7": ("N,3,17,19", "row", 64, (7, 7), (2, 2), (1, 1)),
    "stem3_last": ("N,3,11,13", "nhwc", 64, (3, 3), (1, 1), (1, 1)),
    "gray": ("N,1,9,9", "row", 20, (3, 3), (1, 1), (1, 1)),
    "gray_column": ("2N,1,9,1", "row", 16, (5, 1), (1, 1), (2, 1)),
    "dilated": ("N,2,12,14", "row", 33, (3, 2), (1, 2), (2, 3)),
    "dilated_last": ("N,5,12,14", "nhwc", 40, (3, 2), (1, 2), (2, 3)),
    "deep": ("N,70,5,6", "row", 24, (3, 3), (1, 1), (1, 1)),
    "deep_last": ("N,130,4,5", "nhwc", 72, (3, 3), (1, 1), (1, 1)),
    "pointwise": ("2,4,6,7", "nhwc", 10, (1, 1), (1, 1), (1, 1)),
    "line": ("N,2,30", "row", 17, (5,), (3,), (1,)),
    "whole": ("N,3,4,4", "row", 50, (4, 4), (1, 1), (1, 1)),
}
SIGN = "bits<1;-1,1>"
WEIGHTS = {
    "w2": "bits<2;-2,-1,0,1>",
    "w4": f"bits<4;{','.join(str(v) for v in range(-15, 16, 2))}>",
    "w7": f"bits<7;{','.join(map(str, range(-64, 64)))}>",
    "w8": f"bits<8;{','.join(map(str, range(-128, 128)))}>",
    "bytes": "i8",
}
"""Of few bits, of so many that 16 bits hold few pairs of products, one or none."""
FEW = 7
"""The largest magnitude of inputs that are stated to be small."""
OF_FEW = ("deep_last", "gemm")
OF_MANY_BITS = ("stem3", "dilated_last", "deep", "deep_last", "gemm", "gemm_short")
GEMMS = {"gemm": ("N", 784, 64), "gemm_short": ("3N", 5, 7), "gemm_fixed": ("6", 33, 130)}


def _conv(element: str, case: str, weights: str = SIGN) -> str:
    dims, layout, out, kernel, strides, dilations = CONVS[case]
    batch, channels, *size = dims.split(",")
    window = Window(kernel, strides, dilations, (0,) * 2 * len(kernel))
    spatial = ",".join(map(str, window.output(tuple(map(int, size)))))
    w = f"{weights}[{out},{channels},{','.join(map(str, kernel))}]"
    at = "" if layout == "row" else "@nhwc"
    lists = [",".join(map(str, v)) for v in (strides, (0,) * 2 * len(kernel), dilations)]
    attributes = f"strides=[{lists[0]}] pads=[{lists[1]}] dilations=[{lists[2]}] groups=1"
    result = f"[{batch},{out},{spatial}]"
    return _region(element, f"[{dims}]{at}", w, f"binary_conv(%x, %w) {attributes}", result, out)


def _gemm(element: str, case: str, weights: str = SIGN) -> str:
    batch, inputs, out = GEMMS[case]
    w, result = f"{weights}[{out},{inputs}]", f"[{batch},{out}]"
    return _region(element, f"[{batch},{inputs}]", w, "binary_gemm(%x, %w)", result, out)


def _region(element: str, x: str, w: str, op: str, result: str, out: int) -> str:
    """Counts as they are, and as bits by a threshold."""
    at = "@nhwc" if result.count(",") > 1 else ""
    contents = "splat(-128)" if w.startswith("i8") else "random(5)"
    bits = f"bits<1;-1,1>{result}@words"
    return f"""
        input %x: {element}{x}
        %w = const() data={contents} element={w.partition("[")[0]} : {w}
        %t = const() data=random(6) element=i32 : i32[{out}]
        %f = const() data=random(7) element=bool : bool[{out}]
        %n, %s = fused([%x, %w, %t, %f]) kernel="" {{
          (%x: {element}{x}, %w: {w}, %t: i32[{out}], %f: bool[{out}])
          %n = {op} : i32{result}{at}
          %s = threshold(%n, %t, %f) : {bits}
          yield %n, %s
        }} : i32{result}{at}, {bits}
        output %n as "n"
        output %s as "s"
    """


def _text() -> str:
    lines = ["graph @cases scheduled {"]
    for element in ("u8", "i8"):
        cases = {c: _conv(element, c) for c in CONVS} | {c: _gemm(element, c) for c in GEMMS}
        for weights, of_weights in WEIGHTS.items():
            for case in OF_MANY_BITS:
                layer = _conv if case in CONVS else _gemm
                cases[f"{case}.{weights}"] = text = layer(element, case, of_weights)
                if case in OF_FEW and weights in ("w4", "w7"):
                    few = re.sub(r"(groups=1|gemm\(%x, %w\))", rf"\1 largest={FEW}", text)
                    cases[f"{case}.{weights}.few"] = few
        for name, text in cases.items():
            prefixed = re.sub(r"%([a-z])", rf"%{name}.{element}.\1", text)
            lines.append(re.sub(r'as "(\w+)"', rf'as "{name}.{element}.\1"', prefixed))
    return "\n".join([*lines, "}"])


@pytest.fixture(scope="module", params=TARGETS)
def library(request: pytest.FixtureRequest) -> Library | EmulatedLibrary:
    return load(scheduled(_text(), strict=False), *request.param, PATHS)


def _inputs(graph: Graph, batch: int) -> dict[str, np.ndarray]:
    """Bytes, the ends of their range often."""
    rng = np.random.default_rng(batch)
    out: dict[str, np.ndarray] = {}
    for value in graph.inputs:
        info = np.iinfo(value.element.dtype)
        array = rng.integers(info.min, info.max + 1, value.type.concrete(batch))
        ends = rng.choice([info.min, info.max], array.shape)
        if ".few." in value.name:
            array, ends = (np.clip(a, -FEW, FEW) for a in (array, ends))
        out[value.name] = np.where(rng.random(array.shape) < 0.5, ends, array).astype(info.dtype)
    return out


@pytest.mark.sampled(per=("batch",))
@pytest.mark.parametrize(("batch", "pieces"), [(1, 0), (3, 2), (9, 5)])
def test_counts_are_exact(library: Library | EmulatedLibrary, batch: int, pieces: int) -> None:
    inputs = _inputs(library.graph, batch)
    got = library.run(inputs, batch, pieces)
    for name, expected in interpret(library.graph, inputs).items():
        np.testing.assert_array_equal(got[name], expected, err_msg=name)


@pytest.mark.parametrize(
    ("target", "instruction"),
    [
        ("icelake-server", "vpdpbusd"),
        ("alderlake", r"{vex}\s+vpdpbusd"),
        ("x86-64-v4", "vpmaddubsw"),
        ("x86-64-v3", "vpmaddubsw"),
        ("x86-64-v2", "pmaddubsw"),
        ("cortex-a76", "sdot"),
        ("arm64", "smlal"),
    ],
)
def test_products_of_bytes_are_one_instruction(target: str, instruction: str) -> None:
    text = f"graph @g scheduled {{ {_conv('u8', 'stem7')} }}"
    graph = scheduled(text, strict=False)
    assembly = LlvmBackend().lower(graph, backends.TARGETS[target]).emit("asm", "t", b"{}\0")
    assert re.search(rf"\s{instruction}\s", assembly.decode())


def test_refusals_say_why() -> None:
    (kernel,) = [k for k in LlvmBackend().kernels if k.name == "integer_conv"]
    target = backends.TARGETS["x86-64-v3"]
    text = _conv("u8", "stem3")
    for old, new, reason in (
        ("pads=[0,0,0,0]", "pads=[1,1,1,1]", "neither padding nor groups"),
        (": u8", ": bits<1;-1,1>", "expected an operand of bytes"),
    ):
        changed = text.replace(old, new).replace(",5,6]", ",6,7]") if "pads" in old else text
        changed = changed.replace(old, new)
        graph = scheduled(f"graph @g scheduled {{ {changed} }}", strict=False)
        (fused,) = [node.op for node in graph.nodes if isinstance(node.op, Fused)]
        assert reason in (kernel.refuses(fused, target) or "")
