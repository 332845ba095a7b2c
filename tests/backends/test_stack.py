"""Callers' stacks may be small: kernels have their scratch in the workspace.

`library_support.object_code` holds every function of all libraries of the tests to a few KiB.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from binary_cases import Conv
from library_support import STACK_BYTES, Library, object_code, random_inputs, scheduled
from sliced_cases import Layer
from under_test import MARKS

from bnnc.backends.targets import TARGETS, native
from bnnc.driver import load_backend
from bnnc.ir import Graph, interpret

STACK = 1 << 16
"""Bytes of the stack of a thread that runs Python."""
LONG_ROW = """
  input %x: f32[N,3000]
  %y = softmax(%x) axis=1 : f32[N,3000]
  output %y as "y"
"""
CASES = [
    pytest.param("llvm", Layer(256, 64, size=(24, 24)).text(), id="sliced"),
    pytest.param("llvm", Layer(256, 64, size=(24, 24), tree=True).text(), id="tree"),
    pytest.param("llvm", Conv(256, 64, (3, 40)).text("binary_conv_lookup"), id="lookup"),
    pytest.param("tvm", LONG_ROW, id="softmax", marks=MARKS["tvm"]),
]


def graph_of(text: str) -> Graph:
    return scheduled(f"graph @case scheduled {{\n{text}\n}}", strict=False)


@pytest.mark.parametrize(("backend", "text"), CASES)
def test_large_scratch_is_in_the_workspace(backend: str, text: str) -> None:
    lowered: Any = load_backend(backend).lower(graph_of(text), TARGETS["x86-64-v3"])
    assert lowered.workspace.per_thread > STACK_BYTES
    object_code(lowered, b"{}\0")


@pytest.mark.parametrize(("backend", "text"), CASES)
def test_a_thread_with_a_small_stack(backend: str, text: str) -> None:
    graph = graph_of(text)
    library, inputs = Library(graph, native(), backend=backend), random_inputs(graph, 2)
    for array in inputs.values():
        if array.dtype == np.uint8:  # codes of bits
            array &= 1
    got: dict[str, np.ndarray] = {}
    before = threading.stack_size(STACK)
    try:
        thread = threading.Thread(target=lambda: got.update(library.run(inputs, 2)))
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    for name, expected in interpret(graph, inputs).items():
        np.testing.assert_allclose(got[name], expected, rtol=1e-5)


def test_the_tests_measure_stacks(backend: str) -> None:
    """A function that takes too much is found."""
    lowered: Any = load_backend(backend).lower(graph_of(LONG_ROW), TARGETS["arm64"])
    large = f"""
declare void @use(ptr)
define void @large() nounwind {{
  %room = alloca [{STACK_BYTES} x i8]
  call void @use(ptr %room)
  ret void
}}
"""
    with pytest.raises(AssertionError, match=r"exceeds limit .* in function 'large'"):
        object_code(replace(lowered, text=lowered.text + large), b"{}\0")
