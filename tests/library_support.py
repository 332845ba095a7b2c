"""Runs scheduled graphs through a backend: naive slots, link, load, call the C ABI."""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from missing_instructions import in_functions, runnable

from bnnc.backends import linking
from bnnc.backends.targets import TARGETS, Target, host_features, host_machine
from bnnc.driver import load_backend
from bnnc.ir import Graph, Node, Slot, Stage, Value, parse, verify
from bnnc.ir.ops import Const
from bnnc.ir.storage import from_storage, storage_dtype, storage_shape, to_storage
from bnnc.ir.types import sample_bytes

ICELAKE = TARGETS["icelake-server"]
X86_PATHS = {
    "v2": TARGETS["x86-64-v2"],
    "v3": TARGETS["x86-64-v3"],
    "alderlake": TARGETS["alderlake"],
    "v4": TARGETS["x86-64-v4"],
    "v4-vnni": TARGETS["cascadelake"],
    "v4-bitalg": ICELAKE.without("avx512_vpopcntdq"),
    "icelake": ICELAKE,
    "amx": TARGETS["sapphirerapids"],
}
"""Every code path for x86, by capabilities."""

STACK_BYTES = 4096
"""What one function of an artifact may take of its caller's stack."""
_LIBC = ctypes.CDLL(None)
_TASK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
_PARALLEL_FOR = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64
)


class Args(ctypes.Structure):
    """``P_args`` of the C ABI."""

    _fields_ = [
        ("size", ctypes.c_uint64),
        ("dims", ctypes.c_void_p),
        ("inputs", ctypes.c_void_p),
        ("outputs", ctypes.c_void_p),
        ("workspace", ctypes.c_void_p),
        ("parallel_for", ctypes.c_void_p),
        ("pool", ctypes.c_void_p),
        ("threads", ctypes.c_int64),
    ]


def present(target: Target) -> bool:
    """Whether this machine can run a target's code."""
    return target.machine == host_machine() and host_features().issuperset(target.host_features)


