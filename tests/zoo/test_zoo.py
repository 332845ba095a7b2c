"""The zoo at its reduced size, by both exporters: on bits where it can be, exact after counts.

One export of each serves all targets: a group of tests stays in one process. `make zoo` does the
same at full size.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from library_support import present
from sampling import Sample
from under_test import BACKENDS, MARKS

from bnnc.backends.targets import TARGETS
from bnnc.driver import import_model, recognised
from bnnc.tools.verification.model_check import verify
from zoo import EXPORTERS, Exporter, registry
from zoo.export import export
from zoo.weights import prepare

NETWORKS = registry()
CASES = [
    pytest.param(name, exporter, id=f"{name}-{exporter}", marks=pytest.mark.xdist_group(name))
    for name in NETWORKS
    for exporter in EXPORTERS
]
HIGHEST = "x86-64-v4" if present(TARGETS["x86-64-v4"]) else "x86-64-v3"
LEVELS = {"torchscript": ("x86-64-v2", "x86-64-v3"), "dynamo": (HIGHEST,)}
"""The exporters' graphs become nearly the same one: both at every target are for `make zoo`."""

Export = Callable[[str, Exporter], Path]


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Export:
    """Exports a network once per session."""
    folder = tmp_path_factory.mktemp("zoo")
    modules: dict[str, torch.nn.Module] = {}

    def export_once(name: str, exporter: Exporter) -> Path:
        path = folder / f"{name}-{exporter}.onnx"
        if not path.exists():
            if name not in modules:
                modules[name] = prepare(NETWORKS[name], "reduced")
            export(modules[name], NETWORKS[name].shapes["reduced"], exporter, path)
        return path

    return export_once


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> object:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.sampled(per=("name",))
@pytest.mark.parametrize(("name", "exporter"), CASES)
def test_layers_on_bits(exported: Export, name: str, exporter: Exporter) -> None:
    verdicts = recognised(import_model(exported(name, exporter)).graph)
    floats = [f"{v.node.describe()}: {v.reason}" for v in verdicts if not v.binarized]
    binarized = sum(v.binarized for v in verdicts)
    assert binarized == NETWORKS[name].binarizable["reduced"], "\n".join(floats)


RUNS = [
    pytest.param(
        name,
        backend,
        exporter,
        id=f"{backend}-{name}-{exporter}",
        marks=[pytest.mark.xdist_group(name), *MARKS[backend]],
    )
    for backend in BACKENDS
    for name in NETWORKS
    for exporter in (EXPORTERS if backend == BACKENDS[0] else EXPORTERS[:1])
]


@pytest.mark.sampled(per=("name",))
@pytest.mark.parametrize(("name", "backend", "exporter"), RUNS)
def test_verifies(
    exported: Export, name: str, backend: str, exporter: Exporter, sample: Sample
) -> None:
    """On one batch; a run that a near-tie moved is called so, and is no equal one."""
    levels = LEVELS[exporter] if backend == BACKENDS[0] else LEVELS[exporter][-1:]
    for target in sample.of(levels, lambda _: backend, name):
        report = verify(exported(name, exporter), runs=1, target=target, backend=backend)
        print(target, *report.lines(), sep="\n")
        assert not report.mismatch, list(report.lines())
        assert report.independent
        assert report.kernels.bits == 0
        assert report.kernels.compared > 0
        assert report.signs > 0 or not NETWORKS[name].binarizable["reduced"]
        assert report.runs["equal"] + report.runs["near-tie"] == 1
        assert not report.runs["near-tie"] or report.near_tie_runs
