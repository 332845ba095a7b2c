"""Whether a compiler can keep what a trained network computes: every BatchNorm folds to constants.

After a binary layer a BatchNorm becomes a threshold, elsewhere a scale and a shift. That requires
fixed statistics: a BatchNorm that keeps none, or that stays in training mode, computes with those
of the batch at hand, and no artifact can.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import InputError

TOLERANCE = 1e-4
"""As a share of the largest output of a layer: folding rounds in float32, at other places."""

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@dataclass(frozen=True)
class Folded:
    """What a BatchNorm is at inference: ``y = scale * x + shift`` per channel, float32 [C]."""

    scale: Tensor
    shift: Tensor


def fold(norm: nn.Module) -> Folded:
    """The constants of a BatchNorm; raises InputError, one line with the reason there are none."""
    if not isinstance(norm, _NORMS):
        raise InputError(f"{type(norm).__name__} is not a BatchNorm")
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise InputError("keeps no running statistics; construct it with track_running_stats=True")
    spread = variance.double() + norm.eps
    if not bool((spread > 0).all()):
        raise InputError("variance + eps is not above 0; train on, or set the running variance")
    gamma, beta = torch.ones_like(spread), torch.zeros_like(spread)
    if norm.affine:
        gamma, beta = norm.weight.detach().double(), norm.bias.detach().double()
    scale = gamma / spread.sqrt()
    shift = beta - mean.double() * scale
    if not bool(torch.isfinite(torch.stack([scale, shift])).all()):
        raise InputError("scale or shift is not finite; look for a diverged loss")
    return Folded(scale.float(), shift.float())


@torch.no_grad()
def check_folds(model: nn.Module, *inputs: Tensor) -> dict[str, Folded]:
    """Put ``model`` into eval mode, run it on ``inputs`` and compare each BatchNorm's output with
    its folded form. Returns the constants by layer; raises InputError that names every layer whose
    output differs or that does not fold, and why."""
    model.eval()
    folded: dict[str, Folded] = {}
    problems: dict[str, str] = {}
    hooks: list[Any] = []
    for name, module in model.named_modules():
        if not isinstance(module, _NORMS):
            continue
        try:
            folded[name] = fold(module)
        except InputError as error:
            problems[name] = str(error)
            continue

        def compare(
            norm: nn.Module, given: tuple[Tensor, ...], result: Tensor, name: str = name
        ) -> None:
            reason = _difference(folded[name], norm, given[0], result)
            if reason:
                problems[name] = reason

        hooks.append(module.register_forward_hook(compare))
    try:
        model(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    if problems:
        each = "; ".join(f"{name}: {reason}" for name, reason in sorted(problems.items()))
        raise InputError(f"{len(problems)} BatchNorm layers do not fold: {each}")
    return folded


def _difference(folded: Folded, norm: nn.Module, given: Tensor, result: Tensor) -> str:
    """Why ``result`` differs from the folded form's; empty where it does not."""
    if norm.training:
        return "is in training mode after model.eval(); let train() of all its parents reach it"
    shape = (1, -1) + (1,) * (given.ndim - 2)
    expected = folded.scale.view(shape) * given + folded.shift.view(shape)
    apart = float((result - expected).abs().max())
    if apart <= TOLERANCE * max(1.0, float(expected.abs().max())):
        return ""
    return f"eval output and folded output are {apart:.3g} apart"
