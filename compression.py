"""`bnnc compile --compress`: an artifact's file with its binary weights stored as bits.

Of channels that resemble each other, only the differences are stored, along a minimum spanning tree
of the complete layer: unlike a kernel's forest it has no blocks, as nothing is computed along it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .backends.interface import Scheduled
from .ir import Op
from .ir.ops import BinaryConv
from .passes.support.spanning_tree import Metric, whole_tree
from .runtime import compressed
from .runtime.bit_coding import Forest


def compress(data: bytes, schedule: Sequence[Scheduled]) -> bytes:
    """A compressed file that expands to ``data``, the library made for a schedule."""
    weights = [
        compressed.Weights(
            number,
            tensor.data,
            tensor.bits,
            _taps((node.node.op.leader() or node.node).op),
            tensor.layout,
        )
        for number, node in enumerate(schedule)
        for tensor in node.weights
    ]
    return compressed.compress(data, weights, _forest)


def _taps(op: Op) -> int:
    """Positions of a kernel's window, which stand side by side in a row of its weights."""
    return math.prod(op.w.shape[2:]) if isinstance(op, BinaryConv) else 1


def _forest(bits: compressed.Bits) -> Forest:
    tree = whole_tree(Metric.of(bits))
    return Forest(tree.parents, tree.signs < 0)
