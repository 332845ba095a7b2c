"""Products of bytes with weights of four to a byte: equal to the operator's definition."""

from __future__ import annotations

import numpy as np
import pytest
from emulated import EmulatedLibrary
from kernel_cases import library as load
from library_support import X86_PATHS, Library, scheduled

from bnnc.ir import Graph, interpret

TARGETS = [("v2", "llvm"), ("v3", "llvm"), ("v4", "llvm"), ("v4-vnni", "llvm")]
TARGETS += [("cortex-a76", "llvm")]
LEVELS = {
    "signs": "bits<1;-1,1>",
    "two": "bits<2;-2,-1,0,1>",
    "ternary": "bits<2;-1,0,1,1>",
    "odd": "bits<2;-3,-1,1,3>",
    "counted": "bits<2;0,1,2,3>",
}
SHAPES = {"words": ("5N", 44, 37), "many": ("N", 1028, 300), "vectors": ("3", 128, 64)}
"""Rows, inputs and outputs: of a few words, of many, of whole vectors."""
CASES = [
    ("u8", "signs", "words"),
    ("i8", "signs", "many"),
    ("u8", "two", "many"),
    ("i8", "two", "vectors"),
    ("u8", "ternary", "vectors"),
    ("i8", "ternary", "words"),
    ("u8", "odd", "words"),
    ("i8", "counted", "many"),
]


def _product(name: str, element: str, levels: str, shape: str) -> str:
    batch, inputs, out = SHAPES[shape]
    x, w = f"{element}[{batch},{inputs}]", f"{LEVELS[levels]}[{out},{inputs}]"
    result, bits = f"i32[{batch},{out}]", f"bits<1;-1,1>[{batch},{out}]@words"
    v = f"%{name}"
    return f"""
        input {v}.x: {x}
        {v}.w = const() data=random(5) element={LEVELS[levels]} : {w}
        {v}.t = const() data=random(6) element=i32 : i32[{out}]
        {v}.f = const() data=random(7) element=bool : bool[{out}]
        {v}.n, {v}.s = fused([{v}.x, {v}.w, {v}.t, {v}.f]) kernel="integer_gemm_fields" {{
          (%x: {x}, %w: {w}, %t: i32[{out}], %f: bool[{out}])
          %n = binary_gemm(%x, %w) : {result}
          %s = threshold(%n, %t, %f) : {bits}
          yield %n, %s
        }} : {result}, {bits}
        output {v}.n as "{name}.n"
        output {v}.s as "{name}.s"
    """


def _graph() -> Graph:
    cases = [_product(f"{e}.{w}.{shape}", e, w, shape) for e, w, shape in CASES]
    return scheduled("\n".join(["graph @cases scheduled {", *cases, "}"]), strict=False)


@pytest.fixture(scope="module", params=TARGETS, ids=lambda target: target[0])
def library(request: pytest.FixtureRequest) -> Library | EmulatedLibrary:
    return load(_graph(), *request.param, X86_PATHS)


@pytest.mark.parametrize(("batch", "pieces"), [(1, 0), (3, 2)])
def test_sums_are_exact(library: Library | EmulatedLibrary, batch: int, pieces: int) -> None:
    """With the ends of the inputs' range often, so that sums are as large as they get."""
    rng = np.random.default_rng(batch)
    inputs: dict[str, np.ndarray] = {}
    for value in library.graph.inputs:
        info = np.iinfo(value.element.dtype)
        array = rng.integers(info.min, info.max + 1, value.type.concrete(batch))
        ends = rng.choice([info.min, info.max], array.shape[:1])[:, None]
        inputs[value.name] = np.where(rng.random(array.shape) < 0.7, ends, array).astype(info.dtype)
    got = library.run(inputs, batch, pieces)
    for name, expected in interpret(library.graph, inputs).items():
        np.testing.assert_array_equal(got[name], expected, err_msg=name)
