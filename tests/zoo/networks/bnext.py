"""BNext-T (Guo et al., 2022): elastic signs, information recoupling by attention."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from .. import Size, network
from ..blocks import LearnableBias


class ElasticSign(nn.Module):
    """Straight-through sign of the activation over a learnt temperature."""

    def __init__(self) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.tensor(0.7))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.clamp(x / self.temperature.clamp(min=0.05), -1.5, 1.5)
        return (torch.sign(x) - x).detach() + x


class StandardisedConv(nn.Module):
    """Binary convolution: weights less their mean, over their deviation, then scaled signs."""

    def __init__(self, channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, channels, kernel, kernel))
        self.stride, self.padding = stride, kernel // 2

    def forward(self, x: Tensor) -> Tensor:
        real = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        real = real / torch.sqrt(real.var((1, 2, 3), keepdim=True) + 1e-5)
        scale = torch.mean(torch.mean(torch.mean(abs(real), 3, True), 2, True), 1, True)
        clipped = torch.clamp(real, -1.0, 1.0)
        binary = (scale * torch.sign(real)).detach() - clipped.detach() + clipped
        return F.conv2d(x, binary, stride=self.stride, padding=self.padding)


class SqueezeAndExpand(nn.Module):
    """A scale per sample and channel from the pooled map."""

    def __init__(self, channels: int, ratio: int = 8) -> None:
        super().__init__()
        self.se = nn.Sequential(
            nn.AdaptiveAvgPool2d((1, 1)),
            nn.Conv2d(channels, channels // ratio, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels // ratio, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.hardsigmoid(self.se(x))


class Recoupled(nn.Module):
    """Shift, sign, convolution, normalisation, PReLU; then attention over input and output."""

    def __init__(self, channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.move = LearnableBias(channels)
        self.binary_activation = ElasticSign()
        self.binary_conv = StandardisedConv(channels, kernel, stride)
        self.norm = nn.BatchNorm2d(channels)
        self.act = nn.PReLU(channels)
        self.pool = nn.AvgPool2d(2, 2) if stride == 2 else nn.Identity()
        self.se = SqueezeAndExpand(channels)
        self.scale = nn.Parameter(torch.rand(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        out = self.binary_conv(self.binary_activation(self.move(x)))
        out = self.act(self.norm(out))
        mix = self.scale * self.pool(x) + out * (1 - self.scale)
        return self.se(mix) * out


class Attention(nn.Module):
    """The 3x3 half of a block; its result multiplies the skip before it is added."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.recoupled = Recoupled(channels, 3, stride)
        self.act = nn.PReLU(channels)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        residual = self.recoupled.pool(self.act(x))
        return self.norm(self.recoupled(x) * residual) + residual


class FeedForward(nn.Module):
    """The 1x1 half of a block."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.recoupled = Recoupled(channels, 1, 1)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.recoupled(x)) + x


class Block(nn.Module):
    """Attention, then one feed-forward half, or two side by side to double the channels."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.attention = Attention(inputs, stride)
        self.ffn = nn.ModuleList(FeedForward(inputs) for _ in range(outputs // inputs))

    def forward(self, x: Tensor) -> Tensor:
        x = self.attention(x)
        if len(self.ffn) == 1:
            return self.ffn[0](x)
        return torch.cat([ffn(x) for ffn in self.ffn], dim=1)


class BNext(nn.Module):
    """Float stem and classifier around binary blocks."""

    def __init__(self, widths: tuple[int, ...], classes: int) -> None:
        super().__init__()
        inputs = widths[0]
        self.stem = nn.Sequential(
            nn.Conv2d(3, inputs, 3, 2, 1, bias=False), nn.BatchNorm2d(inputs), nn.PReLU(inputs)
        )
        body: list[nn.Module] = []
        for index, outputs in enumerate(widths[1:]):
            body.append(Block(inputs, outputs, 2 if index and outputs != inputs else 1))
            inputs = outputs
        self.body = nn.Sequential(*body)
        self.act = nn.PReLU(inputs)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.body(self.stem(x)))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


@network(
    "bnext_t",
    reduced=(3, 32, 32),
    full=(3, 224, 224),
    binarizable=(8, 31),
    note="Guo 2022; sign of x over a temperature, standardised weights, attention in every layer",
)
def bnext_t(size: Size) -> nn.Module:
    if size == "full":
        return BNext((32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024), 1000)
    return BNext((16, 32, 64, 64), 10)
