"""The command line under test, and artifacts for it."""

from __future__ import annotations

import platform
from pathlib import Path

import handmade
import pytest
from cli_support import Cli

import bnnc
from bnnc.tools.command_line import console


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line, started in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BNNC_DEBUG", raising=False)
    monkeypatch.setattr(console, "SPARSELY", float("inf"))  # on a slow machine, too
    return Cli(capsys, tmp_path)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``handmade.c`` for this machine."""
    return handmade.build(tmp_path_factory.mktemp("tiny"), handmade.manifest(platform.machine()))


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``handmade.c`` for the other architecture."""
    other = "aarch64" if platform.machine() == "x86_64" else "x86_64"
    return handmade.build(tmp_path_factory.mktemp("foreign"), handmade.manifest(other))


@pytest.fixture(scope="session")
def mnist(data_dir: Path) -> Path:
    """The MNIST network."""
    return data_dir / "mnist" / "mnist_bnn.onnx"


@pytest.fixture(scope="session")
def compiled(mnist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, compiled for this machine."""
    return bnnc.compile(mnist, output=tmp_path_factory.mktemp("mnist") / "mnist.so")
