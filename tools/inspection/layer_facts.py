"""The facts of `bnnc inspect` on a model's layers: those of the manifest and the reasons for them.

facts = inspect_model("net.onnx")
facts.graph      # the graph on which layers are recognised
facts.layers     # one `LayerFacts` for each Conv and Gemm, in graph order
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from ...backends.manifest_entries import Geometry
from ...driver import import_model, layer
from ...frontend import Imported
from ...ir import TERNARY, Graph, Node, Value
from ...ir.ops import BinaryConv, BinaryGemm, Conv, Gemm, Sign
from ...passes import Pass, pipelines, run_passes
from ...passes.binarize import examine
from ...passes.threshold import Threshold
from ...runtime.manifest import Layer
from .layer_report import Computed, Row, operation


@dataclass(frozen=True)
class LayerFacts:
    """A layer of a model: its entry in an artifact's manifest, and facts that only a model has.

    ``node`` is its node of the recognised graph, ``advice`` says how to make it binary (empty when
    it is), ``sign_zero`` what the signs that the layer reads are at 0 and why (empty when it reads
    none).
    """

    node: Node
    layer: Layer
    advice: str
    geometry: Geometry
    sign_zero: str

    def row(self, computed: Sequence[Computed]) -> Row:
        """The layer in the form that text and page show, with the kernels that compute it."""
        notes = (
            ("why", self.layer.reason),
            ("sign(0)", self.sign_zero),
            ("advice", self.advice),
        )
        return Row(self.layer, operation(self.layer), notes, computed)

    def json(self) -> dict[str, object]:
        """The layer with the manifest's keys and those that only a model has."""
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
    signs = _Signs(imported, graph)
    layers = (
        LayerFacts(
            verdict.node,
            layer(verdict),
            verdict.advice,
            Geometry.of(verdict.node.op),
            signs.at_zero(verdict.node) if verdict.binarized else "",
        )
        for verdict in examine(graph, imported.operators)
    )
    return Inspected(imported, graph, tuple(layers))


class _Signs:
    """How signs that are 0 at 0 are computed. The importer knows which ones 0 cannot reach; the
    passes that every target shares find more, where no count gives 0: signs that stay ternary after
    them have a mask plane."""

    def __init__(self, imported: Imported, graph: Graph) -> None:
        self.graph = graph
        self.why = {sign.name: sign.why for sign in imported.signs}
        self.why |= {origin: sign.why for sign in imported.signs for origin in sign.origin}
        lowered = run_passes(graph, _until_thresholds())
        self.ternary = {
            name
            for node in lowered.nodes
            if isinstance(node.op, (BinaryConv, BinaryGemm)) and node.op.x.element == TERNARY
            for name in node.origin
        }

    def at_zero(self, node: Node) -> str:
        """One sentence on the signs that a layer reads."""
        sentences: list[str] = []
        for sign in self._read_by(node):
            assert isinstance(sign.op, Sign)
            names = (sign.result.name, *sign.origin)
            why = next((self.why[name] for name in names if name in self.why), "")
            if sign.op.zero:
                sentences.append(why or f"{sign.op.zero:+d} at 0, as the model says")
            elif self.ternary.intersection(node.origin):
                sentences.append("0 at 0, kept by a mask plane")
            else:
                sentences.append("0 at 0, which no count reaches")
        return "; ".join(dict.fromkeys(sentences))

    def _read_by(self, layer: Node) -> list[Node]:
        """The last signs on the paths to a layer's operand."""
        signs: list[Node] = []
        seen: set[Value] = set()
        ahead = [layer.op.operands[0]]
        while ahead:
            value = ahead.pop()
            node = self.graph.producers.get(value)
            if value in seen or node is None or isinstance(node.op, (Conv, Gemm)):
                continue
            seen.add(value)
            if isinstance(node.op, Sign):
                signs.append(node)
            else:
                ahead.extend(node.op.operands)
        return signs


def _until_thresholds() -> tuple[Pass, ...]:
    steps = pipelines.default()[len(pipelines.recognition()) :]
    last = next(i for i, step in enumerate(steps) if isinstance(step, Threshold))
    return steps[: last + 1]
