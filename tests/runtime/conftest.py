"""Artifacts made by hand that the tests of the runtime share."""

from __future__ import annotations

import platform
from pathlib import Path

import handmade
import pytest

from bnnc import runtime


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``handmade.c`` for this machine."""
    return handmade.build(tmp_path_factory.mktemp("tiny"), handmade.manifest(platform.machine()))


@pytest.fixture
def model(tiny: Path) -> runtime.Model:
    """The same, loaded."""
    return runtime.load(tiny)
