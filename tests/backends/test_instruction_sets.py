"""Instruction sets: every operation is there or absent by capability, and computes what it says;
kernels name none of them."""

from __future__ import annotations

import ast
import ctypes
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import pytest
from library_support import X86_PATHS, present
from llvmlite import ir
from missing_instructions import with_functions

from bnnc.backends import targets
from bnnc.backends.codegen import isa
from bnnc.backends.codegen.isa.instruction_set import InstructionSet
from bnnc.backends.codegen.kernel_builder import I8, I16, I32, I64, Code, vector
from bnnc.backends.codegen.llvm_pipeline import machine_for
from bnnc.backends.targets import TARGETS, Capabilities, Target
from bnnc.errors import BackendError

PLAIN = replace(TARGETS["x86-64-v2"], features=("sse3",))
ROWS = {
    **TARGETS,
    **X86_PATHS,
    "no ssse3": PLAIN,
    "no neon": replace(TARGETS["arm64"], features=()),
}
TABLE = 0xCA
"""b where a is set, else c."""


@dataclass(frozen=True)
class Operation:
    """What an operation needs, its operands' elements, how it is written, and what it computes of
    arrays."""

    needs: Callable[[Capabilities], bool]
    operands: tuple[np.dtype[Any], ...]
    write: Callable[[InstructionSet, Sequence[Any]], Any]
    reference: Callable[..., np.ndarray]
    largest: int = 1 << 31
    """Bound of the second operand's absolute value: no sum of two products overflows 16 bits."""


U8, S8, S16, S32 = map(np.dtype, ("u1", "i1", "i2", "i4"))
TYPES = {U8: I8, S8: I8, S16: I16, S32: I32}


def _fours(array: np.ndarray) -> np.ndarray:
    return array.astype(np.int32).reshape(-1, 4)


