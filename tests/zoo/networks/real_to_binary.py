"""Real-to-Binary-18 (Martinez et al., 2020): binary convolutions scaled by gates."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from .. import Size, network
from ..blocks import clip_sign


class BinaryConv(nn.Conv2d):
    """Straight-through signs of activations and weights."""

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(clip_sign(x), clip_sign(self.weight), None, self.stride, self.padding)


class Gate(nn.Module):
    """A scale per sample and channel, from the pooled real activations."""

    def __init__(self, inputs: int, outputs: int, reduction: int = 8) -> None:
        super().__init__()
        self.squeeze = nn.Linear(inputs, inputs // reduction)
        self.excite = nn.Linear(inputs // reduction, outputs)

    def forward(self, x: Tensor) -> Tensor:
        pooled = F.adaptive_avg_pool2d(x, 1).flatten(1)
        gate = torch.sigmoid(self.excite(F.relu(self.squeeze(pooled))))
        return gate.view(gate.size(0), gate.size(1), 1, 1)


class GatedBlock(nn.Module):
    """Normalisation, binary convolution times gate, PReLU, skip."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.conv = BinaryConv(inputs, outputs, 3, stride, 1, bias=False)
        self.gate = Gate(inputs, outputs)
        self.act = nn.PReLU(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            conv = nn.Conv2d(inputs, outputs, 1, bias=False)
            self.shortcut = nn.Sequential(nn.AvgPool2d(2, 2), conv, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        real = self.norm(x)
        out = self.conv(real) * self.gate(real)
        return self.act(out) + self.shortcut(x)


class RealToBinary(nn.Module):
    """ResNet-18 with a skip around every binary layer."""

    def __init__(self, widths: tuple[int, ...], blocks: int, classes: int) -> None:
        super().__init__()
        inputs = widths[0]
        self.stem = nn.Sequential(
            nn.Conv2d(3, inputs, 7, 2, 3, bias=False),
            nn.BatchNorm2d(inputs),
            nn.PReLU(inputs),
            nn.MaxPool2d(3, 2, 1),
        )
        body: list[nn.Module] = []
        for group, outputs in enumerate(widths):
            for index in range(blocks):
                body.append(GatedBlock(inputs, outputs, 2 if group and not index else 1))
                inputs = outputs
        self.body = nn.Sequential(*body)
        self.norm = nn.BatchNorm2d(inputs)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(self.body(self.stem(x))))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


@network(
    "real_to_binary18",
    reduced=(3, 64, 64),
    full=(3, 224, 224),
    binarizable=(6, 16),
    note="Martinez 2020; counts scaled per sample and channel by a gate of the real activations",
)
def real_to_binary18(size: Size) -> nn.Module:
    if size == "full":
        return RealToBinary((64, 128, 256, 512), 4, 1000)
    return RealToBinary((32, 48, 64), 2, 10)
