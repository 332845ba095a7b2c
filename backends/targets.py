"""The targets as a table of capabilities: code asks for a capability, never for a name.

A row lists the LLVM features that generated code may use and, in the spelling of Linux's
/proc/cpuinfo, what a machine must therefore have. Everything else (vector width, popcount,
dot product) follows from the features, so that `Target.without` takes a capability away and every
code path of a machine can run on it. Standard library only.
"""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import TargetError

Popcount = Literal["dword", "byte", "table"]

NATIVE = "native"
_X86_TRIPLE = "x86_64-unknown-linux-gnu"
_ARM_TRIPLE = "aarch64-unknown-linux-gnu"


@dataclass(frozen=True)
class Feature:
    """One CPU feature: what LLVM and Linux call it, and the features that it builds on (LLVM)."""

    llvm: str
    host: str
    needs: tuple[str, ...] = ()


def _table(*rows: Feature) -> dict[str, Feature]:
    return {row.llvm: row for row in rows}


_X86 = _table(
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
)
_ARM = _table(
    Feature("fp-armv8", "fp"),
    Feature("neon", "asimd"),
    Feature("crc", "crc32"),
    Feature("lse", "atomics"),
    Feature("rdm", "asimdrdm"),
    Feature("dotprod", "asimddp"),
)
_FEATURES = {"x86_64": _X86, "aarch64": _ARM}

_V2 = ("cx16", "sahf", "popcnt", "sse3", "ssse3", "sse4.1", "sse4.2")
_V3 = (*_V2, "avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe")
_V4 = (*_V3, "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")
_CASCADELAKE = (*_V4, "avx512vnni")
_ICELAKE = (*_CASCADELAKE, "avx512bitalg", "avx512vpopcntdq", "avx512vbmi", "avx512vbmi2", "gfni")
_NEON = ("fp-armv8", "neon")


@dataclass(frozen=True)
class Target:
    """What code is generated for. ``cpu`` is the LLVM scheduling model, ``features`` LLVM's names
    of all that code may use, ``l1`` and ``l2`` data cache bytes of one core.

    ``base`` is the LLVM CPU that ``features`` are added to.
    """

    name: str
    triple: str
    cpu: str
    features: tuple[str, ...]
    base: str
    l1: int
    l2: int

    @property
    def machine(self) -> str:
        """Architecture in the spelling of ``uname -m``."""
        return self.triple.split("-", 1)[0]

    @property
    def host_features(self) -> tuple[str, ...]:
        """What the host must have, as /proc/cpuinfo spells it."""
        table = _FEATURES.get(self.machine, {})
        return tuple(table[f].host for f in self.features if f in table)

    def has(self, feature: str) -> bool:
        """Whether code may use an LLVM feature."""
        return feature in self.features

    @property
    def vector_bits(self) -> int:
        """Width of a vector register that is worth using."""
        if all(self.has(f) for f in ("avx512f", "avx512bw", "avx512dq", "avx512vl")):
            return 512
        return 256 if self.has("avx2") else 128

    @property
    def registers(self) -> int:
        """Vector registers."""
        return 32 if self.vector_bits == 512 or self.machine == "aarch64" else 16

    @property
    def popcount(self) -> Popcount:
        """The cheapest vector popcount: of 32-bit lanes, of bytes, or by a table in registers."""
        wide = self.vector_bits == 512
        if wide and self.has("avx512vpopcntdq"):
            return "dword"
        if (wide and self.has("avx512bitalg")) or self.has("neon"):
            return "byte"
        return "table" if self.has("ssse3") else "dword"

    @property
    def ternary_logic(self) -> bool:
        """Any function of three bits in one instruction (VPTERNLOG)."""
        return self.vector_bits == 512

    @property
    def byte_shuffle(self) -> bool:
        """Tables of 16 bytes in a register, looked up by all its bytes (PSHUFB)."""
        return self.has("ssse3")

    @property
    def rounds_floats(self) -> bool:
        """Floats to whole numbers in any direction in one instruction (ROUNDPS, FRINT)."""
        return self.has("sse4.1") or self.has("neon")

    @property
    def half_floats(self) -> bool:
        """Floats of 16 bits from and to those of 32 (VCVTPH2PS, FCVT)."""
        return self.has("f16c") or self.has("neon")

    @property
    def bit_matrix(self) -> bool:
        """An 8x8 bit matrix times each byte, which also transposes bits (GF2P8AFFINEQB)."""
        return self.has("gfni")

    @property
    def byte_permute(self) -> bool:
        """Any permutation of a register's bytes in one instruction (VPERMB)."""
        return self.vector_bits == 512 and self.has("avx512vbmi")

    @property
    def funnel_shift(self) -> bool:
        """Shifts across two lanes, by another amount in each (VPSHLDVD, VPSHRDVQ)."""
        return self.vector_bits == 512 and self.has("avx512vbmi2")

    @property
    def vnni(self) -> bool:
        """Dot products of bytes into 32-bit lanes (VPDPBUSD, UDOT) at full vector width."""
        if self.vector_bits == 512:
            return self.has("avx512vnni")
        return self.has("avxvnni") or self.has("dotprod")

    @property
    def fma(self) -> bool:
        """Fused multiply-add in one instruction."""
        return self.has("fma") or self.has("neon")

    @property
    def lanes(self) -> int:
        """32-bit lanes of a vector."""
        return self.vector_bits // 32

    def without(self, *features: str) -> Target:
        """The same target with features (Linux or LLVM names), and those built on them, removed."""
        table = _FEATURES.get(self.machine, {})
        gone = {f.llvm for f in table.values() if f.llvm in features or f.host in features}
        for row in table.values():
            if any(need in gone for need in row.needs):
                gone.add(row.llvm)
        return self._with(tuple(f for f in self.features if f not in gone))

    def _with(self, features: tuple[str, ...]) -> Target:
        return Target(self.name, self.triple, self.cpu, features, self.base, self.l1, self.l2)


