"""Bi-Real-18 and -34 and ReActNet-18: ImageNet ResNets with a skip around every binary layer."""

from __future__ import annotations

from torch import Tensor, nn

from .. import Size, network
from ..blocks import BinaryActivation, HardBinaryConv, LearnableBias


class BiRealBlock(nn.Module):
    """sign, binary 3x3 convolution, normalisation, skip."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.binary_activation = BinaryActivation()
        self.binary_conv = HardBinaryConv(inputs, outputs, stride=stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.downsample = downsample(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        residual = x
        out = self.bn1(self.binary_conv(self.binary_activation(x)))
        if self.downsample is not None:
            residual = self.downsample(x)
        out += residual
        return out


class ReActBlock(BiRealBlock):
    """The same with a learnt threshold before the sign and RPReLU after the skip."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__(inputs, outputs, stride)
        self.move0, self.move1 = LearnableBias(inputs), LearnableBias(outputs)
        self.prelu = nn.PReLU(outputs)
        self.move2 = LearnableBias(outputs)

    def forward(self, x: Tensor) -> Tensor:
        residual = x
        out = self.bn1(self.binary_conv(self.binary_activation(self.move0(x))))
        if self.downsample is not None:
            residual = self.downsample(x)
        out += residual
        return self.move2(self.prelu(self.move1(out)))


def downsample(inputs: int, outputs: int, stride: int) -> nn.Module | None:
    """The float skip of a block that changes the shape."""
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(
        nn.AvgPool2d(kernel_size=2, stride=stride),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
    )


class ResNet(nn.Module):
    """Float stem and classifier, four groups of blocks."""

    def __init__(self, block: type[BiRealBlock], blocks: list[int], width: int, classes: int):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        layers: list[nn.Module] = []
        inputs = width
        for group, count in enumerate(blocks):
            outputs = width << group
            for index in range(count):
                layers.append(block(inputs, outputs, 2 if group and not index else 1))
                inputs = outputs
        self.layers = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.bn1(self.conv1(x)))
        x = self.avgpool(self.layers(x))
        return self.fc(x.view(x.size(0), -1))


def resnet(
    block: type[BiRealBlock], size: Size, blocks: list[int], reduced: list[int]
) -> nn.Module:
    """The published network, or one with few blocks and few and odd channels."""
    if size == "full":
        return ResNet(block, blocks, 64, 1000)
    return ResNet(block, reduced, 20, 10)


@network(
    "birealnet18",
    reduced=(3, 32, 32),
    full=(3, 224, 224),
    binarizable=(4, 16),
    note="Liu 2018; straight-through residue on activations and on weights computed in the graph",
)
def birealnet18(size: Size) -> nn.Module:
    return resnet(BiRealBlock, size, [4, 4, 4, 4], [1, 2, 1])


@network(
    "birealnet34",
    reduced=(3, 32, 32),
    full=(3, 224, 224),
    binarizable=(3, 32),
    note="Liu 2018; as Bi-Real-18, deeper",
)
def birealnet34(size: Size) -> nn.Module:
    return resnet(BiRealBlock, size, [6, 8, 12, 6], [1, 1, 1])


@network(
    "reactnet18",
    reduced=(3, 32, 32),
    full=(3, 224, 224),
    binarizable=(3, 16),
    note="Liu 2020; threshold per channel before the sign, RPReLU after the skip",
)
def reactnet18(size: Size) -> nn.Module:
    return resnet(ReActBlock, size, [4, 4, 4, 4], [1, 2])
