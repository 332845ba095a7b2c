"""Quantizers of few bits as people write them in PyTorch, through both exporters: each layer is
multiplied as integers, and near what ONNX Runtime computes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from exporter_support import EXPORTERS, export
from torch import Tensor, nn

from bnnc.driver import import_model, recognised
from bnnc.tools.verification.model_check import verify

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning",
                                        "ignore::torch.jit.TracerWarning")  # fmt: skip

WIDTH = 64


def estimated(q: Tensor, p: Tensor) -> Tensor:
    """The straight-through estimator: the value of q, the gradient of p."""
    return p + (q - p).detach()


def token_scale(x: Tensor) -> Tensor:
    """Levels of 8 bits a unit, for each token (The Era of 1-bit LLMs: Training Tips, 2024)."""
    return 127.0 / x.abs().max(dim=-1, keepdim=True).values.clamp(min=1e-5)


def bitnet(x: Tensor) -> Tensor:
    """BitNet b1.58's activations."""
    scale = token_scale(x)
    return (x * scale).round().clamp(-128, 127) / scale


def lsq(x: Tensor) -> Tensor:
    """Learned step size quantization (Esser et al., 2020): the rounding alone is estimated."""
    t = torch.clamp(x / 0.173, -8, 7)
    return estimated(t.round(), t) * 0.173


def pact(x: Tensor) -> Tensor:
    """Clipped by a learned number (Choi et al., 2018), 4 bits."""
    y = torch.clamp(x, 0.0, 2.7)
    return estimated(torch.round(y * 15 / 2.7) * 2.7 / 15, y)


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "DoReFa, 2 bits": lambda x: torch.round(torch.clamp(x, 0, 1) * 3) / 3,
    "DoReFa, 4 bits, estimated": lambda x: estimated(
        torch.round(torch.clamp(x, 0, 1) * 15) / 15, torch.clamp(x, 0, 1)
    ),
    "PACT, 4 bits": pact,
    "LSQ, 4 bits": lsq,
    "HWGQ, 2 bits": lambda x: torch.clamp(torch.round(x / 0.538), 0, 3) * 0.538,
    "8 bits, a fixed scale": lambda x: torch.clamp(torch.round(x * 41.7), -128, 127) / 41.7,
    "8 bits, a zero point": lambda x: (torch.clamp(torch.round(x * 50) + 33, 0, 255) - 33) / 50,
    "BitNet": bitnet,
    "BitNet, estimated": lambda x: estimated(bitnet(x), x),
}


def ternary(w: Tensor) -> Tensor:
    """BitNet b1.58's weights."""
    scale = 1.0 / w.abs().mean().clamp(min=1e-5)
    return (w * scale).round().clamp(-1, 1) / scale


def dorefa(bits: int) -> Callable[[Tensor], Tensor]:
    """DoReFa's weights: odd multiples of a step."""
    n = 2**bits - 1

    def quantized(w: Tensor) -> Tensor:
        t = torch.tanh(w) / (2 * torch.tanh(w).abs().max()) + 0.5
        return 2 * torch.round(t * n) / n - 1

    return quantized


WEIGHTS: dict[str, Callable[[Tensor], Tensor]] = {
    "ternary": ternary,
    "ternary, estimated": lambda w: estimated(ternary(w), w),
    "2 bits": dorefa(2),
    "4 bits": dorefa(4),
    "8 bits, a scale per channel": lambda w: (
        torch.round(w / (s := w.abs().amax(1, keepdim=True) / 127)) * s
    ),
}


class Products(nn.Module):
    """Each pair of an activation and weights, with a normalization before it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        weights = list(WEIGHTS.values())
        self.pairs = [(q, weights[i % len(weights)]) for i, q in enumerate(ACTIVATIONS.values())]
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in self.pairs)
        self.layers = nn.ModuleList(nn.Linear(WIDTH, 24) for _ in self.pairs)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [
            F.linear(q(norm(x)), w(layer.weight), layer.bias)
            for (q, w), norm, layer in zip(self.pairs, self.norms, self.layers, strict=True)
        ]


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_layers_are_multiplied_as_integers(exporter: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    # The newer exporter's optimizations lose the bounds of equal clamps.
    proto = export(Products(), (1, 5, WIDTH), exporter, optimize=False)
    path.write_bytes(proto.SerializeToString())
    verdicts = recognised(import_model(path).graph)
    floats = [v.reason for v in verdicts if not v.reason.endswith("multiplied as integers")]
    assert len(verdicts) == len(ACTIVATIONS)
    assert not floats
    report = verify(path, runs=2)
    assert not report.mismatch, list(report.lines())
    assert report.kernels.bits == 0
