"""Binary building blocks that several published codes share, each as its code writes it.

A sign in training code is more than ``torch.sign``: what surrounds it for the gradient vanishes or
stays in the export, and which form stays is what these blocks differ in.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class SignFunction(torch.autograd.Function):
    """Sign with the gradient of a clip; zero stays zero (XNOR-Net, IR-Net, BinaryNet)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.sign(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad * (x.abs() <= 1)

    @staticmethod
    def symbolic(g: Any, x: Any) -> Any:
        return g.op("Sign", x)


def residue_sign(x: Tensor) -> Tensor:
    """Bi-Real's sign: forward a sign, backward a piecewise polynomial, by detach, which exports
    drop: (Sign(x) - p(x)) + p(x) stays in the graph."""
    mask1, mask2, mask3 = x < -1, x < 0, x < 1
    out1 = (-1) * mask1.type(torch.float32) + (x * x + 2 * x) * (1 - mask1.type(torch.float32))
    out2 = out1 * mask2.type(torch.float32) + (-x * x + 2 * x) * (1 - mask2.type(torch.float32))
    out3 = out2 * mask3.type(torch.float32) + 1 * (1 - mask3.type(torch.float32))
    return torch.sign(x).detach() - out3.detach() + out3


def clip_sign(x: Tensor) -> Tensor:
    """The straight-through estimator with the gradient of a clip, by detach."""
    clipped = torch.clamp(x, -1, 1)
    return torch.sign(x).detach() - clipped.detach() + clipped


def where_sign(x: Tensor) -> Tensor:
    """Sign that calls zero +1, by a comparison."""
    return torch.where(x >= 0, torch.ones_like(x), -torch.ones_like(x))


class BinaryActivation(nn.Module):
    """Bi-Real's sign as a module."""

    def forward(self, x: Tensor) -> Tensor:
        return residue_sign(x)


class HardBinaryConv(nn.Module):
    """Bi-Real's and ReActNet's convolution: sign(w) * mean(abs(w)) per output channel, with the
    residue of the straight-through estimator, in the graph. Latent weights lie in a column."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, padding: int = 1
    ) -> None:
        super().__init__()
        self.stride, self.padding = stride, padding
        self.shape = (outputs, inputs, kernel, kernel)
        self.weights = nn.Parameter(torch.rand(outputs * inputs * kernel * kernel, 1) * 0.001)

    def forward(self, x: Tensor) -> Tensor:
        real = self.weights.view(self.shape)
        scale = torch.mean(
            torch.mean(torch.mean(abs(real), dim=3, keepdim=True), dim=2, keepdim=True),
            dim=1,
            keepdim=True,
        ).detach()
        q = scale * torch.sign(real)
        clipped = torch.clamp(real, -1.0, 1.0)
        binary = q.detach() - clipped.detach() + clipped
        return F.conv2d(x, binary, stride=self.stride, padding=self.padding)


class LearnableBias(nn.Module):
    """A shift per channel (ReActNet): before a sign it is RSign, around a PReLU it is RPReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias.expand_as(x)


class RPReLU(nn.Module):
    """ReActNet's PReLU between two shifts per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.before, self.after = LearnableBias(channels), LearnableBias(channels)
        self.prelu = nn.PReLU(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.after(self.prelu(self.before(x)))


def sign_conv2d(x: Tensor, conv: nn.Conv2d, scale: bool = True) -> Tensor:
    """Convolve with ``conv``'s attributes and weights sign(w), times mean(abs(w)) per output
    channel when ``scale``, computed in the graph; the activation is the caller's business."""
    w = torch.sign(conv.weight)
    if scale:
        w = w * conv.weight.abs().mean((1, 2, 3), keepdim=True)
    return F.conv2d(x, w, conv.bias, conv.stride, conv.padding, conv.dilation, conv.groups)
