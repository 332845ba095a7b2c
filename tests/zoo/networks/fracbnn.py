"""FracBNN ResNet-20 (Zhang et al., 2021): thermometer input and fractional convolutions."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from .. import Size, network
from ..blocks import RPReLU

MINUS = (1, 1, 1, 1)
"""One pixel around the map, filled with -1."""


class Thermometer(nn.Module):
    """A channel of [0, 1] as 255 / resolution signs: as many are +1 as its level is high."""

    def __init__(self, resolution: int) -> None:
        super().__init__()
        self.bits = round(255 / resolution)
        self.resolution = resolution
        steps = torch.arange(self.bits) + 0.5
        self.register_buffer("steps", steps.repeat(3).view(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        level = torch.round(x * 255 / self.resolution)
        level = torch.repeat_interleave(level, self.bits, dim=1)
        return torch.where(level > self.steps, 1.0, -1.0)


def binary_weights(w: Tensor) -> Tensor:
    """Signs times the mean magnitude of the output channel."""
    return torch.sign(w) * w.abs().mean((1, 2, 3), keepdim=True).detach()


class BinaryConv(nn.Conv2d):
    """Convolution of signs, padded with -1."""

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x, MINUS, value=-1.0)
        return F.conv2d(x, binary_weights(self.weight), stride=self.stride)


class FractionalConv(BinaryConv):
    """Activations of two bits, (2 * high + low) / 3: the convolution of the high bits decides,
    pixel by pixel and channel by channel, whether that of both is taken."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__(inputs, outputs, 3, stride, bias=False)
        self.threshold = nn.Parameter(torch.randn(1, outputs, 1, 1) * 0.5)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.clamp(x, -1, 1)
        two_bits = torch.round((x + 1) / 2 * 3) / 3 * 2 - 1  # -1, -1/3, 1/3, 1
        high_bit = torch.where(two_bits >= 0, 1.0, -1.0)
        part = super().forward(high_bit)
        full = super().forward(two_bits)
        mask = (torch.sigmoid(5.0 * (part - self.threshold)) > 0.5).float()
        return (1 - mask) * part + mask * full


class Block(nn.Module):
    """Two fractional convolutions, each with RPReLU, skip and a second normalisation."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = FractionalConv(inputs, outputs, stride)
        self.conv2 = FractionalConv(outputs, outputs, 1)
        self.bn1, self.bn2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)
        self.bn3, self.bn4 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)
        self.rprelu1, self.rprelu2 = RPReLU(outputs), RPReLU(outputs)
        self.doubles = stride == 2

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x
        if self.doubles:
            shortcut = F.avg_pool2d(x, 2)
            shortcut = torch.cat((shortcut, shortcut), dim=1)
        x = self.bn3(self.rprelu1(self.bn1(self.conv1(x))) + shortcut)
        return self.bn4(self.rprelu2(self.bn2(self.conv2(x))) + x)


class FracBNN(nn.Module):
    """No layer but the classifier reads floats of more than two bits."""

    def __init__(self, widths: tuple[int, ...], blocks: int, resolution: int) -> None:
        super().__init__()
        inputs = widths[0]
        self.encoder = Thermometer(resolution)
        self.conv1 = BinaryConv(3 * self.encoder.bits, inputs, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(inputs)
        layers: list[nn.Module] = []
        for group, outputs in enumerate(widths):
            for index in range(blocks):
                layers.append(Block(inputs, outputs, 2 if group and not index else 1))
                inputs = outputs
        self.layers = nn.Sequential(*layers)
        self.linear = nn.Linear(inputs, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layers(self.bn1(self.conv1(self.encoder(x))))
        return self.linear(F.adaptive_avg_pool2d(x, 1).flatten(1))


@network(
    "fracbnn_resnet20",
    reduced=(3, 16, 16),
    full=(3, 32, 32),
    binarizable=(5, 19),
    note="Zhang 2021; thermometer input on bits, padding -1; the two-bit half of each layer is not",
)
def fracbnn_resnet20(size: Size) -> nn.Module:
    return FracBNN((16, 32, 64), 3, 8) if size == "full" else FracBNN((16, 32), 1, 32)
