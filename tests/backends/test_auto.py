"""Kernels of both backends in one artifact: steps of one module, the numbers of either alone."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
from binary_cases import SIGN
from kernel_cases import library
from library_support import ICELAKE, random_inputs, scheduled
from under_test import BACKENDS

from bnnc import runtime
from bnnc.backends.interface import SearchLimits
from bnnc.driver import build, load_backend
from bnnc.errors import BackendError
from bnnc.ir import Graph, interpret
from bnnc.options import Options
from bnnc.tools.verification.model_check import verify

pytestmark = pytest.mark.tvm

X, Y = f"{SIGN}[N,70,6,5]@words", "[N,33,6,5]"
MIXED = f"""graph @mixed scheduled {{
  input %x: f32[N,70,6,5]
  %w = const() data=random(1) element={SIGN} : {SIGN}[33,70,3,3]
  %t = const() data=random(2) element=i32 : i32[33]
  %f = const() data=random(3) element=bool : bool[33]
  %v = const() data=random(4) element={SIGN} : {SIGN}[8,33,3,3]
  %b = fused([%x]) kernel="FIRSTpointwise" {{
    (%x: f32[N,70,6,5])
    %y = binarize(%x) zero=1 : {X}
    yield %y
  }} : {X}
  %c = fused([%b, %w, %t, %f]) kernel="SECONDbinary_conv" {{
    (%b: {X}, %w: {SIGN}[33,70,3,3], %t: i32[33], %f: bool[33])
    %n = binary_conv(%b, %w) strides=[1,1] pads=[1,1,1,1] dilations=[1,1] groups=1 : i32{Y}@nhwc
    %y = threshold(%n, %t, %f) : {SIGN}{Y}@words
    yield %y
  }} : {SIGN}{Y}@words
  %p = fused([%c]) kernel="FIRSTmax_pool" {{
    (%c: {SIGN}{Y}@words)
    %y = max_pool(%c) kernel=[2,2] strides=[2,2] pads=[0,0,0,0] dilations=[1,1] ceil_mode=false
       : {SIGN}[N,33,3,2]@words
    yield %y
  }} : {SIGN}[N,33,3,2]@words
  %d = fused([%p, %v]) kernel="SECONDbinary_conv" {{
    (%p: {SIGN}[N,33,3,2]@words, %v: {SIGN}[8,33,3,3])
    %n = binary_conv(%p, %v) strides=[1,1] pads=[1,1,1,1] dilations=[1,1] groups=1
       : i32[N,8,3,2]@nhwc
    yield %n
  }} : i32[N,8,3,2]@nhwc
  %o = relayout(%d) layout=row : i32[N,8,3,2]
  output %o as "o"
}}"""
PREFIXES = {"llvm": "", "tvm": "tvm_"}


def mixed(first: str, second: str) -> Graph:
    """Layers in turn of one backend and of another."""
    named = MIXED.replace("FIRST", PREFIXES[first]).replace("SECOND", PREFIXES[second])
    return scheduled(named)


@pytest.mark.parametrize("target", ["v3", "icelake", "arm64"])
@pytest.mark.parametrize(("first", "second"), [("llvm", "tvm"), ("tvm", "llvm")])
def test_layers_of_both_read_each_other(first: str, second: str, target: str) -> None:
    """What one packs the other unpacks, bit for bit, also in parts."""
    graph = mixed(first, second)
    loaded = library(graph, target, "auto")
    for batch, pieces in ((1, 0), (3, 4)):
        inputs = random_inputs(graph, batch)
        got = loaded.run(inputs, batch, pieces)
        np.testing.assert_array_equal(got["o"], interpret(graph, inputs)["o"])


def test_the_schedule_names_both() -> None:
    graph = mixed("llvm", "tvm")
    names = [node.choice.kernel for node in load_backend("auto").lower(graph, ICELAKE).schedule]
    assert names[:4] == ["pointwise", "tvm_binary_conv", "max_pool", "tvm_binary_conv"]


def test_all_kernels_are_there() -> None:
    names = [k.name for k in load_backend("auto").kernels]
    assert names == [k.name for backend in BACKENDS for k in load_backend(backend).kernels]
    assert len(names) == len(set(names))


def test_each_kernel_is_searched_by_its_own_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a backend that searches nothing have no knobs."""
    search = importlib.import_module("bnnc.backends.tvm.search")
    monkeypatch.setattr(search.Search, "__call__", lambda _, op, kernel, *__: {"searched": 1})
    auto = load_backend("auto")
    searcher = auto.searcher(ICELAKE, SearchLimits(1, 1.0), None, lambda _: None)
    assert searcher is not None
    op = mixed("llvm", "tvm").nodes[-1].op
    knobs = {k.name: searcher(op, k.name, {}, "layer") for k in auto.kernels}
    expected = {name: {"searched": 1} if name.startswith("tvm_") else {} for name in knobs}
    assert knobs == expected


def test_a_tracker_is_read_by_the_backend_that_knows_such() -> None:
    limits = SearchLimits(1, 1.0, "nowhere")
    assert load_backend("llvm").searcher(ICELAKE, limits, None, lambda _: None) is None
    for name in ("tvm", "auto"):
        with pytest.raises(BackendError, match="'nowhere': expected HOST:PORT/KEY"):
            load_backend(name).searcher(ICELAKE, limits, None, lambda _: None)


def test_a_network_by_the_faster_kernels(data_dir: Path, tmp_path: Path) -> None:
    """No more predicted cycles than either alone, but for rounding; the numbers are the same."""
    model, target = data_dir / "mnist" / "mnist_bnn.onnx", "x86-64-v3"
    with np.load(data_dir / "mnist" / "test200.npz") as archive:
        images = (archive["images"][:20, None] / np.float32(255)).astype(np.float32)
    scores: dict[str, np.ndarray] = {}
    cycles: dict[str, int] = {}
    for backend in (*BACKENDS, "auto"):
        artifact = build(model, target, Options(backend), "mnist")
        path = tmp_path / f"{backend}.so"
        path.write_bytes(artifact.data)
        with runtime.load(path) as loaded:
            scores[backend] = loaded(images)
        assert artifact.manifest.options["backend"] == backend
        cycles[backend] = sum(kernel.cycles for kernel in artifact.manifest.kernels)
    assert cycles["auto"] <= min(cycles[backend] for backend in BACKENDS) + 20
    for backend in BACKENDS:
        scale = np.abs(scores[backend]).max()
        np.testing.assert_allclose(scores["auto"], scores[backend], rtol=0, atol=1e-5 * scale)
    report = verify(model, runs=1, target=target, backend="auto")
    assert not report.mismatch, list(report.lines())
