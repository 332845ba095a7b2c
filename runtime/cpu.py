"""What this machine is: its architecture and the CPU features that Linux reports."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import math
import os
import platform
import re
import sys
from collections.abc import Iterable, Sequence

from ..errors import ArtifactError, InputError
from .control_groups import cpu_quota

# Bit numbers of AT_HWCAP and AT_HWCAP2 on arm64, in the kernel's order and spelling
# (arch/arm64/kernel/cpuinfo.c). The auxiliary vector is read instead of /proc/cpuinfo because
# user-mode emulation shows the emulating machine's file.
HWCAP: Sequence[str] = (
    "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm jscvt fcma "
    "lrcpc dcpop sha3 sm3 sm4 asimddp sha512 sve asimdfhm dit uscat ilrcpc flagm ssbs sb paca pacg"
).split()
HWCAP2 = (
    "dcpodp sve2 sveaes svepmull svebitperm svesha3 svesm4 flagm2 frint svei8mm svef32mm svef64mm "
    "svebf16 i8mm bf16 dgh rng bti mte ecv afp rpres mte3 sme smei16i64 smef64f64 smei8i32 "
    "smef16f32 smeb16f32 smef32f32 smefa64 wfxt"
).split()
_AT_HWCAP = 16
_AT_HWCAP2 = 26

_ARCH_PRCTL, _REQUEST_PERMISSION, _TILE_DATA = 158, 0x1023, 18
"""Linux's call on x86-64 by which a process asks for registers that are kept only for those who ask
(``ARCH_REQ_XCOMP_PERM``), and the number of AMX's."""

_MACHINE_NAMES = {"amd64": "x86_64", "arm64": "aarch64"}


def host_machine() -> str:
    """The architecture of this process: "x86_64", "aarch64", or the name the system gives.

    A 32-bit Python on a 64-bit kernel counts as 32-bit: it cannot load 64-bit code.
    """
    name = os.uname().machine.lower()
    name = _MACHINE_NAMES.get(name, name)
    return name if sys.maxsize > 1 << 32 else f"{name} (32-bit Python)"


@functools.cache
def host_features() -> frozenset[str]:
    """The features of this CPU that this process may use, as /proc/cpuinfo spells them; empty on
    unknown architectures."""
    machine = host_machine()
    if machine == "x86_64":
        return _granted(_x86_features())
    if machine == "aarch64":
        return _arm_features()
    return frozenset()


@functools.cache
def cpu_name() -> str:
    """The system's name for this machine's CPU."""
    with (
        contextlib.suppress(OSError),
        open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file,
    ):
        match = re.search(r"^model name\s*:\s*(.+)$", file.read(), re.MULTILINE)
        if match is not None:
            return match[1].strip()
    return platform.machine()


def missing_features(required: Iterable[str]) -> tuple[str, ...]:
    """Those of ``required`` that this CPU lacks, in the order given."""
    present = host_features()
    return tuple(feature for feature in required if feature not in present)


def usable_cores() -> int:
    """How many cores this process may use: those that it may run on, and no more than the quota
    of its control groups; InputError where the system does not say."""
    try:
        cores = len(os.sched_getaffinity(0))
    except OSError as error:
        raise InputError(
            f"threads: cannot tell which cores this process may use: {error.strerror}; name a "
            "number of threads"
        ) from None
    quota = cpu_quota()
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def _x86_features() -> frozenset[str]:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _colon, value = line.partition(":")
                if key.strip() == "flags":
                    return frozenset(value.split())
    except OSError as error:
        raise ArtifactError(
            f"/proc/cpuinfo: cannot read the CPU's features: {error.strerror}; mount /proc"
        ) from None
    raise ArtifactError("/proc/cpuinfo: cannot read the CPU's features: no line `flags`")


def _granted(features: frozenset[str]) -> frozenset[str]:
    """Those that Linux lets this process use: AMX must be asked for, once for all threads."""
    if "amx_tile" not in features:
        return features
    refused = ctypes.CDLL(None).syscall(_ARCH_PRCTL, _REQUEST_PERMISSION, _TILE_DATA)
    return frozenset(f for f in features if not (refused and f.startswith("amx_")))


def _arm_features() -> frozenset[str]:
    getauxval = ctypes.CDLL(None).getauxval
    getauxval.argtypes = [ctypes.c_ulong]
    getauxval.restype = ctypes.c_ulong
    present: set[str] = set()
    for kind, names in ((_AT_HWCAP, HWCAP), (_AT_HWCAP2, HWCAP2)):
        bits = int(getauxval(kind))
        present.update(name for bit, name in enumerate(names) if bits >> bit & 1)
    return frozenset(present)
