"""How slots add up to the workspace that an artifact asks for."""

from __future__ import annotations

from .core import Graph
from .types import sample_bytes

ALIGNMENT = 64
"""Every slot's offset and size is a multiple of this many bytes."""


def aligned(size: int) -> int:
    """``size`` rounded up to the alignment of slots."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def arena_bytes(graph: Graph) -> tuple[int, int]:
    """Bytes of the batch arena (times N) and of the fixed arena of a scheduled graph."""
    ends = {"batch": 0, "fixed": 0}
    for node in graph.nodes:
        for value in node.results:
            if value.slot is not None and value.slot.arena in ends:
                end = value.slot.offset + aligned(sample_bytes(value.type))
                ends[value.slot.arena] = max(ends[value.slot.arena], end)
    return ends["batch"], ends["fixed"]
