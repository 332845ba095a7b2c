"""What comes out of a backend, for every target: symbols, sections, bytes, instructions."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Golden
from emitted_code import hot_loop, interface, loop_facts, outline
from library_support import X86_PATHS, Args, Library, scheduled

from bnnc.backends import linking
from bnnc.backends.codegen import triples
from bnnc.backends.targets import TARGETS, Target
from bnnc.driver import load_backend
from bnnc.errors import LoweringError
from bnnc.ir import Graph
from bnnc.runtime.elf import parse_elf
from bnnc.runtime.manifest import NO_WORKSPACE

GOLDEN = Path(__file__).parent / "golden"
MANIFEST = b'{"abi":1}\0'
ROWS = {**TARGETS, "v4-bitalg": X86_PATHS["v4-bitalg"]}
SIGN = "bits<1;-1,1>"
SHF_WRITE = 1
"""ELF's flag of a section that is writable when loaded."""


def layer(channels: int, size: int, sign: str = SIGN, head: bool = True, kernel: str = "") -> str:
    """A binary 3x3 layer between a float stem and (the head) a product."""
    x, y = f"[N,{channels},{size},{size}]", f"f32[N,{channels},{size},{size}]"
    w = f"{SIGN}[{channels},{channels},3,3]"
    window = "strides=[1,1] pads=[1,1,1,1] dilations=[1,1] groups=1"
    return f"""
    graph @layer scheduled {{
      input %x: f32[N,3,{size},{size}]
      %u = const() data=random(1) element=f32 : f32[{channels},3,3,3]
      %w = const() data=random(2) element={SIGN} : {w}
      %s = const() data=random(3) element=f32 : f32[{channels},1,1]
      %a = fused([%x, %u]) kernel="" {{
        (%x: f32[N,3,{size},{size}], %u: f32[{channels},3,3,3])
        %p = conv(%x, %u, none) {window} : {y}@nhwc
        %q = binarize(%p) zero={0 if sign == "ternary" else 1} : {sign}{x}@words
        yield %q
      }} : {sign}{x}@words
      %b = fused([%a, %w, %s]) kernel="{kernel}" {{
        (%a: {sign}{x}@words, %w: {w}, %s: f32[{channels},1,1])
        %c = binary_conv(%a, %w) {window} : i32{x}@nhwc
        %f = cast(%c) to=f32 : {y}@nhwc
        %m = mul(%f, %s) : {y}@nhwc
        %e = tanh(%m) : {y}@nhwc
        yield %e
      }} : {y}@nhwc
      %r = relayout(%b) layout=row : {y}
      {_head(channels, size) if head else 'output %r as "r"'}
    }}
    """


def _head(channels: int, size: int) -> str:
    return f"""
      %v = const() data=random(4) element=f32 : f32[10,{channels * size * size}]
      %k = const() data=random(5) element=f32 : f32[10]
      %t = reshape(%r) shape=[N,{channels * size * size}] : f32[N,{channels * size * size}]
      %o = fused([%t, %v, %k]) kernel="" {{
        (%t: f32[N,{channels * size * size}], %v: f32[10,{channels * size * size}], %k: f32[10])
        %g = gemm(%t, %v, %k) : f32[N,10]
        yield %g
      }} : f32[N,10]
      %l = softmax(%o) axis=1 : f32[N,10]
      output %l as "l"
    """


@pytest.fixture(scope="module")
def model() -> Graph:
    return scheduled(layer(64, 5, "ternary"))


@pytest.mark.sampled(per=("name",))
@pytest.mark.parametrize("name", ROWS)
def test_only_memory_functions_are_undefined(backend: str, name: str, model: Graph) -> None:
    """`link` looks too; here the object itself is looked at, and what it exports."""
    target = ROWS[name]
    lowered = load_backend(backend).lower(model, target)
    obj = lowered.emit("obj", "some_model", MANIFEST)
    elf = parse_elf(obj, "object")
    assert set(elf.undefined_symbols()) <= linking.ALLOWED_UNDEFINED
    library = parse_elf(linking.link(obj, target), "library")
    exported = {s.name for s in library.symbols() if s.defined}
    pool = ("pool_bytes", "pool_for", "pool_init", "pool_stop", "pool_work")
    names = ("abi_version", "describe", "interface", *pool, "run", "supported", "workspace_size")
    assert exported == {f"some_model_{part}" for part in names}
    assert library.needed_libraries() == ()
    for section in library.sections:
        if section.flags & SHF_WRITE:
            assert section.name in (".dynamic", ".got", ".got.plt", ".relro_padding"), section.name
    manifest = library.section(".bnnc.manifest")
    assert manifest is not None
    assert bytes(library.content(manifest)) == MANIFEST


