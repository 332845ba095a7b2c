"""How slots add up to the workspace that an artifact asks for."""

from __future__ import annotations

from collections.abc import Sequence

from .core import Graph, Node, Slot, Value
from .types import Batch, sample_bytes

ALIGNMENT = 64
"""Every slot's offset and size is a multiple of this many bytes."""


def aligned(size: int) -> int:
    """``size`` rounded up to the alignment of slots."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def part_slots(parts: Sequence[Value], concatenation: Slot) -> list[Slot]:
    """Slots of values that lie side by side, channel after channel, in ``concatenation``."""
    channels = [x.type.shape[1] for x in parts]
    counts = [c for c in channels if not isinstance(c, Batch)]
    pitch = concatenation.pitch or sum(counts)
    starts = [concatenation.channel + sum(counts[:i]) for i in range(len(counts))]
    return [Slot(concatenation.arena, concatenation.offset, start, pitch) for start in starts]


def arena_bytes(graph: Graph) -> tuple[int, int, int]:
    """Bytes of the arenas of a scheduled graph: of the batch (times N), of a round (times its
    samples) and of values without a batch."""
    ends = {"batch": 0, "round": 0, "fixed": 0}
    for node in graph.nodes:
        for value in node.results:
            if value.slot is not None and value.slot.arena in ends:
                end = value.slot.offset + aligned(sample_bytes(value.type))
                ends[value.slot.arena] = max(ends[value.slot.arena], end)
    return ends["batch"], ends["round"], ends["fixed"]


def nodes_in_rounds(graph: Graph) -> int:
    """How many of the first nodes of a scheduled graph run in rounds."""

    def touches(node: Node) -> bool:
        slots = (value.slot for value in (*node.op.operands, *node.results))
        return any(slot is not None and slot.arena == "round" for slot in slots)

    return max((at for at, node in enumerate(graph.nodes, 1) if touches(node)), default=0)
