"""Many small cases as one graph, so that a target compiles and links once per test file.

A case is text: inputs, nodes and outputs of its own. Names get the case's name as a prefix; an
output that is channels-last gets the relayout that it needs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
from emulated import EmulatedLibrary
from library_support import X86_PATHS, Library, present, random_inputs, scheduled, without_counts
from under_test import BACKENDS

from bnnc.backends.targets import TARGETS as ROWS
from bnnc.backends.targets import Target
from bnnc.ir import Graph, interpret

_KINDS = ("v3", "icelake", "arm64")
"""Where bits are counted by tables, in 32-bit lanes and in bytes."""


def each(*targets: str) -> list[Any]:
    """Parameters (target, backend), all backends: the first on every target, others on `_KINDS`."""
    return [
        pytest.param((target, backend), id=f"{backend}-{target}")
        for backend in BACKENDS
        for target in targets
        if backend == BACKENDS[0] or target in _KINDS
    ]


NAMES = ("v2", "v3", "v4", "icelake", "arm64")
TARGETS = each(*NAMES)
WIDTHS = each("v2", "v3", "v4", "arm64")
"""For kernels that ask a target only for its vectors: one of each kind."""

_CHANNELS_LAST = r"(%\w+) = (?:fused[^}]*}|.*) : (\S+)@nhwc"
"""A value and its type without the layout."""


def joined(cases: Mapping[str, str]) -> str:
    """The text of one graph that holds every case."""
    lines: list[str] = ["graph @cases scheduled {"]
    for name, text in cases.items():
        for value, type_ in re.findall(_CHANNELS_LAST, text):
            copied = f"{value}.o = relayout({value}) layout=row : {type_}\noutput {value}.o as"
            text = text.replace(f"output {value} as", copied)
        prefixed = re.sub(r"%([A-Za-z])", rf"%{name}.\1", text)
        lines.append(re.sub(r'as "(\w+)"', rf'as "{name}.\1"', prefixed))
    return "\n".join([*lines, "}"])


def library(
    graph: Graph,
    target: str,
    backend: str = "llvm",
    paths: Mapping[str, Target] = X86_PATHS,
) -> Library | EmulatedLibrary:
    """A graph on a path for x86 or, emulated, on a row of the target table."""
    if target not in paths:
        return EmulatedLibrary(graph, ROWS[target], backend)
    path = paths[target]
    if present(path):
        return Library(graph, path, backend=backend)
    if not present(without_counts(path)):
        pytest.skip(f"not executed here: this machine cannot run {target}")
    return Library(graph, path, without_counts(path), backend)


class Cases:
    """All cases of a file by one backend on one target; outputs of the kernels and of the
    interpreter."""

    def __init__(
        self, cases: Mapping[str, str], target: str, backend: str = "llvm", strict: bool = True
    ) -> None:
        self.graph: Graph = scheduled(joined(cases), strict)
        self.library = library(self.graph, target, backend)
        self.results = cache(self._results)

    def inputs(self, batch: int) -> dict[str, np.ndarray]:
        """Random inputs with zeros among them."""
        arrays = random_inputs(self.graph, batch)
        rng = np.random.default_rng(1)
        for array in arrays.values():
            if array.dtype.kind == "f":
                array[rng.random(array.shape) < 0.1] = 0
        return arrays

    def _results(
        self, batch: int, pieces: int = 0
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        inputs = self.inputs(batch)
        return interpret(self.graph, inputs), self.library.run(inputs, batch, pieces)

    def pairs(self, case: str, batch: int, pieces: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
        """(expected, computed) of every output of a case."""
        expected, got = self.results(batch, pieces)
        names = [n for n in expected if n.startswith(f"{case}.")]
        assert names
        return [(expected[n], got[n]) for n in names]

    def assert_equal(self, case: str, batch: int, pieces: int = 0) -> None:
        """Every output of a case is the interpreter's, bit for bit."""
        for expected, got in self.pairs(case, batch, pieces):
            assert expected.dtype == got.dtype
            assert expected.tobytes() == got.tobytes()
