"""Constants that hold NaN: refused wherever a result depends on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from frontend_support import W, check, conv_model, model, node, op_names, refused

from bnnc.errors import Limit


def test_nan_in_constants() -> None:
    """Whatever reads it, unless a choice replaces every element of a tensor that was only
    allocated."""
    spoiled = W.copy()
    spoiled[1, 2, 0, 1] = np.nan
    error = refused(conv_model(constants={"w": spoiled}))
    assert "node 'Conv_y' (conv): constant 'w' holds NaN, first at [1, 2, 0, 1]" in str(error)
    assert error.limits == (Limit.VALUE,)
    folded = [node("Sign", ["w"], ["v"]), node("Conv", ["x", "v"], ["y"])]
    arguments: dict[str, Any] = {"inputs": {"x": ["N", 3, 8, 8]}, "constants": {"w": spoiled}}
    assert "node 'Sign_v' (Sign of ai.onnx 17): constant 'w' holds NaN" in str(
        refused(model(folded, **arguments))
    )
    scaled = [node("QuantizeLinear", ["x", "a"], ["y"])]
    arguments["constants"] = {"a": np.float32(np.nan)}
    assert "'a' holds NaN" in str(refused(model(scaled, **arguments)))


def test_nan_that_nothing_reads() -> None:
    nodes = [
        node("Identity", ["k"], ["kept"]),
        node("GreaterOrEqual", ["x", "zero"], ["ge"]),
        node("Where", ["ge", "one", "kept"], ["a"]),
        node("Less", ["x", "zero"], ["lt"]),
        node("Where", ["lt", "minus", "a"], ["y"]),
    ]
    constants = {"zero": np.float32(0), "one": np.float32(1), "minus": np.float32(-1),
                 "k": np.full((1, 4), np.nan, np.float32)}  # fmt: skip
    proto = model(nodes, {"x": ["N", 4]}, constants=constants)
    graph = check(proto, {"x": np.array([[0, -0.0, 3, -1e-45]], np.float32)})
    assert op_names(graph) == ["sign"]
    nodes[3] = node("Less", ["x", "minus"], ["lt"])
    proto = model(nodes, {"x": ["N", 4]}, constants=constants)
    assert "constant 'kept' holds NaN" in str(refused(proto))
