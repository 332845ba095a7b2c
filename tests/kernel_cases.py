"""Many small cases as one graph, so that a target compiles and links once per test file.

A case is text: inputs, nodes and outputs of its own. Names get the case's name as a prefix; an
output that is channels-last gets the relayout that it needs.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
from emulated import EmulatedLibrary
from library_support import X86_PATHS, Library, present, random_inputs, scheduled
from missing_instructions import runnable
from sampling import Parameters, Stratum
from under_test import BACKENDS, MARKS

from bnnc.backends.targets import TARGETS as ROWS
from bnnc.backends.targets import Target
from bnnc.ir import Graph, interpret

_KINDS = ("v3", "icelake", "arm64")
"""Where bits are counted by tables, in 32-bit lanes and in bytes."""


def each(*targets: str) -> list[Any]:
    """Parameters (target, backend), all backends: the first on every target, others on `_KINDS`.

    What is compiled for one of them is compiled in one process.
    """
    return [
        pytest.param(
            (target, backend),
            id=f"{backend}-{target}",
            marks=[pytest.mark.shares(f"{backend}-{target}"), *MARKS[backend]],
        )
        for backend in BACKENDS
        for target in targets
        if backend == BACKENDS[0] or target in _KINDS
    ]


def by_target(*names: str) -> list[Any]:
    """Parameters of a fixture for kernels that one backend has alone."""
    return [pytest.param(name, id=name, marks=pytest.mark.shares(name)) for name in names]


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


def per_case(cases: Mapping[str, str]) -> Stratum:
    """What a sample of a file's cases holds: by each backend every case, on some target that this
    machine runs, and on one of the other targets one of each kind of case.

    Cases of one kind are made of the same operators and annotations, all ternary or none.
    """
    words = re.compile(r"(?<== )\w+(?=\()|\b(?:ternary|parents|codewords)\b")
    kinds = {name: frozenset(words.findall(text)) for name, text in cases.items()}

    def stratum(parameters: Parameters) -> Hashable:
        name, chosen = parameters["name"], parameters["cases"]
        target, backend = (chosen, BACKENDS[0]) if isinstance(chosen, str) else chosen
        here = target in X86_PATHS and present(X86_PATHS[target])
        return backend, here, name if here else kinds[name]

    return stratum


def asked_for(
    request: pytest.FixtureRequest, cases: Mapping[str, str], *always: str
) -> dict[str, str]:
    """The cases to compile for this value of a fixture: those that the run's tests of the file name
    by the parameter ``name``, and those that are ``always`` needed."""
    names = {
        item.callspec.params.get("name")
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.path == request.path
        and hasattr(item, "callspec")
        and item.callspec.params.get(request.fixturename) == request.param
    }
    return {name: text for name, text in cases.items() if name in names or name in always}


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
    if not present(runnable(path)):
        pytest.skip(f"not executed here: this machine cannot run {target}")
    return Library(graph, path, backend=backend)


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