@pytest.mark.parametrize("name", ["x86-64-v3", "arm64"])
def test_the_same_bytes_again(backend: str, name: str) -> None:
    """From graphs parsed anew, of objects and of libraries."""
    graphs = [scheduled(layer(32, 3)) for _ in range(2)]
    lowered = [load_backend(backend).lower(graph, TARGETS[name]) for graph in graphs]
    emitted = [module.emit("obj", "m", MANIFEST) for module in lowered]
    assert emitted[0] == emitted[1]
    libraries = [linking.link(obj, TARGETS[name]) for obj in emitted]
    assert libraries[0] == libraries[1]
    assert b"bnnc-" not in libraries[0]
    assert b"/tmp" not in libraries[0]


def test_assembly_and_llvm_ir_hold_the_constants(backend: str, model: Graph) -> None:
    lowered = load_backend(backend).lower(model, TARGETS["x86-64-v3"])
    assembly = lowered.emit("asm", "m", MANIFEST).decode()
    assert "m_run:" in assembly
    text = lowered.emit("llvm", "m", MANIFEST).decode()
    assert re.search(r"^define .*@m_run\(", text, re.MULTILINE)
    block = next(line for line in text.splitlines() if line.startswith("@m_constants"))
    assert re.search(r'c"(?:\\[0-9A-F]{2}|.){100}', block)


def test_a_cpu_by_name_compiles(backend: str, model: Graph) -> None:
    """A machine without a row: plain 128-bit vectors, whatever LLVM makes of them."""
    target = triples.resolve("riscv64-unknown-linux-gnu:sifive-u74")
    obj = load_backend(backend).lower(model, target).emit("obj", "m", MANIFEST)
    assert set(parse_elf(obj, "object").undefined_symbols()) <= linking.ALLOWED_UNDEFINED


def test_equal_kernels_are_kept_once(backend: str) -> None:
    """Two layers that differ only in their weights share one function."""
    x = f"{SIGN}[N,64]@words"
    w = f"{SIGN}[64,64]"
    step = """
      %w{i} = const() data=random({i}) element={S} : {w}
      %b{i} = fused([%b{j}, %w{i}]) kernel="" {{
        (%b: {x}, %w: {w})
        %c = binary_gemm(%b, %w) : i32[N,64]
        %f = cast(%c) to=f32 : f32[N,64]
        %r = binarize(%f) zero=1 : {x}
        yield %r
      }} : {x}
    """
    text = f"""
    graph @twice scheduled {{
      input %x: f32[N,64]
      %b0 = fused([%x]) kernel="" {{
        (%x: f32[N,64])
        %r = binarize(%x) zero=1 : {x}
        yield %r
      }} : {x}
      {step.format(i=1, j=0, x=x, w=w, S=SIGN)}
      {step.format(i=2, j=1, x=x, w=w, S=SIGN)}
      %y = fused([%b2]) kernel="" {{
        (%b: {x})
        %d = decode(%b) : f32[N,64]
        yield %d
      }} : f32[N,64]
      output %y as "y"
    }}
    """
    lowered = load_backend(backend).lower(scheduled(text), TARGETS["x86-64-v3"])
    kernels = re.findall(r'^define internal void @"(fused\.\d+)"', lowered.text, re.MULTILINE)
    assert len(kernels) == 3


def test_every_node_without_a_kernel_is_named() -> None:
    window = "strides=[1,1,1] pads=[0,0,0,0,0,0] dilations=[1,1,1] groups=1"
    text = """
    graph @deep scheduled {
      input %x: f32[N,2,4,4,4]
      %w = const() data=random(1) element=f32 : f32[2,2,1,1,1]
      %a = fused([%x, %w]) kernel="" {
        (%x: f32[N,2,4,4,4], %w: f32[2,2,1,1,1])
        %c = conv(%x, %w, none) WINDOW : f32[N,2,4,4,4] from "deep_conv"
        yield %c
      } : f32[N,2,4,4,4]
      %b = fused([%a, %w]) kernel="" {
        (%x: f32[N,2,4,4,4], %w: f32[2,2,1,1,1])
        %c = conv(%x, %w, none) WINDOW : f32[N,2,4,4,4] from "deeper_conv"
        yield %c
      } : f32[N,2,4,4,4]
      output %b as "y"
    }
    """.replace("WINDOW", window)
    with pytest.raises(LoweringError, match=r"'deep_conv'.*3 spatial axes.*; node 'deeper_conv'"):
        load_backend("llvm").lower(scheduled(text), TARGETS["x86-64-v3"])


