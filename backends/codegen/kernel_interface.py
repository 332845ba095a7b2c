"""What a kernel file provides, and what it gets.

Each file in `kernels/` defines ``KERNELS``, a tuple of `Kernel`: a descriptor (what it computes,
where it refuses, what it costs) and ``lower(job)``, which adds one or more steps:

    def _lower(job: Job) -> None:
        rows = Extent.of(job.result.type.shape[0], 7)         # 7 tasks a sample
        job.step(rows, lambda code: body(code, job))

    KERNELS = (Kernel(KernelDescriptor("thing", ops.Thing, refuses, cycles), _lower),)

Steps run one after another; the tasks of one step in any order and on several threads, so that no
two tasks may write the same byte (the words of a pixel belong to one task).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from ...ir import Array, Batch, Dim, Node, Op, Value
from ...ir.ops import Fused
from ..interface import Choice, KernelDescriptor
from ..targets import Target
from .constant_contents import Contents, Reading
from .kernel_builder import Code

T = TypeVar("T")


@dataclass(frozen=True)
class Extent:
    """A number of tasks, ``per_batch * N + fixed``."""

    per_batch: int
    fixed: int

    @classmethod
    def of(cls, dim: Dim, times: int = 1) -> Extent:
        """``dim * times``, where ``dim`` may be symbolic."""
        return cls(dim.factor * times, 0) if isinstance(dim, Batch) else cls(0, dim * times)


@dataclass(frozen=True)
class Step:
    """One call of a kernel function over its tasks; ``slots`` fill the frame after N.

    ``scratch`` is the bytes of workspace that each thread needs meanwhile. ``cycles`` estimates
    its work at N = 1, for threads to share in pieces of a useful size.
    """

    function: str
    slots: tuple[Value | Array, ...]
    tasks: Extent
    scratch: int
    cycles: float = 0.0


@dataclass
class Job:
    """One node to be lowered, in the way of ``choice`` (whose parameters may be left out).

    ``start`` makes the function of a step, ``done`` registers it with its number of tasks. What a
    kernel writes depends on the node's structure, on which operands are constants, and on
    ``asked``, so that other nodes may share its functions.
    """

    node: Node
    choice: Choice
    target: Target
    constants: Mapping[Value, Array]
    start: Callable[[str], Code]
    done: Callable[[Code, Extent], None]
    asked: list[Contents[Any]] = field(default_factory=list[Contents[Any]])

    @property
    def op(self) -> Op:
        """The node's operator."""
        return self.node.op

    @property
    def result(self) -> Value:
        """The first result."""
        return self.node.results[0]

    @property
    def packs(self) -> bool:
        """Whether a result is stored as bits."""
        return any(value.type.is_binary for value in self.node.results)

    @property
    def anchor(self) -> Op:
        """The operator that names the kernel: a fused region's anchor, or the operator itself.

        An anchor's operands are parameters of the region; `outer` maps them.
        """
        if isinstance(self.op, Fused):
            assert self.op.anchor is not None
            return self.op.anchor.op
        return self.op

    def outer(self, value: Value) -> Value:
        """The value of the graph that a parameter of the fused region is (or the value itself)."""
        if isinstance(self.op, Fused) and value in self.op.body.params:
            return self.op.xs[self.op.body.params.index(value)]
        return value

    def is_constant(self, value: Value) -> bool:
        """Whether the contents of a value are known."""
        return self.outer(value) in self.constants

    def contents(self, value: Value) -> Contents[Array]:
        """The contents of a constant operand, for what the frame holds."""
        assert self.is_constant(value)
        return Contents.of(self.op.operands.index(self.outer(value)))

    @cached_property
    def reading(self) -> Reading:
        """The contents of the node's own operands."""
        return Reading([self.constants.get(value) for value in self.op.operands])

    def ask(self, question: Contents[T]) -> T:
        """What the code depends on: an array, or what can be compared."""
        self.asked.append(question)
        return self.reading.of(question)

    def step(self, tasks: Extent, body: Callable[[Code], None]) -> None:
        """Add a step whose kernel function ``body`` writes."""
        code = self.start(self.node.op.mnemonic())
        body(code)
        self.done(code, tasks)


@dataclass(frozen=True)
class Kernel:
    """A descriptor and what writes the code."""

    descriptor: KernelDescriptor
    lower: Callable[[Job], None]
