"""The ONNX project's own backend tests: what is imported computes the expected outputs, what is
not is refused, and no case is a crash."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests

from bnnc import ir
from bnnc.errors import ModelError
from bnnc.frontend import load_model

IMPRECISE = {"test_averagepool_2d_ceil_last_window_starts_on_pad"}
"""Cases whose expected outputs are written with four digits."""

COVERED = """
    Abs Add And AveragePool Cast Ceil Celu Clip Concat Div Elu Equal Erf Exp
    Flatten Floor Gather Gelu GlobalAveragePool Greater HardSigmoid HardSwish Identity LeakyRelu
    Less Log LogSoftmax MatMul Max MaxPool Mean Min Mish Mul Neg Not Or PRelu Reciprocal
    ReduceMax ReduceMean ReduceMin ReduceSum Relu Round Selu Shape Sigmoid Sign Size Softmax
    Softplus Softsign SpaceToDepth DepthToSpace Split Sqrt Squeeze Sub Sum Tanh Transpose Where
""".split()
"""Operators of which at least one case must be imported, all operands at run time."""


def cases(kind: str) -> list[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(load_model_tests(kind=kind))


def model_and_data(case: Any) -> tuple[onnx.ModelProto, list[tuple[list[Any], list[Any]]]]:
    if case.model is not None:
        return case.model, case.data_sets
    folder = Path(case.model_dir)
    sets = []
    for data in sorted(folder.glob("test_data_set_*")):
        sets.append(tuple(_tensors(data, kind) for kind in ("input", "output")))
    return onnx.load(folder / "model.onnx"), sets


def _tensors(folder: Path, kind: str) -> list[Any]:
    files = sorted(folder.glob(f"{kind}_*.pb"), key=lambda p: int(p.stem.split("_")[1]))
    return [numpy_helper.to_array(onnx.load_tensor(file)) for file in files]


def compare(graph: ir.Graph, proto: onnx.ModelProto, inputs: list[Any], outputs: list[Any]) -> None:
    held = {t.name for t in proto.graph.initializer}
    names = [i.name for i in proto.graph.input]
    feeds = {n: np.asarray(a) for n, a in zip(names, inputs, strict=False) if n not in held}
    with np.errstate(all="ignore"):
        got = ir.interpret(graph, feeds)
    for info, want in zip(proto.graph.output, outputs, strict=True):
        have = got[info.name]
        assert have.dtype == want.dtype
        assert have.shape == want.shape
        np.testing.assert_allclose(have, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["node", "simple", "pytorch-operator", "pytorch-converted"])
def test_suite(kind: str) -> None:
    imported: Counter[str] = Counter()
    for case in cases(kind):
        try:
            proto, data = model_and_data(case)
            graph = load_model(proto).graph
        except ModelError:
            continue
        imported.update({node.op_type for node in proto.graph.node})
        if case.name not in IMPRECISE:
            for inputs, outputs in data:
                compare(graph, proto, inputs, outputs)
    if kind == "node":
        assert not [op for op in COVERED if not imported[op]]
