"""A network of steps as an ONNX model whose weights are drawn so that signs are balanced."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .network_steps import Network, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

OPSET = 17
NEGATIVE = 0.1
"""The share of normalisations with a negative scale."""


def to_onnx(net: Network) -> onnx.ModelProto:
    """The network with input ``x`` [N, C, H, W] and output ``y``; the same bytes every time."""
    built = _Builder(net)
    for number, step in enumerate(net.steps, 1):
        getattr(built, step.kind)(step, f"s{number}")
    channels, height, width = net.shapes[-1]
    after = ["N", channels, *([] if net.steps[-1].kind == "dense" else [height, width])]
    graph = helper.make_graph(
        built.nodes,
        net.name,
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", *net.shapes[0]])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, after)],
        built.constants,
    )
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)


class _Builder:
    """A method for each kind of step; each names its result after the step, the last one ``y``."""

    def __init__(self, net: Network) -> None:
        self.net = net
        self.random = np.random.default_rng(zlib.crc32(net.name.encode()))
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        for name, value in (("zero", 0), ("one", 1), ("minus", -1)):
            self.constant(name, np.float32(value))

    def conv(self, step: Step, name: str) -> None:
        groups = step.settings["groups"]
        weights = self._kernel(step, groups)
        scale = (weights[0].size) ** -0.5
        drawn = self.random.standard_normal(weights.shape) * scale
        self._convolve(step, name, self._read(step), drawn, groups)

    def binary_conv(self, step: Step, name: str) -> None:
        x = self._read(step)
        positive = self.node("GreaterOrEqual", [x, "zero"], f"{name}.positive")
        sign = self.node("Where", [positive, "one", "minus"], f"{name}.sign")
        weights = self._kernel(step, 1)
        alpha = self.random.uniform(0.5, 1.5, (len(weights), 1, 1, 1)) * weights[0].size ** -0.5
        drawn = np.where(self.random.random(weights.shape) < 0.5, -1, 1) * alpha
        pads = self._pads(step)
        if step.settings["pad_value"] and any(pads):
            amounts = np.array([0, 0, *pads[:2], 0, 0, *pads[2:]], np.int64)
            inputs = [sign, self.constant(f"{name}.pads", amounts), "one"]
            sign, pads = self.node("Pad", inputs, f"{name}.padded"), [0] * 4
        self._convolve(step, name, sign, drawn, 1, pads)

    def blur_pool(self, step: Step, name: str) -> None:
        channels = self.net.shapes[step.inputs[0]][0]
        row = np.array([1.0, 2.0, 1.0]) / 4
        kernel = np.broadcast_to(np.outer(row, row), (channels, 1, 3, 3))
        like = Step("conv", step.inputs, {"kernel": 3, "stride": 2})
        self._convolve(like, name, self._read(step), kernel, channels)

    def norm(self, step: Step, name: str) -> None:
        channels = self.net.shapes[step.inputs[0]][0]
        random = self.random
        scale = random.uniform(0.5, 1.5, channels)
        scale *= np.where(random.random(channels) < NEGATIVE, -1, 1)
        drawn = {
            "scale": scale,
            "bias": random.normal(0, 0.3, channels),
            "mean": random.normal(0, 0.3, channels),
            "variance": random.uniform(0.5, 1.5, channels),
        }
        constants = [self.constant(f"{name}.{part}", array) for part, array in drawn.items()]
        self.node("BatchNormalization", [self._read(step), *constants], self._name(name))

    def relu(self, step: Step, name: str) -> None:
        self.node("Relu", [self._read(step)], self._name(name))

    def prelu(self, step: Step, name: str) -> None:
        slopes = self._per_channel(step, f"{name}.slopes", 0.25, 0.1)
        self.node("PRelu", [self._read(step), slopes], self._name(name))

    def shift(self, step: Step, name: str) -> None:
        amounts = self._per_channel(step, f"{name}.amounts", 0, 0.1)
        self.node("Add", [self._read(step), amounts], self._name(name))

    def add(self, step: Step, name: str) -> None:
        self.node("Add", [self._value(i) for i in step.inputs], self._name(name))

    def concat(self, step: Step, name: str) -> None:
        self.node("Concat", [self._value(i) for i in step.inputs], self._name(name), axis=1)

    def max_pool(self, step: Step, name: str) -> None:
        self._pool("MaxPool", step, name)

    def average_pool(self, step: Step, name: str) -> None:
        self._pool("AveragePool", step, name)

    def global_pool(self, step: Step, name: str) -> None:
        self.node("GlobalAveragePool", [self._read(step)], self._name(name))

    def dense(self, step: Step, name: str) -> None:
        features, units = math.prod(self.net.shapes[step.inputs[0]]), step.settings["units"]
        weights = self.random.standard_normal((units, features)) * features**-0.5
        constants = [
            self.constant(f"{name}.w", weights),
            self.constant(f"{name}.b", self.random.normal(0, 0.1, units)),
        ]
        flat = self.node("Flatten", [self._read(step)], f"{name}.flat")
        self.node("Gemm", [flat, *constants], self._name(name), transB=1)

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], output, **attributes))
        return output

    def constant(self, name: str, array: NDArray[Any] | np.generic) -> str:
        kept = np.asarray(array) if array.dtype.kind == "i" else np.asarray(array, np.float32)
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(kept), name))
        return name

    def _value(self, number: int) -> str:
        return "x" if number == 0 else f"s{number}"

    def _read(self, step: Step) -> str:
        return self._value(step.inputs[0])

    def _name(self, name: str) -> str:
        return "y" if name == f"s{len(self.net.steps)}" else name

    def _kernel(self, step: Step, groups: int) -> NDArray[Any]:
        """An array of the weights' shape."""
        channels, side = self.net.shapes[step.inputs[0]][0], step.settings["kernel"]
        return np.empty((step.settings["filters"], channels // groups, side, side), np.float32)

    def _pads(self, step: Step) -> list[int]:
        return [step.settings["kernel"] // 2] * 4

    def _per_channel(self, step: Step, name: str, mean: float, deviation: float) -> str:
        channels = self.net.shapes[step.inputs[0]][0]
        return self.constant(name, self.random.normal(mean, deviation, (channels, 1, 1)))

    def _convolve(
        self,
        step: Step,
        name: str,
        x: str,
        weights: NDArray[Any],
        groups: int,
        pads: list[int] | None = None,
    ) -> None:
        stride = step.settings["stride"]
        self.node(
            "Conv",
            [x, self.constant(f"{name}.w", weights)],
            self._name(name),
            group=groups,
            kernel_shape=list(weights.shape[2:]),
            pads=self._pads(step) if pads is None else pads,
            strides=[stride, stride],
        )

    def _pool(self, kind: str, step: Step, name: str) -> None:
        kernel, stride, pad = (step.settings[key] for key in ("kernel", "stride", "pad"))
        self.node(
            kind,
            [self._read(step)],
            self._name(name),
            kernel_shape=[kernel] * 2,
            strides=[stride] * 2,
            pads=[pad] * 4,
        )
