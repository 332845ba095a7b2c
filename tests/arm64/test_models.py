"""Real models on arm64: the very library and the object, through C and through Python."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from arm64 import sysroot

from bnnc import runtime
from bnnc.driver import compile as compile_model
from bnnc.runtime.artifact import Manifest, read_manifest
from bnnc.runtime.artifact_file import read_file

MODELS = (
    "qonnx_zoo_TFC_1W1A",
    "brevitas_cnv_1w1a_half",
    "reactnet_mobilenet_short__ts",
    "birealnet18_w4__ts",
    "biper_resnet20__ts",
    "larq_seq_pad0",
    "larq_seq_pad1",
    "reactnet_step1_realweights__ts",
)
# Everything behind the first count is integers and elementwise floats: equal in every bit.
BITWISE = ("qonnx_zoo_TFC_1W1A", "brevitas_cnv_1w1a_half")


@dataclass(frozen=True)
class Case:
    """A compiled model with its inputs and what x86 computes from them."""

    so: Path
    header: Path
    manifest: Manifest
    inputs: dict[str, np.ndarray]
    expected: dict[str, np.ndarray]


def make(
    model: Path, inputs: dict[str, np.ndarray], folder: Path, target: str, backend: str = "llvm"
) -> Case:
    """Compile for arm64 and, to compare with, for the machine that runs the tests."""
    sysroot.require_emulator()
    header = folder / "model.h"
    so = compile_model(model, target, folder / "model.so", header=header, backend=backend)
    here = compile_model(model, "x86-64-v2", folder / "here.so")
    with runtime.load(here) as loaded:
        expected = loaded.run(inputs)
    manifest = read_manifest(read_file(so), str(so))
    return Case(so, header, manifest, inputs, expected)


def mnist(
    data_dir: Path, folder: Path, target: str = "arm64", count: int = 2, backend: str = "llvm"
) -> Case:
    """The shipped network on some of its test images."""
    with np.load(data_dir / "mnist" / "test200.npz") as arrays:
        images = (arrays["images"][:count, None] / np.float32(255)).astype(np.float32)
    model = data_dir / "mnist" / "mnist_bnn.onnx"
    return make(model, {"image": images}, folder, target, backend)


def check(got: dict[str, np.ndarray], case: Case, bitwise: bool = False) -> None:
    assert list(got) == list(case.expected)
    for name, expected in case.expected.items():
        assert got[name].shape == expected.shape
        assert got[name].dtype == expected.dtype
        if bitwise:
            np.testing.assert_array_equal(got[name], expected)
        else:
            scale = np.abs(expected).max()
            np.testing.assert_allclose(got[name], expected, rtol=0, atol=1e-5 * scale)


@pytest.mark.sampled(per=("name",))
@pytest.mark.parametrize("name", MODELS)
def test_real_models_in_c(models_dir: Path, tmp_path: Path, backend: str, name: str) -> None:
    with np.load(models_dir / f"{name}.npz") as arrays:
        inputs = {k[5:]: arrays[k] for k in arrays.files if k.startswith("in0__")}
    case = make(models_dir / f"{name}.onnx", inputs, tmp_path, "arm64", backend)
    got = sysroot.run_c(case.so, case.header, case.manifest, case.inputs, "cortex-a53")
    check(got, case, name in BITWISE)


@pytest.mark.sampled(per=lambda parameters: parameters["name"] in BITWISE)
@pytest.mark.parametrize("name", MODELS)
def test_real_models_in_python(models_dir: Path, tmp_path: Path, name: str) -> None:
    with np.load(models_dir / f"{name}.npz") as arrays:
        inputs = {k[5:]: arrays[k] for k in arrays.files if k.startswith("in1__")}
    case = make(models_dir / f"{name}.onnx", inputs, tmp_path, "arm64")
    check(sysroot.run_python(case.so, case.inputs), case, name in BITWISE)


@pytest.mark.sampled(per=("backend",))
@pytest.mark.parametrize("target", ["arm64", "cortex-a53", "cortex-a72"])
def test_mnist_in_c(data_dir: Path, tmp_path: Path, backend: str, target: str) -> None:
    case = mnist(data_dir, tmp_path, target, backend=backend)
    check(sysroot.run_c(case.so, case.header, case.manifest, case.inputs, "cortex-a53"), case)


@pytest.mark.sampled(per=("target",))
@pytest.mark.parametrize("target", ["cortex-a76", "neoverse-n1"])
def test_mnist_on_newer_cores(data_dir: Path, tmp_path: Path, backend: str, target: str) -> None:
    case = mnist(data_dir, tmp_path, target, backend=backend)
    check(sysroot.run_c(case.so, case.header, case.manifest, case.inputs), case)


def test_mnist_linked_statically(data_dir: Path, tmp_path: Path) -> None:
    case = mnist(data_dir, tmp_path)
    model = data_dir / "mnist" / "mnist_bnn.onnx"
    obj = compile_model(model, "arm64", tmp_path / "model.o", emit="obj")
    check(sysroot.run_static(obj, case.header, case.manifest, case.inputs), case)


@pytest.mark.sampled(per=())
@pytest.mark.parametrize("cpu", ["cortex-a53", "neoverse-n1"])
def test_mnist_with_threads(data_dir: Path, tmp_path: Path, backend: str, cpu: str) -> None:
    """Threads of the emulator; exclusive loads and stores on one, atomics of LSE on the other.
    So many images are worth several threads."""
    case = mnist(data_dir, tmp_path, cpu, 12, backend)
    model = data_dir / "mnist" / "mnist_bnn.onnx"
    obj = compile_model(model, cpu, tmp_path / "model.o", emit="obj", backend=backend)
    check(sysroot.run_static(obj, case.header, case.manifest, case.inputs, cpu, 3), case)


def test_mnist_compressed(data_dir: Path, tmp_path: Path) -> None:
    """Expanded there, by the emulated Python."""
    case = mnist(data_dir, tmp_path)
    model = data_dir / "mnist" / "mnist_bnn.onnx"
    so = compile_model(model, "arm64", tmp_path / "model.bnnc", compress=True)
    check(sysroot.run_python(so, case.inputs), case)


def test_mnist_in_python(data_dir: Path, tmp_path: Path, backend: str) -> None:
    case = mnist(data_dir, tmp_path, backend=backend)
    check(sysroot.run_python(case.so, case.inputs), case)
