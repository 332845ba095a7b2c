"""How a kernel file describes itself: what it computes as a PrimFunc, and how that is scheduled.

Each file in `kernels/` defines ``KERNELS``, made by `kernel_of` from

- ``write(job) -> Program``: blocks of TensorIR over one sample, without any schedule, and
- ``plan(schedule, knobs, program)``: tiles, orders and vectorises the blocks with
  `tvm.s_tir.Schedule`; exactly one loop becomes parallel, and its iterations are the tasks.

Decisions that a tuner may take are asked of `Knobs`, by name; without a tuner each is the first of
its values. What a tuner found is written into the graph as the parameters of a `Choice`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tvm import s_tir

from ...errors import LoweringError
from ...ir import Array, Op, Value
from ...ir.types import sample_bytes
from ..codegen.constant_contents import Contents
from ..codegen.kernel_builder import Code
from ..codegen.kernel_interface import Extent, Job, Kernel
from ..interface import Choice, KernelDescriptor
from ..targets import Target
from .prim_function import TensorFunction, function_of
from .program import Program

Schedule = Any
"""A `tvm.s_tir.Schedule`."""
_MOST = 1 << 31
"""TVM's offsets are 32 bits wide."""


class Knobs(Protocol):
    """Where a schedule asks for what a tuner may decide."""

    def pick(self, name: str, values: Sequence[int]) -> Any:
        """One of ``values``, the likeliest first: a number, or the tuner's stand-in for one."""
        ...


@dataclass(frozen=True)
class Decided:
    """The decisions of a choice; the first value where it says nothing."""

    choice: Choice

    def pick(self, name: str, values: Sequence[int]) -> int:
        """What the choice says; LoweringError where that is none of the values."""
        wanted = self.choice.get(name, values[0])
        if wanted not in values:
            known = ", ".join(map(str, sorted(values)))
            raise LoweringError(f"'{self.choice}': {name} can be {known}")
        return wanted


Write = Callable[[Job], Program]
Plan = Callable[[Schedule, Knobs, Program], None]


@dataclass(frozen=True)
class TensorKernel(Kernel):
    """A descriptor, the blocks and their schedule."""

    write: Write
    plan: Plan

    @classmethod
    def of(cls, descriptor: KernelDescriptor, write: Write, plan: Plan) -> TensorKernel:
        """The kernel, which adds one step that runs it for every sample."""
        return cls(descriptor, lambda job: _lower(job, write, plan), write, plan)


def _lower(job: Job, write: Write, plan: Plan) -> None:
    if not any(value.type.elements_per_sample() for value in job.node.results):
        return
    program = write(job)
    schedule = s_tir.Schedule(program.function)
    plan(schedule, Decided(job.choice), program)
    function = function_of(schedule.mod, job.target)
    symbolic = any(value.type.symbolic for value in job.node.results)
    tasks = Extent(function.tasks, 0) if symbolic else Extent(0, function.tasks)
    job.step(tasks, lambda code: _body(code, program, function, symbolic))


def kernel_of(
    name: str,
    operator: type[Op],
    write: Write,
    plan: Plan,
    cycles: Callable[[Op, Target, Choice], float],
    refuses: Callable[[Op, Target], str | None] = lambda op, target: None,
    knobs: tuple[str, ...] = (),
    extra_bytes: Callable[[Op, Target, Choice], int] = lambda op, target, choice: 0,
) -> TensorKernel:
    """A kernel of the TVM backend; its name begins with ``tvm_``."""

    def refusal(op: Op, target: Target) -> str | None:
        return too_large(op) or refuses(op, target)

    descriptor = KernelDescriptor(
        f"tvm_{name}", operator, refusal, cycles, knobs=knobs, extra_bytes=extra_bytes
    )
    return TensorKernel.of(descriptor, write, plan)


def too_large(op: Op) -> str | None:
    """Why the tensors of an operator cannot be addressed, or None."""
    types = (*(v.type for v in op.operands), *op.infer())
    large = [t for t in types if max(sample_bytes(t), t.elements_per_sample()) >= _MOST]
    return f"{large[0]} is too large for 32-bit offsets" if large else None


def _body(code: Code, program: Program, function: TensorFunction, symbolic: bool) -> None:
    """Call the function for each sample that the tasks touch."""
    code.stored.extend(program.weights)
    scratch = code.scratch(function.scratch)
    bases = [
        code.pointer(slot) if isinstance(slot, Value) else code.data(slot) for slot in program.slots
    ]
    if not symbolic:
        code.call(function.foreign, *bases, code.begin, code.end, scratch)
        return
    first, _ = code.divide(code.begin, function.tasks)
    last, _ = code.divide(code.add(code.end, function.tasks - 1), function.tasks)
    with code.loop(first, last) as sample:
        start = code.mul(sample, function.tasks)
        low = code.max(code.sub(code.begin, start), 0)
        high = code.min(code.sub(code.end, start), function.tasks)
        at = [
            code.offset(base, code.mul(sample, _sample_stride(slot)))
            for base, slot in zip(bases, program.slots, strict=True)
        ]
        code.call(function.foreign, *at, code.index(low), code.index(high), scratch)


def _sample_stride(slot: Value | Array | Contents[Array]) -> int:
    """Bytes from one sample of a value to the next, 0 where all share it."""
    if not isinstance(slot, Value) or not slot.type.symbolic:
        return 0
    bytes_ = sample_bytes(slot.type)
    if slot.slot is not None and slot.slot.pitch:
        channels = slot.type.shape[1]
        assert isinstance(channels, int)
        return bytes_ // channels * slot.slot.pitch
    return bytes_
