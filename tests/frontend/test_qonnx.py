"""QONNX quantizers against qonnx's own executors, on activations and on weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend_support import model, node, op_names, values
from hypothesis import given, settings
from hypothesis import strategies as st
from qonnx.custom_op.general.bipolar_quant import binary_quant
from qonnx.custom_op.general.intquant import int_quant
from qonnx.custom_op.general.trunc import trunc_v1, trunc_v2

from bnnc import ir
from bnnc.errors import ModelError
from bnnc.frontend import load_model
from bnnc.frontend.registry import QONNX
from bnnc.ir.ops import Sign

MODES = ["ROUND", "HALF_EVEN", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN", "round"]
X = np.concatenate(
    [values(2, 3, 40), np.tile(np.arange(-10, 10, dtype=np.float32) / 4, 12).reshape(2, 3, 40)]
)


def quantized(
    op: str, parameters: dict[str, Any], domain: str = QONNX[0], imports: bool = True, **rest: Any
) -> Any:
    call = node(op, ["x", *parameters], ["y"], domain=domain, **rest)
    domains = {domain: 2 if op == "Trunc" and len(parameters) == 5 else 1} if imports else {}
    return model([call], {"x": ["N", 3, 40]}, ["y"], parameters, domains=domains)


def run(proto: Any) -> Any:
    return ir.interpret(load_model(proto).graph, {"x": X})["y"]


@pytest.mark.parametrize("domain", QONNX)
@pytest.mark.parametrize("imports", [True, False])
@pytest.mark.parametrize("scale", [np.float32(1), np.float32(0.3), values(3, 1, low=0.1)])
def test_bipolar(domain: str, imports: bool, scale: Any) -> None:
    proto = quantized("BipolarQuant", {"s": np.asarray(scale)}, domain, imports)
    assert np.array_equal(run(proto), binary_quant(X, scale))
    graph = load_model(proto).graph
    assert [n.op.zero for n in graph.nodes if isinstance(n.op, Sign)] == [1]
    assert op_names(graph) == (["sign"] if np.all(scale == 1) else ["sign", "mul"])


@settings(max_examples=150)
@given(
    st.sampled_from(["Quant", "IntQuant"]),
    st.sampled_from(MODES),
    st.booleans(),
    st.booleans(),
    st.integers(1, 8),
    st.sampled_from([0.5, 1.0, 0.1, "channel"]),
    st.sampled_from([0.0, 1.0, -3.0]),
)
def test_quant(
    op: str, mode: str, signed: bool, narrow: bool, bits: int, scale: Any, zero: float
) -> None:
    scale = values(3, 1, low=0.05, high=1) if scale == "channel" else np.array(scale, np.float32)
    parameters = {"s": scale, "z": np.array(zero, np.float32), "b": np.array(bits, np.float32)}
    rest = {"signed": int(signed), "narrow": int(narrow), "rounding_mode": mode}
    expected = int_quant(X, *parameters.values(), signed, narrow, mode)
    got = run(quantized(op, parameters, **rest))
    assert got.dtype == np.float32
    assert np.array_equal(got, expected.astype(np.float32))


@pytest.mark.parametrize("mode", ["FLOOR", "ROUND", "CEIL"])
@pytest.mark.parametrize("zero", [0.0, 2.0])
def test_trunc(mode: str, zero: float) -> None:
    scale, z, eight, four = (np.array(v, np.float32) for v in (0.125, zero, 8, 4))
    first = quantized("Trunc", {"s": scale, "z": z, "i": eight, "o": four}, rounding_mode=mode)
    assert np.array_equal(run(first), trunc_v1(X, scale, z, eight, four, mode))
    out = np.array(1.0, np.float32)
    second = quantized(
        "Trunc", {"s": scale, "z": z, "i": eight, "t": out, "o": four}, rounding_mode=mode, signed=1
    )
    expected = trunc_v2(X, scale, z, eight, False, True, out, four, mode)
    assert np.array_equal(run(second), expected.astype(np.float32))


def test_a_quantized_weight_is_a_constant() -> None:
    w = values(5, 40)
    nodes = [
        node("BipolarQuant", ["w", "s"], ["q"], domain=QONNX[1]),
        node("Transpose", ["q"], ["t"], perm=[1, 0]),
        node("MatMul", ["x", "t"], ["y"]),
    ]
    proto = model(nodes, {"x": ["N", 3, 40]}, ["y"], {"w": w, "s": np.float32(0.5)}, opset=9)
    graph = load_model(proto).graph
    assert op_names(graph) == ["reshape", "gemm", "reshape"]
    (weights,) = [n.op.array for n in graph.nodes if n.op.mnemonic() == "const"]
    assert np.array_equal(weights, np.where(w >= 0, 0.5, -0.5))


@pytest.mark.parametrize(
    ("op", "parameters", "rest", "message"),
    [
        ("Quant", [0.0, 0, 4], {}, "scale holds zero"),
        ("Quant", [np.inf, 0, 4], {}, "scale .* must hold finite numbers"),
        ("Quant", [1, 0, 4], {"rounding_mode": "NEAREST"}, "unknown rounding mode 'NEAREST'"),
        ("Quant", [1, 0], {}, "input 3 is missing"),
        ("BipolarQuant", [], {}, "input 1 is missing"),
        ("FloatQuant", [1], {}, r"\(FloatQuant of qonnx.custom_op.general 1\): .* floats stay"),
        ("Quantt", [1], {}, "the nearest supported operator is Quant"),
    ],
)
def test_refusals(op: str, parameters: list[float], rest: dict[str, Any], message: str) -> None:
    constants = {f"p{i}": np.array(v, np.float32) for i, v in enumerate(parameters)}
    with pytest.raises(ModelError, match=message):
        load_model(quantized(op, constants, **rest))


@pytest.mark.parametrize("mode", ["ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN"])
@pytest.mark.parametrize("scale", [0.3, "channel"])
def test_one_unsigned_bit_is_a_sign(mode: str, scale: Any) -> None:
    """{0, scale}, read by a product."""
    x = np.concatenate([X[:, 0], np.linspace(-1, 2, 160, dtype=np.float32).reshape(4, 40)])
    s = values(40, low=0.05) if scale == "channel" else np.array(scale, np.float32)
    parameters = {"s": np.abs(s), "z": np.float32(0), "b": np.float32(1)}
    nodes = [
        node("Quant", ["x", *parameters], ["q"], domain=QONNX[0], signed=0, rounding_mode=mode),
        node("MatMul", ["q", "w"], ["y"]),
    ]
    constants = {**parameters, "w": np.eye(40, dtype=np.float32)}
    graph = load_model(model(nodes, {"x": ["N", 40]}, constants=constants)).graph
    assert [n for n in op_names(graph) if n in ("sign", "round", "clip", "ceil", "floor")] == [
        "sign"
    ]
    expected = int_quant(x, *parameters.values(), False, False, mode)
    assert np.array_equal(ir.interpret(graph, {"x": x})["y"], expected.astype(np.float32))


def test_run_time_scale_is_refused() -> None:
    call = node("BipolarQuant", ["x", "s"], ["y"], domain=QONNX[0])
    proto = model([call], {"x": ["N", 3], "s": [1]}, ["y"])
    with pytest.raises(ModelError, match=r"scale \('s'\) must be constant"):
        load_model(proto)