# --- the C ABI --------------------------------------------------------------------------------


def test_run_refuses_wrong_arguments(backend: str, model: Graph) -> None:
    library = Library(model, TARGETS["x86-64-v2"], backend=backend)
    n = np.array([1], np.int64)
    x, y = np.zeros((1, 3, 5, 5), np.float32), np.zeros((1, 10), np.float32)
    inputs, outputs = (np.array([a.ctypes.data], np.uint64) for a in (x, y))
    size = int(library.handle.test_workspace_size(n.ctypes.data, 1))
    room = np.zeros(size + 64, np.uint8)
    start = room.ctypes.data + (-room.ctypes.data % 64)
    good = {
        "size": 64,
        "dims": n.ctypes.data,
        "inputs": inputs.ctypes.data,
        "outputs": outputs.ctypes.data,
        "workspace": start,
    }

    def status(**changes: object) -> int:
        return library.handle.test_run(ctypes.byref(Args(**{**good, **changes})))

    zero, huge, null = (np.array([v], np.int64) for v in (0, 1 << 60, 0))
    assert status() == 0
    assert library.handle.test_run(None) == 1
    assert status(size=56) == 1
    assert status(dims=None) == 2
    assert status(dims=zero.ctypes.data) == 2
    assert status(dims=huge.ctypes.data) == 2
    assert status(workspace=None) == 3
    assert status(workspace=start + 32) == 3
    assert status(inputs=None) == 4
    assert status(inputs=null.ctypes.data) == 4
    assert status(outputs=null.ctypes.data) == 4
    for dims in (zero, huge, np.array([-1], np.int64), None):
        given = None if dims is None else dims.ctypes.data
        assert library.handle.test_workspace_size(given, 1) == NO_WORKSPACE
    assert library.handle.test_abi_version() == 2
    assert library.handle.test_describe() == b'{"abi": 2, "target": "x86-64-v2"}'


# --- goldens ----------------------------------------------------------------------------------


def inner_loop(backend: str, target: Target, sign: str, kernel: str = "") -> str:
    """Of the innermost loop of a 256-channel 3x3 layer."""
    text = layer(256, 14, sign, head=False, kernel=kernel)
    lowered = load_backend(backend).lower(scheduled(text), target)
    return loop_facts(hot_loop(lowered.emit("asm", "m", MANIFEST).decode()))


@pytest.mark.sampled(per=("name",))
@pytest.mark.parametrize("name", ROWS)
def test_instructions_of_the_inner_loop(backend: str, name: str, golden: Golden) -> None:
    folder = GOLDEN / backend
    golden.check(folder / f"inner-loop.{name}.txt", inner_loop(backend, ROWS[name], SIGN))
    ternary = inner_loop(backend, ROWS[name], "ternary")
    golden.check(folder / f"inner-loop-ternary.{name}.txt", ternary)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.has.byte_lookup])
def test_instructions_of_the_lookup_loop(name: str, golden: Golden) -> None:
    """Of a ternary operand both loops are there; the one with zeros has more shuffles."""
    loop = inner_loop("llvm", ROWS[name], SIGN, "binary_conv_lookup")
    golden.check(GOLDEN / "llvm" / f"lookup-loop.{name}.txt", loop)
    ternary = inner_loop("llvm", ROWS[name], "ternary", "binary_conv_lookup")
    golden.check(GOLDEN / "llvm" / f"lookup-loop-ternary.{name}.txt", ternary)


@pytest.mark.parametrize("name", ["x86-64-v3", "icelake-server", "arm64"])
def test_whole_module(backend: str, name: str, golden: Golden) -> None:
    """The LLVM IR that the backend writes, before the optimizer, and what it brings along."""
    text = f"""
    graph @tiny scheduled {{
      input %x: f32[N,70]
      %w = const() data=random(1) element={SIGN} : {SIGN}[8,70]
      %b = fused([%x]) kernel="" {{
        (%x: f32[N,70])
        %r = binarize(%x) zero=1 : {SIGN}[N,70]@words
        yield %r
      }} : {SIGN}[N,70]@words
      %y = fused([%b, %w]) kernel="" {{
        (%b: {SIGN}[N,70]@words, %w: {SIGN}[8,70])
        %c = binary_gemm(%b, %w) : i32[N,8]
        yield %c
      }} : i32[N,8]
      output %y as "y"
    }}
    """
    lowered: Any = load_backend(backend).lower(scheduled(text), TARGETS[name])
    text = "".join([outline(lowered.text), *map(interface, lowered.foreign.values())])
    golden.check(GOLDEN / backend / f"tiny.{name}.txt", text)
