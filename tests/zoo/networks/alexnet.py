"""XNOR-Net's AlexNet (Rastegari 2016) in the PyTorch form: normalisation before the sign, ReLU
after the convolution, weights centred, clamped and overwritten by ±mean(abs) before inference."""

from __future__ import annotations

from torch import Tensor, nn

from .. import Size, network
from ..blocks import SignFunction


class BinBlock(nn.Module):
    """Normalisation, sign, binary layer, ReLU. ``flat``: a product of ``inputs`` features; when
    ``pixels`` is given they come as a map of that many pixels and are flattened after the sign."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 0,
        stride: int = 1,
        padding: int = 0,
        pixels: int = 0,
    ) -> None:
        super().__init__()
        self.flat, self.pixels = inputs, pixels
        if kernel:
            self.bn: nn.Module = nn.BatchNorm2d(inputs, eps=1e-4, momentum=0.1)
            self.conv: nn.Module = nn.Conv2d(inputs, outputs, kernel, stride, padding)
        else:
            norm = nn.BatchNorm2d if pixels else nn.BatchNorm1d
            self.bn = norm(inputs // pixels if pixels else inputs, eps=1e-4, momentum=0.1)
            self.linear = nn.Linear(inputs, outputs)
        self.dropout = nn.Dropout(0.5)
        self.relu = nn.ReLU(inplace=True)

    def bake(self) -> None:
        weight = self.conv.weight if hasattr(self, "conv") else self.linear.weight
        if weight.ndim == 4:
            weight -= weight.mean(1, keepdim=True)
        weight.clamp_(-1.0, 1.0)
        scale = weight.abs().mean(tuple(range(1, weight.ndim)), keepdim=True)
        weight.copy_(weight.sign() * scale)

    def forward(self, x: Tensor) -> Tensor:
        x = SignFunction.apply(self.bn(x))
        if hasattr(self, "conv"):
            return self.relu(self.conv(x))
        x = self.dropout(x)
        if self.pixels:
            x = x.view(x.size(0), self.flat)
        return self.relu(self.linear(x))


class AlexNet(nn.Module):
    """Five convolutions, two binary products, a float classifier."""

    def __init__(self, channels: tuple[int, ...], side: int, hidden: int, classes: int) -> None:
        super().__init__()
        a, b, c, d, e = channels
        self.features = nn.Sequential(
            nn.Conv2d(3, a, 11, stride=4),
            nn.BatchNorm2d(a, eps=1e-4, momentum=0.1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
            BinBlock(a, b, 5, 1, 2),
            nn.MaxPool2d(3, 2),
            BinBlock(b, c, 3, 1, 1),
            BinBlock(c, d, 3, 1, 1),
            BinBlock(d, e, 3, 1, 1),
            nn.MaxPool2d(3, 2),
        )
        self.classifier = nn.Sequential(
            BinBlock(e * side * side, hidden, pixels=side * side),
            BinBlock(hidden, hidden),
            nn.BatchNorm1d(hidden, eps=1e-3, momentum=0.1),
            nn.Dropout(),
            nn.Linear(hidden, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x))


@network(
    "xnornet_alexnet",
    reduced=(3, 99, 99),
    full=(3, 227, 227),
    binarizable=(6, 6),
    note="Rastegari 2016; normalisation before the sign, weights baked to ±mean, kernel of 5, ReLU",
)
def xnornet_alexnet(size: Size) -> nn.Module:
    if size == "full":
        return AlexNet((96, 256, 384, 384, 256), 6, 4096, 1000)
    return AlexNet((12, 20, 24, 36, 20), 2, 40, 10)
