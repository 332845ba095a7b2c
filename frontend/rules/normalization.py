"""Normalisations: batch normalisation as an operator, the others from their parts."""

from __future__ import annotations

import numpy as np

from ...ir import Value
from ...ir.ops import BatchNorm
from ..call import Call
from ..registry import rule


@rule("BatchNormalization")
def batch_norm(call: Call) -> Value:
    """Inference with constant statistics; training mode is refused."""
    if call.int("training_mode", 0) or any(call.uses(i) for i in range(1, 5)):
        call.refuse("is in training mode; export the model for inference (model.eval())")
    names = ("scale", "bias", "mean", "variance")
    arrays = [call.array(i, what) for i, what in enumerate(names, 1)]
    epsilon = call.float("epsilon", 1e-5)
    for what, array in zip(names, arrays, strict=True):
        if not np.isfinite(array).all():
            call.refuse(f"{what} holds infinity")
    low = np.flatnonzero(arrays[3].reshape(-1) + np.float32(epsilon) <= 0)
    if low.size:
        call.refuse(f"variance of channel {low[0]} is {arrays[3].reshape(-1)[low[0]]:g}")
    x, scale, bias, mean, variance = call.values()
    return call.add(BatchNorm(x, scale, bias, mean, variance, epsilon))
