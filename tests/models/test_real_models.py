"""Models exported by other people's code: they compile, run on bits where they can, and are right.

The samples lie beside the checkout (see ``models_dir``); the MNIST network ships with it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from library_support import present
from under_test import BACKENDS, MARKS

from bnnc import runtime
from bnnc.backends.targets import TARGETS
from bnnc.driver import compile as compile_model
from bnnc.driver import import_model, recognised
from bnnc.errors import ModelError
from bnnc.tools.verification.model_check import verify

LEVELS = ("x86-64-v2", "x86-64-v3", "x86-64-v4")
RUNS = [
    *(pytest.param(backend, "native", marks=MARKS[backend]) for backend in BACKENDS),
    *(
        pytest.param(
            BACKENDS[0],
            level,
            marks=pytest.mark.skipif(
                not present(TARGETS[level]),
                reason=f"not executed here: this machine cannot run {level}",
            ),
        )
        for level in LEVELS
    ),
]
"""The first backend on all levels of x86-64, the others on this machine's."""

# Model: (layers on bits, Conv and Gemm layers in all).
MODELS = {
    "qonnx_zoo_TFC_1W1A": (4, 4),
    "brevitas_cnv_1w1a_half": (8, 9),
    "reactnet_mobilenet_short__ts": (8, 10),
    "birealnet18_w4__ts": (8, 13),
    "biper_resnet20__ts": (18, 20),
    "larq_seq_pad0": (5, 6),
    "larq_seq_pad1": (5, 6),
    "reactnet_step1_realweights__ts": (0, 9),
}
# What is not yet claimed must still be right or refused.
OTHERS = (
    "adabin_resnet20_trained__ts",
    "bibert_layer__ts",
    "bit_bert_layer__ts",
    "bitnetmcu_fcmnist_ternary__ts",
    "bnnpt_xnor_resblocks__ts",
    "finn_build_dataflow_model",
    "irnet_vggsmall_w4__dyn",
    "larqzoo_quicknet_narrow",
    "micronet_ningc_w2a2_inference__ts",
    "qonnx_zoo_TFC_1W2A",
    "reactnet_mobilenet_short__dyn",
)


def stored(models_dir: Path, name: str, index: int) -> tuple[dict, dict]:
    """Inputs and reference outputs kept with a model."""
    with np.load(models_dir / f"{name}.npz") as arrays:
        inputs = {k[5:]: arrays[k] for k in arrays.files if k.startswith(f"in{index}__")}
        outputs = {k[6:]: arrays[k] for k in arrays.files if k.startswith(f"out{index}__")}
    return inputs, outputs


def check_stored(artifact: Path, models_dir: Path, name: str) -> None:
    """The artifact's outputs equal the stored ones to float32 rounding."""
    with runtime.load(artifact) as model:
        for index in (0, 1):
            inputs, outputs = stored(models_dir, name, index)
            results = model.run(inputs)
            assert list(results) == list(outputs)
            for key, expected in outputs.items():
                assert results[key].dtype == expected.dtype
                assert results[key].shape == expected.shape
                scale = np.abs(expected).max()
                np.testing.assert_allclose(results[key], expected, rtol=0, atol=1e-5 * scale)


@pytest.mark.parametrize("name", MODELS)
def test_layers_on_bits(models_dir: Path, name: str) -> None:
    verdicts = recognised(import_model(models_dir / f"{name}.onnx").graph)
    assert (sum(v.binarized for v in verdicts), len(verdicts)) == MODELS[name]


@pytest.mark.sampled(per=("name", "backend"))
@pytest.mark.parametrize(("backend", "target"), RUNS)
@pytest.mark.parametrize("name", MODELS)
def test_matches_the_stored_outputs(
    models_dir: Path, tmp_path: Path, name: str, backend: str, target: str
) -> None:
    model, output = models_dir / f"{name}.onnx", tmp_path / "model.so"
    check_stored(compile_model(model, target, output, backend=backend), models_dir, name)


@pytest.mark.sampled(per=("name",))
@pytest.mark.parametrize("name", MODELS)
def test_verifies_layer_by_layer(models_dir: Path, backend: str, name: str) -> None:
    report = verify(models_dir / f"{name}.onnx", runs=2, backend=backend)
    assert not report.mismatch, list(report.lines())
    assert report.independent
    assert report.kernels.bits == 0
    assert report.kernels.compared > 0


@pytest.mark.sampled(per=("backend",))
@pytest.mark.parametrize(("backend", "target"), RUNS)
def test_mnist_verifies(data_dir: Path, backend: str, target: str) -> None:
    model = data_dir / "mnist" / "mnist_bnn.onnx"
    report = verify(model, runs=2, target=target, backend=backend)
    assert not report.mismatch, list(report.lines())
    assert report.independent
    assert report.signs > 0


@pytest.mark.sampled(per=("name",))
@pytest.mark.parametrize("name", OTHERS)
def test_others_are_right_or_refused(
    models_dir: Path, tmp_path: Path, backend: str, name: str
) -> None:
    """Refused by the import, which all backends share."""
    artifact = tmp_path / "model.so"
    refusal = ""
    try:
        compile_model(models_dir / f"{name}.onnx", "native", artifact, backend=backend)
    except ModelError as error:
        refusal = str(error)
    assert artifact.exists() == (not refusal)
    if refusal:
        assert "node '" in refusal
        assert "\n" not in refusal
    else:
        check_stored(artifact, models_dir, name)


def test_mnist_accuracy(data_dir: Path, tmp_path: Path, backend: str) -> None:
    folder, output = data_dir / "mnist", tmp_path / "mnist.so"
    artifact = compile_model(folder / "mnist_bnn.onnx", output=output, backend=backend)
    with np.load(folder / "test200.npz") as arrays:
        images, labels = arrays["images"], arrays["labels"]
    with runtime.load(artifact) as model:
        scores = model((images[:, None] / np.float32(255)).astype(np.float32))
    assert (scores.argmax(1) == labels).mean() >= 0.985


@pytest.mark.sampled(per=())
def test_same_bytes_everywhere(data_dir: Path, tmp_path: Path, backend: str) -> None:
    """Another folder, another hash seed, a ModelProto instead of a path: the same file."""
    model = data_dir / "mnist" / "mnist_bnn.onnx"
    program = (
        "import sys, onnx, bnnc.driver as d\n"
        "model = onnx.load(sys.argv[1]) if sys.argv[3] == 'proto' else sys.argv[1]\n"
        "d.compile(model, 'x86-64-v3', sys.argv[2], backend=sys.argv[4])\n"
    )
    artifacts = []
    for index, kind in enumerate(("path", "proto", "path")):
        folder = tmp_path / f"folder{index}"
        folder.mkdir()
        copied = folder / f"copy{index}.onnx"
        copied.write_bytes(model.read_bytes())
        output = folder / "mnist.so"
        subprocess.run(
            [sys.executable, "-c", program, str(copied), str(output), kind, backend],
            check=True,
            cwd=folder,
            env={**os.environ, "PYTHONHASHSEED": str(index + 1)},
        )
        artifacts.append(output.read_bytes())
    assert artifacts[0] == artifacts[1] == artifacts[2]
