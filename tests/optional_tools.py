"""Tools that some tests need and that not every machine has.

Where one is missing, a test is skipped by name; it fails instead where ``BNNC_REQUIRE_<TOOL>=1``
says that it must be there. Both name the command that installs it. ``--bare`` hides them all, as on
a machine that has none.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

HIDDEN = re.compile(r"qemu-|chromium|google-chrome|node$|nodejs$|npm$|npx$")
"""How the programs are called that ``--bare`` hides."""


def missing(tool: str, what: str, remedy: str) -> NoReturn:
    """Skip or fail the test that runs, or the file; ``tool`` is the variable's end."""
    message = f"not executed here: {what} is missing; {remedy}"
    if os.environ.get(f"BNNC_REQUIRE_{tool}") == "1":
        pytest.fail(message, pytrace=False)
    pytest.skip(message, allow_module_level=True)


def require_tvm() -> None:
    """Skip or fail the test, or the file that calls it, unless the TVM backend can be used."""
    try:
        importlib.import_module("tvm")
    except ModuleNotFoundError:
        missing("TVM", "tvm", "pip install bnnc[tvm]")


class BareMachine:
    """Hides TVM, the programs of `HIDDEN` and the folder of real models from this process and its
    children, until it is closed."""

    def __init__(self) -> None:
        self._before = dict(os.environ)
        self._programs = tempfile.TemporaryDirectory(prefix="bnnc-bare-")
        folder = Path(self._programs.name)
        for place in os.get_exec_path():
            for program in Path(place).glob("*"):
                link = folder / program.name
                if not HIDDEN.match(program.name) and not link.is_symlink():
                    link.symlink_to(program)
        for name in [n for n in os.environ if n.startswith("BNNC_REQUIRE_")]:
            del os.environ[name]
        os.environ["PATH"] = str(folder)
        os.environ["BNNC_MODELS"] = os.environ["BNNC_ARM64_ROOT"] = "/nowhere"
        self._tvm = sys.modules.get("tvm")
        sys.modules["tvm"] = None  # type: ignore[assignment]

    def close(self) -> None:
        """Everything is as it was."""
        del sys.modules["tvm"]
        if self._tvm is not None:
            sys.modules["tvm"] = self._tvm
        os.environ.clear()
        os.environ.update(self._before)
        self._programs.cleanup()
