"""A model under construction: nodes, constants, and the facts on every tensor.

In exact models all numbers have few bits. A tensor knows its unit (a power of two of which every
value is a multiple) and its bound, so that float32 arithmetic on it is exact in any order; what
would round raises `Inexact` and is taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

IR_VERSION = 8
BITS = 22
"""Of bound / unit, at most: float32 has 24, and passes may add two such numbers."""


class Inexact(Exception):
    """An operator would round in an exact model, or does not fit where it was put."""


@dataclass(frozen=True)
class Tensor:
    """A float tensor: its shape without the batch, and facts on its values."""

    name: str
    shape: tuple[int, ...]
    unit: float = 0.0
    bound: float = 0.0
    form: str = ""
    """Which values a binarized tensor holds; empty for floats."""
    low: float = 0.0
    high: float = 0.0

    @property
    def rank(self) -> int:
        """With the batch."""
        return 1 + len(self.shape)

    @property
    def channels(self) -> int:
        """Axis 1."""
        return self.shape[0]

    @property
    def size(self) -> int:
        """Elements of one sample."""
        return int(np.prod(self.shape))

    def bits(self) -> float:
        """Needed to hold every value exactly."""
        return float(np.log2(self.bound / self.unit)) if self.unit and self.bound else 0.0


@dataclass(frozen=True)
class Layer:
    """A product that bnnc reports on, and the forms of its operands."""

    node: str
    op: str
    activation: str
    weights: str


def unit_of(array: Any) -> float:
    """The largest power of two, at most 1, of which all values are multiples; 0 below 2^-20."""
    unit = 1.0
    wide = np.asarray(array, np.float64)
    while unit >= 2.0**-20:
        if np.array_equal(wide / unit, np.round(wide / unit)):
            return unit
        unit /= 2
    return 0.0


@dataclass
class Sketch:
    """Random choices and the nodes made so far.

    ``twin`` holds the same network in standard operators: what ONNX Runtime computes where
    ``nodes`` has operators of other domains.
    """

    rng: np.random.Generator
    exact: bool
    opset: int
    batch: int | str
    nodes: list[NodeProto] = field(default_factory=list)
    twin: list[NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)
    domains: dict[str, int] = field(default_factory=dict)
    count: int = 0

    # Choices.

    def pick(self, *choices: Any) -> Any:
        """One of the choices."""
        return choices[int(self.rng.integers(len(choices)))]

    def chance(self, probability: float = 0.5) -> bool:
        """True with a probability."""
        return bool(self.rng.random() < probability)

    def numbers(self, shape: Sequence[int], table: Sequence[float]) -> Any:
        """Numbers of the table, in models that are not exact moved by some tenths."""
        out = self.rng.choice(np.array(table, np.float32), tuple(shape))
        if not self.exact:
            out = out * self.rng.uniform(0.7, 1.4, tuple(shape))
        return np.asarray(out, np.float32)

    # Nodes.

    def name(self, hint: str) -> str:
        """A new name."""
        self.count += 1
        return f"{hint}_{self.count}"

    def const(self, array: Any, hint: str = "c") -> str:
        """A constant, as initializer or as node."""
        tensor = numpy_helper.from_array(np.asarray(array), self.name(hint))
        if self.chance(0.15):
            node = helper.make_node("Constant", [], [tensor.name], tensor.name, value=tensor)
            self._append(node)
        else:
            self.constants.append(tensor)
        return tensor.name

    def raw(self, op: str, inputs: Sequence[str], outputs: int = 1, **attributes: Any) -> Any:
        """A standard node by the names of its inputs; returns the names of its outputs."""
        stem = self.name(op.lower())
        names = [stem] if outputs == 1 else [f"{stem}.{i}" for i in range(outputs)]
        self._append(helper.make_node(op, list(inputs), names, name=f"{op}_{stem}", **attributes))
        return stem if outputs == 1 else names

    def _append(self, node: NodeProto) -> None:
        self.nodes.append(node)
        self.twin.append(node)

    def op(self, op: str, *inputs: Tensor | str, like: Tensor, **attributes: Any) -> Tensor:
        """A standard node whose result is as ``like``, checked to be exact."""
        self.check(like)
        names = [i if isinstance(i, str) else i.name for i in inputs]
        return replace(like, name=self.raw(op, names, **attributes))

    def custom(
        self,
        op: str,
        domain: str,
        inputs: Sequence[str],
        expand: Callable[[], str],
        **attributes: Any,
    ) -> str:
        """A node of another domain; ``expand`` makes its meaning in standard nodes."""
        stem = self.name(op.lower())
        node = helper.make_node(
            op, list(inputs), [stem], f"{op}_{stem}", domain=domain, **attributes
        )
        kept, self.nodes = self.nodes, []
        try:
            result = expand()
        finally:
            self.nodes = kept
        self.nodes.append(node)
        self.twin.append(helper.make_node("Identity", [result], [stem], f"Identity_{stem}"))
        self.domains[domain] = 1
        return stem

    def check(self, like: Tensor) -> None:
        """Raise Inexact unless a tensor's values fit float32."""
        if self.exact and like.bound and not (like.unit and like.bits() <= BITS):
            raise Inexact(f"{like.bits()} bits")

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Undo everything that was added inside when it does not fit."""
        lists: tuple[list[Any], ...]
        lists = (self.nodes, self.twin, self.constants, self.layers, self.values)
        marks = [len(entries) for entries in lists]
        try:
            yield
        except Inexact:
            for entries, mark in zip(lists, marks, strict=True):
                del entries[mark:]

    def axes(self, op: str, inputs: list[str], axes: Sequence[int], since: int, **more: Any) -> str:
        """A node whose axes are an attribute before opset ``since``, then an input."""
        if self.opset < since:
            return self.raw(op, inputs, axes=list(axes), **more)
        return self.raw(op, [*inputs, self.const(np.array(axes, np.int64), "axes")], **more)

    def keep(self, x: Tensor) -> Tensor:
        """Remember a value that later nodes or outputs may read."""
        self.values.append(x)
        return x

    # Models.

    def model(self, x: Tensor, outputs: Sequence[Tensor]) -> tuple[ModelProto, ModelProto]:
        """The model and its twin."""
        inputs = [_info(x, self.batch)]
        outs = [_info(y, self.batch) for y in outputs]
        models: list[ModelProto] = []
        for nodes in (self.nodes, self.twin):
            domains = self.domains if nodes is self.nodes else {}
            graph = helper.make_graph(nodes, "fuzz", inputs, outs, self.constants)
            opsets = [helper.make_opsetid("", self.opset)]
            opsets += [helper.make_opsetid(d, v) for d, v in sorted(domains.items())]
            models.append(helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION))
        return models[0], models[1]


def _info(t: Tensor, batch: int | str) -> Any:
    return helper.make_tensor_value_info(t.name, TensorProto.FLOAT, [batch, *t.shape])
