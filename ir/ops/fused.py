"""The fused operator: a window or product (the anchor) and what runs in its store loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import VerifyError
from ..core import Node, Op, Region, Value
from ..traits import NO_TRAITS
from ..types import TensorType


@dataclass(frozen=True)
class Fused(Op):
    """A region that one kernel computes: an optional anchor first, then elementwise operators.

    The anchor is the region's first node unless that is elementwise. ``kernel`` names the
    kernel descriptor chosen by the scheduler, empty before.
    """

    traits = NO_TRAITS

    xs: tuple[Value, ...]
    body: Region
    kernel: str = ""

    @property
    def anchor(self) -> Node | None:
        """The node whose results the elementwise ones consume."""
        first = self.body.nodes[0]
        return None if first.op.elementwise else first

    def leader(self) -> Node | None:
        return self.body.nodes[0] if self.body.nodes else None

    def infer(self) -> tuple[TensorType, ...]:
        if len(self.xs) != len(self.body.params):
            raise VerifyError(f"fused takes {len(self.body.params)} operands, got {len(self.xs)}")
        for given, param in zip(self.xs, self.body.params, strict=True):
            if given.type != param.type:
                raise VerifyError(f"fused operand {given!r} does not match parameter {param!r}")
        return tuple(value.type for value in self.body.results)

    def verify(self) -> None:
        if not self.body.nodes or any(not n.op.elementwise for n in self.body.nodes[1:]):
            raise VerifyError("a fused region holds one anchor, first, and elementwise operators")

    def environment(self, args: Sequence[Any], batch: int) -> dict[Value, Any]:
        """Every value of the region, from the operands."""
        env: dict[Value, Any] = dict(zip(self.body.params, args, strict=True))
        for node in self.body.nodes:
            out = node.op.reference([env[v] for v in node.op.operands], batch)
            results = out if isinstance(out, tuple) else (out,)
            env.update(zip(node.results, results, strict=True))
        return env

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        env = self.environment(args, batch)
        return tuple(env[value] for value in self.body.results)
