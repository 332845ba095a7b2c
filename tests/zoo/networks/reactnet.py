"""ReActNet-A (Liu 2020): MobileNet's channels, a binary 3x3 and a binary 1x1 layer a block; where
channels double, two 1x1 layers are concatenated, where the map halves, the skip is pooled."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from .. import Size, network
from ..blocks import BinaryActivation, HardBinaryConv, LearnableBias

CHANNELS = [32, 64, *[128] * 2, *[256] * 2, *[512] * 6, *[1024] * 2]
REDUCED = [12, 24, 24, 48]


class FirstConv(nn.Module):
    """Float stem."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, outputs, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn1(self.conv1(x))


class BasicBlock(nn.Module):
    """A block of ReActNet-A."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.move11 = LearnableBias(inputs)
        self.binary_3x3 = HardBinaryConv(inputs, inputs, 3, stride, 1)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.move12, self.prelu1 = LearnableBias(inputs), nn.PReLU(inputs)
        self.move13, self.move21 = LearnableBias(inputs), LearnableBias(inputs)
        if inputs == outputs:
            self.binary_pw = HardBinaryConv(inputs, outputs, 1, 1, 0)
            self.bn2 = nn.BatchNorm2d(outputs)
        else:
            self.binary_pw_down1 = HardBinaryConv(inputs, inputs, 1, 1, 0)
            self.binary_pw_down2 = HardBinaryConv(inputs, inputs, 1, 1, 0)
            self.bn2_1, self.bn2_2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(inputs)
        self.move22, self.prelu2 = LearnableBias(outputs), nn.PReLU(outputs)
        self.move23 = LearnableBias(outputs)
        self.binary_activation = BinaryActivation()
        self.stride, self.same = stride, inputs == outputs
        if stride == 2:
            self.pooling = nn.AvgPool2d(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        out1 = self.binary_activation(self.move11(x))
        out1 = self.bn1(self.binary_3x3(out1))
        if self.stride == 2:
            x = self.pooling(x)
        out1 = x + out1
        out1 = self.move13(self.prelu1(self.move12(out1)))
        out2 = self.binary_activation(self.move21(out1))
        if self.same:
            out2 = self.bn2(self.binary_pw(out2))
            out2 += out1
        else:
            out2_1 = self.bn2_1(self.binary_pw_down1(out2))
            out2_2 = self.bn2_2(self.binary_pw_down2(out2))
            out2_1 += out1
            out2_2 += out1
            out2 = torch.cat([out2_1, out2_2], dim=1)
        return self.move23(self.prelu2(self.move22(out2)))


class ReActNet(nn.Module):
    """Blocks whose channels are listed, halving the map at every other doubling."""

    def __init__(self, channels: list[int], classes: int) -> None:
        super().__init__()
        self.feature = nn.ModuleList([FirstConv(channels[0])])
        for index, (inputs, outputs) in enumerate(pairwise(channels)):
            stride = 2 if inputs != outputs and index else 1
            self.feature.append(BasicBlock(inputs, outputs, stride))
        self.pool1 = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.feature:
            x = block(x)
        x = self.pool1(x)
        return self.fc(x.view(x.size(0), -1))


@network(
    "reactnet_a",
    reduced=(3, 32, 32),
    full=(3, 224, 224),
    binarizable=(8, 31),
    note="Liu 2020; two 1x1 layers on one sign concatenated, RSign, RPReLU",
)
def reactnet_a(size: Size) -> nn.Module:
    return ReActNet(CHANNELS, 1000) if size == "full" else ReActNet(REDUCED, 10)