def assign_slots(graph: Graph) -> Graph:
    """Give each value its own memory, as a memory plan would; drops the slots it had."""
    new: dict[Value, Value] = {}
    size = {"batch": 0, "fixed": 0}
    shown = {output.value: i for i, output in enumerate(graph.outputs)}
    for i, value in enumerate(graph.inputs):
        new[value] = replace(value, slot=Slot("input", i))
    nodes: list[Node] = []
    for node in graph.nodes:
        for value in node.results:
            if isinstance(node.op, Const):
                new[value] = value
            elif value in shown:
                new[value] = replace(value, slot=Slot("output", shown[value]))
            else:
                arena = "batch" if value.type.symbolic else "fixed"
                new[value] = replace(value, slot=Slot(arena, size[arena]))
                size[arena] += -(-sample_bytes(value.type) // 64) * 64
        op = node.op.map_operands(lambda v: new[v])
        nodes.append(Node(op, tuple(new[v] for v in node.results)))
    outputs = tuple(replace(o, value=new[o.value]) for o in graph.outputs)
    return graph.replace(
        inputs=tuple(new[v] for v in graph.inputs),
        nodes=tuple(nodes),
        outputs=outputs,
        stage=Stage.SCHEDULED,
    )


def scheduled(text: str, strict: bool = True) -> Graph:
    """A hand-written graph with slots; ``strict`` verifies it (inputs then are row-major)."""
    graph = assign_slots(parse(text))
    if strict:
        verify(graph)
    return graph


def object_code(lowered: Any, manifest: bytes) -> bytes:
    """The object of lowered code, none of whose functions takes more than STACK_BYTES of stack."""

    def bounded(text: str) -> str:
        """LLVM warns on stderr of functions beyond the bound."""
        attribute = f'"warn-stack-size"="{STACK_BYTES}"'
        head = re.compile(r"^(define .*\)) (?=noinline|nounwind|#)", re.MULTILINE)
        return head.sub(rf"\1 {attribute} ", text)

    foreign = {name: bounded(text) for name, text in lowered.foreign.items()}
    limited = replace(lowered, text=bounded(lowered.text), foreign=foreign)
    with tempfile.TemporaryFile() as said:
        stderr = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            code = limited.emit("obj", "test", manifest)
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
        said.seek(0)
        warnings = said.read().decode()
    assert "stack frame size" not in warnings, warnings
    return code


def _unbounded(lowered: Any, manifest: bytes) -> bytes:
    """The object of code that takes more stack than on its own CPU: its vectors are split."""
    return lowered.emit("obj", "test", manifest)


class Library:
    """A lowered graph, linked and loaded from memory."""

    def __init__(
        self, graph: Graph, target: Target, machine: Target | None = None, backend: str = "llvm"
    ) -> None:
        """``machine``: compile the LLVM IR of ``target`` for one that lacks some instructions, by
        default of those that this machine lacks."""
        self.graph = graph
        lowered = load_backend(backend).lower(graph, target)
        machine = machine or runnable(target)
        emit = object_code
        if machine.features != target.features:
            lowered, emit = in_functions(lowered, machine), _unbounded
        manifest = json.dumps({"abi": 2, "target": target.name}).encode() + b"\0"
        self.obj = emit(lowered, manifest)
        library = linking.link(self.obj, target)
        # A name of its own: dlopen returns a library that is already loaded under the same name.
        with tempfile.NamedTemporaryFile(suffix=".so") as file:
            file.write(library)
            file.flush()
            self.handle = ctypes.CDLL(file.name)
        self.handle.test_workspace_size.restype = ctypes.c_uint64
        self.handle.test_workspace_size.argtypes = [ctypes.c_void_p, ctypes.c_int64]
        self.handle.test_describe.restype = ctypes.c_char_p

    def run(
        self,
        inputs: Mapping[str, np.ndarray],
        batch: int = 1,
        pieces: int = 0,
        share: Callable[[int, int, int], object] | None = None,
        threads: int = 1,
    ) -> dict[str, np.ndarray]:
        """Outputs by name. ``pieces`` > 0 runs each step in that many parts, last one first;
        ``share(task, frame, count)`` runs it otherwise, on ``threads``.

        Arrays are logical, packed ones codes; the kernels see them as their layouts say.
        """
        dims = np.array([batch], np.int64)
        room = int(self.handle.test_workspace_size(dims.ctypes.data, threads)) + 128
        workspace = np.full(room, 0xAB, np.uint8)
        start = workspace.ctypes.data + (-workspace.ctypes.data % 64)
        operands = [fenced(to_storage(inputs[v.name], v.type)) for v in self.graph.inputs]
        outputs = {
            o.name: fenced(
                np.zeros(storage_shape(o.value.type, batch), storage_dtype(o.value.type))
            )
            for o in self.graph.outputs
        }
        shared = share or (lambda task, frame, count: _split(task, frame, count, pieces))
        guard = _PARALLEL_FOR(lambda pool, task, frame, count: shared(task, frame, count))
        tables = [
            np.array([a.ctypes.data for a in arrays] or [0], np.uint64)
            for arrays in (operands, list(outputs.values()))
        ]
        args = Args(
            ctypes.sizeof(Args),
            dims.ctypes.data,
            tables[0].ctypes.data,
            tables[1].ctypes.data,
            start,
            ctypes.cast(guard, ctypes.c_void_p) if pieces or share else None,
            None,
            threads,
        )
        status = self.handle.test_run(ctypes.byref(args))
        assert status == 0, status
        return logical(self.graph, outputs, batch)


def logical(graph: Graph, outputs: Mapping[str, np.ndarray], batch: int) -> dict[str, np.ndarray]:
    """Outputs as the interpreter has them; bits that stand for nothing must be 0 in memory."""
    out: dict[str, np.ndarray] = {}
    for shown in graph.outputs:
        type_, memory = shown.value.type, outputs[shown.name]
        out[shown.name] = from_storage(memory, type_, batch)
        if type_.is_binary:
            np.testing.assert_array_equal(to_storage(out[shown.name], type_), memory)
    return out


def fenced(array: np.ndarray) -> np.ndarray:
    """A copy that ends where memory ends: reading or writing past it is a fault."""
    array = np.asarray(array, order="C")  # ascontiguousarray would give a scalar an axis
    room = -(-max(array.nbytes, 1) // mmap.PAGESIZE) * mmap.PAGESIZE
    pages = mmap.mmap(-1, room + mmap.PAGESIZE)
    memory = np.frombuffer(pages, np.uint8)
    status = _LIBC.mprotect(ctypes.c_void_p(memory.ctypes.data + room), mmap.PAGESIZE, 0)
    assert status == 0
    copy = memory[room - array.nbytes : room].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def _split(task: int, frame: int, count: int, pieces: int) -> None:
    edges = [count * i // pieces for i in range(pieces + 1)]
    for begin, end in reversed(list(pairwise(edges))):
        if begin < end:
            _TASK(task)(frame, begin, end)


def run_graph(
    graph: Graph | str,
    inputs: Mapping[str, np.ndarray],
    target: Target,
    batch: int = 1,
    pieces: int = 0,
    backend: str = "llvm",
) -> dict[str, np.ndarray]:
    """Compile a graph (or its text, without slots) and run it once."""
    parsed = scheduled(graph) if isinstance(graph, str) else graph
    return Library(parsed, target, backend=backend).run(inputs, batch, pieces)


def random_inputs(graph: Graph, batch: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Standard normal floats, small integers."""
    rng = np.random.default_rng(seed)
    out: dict[str, np.ndarray] = {}
    for value in graph.inputs:
        shape, dtype = value.type.concrete(batch), value.element.dtype
        if dtype.kind == "f":
            out[value.name] = rng.standard_normal(shape).astype(dtype)
        elif dtype.kind == "b":
            out[value.name] = rng.integers(0, 2, shape).astype(dtype)
        else:
            out[value.name] = rng.integers(-100 if dtype.kind == "i" else 0, 100, shape).astype(
                dtype
            )
    return out
