"""The target table, this machine's target, and targets by triple and CPU."""

from __future__ import annotations

import pytest

from bnnc.backends import targets
from bnnc.backends.codegen import triples
from bnnc.backends.targets import TARGETS, resolve
from bnnc.errors import TargetError

CAPABILITIES = {
    "x86-64-v2": (128, 16, "table", False, False, False),
    "x86-64-v3": (256, 16, "table", False, False, True),
    "alderlake": (256, 16, "table", False, True, True),
    "x86-64-v4": (512, 32, "table", True, False, True),
    "cascadelake": (512, 32, "table", True, True, True),
    "icelake-server": (512, 32, "dword", True, True, True),
    "sapphirerapids": (512, 32, "dword", True, True, True),
    "graniterapids": (512, 32, "dword", True, True, True),
    "znver4": (512, 32, "dword", True, True, True),
    "znver5": (512, 32, "dword", True, True, True),
    "arm64": (128, 32, "byte", False, False, True),
    "cortex-a53": (128, 32, "byte", False, False, True),
    "cortex-a72": (128, 32, "byte", False, False, True),
    "cortex-a76": (128, 32, "byte", False, True, True),
    "neoverse-n1": (128, 32, "byte", False, True, True),
}


@pytest.mark.parametrize("name", TARGETS)
def test_capabilities_follow_from_features(name: str) -> None:
    target = resolve(name)
    assert CAPABILITIES[name] == (
        target.vector_bits,
        target.registers,
        target.has.popcount,
        target.has.logic == "ternary",
        target.has.byte_products == "fours",
        target.has.fma,
    )
    assert len(target.host_features) == len(target.features)


def test_unknown_target_lists_the_known_ones() -> None:
    with pytest.raises(TargetError, match=r"unknown target 'pentium'.*native.*x86-64-v3.*arm64"):
        resolve("pentium")


@pytest.mark.parametrize("alias", targets.ALIASES)
def test_boards_are_other_names_of_targets(alias: str) -> None:
    assert resolve(alias) is TARGETS[targets.ALIASES[alias]]
    assert alias not in TARGETS
    with pytest.raises(TargetError, match=f"expected one of .*{alias}"):
        resolve("rpi")


def test_features_are_taken_away_with_all_that_builds_on_them() -> None:
    target = TARGETS["icelake-server"].without("avx512_vpopcntdq")
    assert target.has.popcount == "byte"
    assert target.without("avx512_bitalg").has.popcount == "table"
    plain = target.without("avx2")
    assert plain.vector_bits == 128
    assert "avx512f" not in plain.features
    assert "avx512_vnni" not in plain.host_features


def test_native_is_the_richest_row_with_the_machine_s_extras() -> None:
    v3 = frozenset(TARGETS["x86-64-v3"].host_features)
    assert targets.native("x86_64", v3).features == TARGETS["x86-64-v3"].features
    some = targets.native("x86_64", v3 | {"avx_vnni", "avx512_vnni"})
    assert some.has.byte_products == "fours"
    assert some.vector_bits == 256
    assert "avx512_vnni" not in some.host_features
    pi = targets.native("aarch64", frozenset({"fp", "asimd", "crc32"}))
    assert (pi.name, pi.has.popcount) == ("native", "byte")


ICELAKE = frozenset(TARGETS["icelake-server"].host_features)
AMX = frozenset({"amx_tile", "amx_int8"})


