"""What runs in a kernel's store loop: the elementwise operators of a fused region.

An anchor computes vectors of its result and hands each to `Epilogue.apply`, which loads the other
operands there, runs the operators and stores the region's results:

    epilogue = Epilogue(code, job)
    epilogue.apply((n, channel, y, x), axis=1, value=sums, count=16)

``index`` has one coordinate per axis of the anchor's result and names lane 0, ``axis`` is the axis
along which the lanes run, and the first ``count`` lanes are valid: no other element is read or
written. When a result is packed (`Epilogue.packs`), lanes run along axis 1, are a multiple of 8
in number and start at a multiple of their number; and where the channels do not fill their last
word, the last block of channels is named by a known integer: `channel_blocks` sees to that.

Each element is handed over exactly once: a result may lie where an operand of its shape lies, and
then replaces what it was computed from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...ir import Layout, Node, Scalar, Value
from ...ir.ops import Fused, Threshold
from ...ir.types import WORD_BITS
from ..cache_traffic import LINE
from ..codegen import elementwise_emitters
from ..codegen.elementwise_emitters import Lanes, Packed
from ..codegen.fused_region import full_type
from ..codegen.kernel_builder import Code, Index
from ..codegen.kernel_interface import Job
from .views import View, byte_strides


class Epilogue:
    """The elementwise part of a fused region, bound to one kernel function."""

    def __init__(self, code: Code, job: Job) -> None:
        assert isinstance(job.op, Fused)
        self.code = code
        self.job = job
        self.region = job.op.body
        self.nodes: tuple[Node, ...] = job.op.body.nodes
        self.anchor: Value | None = None
        if job.op.anchor is not None:
            self.anchor = self.nodes[0].results[0]
            self.nodes = self.nodes[1:]
        self.type = full_type(job.op)
        self.rank = self.type.rank
        self.results = [View.of(code, value, self.rank) for value in job.node.results]
        self._views: dict[tuple[Value, bool], View] = {}

    @property
    def packs(self) -> bool:
        """`Job.packs`."""
        return self.job.packs

    @property
    def packs_several(self) -> bool:
        """Whether several results are packed: then words that are stored in pieces take longer than
        what wide blocks cost in registers."""
        return sum(result.type.layout is Layout.WORDS for result in self.region.results) > 1

    def apply(
        self,
        index: Sequence[Index],
        axis: int,
        value: Lanes | None,
        count: int,
        lanes: int = 0,
    ) -> None:
        """Run the region on one vector; regions without anchor give ``lanes`` and no value."""
        env: dict[Value, Lanes] = {}
        if self.anchor is not None:
            assert value is not None
            env[self.anchor] = value
            lanes = (value.planes[0] if isinstance(value, Packed) else value).type.count
        for node in self.nodes:
            operands = [
                env[v] if v in env else self._load(node, i, v, index, axis, lanes, count)
                for i, v in enumerate(node.op.operands)
            ]
            env[node.result] = elementwise_emitters.emit(self.code, node.op, tuple(operands))
        for view, result in zip(self.results, self.region.results, strict=True):
            if result not in env:
                env[result] = self._view(result, False).load(index, axis, lanes, count)
            view.store(env[result], index, axis, count)

    def prefetch(self, index: Sequence[Index], count: int) -> None:
        """Fetch the maps that `apply` will read and write at ``count`` channels from ``index`` on,
        where these lie side by side."""
        read = dict.fromkeys(v for node in self.nodes for v in node.op.operands)
        maps = [value for value in read if value in self.region.params]
        views = [self._view(value, False) for value in maps if not self.job.is_constant(value)]
        for view in (*views, *self.results):
            if isinstance(view.type.element, Scalar) and view.strides[1] == view.item_bytes:
                place = view.address(index)
                for line in range(0, count * view.item_bytes, LINE):
                    self.code.prefetch(self.code.offset(place, line))

    def _load(
        self,
        node: Node,
        position: int,
        value: Value,
        index: Sequence[Index],
        axis: int,
        lanes: int,
        count: int,
    ) -> Lanes:
        per_channel = isinstance(node.op, Threshold) and position > 0
        return self._view(value, per_channel).load(index, axis, lanes, count)

    def _view(self, value: Value, per_channel: bool) -> View:
        """How a parameter is read: as NumPy broadcasts it, or [C] along axis 1 (threshold)."""
        key = (value, per_channel)
        if key not in self._views:
            outer = self.job.outer(value)
            constant = self.job.is_constant(value)
            rank = 2 if per_channel else self.rank
            view = View.of(self.code, outer, rank, constant)
            if per_channel:
                view = view.with_more_axes(self.rank - 2)
            self._views[key] = view
        return self._views[key]


def all_strides(job: Job) -> list[tuple[int, ...]]:
    """Bytes per step along each axis of the iteration space, of every operand and result."""
    assert isinstance(job.op, Fused)
    rank = full_type(job.op).rank
    out = [byte_strides(value, rank) for value in job.node.results]
    for node in job.op.body.nodes:
        for position, value in enumerate(node.op.operands):
            if value not in job.op.body.params:
                continue
            outer, constant = job.outer(value), job.is_constant(value)
            if isinstance(node.op, Threshold) and position > 0:
                out.append((*byte_strides(outer, 2, constant), *[0] * (rank - 2)))
            else:
                out.append(byte_strides(outer, rank, constant))
    return out


def last_block(channels: int, width: int, packs: bool) -> int:
    """Channels of a last block that is code of its own, 0 when there is none."""
    rest = channels % width
    return width if not rest and packs and channels % WORD_BITS else rest


def channel_blocks(
    code: Code,
    channels: int,
    width: int,
    body: Callable[[Index, int], None],
    first: Index = 0,
    packs: bool = False,
) -> None:
    """Call ``body(channel, count)`` for blocks of ``width`` channels.

    All full blocks share one loop; a last one that is not full, or with which packed channels end
    inside a word, is separate code with a known channel.
    """
    last = last_block(channels, width, packs)
    full = channels - last
    if full == width:
        body(first, width)
    elif full:
        with code.loop(first, code.add(first, full), width) as channel:
            body(channel, width)
    if last:
        body(code.add(first, full), last)
