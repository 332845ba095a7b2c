"""What spanning trees would save in each binary layer, and what the compiler makes of it.

All figures are bit-operations: terms that the sums of all channels have at one position. A layer of
O channels and K weights has O * K in full; a kernel that shares its first level has half of that to
do, so shares are of both. Random weights have a tree too, near 46 % of K.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ...backends.cost_model import PredictedCost
from ...backends.interface import Backend, Choice
from ...backends.targets import Target
from ...driver import lower
from ...errors import one_line
from ...frontend import Imported
from ...ir import Graph
from ...ir.codewords import planes_of_half
from ...ir.ops import BinaryConv, BinaryGemm, Fused
from ...options import Options
from ...passes import Pass
from ...passes.mst_reorder import Layer, MstReorder, plan
from ...passes.support.spanning_tree import random_share, reuse_of
from ..command_line.console import BIT_OPS, count_text, table
from .layer_report import wrapped

HEAD = (
    *("channels", "K", BIT_OPS, "tree ops", "of K", "of K/2", "random"),
    *("depth", "equal", "opposite", "blocks", "chosen"),
)
INDENT = 4


@dataclass(frozen=True)
class Reused:
    """A binary layer: ``channels`` of ``weights`` each.

    ``full``, ``tree`` (all channels together), ``blocks`` (the trees of its blocks, as kernels have
    them) and ``chosen`` are bit-operations, ``random`` the tree of random weights as a share of
    ``full``. ``duplicates`` equal an earlier channel, ``negated_duplicates`` its complement.
    ``kernel`` is the one that was chosen, ``decision`` how it adds, ``reason`` why channels are in
    the order that they are in.
    """

    name: str
    channels: int
    weights: int
    full: int
    tree: int
    random: float
    depth: int
    duplicates: int
    negated_duplicates: int
    blocks: int
    chosen: int
    kernel: str
    decision: str
    reason: str

    @property
    def cells(self) -> tuple[str, ...]:
        """A row of the table."""
        return (
            *(str(self.channels), str(self.weights)),
            *(count_text(self.full), count_text(self.tree)),
            *(_percent(self.tree, self.full), _percent(2 * self.tree, self.full)),
            *(_percent(self.random, 1), str(self.depth)),
            *(str(self.duplicates), str(self.negated_duplicates)),
            *(_percent(self.blocks, self.full), _percent(self.chosen, self.full)),
        )

    def json(self) -> dict[str, object]:
        """The layer for programs."""
        return asdict(self)


def reuse_lines(layers: Sequence[Reused]) -> list[str]:
    """Each layer's name, figures and decision, under a head of columns."""
    if not layers:
        return ["no layers on bits"]
    head, *rows = table([HEAD, *(layer.cells for layer in layers)], ())
    lines = [f"{'':{INDENT}}{head}"]
    for layer, row in zip(layers, rows, strict=True):
        lines += [one_line(layer.name), f"{'':{INDENT}}{row}"]
        lines += wrapped(f"{'':{INDENT}}why  ", f"{layer.decision}; {layer.reason}")
        lines += wrapped(f"{'':{INDENT}}by   ", layer.kernel)
    return lines


def _percent(part: float, total: float) -> str:
    return f"{100 * part / max(total, 1):.1f} %"


def reused_layers(
    imported: Imported, target: Target, backend: Backend, max_depth: int = 0
) -> list[Reused]:
    """Every binary layer of a model as it is compiled for a target, with trees of
    ``max_depth`` at most (0: any); raises BnncError."""
    before: list[Graph] = []
    seen: list[Graph] = []

    def observe(number: int, step: Pass | None, graph: Graph) -> None:
        if isinstance(step, MstReorder):
            before.append(seen[-1])
        seen.append(graph)

    costs = PredictedCost(target, backend.kernels)
    scheduled, _ = lower(imported, costs, Options(mst_max_depth=max_depth), observe)
    kernels = _kernels(scheduled)
    planned = plan(before[0], MstReorder(max_depth), products=True)
    return [_reused(layer, kernels) for layer in planned.layers]


def _kernels(graph: Graph) -> dict[str, str]:
    """The kernel of each binary layer by the name of its counts."""
    return {
        inner.result.name: node.op.kernel
        for node in graph.nodes
        if isinstance(node.op, Fused)
        for inner in node.op.body.nodes
        if isinstance(inner.op, (BinaryConv, BinaryGemm))
    }


def _from_words(layer: Layer, together: int) -> int:
    """Planes that all channels add: those of a count over ``together`` input channels, and half of
    a plane for its parity. What the words count is once for all channels, and left out."""
    outputs, inputs, *kernel = layer.node.op.operands[1].shape
    planes = planes_of_half(math.prod(kernel), together) + 0.5
    return round(outputs * inputs / together * planes)


def _reused(layer: Layer, kernels: dict[str, str]) -> Reused:
    reuse = reuse_of(layer.metric)
    outputs, bits = len(layer.order), layer.metric.bits
    kernel = kernels.get(layer.node.result.name, "")
    blocks = layer.forest.operations
    way = Choice.parse(kernel) if kernel else Choice("")
    if way.get("tree", 0):
        chosen, decision = blocks, "along trees"
    elif together := way.get("codebook", 0):
        chosen, decision = _from_words(layer, together), "from words of its codebook"
    elif way.kernel == "binary_conv_sliced":
        chosen, decision = reuse.full // 2, "each channel on its own, the first level shared"
    else:
        chosen, decision = reuse.full, "each channel on its own"
    origin = layer.node.origin
    return Reused(
        origin[0] if origin else layer.node.result.name,
        outputs,
        bits,
        reuse.full,
        reuse.tree.operations,
        random_share(outputs, bits),
        reuse.tree.depth,
        reuse.duplicates,
        reuse.negated_duplicates,
        blocks,
        chosen,
        kernel,
        decision,
        layer.reason,
    )
