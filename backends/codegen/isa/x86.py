"""x86-64: SSE to AVX-512."""

from __future__ import annotations

from typing import ClassVar

from ..kernel_builder import I32, IRValue, vector
from ..thread_systems import System
from .instruction_set import Functions, InstructionSet, Signs, filled

_WIDTHS = (128, 256, 512)
_FUNCTIONS: Functions = {
    "lookup_bytes": {
        128: "llvm.x86.ssse3.pshuf.b.128",
        256: "llvm.x86.avx2.pshuf.b",
        512: "llvm.x86.avx512.pshuf.b.512",
    },
    "ternary_logic": {bits: f"llvm.x86.avx512.pternlog.d.{bits}" for bits in _WIDTHS},
    "dot_bytes": {bits: f"llvm.x86.avx512.vpdpbusd.{bits}" for bits in _WIDTHS},
    "multiply_pairs": {
        128: "llvm.x86.ssse3.pmadd.ub.sw.128",
        256: "llvm.x86.avx2.pmadd.ub.sw",
        512: "llvm.x86.avx512.pmaddubs.w.512",
    },
}
_MULTIPLY_ADD_PAIRS = {
    128: "llvm.x86.sse2.pmadd.wd",
    256: "llvm.x86.avx2.pmadd.wd",
    512: "llvm.x86.avx512.pmaddw.d.512",
}
_POOL = """
declare void @llvm.x86.sse2.pause()
declare i64 @llvm.readcyclecounter()
declare void @llvm.x86.sse.stmxcsr(ptr)
declare void @llvm.x86.sse.ldmxcsr(ptr)

define internal void @${P}pool_pause() $inside {
  call void @llvm.x86.sse2.pause()
  ret void
}

define internal i64 @${P}pool_ticks() $inside {
  %now = call i64 @llvm.readcyclecounter()
  ret i64 %now
}

define internal i64 @${P}pool_patience() $inside {
  ret i64 131072
}

define internal void @${P}pool_save_rounding(ptr %at) $inside {
  call void @llvm.x86.sse.stmxcsr(ptr %at)
  ret void
}

define internal void @${P}pool_take_rounding(ptr %at) $inside {
  call void @llvm.x86.sse.ldmxcsr(ptr %at)
  ret void
}
"""
_CALLS = {"FUTEX": 202, "GETCPU": 309, "GET_AFFINITY": 204, "SET_AFFINITY": 203}
_SIGNS: Signs = (
    (r"\bpopcntq", ("popcnt",)),
    (r"\bv?roundps", ("sse3", "ssse3", "sse4.1")),
    (r"\bvpaddd\s.*%ymm", ("sse4.2", "avx", "avx2")),
    (r"\bvfmadd", ("fma",)),
    (r"\bvcvtph2ps", ("f16c",)),
    (
        r"\bvpmullq\s.*%ymm[\s\S]*\bvpaddb\s.*%zmm|\bvpaddb\s.*%zmm[\s\S]*\bvpmullq\s.*%ymm",
        ("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"),
    ),
    (r"\bvpdpbusd\s.*%zmm", ("avx512vnni",)),
    (r"\bvpopcntd\s.*%zmm", ("avx512vpopcntdq",)),
    (r"\bvpopcntb\s.*%zmm", ("avx512bitalg",)),
    (r"\bvpermb\s.*%zmm", ("avx512vbmi",)),
    (r"\bvpshldvd\s.*%zmm", ("avx512vbmi2",)),
    (r"\bv?gf2p8affineqb\s", ("gfni",)),
)


class X86(InstructionSet):
    """PSHUFB, VPTERNLOG, VPDPBUSD, PMADDUBSW."""

    functions: ClassVar[Functions] = _FUNCTIONS
    dot_takes_signed: ClassVar[bool] = False
    system: ClassVar[System | None] = System(_POOL, _CALLS)
    signs: ClassVar[Signs] = _SIGNS

    def add_pairs(self, sums: IRValue) -> IRValue:
        """PMADDWD with ones."""
        name = _MULTIPLY_ADD_PAIRS[16 * sums.type.count]
        type_ = vector(I32, sums.type.count // 2)
        return self.code.intrinsic(name, type_, sums, filled(sums.type, 1))

    def add_bytes(self, total: IRValue, octets: IRValue) -> IRValue:
        """A dot product with ones, where there are any."""
        if self.has.byte_products == "fours":
            return self.dot_bytes(total, octets, filled(octets.type, 1))
        return super().add_bytes(total, octets)
