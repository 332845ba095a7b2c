"""arm64: NEON, with dot products from Armv8.2 on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ....runtime.cpu import HWCAP
from ...targets import MACHINES
from ..kernel_builder import I16, IRValue, vector
from ..thread_systems import System
from .instruction_set import Functions, InstructionSet, Signs, filled

_UNSIGNED_DOT = "llvm.aarch64.neon.udot.v4i32.v16i8"
_PAIRS_OF_BYTES = "llvm.aarch64.neon.uaddlp.v8i16.v16i8"
_PAIRS_OF_SUMS = "llvm.aarch64.neon.uaddlp.v4i32.v8i16"
_POOL = """
declare void @llvm.aarch64.isb(i32)
declare i64 @llvm.read_volatile_register.i64(metadata)
declare i64 @llvm.read_register.i64(metadata)
declare i64 @llvm.aarch64.get.fpcr()
declare void @llvm.aarch64.set.fpcr(i64)

define internal void @${P}pool_pause() $inside {
  call void @llvm.aarch64.isb(i32 15)
  ret void
}

define internal i64 @${P}pool_ticks() $inside {
  %now = call i64 @llvm.read_volatile_register.i64(metadata !{!"cntvct_el0"})
  ret i64 %now
}

define internal i64 @${P}pool_patience() $inside {
  %second = call i64 @llvm.read_register.i64(metadata !{!"cntfrq_el0"})
  %some = lshr i64 %second, 14
  ret i64 %some
}

define internal void @${P}pool_save_rounding(ptr %at) $inside {
  %mode = call i64 @llvm.aarch64.get.fpcr()
  store i64 %mode, ptr %at, align 8
  ret void
}

define internal void @${P}pool_take_rounding(ptr %at) $inside {
  %mode = load i64, ptr %at, align 8
  call void @llvm.aarch64.set.fpcr(i64 %mode)
  ret void
}
"""
_CALLS = {"FUTEX": 98, "GETCPU": 168, "GET_AFFINITY": 123, "SET_AFFINITY": 122}


class Arm(InstructionSet):
    """SDOT, UDOT, UADDLP."""

    functions: ClassVar[Functions] = {"dot_bytes": {128: "llvm.aarch64.neon.sdot.v4i32.v16i8"}}
    system: ClassVar[System | None] = System(_POOL, _CALLS)
    signs: ClassVar[Signs] = (
        (r"\badd\s+v", ("fp-armv8", "neon")),
        (r"\budot\s", ("dotprod",)),
    )

    @classmethod
    def supported(cls, features: Sequence[str], linux: bool) -> str | None:
        """The bits of AT_HWCAP, from the caller: programs cannot read the registers that tell, but
        where the kernel emulates that."""
        table = MACHINES["aarch64"].features
        bits = sum(1 << HWCAP.index(table[name].host) for name in features)
        return f"""
define i32 @${{P}}supported(i64 %hwcap) $shown {{
  %there = and i64 %hwcap, {bits}
  %all = icmp eq i64 %there, {bits}
  %yes = zext i1 %all to i32
  ret i32 %yes
}}
"""

    def add_bytes(self, total: IRValue, octets: IRValue) -> IRValue:
        """A dot product with ones, or neighbours added twice."""
        if self.has.byte_products == "fours":
            ones = filled(octets.type, 1)
            return self.code.intrinsic(_UNSIGNED_DOT, total.type, total, octets, ones)
        if self.has.popcount != "byte":
            return super().add_bytes(total, octets)
        half = vector(I16, octets.type.count // 2)
        pairs = self.code.intrinsic(_PAIRS_OF_BYTES, half, octets)
        return self.code.b.add(total, self.code.intrinsic(_PAIRS_OF_SUMS, total.type, pairs))
