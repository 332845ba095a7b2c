"""The elementwise operators of a fused region, element by element."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...ir import Value
from ...ir.ops import Fused, Threshold
from ..codegen import elementwise_emitters
from ..codegen.elementwise_emitters import Lanes
from ..codegen.fused_region import full_type
from .program import Coordinate, Program, View
from .results import Results, Space


class Region:
    """What follows an anchor, or a region without one: operands, and results in a `Space`."""

    def __init__(self, program: Program, space: Space | None = None) -> None:
        job = program.job
        assert isinstance(job.op, Fused)
        self.program = program
        self.type = full_type(job.op)
        self.space = space or Space.of(self.type, job.packs, job.target)
        self._region = job.op.body
        self._nodes = self._region.nodes
        self._anchor: Value | None = None
        if job.op.anchor is not None:
            self._anchor = self._nodes[0].results[0]
            self._nodes = self._nodes[1:]
        self._views: dict[Value, View] = {}
        for value in (*(v for n in self._nodes for v in n.op.operands), *self._region.results):
            if value in self._region.params:
                self._views[value] = program.view(job.outer(value))
        self.results = Results(program, job.node.results, self.space)

    def store(
        self, at: Sequence[Coordinate], anchor: Callable[[Coordinate], Lanes] | None = None
    ) -> None:
        """Compute and store a block of lanes, inside a `Program.block` over the blocks of the
        space; ``anchor`` gives the anchor's value in a lane."""
        self.results.store(at, lambda lane: self._values((*at, lane), anchor and anchor(lane)))

    def _values(self, at: Sequence[Coordinate], anchor: Lanes | None) -> list[Lanes]:
        index = self.space.index(at)
        env: dict[Value, Lanes] = {}
        if self._anchor is not None:
            env[self._anchor] = anchor
        for node in self._nodes:
            operands: list[Lanes] = []
            for position, value in enumerate(node.op.operands):
                if value in env:
                    operands.append(env[value])
                elif isinstance(node.op, Threshold) and position > 0:
                    operands.append(self._views[value].load(index[1:2]))
                else:
                    operands.append(self._views[value].load(index))
            env[node.result] = elementwise_emitters.emit(
                self.program.code, node.op, tuple(operands)
            )
        return [
            env[value] if value in env else self._views[value].load(index)
            for value in self._region.results
        ]
