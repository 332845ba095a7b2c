"""Operators that ONNX defines by others, against ONNX's reference evaluator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend_support import model, node, refused, values
from onnx.reference import ReferenceEvaluator

from bnnc import ir
from bnnc.frontend import load_model

Q, K, V = (values(2, 4, n, 8, seed=i) for i, n in enumerate((3, 6, 6)))


def agrees(proto: Any, feeds: dict[str, Any]) -> ir.Graph:
    graph = load_model(proto).graph
    got = ir.interpret(graph, feeds)
    names = [o.name for o in proto.graph.output]
    for name, want in zip(names, ReferenceEvaluator(proto).run(None, feeds), strict=True):
        np.testing.assert_allclose(got[name], want, rtol=1e-4, atol=1e-5)
    return graph


@pytest.mark.parametrize("attributes", [{}, {"is_causal": 1}, {"scale": 0.3}, {"softcap": 2.0}])
def test_attention(attributes: dict[str, Any]) -> None:
    op = node("Attention", ["q", "k", "v"], ["y"], **attributes)
    shapes = {"q": Q.shape, "k": K.shape, "v": V.shape}
    agrees(model([op], shapes, opset=23), {"q": Q, "k": K, "v": V})


def test_attention_in_the_middle_of_a_graph() -> None:
    """The types of its operands are those that the importer found, not what the file states."""
    nodes = [
        node("Relu", ["q"], ["r"]),
        node("Attention", ["r", "k", "v"], ["a"]),
        node("Relu", ["a"], ["y"]),
    ]
    shapes = {"q": Q.shape, "k": K.shape, "v": V.shape}
    graph = agrees(model(nodes, shapes, opset=23), {"q": Q, "k": K, "v": V})
    assert {o for n in graph.nodes for o in n.origin} == {"Relu_r", "Attention_a", "Relu_y"}


def test_attention_with_a_symbolic_batch() -> None:
    op = node("Attention", ["x", "x", "x"], ["y"])
    agrees(model([op], {"x": ["N", 2, 4, 8]}, opset=23), {"x": values(3, 2, 4, 8)})


def test_mean_variance_normalization() -> None:
    x = values(2, 3, 4, 5)
    op = node("MeanVarianceNormalization", ["x"], ["y"], axes=[0, 2, 3])
    agrees(model([op], {"x": x.shape}, opset=13), {"x": x})


def test_what_the_definition_needs_is_named() -> None:
    op = node("HannWindow", ["n"], ["y"])
    error = refused(model([op], {"n": ([], np.int64)}, opset=17))
    assert "(HannWindow of ai.onnx" in str(error)
    assert len(error.problems) == 1
