"""BinaryNet's perceptron and VGG (Hubara 2016), and the VGG-small that later papers measure with.

Weights are overwritten by their signs before inference, zero at a sign stays zero, and the bias is
added after the convolution, expanded.
"""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from .. import Size, network
from ..blocks import SignFunction, sign_conv2d


class BinarizeLinear(nn.Linear):
    """A product of signs; ``binarize_input`` is off where the network's input comes in."""

    def __init__(self, inputs: int, outputs: int, binarize_input: bool = True) -> None:
        super().__init__(inputs, outputs)
        self.binarize_input = binarize_input

    def bake(self) -> None:
        self.weight.copy_(self.weight.sign())

    def forward(self, x: Tensor) -> Tensor:
        if self.binarize_input:
            x = SignFunction.apply(x)
        out = F.linear(x, self.weight)
        return out + self.bias.view(1, -1).expand_as(out)


class BinarizeConv2d(nn.Conv2d):
    """A convolution of signs; images (three channels) are taken as they are."""

    def bake(self) -> None:
        self.weight.copy_(self.weight.sign())

    def forward(self, x: Tensor) -> Tensor:
        if self.in_channels != 3:
            x = SignFunction.apply(x)
        out = F.conv2d(x, self.weight, None, self.stride, self.padding, self.dilation, self.groups)
        return out + self.bias.view(1, -1, 1, 1).expand_as(out)


class BinaryNetVgg(nn.Module):
    """Six convolutions and three products, pooled before normalisation and hardtanh."""

    def __init__(self, width: int, resolution: int, hidden: int, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for index, outputs in enumerate(width * m for m in (1, 1, 2, 2, 4, 4)):
            layers.append(BinarizeConv2d(inputs, outputs, 3, padding=1, bias=True))
            if index % 2:
                layers.append(nn.MaxPool2d(2, 2))
            layers += [nn.BatchNorm2d(outputs), nn.Hardtanh(inplace=True)]
            inputs = outputs
        self.features = nn.Sequential(*layers)
        self.flat = inputs * (resolution // 8) ** 2
        self.classifier = nn.Sequential(
            BinarizeLinear(self.flat, hidden),
            nn.BatchNorm1d(hidden),
            nn.Hardtanh(inplace=True),
            BinarizeLinear(hidden, hidden),
            nn.BatchNorm1d(hidden),
            nn.Hardtanh(inplace=True),
            BinarizeLinear(hidden, classes),
            nn.BatchNorm1d(classes),
            nn.LogSoftmax(dim=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        return self.classifier(x.view(-1, self.flat))


class Perceptron(nn.Module):
    """Three products of signs' network for digits; the first reads pixels, the last is float."""

    def __init__(self, pixels: int, hidden: int) -> None:
        super().__init__()
        self.pixels = pixels
        self.fc1 = BinarizeLinear(pixels, hidden, binarize_input=False)
        self.fc2, self.fc3 = BinarizeLinear(hidden, hidden), BinarizeLinear(hidden, hidden)
        self.fc4 = nn.Linear(hidden, 10)
        self.bn1, self.bn2, self.bn3 = (nn.BatchNorm1d(hidden) for _ in range(3))
        self.htanh1, self.htanh2, self.htanh3 = (nn.Hardtanh() for _ in range(3))
        self.drop = nn.Dropout(0.5)
        self.logsoftmax = nn.LogSoftmax(dim=1)

    def forward(self, x: Tensor) -> Tensor:
        x = x.view(-1, self.pixels)
        x = self.htanh1(self.bn1(self.fc1(x)))
        x = self.htanh2(self.bn2(self.fc2(x)))
        x = self.htanh3(self.bn3(self.drop(self.fc3(x))))
        return self.logsoftmax(self.fc4(x))


class SignConv2d(nn.Conv2d):
    """Sign of the activation by an autograd function, scaled signs of the weight in the graph."""

    def forward(self, x: Tensor) -> Tensor:
        return sign_conv2d(SignFunction.apply(x), self)


class VggSmall(nn.Module):
    """One float convolution, five binary ones, a float classifier."""

    def __init__(self, width: int, resolution: int) -> None:
        super().__init__()
        channels = [width, width, 2 * width, 2 * width, 4 * width, 4 * width]
        self.conv0 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn0 = nn.BatchNorm2d(width)
        self.convs = nn.ModuleList(
            SignConv2d(a, b, 3, padding=1, bias=False) for a, b in pairwise(channels)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for b in channels[1:])
        self.pooling, self.nonlinear = nn.MaxPool2d(2, 2), nn.Hardtanh(inplace=True)
        self.fc = nn.Linear(4 * width * (resolution // 8) ** 2, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.nonlinear(self.bn0(self.conv0(x)))
        for index, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            x = conv(x)
            if index % 2 == 0:
                x = self.pooling(x)
            x = self.nonlinear(norm(x))
        return self.fc(x.view(x.size(0), -1))


@network(
    "binarynet_vgg",
    reduced=(3, 16, 16),
    full=(3, 32, 32),
    binarizable=(8, 8),
    note="Hubara 2016; weights baked to ±1, bias expanded, pooled before the sign",
)
def binarynet_vgg(size: Size) -> nn.Module:
    if size == "full":
        return BinaryNetVgg(128, 32, 1024, 10)
    return BinaryNetVgg(18, 16, 40, 10)


@network(
    "vgg_small",
    reduced=(3, 16, 16),
    full=(3, 32, 32),
    binarizable=(5, 5),
    note="VGG-small of many papers; Sign of activations and scaled weights, in the graph",
)
def vgg_small(size: Size) -> nn.Module:
    return VggSmall(128, 32) if size == "full" else VggSmall(18, 16)


@network(
    "mlp",
    reduced=(1, 8, 8),
    full=(1, 28, 28),
    binarizable=(2, 2),
    note="Hubara 2016; products of signs, weights baked",
)
def mlp(size: Size) -> nn.Module:
    return Perceptron(784, 6144) if size == "full" else Perceptron(64, 100)
