"""FakeQuantize against OpenVINO's reference implementation, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino
import pytest
from frontend_support import model, node, op_names, refused, values
from openvino import opset8

from bnnc import ir
from bnnc.frontend import load_model
from bnnc.frontend.rules.openvino import OPENVINO
from bnnc.ir.ops import Const, Gemm, Sign


def reference(x: Any, ranges: list[Any], levels: int) -> Any:
    """OpenVINO's own evaluation of the operator."""
    operand = opset8.parameter(list(x.shape), np.float32)
    call = opset8.fake_quantize(operand, *map(opset8.constant, ranges), levels)
    out = [openvino.Tensor(np.zeros(x.shape, np.float32))]
    assert call.evaluate(out, [openvino.Tensor(np.ascontiguousarray(a)) for a in (x, *ranges)])
    return out[0].data.copy()


def quantized(ranges: list[Any], levels: int, domain: str = OPENVINO[0]) -> Any:
    constants = {f"r{i}": np.asarray(r, np.float32) for i, r in enumerate(ranges)}
    call = node("FakeQuantize", ["x", *constants], ["y"], domain=domain, levels=levels)
    return model([call], {"x": ["N", 4, 5, 50]}, ["y"], constants)


def drawn(shape: tuple[int, ...], seed: int, form: str) -> list[Any]:
    """Ranges of one form: input low and high, output low and high."""
    low, width, out, span = (values(*shape, seed=seed + i) for i in range(4))
    high = low + np.abs(width)
    if form == "threshold":
        high = low
    elif form == "from zero":
        low, high, out = 0 * low, np.abs(width), 0 * out
    elif form == "reversed":
        low, high = high, low
    return [np.asarray(r, np.float32) for r in (low, high, out, out + np.abs(span))]


@pytest.mark.parametrize("form", ["range", "threshold", "from zero", "reversed"])
@pytest.mark.parametrize("shape", [(), (1,), (4, 1, 1), (1, 4, 1, 1)])
@pytest.mark.parametrize("levels", [2, 3, 16, 255, 256])
def test_every_bit(levels: int, shape: tuple[int, ...], form: str) -> None:
    for seed in range(3):
        ranges = drawn(shape, seed, form)
        x = values(2, 4, 5, 50, seed=seed)
        low, high = (np.broadcast_to(r, shape).reshape(-1, 1, 1) for r in ranges[:2])
        x[0] = low + (high - low) * np.linspace(0, 1, 50, dtype=np.float32)
        got = ir.interpret(load_model(quantized(ranges, levels)).graph, {"x": x})["y"]
        assert np.array_equal(got, reference(x, ranges, levels))


@pytest.mark.parametrize("domain", OPENVINO)
def test_two_levels_are_a_sign(domain: str) -> None:
    graph = load_model(quantized([0.25, 0.25, 0, 0.5], 2, domain)).graph
    assert op_names(graph) == ["sub", "sign", "mul", "add"]
    assert [n.op.zero for n in graph.nodes if isinstance(n.op, Sign)] == [-1]
    assert op_names(load_model(quantized([0, 0, -1, 1], 2)).graph) == ["sign"]


def test_weights_become_two_values() -> None:
    w = values(6, 40)
    scale = np.abs(values(6, 1)) + 0.1
    nodes = [
        node("FakeQuantize", ["w", "low", "high", "low", "high"], ["q"], domain=OPENVINO[0],
             levels=2),
        node("Gemm", ["x", "q"], ["y"], transB=1),
    ]  # fmt: skip
    proto = model(nodes, {"x": ["N", 40]}, constants={"w": w, "low": -scale, "high": scale})
    graph = load_model(proto).graph
    (gemm,) = [n.op for n in graph.nodes if isinstance(n.op, Gemm)]
    weights = graph.producer_op(gemm.w)
    assert isinstance(weights, Const)
    assert np.array_equal(weights.array, reference(w, [-scale, scale, -scale, scale], 2))
    assert np.array_equal(np.abs(weights.array), np.broadcast_to(scale, w.shape))


@pytest.mark.parametrize(
    ("ranges", "levels", "message"),
    [
        ([0, 1, 0, 1], 1, "levels is 1; expected 2 or more"),
        ([0, np.inf, 0, 1], 2, "input_high float32[] must hold finite float32 numbers"),
        ([0, np.ones((5, 1, 1, 1, 1)), 0, 1], 16, "[5, 1, 1, 1, 1], [], []] do not fit"),
        ([np.zeros((3, 1, 1)), np.ones((4, 1, 1)), 0, 1], 16, "shapes do not broadcast"),
    ],
)
def test_refusals(ranges: list[Any], levels: int, message: str) -> None:
    assert message in str(refused(quantized(ranges, levels)))


def test_run_time_ranges_are_refused() -> None:
    call = node("FakeQuantize", ["x", "r", "r", "r", "r"], ["y"], domain=OPENVINO[0], levels=2)
    proto = model([call], {"x": ["N", 3], "r": [1]}, ["y"])
    assert "input_low ('r') must be constant" in str(refused(proto))
