"""What `bnnc inspect` knows of a model's layers: the manifest's facts and those behind them.

found = inspect_model("net.onnx")
found.graph      # the graph on which layers are recognised
found.layers     # one `LayerFacts` for each Conv and Gemm, in graph order
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from ..driver import import_model, layer
from ..frontend import Imported
from ..ir import TERNARY, Graph, Node, Value
from ..ir.ops import BinaryConv, BinaryGemm, Conv, Gemm, Sign
from ..passes import Pass, pipelines, run_passes
from ..passes.binarize import examine
from ..passes.threshold import Thresholds
from ..runtime.manifest import Layer
from .report import Row

SIGN_ZERO = {
    "": "",
    "mask": "kept by a mask plane",
    "never": "no 0 reaches the sign",
    "+1": "taken for +1, by --sign-zero=+1",
}
"""What becomes of sign(0) = 0 before a binary layer; nothing where the model's sign is ±1 at 0."""


@dataclass(frozen=True)
class Geometry:
    """How a convolution's window moves; products have a 0-dimensional window."""

    kernel: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    pads: tuple[int, ...] = ()
    dilations: tuple[int, ...] = ()
    groups: int = 1

    @property
    def text(self) -> str:
        """``3x3, stride 2, pads 0 0 1 1, 4 groups``; empty for products."""
        if not self.kernel:
            return ""
        parts = ["x".join(map(str, self.kernel)), f"stride {_sizes(self.strides)}"]
        parts.append(f"pads {_sizes(self.pads)}")
        if set(self.dilations) != {1}:
            parts.append(f"dilation {_sizes(self.dilations)}")
        if self.groups > 1:
            parts.append(f"{self.groups} groups")
        return ", ".join(parts)


def _sizes(sizes: tuple[int, ...]) -> str:
    """One number when all are equal."""
    return str(sizes[0]) if len(set(sizes)) == 1 else " ".join(map(str, sizes))


@dataclass(frozen=True)
class LayerFacts:
    """A layer of a model: what its artifact's manifest would say, and what else is known.

    ``node`` is its node of the recognised graph, ``advice`` what would make it binary (empty when
    it is), ``sign_zero`` a key of `SIGN_ZERO`.
    """

    node: Node
    layer: Layer
    advice: str
    geometry: Geometry
    sign_zero: str

    @property
    def row(self) -> Row:
        """The layer as text and page show it."""
        notes = (
            ("why", self.layer.reason),
            ("sign(0)", SIGN_ZERO[self.sign_zero]),
            ("advice", self.advice),
        )
        return Row(self.layer, f"{self.layer.op} {self.geometry.text}".rstrip(), notes)

    def json(self) -> dict[str, object]:
        """The layer with the manifest's keys and those that a model alone has."""
        return {
            **asdict(self.layer),
            "advice": self.advice,
            **asdict(self.geometry),
            "sign_zero": self.sign_zero,
        }


@dataclass(frozen=True)
class Inspected:
    """A model, its recognised graph and its layers."""

    imported: Imported
    graph: Graph
    layers: tuple[LayerFacts, ...]


def inspect_model(
    model: str | Path,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    sign_zero: Literal["exact", "+1"] = "exact",
) -> Inspected:
    """Read a model and look at each of its layers; raises BnncError."""
    imported = import_model(model, shapes, sign_zero)
    graph = run_passes(imported.graph, pipelines.recognition())
    # What the option overrides shows in the model as it is.
    exact = import_model(model, shapes).graph if sign_zero == "+1" else imported.graph
    zeros = _zeros(run_passes(exact, pipelines.recognition()) if sign_zero == "+1" else graph)
    layers: list[LayerFacts] = []
    for verdict in examine(graph):
        known = layer(verdict)
        zero = zeros.get(known.name, "") if verdict.binarized else ""
        if zero == "mask" and sign_zero == "+1":
            zero = "+1"
        layers.append(
            LayerFacts(verdict.node, known, verdict.advice, _geometry(verdict.node), zero)
        )
    return Inspected(imported, graph, tuple(layers))


def _geometry(node: Node) -> Geometry:
    op = node.op
    if not isinstance(op, Conv):
        return Geometry()
    return Geometry(op.window.kernel, op.strides, op.pads, op.dilations, op.groups)


def _zeros(graph: Graph) -> dict[str, str]:
    """For layers on signs with 0 at 0, by name: whether a mask keeps it or no 0 gets there.

    The passes that every target shares say which: a sign that stays ternary behind them has zeros.
    """
    layers = [node for node in graph.nodes if isinstance(node.op, (Conv, Gemm))]
    lowered = run_passes(graph, _until_thresholds())
    ternary = {
        name
        for node in lowered.nodes
        if isinstance(node.op, (BinaryConv, BinaryGemm)) and node.op.x.element == TERNARY
        for name in node.origin
    }
    found: dict[str, str] = {}
    for node in layers:
        name = node.origin[0] if node.origin else node.result.name
        if name in ternary:
            found[name] = "mask"
        elif _reads_zero(graph, node.op.operands[0]):
            found[name] = "never"
    return found


def _until_thresholds() -> tuple[Pass, ...]:
    steps = pipelines.default()[len(pipelines.recognition()) :]
    last = next(i for i, step in enumerate(steps) if isinstance(step, Thresholds))
    return steps[: last + 1]


def _reads_zero(graph: Graph, value: Value) -> bool:
    """Whether a sign with 0 at 0 is the last one before ``value`` on some way to it."""
    seen: set[Value] = set()
    ahead = [value]
    while ahead:
        value = ahead.pop()
        node = graph.producers.get(value)
        if value in seen or node is None or isinstance(node.op, (Conv, Gemm)):
            continue
        seen.add(value)
        if not isinstance(node.op, Sign):
            ahead.extend(node.op.operands)
        elif node.op.zero == 0:
            return True
    return False
