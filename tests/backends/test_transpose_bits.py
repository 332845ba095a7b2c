"""Relayouts between words and planes on every target, and what their memory holds."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from emulated import EmulatedLibrary
from kernel_cases import by_target
from library_support import X86_PATHS, Library, present, scheduled
from missing_instructions import runnable

from bnnc.backends import targets as backends
from bnnc.backends.interface import Choice
from bnnc.backends.llvm import LlvmBackend
from bnnc.ir import F32, TERNARY, Batch, Element, Graph, Layout, TensorType, Value, interpret
from bnnc.ir import SIGN as SIGN_
from bnnc.ir.ops import Relayout
from bnnc.tools.verification.layer_models import LayerModel

TARGETS = (*X86_PATHS, "arm64")
SIGN, TWO = str(SIGN_), "bits<2;0,1,2,3>"
TYPES = (
    f"{SIGN}[N,1,1,1]", f"{SIGN}[N,3,5,5]", f"{SIGN}[2N,8,8,8]", f"{SIGN}[N,13,300]",
    f"{SIGN}[2,63,3,7]", f"{SIGN}[N,64,8,8]", f"{SIGN}[N,64,1,1]", f"{SIGN}[N,65,9,7]",
    f"{SIGN}[2N,70,10,13]", f"{SIGN}[N,96,2,3,11]", f"{SIGN}[N,128,14,14]", f"{SIGN}[3,130,15,17]",
    f"{SIGN}[N,192,31]", f"{SIGN}[N,256,33]", f"{SIGN}[N,320,65]", f"{TWO}[N,9,11,7]",
    f"{TWO}[2N,130,47]", f"{TERNARY}[N,64,8,9]", f"{TERNARY}[2N,129,65]", f"{TERNARY}[5,40,40]",
)  # fmt: skip


def _text() -> str:
    lines = ["graph @cases scheduled {"]
    for i, type_ in enumerate(TYPES):
        for frm, to in (("words", "planes"), ("planes", "words")):
            lines += [
                f"input %x{i}.{frm}: {type_}@{frm}",
                f"%y{i}.{frm} = relayout(%x{i}.{frm}) layout={to} : {type_}@{to}",
                f'output %y{i}.{frm} as "{type_} from {frm}"',
            ]
    return "\n".join([*lines, "}"])


def _inputs(graph: Graph, batch: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(batch)
    out: dict[str, np.ndarray] = {}
    for value in graph.inputs:
        shape, element = value.type.concrete(batch), value.element
        low, high = (-1, 2) if element == TERNARY else (0, len(element.values))
        out[value.name] = rng.integers(low, high, shape).astype(element.dtype)
    return out


@pytest.fixture(scope="module", params=by_target(*TARGETS))
def library(request: pytest.FixtureRequest) -> Library | EmulatedLibrary:
    graph = scheduled(_text(), strict=False)
    if request.param not in X86_PATHS:
        return EmulatedLibrary(graph, backends.TARGETS[request.param])
    if not present(runnable(X86_PATHS[request.param])):
        pytest.skip(f"not executed here: this machine cannot run {request.param}")
    return Library(graph, X86_PATHS[request.param])


@pytest.mark.sampled(per=("batch",))
@pytest.mark.parametrize(("batch", "pieces"), [(1, 0), (3, 2), (5, 7)])
def test_bits_are_where_the_layout_says(
    library: Library | EmulatedLibrary, batch: int, pieces: int
) -> None:
    inputs = _inputs(library.graph, batch)
    got = library.run(inputs, batch, pieces)
    for name, expected in interpret(library.graph, inputs).items():
        np.testing.assert_array_equal(got[name], expected, err_msg=name)


def test_the_runtime_takes_planes_of_any_batch() -> None:
    """The batch is not the first axis of what a library reads and writes."""
    planes = f"{SIGN}[2N,70,9,9]@planes"
    text = f"""graph @g scheduled {{
        input %x: {planes}
        %w = relayout(%x) layout=words : {SIGN}[2N,70,9,9]@words
        %y = relayout(%w) layout=planes : {planes}
        output %w as "w"
        output %y as "y" }}"""
    graph = scheduled(text, strict=False)
    layers = LayerModel.build(graph, LlvmBackend(), backends.resolve("native"))
    assert layers.model.inputs[0].shape == (70, 1, None, 2)
    for batch in (1, 3):
        codes = np.random.default_rng(batch).integers(0, 2, (2 * batch, 70, 9, 9), np.uint8)
        for result in layers.run({"x": codes}).values():
            np.testing.assert_array_equal(result, codes)


def _relayout(layout: Layout, to: Layout, element: Element = SIGN_) -> Relayout:
    return Relayout(Value("x", TensorType((Batch(), 70, 9, 9), element, layout)), to)


@pytest.mark.parametrize("target", ["x86-64-v2", "x86-64-v3", "cascadelake", "arm64"])
def test_one_kernel_takes_each_relayout(target: str) -> None:
    for frm, to in itertools.permutations(Layout, 2):
        transposes = {frm, to} == {Layout.WORDS, Layout.PLANES}
        element = F32 if {frm, to} == {Layout.ROW_MAJOR, Layout.CHANNELS_LAST} else SIGN_
        op = _relayout(frm, to, element)
        takers = [
            k.name
            for k in LlvmBackend().kernels
            if k.operator is Relayout and k.refuses(op, backends.TARGETS[target]) is None
        ]
        unpacked = Layout.PLANES in (frm, to) and not transposes
        assert takers == ([] if unpacked else ["transpose_bits" if transposes else "relayout"])


def test_cycles_grow_with_what_is_moved_and_fall_with_wider_vectors() -> None:
    (kernel,) = [k for k in LlvmBackend().kernels if k.name == "transpose_bits"]
    choice = Choice("transpose_bits")
    for frm, to in ((Layout.WORDS, Layout.PLANES), (Layout.PLANES, Layout.WORDS)):
        one, two = _relayout(frm, to), _relayout(frm, to, TERNARY)
        narrow, wide = backends.TARGETS["x86-64-v2"], backends.TARGETS["cascadelake"]
        assert kernel.cycles(two, wide, choice) == 2 * kernel.cycles(one, wide, choice)
        assert kernel.cycles(one, wide, choice) < kernel.cycles(one, narrow, choice)


@pytest.mark.parametrize(
    ("target", "to_planes", "to_words"),
    [("cascadelake", "(vpmovb2m|vptestmb)", "kmovq"), ("x86-64-v3", "vpmovmskb", "vpcmpeqb")],
)
def test_bits_move_by_whole_masks(target: str, to_planes: str, to_words: str) -> None:
    """One instruction takes a channel's bits out of a vector of bytes, or puts them in."""
    for frm, to, wanted in (("words", "planes", to_planes), ("planes", "words", to_words)):
        type_ = f"{SIGN}[1,64,8,8]"
        text = f"""graph @g scheduled {{ input %x: {type_}@{frm}
            %y = relayout(%x) layout={to} : {type_}@{to} output %y as "y" }}"""
        lowered = LlvmBackend().lower(scheduled(text, strict=False), backends.TARGETS[target])
        assembly = lowered.emit("asm", "test", b"{}\0").decode()
        assert len(re.findall(rf"\t{wanted}\b", assembly)) == 64, wanted