@pytest.mark.parametrize(
    ("name", "present"),
    [
        ("x86-64-v2", frozenset(TARGETS["x86-64-v2"].host_features) | {"clzero"}),
        ("x86-64-v3", frozenset(TARGETS["x86-64-v3"].host_features) | {"clzero", "vaes"}),
        ("alderlake", frozenset(TARGETS["alderlake"].host_features)),
        ("cascadelake", frozenset(TARGETS["cascadelake"].host_features)),
        ("icelake-server", ICELAKE),
        ("icelake-server", ICELAKE | {"avx_vnni"}),
        ("sapphirerapids", ICELAKE | AMX | {"avx_vnni", "avx512_fp16", "avx512_bf16"}),
        ("icelake-server", ICELAKE | {"avx_vnni", "avx512_fp16"}),
        ("graniterapids", ICELAKE | AMX | {"avx_vnni", "avx512_fp16", "amx_fp16"}),
        ("znver4", ICELAKE | {"avx512_bf16", "clzero"}),
        ("znver5", ICELAKE | {"avx512_bf16", "avx_vnni", "clzero"}),
    ],
)
def test_native_knows_a_cpu_by_its_features(name: str, present: frozenset[str]) -> None:
    """CPUs that give code the same instructions differ in caches and schedules."""
    row, target = TARGETS[name], targets.native("x86_64", present)
    assert (target.cpu, target.l1, target.l2) == (row.cpu, row.l1, row.l2)
    assert set(row.features) <= set(target.features)
    assert present.issuperset(target.host_features)


def test_native_refuses_machines_below_every_row() -> None:
    with pytest.raises(TargetError, match=r"this machine lacks what x86-64-v2 needs: .*sse4_2"):
        targets.native("x86_64", frozenset({"cx16"}))
    with pytest.raises(TargetError, match="native code for riscv64 is not supported"):
        targets.native("riscv64", frozenset())


def test_native_needs_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets.platform, "system", lambda: "Darwin")
    with pytest.raises(TargetError, match="native code for Darwin is not supported"):
        resolve("native")


@pytest.mark.parametrize(
    ("name", "bits", "popcount"),
    [
        ("x86_64-unknown-linux-gnu:znver4", 512, "dword"),
        ("x86_64-unknown-linux-gnu:core2", 128, "dword"),
        ("aarch64-linux-gnu:cortex-a55", 128, "byte"),
        ("riscv64-unknown-linux-gnu:sifive-u74", 128, "dword"),
    ],
)
def test_triple_and_cpu(name: str, bits: int, popcount: str) -> None:
    target = triples.resolve(name)
    assert (target.vector_bits, target.has.popcount) == (bits, popcount)


NAMED = [row.name for row in TARGETS.values() if row.machine == "x86_64" and row.cpu == row.name]


@pytest.mark.parametrize("name", NAMED)
def test_capabilities_of_a_cpu_equal_those_of_its_row(name: str) -> None:
    assert triples.resolve(f"x86_64-linux-gnu:{name}").has == TARGETS[name].has


@pytest.mark.parametrize(
    ("cpu", "features"),
    [
        ("cascadelake", ()),
        ("cannonlake", ("avx512vbmi",)),
        ("alderlake", ("avxvnni", "gfni")),
        ("tremont", ("gfni",)),
        ("znver4", ("avx512vbmi", "avx512vbmi2", "gfni")),
        ("znver5", ("avx512vbmi", "avx512vbmi2", "gfni")),
    ],
)
def test_bytes_and_bits_of_a_cpu(cpu: str, features: tuple[str, ...]) -> None:
    asked = ("avxvnni", "avx512vbmi", "avx512vbmi2", "gfni")
    found = triples.resolve(f"x86_64-linux-gnu:{cpu}").features
    assert tuple(name for name in asked if name in found) == features


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x86_64-unknown-linux-gnu:pentium9", "does not know the CPU pentium9"),
        ("x86_64-unknown-linux-gnu:i386", "does not know the CPU i386"),
        ("potato-unknown-linux:generic", "does not know the triple"),
        ("aarch64_be-unknown-linux-gnu:cortex-a53", "only 64-bit little-endian ELF"),
        ("armv7-unknown-linux-gnueabihf:cortex-a7", "only 64-bit little-endian ELF"),
        ("x86_64-pc-windows-msvc:znver3", "only 64-bit little-endian ELF"),
        ("x86_64-linux-gnu:", "expected TRIPLE:CPU"),
    ],
)
def test_triples_and_cpus_that_cannot_be(name: str, message: str) -> None:
    with pytest.raises(TargetError, match=message):
        triples.resolve(name)
