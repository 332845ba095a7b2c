"""What backends share: a scheduled graph becomes one LLVM module, step by step.

Each node's kernel adds steps (a function, the addresses in its frame, a number of tasks). Nodes of
one structure share their functions (`function_sharing`), and those of others that turn out equal
are kept once. `c_abi` wraps the steps into the C ABI. Backends differ in their kernels.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import llvmlite.binding as llvm
from llvmlite import ir

from ...errors import LoweringError
from ...ir import Array, Graph, Node, Stage, Value, nodes_in_rounds, part_slots
from ...ir.ops import Concat, Const, Fused
from ...ir.structure import structure, without_annotations
from ...ir.traits import Trait
from ...runtime.manifest import Workspace
from ..interface import (
    Choice,
    EmitKind,
    KernelDescriptor,
    Scheduled,
    Searcher,
    SearchLimits,
    kernels_for,
)
from ..targets import Target
from .c_abi import CONSTANTS, PREFIX, Entry, describe
from .constant_contents import Reading
from .constant_pool import Pool
from .cpu_support import support_function
from .function_sharing import Emitted, Recipe, Recipes
from .kernel_builder import Code
from .kernel_interface import Extent, Job, Kernel, Step
from .llvm_pipeline import machine_for, optimize
from .threads import pool_functions

MANIFEST_SECTION = ".bnnc.manifest"


def kernels_of(package: ModuleType) -> tuple[Kernel, ...]:
    """Every kernel of every file in a package, in the order of file names."""
    kernels: list[Kernel] = []
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda i: i.name):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        kernels.extend(getattr(module, "KERNELS", ()))
    return tuple(kernels)


class KernelBackend:
    """A backend that is its kernels: code through LLVM, for every target that LLVM knows."""

    def __init__(self, name: str, implementations: tuple[Kernel, ...]) -> None:
        self.name = name
        self.implementations = implementations

    @property
    def kernels(self) -> tuple[KernelDescriptor, ...]:
        """Descriptors of all kernels."""
        return tuple(kernel.descriptor for kernel in self.implementations)

    def searcher(
        self, target: Target, limits: SearchLimits, folder: Path | None, say: Callable[[str], None]
    ) -> Searcher | None:
        """None: the kernels have no knobs."""
        return None

    def lower(self, graph: Graph, target: Target) -> LoweredModule:
        """Code for a scheduled graph; LoweringError lists every node that no kernel computes."""
        assert graph.stage == Stage.SCHEDULED
        lowering = _Lowering(graph, target, self.implementations)
        chosen = [(node, lowering.kernel(node)) for node in graph.nodes if _does_work(node)]
        lowering.check()
        for node, match in chosen:
            assert match is not None
            lowering.add(node, *match)
        lowering.check()
        return lowering.finish()


def _does_work(node: Node) -> bool:
    """False for constants and for views, whose result lies where the operand does, or whose
    operands are its parts."""
    slot = node.results[0].slot
    if Trait.MOVES in node.op.traits and slot is not None and slot == node.op.operands[0].slot:
        return False
    if isinstance(node.op, Concat) and slot is not None:
        slots = [x.slot for x in node.op.xs]
        parts = all(at is not None and at.pitch for at in slots)
        return not parts or slots != part_slots(node.op.xs, slot)
    return not isinstance(node.op, Const)


class _Lowering:
    """One graph on its way into a module."""

    def __init__(self, graph: Graph, target: Target, kernels: tuple[Kernel, ...]) -> None:
        self.graph = graph
        self.kernels = {kernel.descriptor.name: kernel for kernel in kernels}
        self.descriptors = tuple(kernel.descriptor for kernel in kernels)
        self.target = target
        self.module = ir.Module("bnnc", context=ir.Context())
        self.module.triple = target.triple
        self.module.data_layout = str(machine_for(target).target_data)
        self.constants: dict[Value, Array] = {
            node.result: node.op.array for node in graph.nodes if isinstance(node.op, Const)
        }
        self.pool = Pool()
        self.steps: list[Step] = []
        self.schedule: list[Scheduled] = []
        self.problems: list[str] = []
        self._functions: dict[str, str] = {}
        self._foreign: dict[str, str] = {}
        self._recipes = Recipes()
        self._emitted: list[Emitted] = []
        self._started = 0

    def kernel(self, node: Node) -> tuple[Kernel, Choice] | None:
        """The kernel that the scheduler chose, else the first that computes the node."""
        op = node.op
        reasons: list[str] = []
        try:
            chosen = Choice.parse(op.kernel) if isinstance(op, Fused) and op.kernel else None
        except LoweringError as error:
            self.problems.append(f"{node.describe()}: {error}")
            return None
        for descriptor in kernels_for(op, self.descriptors):
            choice = chosen or Choice(descriptor.name)
            if choice.kernel != descriptor.name:
                continue
            reason = descriptor.refuses_choice(op, self.target, choice)
            if reason is None:
                return self.kernels[descriptor.name], choice
            reasons.append(f"kernel {descriptor.name}: {reason}")
        why = ", ".join(reasons) or (f"no kernel '{chosen}'" if chosen else "no kernel computes it")
        self.problems.append(f"{node.describe()}: {why}")
        return None

    def check(self) -> None:
        """Raise LoweringError with all problems, if there are any."""
        if self.problems:
            raise LoweringError("; ".join(self.problems))

    def add(self, node: Node, kernel: Kernel, choice: Choice) -> None:
        """Lower one node, or note why its kernel does not do it with these parameters."""
        reading = Reading([self.constants.get(value) for value in node.op.operands])
        roles = "".join("01"[value in self.constants] for value in node.op.operands)
        bare = Node(
            without_annotations(node.op, kernel.descriptor.annotations(choice)), node.results
        )
        key = f"{choice} {roles} {structure(bare.op, bare.results)}"
        try:
            recipe = self._recipes.get(key, reading)
            if recipe is None:
                recipe = self._write(bare, kernel, choice, key)
            else:
                self._started += len(recipe.emitted)
            steps, stored = recipe.steps(node, reading)
        except LoweringError as error:
            self.problems.append(f"{node.describe()}: {error}")
            return
        cycles = kernel.descriptor.cycles(node.op, self.target, choice) / max(1, len(steps))
        self.steps.extend(replace(step, cycles=cycles) for step in steps)
        weights = tuple({weight.data: weight for weight in stored}.values())
        self.schedule.append(Scheduled(node, choice, len(steps), weights))
        for step in steps:
            for slot in step.slots:
                if not isinstance(slot, Value):
                    self.pool.offset(slot)
                elif slot in self.constants:
                    self.pool.offset(self.constants[slot])

    def _write(self, node: Node, kernel: Kernel, choice: Choice, key: str) -> Recipe:
        """Write the functions of a node unlike all before it."""
        job = Job(node, choice, self.target, self.constants, self._start, self._done)
        self._emitted.clear()
        kernel.lower(job)
        emitted = tuple(self._emitted)
        recipe = Recipe(node, emitted)
        self._recipes.keep(key, job.reading, job.asked, recipe)
        return recipe

    def _start(self, hint: str) -> Code:
        self._started += 1
        return Code(self.module, f"{hint}.{self._started}", self.target)

    def _done(self, code: Code, tasks: Extent) -> None:
        """Keep the function, unless an equal one is there already."""
        code.finish()
        self._foreign |= code.foreign
        name = code.function.name
        text = str(code.function).replace(f'"{name}"', '"kernel"')
        if text in self._functions:
            del self.module.globals[name]
        self._functions.setdefault(text, name)
        function = self._functions[text]
        self._emitted.append(
            Emitted(function, tuple(code.slots), tuple(code.stored), tasks, code.scratch_bytes)
        )

    def finish(self) -> LoweredModule:
        """The module with its entry points."""
        self.pool.declare(self.module, CONSTANTS)
        first = {*self.graph.nodes[: nodes_in_rounds(self.graph)]}
        in_rounds = sum(part.steps for part in self.schedule if part.node in first)
        entry = Entry(self.module, self.graph, self.target, self.steps, in_rounds)
        entry.write(self.pool, self.constants)
        tuned = f') nounwind "tune-cpu"="{self.target.cpu}"'
        text = str(self.module).replace(") noinline nounwind", ") nounwind noinline")
        text = text.replace(") nounwind", tuned)
        return LoweredModule(
            self.target, text, self._foreign, self.pool, entry.workspace, tuple(self.schedule)
        )


@dataclass(frozen=True)
class LoweredModule:
    """A module's text, still without prefix and manifest, what is linked into it by the names of
    the functions that it calls, and its constants."""

    target: Target
    text: str
    foreign: Mapping[str, str]
    pool: Pool
    workspace: Workspace
    schedule: tuple[Scheduled, ...]

    @property
    def constant_bytes(self) -> int:
        """Bytes of weights and other constant data."""
        return self.pool.size

    def emit(self, kind: EmitKind, prefix: str, manifest: bytes) -> bytes:
        """An ELF object, assembly or optimized LLVM IR with the C ABI under ``prefix``."""
        head = ir.Module("describe", context=ir.Context())
        describe(head, manifest, MANIFEST_SECTION)
        body = "\n".join(str(item) for item in head.global_values)
        threads = pool_functions(self.target, PREFIX)
        support = support_function(self.target, PREFIX)
        text = f"{self.text}\n{threads}\n{support}\n{body}".replace(PREFIX, f"{prefix}_")
        module, machine = optimize(text, self.target, self.foreign)
        if kind == "obj":
            return self.pool.fill(machine.emit_object(module))
        text = self._with_constants(str(module))
        if kind == "llvm":
            return text.encode()
        return machine.emit_assembly(llvm.parse_assembly(text)).encode()

    def _with_constants(self, text: str) -> str:
        """The contents of the block of constants in place of LLVM's zeros."""
        contents = "".join(f"\\{byte:02x}" for byte in self.pool.contents())
        type_ = f"constant [{self.pool.size + 64} x i8] "
        return text.replace(f"{type_}zeroinitializer", f'{type_}c"{contents}"')
