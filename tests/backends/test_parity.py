"""A graph that one backend takes all take, and one that one refuses all refuse.

The tests of kernels, networks and conformance hold each backend to taking what is imported. Here
the backends are compared with each other, by the pass that names a kernel for every node.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from ir_support import examples
from onnx_suite import KINDS, cases, with_constants
from random_graphs import networks
from sampling import Sample
from under_test import BACKENDS

from bnnc.backends.cost_model import PredictedCost
from bnnc.backends.targets import TARGETS
from bnnc.driver import import_model, load_backend
from bnnc.errors import LoweringError
from bnnc.ir import Graph
from bnnc.passes import Context, pipelines, run_passes

pytestmark = pytest.mark.tvm

ROWS = ("x86-64-v3", "icelake-server", "arm64")


def refusals(graph: Graph, target: str) -> dict[str, str]:
    """By backend, why no kernel computes some node of an imported graph; empty where all are."""
    reasons: dict[str, str] = {}
    for backend in BACKENDS:
        context = Context(PredictedCost(TARGETS[target], load_backend(backend).kernels))
        try:
            run_passes(graph, pipelines.default(), context)
        except LoweringError as error:
            reasons[backend] = str(error)
    return reasons


def alike(reasons: Mapping[str, Any]) -> bool:
    """Whether all backends refuse a graph, or none does."""
    return len(reasons) in (0, len(BACKENDS))


@pytest.mark.parametrize("target", ROWS)
@examples(25)
@given(graph=networks(dyadic=False))
def test_random_networks(target: str, graph: Graph) -> None:
    reasons = refusals(graph, target)
    assert alike(reasons), reasons


@pytest.mark.parametrize("kind", KINDS)
def test_conformance(kind: str, sample: Sample) -> None:
    """On every case of the ONNX project that is imported."""
    wrong: list[str] = []
    outcomes = (with_constants(case) for case in cases(kind))
    imported = [case for case, met in outcomes if met is None]
    for case in sample.of(imported, lambda case: case.operators, f"parity {kind}"):
        reasons = refusals(import_model(case.model).graph, "x86-64-v3")
        wrong += [] if alike(reasons) else [f"{case.name}: {reasons}"]
    assert not wrong, "\n".join(wrong)
