"""What is said where an optional tool is missing, and what a bare machine has."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from optional_tools import BareMachine, missing, require_tvm


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs, the only one of PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("make", "node", "nodeenv", "qemu-aarch64", "chromium", "google-chrome-stable"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def bare(tools: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[BareMachine]:
    monkeypatch.setenv("BNNC_REQUIRE_CHROMIUM", "1")
    monkeypatch.setenv("BNNC_MODELS", "/somewhere")
    machine = BareMachine()
    yield machine
    machine.close()


def test_programs_are_hidden_and_nothing_else(bare: BareMachine, tools: Path) -> None:
    assert [n for n in sorted(os.listdir(tools)) if shutil.which(n)] == ["make", "nodeenv"]
    program = "import shutil; print(shutil.which('make'), shutil.which('node'))"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.endswith("/make None\n")


def test_nothing_is_required_and_there_are_no_models(bare: BareMachine) -> None:
    assert "BNNC_REQUIRE_CHROMIUM" not in os.environ
    assert not Path(os.environ["BNNC_MODELS"]).exists()
    with pytest.raises(pytest.skip.Exception, match=r"not executed here: tvm .*bnnc\[tvm\]"):
        require_tvm()


def test_a_bare_machine_ends(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = ModuleType("tvm")
    monkeypatch.setitem(sys.modules, "tvm", loaded)
    monkeypatch.setenv("BNNC_MODELS", "/somewhere")
    before = dict(os.environ)
    machine = BareMachine()
    folder = os.environ["PATH"]
    machine.close()
    assert dict(os.environ) == before
    assert not Path(folder).exists()
    assert sys.modules["tvm"] is loaded


@pytest.mark.parametrize(("required", "outcome"), [("0", pytest.skip), ("1", pytest.fail)])
def test_what_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, required: str, outcome: Any
) -> None:
    monkeypatch.setenv("BNNC_REQUIRE_TOOL", required)
    with pytest.raises(outcome.Exception, match=r"^not executed here: a tool is missing; get it$"):
        missing("TOOL", "a tool", "get it")


def test_a_file_that_needs_tvm_is_skipped(bare: BareMachine) -> None:
    sys.modules.pop("needs_tvm", None)
    with pytest.raises(pytest.skip.Exception) as skipped:
        importlib.import_module("needs_tvm")
    assert skipped.value.allow_module_level
