"""Signs that can be trained: the forward value is +1 or -1, the gradient that of a surrogate.

Each binarizer is a module, so that a layer holds one for its weights and one for its activations.
``surrogate(x)`` is the function whose derivative is the gradient; tests compare the two.
"""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor, nn


def two_valued(x: Tensor) -> Tensor:
    """The sign with +1 at 0, so that the result is +1 or -1 and never a third value."""
    one = torch.ones((), dtype=x.dtype, device=x.device)
    return torch.where(x >= 0, one, -one)


class _ClippedSign(torch.autograd.Function):
    """sign(x); gradient 1 within [-1, 1], 0 outside."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return two_valued(x)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad_outputs[0] * (x.abs() <= 1)


class _PowerSign(torch.autograd.Function):
    """sign(x); gradient of the power function of `ReSTE`."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, o: float, threshold: float, linear: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.settings = (o, threshold, linear)
        return two_valued(x)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None, None]:
        (x,) = ctx.saved_tensors
        o, threshold, linear = ctx.settings
        size = x.abs()
        # Below `linear` the size is raised to it: there the power's slope is that of a secant.
        power = size.clamp(min=linear) ** (1 / o - 1)
        slope = torch.where(size < linear, power, power / o) * (size <= threshold)
        return grad_outputs[0] * slope, None, None, None


class _SquareWave(torch.autograd.Function):
    """sign(sin(w x)); gradient that of sin(w x)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, frequency: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.frequency = frequency
        return two_valued(torch.sin(frequency * x))

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return grad_outputs[0] * ctx.frequency * torch.cos(ctx.frequency * x), None


class Binarizer(nn.Module):
    """Base of all binarizers: a tensor of any shape to +1 and -1 of the same shape and type."""

    def surrogate(self, x: Tensor) -> Tensor:
        """The function whose derivative is the gradient."""
        raise NotImplementedError

    def anneal(self, progress: float) -> None:
        """Adjust the parameters that change during training; ``progress`` runs from 0 to 1."""


class STE(Binarizer):
    """The clipped straight-through estimator (Courbariaux et al. 2016; Hubara et al. 2016, 2.3)."""

    def forward(self, x: Tensor) -> Tensor:
        return cast("Tensor", _ClippedSign.apply(x))

    def surrogate(self, x: Tensor) -> Tensor:
        return x.clamp(-1, 1)


class ReSTE(Binarizer):
    """The rectified straight-through estimator (Wu et al., ICCV 2023): sign(x) |x|^(1/o).

    ``o`` grows evenly from 1, the straight-through estimator, to ``last`` while `anneal` is called:
    closer to the sign, at the price of gradients that vary more. They are 0 beyond ``threshold``,
    and within ``linear`` of 0, where the power's slope has no limit, that of the line to its edge.
    """

    def __init__(self, last: float = 3.0, threshold: float = 1.5, linear: float = 0.1) -> None:
        super().__init__()
        if last < 1 or not 0 < linear < threshold:
            raise ValueError(
                f"ReSTE: expected last >= 1 and 0 < linear < threshold, got last {last},"
                f" linear {linear}, threshold {threshold}"
            )
        self.last, self.threshold, self.linear = last, threshold, linear
        self.o = 1.0

    def forward(self, x: Tensor) -> Tensor:
        return cast("Tensor", _PowerSign.apply(x, self.o, self.threshold, self.linear))

    def surrogate(self, x: Tensor) -> Tensor:
        size = x.abs().clamp(max=self.threshold)
        line = size * self.linear ** (1 / self.o - 1)
        return x.sign() * torch.where(size < self.linear, line, size ** (1 / self.o))

    def anneal(self, progress: float) -> None:
        self.o = 1 + (self.last - 1) * progress


class BiPer(Binarizer):
    """BiPer (Vargas et al., CVPR 2024): a square wave forward, its sine backward.

    ``frequency`` is the angular one: within pi / frequency of 0 the forward value is the sign.
    The paper uses it for weights.
    """

    def __init__(self, frequency: float = math.pi / 2) -> None:
        super().__init__()
        if frequency <= 0:
            raise ValueError(f"BiPer: expected a frequency above 0, got {frequency}")
        self.frequency = frequency

    def forward(self, x: Tensor) -> Tensor:
        return cast("Tensor", _SquareWave.apply(x, self.frequency))

    def surrogate(self, x: Tensor) -> Tensor:
        return torch.sin(self.frequency * x)


def anneal(model: nn.Module, progress: float) -> None:
    """Tell every binarizer of ``model`` the progress of training, 0 to 1: every step or epoch."""
    for module in model.modules():
        if isinstance(module, Binarizer):
            module.anneal(progress)
