"""Sums, norms, Einsum, integers and functions against ONNX Runtime or ONNX's own evaluator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend_support import check, model, node, refused, run, single, values
from onnx.reference import ReferenceEvaluator

from bnnc import ir
from bnnc.frontend import load_model

X = values(2, 3, 5, 4)


def agrees(op: str, *operands: Any, opset: int, **rest: Any) -> None:
    """Like `run`, against ONNX's evaluator: for what ONNX Runtime does not compute."""
    proto, feeds = single(op, *operands, opset=opset, **rest)
    got = ir.interpret(load_model(proto).graph, feeds)
    for name, want in zip(got, ReferenceEvaluator(proto).run(None, feeds), strict=True):
        assert got[name].dtype == want.dtype
        np.testing.assert_allclose(got[name], want, rtol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("attributes", [{}, {"exclusive": 1}, {"reverse": 1}])
def test_cum_sum(axis: int, attributes: dict[str, int]) -> None:
    run("CumSum", X, opset=14, constants={1: np.int64(axis)}, rtol=1e-5, **attributes)


@pytest.mark.parametrize("axes", [None, [1], [0, 2], [-1]])
@pytest.mark.parametrize("keepdims", [0, 1])
def test_reduce_prod(axes: list[int] | None, keepdims: int) -> None:
    rest = {} if axes is None else {"axes": axes}
    run("ReduceProd", X, opset=13, rtol=1e-5, keepdims=keepdims, **rest)
    if axes is not None:
        constants = {1: np.array(axes)}
        run("ReduceProd", X, opset=18, rtol=1e-5, constants=constants, keepdims=keepdims)


@pytest.mark.parametrize("p", [1, 2])
def test_norms(p: int) -> None:
    run("LpNormalization", X, opset=9, p=p, axis=1, rtol=1e-5)
    run("GlobalLpPool", X, opset=9, p=p, rtol=1e-5)


@pytest.mark.parametrize("p", [1, 2, 3])
def test_lp_pool(p: int) -> None:
    run(
        "LpPool",
        X,
        opset=11,
        p=p,
        kernel_shape=[2, 3],
        strides=[2, 1],
        pads=[1, 0, 0, 1],
        rtol=1e-5,
    )


@pytest.mark.parametrize("size", [1, 3, 5])
def test_local_response(size: int) -> None:
    x = values(2, 7, 4, 3)
    run("LRN", x, opset=13, size=size, alpha=0.3, beta=0.6, bias=1.5, rtol=1e-5)


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk->ik", [(4, 3), (3, 5)]),
        ("bhid,bhjd->bhij", [(2, 3, 4, 5), (2, 3, 6, 5)]),
        ("nctv,vw->nctw", [(2, 3, 4, 5), (5, 6)]),
        ("bi,bj->bij", [(2, 3), (2, 4)]),
        ("ijk->ki", [(2, 3, 4)]),
        ("ij,j", [(2, 3), (3,)]),
        ("...ij,...jk->...ik", [(2, 3, 4, 5), (2, 3, 5, 2)]),
        ("i,j->ij", [(3,), (4,)]),
        ("ab,bc,cd->ad", [(2, 3), (3, 4), (4, 2)]),
        ("ij->", [(2, 3)]),
        ("ij,ik->jk", [(4, 2), (4, 3)]),
        ("bik,bjk->b", [(2, 3, 4), (2, 5, 4)]),
    ],
)
def test_einsum(equation: str, shapes: list[tuple[int, ...]]) -> None:
    feeds = [values(*shape, seed=i) for i, shape in enumerate(shapes)]
    run("Einsum", *feeds, opset=12, rtol=1e-5, equation=equation)
    constants = {len(feeds) - 1: feeds[-1]} if len(feeds) > 1 else {}
    if constants:
        run("Einsum", *feeds[:-1], opset=12, rtol=1e-5, equation=equation, constants=constants)


def test_einsum_with_a_symbolic_batch() -> None:
    op = node("Einsum", ["x", "w"], ["y"], equation="bid,od->bio")
    proto = model([op], {"x": ["N", 4, 3]}, constants={"w": values(5, 3)}, opset=12)
    check(proto, {"x": values(2, 4, 3)}, 1e-5)


def test_einsum_refusals() -> None:
    proto, _ = single("Einsum", values(3, 3), opset=12, equation="ii->i")
    assert "repeats a label within an operand" in str(refused(proto))
    proto, _ = single("Einsum", values(3, 3), opset=12, equation="ijk->i")
    assert "does not fit" in str(refused(proto))


@pytest.mark.parametrize("op", "Sin Cos Tan Atan Sinh Cosh Asinh".split())
def test_functions(op: str) -> None:
    run(op, X, opset=22)


