"""Layers over signs times a computed factor through the whole compiler: on bits, and ONNX Runtime's
results to the bit where float32 arithmetic is exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from frontend_support import model, node, run_reference
from onnx import ModelProto, NodeProto

import bnnc
from bnnc import driver
from bnnc.options import Options

WIDTH = 64


@dataclass(frozen=True)
class Form:
    """sign(x) times the largest |x| along axes, and the layer that reads it."""

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    weights: tuple[int, ...]
    layer: Sequence[NodeProto]


def conv(**attributes: Any) -> list[NodeProto]:
    return [node("Conv", ["p", "w", "b"], ["y"], **attributes)]


FORMS = {
    "row of a product": Form((WIDTH,), (1,), (6, WIDTH), [node("Gemm", "pwb", ["y"], transB=1)]),
    "token": Form((3, WIDTH), (2,), (WIDTH, 6), [node("MatMul", ["p", "w"], ["y"])]),
    "pixel": Form((WIDTH, 5, 4), (1,), (6, WIDTH, 1, 1), conv()),
    "pixels of a stride": Form(
        (WIDTH, 5, 4), (1,), (6, WIDTH, 1, 1), conv(strides=[2, 3], pads=[1, 0, 0, 1])
    ),
    "row of pixels": Form((WIDTH, 5, 4), (1, 3), (6, WIDTH, 1, 3), conv(pads=[0, 1, 0, 1])),
    "sample": Form((WIDTH, 5, 4), (1, 2, 3), (6, WIDTH, 3, 3), conv(pads=[1, 1, 1, 1])),
    "channel": Form((6, 5, 4), (2, 3), (6, 1, 3, 3), conv(pads=[1, 1, 1, 1], group=6)),
}


def proto(form: Form) -> ModelProto:
    """Weights of ±0.5, at most 6 outputs, a bias of halves."""
    signs = np.random.default_rng(5).integers(0, 2, form.weights) * 2 - 1
    nodes = [
        node("Abs", ["x"], ["a"]),
        node("ReduceMax", ["a"], ["m"], axes=form.axes, keepdims=1),
        node("Sign", ["x"], ["s"]),
        node("Mul", ["s", "m"], ["p"]),
        *form.layer,
    ]
    constants = {"w": (signs / 2).astype(np.float32), "b": np.arange(6, dtype=np.float32) / 2}
    return model(nodes, {"x": ["N", *form.shape]}, constants=constants)


def compiled(network: ModelProto, x: Any, backend: str) -> Any:
    """The results of a network whose one layer is on bits."""
    compilation = driver.build(network, "native", Options(backend), "factors")
    (layer,) = compilation.manifest.layers
    assert layer.binarized, layer.reason
    with bnnc.load(compilation.data) as library:
        return library.run({"x": x})["y"]


@pytest.mark.parametrize("name", FORMS)
def test_factors_leave_the_sum(backend: str, name: str) -> None:
    form = FORMS[name]
    network = proto(form)
    x = np.random.default_rng(7).integers(-6, 7, (3, *form.shape)).astype(np.float32) / 2
    expected = run_reference(network, {"x": x})["y"]
    np.testing.assert_array_equal(compiled(network, x, backend), expected)


def test_factors_at_the_ends_of_the_numbers(backend: str) -> None:
    """Zero gives the bias; not-a-number stays; infinity times a count is infinite."""
    network = proto(FORMS["row of a product"])
    x = np.ones((4, WIDTH), np.float32)
    x[0] = 0
    x[1, 3] = np.nan
    x[2, 5] = np.inf
    x[3] = np.float32(1e30)
    got = compiled(network, x, backend)
    expected = run_reference(network, {"x": x})["y"]
    np.testing.assert_array_equal(got[:2], expected[:2])
    assert np.isinf(got[2]).any()
    assert not np.isfinite(got[2]).any()
    np.testing.assert_allclose(got[3], expected[3], rtol=0, atol=1e24)
