"""The harness itself, on an artifact made by hand: all three ways to run arm64 code."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import handmade
import numpy as np
import pytest
from arm64 import sysroot

WHAT = handmade.manifest("aarch64")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``handmade.c`` for arm64."""
    return handmade.build(tmp_path_factory.mktemp("arm64"), WHAT)


def check(got: dict[str, np.ndarray], inputs: dict[str, np.ndarray]) -> None:
    want = handmade.reference(inputs)
    assert list(got) == list(want)
    for name, value in want.items():
        assert got[name].dtype == value.dtype
        assert got[name].shape == value.shape
        np.testing.assert_array_equal(got[name], value)


@pytest.mark.parametrize("cpu", ["max", "cortex-a53"])
def test_c_program_loads_the_library(library: Path, cpu: str) -> None:
    inputs = handmade.inputs(5)
    check(sysroot.run_c(library, library.with_suffix(".h"), WHAT, inputs, cpu), inputs)


def test_static_c_program(library: Path) -> None:
    inputs = handmade.inputs(5)
    model = library.with_suffix(".o")
    check(sysroot.run_static(model, library.with_suffix(".h"), WHAT, inputs), inputs)


def test_real_python_with_the_numpy_of_debian_12(library: Path) -> None:
    inputs = handmade.inputs(5)
    check(sysroot.run_python(library, inputs), inputs)
    assert sysroot.python_version().startswith("aarch64 Python 3.")


def features(cpu: str) -> set[str]:
    program = "from bnnc.runtime import cpu; print(*sorted(cpu.host_features()))"
    return set(sysroot.python(["-c", program], cpu).split())


def test_features_come_from_the_processor() -> None:
    old, new = features("cortex-a53"), features("max")
    assert {"fp", "asimd", "aes", "sha2", "crc32"} <= old
    assert {"asimddp", "atomics", "sve"} & old == set()
    assert {"asimddp", "atomics", "sve", "i8mm"} | old <= new


def refusal(path: Path, cpu: str = "max") -> str:
    program = (
        "import sys; from bnnc import errors, runtime\n"
        "try: runtime.load(sys.argv[1])\n"
        "except errors.ArtifactError as error: print(error)"
    )
    return sysroot.python(["-c", program, path], cpu)


def test_refuses_code_for_others(tmp_path: Path) -> None:
    other = handmade.build(tmp_path / "x86", handmade.manifest("x86_64"))
    assert "compiled for x86_64" in refusal(other)
    assert "this machine is aarch64" in refusal(other)


def test_refuses_a_processor_without_the_features(tmp_path: Path) -> None:
    target = dataclasses.replace(WHAT.target, features=("asimd", "asimddp"))
    path = handmade.build(tmp_path, dataclasses.replace(WHAT, target=target))
    assert "lacks asimddp; compile" in refusal(path, "cortex-a53")
    assert refusal(path, "cortex-a76") == ""


@pytest.mark.parametrize(("required", "outcome"), [("0", pytest.skip), ("1", pytest.fail)])
def test_what_is_missing_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, required: str, outcome: Any
) -> None:
    """Each part in turn, on machines that have all of them and on machines that have none."""
    monkeypatch.setenv("BNNC_REQUIRE_ARM64", required)
    monkeypatch.setenv("BNNC_ARM64_ROOT", "/nowhere")
    monkeypatch.setenv("PATH", str(tmp_path))
    packages = "apt-get install qemu-user libc6-arm64-cross"
    for needs in (sysroot.require_emulator, sysroot.require_python):
        with pytest.raises(outcome.Exception, match=packages):
            needs()
    emulator = tmp_path / "qemu-aarch64"
    emulator.touch(0o755)
    monkeypatch.setattr(sysroot, "LIBC", tmp_path / "libc")
    with pytest.raises(outcome.Exception, match=packages):
        sysroot.require_emulator()
    (tmp_path / "libc").mkdir()
    sysroot.require_emulator()
    with pytest.raises(outcome.Exception, match=r"arm64 Python in /nowhere.*/setup\.sh"):
        sysroot.require_python()


def test_a_run_asks_for_what_it_needs(monkeypatch: pytest.MonkeyPatch, library: Path) -> None:
    monkeypatch.setenv("BNNC_REQUIRE_ARM64", "0")
    monkeypatch.setenv("PATH", "/nowhere")
    header = library.with_suffix(".h")
    with pytest.raises(pytest.skip.Exception, match="qemu-user"):
        sysroot.run_c(library, header, WHAT, handmade.inputs(1))
    with pytest.raises(pytest.skip.Exception, match="qemu-user"):
        sysroot.run_static(library.with_suffix(".o"), header, WHAT, handmade.inputs(1))
    with pytest.raises(pytest.skip.Exception, match="qemu-user"):
        sysroot.run_python(library, handmade.inputs(1))
