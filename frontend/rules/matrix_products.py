"""Matrix products."""

from __future__ import annotations

import math

import numpy as np

from ...ir import Array, Batch, Shape, Value
from ...ir.ops import Add, Gemm, MatMul, Mul, Transpose
from ..importing.call import Call
from ..registry import FLOAT, rule


@rule("Gemm", types=FLOAT)
def gemm(call: Call) -> Value:
    """alpha * A' B' + beta * C; the factors go into constant weights and bias."""
    a = call.x(0)
    if a.type.rank != 2:
        call.refuse(f"operand A {a!r} must have two axes")
    alpha, beta = np.float32(call.float("alpha", 1.0)), np.float32(call.float("beta", 1.0))
    if call.int("transA", 0):
        a = call.add(Transpose(a, (1, 0)))
    transposed = bool(call.int("transB", 0))
    weights = call.constant(1)
    bias = None
    if weights is None:
        b = call.x(1)
        out = call.add(MatMul(a, call.add(Transpose(b, (1, 0))) if transposed else b))
        if alpha != 1:
            out = call.add(Mul(out, call.const(alpha, out)))
    else:
        if weights.ndim != 2:
            call.refuse(f"operand B {call.x(1)!r} must have two axes")
        w = _weights(call, weights if transposed else weights.T, alpha, transposed)
        bias = _bias(call, beta, w.shape[0])
        out = call.add(Gemm(a, w, bias))
    if bias is not None or not call.has(2) or beta == 0:
        return out
    c = call.x(2)
    if beta != 1:
        c = call.add(Mul(c, call.const(beta, c)))
    return call.add(Add(out, c))


def _weights(call: Call, weights: Array, alpha: np.float32, as_given: bool) -> Value:
    """Weights [O, K]; the model's own tensor when nothing changes."""
    if alpha == 1 and as_given:
        return call.x(1)
    return call.const(weights if alpha == 1 else weights * alpha)


def _bias(call: Call, beta: np.float32, channels: int) -> Value | None:
    """A constant C that is one row, as bias [O]; None for every other C."""
    c = call.constant(2) if call.has(2) else None
    if c is None or beta == 0 or c.ndim > 2 or math.prod(c.shape[:-1]) != 1:
        return None
    if beta == 1 and c.shape == (channels,):
        return call.x(2)
    if c.size not in (1, channels):
        return None
    return call.const(np.broadcast_to(c.reshape(-1) * beta, (channels,)))


@rule("MatMul", types=FLOAT)
def matmul(call: Call) -> Value:
    """A product with constant weights on either side is a Gemm on flattened rows; others stay
    products."""
    a = call.x(0)
    right = call.constant(1)
    if right is not None and a.type.rank >= 1:
        matrix = _as_matrix(right, a.type.rank)
        if matrix is not None:
            return _dense(call, a, matrix)
    b = call.x(1)
    left = call.constant(0)
    if left is not None and left.ndim >= 2 and b.type.rank >= 2:
        matrix = _as_matrix(left, b.type.rank)
        if matrix is not None:
            return _dense_on_the_left(call, matrix, b)
    if min(a.type.rank, b.type.rank) < 1:
        call.refuse("scalars cannot be multiplied as matrices")
    left = call.reshape(a, (1, *a.shape)) if a.type.rank == 1 else a
    right = call.reshape(b, (*b.shape, 1)) if b.type.rank == 1 else b
    out = call.add(MatMul(left, right))
    shape = list(out.shape)
    if b.type.rank == 1:
        shape.pop()
    if a.type.rank == 1:
        shape.pop(-1 if b.type.rank == 1 else -2)
    return call.reshape(out, tuple(shape))


def _as_matrix(weights: Array, rank: int) -> Array | None:
    """Weights without leading axes of size 1 that the result does not need; None for several
    matrices."""
    if weights.ndim <= 2:
        return weights
    alone = math.prod(weights.shape[:-2]) == 1 and weights.ndim <= rank
    return weights.reshape(weights.shape[-2:]) if alone else None


def _dense_on_the_left(call: Call, weights: Array, b: Value) -> Value:
    """[O, K] x [.., K, L] is the transpose of [.., L, K] x [K, O]."""
    order = (*range(b.type.rank - 2), b.type.rank - 1, b.type.rank - 2)
    out = _dense(call, call.add(Transpose(b, order)), weights.T)
    return call.add(Transpose(out, order))


def _dense(call: Call, a: Value, weights: Array) -> Value:
    """[.., K] x [K, O]: Reshape to [P, K], Gemm, Reshape back."""
    if weights.ndim == 0:
        call.refuse("scalars cannot be multiplied as matrices")
    columns = weights.reshape(-1, 1) if weights.ndim == 1 else weights
    rows = call.reshape(a, (leading(a.shape[:-1]), a.shape[-1]))
    out = call.add(Gemm(rows, call.const(columns.T), None))
    tail = () if weights.ndim == 1 else (columns.shape[1],)
    return call.reshape(out, (*a.shape[:-1], *tail))


def leading(shape: Shape) -> int | Batch:
    """The product of leading dimensions: a multiple of the batch when the first one is."""
    count = math.prod(d.factor if isinstance(d, Batch) else d for d in shape)
    symbolic = bool(shape) and isinstance(shape[0], Batch)
    return Batch(count) if symbolic else count
