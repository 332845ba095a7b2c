"""Convolutions and products of signs, to train with PyTorch and to export to ONNX.

A layer's latent weights are floats; it computes with their signs. The export contains +1 and -1,
and ``Where(x >= 0, 1, -1)`` before each layer, which bnnc reads as signs. Scales belong in the
BatchNorm after the layer. Zero padding comes after the sign, as in PyTorch.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from .binarizers import STE, Binarizer
from .codebook_weights import Codebook

LATENT = 0.1
"""Latent weights start in -LATENT..LATENT: small compared to the 1 at which gradients stop, so that
signs change freely in the first epoch."""


class BinaryConv2d(nn.Conv2d):
    """A convolution [N, I, H, W] to [N, O, H', W'] of signs with signs, without bias.

    ``weights`` and ``activations`` are the binarizers, STE where none is given. With a ``codebook``
    the kernels of one input channel are words of it; ValueError where they have other sizes.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        *,
        weights: Binarizer | None = None,
        activations: Binarizer | None = None,
        codebook: Codebook | None = None,
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, padding, dilation, groups, bias=False)
        nn.init.uniform_(self.weight, -LATENT, LATENT)
        self.binarize_weights = STE() if weights is None else weights
        self.binarize_activations = STE() if activations is None else activations
        taps = self.weight[0, 0].numel()
        if codebook is not None and codebook.taps != taps:
            raise ValueError(f"a codebook of {codebook.taps} taps for kernels of {taps}")
        self.codebook = codebook

    def signs(self) -> Tensor:
        """The weights that the layer computes with: +1 and -1, [O, I / groups, kh, kw]."""
        weight = self.weight if self.codebook is None else self.codebook(self.weight)
        return self.binarize_weights(weight)

    def forward(self, input: Tensor) -> Tensor:
        return functional.conv2d(
            self.binarize_activations(input),
            self.signs(),
            None,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
        )


class BinaryLinear(nn.Linear):
    """A product [N, I] to [N, O] of signs with signs, without bias; binarizers as above."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        weights: Binarizer | None = None,
        activations: Binarizer | None = None,
    ) -> None:
        super().__init__(inputs, outputs, bias=False)
        nn.init.uniform_(self.weight, -LATENT, LATENT)
        self.binarize_weights = STE() if weights is None else weights
        self.binarize_activations = STE() if activations is None else activations

    def signs(self) -> Tensor:
        """The weights that the layer computes with: +1 and -1, [O, I]."""
        return self.binarize_weights(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return functional.linear(self.binarize_activations(input), self.signs())


BinaryLayer = BinaryConv2d | BinaryLinear


def binary_layers(model: nn.Module) -> Iterator[tuple[str, BinaryLayer]]:
    """The binary layers of ``model`` with their names, in its order."""
    for name, module in model.named_modules():
        if isinstance(module, (BinaryConv2d, BinaryLinear)):
            yield name, module


@torch.no_grad()
def clip_latent(model: nn.Module, limit: float = 1.0) -> None:
    """Keep latent weights within ``limit`` of 0, where they can still change sign (Courbariaux et
    al. 2015, 2.4): after each step of the optimizer."""
    for _, layer in binary_layers(model):
        layer.weight.clamp_(-limit, limit)
