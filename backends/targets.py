"""The targets as a table of capabilities: code asks for a capability, never for a name.

A row of `TARGETS` lists the LLVM features that generated code may use; the row of its machine
(`MACHINES`) how Linux's /proc/cpuinfo spells them, which tells what a host must have, and what
they can do (`Capabilities`). So `Target.without` takes a capability away, and every code path of a
machine can run on it. The instructions themselves are in `codegen/isa`. Standard library only.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from ..errors import TargetError
from ..runtime import cpu as runtime_cpu

Popcount = Literal["dword", "byte", "table"]
"""The cheapest vector popcount: of 32-bit lanes, of bytes, or by a table in registers."""
Logic = Literal["ternary", "select", "binary"]
"""What one instruction makes of the bits of three vectors: any function (VPTERNLOG), those of the
second or the third as the first says (BIT), or nothing, as it takes only two."""
ByteProducts = Literal["fours", "pairs", "singles"]
"""Products of bytes that one instruction sums: four into 32 bits (VPDPBUSD, SDOT), two into 16
(PMADDUBSW), or none."""

NATIVE = "native"
_X86_TRIPLE = "x86_64-unknown-linux-gnu"
_ARM_TRIPLE = "aarch64-unknown-linux-gnu"


@dataclass(frozen=True)
class Feature:
    """One CPU feature: what LLVM and Linux call it, and the features that it builds on (LLVM)."""

    llvm: str
    host: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Capabilities:
    """What instructions do, where machines and CPUs differ; the defaults are for a machine of which
    nothing is known."""

    vector_bits: int = 128
    """Width of a vector register that is worth using."""
    registers: int = 16
    """Vector registers."""
    vector_ports: int = 2
    """Vector instructions that a core begins in a cycle."""
    popcount: Popcount = "dword"
    logic: Logic = "binary"
    quick_selection: bool = True
    """Where logic is "select": cores do it in one operation, not two (Cortex-A72)."""
    byte_products: ByteProducts = "singles"
    byte_lookup: bool = False
    """Tables of 16 bytes in a register, looked up by all its bytes (PSHUFB)."""
    float_lookup: bool = False
    """Tables of 4 floats in a register, looked up by all its lanes (VPERMILPS)."""
    mask_registers: bool = False
    """A register of bits chooses among the lanes of two vectors."""
    spread_loads: bool = True
    """A load copies one word to all lanes, wherever an instruction can address one."""
    scaled_addresses: bool = False
    """An address adds a constant and a register times 2, 4 or 8."""
    rounds_floats: bool = False
    """Floats to integers in any direction in one instruction (ROUNDPS, FRINT)."""
    half_floats: bool = False
    """Floats of 16 bits from and to those of 32 (VCVTPH2PS, FCVT)."""
    fma: bool = False
    """Fused multiply-add in one instruction."""
    power_scaling: bool = False
    """Floats times powers of two, rounded once, whatever the power (VSCALEFPS)."""
    matrix_unit: bool = False
    """Registers that hold matrices of bytes, and products of these (AMX)."""


@dataclass(frozen=True)
class Machine:
    """An architecture: its features by LLVM's name, the LLVM CPU that they are added to, and what
    code can do that may use some of them."""

    features: Mapping[str, Feature]
    base: str
    capabilities: Callable[[frozenset[str]], Capabilities]


def _table(*rows: Feature) -> dict[str, Feature]:
    return {row.llvm: row for row in rows}


_X86_FEATURES = _table(
    Feature("cx16", "cx16"),
    Feature("sahf", "lahf_lm"),
    Feature("popcnt", "popcnt"),
    Feature("sse3", "pni"),
    Feature("ssse3", "ssse3", ("sse3",)),
    Feature("sse4.1", "sse4_1", ("ssse3",)),
    Feature("sse4.2", "sse4_2", ("sse4.1",)),
    Feature("avx", "avx", ("sse4.2",)),
    Feature("avx2", "avx2", ("avx",)),
    Feature("bmi", "bmi1"),
    Feature("bmi2", "bmi2"),
    Feature("f16c", "f16c", ("avx",)),
    Feature("fma", "fma", ("avx",)),
    Feature("lzcnt", "abm"),
    Feature("movbe", "movbe"),
    Feature("avxvnni", "avx_vnni", ("avx2",)),
    Feature("avx512f", "avx512f", ("avx2", "fma", "f16c")),
    Feature("avx512bw", "avx512bw", ("avx512f",)),
    Feature("avx512cd", "avx512cd", ("avx512f",)),
    Feature("avx512dq", "avx512dq", ("avx512f",)),
    Feature("avx512vl", "avx512vl", ("avx512f",)),
    Feature("avx512vnni", "avx512_vnni", ("avx512f",)),
    Feature("avx512bitalg", "avx512_bitalg", ("avx512bw",)),
    Feature("avx512vpopcntdq", "avx512_vpopcntdq", ("avx512f",)),
    Feature("avx512vbmi", "avx512vbmi", ("avx512bw",)),
    Feature("avx512vbmi2", "avx512_vbmi2", ("avx512bw",)),
    Feature("gfni", "gfni"),
    Feature("amx-tile", "amx_tile", ("avx512f",)),
    Feature("amx-int8", "amx_int8", ("amx-tile",)),
)
_ARM_FEATURES = _table(
    Feature("fp-armv8", "fp"),
    Feature("neon", "asimd"),
    Feature("crc", "crc32"),
    Feature("lse", "atomics"),
    Feature("rdm", "asimdrdm"),
    Feature("dotprod", "asimddp"),
)


def _x86_capabilities(features: frozenset[str]) -> Capabilities:
    wide = features.issuperset(("avx512f", "avx512bw", "avx512dq", "avx512vl"))
    popcount: Popcount = "table" if "ssse3" in features else "dword"
    if wide and "avx512vpopcntdq" in features:
        popcount = "dword"
    elif wide and "avx512bitalg" in features:
        popcount = "byte"
    products: ByteProducts = "pairs" if "ssse3" in features else "singles"
    if ("avx512vnni" if wide else "avxvnni") in features:
        products = "fours"
    return Capabilities(
        vector_bits=512 if wide else 256 if "avx2" in features else 128,
        registers=32 if wide else 16,
        vector_ports=2 if wide else 3,
        popcount=popcount,
        logic="ternary" if wide else "binary",
        byte_products=products,
        byte_lookup="ssse3" in features,
        float_lookup="avx" in features,
        mask_registers=wide,
        scaled_addresses=True,
        rounds_floats="sse4.1" in features,
        half_floats="f16c" in features,
        fma="fma" in features,
        power_scaling=wide,
        matrix_unit=wide and "amx-int8" in features,
    )


def _arm_capabilities(features: frozenset[str]) -> Capabilities:
    """TBL looks up bytes too, but no kernel needs it where bytes are counted. LD1R, the load that
    copies a word, has no offset. Cores are told apart by the version of the architecture that
    brought features: none before 8.2 selects bits in one operation."""
    vectors = "neon" in features
    return Capabilities(
        registers=32,
        popcount="byte" if vectors else "dword",
        logic="select" if vectors else "binary",
        quick_selection="dotprod" in features,
        byte_products="fours" if "dotprod" in features else "singles",
        spread_loads=not vectors,
        rounds_floats=vectors,
        half_floats=vectors,
        fma=vectors,
    )


MACHINES: dict[str, Machine] = {
    "x86_64": Machine(_X86_FEATURES, "x86-64", _x86_capabilities),
    "aarch64": Machine(_ARM_FEATURES, "generic", _arm_capabilities),
}
"""Architectures by their name in a triple, which is that of ``uname -m``."""

_V2 = ("cx16", "sahf", "popcnt", "sse3", "ssse3", "sse4.1", "sse4.2")
_V3 = (*_V2, "avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe")
_V4 = (*_V3, "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")
_ALDERLAKE = (*_V3, "avxvnni", "gfni")
_CASCADELAKE = (*_V4, "avx512vnni")
_ICELAKE = (*_CASCADELAKE, "avx512bitalg", "avx512vpopcntdq", "avx512vbmi", "avx512vbmi2", "gfni")
_SAPPHIRERAPIDS = (*_ICELAKE, "amx-tile", "amx-int8")
_NEON = ("fp-armv8", "neon")


@dataclass(frozen=True)
class Target:
    """What code is generated for. ``cpu`` is the LLVM scheduling model, ``features`` LLVM's names
    of all that code may use, ``l1`` and ``l2`` data cache bytes of one core.

    ``base`` is the LLVM CPU that ``features`` are added to. ``shown_by`` has features, as
    /proc/cpuinfo spells them, that code does not use but that tell the CPU from others for
    ``native``.
    """

    name: str
    triple: str
    cpu: str
    features: tuple[str, ...]
    base: str
    l1: int
    l2: int
    shown_by: tuple[str, ...] = ()

    @property
    def machine(self) -> str:
        """Architecture in the spelling of ``uname -m``."""
        return self.triple.split("-", 1)[0]

    @property
    def host_features(self) -> tuple[str, ...]:
        """What the host must have, as /proc/cpuinfo spells it."""
        table = _features(self.machine)
        return tuple(table[f].host for f in self.features if f in table)

    @cached_property
    def has(self) -> Capabilities:
        """What code may do; on an unknown machine, what any can do."""
        machine = MACHINES.get(self.machine)
        return machine.capabilities(frozenset(self.features)) if machine else Capabilities()

    @property
    def vector_bits(self) -> int:
        """Width of a vector register that is worth using."""
        return self.has.vector_bits

    @property
    def registers(self) -> int:
        """Vector registers."""
        return self.has.registers

    @property
    def plane_bits(self) -> int:
        """Width of a bit plane that is worth using: two vectors where those are narrow and many, so
        that one name of a plane serves both."""
        return self.vector_bits * (2 if self.has.logic == "select" else 1)

    @property
    def lanes(self) -> int:
        """32-bit lanes of a vector."""
        return self.vector_bits // 32

    def samples_of_a_round(self, nbytes: int) -> int:
        """Samples, at least one, of so many bytes each that the second-level cache holds."""
        return max(1, self.l2 // max(1, nbytes))

    def without(self, *features: str) -> Target:
        """The same target with features (Linux or LLVM names), and those built on them, removed."""
        table = _features(self.machine)
        gone = {f.llvm for f in table.values() if f.llvm in features or f.host in features}
        for row in table.values():
            if any(need in gone for need in row.needs):
                gone.add(row.llvm)
        return replace(self, features=tuple(f for f in self.features if f not in gone))


def _features(machine: str) -> Mapping[str, Feature]:
    return MACHINES[machine].features if machine in MACHINES else {}


def _x86(
    name: str, cpu: str, features: tuple[str, ...], l1: int, l2: int, shown_by: tuple[str, ...] = ()
) -> Target:
    base = MACHINES["x86_64"].base
    return Target(name, _X86_TRIPLE, cpu, features, base, l1 << 10, l2 << 10, shown_by)


def _arm(name: str, cpu: str, features: tuple[str, ...], l1: int, l2: int) -> Target:
    return Target(
        name, _ARM_TRIPLE, cpu, (*_NEON, *features), MACHINES["aarch64"].base, l1 << 10, l2 << 10
    )


_ZEN = ("clzero",)
_V8_2 = ("crc", "lse", "rdm", "dotprod")
TARGETS: dict[str, Target] = {
    row.name: row
    for row in (
        _x86("x86-64-v2", "nehalem", _V2, 32, 256),
        _x86("x86-64-v3", "haswell", _V3, 32, 256),
        _x86("alderlake", "alderlake", _ALDERLAKE, 48, 1280),
        _x86("x86-64-v4", "skylake-avx512", _V4, 32, 1024),
        _x86("cascadelake", "cascadelake", _CASCADELAKE, 32, 1024),
        _x86("icelake-server", "icelake-server", _ICELAKE, 48, 1280),
        _x86("sapphirerapids", "sapphirerapids", _SAPPHIRERAPIDS, 48, 2048),
        _x86("graniterapids", "graniterapids", _SAPPHIRERAPIDS, 48, 2048, ("amx_fp16",)),
        _x86("znver4", "znver4", _ICELAKE, 32, 1024, _ZEN),
        _x86("znver5", "znver5", _ICELAKE, 48, 1024, (*_ZEN, "avx_vnni")),
        _arm("arm64", "cortex-a72", (), 32, 512),
        _arm("cortex-a53", "cortex-a53", ("crc",), 32, 512),
        _arm("cortex-a72", "cortex-a72", ("crc",), 32, 1024),
        _arm("cortex-a76", "cortex-a76", _V8_2, 64, 512),
        _arm("neoverse-n1", "neoverse-n1", _V8_2, 64, 1024),
    )
}
"""Targets by name, the plainest of an architecture first."""
ALIASES: Mapping[str, str] = {
    "rpi3": "cortex-a53",
    "rpi4": "cortex-a72",
    "rpi5": "cortex-a76",
    "pixel": "cortex-a76",
}
"""Boards and phones by the target that fits them: Raspberry Pi 3 (and Zero 2), 4 and 5, Pixel 4 and
newer, whose fast cores do what a Cortex-A76 does."""


def resolve(name: str) -> Target:
    """The target of a name in the table or of an alias, or of this machine for ``native``.

    Raises TargetError listing the known names. Names of the form TRIPLE:CPU need LLVM and are
    resolved by the backend.
    """
    if name == NATIVE:
        return native()
    name = ALIASES.get(name, name)
    if name not in TARGETS:
        known = ", ".join([NATIVE, *TARGETS, *ALIASES])
        raise TargetError(f"unknown target '{name}'; expected one of {known}, or TRIPLE:CPU")
    return TARGETS[name]


def check_host(target: Target, what: str, instead: str) -> None:
    """Raise TargetError unless this machine runs code for a target: "cannot ``what`` for .. here:
    ..; ``instead``"."""
    machine = runtime_cpu.host_machine()
    missing = runtime_cpu.missing_features(target.host_features)
    if machine != target.machine:
        why = f"it is for {target.machine} and this machine is {machine}"
    elif missing:
        why = f"this CPU lacks {', '.join(missing)}"
    else:
        return
    raise TargetError(f"cannot {what} for {target.name} here: {why}; {instead}")


