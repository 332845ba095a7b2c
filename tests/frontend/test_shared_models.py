"""Models exported from other people's code: the imported graph computes their stored outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnc import ir
from bnnc.frontend import load_model
from bnnc.ir.ops import Const, Conv, Gemm, Sign

RTOL = 1e-4
"""Of the output's scale."""

SIGNS = {
    "adabin_resnet20_trained__ts": [18, 0, 20],
    "bibert_layer__ts": [8, 0, 6],
    "biper_resnet20__ts": [18, 0, 20],
    "birealnet18_w4__ts": [8, 0, 13],
    "bit_bert_layer__ts": [8, 1, 6],
    "bitnetmcu_fcmnist_ternary__ts": [0, 0, 4],
    "bnnpt_xnor_resblocks__ts": [1, 0, 7],
    "brevitas_cnv_1w1a_half": [0, 8, 9],
    "finn_build_dataflow_model": [0, 4, 4],
    "irnet_vggsmall_w4__dyn": [5, 0, 7],
    "larq_seq_pad0": [0, 5, 6],
    "larq_seq_pad1": [0, 5, 6],
    "larqzoo_quicknet_narrow": [0, 6, 12],
    "micronet_ningc_w2a2_inference__ts": [0, 8, 9],
    "qonnx_zoo_TFC_1W1A": [0, 4, 4],
    "qonnx_zoo_TFC_1W2A": [0, 0, 4],
    "reactnet_mobilenet_short__dyn": [6, 0, 10],
    "reactnet_mobilenet_short__ts": [6, 0, 10],
    "reactnet_step1_realweights__ts": [6, 0, 9],
}
"""Name to [signs that are 0 at zero, signs that are +1 there, convolutions and products with
constant weights]."""


def shape_of_binarization(graph: ir.Graph) -> list[int]:
    signs = [n.op.zero for n in graph.nodes if isinstance(n.op, Sign)]
    weights = [n.op.w for n in graph.nodes if isinstance(n.op, (Conv, Gemm))]
    assert all(isinstance(graph.producer_op(w), Const) for w in weights)
    return [signs.count(0), signs.count(1), len(weights)]


@pytest.mark.parametrize("name", sorted(SIGNS))
def test_model(models_dir: Path, name: str) -> None:
    graph = load_model(models_dir / f"{name}.onnx").graph
    stored = np.load(models_dir / f"{name}.npz")
    for k in (0, 1):
        feeds, wanted = (_entries(stored, f"{kind}{k}__") for kind in ("in", "out"))
        got = ir.interpret(graph, feeds)
        assert list(got) == list(wanted)
        for output, expected in wanted.items():
            assert np.abs(got[output] - expected).max() <= RTOL * np.abs(expected).max()
    assert shape_of_binarization(graph) == SIGNS[name]


def _entries(stored: Any, prefix: str) -> dict[str, Any]:
    return {n.removeprefix(prefix): stored[n] for n in stored.files if n.startswith(prefix)}


def test_every_model_of_the_folder_is_here(models_dir: Path) -> None:
    names = {path.stem for path in models_dir.glob("*.onnx")}
    assert names <= set(SIGNS)


def test_mnist(data_dir: Path) -> None:
    graph = load_model(data_dir / "mnist" / "mnist_bnn.onnx").graph
    assert shape_of_binarization(graph) == [0, 4, 6]
    samples = np.load(data_dir / "mnist" / "test200.npz")
    images = samples["images"][:40, None].astype(np.float32) / 255
    logits = ir.interpret(graph, {"image": images})["logits"]
    assert (logits.argmax(1) == samples["labels"][:40]).mean() >= 0.95
