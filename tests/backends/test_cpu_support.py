"""`P_supported`: by CPUID, XGETBV and HWCAP what Linux says of this CPU; runs on any."""

from __future__ import annotations

import ctypes
import re
import tempfile
from dataclasses import replace

import pytest

from bnnc.backends import linking
from bnnc.backends.codegen.cpu_support import support_function
from bnnc.backends.codegen.isa import x86
from bnnc.backends.codegen.llvm_pipeline import optimize
from bnnc.backends.targets import MACHINES, TARGETS, Target, host_features, host_machine, native
from bnnc.runtime.cpu import HWCAP

X86, ARM = TARGETS["x86-64-v2"], TARGETS["arm64"]


def load(*targets: Target) -> list[ctypes._CFuncPtr]:
    """The function of each target, compiled for this machine."""
    here = native()
    text = "\n".join(support_function(target, f"t{at}_") for at, target in enumerate(targets))
    module, machine = optimize(text, here, {})
    library = linking.link(machine.emit_object(module), here)
    with tempfile.NamedTemporaryFile(suffix=".so") as file:
        file.write(library)
        file.flush()
        handle = ctypes.CDLL(file.name)
    functions = [getattr(handle, f"t{at}_supported") for at in range(len(targets))]
    for function in functions:
        function.argtypes = [ctypes.c_uint64]
    return functions


def having(target: Target, *features: str) -> Target:
    return replace(target, features=features)


needs_x86 = pytest.mark.skipif(host_machine() != "x86_64", reason="CPUID is x86-64's")


@needs_x86
def test_each_feature_is_what_linux_says() -> None:
    table = MACHINES["x86_64"].features
    functions = load(*(having(X86, name) for name in table))
    said = {name: function(0) for name, function in zip(table, functions, strict=True)}
    assert said == {name: int(row.host in host_features()) for name, row in table.items()}


@needs_x86
def test_targets_are_what_linux_says() -> None:
    targets = [target for target in TARGETS.values() if target.machine == "x86_64"]
    expected = [int(host_features().issuperset(target.host_features)) for target in targets]
    assert [function(0) for function in load(*targets)] == expected


@needs_x86
@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("_CPUID", {"popcnt": (1, 0, 3, 20)}),  # a bit that is reserved
        ("_CPUID", {"popcnt": (0x7FFF, 0, 0, 0)}),  # a leaf beyond the last
        ("_CPUID", {"popcnt": (0x8FFFFFFF, 0, 0, 0)}),
        ("_STATE", {"avx": 1 << 30}),  # registers that no system keeps
    ],
)
def test_what_a_cpu_or_its_system_lacks(
    monkeypatch: pytest.MonkeyPatch, table: str, change: dict[str, object]
) -> None:
    for key, value in change.items():
        monkeypatch.setitem(getattr(x86, table), key, value)
    one, other = load(having(X86, "popcnt", "avx"), having(X86, "sse3"))
    assert (one(0), other(0)) == (0, 1)


def test_every_x86_feature_has_a_bit() -> None:
    assert list(x86._CPUID) != []
    assert set(x86._CPUID) == set(MACHINES["x86_64"].features)


@pytest.mark.parametrize("name", ["icelake-server", "cascadelake", "x86-64-v3"])
def test_the_function_itself_runs_on_any_x86_64(name: str) -> None:
    """Not one instruction of AVX, whose names begin with v or k, and no register of its."""
    target = TARGETS[name]
    module, machine = optimize(support_function(target, "t_"), target, {})
    assembly = machine.emit_assembly(module)
    assert "t_supported:" in assembly
    newer = r"%[yz]mm|%k\d|^\s+([vk][a-z]+|popcnt|lzcnt|andn|bextr|pshufb|ptest|pmovzx)\s"
    assert not re.search(newer, assembly, re.MULTILINE)


def test_arm64_asks_the_caller() -> None:
    """The bits of AT_HWCAP that the features have; there is nothing of arm64 in the code."""
    plain, newer = TARGETS["arm64"], TARGETS["cortex-a76"]
    names = ("fp", "asimd", "crc32", "atomics", "asimdrdm", "asimddp")
    assert set(newer.host_features) == set(names)
    first, second = load(plain, newer)
    fp, simd, rest = 1 << 0, 1 << 1, 1 << 7 | 1 << 8 | 1 << 12 | 1 << 20
    assert [1 << HWCAP.index(name) for name in ("crc32", "asimddp")] == [1 << 7, 1 << 20]
    assert [first(bits) for bits in (0, fp, simd, fp | simd, fp | simd | rest)] == [0, 0, 0, 1, 1]
    assert [second(bits) for bits in (fp | simd, rest, fp | simd | rest)] == [0, 0, 1]
    assert second((1 << 64) - 1) == 1
    assert second((1 << 64) - 1 - (1 << 20)) == 0


def test_other_machines_cannot_be_told() -> None:
    other = replace(ARM, name="riscv", triple="riscv64-unknown-linux-gnu", features=())
    (function,) = load(other)
    assert function(0) == -1


def test_only_linux_is_asked_for_the_registers_of_amx() -> None:
    target = TARGETS["sapphirerapids"]
    elsewhere = replace(target, triple="x86_64-unknown-freebsd")
    assert "ask_for_matrices" in support_function(target, "p_")
    assert "ask_for_matrices" not in support_function(elsewhere, "p_")
    assert "ask_for_matrices" not in support_function(TARGETS["icelake-server"], "p_")
