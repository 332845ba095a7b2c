"""The bytes that kernels say their constants take are those that they store."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bnnc.backends.cost_model import PredictedCost, constants_of
from bnnc.backends.targets import TARGETS
from bnnc.driver import build, import_model, load_backend, lower
from bnnc.ir import Graph, Node
from bnnc.ir.ops import BinaryConv, Fused
from bnnc.options import Optimize, Options


def model(channels: int, size: int, words: int | None = None) -> onnx.ModelProto:
    """sign, 3x3 convolution; kernels from some words, or random ones."""
    random = np.random.default_rng(channels)
    book = random.choice([-1, 1], (words or channels**2, 9)).astype(np.float32)
    weights = book[random.integers(0, len(book), channels**2)] if words else book
    nodes = [
        helper.make_node("Sign", ["x"], ["s"]),
        helper.make_node("Conv", ["s", "w"], ["y"], pads=[1] * 4),
    ]
    shape = ["N", channels, size, size]
    w = numpy_helper.from_array(weights.reshape(channels, channels, 3, 3), "w")
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "g", [x], [y], [w])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    return made


def with_kernel(graph: Graph, node: Node, kernel: str) -> Graph:
    assert isinstance(node.op, Fused)
    changed = Node(replace(node.op, kernel=kernel), node.results)
    return graph.replace(nodes=tuple(changed if n is node else n for n in graph.nodes))


@pytest.mark.sampled(per=("words", "backend"))
@pytest.mark.parametrize("words", [None, 4], ids=["random", "words"])
@pytest.mark.parametrize("target", ["x86-64-v4", "x86-64-v2", "arm64"])
def test_estimates_are_what_is_stored(backend: str, target: str, words: int | None) -> None:
    """Of every way to compute a layer, in words and in planes."""
    code, machine = load_backend(backend), TARGETS[target]
    costs = PredictedCost(machine, code.kernels)
    imported = import_model(model(128, 28, words))
    ratios: dict[str, float] = {}
    for optimize in ("size", "speed"):
        graph, _ = lower(imported, costs, Options(optimize=optimize))
        (node,) = [n for n in graph.nodes if isinstance((n.op.leader() or n).op, BinaryConv)]
        constants = constants_of(graph)
        for way in costs.ways(node.op, constants):
            lowered = code.lower(with_kernel(graph, node, str(way.choice)), machine)
            (stored,) = [s.weights for s in lowered.schedule if s.weights]
            ratios[str(way.choice)] = way.nbytes / sum(len(part.data) for part in stored)
    assert ratios
    assert {way: ratio for way, ratio in ratios.items() if not 0.9 < ratio < 1.1} == {}


def test_the_default_grows_only_for_speed() -> None:
    """Trees of random channels take 8 bits a weight; next to vector popcounts they gain little."""
    net, sizes = model(256, 28), dict[str, int]()
    kernels: dict[str, str] = {}
    for optimize in get_args(Optimize):
        made = build(net, "icelake-server", Options(optimize=optimize), "m")
        (layer,) = [k for k in made.manifest.kernels if k.weights]
        kernels[optimize], sizes[optimize] = layer.kernel, len(made.data)
        assert made.manifest.options["optimize"] == optimize
    assert kernels == {
        "balanced": "binary_conv",
        "speed": "binary_conv_sliced bits=512 tree=1",
        "size": "binary_conv",
    }
    assert sizes["balanced"] == sizes["size"] < sizes["speed"] / 5
