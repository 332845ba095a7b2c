"""Synthetic ONNX models for measuring one kind of binary layer at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

if TYPE_CHECKING:
    from numpy.typing import NDArray

OPSET = 17


@dataclass(frozen=True)
class Shape:
    """A binary 3x3 convolution, stride 1, zero padding: ``size`` x ``size`` pixels, ``channels``
    in and out."""

    size: int
    channels: int

    @property
    def name(self) -> str:
        """As in the tables."""
        return f"{self.size}x{self.size}x{self.channels}"

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one layer on one image."""
        return self.size**2 * self.channels**2 * 9


SHAPES = (Shape(56, 64), Shape(28, 128), Shape(14, 256), Shape(7, 512))


def chain(shape: Shape, depth: int) -> onnx.ModelProto:
    """``depth`` times sign, binary convolution and BatchNormalization, then an average of pixels.

    Divided by ``depth``, its time is that of one layer in the middle of a network. Weights are
    ±alpha constants; BatchNormalization is such that signs come out balanced, some channels with a
    negative scale.
    """
    random = np.random.default_rng(shape.size)
    built = _Builder()
    value = "x"
    for index in range(depth):
        value = _layer(built, random, shape, value, f"l{index}")
    built.node("GlobalAveragePool", [value], "y")
    dims = [1, shape.channels, shape.size, shape.size]
    graph = helper.make_graph(
        built.nodes,
        shape.name,
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, dims)],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, shape.channels, 1, 1])],
        built.constants,
    )
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)


class _Builder:
    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], output, **attributes))
        return output

    def constant(self, name: str, array: NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(array, name))
        return name


def _layer(built: _Builder, random: Any, shape: Shape, x: str, name: str) -> str:
    """Sign (+1 at 0), convolution with ±alpha, BatchNormalization."""
    channels = shape.channels

    def held(part: str, array: Any) -> str:
        return built.constant(f"{name}.{part}", np.asarray(array, np.float32))

    zero, one, minus = held("zero", 0), held("one", 1), held("minus", -1)
    positive = built.node("GreaterOrEqual", [x, zero], f"{name}.positive")
    sign = built.node("Where", [positive, one, minus], f"{name}.sign")
    alpha = random.uniform(0.01, 0.1, (channels, 1, 1, 1))
    weights = np.where(random.random((channels, channels, 3, 3)) < 0.5, -1, 1) * alpha
    convolved = built.node(
        "Conv", [sign, held("w", weights)], f"{name}.conv", kernel_shape=[3, 3], pads=[1, 1, 1, 1]
    )
    scale = random.uniform(0.5, 1.5, channels) * np.where(random.random(channels) < 0.1, -1, 1)
    deviation = alpha.reshape(-1) * np.sqrt(9 * channels)
    parameters = [
        held("scale", scale),
        held("bias", random.normal(0, 0.3, channels)),
        held("mean", random.normal(0, 0.3, channels) * deviation),
        held("variance", deviation**2),
    ]
    return built.node("BatchNormalization", [convolved, *parameters], f"{name}.bn")
