"""Instruction sets: what kernels ask of a machine's own instructions, one file a machine.

Kernels ask a target for capabilities (`targets.Capabilities`) and its instruction set for
operations, both named for what they do. A new machine is a file here with a subclass of
`InstructionSet` and a row below, and a row of ``targets.MACHINES``.
"""

from __future__ import annotations

from ...targets import Target
from ..kernel_builder import Emission
from .arm import Arm
from .instruction_set import InstructionSet
from .x86 import X86

__all__ = ["INSTRUCTION_SETS", "InstructionSet", "instructions", "of_machine", "of_target"]

INSTRUCTION_SETS: dict[str, type[InstructionSet]] = {"x86_64": X86, "aarch64": Arm}
"""Instruction sets by the machine's name in a triple."""


def of_machine(machine: str) -> type[InstructionSet]:
    """The instruction set of a machine; what any machine can do where it has no file."""
    return INSTRUCTION_SETS.get(machine, InstructionSet)


def of_target(target: Target) -> type[InstructionSet]:
    """The instruction set of a target's machine."""
    return of_machine(target.machine)


def instructions(code: Emission) -> InstructionSet:
    """What the target of some code has, to be written there."""
    return of_target(code.target)(code)
