"""A keyword spotter: TC-ResNet's temporal convolutions (Choi 2019), binarized. The input is 40
cepstral coefficients over time, as channels."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from .. import Size, network
from ..blocks import where_sign


class BinaryConv1d(nn.Conv1d):
    """Sign by a comparison, weights sign(w) times one mean(abs(w)) for the layer."""

    def forward(self, x: Tensor) -> Tensor:
        w = where_sign(self.weight) * self.weight.abs().mean()
        return F.conv1d(where_sign(x), w, self.bias, self.stride, self.padding)


class TemporalBlock(nn.Module):
    """Two binary convolutions of nine frames; the skip is float where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = BinaryConv1d(inputs, outputs, 9, stride, 4, bias=False)
        self.conv2 = BinaryConv1d(outputs, outputs, 9, 1, 4, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm1d(outputs), nn.BatchNorm1d(outputs)
        self.skip: nn.Module = nn.Identity()
        if inputs != outputs:
            self.skip = nn.Sequential(
                nn.Conv1d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm1d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn1(self.conv1(x))
        out = self.bn2(self.conv2(out))
        return F.hardtanh(out + self.skip(x), -2.0, 2.0)


class KeywordSpotter(nn.Module):
    """Float stem and classifier around temporal blocks."""

    def __init__(self, coefficients: int, channels: list[int], words: int) -> None:
        super().__init__()
        self.stem = nn.Conv1d(coefficients, channels[0], 3, padding=1, bias=False)
        self.norm = nn.BatchNorm1d(channels[0])
        self.blocks = nn.Sequential(
            *(TemporalBlock(a, b, 2 if a != b else 1) for a, b in pairwise(channels))
        )
        self.fc = nn.Linear(channels[-1], words)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.norm(self.stem(x)))
        return torch.softmax(self.fc(x.mean(2)), -1)


@network(
    "keyword_spotter",
    reduced=(10, 33),
    full=(40, 101),
    binarizable=(6, 12),
    note="Choi 2019, TC-ResNet14 binarized; Conv1d of 9, odd channels, sign by Where",
)
def keyword_spotter(size: Size) -> nn.Module:
    if size == "full":
        return KeywordSpotter(40, [24, 36, 36, 48, 48, 72, 72], 12)
    return KeywordSpotter(10, [12, 18, 18, 35], 12)
