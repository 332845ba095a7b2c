"""Models that cannot be imported because the file is not valid ONNX: the message says so."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from frontend_support import W, conv_model, model, node, refused, values

from bnnc.frontend import load_model

SAYS_SO = "; the file is not valid ONNX, onnx.checker says so too: "


class Binary(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(16, 8, 3, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.conv2d(torch.sign(x), torch.sign(self.weight))


@pytest.mark.filterwarnings("ignore")
def test_outputs_named_like_an_operator_by_the_newest_exporter(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    path = tmp_path / "net.onnx"
    arguments: Any = {"output_names": ["sign"], "verbose": False}
    torch.onnx.export(Binary(), (torch.zeros(1, 8, 6, 6),), path, dynamo=True, **arguments)
    with pytest.raises(onnx.checker.ValidationError):
        onnx.checker.check_model(path)
    message = str(refused(path))
    assert "'sign' is already defined by node" in message
    assert f"{SAYS_SO}Graph must be in single static assignment" in message
    assert message.endswith("choose others, or export with dynamo=False")
    torch.onnx.export(Binary(), (torch.zeros(1, 8, 6, 6),), path, dynamo=False, **arguments)
    assert load_model(path).graph.outputs[0].name == "sign"


@pytest.mark.parametrize(("producer", "advice"), [("pytorch", "optimize=False"), ("other", "")])
def test_shapes_that_contradict_each_other(producer: str, advice: str) -> None:
    proto = conv_model(outputs={"y": ["N", 4, 7, 7]})
    proto.producer_name = producer
    error = refused(proto)
    message = str(error)
    assert "output 'y': inconsistent shapes: declared [?,4,7,7], computed [N,4,6,6]" in message
    assert SAYS_SO in message
    assert ("torch.onnx.export" in message) == (producer == "pytorch")
    assert advice in message
    assert len(error.problems) == 1


@pytest.mark.parametrize(
    "proto",
    [
        model([node("GridSample", ["x", "x"], ["y"])], {"x": [1, 2, 3, 4]}, {"y": None}),
        conv_model(constants={"w": np.full_like(W, np.inf)}, outputs={"y": None}),
        model([node("MultiThreshold", ["x", "t"], ["y"], domain="qonnx.custom_op.general")],
              {"x": [1, 4]}, {"y": None}, {"t": values(3, 2)}),
    ],
    ids=["a limit", "infinite weights", "an undeclared domain"],
)  # fmt: skip
def test_valid_files_are_not_blamed(proto: onnx.ModelProto) -> None:
    assert "not valid ONNX" not in str(refused(proto))


def test_what_the_checker_cannot_judge_is_not_blamed(tmp_path: Path) -> None:
    assert "not valid ONNX" not in str(refused(tmp_path / "nothing.onnx"))
    (tmp_path / "bytes.onnx").write_bytes(b"\xff\xfe")
    assert "not valid ONNX" not in str(refused(tmp_path / "bytes.onnx"))
    negative = node("GatherND", ["x", "i"], ["y"], batch_dims=-9)
    proto = model([negative], {"x": [2, 2]}, {"y": None}, {"i": np.zeros((2, 1), np.int64)})
    assert refused(proto).problems
