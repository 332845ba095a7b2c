"""Running arm64 code on another machine: C programs and a real arm64 Python, under qemu.

    from arm64 import sysroot

    outputs = sysroot.run_c(so, header, manifest, inputs)       # loads the very .so
    outputs = sysroot.run_static(obj, header, manifest, inputs) # links the object into the program
    outputs = sysroot.run_python(so, inputs)                    # runtime.load, NumPy of Debian 12

All give arrays by output name. What they need comes from packages that ``.ci/run`` installs and
from ``tests/arm64/setup.sh``. Where it is missing the test is skipped by name, or fails when
BNNC_REQUIRE_ARM64=1 is set, both with the command that installs it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import c_program
import numpy as np
from optional_tools import missing

from bnnc.runtime.artifact import Manifest

FOLDER = Path(__file__).resolve().parent
CHECKOUT = FOLDER.parent.parent
LIBC = Path("/usr/aarch64-linux-gnu")
DYNAMIC = ("-target", "aarch64-linux-gnu.2.28")
STATIC = ("-target", "aarch64-linux-musl", "-static")
TIME_LIMIT = 900


def require_emulator() -> None:
    """Skip or fail the test unless arm64 C programs can be run."""
    if shutil.which("qemu-aarch64") is None or not LIBC.is_dir():
        remedy = "apt-get install qemu-user libc6-arm64-cross"
        missing("ARM64", "qemu-aarch64 or arm64's C library", remedy)


def require_python() -> None:
    """Skip or fail the test unless the arm64 Python is there."""
    require_emulator()
    if not (_python_root() / "ready").is_file():
        remedy = "bash tests/arm64/setup.sh"
        missing("ARM64", f"the arm64 Python in {_python_root()}", remedy)


def python_version() -> str:
    """What ``setup.sh`` fetched: "aarch64 Python 3.11.2 NumPy 1.24.2"."""
    require_python()
    return (_python_root() / "ready").read_text().strip()


def run_c(
    so_path: Path,
    header_path: Path,
    manifest: Manifest,
    inputs: Mapping[str, np.ndarray],
    cpu: str = "max",
) -> dict[str, np.ndarray]:
    """Run a library through a C program that is linked with it and loads it from ``so_path``.

    ``cpu`` is qemu's name of a processor ("cortex-a53"): an instruction it lacks ends the program.
    """
    return _run(so_path, header_path, manifest, inputs, cpu, DYNAMIC)


def run_static(
    obj_path: Path,
    header_path: Path,
    manifest: Manifest,
    inputs: Mapping[str, np.ndarray],
    cpu: str = "max",
    threads: int = 0,
) -> dict[str, np.ndarray]:
    """Run an object (``--emit obj``) linked into a static C program, as on a bare target.

    With ``threads`` the program repeats the call with a pool of so many.
    """
    return _run(obj_path, header_path, manifest, inputs, cpu, STATIC, threads)


def run_python(
    so_path: Path, inputs: Mapping[str, np.ndarray], cpu: str = "max"
) -> dict[str, np.ndarray]:
    """Run a library by ``bnnc.runtime.load`` in the arm64 Python."""
    with tempfile.TemporaryDirectory(prefix="bnnc-arm64-") as name:
        given, results = Path(name, "inputs.npz"), Path(name, "outputs.npz")
        np.savez(given, **inputs)
        python([FOLDER / "run_model.py", so_path.resolve(), given, results], cpu)
        with np.load(results) as arrays:
            return {name: arrays[name] for name in arrays.files}


def python(arguments: Sequence[str | Path], cpu: str = "max") -> str:
    """Run the arm64 Python, where ``import bnnc`` gives this checkout; returns what it prints."""
    require_python()
    with tempfile.TemporaryDirectory(prefix="bnnc-arm64-") as name:
        Path(name, "bnnc").symlink_to(CHECKOUT)
        return _output(
            [FOLDER / "python.sh", *arguments],
            {"BNNC_ARM64_CPU": cpu, "BNNC_ARM64_PYTHONPATH": name},
        )


def _run(
    model: Path,
    header: Path,
    manifest: Manifest,
    inputs: Mapping[str, np.ndarray],
    cpu: str,
    flags: Sequence[str],
    threads: int = 0,
) -> dict[str, np.ndarray]:
    require_emulator()
    command = ["qemu-aarch64", "-cpu", cpu]
    if "-static" not in flags:
        command += ["-L", str(LIBC), "-E", f"LD_LIBRARY_PATH={model.resolve().parent}"]
    with tempfile.TemporaryDirectory(prefix="bnnc-arm64-") as name:
        folder = Path(name)
        program = c_program.build(
            folder, manifest, header.resolve(), model.resolve(), flags, threads
        )
        return c_program.run([*command, str(program)], manifest, inputs, folder)


def _python_root() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("BNNC_ARM64_ROOT") or cache / "bnnc-tests" / "arm64")


def _output(command: Sequence[str | Path], variables: Mapping[str, str]) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        check=False, capture_output=True, text=True, timeout=TIME_LIMIT,
        env={**os.environ, **variables},
    )  # fmt: skip
    assert done.returncode == 0, f"{command[0]}: exit {done.returncode}\n{done.stderr}"
    return done.stdout
