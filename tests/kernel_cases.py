"""Many small cases as one graph, so that a target compiles and links once per test file.

A case is text: inputs, nodes and outputs of its own. Names get the case's name as a prefix; an
output that is channels-last gets the relayout that it needs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest
from emulated import EmulatedLibrary
from llvm_support import X86_PATHS, Library, present, random_inputs, scheduled, without_counts

from bnnc.backends import targets as backends
from bnnc.ir import Graph, interpret

TARGETS = ("v2", "v3", "v4", "icelake", "arm64")
WIDTHS = ("v2", "v3", "v4", "arm64")
"""For kernels that ask a target for its vectors alone: one of each kind."""

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


class Cases:
    """All cases of a file on one target; outputs of the kernels and of the interpreter."""

    def __init__(self, cases: Mapping[str, str], target: str, strict: bool = True) -> None:
        self.graph: Graph = scheduled(joined(cases), strict)
        self.library = self._library(target)
        self.results = cache(self._results)

    def _library(self, target: str) -> Library | EmulatedLibrary:
        if target not in X86_PATHS:
            return EmulatedLibrary(self.graph, backends.TARGETS[target])
        path = X86_PATHS[target]
        if present(path):
            return Library(self.graph, path)
        if not present(without_counts(path)):
            pytest.skip(f"not executed here: this machine cannot run {target}")
        return Library(self.graph, path, without_counts(path))

    def inputs(self, batch: int) -> dict[str, np.ndarray]:
        """Random inputs with zeros among them."""
        held = random_inputs(self.graph, batch)
        rng = np.random.default_rng(1)
        for array in held.values():
            if array.dtype.kind == "f":
                array[rng.random(array.shape) < 0.1] = 0
        return held

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
