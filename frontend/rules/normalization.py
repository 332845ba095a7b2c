"""Normalisations: batch normalisation as an operator, the others from their parts."""

from __future__ import annotations

import numpy as np

from ...errors import Limit
from ...ir import Value
from ...ir.ops import Add, BatchNorm, Div, Mul, Reciprocal, ReduceMean, Sqrt, Sub
from ..importing.call import Call
from ..registry import FLOAT, rule


@rule(
    "BatchNormalization",
    types=FLOAT,
    limits={
        Limit.CONSTANT: "scale, bias, mean and variance",
        Limit.TRAINING: "refused",
        Limit.FORM: "no spatial = 0",
        Limit.VALUE: "variance + epsilon above 0",
    },
)
def batch_norm(call: Call) -> Value:
    """Inference with constant statistics; training mode is refused."""
    old = call.version is not None and call.version < 7
    training = call.int("training_mode", 0) or (old and not call.int("is_test", 0))
    if training or any(call.uses(i) for i in range(1, 5)):
        text = "is in training mode; export the model for inference (model.eval())"
        call.refuse(text, Limit.TRAINING)
    if not call.int("spatial", 1):
        call.refuse("statistics of each position are not supported", Limit.FORM)
    names = ("scale", "bias", "mean", "variance")
    arrays = [call.array(i, what) for i, what in enumerate(names, 1)]
    epsilon = call.float("epsilon", 1e-5)
    for what, array in zip(names, arrays, strict=True):
        if not np.isfinite(array).all():
            call.refuse(f"{what} holds infinity")
    low = np.flatnonzero(arrays[3].reshape(-1) + np.float32(epsilon) <= 0)
    if low.size:
        call.refuse(
            f"variance of channel {low[0]} is {arrays[3].reshape(-1)[low[0]]:g}", Limit.VALUE
        )
    x, scale, bias, mean, variance = call.values()
    return call.add(BatchNorm(x, scale, bias, mean, variance, epsilon))


def standardised(call: Call, x: Value, axes: tuple[int, ...], epsilon: float) -> Value:
    """(x - mean) / sqrt(variance + epsilon) over axes, which keep size 1 in the statistics."""
    centred, _, deviation = _statistics(call, x, axes, epsilon)
    return call.add(Div(centred, deviation))


def _statistics(
    call: Call, x: Value, axes: tuple[int, ...], epsilon: float
) -> tuple[Value, Value, Value]:
    """x minus its mean, the mean, and sqrt(variance + epsilon)."""
    mean = call.add(ReduceMean(x, axes, True))
    centred = call.add(Sub(x, mean))
    variance = call.add(ReduceMean(call.add(Mul(centred, centred)), axes, True))
    return centred, mean, _deviation(call, variance, epsilon)


def _deviation(call: Call, variance: Value, epsilon: float) -> Value:
    return call.add(Sqrt(call.add(Add(variance, call.const(epsilon, variance)))))


_STASH = {Limit.FORM: "only stash_type 1"}


@rule("LayerNormalization", types=FLOAT, limits=_STASH)
def layer_norm(call: Call) -> tuple[Value, ...]:
    """Statistics of each sample over the axes from ``axis`` on, then scale and bias. The mean and
    the inverse of the deviation are outputs too."""
    x, axes, epsilon = _normalised_axes(call)
    centred, mean, deviation = _statistics(call, x, axes, epsilon)
    out = call.add(Mul(call.add(Div(centred, deviation)), call.x(1)))
    out = call.add(Add(out, call.x(2))) if call.has(2) else out
    return out, mean, call.add(Reciprocal(deviation))


@rule("RMSNormalization", types=FLOAT, limits=_STASH)
def rms_norm(call: Call) -> Value:
    """The root of the mean square over the axes from ``axis`` on, then scale."""
    x, axes, epsilon = _normalised_axes(call)
    square = call.add(ReduceMean(call.add(Mul(x, x)), axes, True))
    return call.add(Mul(call.add(Div(x, _deviation(call, square, epsilon))), call.x(1)))


def _normalised_axes(call: Call) -> tuple[Value, tuple[int, ...], float]:
    x = call.x(0)
    if call.int("stash_type", 1) != 1:
        call.refuse("only stash_type 1 (float32 statistics) is supported", Limit.FORM)
    first = call.axis(call.int("axis", -1), x.type.rank)
    return x, tuple(range(first, x.type.rank)), call.float("epsilon", 1e-5)


@rule("InstanceNormalization", types=FLOAT)
def instance_norm(call: Call) -> Value:
    """Statistics of each sample and channel, then scale and bias per channel."""
    x = call.x(0)
    if x.type.rank < 3:
        call.refuse(f"{x!r} has no spatial axes")
    axes = tuple(range(2, x.type.rank))
    out = standardised(call, x, axes, call.float("epsilon", 1e-5))
    return _per_channel(call, out, call.x(1), call.x(2))


@rule("GroupNormalization", types=FLOAT)
def group_norm(call: Call) -> Value:
    """Statistics of each sample and group of channels; before opset 21 scale and bias are per
    group, from then on per channel."""
    x = call.x(0)
    groups = call.int("num_groups", 1)
    if x.type.rank < 3 or groups < 1 or x.shape[1] % groups:
        call.refuse(f"{groups} groups do not fit {x!r}")
    n, channels, *spatial = x.shape
    split = call.reshape(x, (n, groups, channels // groups, *spatial))
    axes = tuple(range(2, split.type.rank))
    out = standardised(call, split, axes, call.float("epsilon", 1e-5))
    if call.version is not None and call.version < 21:
        return call.reshape(_per_channel(call, out, call.x(1), call.x(2)), x.shape)
    return _per_channel(call, call.reshape(out, x.shape), call.x(1), call.x(2))


def _per_channel(call: Call, x: Value, scale: Value, bias: Value) -> Value:
    shape = (x.shape[1], *[1] * (x.type.rank - 2))
    scaled = call.add(Mul(x, call.reshape(scale, shape)))
    return call.add(Add(scaled, call.reshape(bias, shape)))