def native(machine: str | None = None, present: frozenset[str] | None = None) -> Target:
    """The richest row that this machine can run, with the optional features that it has; of equally
    rich ones that for which most of the machine's features speak (``shown_by``).

    ``machine`` and ``present`` (features in Linux spelling) are read from the system when absent.
    """
    machine = host_machine() if machine is None else machine
    rows = [row for row in TARGETS.values() if row.machine == machine]
    if not rows:
        raise TargetError(f"native code for {machine} is not supported; name a target instead")
    present = host_features() if present is None else present
    fitting = [row for row in rows if present.issuperset(row.host_features)]
    if not fitting:
        lacking = sorted(set(rows[0].host_features) - present)
        raise TargetError(f"this machine lacks what {rows[0].name} needs: {', '.join(lacking)}")
    shown = [row for row in fitting if present.issuperset(row.shown_by)]
    best = max(shown, key=lambda row: (len(row.features), len(row.shown_by)))
    chosen = set(best.features)
    for feature in MACHINES[machine].features.values():
        if feature.host in present and all(need in chosen for need in feature.needs):
            chosen.add(feature.llvm)
    ordered = tuple(name for name in MACHINES[machine].features if name in chosen)
    return Target(NATIVE, best.triple, best.cpu, ordered, best.base, best.l1, best.l2)


def host_machine() -> str:
    """This machine's architecture; TargetError anywhere but on Linux."""
    if platform.system() != "Linux":
        raise TargetError(
            f"native code for {platform.system()} is not supported: artifacts run on Linux; "
            "name a target instead"
        )
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())


def host_features(path: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Features of this machine's first CPU."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise TargetError(f"{path}: cannot read the CPU's features: {error.strerror}") from error
    match = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    if match is None:
        raise TargetError(f"{path}: lists no CPU features")
    return frozenset(match[1].split())
