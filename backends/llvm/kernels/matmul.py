"""Float matrix product of two operands known at run time, leading axes broadcast.

Lanes are columns of the result; sums of a few rows x a few vectors stay in registers while K runs.
A task is one matrix, or one row when there is only one matrix.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ....ir import Batch, Op
from ....ir.ops import MatMul
from ...codegen.kernel_builder import FLOAT, Code, Index, pieces, vector
from ...codegen.kernel_interface import Extent, Job, Kernel
from ...codegen.math_float32 import multiply_add
from ...interface import Choice, KernelDescriptor
from ...targets import Target
from ..epilogue import channel_blocks
from ..views import View
from .moving.copy_boxes import known

_ROWS = 6
"""Rows of a block: with two or four vectors enough independent sums for two FMA units."""


@dataclass(frozen=True)
class Product:
    """One matrix product in one kernel function."""

    code: Code
    op: MatMul
    a: View
    b: View
    result: View
    lead: tuple[Index, ...]

    @property
    def inner(self) -> int:
        """K."""
        return known(self.op.b.shape[-2])

    @property
    def columns(self) -> int:
        """Columns of the result."""
        return known(self.op.b.shape[-1])

    def rows(self, first: Index, last: Index) -> None:
        """Result rows first .. last-1: blocks, then one by one."""
        blocks, _ = self.code.divide(self.code.sub(last, first), _ROWS)
        in_blocks = self.code.add(first, self.code.mul(blocks, _ROWS))
        for start, stop, count in ((first, in_blocks, _ROWS), (in_blocks, last, 1)):
            if isinstance(start, int) and start == stop:
                continue
            with self.code.loop(start, stop, count) as row:
                self._row_block(row, count)

    def _row_block(self, row: Index, count: int) -> None:
        """``count`` rows, all columns."""
        vectors = 4 if self.code.target.registers == 32 else 2
        while vectors > 1 and self.code.lanes * (vectors - 1) >= self.columns:
            vectors -= 1
        width = self.code.lanes * vectors
        channel_blocks(self.code, self.columns, width, lambda c, n: self._tile((row, count), c, n))

    def _tile(self, rows: tuple[Index, int], column: Index, count: int) -> None:
        """A block of rows and columns: vectors of the target's lanes, then narrower ones."""
        code = self.code
        first, height = rows
        in_vectors = count // code.lanes * code.lanes
        spans = [(s, code.lanes) for s in range(0, in_vectors, code.lanes)]
        spans += [(in_vectors + s, w) for s, w in pieces(count - in_vectors)]
        state = [vector(FLOAT, w)(None) for _ in range(height) for _, w in spans]

        def step(k: Index, state: list[Any]) -> list[Any]:
            right = [self._right(k, code.add(column, s), w) for s, w in spans]
            out: list[Any] = []
            for i in range(height):
                at = (*self.lead, code.add(first, i), k)
                left = code.load(self.a.address(at), FLOAT)
                for j, weights in enumerate(right):
                    lanes = weights.type.count
                    old = state[i * len(spans) + j]
                    out.append(multiply_add(code, code.splat(left, lanes), weights, old))
            return out

        sums = code.repeat(0, self.inner, 1, state, step)
        for number, value in enumerate(sums):
            i, j = divmod(number, len(spans))
            start, width = spans[j]
            index = (*self.lead, code.add(first, i), code.add(column, start))
            self.result.store(value, index, len(index) - 1, width)

    def _right(self, k: Index, column: Index, lanes: int) -> Any:
        index = (*self.lead, k, column)
        return self.b.load(index, len(index) - 1, lanes, lanes)


def _lower(job: Job) -> None:
    op, result = job.op, job.result.type
    assert isinstance(op, MatMul)
    rank = result.rank
    lead: Sequence[int | Batch] = result.shape[:-2]

    def views(code: Code) -> tuple[View, View, View]:
        a, b = (View.of(code, v, rank, job.is_constant(v)) for v in (op.a, op.b))
        return a, b, View.of(code, job.result, rank)

    def one_matrix(code: Code) -> None:
        Product(code, op, *views(code), ()).rows(code.begin, code.end)

    def matrices(code: Code) -> None:
        operands = views(code)
        sizes = [1, *(known(d) for d in lead[1:])]
        with code.loop(code.begin, code.end) as task:
            product = Product(code, op, *operands, code.split(task, sizes))
            product.rows(0, known(result.shape[-2]))

    if lead:
        tasks = Extent.of(lead[0], math.prod(known(d) for d in lead[1:]))
        job.step(tasks, matrices)
    else:
        job.step(Extent.of(result.shape[0]), one_matrix)


def _refuses(op: Op, target: Target) -> str | None:
    return None


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """A vector multiply-add a cycle."""
    assert isinstance(op, MatMul)
    (result,) = op.infer()
    return result.elements_per_sample() * known(op.a.shape[-1]) / target.lanes


KERNELS = (Kernel(KernelDescriptor("matmul", MatMul, _refuses, _cycles), _lower),)