@pytest.mark.parametrize("op", ["Asin", "Acos", "Atanh"])
def test_functions_below_one(op: str) -> None:
    run(op, X / 4, opset=22)
    run("Acosh", np.abs(X) + 1, opset=22)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64])
def test_remainders(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    low = 0 if dtype == np.uint8 else -50
    a, b = rng.integers(low, 50, (4, 25)).astype(dtype), rng.integers(1, 9, (25,)).astype(dtype)
    b = b if low == 0 else b * np.where(np.arange(25) % 2, -1, 1).astype(dtype)
    run("Mod", a, b, opset=13)
    run("Mod", a, b, opset=13, fmod=1)
    run("Mod", a, opset=13, constants={1: b})


def test_remainder_of_floats() -> None:
    run("Mod", X, opset=13, fmod=1, constants={1: np.float32(0.5)})
    proto, _ = single("Mod", X, opset=13, fmod=1, constants={1: np.float32(0.3)})
    assert "needs fmod and a constant power of two" in str(refused(proto))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int32, np.int64])
def test_bits(dtype: Any) -> None:
    limits = np.iinfo(dtype)
    a, b = np.random.default_rng(0).integers(limits.min, limits.max, (2, 40)).astype(dtype)
    for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
        run(op, a, b, opset=18)
    run("BitwiseNot", a, opset=18)


@pytest.mark.parametrize("direction", ["LEFT", "RIGHT"])
def test_shifts(direction: str) -> None:
    a = np.random.default_rng(0).integers(0, 256, (3, 9)).astype(np.uint8)
    distances = {1: np.arange(9).astype(np.uint8)}
    run("BitShift", a[:, :8], opset=11, constants={1: distances[1][:8]}, direction=direction)
    got = single("BitShift", a, opset=11, constants=distances, direction=direction)
    assert not ir.interpret(load_model(got[0]).graph, got[1])["y0"][:, 8].any()


@pytest.mark.parametrize("direction", ["LEFT", "RIGHT"])
def test_distances_out_of_range_lose_every_bit(direction: str) -> None:
    """Of signed integers the sign alone is left to the right. ONNX Runtime shifts unsigned ones."""
    x = np.array([[-128, -5, -1, 0, 5, 127]], np.int8).T
    distances = np.array([-128, -9, -1, 8, 9, 127], np.int8)
    proto, feeds = single("BitShift", x, opset=11, constants={1: distances}, direction=direction)
    got = ir.interpret(load_model(proto).graph, feeds)["y0"]
    left = np.broadcast_to(np.where(x < 0, -1, 0) if direction == "RIGHT" else 0, got.shape)
    np.testing.assert_array_equal(got, left)


def test_integer_convolution() -> None:
    rng = np.random.default_rng(0)
    for inner in (3, 600):
        x = rng.integers(0, 256, (2, inner, 5, 4)).astype(np.uint8)
        w = rng.integers(0, 256, (4, inner, 3, 3)).astype(np.uint8)
        constants = {1: w, 2: np.uint8(7), 3: np.uint8(120)}
        run("ConvInteger", x, opset=10, constants=constants, pads=[1, 1, 1, 1], strides=[2, 1])


def test_integer_product() -> None:
    rng = np.random.default_rng(0)
    for inner in (3, 2000):
        x = rng.integers(-128, 128, (3, 4, inner)).astype(np.int8)
        w = rng.integers(-128, 128, (inner, 5)).astype(np.int8)
        constants = {1: w, 2: np.int8(-7), 3: np.arange(5).astype(np.int8)}
        agrees("MatMulInteger", x, opset=10, constants=constants)


def test_quantized_products() -> None:
    rng = np.random.default_rng(0)
    scale, zero = np.float32(0.02), np.uint8(130)
    x = rng.integers(0, 256, (2, 3, 6, 5)).astype(np.uint8)
    # ONNX Runtime on CPUs without VNNI adds pairs of products in 16 bits that saturate.
    w = rng.integers(-64, 64, (4, 3, 3, 3)).astype(np.int8)
    scales = values(4, low=0.001, high=0.003)
    bias = rng.integers(-1000, 1000, 4).astype(np.int32)
    constants = {
        1: scale,
        2: zero,
        3: w,
        4: scales,
        5: np.zeros(4, np.int8),
        6: scale,
        7: zero,
        8: bias,
    }
    run("QLinearConv", x, opset=10, constants=constants, pads=[1, 0, 1, 0])
    a = rng.integers(0, 256, (4, 20)).astype(np.uint8)
    b = rng.integers(0, 256, (20, 5)).astype(np.uint8)
    constants = {1: scale, 2: zero, 3: b, 4: scale, 5: zero, 6: np.float32(0.3), 7: zero}
    run("QLinearMatMul", a, opset=10, constants=constants)
