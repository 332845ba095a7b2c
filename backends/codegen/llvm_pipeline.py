"""LLVM's side: target machines, the optimizer, and the emitted files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import llvmlite.binding as llvm

from ...errors import BackendError
from ..targets import Target


@cache
def _initialize() -> None:
    """Register every target once."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()


def machine_for(target: Target) -> llvm.TargetMachine:
    """Position-independent code in the small code model."""
    _initialize()
    features = ",".join(f"+{name}" for name in target.features)
    return llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.base, features=features, opt=3, reloc="pic", codemodel="small"
    )


def _linked(modules: list[llvm.ModuleRef]) -> llvm.ModuleRef:
    """All modules as one: neighbours first, because linking takes as long as both are large."""
    while len(modules) > 1:
        for into, other in zip(modules[::2], modules[1::2], strict=False):
            into.link_in(other)
        modules = modules[::2]
    return modules[0]


def optimize(
    text: str, target: Target, foreign: Mapping[str, str]
) -> tuple[llvm.ModuleRef, llvm.TargetMachine]:
    """A module's text, with the foreign functions that it calls, through LLVM's O3 pipeline.
    Kernels are vectorised by hand: LLVM's own vectorisers and unroller only made them larger."""
    machine = machine_for(target)
    try:
        module = llvm.parse_assembly(text)
        if foreign:
            module.link_in(_linked([llvm.parse_assembly(text) for text in foreign.values()]))
        for name in foreign:
            module.get_function(name).linkage = "internal"
        module.verify()
    except RuntimeError as error:
        raise BackendError(f"internal: LLVM rejects generated code: {error}") from error
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = False
    options.slp_vectorization = False
    options.loop_unrolling = False
    options.loop_interleaving = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return module, machine
