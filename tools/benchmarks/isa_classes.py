"""The class of instructions of each x86 target: what a peer may use that shall stand beside it.

oneDNN, on which OpenVINO computes, uses no instructions beyond those that the environment variable
``ONEDNN_MAX_CPU_ISA`` names. It passes over names that it does not know, and a cap does not give a
CPU what it lacks, so that a class also says what the host must have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...runtime.cpu import host_features, missing_features
from .onnx_engines import PeerError

VARIABLE = "ONEDNN_MAX_CPU_ISA"
UNCAPPED = "DEFAULT"


@dataclass(frozen=True)
class IsaClass:
    """``title`` heads a column, ``isa`` is oneDNN's name, ``host`` has the features without which a
    CPU is below the class, ``widest`` what the newest of OpenVINO's kernels may have in their
    names."""

    title: str
    isa: str
    host: tuple[str, ...]
    widest: str

    def require(self) -> None:
        """Raise PeerError on a CPU below the class."""
        if missing := missing_features(self.host):
            raise PeerError(f"this CPU lacks {', '.join(missing)}")


SSE = IsaClass("SSE4.1", "SSE41", ("sse4_1",), "sse42")
AVX2 = IsaClass("AVX2", "AVX2", ("avx2",), "avx2")
AVX_VNNI = IsaClass("AVX-VNNI", "AVX2_VNNI", ("avx_vnni",), "avx2")
AVX512 = IsaClass("AVX-512", "AVX512_CORE", ("avx512bw",), "avx512")
VNNI = IsaClass("AVX-512 VNNI", "AVX512_CORE_VNNI", ("avx512_vnni",), "avx512")
BF16 = IsaClass("AVX-512 BF16", "AVX512_CORE_BF16", ("avx512_bf16",), "avx512")
AMX = IsaClass("AMX", "AVX512_CORE_AMX", ("amx_int8",), "amx")
AMX_FP16 = IsaClass("AMX-FP16", "AVX512_CORE_AMX_FP16", ("amx_fp16",), "amx")

CLASSES: Mapping[str, IsaClass] = {
    "x86-64-v2": SSE,
    "x86-64-v3": AVX2,
    "alderlake": AVX_VNNI,
    "x86-64-v4": AVX512,
    "cascadelake": VNNI,
    "icelake-server": VNNI,
    "sapphirerapids": AMX,
    "graniterapids": AMX_FP16,
    "znver4": BF16,
    "znver5": BF16,
}
"""By the target's name: what its CPUs have, which may be more than bnnc's code uses."""
_TOLD = {
    "avx2": "AVX2",
    "avx_vnni": "AVX-VNNI",
    "avx512bw": "AVX-512",
    "avx512_vnni": "AVX-512 VNNI",
    "avx512_vpopcntdq": "VPOPCNTDQ",
    "amx_int8": "AMX",
}


def classes_of(targets: Iterable[str]) -> list[IsaClass]:
    """The classes of these targets, each once; ``native`` and those by triple have none."""
    return list(dict.fromkeys(CLASSES[name] for name in targets if name in CLASSES))


def instructions() -> list[str]:
    """What this CPU has of that in which classes differ, for readers."""
    return [title for feature, title in _TOLD.items() if feature in host_features()]
