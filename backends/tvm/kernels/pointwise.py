"""Elementwise regions without an anchor: one pass over the result."""

from __future__ import annotations

from ....ir.ops import Fused
from ...codegen.fused_region import pass_cycles, plain_refusal
from ...codegen.kernel_interface import Job
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


KERNELS = (kernel_of("pointwise", Fused, _write, elements, pass_cycles, plain_refusal),)
