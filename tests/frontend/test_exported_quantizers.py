"""Quantizers as people write them in PyTorch, through both exporters: each layer lands on bits."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from exporter_support import EXPORTERS, export
from frontend_support import check, model, node, op_names, run_reference, values
from torch import Tensor, nn

import bnnc
from bnnc.frontend import load_model
from bnnc.ir.ops import Conv
from bnnc.passes.binarize import examine

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning",
                                        "ignore::torch.jit.TracerWarning")  # fmt: skip

CHANNELS = 8
PER_CHANNEL = torch.linspace(-1, 1, CHANNELS).reshape(1, -1, 1, 1)


def estimated(q: Tensor, p: Tensor) -> Tensor:
    """The straight-through estimator: the value of q, the gradient of p."""
    return (q - p).detach() + p


QUANTIZERS: dict[str, Callable[[Tensor], Tensor]] = {
    "mask times alpha": lambda x: (x > 0).float() * 0.7,
    "choice": lambda x: torch.where(x > 0, torch.tensor(0.3), torch.tensor(-0.9)),
    "choice of numbers": lambda x: torch.where(x >= 0.1, 1.0, 0.0),
    "choice of ones": lambda x: torch.where(x > 0, torch.ones_like(x), -torch.ones_like(x)),
    "doubled mask": lambda x: 2 * (x >= 0).float() - 1,
    "doubled mask per channel": lambda x: (x >= PER_CHANNEL).float() * 2 - 1,
    "difference of masks": lambda x: (x > 0).float() - (x <= 0).float(),
    "integers": lambda x: (x > 0).int().float(),
    "elastic (BiT)": lambda x: torch.clamp(torch.round(x / 0.37), 0, 1) * 0.37,
    "rounded fraction": lambda x: torch.round(torch.clamp(x, 0, 1)),
    "rounded sigmoid": lambda x: torch.round(torch.sigmoid(x)),
    "floor": lambda x: torch.floor(torch.clamp(x, 0, 1) + 0.5),
    "ceil": lambda x: torch.ceil(torch.clamp(x, 0, 1)),
    "sign of relu": lambda x: torch.sign(F.relu(x)),
    "clipped sign": lambda x: torch.clamp(torch.sign(x), 0, 1),
    "relu of sign": lambda x: F.relu(torch.sign(x)),
    "half the sign": lambda x: (torch.sign(torch.sign(x) + 0.1) + 1) / 2,
    "masked sign": lambda x: torch.sign(x).masked_fill(torch.sign(x) == 0, 1.0),
    "replaced sign (BiBERT)": lambda x: torch.where(
        torch.sign(x) == -1, torch.zeros_like(x), torch.sign(x).masked_fill(x == 0, 1.0)
    ),
    "two values (AdaBin)": lambda x: (
        0.8 * (estimated(torch.sign((x - 0.1) / 0.8), torch.clamp((x - 0.1) / 0.8, -1, 1)) + 0.3)
    ),
    "estimated mask": lambda x: estimated((x > 0).float(), torch.clamp(x, 0, 1)),
    "estimated mask, sigmoid": lambda x: estimated((x > 0).float(), torch.sigmoid(x)),
    "estimated sign, tanh": lambda x: estimated(torch.sign(x), torch.tanh(2 * x)),
    "estimated sign, itself": lambda x: estimated(torch.sign(x), x),
}


class Layers(nn.Module):
    """A normalised operand, quantized in every way, each before a convolution of its own.

    Each has a normalisation of its own too: the newer exporter loses the bounds of equal clamps.
    """

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.names = names
        self.norms = nn.ModuleList(nn.BatchNorm2d(CHANNELS) for _ in names)
        self.layers = nn.ModuleList(nn.Conv2d(CHANNELS, 4, 3, bias=False) for _ in names)
        for layer in self.layers:
            layer.weight.data = torch.sign(layer.weight.data)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return tuple(
            layer(QUANTIZERS[name](norm(x)))
            for name, norm, layer in zip(self.names, self.norms, self.layers, strict=True)
        )


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_every_layer_is_on_bits(exporter: str) -> None:
    proto = export(Layers(list(QUANTIZERS)), (1, CHANNELS, 6, 6), exporter)
    feeds: dict[str, Any] = {proto.graph.input[0].name: values(3, CHANNELS, 6, 6)}
    check(proto, feeds, 1e-5)
    verdicts = [v for v in examine(load_model(proto).graph) if isinstance(v.node.op, Conv)]
    assert len(verdicts) == len(QUANTIZERS)
    assert [v.reason for v in verdicts if not v.binarized] == []


class Estimated(nn.Module):
    """Five layers of weights that make every sum exact; the middle three read estimated signs."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        sizes = [3, CHANNELS, CHANNELS, CHANNELS, CHANNELS]
        self.layers = nn.ModuleList(
            nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in pairwise(sizes)
        )
        self.head = nn.Linear(CHANNELS, 10)
        for layer in self.layers[1:]:
            layer.weight.data = torch.sign(layer.weight.data)
        for layer in (self.layers[0], self.head):
            layer.weight.data = torch.round(layer.weight.data * 8) / 8

    def forward(self, x: Tensor) -> Tensor:
        x = self.layers[0](x)
        for layer in self.layers[1:]:
            x = (torch.sign(x) - torch.clamp(x, -1, 1)).detach() + torch.clamp(x, -1, 1)
            x = layer(x)
        return self.head(F.max_pool2d(x, 6).flatten(1))


