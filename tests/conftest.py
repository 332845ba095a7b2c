"""What every test may rely on: which bnnc is under test, one thread each, goldens, model folders.

Helpers shared by tests live beside this file and are imported by their plain name (pytest puts
``tests/`` on the path). Tests import the package as ``bnnc``.
"""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest
from optional_tools import BareMachine, require_tvm
from sampling import Sample, Sampling, add_options
from under_test import BACKENDS, MARKS

import bnnc

ROOT = Path(__file__).resolve().parent.parent

# Before NumPy, ONNX Runtime or torch start their pools: the suite runs in two processes.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

hypothesis.settings.register_profile(
    "default",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("default")


class _RootIsNoTestPackage:
    """Collect the root as a plain folder.

    It holds an ``__init__.py``, so pytest would import it under the name of the checkout's folder:
    a second copy of bnnc, whose exceptions and dataclasses are not the ones under test.
    """

    def pytest_collect_directory(self, path: Path, parent: pytest.Collector) -> pytest.Dir | None:
        return pytest.Dir.from_parent(parent, path=path) if path == ROOT else None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite golden files instead of comparing"
    )
    parser.addoption(
        "--bare", action="store_true", help="hide qemu, Chromium, node, TVM and the real models"
    )
    add_options(parser)


@pytest.hookimpl(tryfirst=True)  # before Hypothesis reads its seed
def pytest_configure(config: pytest.Config) -> None:
    if Path(bnnc.__file__).resolve().parent != ROOT:
        raise pytest.UsageError(
            f"tests of {ROOT} would run against {bnnc.__file__}; install this checkout: make test"
        )
    if config.getoption("--update-golden") and os.environ.get("CI"):
        raise pytest.UsageError("--update-golden is refused where CI is set: goldens are reviewed")
    if config.getoption("--bare"):
        config.add_cleanup(BareMachine().close)
    config.pluginmanager.register(_RootIsNoTestPackage(), "bnnc-root")
    config.pluginmanager.register(Sampling(config), "bnnc-sampling")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before fixtures compile anything."""
    if item.get_closest_marker("tvm"):
        require_tvm()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Tests that share a compiled library stay in one process, which then compiles it once."""
    for mark in item.iter_markers("shares"):
        item.add_marker(pytest.mark.xdist_group(f"{item.path.stem}-{mark.args[0]}"))


class Golden:
    """Compares text with a file, or rewrites the file under ``--update-golden``."""

    def __init__(self, update: bool) -> None:
        self.update = update

    def check(self, path: Path, text: str) -> None:
        """Assert that ``path`` holds exactly ``text``; a missing golden is a failure."""
        if self.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        assert path.exists(), f"no golden {path}; make golden writes it"
        assert text == path.read_text(encoding="utf-8"), f"{path} differs; make golden rewrites it"


@pytest.fixture(scope="session")
def sample(request: pytest.FixtureRequest) -> Sample:
    """What a quick run keeps of cases that a test goes through by itself."""
    return Sample(request.config.getoption("--seed"), request.config.getoption("--all"))


@pytest.fixture(scope="session", params=[pytest.param(b, marks=MARKS[b]) for b in BACKENDS])
def backend(request: pytest.FixtureRequest) -> str:
    """Each backend in turn, by name."""
    return request.param


@pytest.fixture(scope="session")
def golden(request: pytest.FixtureRequest) -> Golden:
    """Whole-module goldens: ``golden.check(path, text)``."""
    return Golden(request.config.getoption("--update-golden"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout that is under test."""
    return ROOT


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Data that ships with the repository."""
    return ROOT / "tests" / "data"


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Real exported models, kept next to the checkout or where ``BNNC_MODELS`` says."""
    folder = Path(os.environ.get("BNNC_MODELS", ROOT.parent / "shared" / "models"))
    if not folder.is_dir():
        pytest.skip(f"no folder of real models at {folder}; BNNC_MODELS names another")
    return folder