def _x86(name: str, cpu: str, features: tuple[str, ...], l1: int, l2: int) -> Target:
    return Target(name, _X86_TRIPLE, cpu, features, "x86-64", l1 << 10, l2 << 10)


def _arm(name: str, cpu: str, features: tuple[str, ...], l1: int, l2: int) -> Target:
    return Target(name, _ARM_TRIPLE, cpu, (*_NEON, *features), "generic", l1 << 10, l2 << 10)


_V8_2 = ("crc", "lse", "rdm", "dotprod")
TARGETS: dict[str, Target] = {
    row.name: row
    for row in (
        _x86("x86-64-v2", "nehalem", _V2, 32, 256),
        _x86("x86-64-v3", "haswell", _V3, 32, 256),
        _x86("x86-64-v4", "skylake-avx512", _V4, 32, 1024),
        _x86("cascadelake", "cascadelake", _CASCADELAKE, 32, 1024),
        _x86("icelake-server", "icelake-server", _ICELAKE, 48, 1280),
        _arm("arm64", "cortex-a72", (), 32, 512),
        _arm("cortex-a53", "cortex-a53", ("crc",), 32, 512),
        _arm("cortex-a72", "cortex-a72", ("crc",), 32, 1024),
        _arm("cortex-a76", "cortex-a76", _V8_2, 64, 512),
        _arm("neoverse-n1", "neoverse-n1", _V8_2, 64, 1024),
    )
}
"""Targets by name, the plainest of an architecture first."""


def resolve(name: str) -> Target:
    """The target of a name in the table, or of this machine for ``native``.

    Raises TargetError listing the known names. Names of the form TRIPLE:CPU need LLVM and are
    resolved by the backend.
    """
    if name == NATIVE:
        return native()
    if name not in TARGETS:
        known = ", ".join([NATIVE, *TARGETS])
        raise TargetError(f"unknown target '{name}'; expected one of {known}, or TRIPLE:CPU")
    return TARGETS[name]


def native(machine: str | None = None, present: frozenset[str] | None = None) -> Target:
    """The richest row that this machine can run, with the optional features that it has.

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
    best = max(fitting, key=lambda row: len(row.features))
    chosen = set(best.features)
    for feature in _FEATURES[machine].values():
        if feature.host in present and all(need in chosen for need in feature.needs):
            chosen.add(feature.llvm)
    ordered = tuple(name for name in _FEATURES[machine] if name in chosen)
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
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    if found is None:
        raise TargetError(f"{path}: lists no CPU features")
    return frozenset(found[1].split())
