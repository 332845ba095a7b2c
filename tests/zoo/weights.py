"""Seeded parameters and statistics as training leaves them, without training.

Latent weights are normal with the variance of He et al., gammas have both signs, shifts and slopes
scatter around their usual values; running means and variances come from random batches in training
mode, so that the inputs of signs are balanced as they are in a trained network.
"""

from __future__ import annotations

import zlib

import torch
from torch import nn

from . import Network, Size

BATCHES = 2
SAMPLES = {"reduced": 16, "full": 4}
NEGATIVE = 0.15
"""The share of gammas below 0."""
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def prepare(network: Network, size: Size) -> nn.Module:
    """The network with its parameters, calibrated, in evaluation mode. The same every time."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(zlib.crc32(network.name.encode()))
        module = network.build(size)
        draw(module)
        bake(module)
        calibrate(module, network.shapes[size], SAMPLES[size])
    return module.eval()


def draw(module: nn.Module) -> None:
    """Draw parameters: matrices and kernels, normalisations, PReLU slopes, shifts. Others (named
    neither weight(s) nor bias) stay as the module made them."""
    for child in module.modules():
        own = dict(child.named_parameters(recurse=False))
        if isinstance(child, _NORMS):
            if child.affine:
                _gammas(child)
        elif isinstance(child, nn.PReLU):
            child.weight.normal_(0.25, 0.1)
        else:
            for name, parameter in own.items():
                if name in ("weight", "weights"):
                    # Latent weights kept as a column do not tell their fan-in.
                    fan_in = 400 if parameter.shape[1:] == (1,) else parameter[0].numel()
                    parameter.normal_(0.0, (2.0 / max(fan_in, 2)) ** 0.5)
                    # One in 2**24 draws is exactly 0: a sign that training does not leave.
                    parameter[parameter == 0] = 1e-3
                elif name == "bias":
                    parameter.normal_(0.0, 0.1)


def _gammas(norm: nn.Module) -> None:
    norm.weight.uniform_(0.5, 1.5)
    norm.weight *= torch.where(torch.rand(norm.weight.shape) < NEGATIVE, -1.0, 1.0)
    norm.bias.normal_(0.0, 0.3)


def bake(module: nn.Module) -> None:
    """Call ``bake`` of every child that has it: codes that overwrite weights by their binary form
    before inference."""
    for child in module.modules():
        if child is not module and callable(method := getattr(child, "bake", None)):
            method()


def calibrate(module: nn.Module, shape: tuple[int, ...], samples: int) -> None:
    """Set running statistics from standard normal batches; dropout stays off."""
    norms = [child for child in module.modules() if isinstance(child, _NORMS)]
    module.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    for _ in range(BATCHES):
        module(torch.randn(samples, *shape))
    module.eval()
