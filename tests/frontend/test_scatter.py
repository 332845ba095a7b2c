"""Reading and writing at positions against ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend_support import check, model, node, op_names, refused, run, single, values

X = values(2, 3, 5, 4)
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_gather_nd(depth: int) -> None:
    limits = np.array(X.shape[:depth])
    indices = RNG.integers(-limits, limits, (3, 2, depth))
    run("GatherND", X, opset=13, constants={1: indices})
    run("GatherND", X, indices, opset=13)


def test_gather_nd_refusals() -> None:
    proto, _ = single("GatherND", X, opset=13, constants={1: np.array([[2]])})
    assert "indices are outside of axes of sizes [2]" in str(refused(proto))
    proto, _ = single("GatherND", X, opset=13, constants={1: np.array([[1], [0]])}, batch_dims=1)
    assert "batch_dims is not supported" in str(refused(proto))


@pytest.mark.parametrize("reduction", ["none", "add", "mul", "max", "min"])
def test_scatter_nd(reduction: str) -> None:
    indices = np.array([[1, 2], [0, -1], [1, 0]])
    run("ScatterND", X, opset=18, constants={1: indices, 2: values(3, 5, 4)}, reduction=reduction)
    if reduction != "none":
        repeated = np.array([[1, 2], [1, 2], [0, 0], [1, 2]])
        constants = {1: repeated, 2: values(4, 5, 4)}
        run("ScatterND", X, opset=18, constants=constants, reduction=reduction)


def test_scatter_nd_of_run_time_updates() -> None:
    op = node("ScatterND", ["x", "i", "u"], ["y"])
    x, u = values(4, 3), values(2, 3, seed=1)
    proto = model(
        [op], {"x": x.shape, "u": u.shape}, constants={"i": np.array([[3], [0]])}, opset=13
    )
    assert op_names(check(proto, {"x": x, "u": u})) == ["concat", "gather"]


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("reduction", ["none", "add", "max"])
def test_scatter_elements(axis: int, reduction: str) -> None:
    size = X.shape[axis]
    shape = [2, 3, 5, 4]
    shape[axis] = 1 if reduction == "none" else 2
    indices = RNG.integers(-size, size, shape)
    constants = {1: indices, 2: values(*shape, seed=2)}
    run("ScatterElements", X, opset=18, constants=constants, axis=axis, reduction=reduction)


def test_one_run_time_write_a_row() -> None:
    indices = RNG.integers(-5, 5, (2, 3, 1, 4))
    run("ScatterElements", X, indices, values(2, 3, 1, 4, seed=2), opset=18, axis=2)


def test_scatter_refusals() -> None:
    indices = RNG.integers(0, 5, (2, 3, 2, 4))
    proto, _ = single("ScatterElements", X, indices, X[:, :, :2], opset=18, axis=2)
    assert "must be constant, or have one entry a row" in str(refused(proto))
    proto, _ = single("ScatterND", X, np.array([[1]]), X[:1], opset=18)
    assert "must be constant" in str(refused(proto))


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_one_hot(axis: int) -> None:
    indices = np.array([[1, 4, -2], [0, -5, 9]])
    constants = {1: np.int64(5), 2: np.float32([-1, 2.5])}
    run("OneHot", indices, opset=11, constants=constants, axis=axis)


@pytest.mark.parametrize("axis", [-1, 1])
def test_hardmax(axis: int) -> None:
    run("Hardmax", X, opset=13, axis=axis)


@pytest.mark.parametrize("upper", [0, 1])
@pytest.mark.parametrize("k", [None, -2, 0, 1])
def test_trilu(upper: int, k: int | None) -> None:
    constants: dict[int, Any] = {} if k is None else {1: np.int64(k)}
    run("Trilu", X, opset=14, constants=constants, upper=upper)


def test_eye_like_and_compress() -> None:
    run("EyeLike", X[0, 0], opset=9, k=1)
    run("EyeLike", X[0, 0], opset=9, k=-1, dtype=7)
    kept = np.array([True, False, True])
    run("Compress", X, opset=11, constants={1: kept}, axis=1)
    run("Compress", X, opset=11, constants={1: kept})
