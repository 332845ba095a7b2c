"""PyTorch, eager: every node of the ONNX file is one call of its functions, in inference mode, in
whichever memory format is faster."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import onnx
from onnx import helper, numpy_helper

from ..onnx_engines import PeerError
from ..task import Contender, Peer, Task
from ..timing import TimedCall

Tensors = Sequence[Any]
Attributes = Mapping[str, Any]
Function = Callable[[Any, Tensors, Attributes], Any]


def start(task: Task) -> Contender:
    """The model, interpreted."""
    try:
        import torch
    except ImportError as error:
        raise PeerError("torch is not installed") from error
    torch.set_num_threads(task.threads)
    model = onnx.load(task.model)
    graphs = [Interpreter(model, task.inputs, kept) for kept in (False, True)]
    fastest = min(graphs, key=_seconds)

    def call() -> object:
        if torch.get_num_threads() != task.threads:
            torch.set_num_threads(task.threads)
        return fastest.run()

    return Contender(TimedCall(call), torch.__version__.split("+")[0])


def _seconds(graph: Interpreter) -> float:
    """The time of a warm run."""
    graph.run()
    begin = time.perf_counter()
    graph.run()
    return time.perf_counter() - begin


class Interpreter:
    """An ONNX graph on fixed inputs."""

    def __init__(
        self, model: onnx.ModelProto, inputs: Mapping[str, Any], channels_last: bool
    ) -> None:
        import torch

        self._channels_last = channels_last
        self._torch = torch
        constants = {c.name: numpy_helper.to_array(c).copy() for c in model.graph.initializer}
        self._values = {name: self._placed(array) for name, array in constants.items()}
        self._outputs = [output.name for output in model.graph.output]
        self._nodes: list[tuple[Function, Any, Attributes]] = []
        self._last: list[list[str]] = []
        fixed = set(self._values)
        self._values |= {name: self._placed(array) for name, array in inputs.items()}
        for node in model.graph.node:
            if node.op_type not in OPERATORS:
                raise PeerError(f"pytorch: no function for {node.op_type}")
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            self._nodes.append((OPERATORS[node.op_type], node, attributes))
        self._fold(fixed)

    def _fold(self, fixed: set[str]) -> None:
        """Computes once what depends only on constants."""
        running: list[tuple[Function, Any, Attributes]] = []
        for function, node, attributes in self._nodes:
            if fixed.issuperset(node.input):
                read = [self._values[name] for name in node.input]
                self._values[node.output[0]] = function(self._torch, read, attributes)
                fixed.update(node.output)
            else:
                running.append((function, node, attributes))
        self._nodes = running
        kept = {*self._outputs, *self._values}
        for _, node, _ in reversed(running):
            ending = [name for name in dict.fromkeys(node.input) if name not in kept]
            kept.update(ending)
            self._last.insert(0, ending)

    def _placed(self, array: Any) -> Any:
        tensor = self._torch.from_numpy(array)
        if self._channels_last and tensor.ndim == 4:
            return tensor.contiguous(memory_format=self._torch.channels_last)
        return tensor

    def run(self) -> list[Any]:
        """The outputs, as tensors; what has been read for the last time is given back, as a program
        in PyTorch would."""
        values = dict(self._values)
        with self._torch.inference_mode():
            for (function, node, attributes), ending in zip(self._nodes, self._last, strict=True):
                read = [values[name] for name in node.input]
                values[node.output[0]] = function(self._torch, read, attributes)
                for name in ending:
                    del values[name]
        return [values[name] for name in self._outputs]


def _conv(torch: Any, x: Tensors, attributes: Attributes) -> Any:
    pads = attributes.get("pads", [0, 0, 0, 0])
    if pads[:2] != pads[2:]:
        raise PeerError("pytorch: uneven padding")
    return torch.nn.functional.conv2d(
        x[0],
        x[1],
        x[2] if len(x) > 2 else None,
        tuple(attributes.get("strides", [1, 1])),
        tuple(pads[:2]),
        tuple(attributes.get("dilations", [1, 1])),
        attributes.get("group", 1),
    )


def _constant(torch: Any, x: Tensors, attributes: Attributes) -> Any:
    return torch.from_numpy(numpy_helper.to_array(attributes["value"]).copy())


def _mean(torch: Any, x: Tensors, attributes: Attributes) -> Any:
    axes = x[1].tolist() if len(x) > 1 else attributes["axes"]
    return torch.mean(x[0], axes, keepdim=bool(attributes.get("keepdims", 1)))


def _norm(torch: Any, x: Tensors, attributes: Attributes) -> Any:
    scale, bias, mean, variance = x[1:]
    epsilon = attributes.get("epsilon", 1e-5)
    return torch.nn.functional.batch_norm(x[0], mean, variance, scale, bias, eps=epsilon)


def _gemm(torch: Any, x: Tensors, attributes: Attributes) -> Any:
    weights = x[1] if attributes.get("transB", 0) else x[1].T
    return torch.nn.functional.linear(x[0], weights, x[2] if len(x) > 2 else None)


def _pad(torch: Any, x: Tensors, attributes: Attributes) -> Any:
    amounts = x[1].tolist()
    rank = len(amounts) // 2
    pairs = [amounts[axis + side * rank] for axis in reversed(range(rank)) for side in (0, 1)]
    return torch.nn.functional.pad(x[0], pairs, value=x[2].item() if len(x) > 2 else 0.0)


def _pool(name: str) -> Function:
    def pool(torch: Any, x: Tensors, attributes: Attributes) -> Any:
        pads = attributes.get("pads", [0, 0, 0, 0])[:2]
        function = getattr(torch.nn.functional, name)
        return function(x[0], attributes["kernel_shape"], attributes["strides"], pads)

    return pool


OPERATORS: dict[str, Function] = {
    "Abs": lambda torch, x, _: torch.abs(x[0]),
    "Add": lambda torch, x, _: x[0] + x[1],
    "AveragePool": _pool("avg_pool2d"),
    "BatchNormalization": _norm,
    "Clip": lambda torch, x, _: torch.clamp(x[0], x[1], x[2]),
    "Concat": lambda torch, x, attributes: torch.cat(list(x), attributes["axis"]),
    "Constant": _constant,
    "Conv": _conv,
    "Div": lambda torch, x, _: x[0] / x[1],
    "Flatten": lambda torch, x, _: torch.flatten(x[0], 1),
    "Gemm": _gemm,
    "GlobalAveragePool": lambda torch, x, _: torch.nn.functional.adaptive_avg_pool2d(x[0], 1),
    "GreaterOrEqual": lambda torch, x, _: x[0] >= x[1],
    "MatMul": lambda torch, x, _: x[0] @ x[1],
    "MaxPool": _pool("max_pool2d"),
    "Mul": lambda torch, x, _: x[0] * x[1],
    "PRelu": lambda torch, x, _: torch.nn.functional.prelu(x[0], x[1].reshape(-1)),
    "Pad": _pad,
    "ReduceMean": _mean,
    "Relu": lambda torch, x, _: torch.relu(x[0]),
    "Reshape": lambda torch, x, _: x[0].reshape(x[1].tolist()),
    "Sign": lambda torch, x, _: torch.sign(x[0]),
    "Sub": lambda torch, x, _: x[0] - x[1],
    "Where": lambda torch, x, _: torch.where(x[0], x[1], x[2]),
}


PEERS = (Peer("PyTorch", start),)
