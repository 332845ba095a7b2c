"""Float matrix product of two operands known at run time, leading axes broadcast."""

from __future__ import annotations

from ....ir import Op
from ....ir.ops import MatMul
from ...codegen.kernel_builder import FLOAT
from ...codegen.kernel_interface import Job
from ...interface import Choice
from ...targets import Target
from ..expressions import Term, expression, multiply_add
from ..product_blocks import KNOBS, products
from ..program import Program
from ..results import Results, Space
from ..tensor_kernel import kernel_of
from ..tir import T, tirx


def _write(job: Job) -> Program:
    op = job.op
    assert isinstance(op, MatMul)
    program = Program(job)
    a, b = program.view(op.a), program.view(op.b)
    space = Space.of(job.result.type, False, job.target)
    results = Results(program, [job.result], space)
    extents = (*space.extents, space.lanes)
    with program.body():
        sums = program.scratch(extents, "float32")
        with program.block("sums", extents, (op.a.type.concrete(1)[-1],)) as (at, (k,)):
            with T.init():
                T.buffer_store(sums, tirx.const(0.0, "float32"), at)
            *lead, row, column = space.index(at)
            x, w = expression(a.load([*lead, row, k])), expression(b.load([*lead, k, column]))
            T.buffer_store(sums, multiply_add(job.target, x, w, sums[tuple(at)]), at)
        with program.block("out", space.extents) as (at, _):
            results.store(at, lambda lane: [Term.of(FLOAT, sums[(*at, lane)])])
    return program


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """A vector multiply-add a cycle."""
    assert isinstance(op, MatMul)
    inner = op.a.type.concrete(1)[-1]
    return op.infer()[0].elements_per_sample() * inner / target.lanes


KERNELS = (kernel_of("matmul", MatMul, _write, products, _cycles, knobs=KNOBS),)