def _lookup(table: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Each 16 lanes have a table of their own."""
    chosen = np.take_along_axis(table.reshape(-1, 16), numbers.reshape(-1, 16), axis=1)
    return chosen.reshape(-1)


def _pairs(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    return (x.astype(np.int16) * w.astype(np.int16)).reshape(-1, 2).sum(axis=1, dtype=np.int16)


def _dot(total: np.ndarray, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    return total + (_fours(x) * _fours(w)).sum(axis=1, dtype=np.int32)


TABLES = [([k * 16.0**n for k in range(2 << n)], 7 * n + n % 2) for n in range(4)]
"""Floats of which no two sums of one of each table are equal, and where their numbers begin."""


def _write_lookups(its: InstructionSet, words: Any) -> Any:
    total, *others = (its.lookup_floats(table, words, at) for table, at in TABLES)
    for looked in others:
        total = its.code.b.fadd(total, looked)
    return total


def _lookup_floats(words: np.ndarray) -> np.ndarray:
    looked = [np.array(table, np.float32)[words >> at & len(table) - 1] for table, at in TABLES]
    return np.sum(looked, axis=0, dtype=np.float32)


def _matrix(its: InstructionSet, x: Any, w: Any) -> Any:
    """Registers whose rows are equal: x unsigned, then signed, times w; a row of the sums."""
    unit, code = its.matrix_unit(), its.code
    assert isinstance(code, Code)
    places = [code.scratch(64) for _ in range(3)]
    for value, place in zip((x, w), places, strict=False):
        code.store(value, place)
    unit.take(code.data(np.frombuffer(unit.shapes, np.uint8)))
    unit.clear(2)
    for register, place in enumerate(places[:2]):
        unit.load(register, place, I64(0))
    for signed in (False, True):
        unit.add_products(2, 0, 1, signed)
    unit.store(2, places[2], I64(0))
    unit.leave()
    return code.load(places[2], vector(I32, 16))


def _matrix_reference(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    inputs = (_fours(x) + _fours(x.view(S8))).sum(axis=0, dtype=np.int32)
    return (_fours(w) * inputs).sum(axis=1, dtype=np.int32)


OPERATIONS = {
    "lookup_bytes": Operation(
        lambda has: has.byte_lookup,
        (U8, U8),
        lambda its, x: its.lookup_bytes(*x, x[1].type.count),
        _lookup,
        largest=15,
    ),
    "ternary_logic": Operation(
        lambda has: has.logic == "ternary",
        (S32, S32, S32),
        lambda its, x: its.ternary_logic(TABLE, *x),
        lambda a, b, c: (a & b) | (~a & c),
    ),
    "dot_bytes": Operation(
        lambda has: has.byte_products == "fours",
        (S32, U8, S8),
        lambda its, x: its.dot_bytes(*x),
        _dot,
    ),
    "multiply_pairs": Operation(
        lambda has: has.byte_products == "pairs",
        (U8, S8),
        lambda its, x: its.multiply_pairs(*x),
        _pairs,
        largest=64,
    ),
    "add_products": Operation(
        lambda has: True,
        (S16, S16),
        lambda its, x: its.add_products(*x),
        lambda x, w: (x.astype(np.int32) * w).reshape(-1, 2).sum(axis=1, dtype=np.int32),
    ),
    "add_pairs": Operation(
        lambda has: True,
        (S16,),
        lambda its, x: its.add_pairs(*x),
        lambda sums: sums.astype(np.int32).reshape(-1, 2).sum(axis=1, dtype=np.int32),
    ),
    "lookup_floats": Operation(
        lambda has: True, (S32,), lambda its, x: _write_lookups(its, *x), _lookup_floats
    ),
    "matrix_unit": Operation(
        lambda has: has.matrix_unit,
        (U8, S8),
        lambda its, x: _matrix(its, *x),
        _matrix_reference,
    ),
    "add_bytes": Operation(
        lambda has: True,
        (S32, U8),
        lambda its, x: its.add_bytes(*x),
        lambda total, octets: total + _fours(octets).sum(axis=1, dtype=np.int32),
    ),
}


def kernel(
    operation: Operation,
    target: Target,
    arrays: Sequence[np.ndarray],
    its: Callable[[Code], InstructionSet] = isa.instructions,
) -> Code:
    """A kernel that writes the operation of some arrays, a vector each, to an array of its own."""
    code = Code(ir.Module(), "kernel", target)
    code.module.triple = target.triple
    operands = [
        code.load(code.data(array), vector(TYPES[array.dtype], len(array))) for array in arrays
    ]
    result = operation.write(its(code), operands)
    code.store(result, code.data(np.full(target.vector_bits // 8 + 1, 0xAB, np.uint8)))
    code.finish()
    code.function.linkage = "external"
    return code


def operands(operation: Operation, target: Target, signed: bool = False) -> list[np.ndarray]:
    """Random ones with the extremes; ``signed`` makes the unsigned x of a dot product signed."""
    rng, out = np.random.default_rng(1), []
    for place, dtype in enumerate(operation.operands):
        limits = np.iinfo(S8 if signed and dtype == U8 else dtype)
        bound = operation.largest if place == 1 else 1 << 31
        low, high = max(limits.min, -bound), min(limits.max, bound)
        array = rng.integers(low, high + 1, target.vector_bits // 8 // dtype.itemsize)
        array[:2] = low, high
        out.append(array.astype(limits.dtype))
    return out


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_emitted_or_absent_by_capability(name: str, row: str) -> None:
    operation, target = OPERATIONS[name], ROWS[row]
    arrays = operands(operation, target)
    if not operation.needs(target.has):
        with pytest.raises(BackendError, match=f"internal: {target.name} has no "):
            kernel(operation, target, arrays)
        return
    # LLVM calls a function where it does not know an intrinsic.
    assert not re.search(r"^\s(call|bl)\s", assembly(operation, target), re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "row", "mnemonic"),
    [
        ("lookup_bytes", "v2", "pshufb"),
        ("ternary_logic", "v4", "vpternlogd"),
        ("dot_bytes", "alderlake", r"{vex}\s+vpdpbusd"),
        ("dot_bytes", "cortex-a76", "sdot"),
        ("multiply_pairs", "v3", "vpmaddubsw"),
        ("matrix_unit", "amx", "tdpbusd"),
        ("add_pairs", "v3", "vpmaddwd"),
        ("lookup_floats", "v3", "vpermilps"),
        ("lookup_floats", "v4", "vpermd"),
        ("add_bytes", "v4-vnni", "vpdpbusd"),
        ("add_bytes", "arm64", "uaddlp"),
        ("add_bytes", "cortex-a76", "udot"),
    ],
)
def test_an_operation_is_the_machine_s_instruction(name: str, row: str, mnemonic: str) -> None:
    assert re.search(rf"\s{mnemonic}\s", assembly(OPERATIONS[name], ROWS[row]))


def assembly(operation: Operation, target: Target) -> str:
    """The kernel of an operation, compiled."""
    module = llvm.parse_assembly(str(kernel(operation, target, operands(operation, target)).module))
    module.verify()
    return machine_for(target).emit_assembly(module)


@pytest.mark.parametrize(
    ("name", "row"),
    [
        (name, row)
        for name, operation in OPERATIONS.items()
        for row in (*X86_PATHS, "no ssse3", "arm64", "cortex-a76")
        if operation.needs(ROWS[row].has)
    ],
)
def test_an_operation_computes_what_it_says(name: str, row: str) -> None:
    operation, target = OPERATIONS[name], ROWS[row]
    if not present(target):
        pytest.skip(f"not executed here: {name} of {row}")
    arrays = operands(operation, target, isa.of_machine(target.machine).dot_takes_signed)
    assert_computes(operation, kernel(operation, target, arrays), arrays)


@pytest.mark.parametrize(
    ("name", "row"),
    [
        (name, row)
        for name, operation in OPERATIONS.items()
        for row in ("alderlake", "v4", "v4-vnni", "amx")
        if operation.needs(ROWS[row].has)
    ],
)
def test_functions_in_place_of_instructions_compute_it_too(name: str, row: str) -> None:
    """Those by which other tests run paths that a machine without these instructions lacks."""
    operation, target = OPERATIONS[name], ROWS[row]
    machine = target.without("avx512f", "avxvnni", "gfni")
    if not present(machine):
        pytest.skip(f"not executed here: {name} of {row} without its instructions")
    arrays = operands(operation, target)
    assert_computes(operation, kernel(operation, target, arrays), arrays, machine)


def test_every_instruction_beyond_avx2_has_such_a_function() -> None:
    names = [
        name
        for by_width in isa.of_machine("x86_64").functions.values()
        for name in by_width.values()
        if "avx512" in name
    ]
    assert len(names) > 6
    machine = TARGETS["x86-64-v3"]
    for name in names:
        type_ = f"<{int(name[-3:]) // 32} x i32>"
        text = f"declare {type_} @{name}({type_}, {type_}, {type_})\n"
        assert name not in with_functions(text, machine)


@pytest.mark.parametrize("name", ["add_pairs", "add_bytes", "lookup_floats"])
def test_the_portable_way_computes_it_too(name: str) -> None:
    assert isa.of_machine("riscv64") is InstructionSet
    operation, target = OPERATIONS[name], targets.native()
    arrays = operands(operation, target)
    assert_computes(operation, kernel(operation, target, arrays, InstructionSet), arrays)


def assert_computes(
    operation: Operation, code: Code, arrays: Sequence[np.ndarray], machine: Target | None = None
) -> None:
    """Run a kernel of an operation, on a machine without some of its instructions, and compare it
    with the reference."""
    expected = operation.reference(*arrays)
    result = run(code, expected.nbytes, machine or code.target)
    assert result.view(expected.dtype).tolist() == expected.tolist()


def run(code: Code, size: int, machine: Target) -> np.ndarray:
    """Bytes that the kernel writes to the last of its arrays."""
    module = llvm.parse_assembly(with_functions(str(code.module), machine))
    arrays = [_aligned(slot) for slot in code.slots if isinstance(slot, np.ndarray)]
    frame = np.array([1, *(array.ctypes.data for array in arrays)], np.uint64)
    with llvm.create_mcjit_compiler(module, machine_for(machine)) as engine:
        engine.finalize_object()
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
        kind(engine.get_function_address("kernel"))(frame.ctypes.data, 0, 1)
    return arrays[-1][:size].copy()


def _aligned(array: np.ndarray) -> np.ndarray:
    room = np.zeros(array.nbytes + 64, np.uint8)
    start = -room.ctypes.data % 64
    room[start : start + array.nbytes] = array.view(np.uint8)
    return room[start : start + array.nbytes]


def test_every_machine_has_a_row_and_a_file() -> None:
    folder = Path(isa.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "instruction_set"}
    assert {kind.__module__.rpartition(".")[2] for kind in isa.INSTRUCTION_SETS.values()} == files
    assert sorted(isa.INSTRUCTION_SETS) == sorted(targets.MACHINES)
    assert {row.machine for row in TARGETS.values()} == set(isa.INSTRUCTION_SETS)


@pytest.mark.parametrize("machine", isa.INSTRUCTION_SETS)
def test_a_machine_adds_no_operation_that_others_lack(machine: str) -> None:
    own = {name for name in vars(isa.INSTRUCTION_SETS[machine]) if not name.startswith("_")}
    assert own <= set(dir(InstructionSet))
    names = set(isa.INSTRUCTION_SETS[machine].functions)
    assert names <= set(OPERATIONS)


def test_every_operation_is_tested() -> None:
    facts = {"functions", "dot_takes_signed", "system", "signs", "probe", "has", "supported"}
    public = {name for name in dir(InstructionSet) if not name.startswith("_")}
    assert public == {*OPERATIONS, *facts}


# What the syntax trees of kernels must not name. "fma" is also LLVM's name of the operation.
BACKENDS = Path(targets.__file__).parent
FEATURES = {
    name
    for machine in targets.MACHINES.values()
    for feature in machine.features.values()
    for name in (feature.llvm, feature.host)
} - {"fma"}
MACHINE = re.compile(r"\b(x86|x86_64|amd64|aarch64|arm64|arm|riscv\d*|wasm\d*)\b")
SET = re.compile(r"(^|_)(sse\d*|ssse3|avx\w*|vnni|amx|neon|sve|x86|arm|wasm)(_|$)", re.IGNORECASE)
TELLS = {"machine", "triple", "cpu", "base", "features", "host_features"}
"""What a target says of its machine, by name."""
HAND_ON = ("tvm/prim_function.py", "tvm/search.py")
"""Hand the target to LLVM, by its triple and features."""


def named(source: str) -> Iterator[str]:
    """Each place that names an instruction set, as ``line: what``."""
    tree = ast.parse(source)
    documents = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
            if id(node) not in documents and (MACHINE.search(text) or text in FEATURES):
                yield f"{node.lineno}: {text!r}"
        elif isinstance(node, ast.Attribute) and node.attr in TELLS:
            if ast.unparse(node.value).rpartition(".")[2] == "target":
                yield f"{node.lineno}: target.{node.attr}"
        elif isinstance(node, ast.Name) and SET.search(node.id):
            yield f"{node.lineno}: {node.id}"


def test_kernels_name_no_instruction_set() -> None:
    named_sets: list[str] = []
    for backend in ("llvm", "tvm"):
        for path in sorted((BACKENDS / backend).rglob("*.py")):
            name = path.relative_to(BACKENDS).as_posix()
            for line in named(path.read_text("utf-8")):
                if name not in HAND_ON or ": target." not in line:
                    named_sets.append(f"{name}:{line}")
    assert not named_sets, "\n".join(named_sets)


@pytest.mark.parametrize(
    "source",
    [
        'if "neon" in features: pass',
        'code.intrinsic("llvm.x86.avx2.pmadd.wd", type_, a, b)',
        'name = f"llvm.aarch64.neon.udot.v{n}i32.v{m}i8"',
        'scales = code.target.machine == "x86_64"',
        "if 'dotprod' in self.code.target.features: pass",
        "wide = target.triple.startswith(known)",
        "prices = _NEON",
        'looked = f"x86.{instruction}"',
    ],
)
def test_a_named_instruction_set_is_found(source: str) -> None:
    assert list(named(source))


@pytest.mark.parametrize(
    "source",
    [
        '"""PSHUFB on x86."""',
        'if target.has.logic == "ternary": pass',
        'code.overloaded("fma", a, b, c)',
        "with_arms = len(alarm)",
        "llvm.create_mcjit_compiler(code.module, code.machine)",
    ],
)
def test_what_names_none_is_not_reported(source: str) -> None:
    assert not list(named(source))
