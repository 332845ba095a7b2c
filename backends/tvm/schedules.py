"""Schedules that kernels share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .program import Program
from .tensor_kernel import Knobs, Schedule
from .tir import tirx
from .window_operand import PAD

_MOST_TASKS = 256
_MOST_UNROLLED = 16
"""Taps of a window up to which it is straight-line code."""


def extent(schedule: Schedule, loop: Any) -> int:
    """Iterations of a loop; 1 where they differ from task to task."""
    count = schedule.get(loop).extent
    return int(count) if isinstance(count, tirx.IntImm) else 1


def has_block(schedule: Schedule, name: str) -> bool:
    """Whether a block is there."""
    root = schedule.get_sblock("root")
    return any(schedule.get(b).name_hint == name for b in schedule.get_child_blocks(root))


def make_tasks(schedule: Schedule, program: Program, loops: Sequence[Any]) -> Any:
    """Loops, outermost first, as one whose iterations are the kernel's tasks."""
    loop = schedule.fuse(*loops) if len(loops) > 1 else loops[0]
    schedule.parallel(loop)
    if program.definitions:
        schedule.annotate(loop, "pragma_import_llvm", "".join(sorted(set(program.definitions))))
    return loop


def elements(schedule: Schedule, knobs: Knobs, program: Program) -> None:
    """A single block, with every loop but the blocks of lanes outside: a task is some of those."""
    loops = schedule.get_loops(schedule.get_sblock("out"))
    outer = schedule.fuse(*loops[:-1]) if len(loops) > 2 else loops[0]
    if len(loops) == 1 or extent(schedule, outer) > _MOST_TASKS:
        outer, _ = schedule.split(outer, [min(_MOST_TASKS, extent(schedule, outer)), None])
    make_tasks(schedule, program, [outer])


def rows(schedule: Schedule, knobs: Knobs, program: Program) -> None:
    """A task is one position of the axes that are outside the last loop of "out"; what other blocks
    have to do for it is done in it."""
    loops = schedule.get_loops(schedule.get_sblock("out"))
    if len(loops) == 1:
        schedule.split(loops[0], [1, None])
        loops = schedule.get_loops(schedule.get_sblock("out"))
    task = make_tasks(schedule, program, loops[:-1])
    root = schedule.get_sblock("root")
    for block in list(schedule.get_child_blocks(root))[::-1]:
        if schedule.get(block).name_hint != "out":
            moved(schedule, block, task)


def folds(schedule: Schedule, knobs: Knobs, program: Program) -> None:
    """A block "fold" that reduces to each element of "out", a block of lanes at a time."""
    out = schedule.get_sblock("out")
    loops = schedule.get_loops(out)
    if len(loops) == 1:
        schedule.split(loops[0], [None, 1])
        loops = schedule.get_loops(out)
    task = make_tasks(schedule, program, loops[:-1])
    fold = schedule.get_sblock("fold")
    inside(schedule, fold, loops[-1])
    if has_block(schedule, PAD):
        schedule.compute_at(schedule.get_sblock(PAD), task)


def inside(schedule: Schedule, block: Any, loop: Any) -> None:
    """Reduce lanes of a block inside a loop: what is reduced outside, the lanes as a vector."""
    spatial, reduced = moved(schedule, block, loop)
    if math.prod(extent(schedule, other) for other in reduced) <= _MOST_UNROLLED:
        for other in reduced:
            schedule.unroll(other)
    in_registers(schedule, spatial, reduced)
    schedule.decompose_reduction(block, reduced[0])


def in_registers(schedule: Schedule, spatial: Sequence[Any], reduced: Sequence[Any]) -> None:
    """A tile in registers: what is reduced outside of it, the tile unrolled, its lanes a vector."""
    schedule.reorder(*reduced, *spatial)
    for loop in spatial[:-1]:
        schedule.unroll(loop)
    if extent(schedule, spatial[-1]) > 1:
        schedule.vectorize(spatial[-1])


def moved(schedule: Schedule, block: Any, loop: Any) -> tuple[list[Any], list[Any]]:
    """Compute a block inside a loop; its own loops there, spatial and reduced ones."""
    schedule.compute_at(block, loop, preserve_unit_loops=True)
    return own_loops(schedule, block)


def own_loops(schedule: Schedule, block: Any) -> tuple[list[Any], list[Any]]:
    """The loops of a block's axes, spatial and reduced ones; one loop for each."""
    axes = schedule.get(block).iter_vars
    loops = list(schedule.get_loops(block))[-len(axes) :]
    kinds = [int(axis.iter_type) for axis in axes]
    spatial = [at for at, kind in zip(loops, kinds, strict=True) if kind == 0]
    return spatial, [at for at, kind in zip(loops, kinds, strict=True) if kind != 0]
