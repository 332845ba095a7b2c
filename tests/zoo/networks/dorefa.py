"""DoReFa-Net's AlexNet (Zhou et al., 2016) with 1-bit weights and 2-bit activations."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from .. import Size, network


def binary_weights(w: Tensor) -> Tensor:
    """Signs times the mean magnitude of the layer; averaged by rows, because ONNX Runtime adds in
    order: one float32 sum over 37 million magnitudes is off by a thousandth there."""
    scale = w.abs().flatten(1).mean(1).mean().detach()
    return torch.sign(w / scale) * scale


class QuantizedActivation(nn.Module):
    """Clip to [0, 1], then round to four levels."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.round(torch.clamp(x, 0, 1) * 3) / 3


class QConv(nn.Conv2d):
    """Convolution by 1-bit weights."""

    def forward(self, x: Tensor) -> Tensor:
        w = binary_weights(self.weight)
        return F.conv2d(x, w, self.bias, self.stride, self.padding, groups=self.groups)


class QLinear(nn.Linear):
    """Product with 1-bit weights."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, binary_weights(self.weight), self.bias)


def dorefa_net(
    widths: tuple[int, int, int, int], pixels: int, hidden: int, classes: int
) -> nn.Module:
    """``pixels``: of the map that the first product reads."""
    a, b, c, d = widths
    return nn.Sequential(
        nn.Conv2d(3, a, 12, 4),
        QuantizedActivation(),
        QConv(a, b, 5, padding=2, groups=2, bias=False),
        nn.BatchNorm2d(b),
        nn.MaxPool2d(3, 2, 1),
        QuantizedActivation(),
        QConv(b, c, 3, padding=1, bias=False),
        nn.BatchNorm2d(c),
        nn.MaxPool2d(3, 2, 1),
        QuantizedActivation(),
        QConv(c, c, 3, padding=1, groups=2, bias=False),
        nn.BatchNorm2d(c),
        QuantizedActivation(),
        QConv(c, d, 3, padding=1, groups=2, bias=False),
        nn.BatchNorm2d(d),
        nn.MaxPool2d(3, 2),
        QuantizedActivation(),
        nn.Flatten(),
        QLinear(d * pixels, hidden, bias=False),
        nn.BatchNorm1d(hidden),
        QuantizedActivation(),
        QLinear(hidden, hidden, bias=False),
        nn.BatchNorm1d(hidden),
        nn.Hardtanh(0.0, 1.0),
        nn.Linear(hidden, classes),
    )


@network(
    "dorefa_w1a2",
    reduced=(3, 96, 96),
    full=(3, 224, 224),
    binarizable=(0, 0),
    note="Zhou 2016; 1-bit weights, 2-bit activations: exact in floats, nothing for bits",
)
def dorefa_w1a2(size: Size) -> nn.Module:
    if size == "full":
        return dorefa_net((96, 256, 384, 256), 36, 4096, 1000)
    return dorefa_net((16, 32, 48, 32), 4, 64, 10)
