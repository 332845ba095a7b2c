"""Elementwise regions without an anchor: one pass over the result."""

from __future__ import annotations

from ....ir import Op
from ....ir.ops import Fused
from ... import cache_traffic
from ...codegen.fused_region import full_type, plain_refusal
from ...codegen.kernel_interface import Job
from ...interface import Choice
from ...targets import Target
from ..program import Program
from ..region_blocks import Region
from ..schedules import elements
from ..tensor_kernel import kernel_of


def _write(job: Job) -> Program:
    program = Program(job)
    region = Region(program)
    with program.body(), program.block("out", region.space.extents) as (at, _):
        region.store(at)
    return program


def _refuses(op: Op, target: Target) -> str | None:
    assert isinstance(op, Fused)
    return plain_refusal(op, target)


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """One vector operation a cycle for each operator, operand and result; the memory's share."""
    assert isinstance(op, Fused)
    elements_ = full_type(op).elements_per_sample()
    memory = cache_traffic.traffic([v.type for v in (*op.xs, *op.body.results)], target)
    operations = len(op.body.nodes) + len(op.xs) + len(op.body.results)
    return elements_ / target.lanes * operations + memory


KERNELS = (kernel_of("pointwise", Fused, _write, elements, _cycles, _refuses),)
