"""Nearly supported nodes: the error names node, operator, domain, version and the nearest supported
operator, and one message has all problems."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend_support import model, node, refused, values
from onnx import NodeProto, TensorProto

from bnnc.errors import Limit

IMAGE = {"x": [1, 3, 8, 8]}
PADS = np.array([0, 0, 1, 1, 0, 0, 1, 1])
FLOAT32 = "export the model in float32 (in PyTorch: model.float() before the export)"

MISSES: dict[str, tuple[NodeProto, dict[str, Any], dict[str, Any], str]] = {
    # Name: node, inputs, constants, message.
    "mode": (
        node("Pad", ["x", "p"], ["y"], mode="reflec"),
        IMAGE,
        {"p": PADS},
        "(Pad of ai.onnx 17): unknown mode 'reflec'; expected one of constant, reflect, edge, wrap",
    ),
    "spelling": (
        node("BatchNormalisation", ["x"], ["y"]),
        IMAGE,
        {},
        "(BatchNormalisation of ai.onnx 17): this operator is not supported: the nearest supported",
    ),
    "capitals": (node("relu", ["x"], ["y"]), IMAGE, {}, "the nearest supported operator is Relu"),
    "domain": (
        node("Relu", ["x"], ["y"], domain="mine"),
        IMAGE,
        {},
        "(Relu of mine): this operator is not supported: supported in domain ai.onnx",
    ),
    "no domain": (
        node("MultiThreshold", ["x"], ["y"]),
        IMAGE,
        {},
        "this operator is not supported: supported in domain qonnx.custom_op.general",
    ),
    "conversion": (
        node("Cast", ["x"], ["y"], to=TensorProto.DOUBLE),
        IMAGE,
        {},
        "(Cast of ai.onnx 17): float64 is not computed; export the model in float32",
    ),
    "input": (
        node("Relu", ["x"], ["y"]),
        {"x": ([1, 3], np.float64)},
        {},
        f"input 'x' is float64, which is not computed; {FLOAT32}",
    ),
    "operand": (
        node("Relu", ["x"], ["y"]),
        {"x": ([1, 3], np.bool_)},
        {},
        "(Relu of ai.onnx 17): bool is not supported; expected f32 or i8",
    ),
    "weights": (
        node("ConvTranspose", ["x", "w"], ["y"]),
        {**IMAGE, "w": [3, 4, 3, 3]},
        {},
        "(ConvTranspose of ai.onnx 17): weights ('w') must be constant: make it an initializer",
    ),
    "optimizer": (
        node("FusedConv", ["x"], ["y"], domain="com.microsoft"),
        IMAGE,
        {},
        "(FusedConv of com.microsoft): this operator is not supported: made by ONNX Runtime's",
    ),
    "hardware": (
        node("MVAU_hls", ["x"], ["y"], domain="finn.custom_op.fpgadataflow.hls"),
        IMAGE,
        {},
        "a hardware layer of FINN: export the model before its conversion to hardware layers",
    ),
    "recurrent": (node("LSTM", ["x", "w", "w"], ["y"]), {"x": [5, 1, 3]}, {"w": values(1, 16, 3)},
                  "recurrent layers are not compiled"),
    "levels": (
        node("FakeQuantize", ["x", "r", "r", "r", "r"], ["y"], domain="org.openvinotoolkit",
             levels=1),
        IMAGE,
        {"r": np.float32(1)},
        "(FakeQuantize of org.openvinotoolkit): levels is 1; expected 2 or more",
    ),
    "rounding": (
        node("Quant", ["x", "s", "s", "b"], ["y"], domain="onnx.brevitas", rounding_mode="NEAREST"),
        IMAGE,
        {"s": np.float32(1), "b": np.float32(4)},
        "(Quant of onnx.brevitas): unknown rounding mode 'NEAREST'; expected one of ROUND,",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISSES)
def test_near_miss(name: str) -> None:
    call, inputs, constants, message = MISSES[name]
    error = refused(model([call], inputs, constants=constants))
    assert message in str(error)
    assert len(error.problems) == len(error.limits) == 1


def test_all_at_once() -> None:
    """Problems on one path and on others, of operators, attributes, weights and types."""
    nodes = [
        node("GridSample", ["x", "g"], ["a"], name="grid"),
        node("Relu", ["a"], ["b"], name="fine"),
        node("Pad", ["b", "p"], ["c"], name="border", mode="reflec"),
        node("ConvTranspose", ["c", "w"], ["d"], name="conv"),
        node("Mystery", ["d"], ["e"], name="odd", domain="mine"),
        node("Sigmoid", ["e"], ["f"], name="skipped"),
        node("Quant", ["x", "zero", "zero", "bits"], ["q"], name="quant", domain="onnx.brevitas"),
        node("Add", ["f", "q"], ["y"], name="sum"),
    ]
    inputs = {**IMAGE, "g": [1, 8, 8, 2], "w": [3, 4, 3, 3]}
    constants = {"p": PADS, "zero": np.float32(0), "bits": np.float32(4)}
    error = refused(model(nodes, inputs, constants=constants, domains={"mine": 2}))
    assert str(error).startswith("<model>: 5 problems: ")
    for part in (
        "node 'grid' (GridSample of ai.onnx 17): this operator is not supported",
        "node 'border' (Pad of ai.onnx 17): unknown mode 'reflec'",
        "node 'conv' (ConvTranspose of ai.onnx 17): weights ('w') must be constant",
        "node 'odd' (Mystery of mine 2): this operator is not supported",
        "node 'quant' (Quant of onnx.brevitas): scale holds zero",
    ):
        assert part in str(error)
    assert error.limits.count(Limit.OPERATOR) == 2
    assert error.limits.count(Limit.CONSTANT) == 1


def test_inputs_and_operators_at_once() -> None:
    nodes = [
        node("Add", ["x", "z"], ["a"]),
        node("GridSample", ["a", "z"], ["b"], name="grid"),
        node("Loop", ["b"], ["y"], name="branch"),
    ]
    inputs = {"x": ([1, 3], np.float64), "z": ([1, 3], np.float64)}
    error = refused(model(nodes, inputs))
    assert [p.split(" ", 2)[1].rstrip(",") for p in error.problems] == [
        "'x'", "'z'", "'grid'", "'branch'",
    ]  # fmt: skip
    assert error.limits == (Limit.TYPE, Limit.TYPE, Limit.OPERATOR, Limit.OPERATOR)


def test_no_problem_follows_from_another() -> None:
    """A result of a type that is not computed is one problem, not one for each reader."""
    nodes = [
        node("Cast", ["x"], ["a"], to=TensorProto.DOUBLE),
        node("Relu", ["a"], ["b"]),
        node("Cast", ["b"], ["y"], to=TensorProto.FLOAT),
    ]
    assert len(refused(model(nodes, IMAGE)).problems) == 1
