"""The default pipeline as a whole: what a network looks like when a backend gets it.

``make golden`` rewrites ``pipeline/*.expected`` after a wanted change; read the diff.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ir_support import ONE_KERNEL_EACH, assert_equivalent, assert_same, random_inputs

from bnnc.ir import Graph, interpret, load, parse, print_graph
from bnnc.ir.text import constants
from bnnc.passes import pipelines, run_passes

FILES = sorted(Path(__file__).with_name("pipeline").glob("*.bnn"))


def scheduled(path: Path) -> tuple[Graph, Graph]:
    """The graph of a file, and what the default pipeline makes of it."""
    graph = load(path)
    return graph, run_passes(graph, pipelines.default(), ONE_KERNEL_EACH)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_scheduled_graph(path: Path, golden: Any) -> None:
    graph, after = scheduled(path)
    golden.check(path.with_suffix(".expected"), print_graph(after))
    assert_equivalent(graph, after, ulps=16)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_the_text_between_passes_is_the_whole_graph(path: Path) -> None:
    """Each pass run on what the one before printed: nothing lives beside text and constants."""
    graph = load(path)
    _, expected = scheduled(path)
    for step in pipelines.default():
        text = print_graph(graph)
        graph = run_passes(parse(text, constants(graph)), (step,), ONE_KERNEL_EACH)
    assert print_graph(graph) == print_graph(expected)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_running_twice_gives_the_same(path: Path) -> None:
    (graph, first), (_, second) = scheduled(path), scheduled(path)
    assert print_graph(first) == print_graph(second)
    inputs = random_inputs(graph, 5)
    assert_same(interpret(first, inputs), interpret(second, inputs))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_node_knows_where_it_came_from(path: Path) -> None:
    """Locations survive all rewriting: reports and errors name ONNX nodes."""
    _, after = scheduled(path)
    known = {f"{k}_{i}" for k in "Conv BN Sign Add MaxPool Clip Flatten Gemm Softmax".split()
             for i in range(5)}  # fmt: skip
    for node in after.nodes:
        for inner in getattr(getattr(node.op, "body", None), "nodes", (node,)):
            if inner.op.mnemonic() not in ("const", "relayout", "reshape"):
                assert inner.origin, inner
            assert set(inner.origin) <= known


def test_goldens_are_not_rewritten_where_nobody_reads_them(root: Path) -> None:
    """``--update-golden`` under CI is an error, not a green run."""
    command = [sys.executable, "-m", "pytest", "--update-golden", "--collect-only", str(FILES[0])]
    environment = {**os.environ, "CI": "true"}
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--update-golden is refused where CI is set" in done.stderr