def test_what_the_estimator_computes_twice_is_one_value(tmp_path: Path) -> None:
    """Without optimizations the newer exporter writes each clamp as Max and Min with bounds of
    their own (with them it loses the bounds of equal clamps)."""
    proto = export(Estimated(), (1, 3, 6, 6), "dynamo", optimize=False)
    clamps = [n for n in proto.graph.node if n.op_type == "Max"]
    assert len(clamps) == len({n.input[1] for n in clamps}) == 6
    verdicts = examine(load_model(proto).graph)
    assert [v.binarized for v in verdicts] == [False, True, True, True, False]
    feeds: dict[str, Any] = {proto.graph.input[0].name: np.round(values(5, 3, 6, 6) * 4)}
    (expected,) = run_reference(proto, feeds).values()
    with bnnc.load(bnnc.compile(proto, output=tmp_path / "m.so")) as compiled:
        (actual,) = compiled.run(feeds).values()
    assert np.array_equal(actual, expected)


@pytest.mark.parametrize("at_zero", [0.0, 1.0])
def test_heaviside(at_zero: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the newer exporter has it: as two masks and a choice."""
    form = {"heaviside": lambda x: torch.heaviside(x, torch.tensor(at_zero))}
    monkeypatch.setitem(QUANTIZERS, "heaviside", form["heaviside"])
    proto = export(Layers(["heaviside"]), (1, CHANNELS, 6, 6), "dynamo")
    x = np.round(values(3, CHANNELS, 6, 6))
    check(proto, {proto.graph.input[0].name: x}, 1e-5)
    (verdict,) = examine(load_model(proto).graph)
    assert verdict.binarized


@pytest.mark.parametrize("opset", [10, 13, 18, 19])
def test_constants_are_dequantized(opset: int) -> None:
    """Weights of models that PyTorch, ONNX Runtime or Brevitas quantized (QDQ)."""
    quantized = np.array([[-3, 4, 100], [5, -60, 127]], np.int8)
    axes = {"s": np.array([0.1, 0.3], np.float32), "z": np.array([1, -2], np.int8)}
    for parameters in ({"s": np.float32(0.1), "z": np.int8(3)}, {"s": np.float32(0.1)}, axes):
        if opset < 13 and parameters is axes:
            continue
        axis = {"axis": 0} if parameters is axes else {}
        nodes = [
            node("DequantizeLinear", ["q", *parameters], ["w"], **axis),
            node("Add", ["x", "w"], ["y"]),
        ]
        proto = model(
            nodes, {"x": ["N", 2, 3]}, constants={"q": quantized, **parameters}, opset=opset
        )
        assert op_names(check(proto, {"x": values(4, 2, 3)})) == ["add"]
