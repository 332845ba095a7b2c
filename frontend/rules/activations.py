"""Activation functions, each an IR operator or a few of them."""

from __future__ import annotations

import math

import numpy as np

from ...ir import F32, Value
from ...ir.ops import (
    Abs,
    Add,
    Clip,
    Div,
    Erf,
    Exp,
    Less,
    Log,
    Max,
    Min,
    Mul,
    Neg,
    PRelu,
    Relu,
    Sigmoid,
    Sub,
    Tanh,
    Where,
)
from ..importing.call import Call
from ..registry import FLOAT, NUMBERS, rule


@rule("Clip", types=NUMBERS)
def clip(call: Call) -> Value:
    """Bounds from attributes (opset < 11) or inputs; run-time bounds become Max and Min."""
    x = call.x(0)
    if call.version is not None and call.version < 11:
        low, high = call.float("min", -math.inf), call.float("max", math.inf)
        return call.add(Clip(x, low, high))
    bounds = [
        call.constant(i) if call.has(i) else np.float32(d)
        for i, d in ((1, -math.inf), (2, math.inf))
    ]
    known = [b for b in bounds if b is not None and b.size == 1]
    if len(known) == 2 and x.element == F32:
        low, high = (float(b.reshape(-1)[0]) for b in known)
        return call.add(Clip(x, low, high))
    for index, op in ((1, Max), (2, Min)):
        if call.has(index):
            bound = call.x(index)
            if bound.type.elements_per_sample() != 1 or bound.type.symbolic:
                call.refuse(f"bound {bound!r} must be one number")
            x = call.add(op(x, call.reshape(bound, ())))
    return x


@rule("PRelu", types=NUMBERS)
def prelu(call: Call) -> Value:
    """The slope broadcasts to the operand, not the other way round; before opset 7 it is one number
    or one number for each channel."""
    x, slope = call.x(0), call.x(1)
    if call.version is not None and call.version < 7 and slope.type.elements_per_sample() > 1:
        slope = call.reshape(slope, (*slope.shape, *[1] * (x.type.rank - 2)))
    out = call.add(PRelu(x, slope))
    if out.shape != x.shape:
        call.refuse(f"slope {slope!r} does not broadcast to {x!r}")
    return out


@rule("LeakyRelu", types=FLOAT)
def leaky_relu(call: Call) -> Value:
    """x for x >= 0, alpha * x below."""
    x = call.x(0)
    return call.add(PRelu(x, call.const(call.float("alpha", 0.01), x)))


@rule("HardSigmoid", types=FLOAT)
def hard_sigmoid(call: Call) -> Value:
    """min(max(alpha * x + beta, 0), 1)."""
    return _hard_sigmoid(call, call.x(0), call.float("alpha", 0.2), call.float("beta", 0.5))


def _hard_sigmoid(call: Call, x: Value, alpha: float, beta: float) -> Value:
    scaled = call.add(Mul(x, call.const(alpha, x)))
    return call.add(Clip(call.add(Add(scaled, call.const(beta, x))), 0.0, 1.0))


@rule("HardSwish", types=FLOAT)
def hard_swish(call: Call) -> Value:
    """x * HardSigmoid(x; 1/6, 0.5)."""
    x = call.x(0)
    return call.add(Mul(x, _hard_sigmoid(call, x, 1 / 6, 0.5)))


@rule("Elu", "Selu", "Celu", types=FLOAT)
def elu(call: Call) -> Value:
    """x above zero; alpha * (exp(x) - 1) below, with Celu's inner and Selu's outer factor."""
    x = call.x(0)
    alpha = call.float("alpha", 1.67326319217681884765625 if call.op == "Selu" else 1.0)
    inner = call.add(Div(x, call.const(alpha, x))) if call.op == "Celu" else x
    below = call.add(Sub(call.add(Exp(inner)), call.const(1, x)))
    below = call.add(Mul(call.const(alpha, x), below))
    out = call.add(Where(call.add(Less(x, call.const(0, x))), below, x))
    if call.op == "Selu":
        out = call.add(Mul(call.const(call.float("gamma", 1.05070102214813232421875), x), out))
    return out


def softplus_of(call: Call, x: Value) -> Value:
    """log(1 + exp(x)) as max(x, 0) + log(1 + exp(-|x|)), which cannot overflow."""
    small = call.add(Exp(call.add(Neg(call.add(Abs(x))))))
    return call.add(Add(call.add(Relu(x)), call.add(Log(call.add(Add(small, call.const(1, x)))))))


@rule("Softplus", types=FLOAT)
def softplus(call: Call) -> Value:
    """log(1 + exp(x))."""
    return softplus_of(call, call.x(0))


@rule("Softsign", types=FLOAT)
def softsign(call: Call) -> Value:
    """x / (1 + |x|)."""
    x = call.x(0)
    return call.add(Div(x, call.add(Add(call.const(1, x), call.add(Abs(x))))))


@rule("Mish", types=FLOAT)
def mish(call: Call) -> Value:
    """x * tanh(softplus(x))."""
    x = call.x(0)
    return call.add(Mul(x, call.add(Tanh(softplus_of(call, x)))))


@rule("Swish", types=FLOAT)
def swish(call: Call) -> Value:
    """x * sigmoid(alpha * x)."""
    x = call.x(0)
    alpha = call.float("alpha", 1.0)
    inner = x if alpha == 1 else call.add(Mul(x, call.const(alpha, x)))
    return call.add(Mul(x, call.add(Sigmoid(inner))))


@rule("Gelu", types=FLOAT)
def gelu(call: Call) -> Value:
    """0.5 * x * (1 + erf(x / sqrt 2)), or its tanh approximation."""
    x = call.x(0)
    kind = call.string("approximate", "none")
    if kind == "none":
        curve = call.add(Erf(call.add(Mul(x, call.const(math.sqrt(0.5), x)))))
    elif kind == "tanh":
        cube = call.add(Mul(call.add(Mul(x, x)), x))
        bent = call.add(Add(x, call.add(Mul(cube, call.const(0.044715, x)))))
        curve = call.add(Tanh(call.add(Mul(bent, call.const(math.sqrt(2 / math.pi), x)))))
    else:
        call.refuse(f"unknown approximation '{kind}'")
    half = call.add(Mul(x, call.const(0.5, x)))
    return call.add(Mul(half, call.add(Add(curve, call.const(1, x)))))


@rule("ThresholdedRelu", types=FLOAT)
def thresholded_relu(call: Call) -> Value:
    """x above alpha, 0 elsewhere."""
    x = call.x(0)
    above = call.add(Less(call.const(call.float("alpha", 1.0), x), x))
    return call.add(Where(above, x, call.const(0, x)))


@rule("Shrink", types=FLOAT)
def shrink(call: Call) -> Value:
    """x + bias below -lambd, x - bias above lambd, 0 between."""
    x = call.x(0)
    lambd, bias = call.float("lambd", 0.5), call.const(call.float("bias", 0.0), x)
    low = call.add(Less(x, call.const(-lambd, x)))
    high = call.add(Less(call.const(lambd, x), x))
    upper = call.add(Where(high, call.add(Sub(x, bias)), call.const(0, x)))
    return call.add(Where(low, call.add(Add(x, bias)), upper))
