"""BinaryDenseNet-28 (Bethge et al., 2019) and MeliusNet-22 (Bethge et al., 2020)."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from .. import Size, network


def sign_plus(x: Tensor) -> Tensor:
    """The sign with its zeros mended to +1."""
    sign = torch.sign(x)
    return torch.where(sign == 0, torch.tensor(1.0), sign)


class QConv(nn.Conv2d):
    """3x3 convolution of signs by signs."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(sign_plus(x), sign_plus(self.weight), padding=self.padding)


class DenseBlock(nn.Module):
    """New channels by a binary convolution, next to the old ones."""

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.conv = QConv(inputs, growth)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.conv(self.norm(x))], dim=1)


class ImprovementBlock(nn.Module):
    """A binary convolution added to the newest channels."""

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.conv = QConv(inputs, growth)
        self.kept = inputs - growth

    def forward(self, x: Tensor) -> Tensor:
        better = self.conv(self.norm(x))
        return torch.cat([x[:, : self.kept], x[:, self.kept :] + better], dim=1)


def transition(inputs: int, outputs: int) -> list[nn.Module]:
    """Half the resolution, fewer channels, in floats."""
    conv = nn.Conv2d(inputs, outputs, 1, bias=False)
    return [nn.BatchNorm2d(inputs), nn.MaxPool2d(2, 2), nn.ReLU(), conv]


def head(inputs: int, classes: int) -> list[nn.Module]:
    """The classifier."""
    pool = [nn.BatchNorm2d(inputs), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return [*pool, nn.Linear(inputs, classes)]


def binary_dense_net(
    width: int,
    growth: int,
    layers: tuple[int, ...],
    reductions: tuple[float, ...],
    classes: int,
) -> nn.Module:
    """``reductions``: by how much each transition divides the channels."""
    modules: list[nn.Module] = [
        nn.Conv2d(3, width, 7, 2, 3, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    ]
    for index, count in enumerate(layers):
        for _ in range(count):
            modules.append(DenseBlock(width, growth))
            width += growth
        if index < len(reductions):
            outputs = round(width / reductions[index] / 32) * 32
            modules += transition(width, outputs)
            width = outputs
    return nn.Sequential(*modules, *head(width, classes))


def melius_net(
    width: int, growth: int, layers: tuple[int, ...], transitions: tuple[int, ...], classes: int
) -> nn.Module:
    """``transitions``: the channels after each."""
    modules: list[nn.Module] = []
    inputs = 3
    for outputs, stride, groups in ((width // 2, 2, 1), (width // 2, 1, 4), (width, 1, 8)):
        conv = nn.Conv2d(inputs, outputs, 3, stride, 1, groups=groups, bias=False)
        modules += [conv, nn.BatchNorm2d(outputs), nn.ReLU()]
        inputs = outputs
    modules.append(nn.MaxPool2d(3, 2, 1))
    for index, count in enumerate(layers):
        for _ in range(count):
            modules += [DenseBlock(width, growth), ImprovementBlock(width + growth, growth)]
            width += growth
        if index < len(transitions):
            modules += transition(width, transitions[index])
            width = transitions[index]
    return nn.Sequential(*modules, *head(width, classes))


@network(
    "binarydensenet28",
    reduced=(3, 64, 64),
    full=(3, 224, 224),
    binarizable=(5, 23),
    note="Bethge 2019; growing Concat of floats before each sign, Where at zero",
)
def binarydensenet28(size: Size) -> nn.Module:
    if size == "full":
        return binary_dense_net(64, 64, (6, 6, 6, 5), (2.7, 2.7, 2.2), 1000)
    return binary_dense_net(32, 24, (2, 2, 1), (1.4, 1.5), 10)


@network(
    "meliusnet22",
    reduced=(3, 64, 64),
    full=(3, 224, 224),
    binarizable=(8, 34),
    note="Bethge 2020; dense and improvement blocks (Slice, Add, Concat), grouped stem",
)
def meliusnet22(size: Size) -> nn.Module:
    if size == "full":
        return melius_net(64, 64, (4, 5, 4, 4), (160, 224, 256), 1000)
    return melius_net(32, 24, (1, 2, 1), (40, 56), 10)
