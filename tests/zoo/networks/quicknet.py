"""QuickNet (Bannink et al., 2021): one-padding, ReLU after binary layers, blur pooling."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from .. import Size, network


def ste_sign(x: Tensor) -> Tensor:
    """Larq's sign, +1 at zero."""
    return torch.sign(torch.sign(x) + 0.1)


class QuantConv(nn.Module):
    """Sign, padding with +1, valid convolution by signs, ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, channels, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(ste_sign(x), (1, 1, 1, 1), value=1.0)
        return F.relu(F.conv2d(x, ste_sign(self.weight)))


class Residual(nn.Module):
    """Binary convolution, normalisation, skip."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = QuantConv(channels)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x)) + x


class BlurPool(nn.Module):
    """Max pool of stride 1, then a fixed binomial filter per channel with stride 2."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        row = torch.tensor([1.0, 2.0, 1.0])
        kernel = torch.outer(row, row) / 16
        self.register_buffer("kernel", kernel.expand(channels, 1, 3, 3).clone())
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(x, 2, 1)
        return F.conv2d(x, self.kernel, stride=2, padding=1, groups=self.channels)


def stem(filters: int) -> nn.Sequential:
    """To a quarter of the resolution, by TensorFlow's SAME padding, which is uneven at stride 2."""
    thin = filters // 4
    return nn.Sequential(
        nn.ZeroPad2d((0, 1, 0, 1)),
        nn.Conv2d(3, thin, 3, stride=2, bias=False),
        nn.BatchNorm2d(thin),
        nn.ReLU(),
        nn.ZeroPad2d((0, 1, 0, 1)),
        nn.Conv2d(thin, thin, 3, stride=2, groups=thin, bias=False),
        nn.BatchNorm2d(thin, affine=False),
        nn.Conv2d(thin, filters, 1, bias=False),
        nn.BatchNorm2d(filters),
    )


class QuickNet(nn.Module):
    """Stem, sections of residual blocks with float transitions between them, softmax."""

    def __init__(self, filters: tuple[int, ...], blocks: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.stem = stem(filters[0])
        body: list[nn.Module] = []
        inputs = filters[0]
        for outputs, count in zip(filters, blocks, strict=True):
            if outputs != inputs:
                body += [nn.ReLU(), BlurPool(inputs)]
                body += [nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
            body += [Residual(outputs) for _ in range(count)]
            inputs = outputs
        self.body = nn.Sequential(*body)
        self.classifier = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.body(self.stem(x)))
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return F.softmax(self.classifier(x), dim=1)


@network(
    "quicknet",
    reduced=(3, 64, 64),
    full=(3, 224, 224),
    binarizable=(5, 16),
    note="Bannink 2021; padding +1, Sign(Sign(x) + 0.1), ReLU before normalisation, blur pooling",
)
def quicknet(size: Size) -> nn.Module:
    if size == "full":
        return QuickNet((64, 128, 256, 512), (4, 4, 4, 4), 1000)
    return QuickNet((32, 48, 64, 72), (1, 1, 2, 1), 10)
