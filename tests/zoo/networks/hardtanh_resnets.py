"""BiPer ResNet-20 (Vargas et al., 2024) and ReSTE ResNet-20 and -18 (Wu et al., 2023)."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from .. import Size, network
from ..blocks import SignFunction


class PeriodicConv(nn.Conv2d):
    """BiPer: weights are the sign of a sine of latent weights; the scale follows the sum."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.alpha = nn.Parameter(torch.rand(outputs, 1, 1) * 0.1 + 0.01)
        self.frequency = 20.0

    def forward(self, x: Tensor) -> Tensor:
        w = SignFunction.apply(torch.sin(self.frequency * self.weight))
        out = F.conv2d(SignFunction.apply(x), w, self.bias, self.stride, self.padding)
        return out * self.alpha


class EstimatorConv(nn.Conv2d):
    """ReSTE's forward pass: signs of standardised weights times their mean magnitude."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__(inputs, outputs, kernel, stride, kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        w = self.weight
        w = w - w.view(w.size(0), -1).mean(-1).view(w.size(0), 1, 1, 1)
        w = w / w.view(w.size(0), -1).std(-1).view(w.size(0), 1, 1, 1)
        scale = abs(w).view(w.size(0), -1).mean(-1).float().view(w.size(0), 1, 1, 1)
        w = SignFunction.apply(w) * scale.detach()
        return F.conv2d(SignFunction.apply(x), w, self.bias, self.stride, self.padding)


class PoolAndPad(nn.Module):
    """The skip of CIFAR ResNets: half the resolution, zeros for the new channels."""

    def __init__(self, more: int) -> None:
        super().__init__()
        self.before, self.after = more // 2, more - more // 2

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(F.avg_pool2d(x, 2), (0, 0, 0, 0, self.before, self.after))


BinaryConv = type[PeriodicConv] | type[EstimatorConv]


class Block(nn.Module):
    """Two binary convolutions, each with a skip and a clip after it."""

    def __init__(
        self, conv: BinaryConv, inputs: int, outputs: int, stride: int, shortcut: nn.Module
    ) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = conv(outputs, outputs, 3, 1), nn.BatchNorm2d(outputs)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn1(self.conv1(x))
        out += self.shortcut(x)
        out = F.hardtanh(out)
        x1 = out
        out = self.bn2(self.conv2(out))
        out += x1
        return F.hardtanh(out)


class CifarNet(nn.Module):
    """Of 32x32 pixels, skips without weights."""

    def __init__(self, conv: BinaryConv, widths: tuple[int, ...], blocks: int) -> None:
        super().__init__()
        inputs = widths[0]
        self.conv1 = nn.Conv2d(3, inputs, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inputs)
        layers: list[nn.Module] = []
        for group, outputs in enumerate(widths):
            for index in range(blocks):
                stride = 2 if group and not index else 1
                shortcut = PoolAndPad(outputs - inputs) if stride == 2 else nn.Identity()
                layers.append(Block(conv, inputs, outputs, stride, shortcut))
                inputs = outputs
        self.layers = nn.Sequential(*layers)
        self.bn2 = nn.BatchNorm1d(inputs)
        self.linear = nn.Linear(inputs, 10)

    def forward(self, x: Tensor) -> Tensor:
        out = self.layers(F.hardtanh(self.bn1(self.conv1(x))))
        out = F.avg_pool2d(out, out.size()[3])
        out = out.view(out.size(0), -1)
        return F.log_softmax(self.linear(self.bn2(out)), dim=1)


class ImageNetNet(nn.Module):
    """Of 224x224 pixels, skips by binary 1x1 convolutions of stride 2."""

    def __init__(self, conv: BinaryConv, widths: tuple[int, ...], blocks: int, classes: int):
        super().__init__()
        inputs = widths[0]
        self.conv1 = nn.Conv2d(3, inputs, 7, 2, 3, bias=False)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.bn1 = nn.BatchNorm2d(inputs)
        layers: list[nn.Module] = []
        for group, outputs in enumerate(widths):
            for index in range(blocks):
                stride = 2 if group and not index else 1
                shortcut: nn.Module = nn.Identity()
                if stride == 2:
                    shortcut = nn.Sequential(
                        conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)
                    )
                layers.append(Block(conv, inputs, outputs, stride, shortcut))
                inputs = outputs
        self.layers = nn.Sequential(*layers)
        self.bn2 = nn.BatchNorm1d(inputs)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.hardtanh(self.bn1(self.maxpool(self.conv1(x))))
        x = torch.flatten(F.adaptive_avg_pool2d(self.layers(x), 1), 1)
        return self.fc(self.bn2(x))


def cifar(conv: BinaryConv, size: Size) -> nn.Module:
    """The published ResNet-20, or two blocks of it."""
    return CifarNet(conv, (16, 32, 64), 3) if size == "full" else CifarNet(conv, (16, 24), 1)


@network(
    "biper_resnet20",
    reduced=(3, 16, 16),
    full=(3, 32, 32),
    binarizable=(4, 18),
    note="Vargas 2024; weights Sign(Sin(f * w)) in the graph, scale after the convolution",
)
def biper_resnet20(size: Size) -> nn.Module:
    return cifar(PeriodicConv, size)


@network(
    "reste_resnet20",
    reduced=(3, 16, 16),
    full=(3, 32, 32),
    binarizable=(4, 18),
    note="Wu 2023; standardised weights in the graph, hardtanh, skips that pad channels",
)
def reste_resnet20(size: Size) -> nn.Module:
    return cifar(EstimatorConv, size)


@network(
    "reste_resnet18",
    reduced=(3, 64, 64),
    full=(3, 224, 224),
    binarizable=(5, 19),
    note="Wu 2023; as its ResNet-20, with binary 1x1 skips of stride 2",
)
def reste_resnet18(size: Size) -> nn.Module:
    if size == "full":
        return ImageNetNet(EstimatorConv, (64, 128, 256, 512), 2, 1000)
    return ImageNetNet(EstimatorConv, (32, 48), 1, 10)
