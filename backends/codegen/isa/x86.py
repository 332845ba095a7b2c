"""x86-64: SSE to AVX-512 and AMX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Template
from typing import ClassVar

from llvmlite import ir

from ..kernel_builder import FLOAT, I8, I32, Code, IRValue, vector
from ..thread_systems import System
from .instruction_set import Functions, InstructionSet, MatrixUnit, Signs, filled

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
_LOOKUPS_OF_FLOATS: Mapping[int, Mapping[int, str]] = {
    128: {4: "llvm.x86.avx.vpermilvar.ps"},
    256: {4: "llvm.x86.avx.vpermilvar.ps.256", 8: "llvm.x86.avx2.permps"},
    512: {16: "llvm.x86.avx512.permvar.sf.512"},
}
"""By bits of a vector and entries of a table."""
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
_EAX, _EBX, _ECX, _EDX = range(4)
_CPUID: Mapping[str, tuple[int, int, int, int]] = {
    "sse3": (1, 0, _ECX, 0),
    "ssse3": (1, 0, _ECX, 9),
    "fma": (1, 0, _ECX, 12),
    "cx16": (1, 0, _ECX, 13),
    "sse4.1": (1, 0, _ECX, 19),
    "sse4.2": (1, 0, _ECX, 20),
    "movbe": (1, 0, _ECX, 22),
    "popcnt": (1, 0, _ECX, 23),
    "avx": (1, 0, _ECX, 28),
    "f16c": (1, 0, _ECX, 29),
    "bmi": (7, 0, _EBX, 3),
    "avx2": (7, 0, _EBX, 5),
    "bmi2": (7, 0, _EBX, 8),
    "avx512f": (7, 0, _EBX, 16),
    "avx512dq": (7, 0, _EBX, 17),
    "avx512cd": (7, 0, _EBX, 28),
    "avx512bw": (7, 0, _EBX, 30),
    "avx512vl": (7, 0, _EBX, 31),
    "avx512vbmi": (7, 0, _ECX, 1),
    "avx512vbmi2": (7, 0, _ECX, 6),
    "gfni": (7, 0, _ECX, 8),
    "avx512vnni": (7, 0, _ECX, 11),
    "avx512bitalg": (7, 0, _ECX, 12),
    "avx512vpopcntdq": (7, 0, _ECX, 14),
    "amx-tile": (7, 0, _EDX, 24),
    "amx-int8": (7, 0, _EDX, 25),
    "avxvnni": (7, 1, _EAX, 4),
    "sahf": (0x80000001, 0, _ECX, 0),
    "lzcnt": (0x80000001, 0, _ECX, 5),
}
"""Leaf, subleaf, register and bit of CPUID that tell of a feature (Intel's manual, volume 2)."""
_XGETBV_THERE = 1 << 27
"""The bit of leaf 1's ECX that says that the system has turned XGETBV on."""
_STATE: Mapping[str, int] = {
    "avx": 0x06,
    "avx512f": 0xE6,
    "amx-tile": 0x600E6,
    "amx-int8": 0x600E6,
}
"""Registers that the system must keep for a feature, as bits of XCR0: those of SSE and AVX; then
masks and the two parts of AVX-512; then AMX's configuration and data."""
_READ_CPU = r"""
; push rbx; mov eax, esi; mov ecx, edx; cpuid; mov [rdi], eax; mov [rdi + 4], ebx;
; mov [rdi + 8], ecx; mov [rdi + 12], edx; pop rbx; ret
define weak hidden void @${P}cpuid(ptr %to, i32 %leaf, i32 %subleaf) $shown prologue [20 x i8]
c"\53\89\F0\89\D1\0F\A2\89\07\89\5F\04\89\4F\08\89\57\0C\5B\C3" {
  ret void
}

; xor ecx, ecx; xgetbv; mov [rdi], eax; ret
define weak hidden void @${P}xgetbv(ptr %to) $shown prologue [8 x i8]
c"\31\C9\0F\01\D0\89\07\C3" {
  ret void
}

define internal i1 @${P}cpu_has(i32 %leaf, i32 %subleaf, <4 x i32> %bits) $shown {
  %to = alloca <4 x i32>, align 16
  %first = and i32 %leaf, -2147483648
  call void @${P}cpuid(ptr %to, i32 %first, i32 0)
  %last = load i32, ptr %to, align 16
  %known = icmp uge i32 %last, %leaf
  call void @${P}cpuid(ptr %to, i32 %leaf, i32 %subleaf)
  %said = load <4 x i32>, ptr %to, align 16
  %set = and <4 x i32> %said, %bits
  %lacking = icmp ne <4 x i32> %set, %bits
  %lacks = bitcast <4 x i1> %lacking to i4
  %all = icmp eq i4 %lacks, 0
  %has = and i1 %known, %all
  ret i1 %has
}

define internal i1 @${P}cpu_keeps(i32 %registers) $shown {
  %to = alloca i32, align 4
  call void @${P}xgetbv(ptr %to)
  %said = load i32, ptr %to, align 4
  %kept = and i32 %said, %registers
  %all = icmp eq i32 %kept, %registers
  ret i1 %all
}
"""
"""No function of LLVM's is CPUID, and llvmlite assembles none, so the instructions stand as LLVM's
prologue data in front of functions whose own code is never reached. Weak ones: LLVM must not
conclude from that code what they do. A leaf beyond the last says nothing."""
_ASK_FOR_MATRICES = r"""
; mov eax, 158; mov edi, 0x1023; mov esi, 18; syscall; ret
define weak hidden i64 @${P}ask_for_matrices() $shown prologue [18 x i8]
c"\B8\9E\00\00\00\BF\23\10\00\00\BE\12\00\00\00\0F\05\C3" {
  ret i64 0
}
"""
"""``arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA)``: Linux lets a process use AMX's registers
only when it has asked, once for all of its threads; 0 where it does."""
_GRANTED = """\
  %said = call i64 @${P}ask_for_matrices()
  %granted = icmp eq i64 %said, 0
  %usable = and i1 %kept, %granted
"""
_SUPPORTED = """
define i32 @${P}supported(i64 %hwcap) $shown {
entry:
$CHECKS
  br i1 $LAST, label %system, label %done
system:
$SYSTEM  br label %done
done:
  %supported = phi i1 [ false, %entry ], [ $KEPT, %system ]
  %yes = zext i1 %supported to i32
  ret i32 %yes
}
"""
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
    (r"{vex}\s+vpdpbusd\s", ("avxvnni",)),
    (r"\bvpdpbusd\s.*%zmm", ("avx512vnni",)),
    (r"\bvpopcntd\s.*%zmm", ("avx512vpopcntdq",)),
    (r"\bvpopcntb\s.*%zmm", ("avx512bitalg",)),
    (r"\bvpermb\s.*%zmm", ("avx512vbmi",)),
    (r"\bvpshldvd\s.*%zmm", ("avx512vbmi2",)),
    (r"\bv?gf2p8affineqb\s", ("gfni",)),
    (r"\btdpbssd\s", ("amx-tile", "amx-int8")),
)
_PROBE = """
define void @matrices() {
  call void @llvm.x86.tdpbssd(i8 0, i8 1, i8 2)
  ret void
}
declare void @llvm.x86.tdpbssd(i8, i8, i8)
"""


class X86(InstructionSet):
    """PSHUFB, VPTERNLOG, VPDPBUSD, PMADDUBSW, AMX."""

    functions: ClassVar[Functions] = _FUNCTIONS
    dot_takes_signed: ClassVar[bool] = False
    system: ClassVar[System | None] = System(_POOL, _CALLS)
    signs: ClassVar[Signs] = _SIGNS
    probe: ClassVar[str] = _PROBE

    @classmethod
    def supported(cls, features: Sequence[str], linux: bool) -> str | None:
        """CPUID, then XGETBV for the registers that the system keeps, and what Linux keeps only for
        those who ask."""
        state = max((_STATE[name] for name in features if name in _STATE), default=0)
        words: dict[tuple[int, int], list[int]] = {}
        for name in features:
            leaf, subleaf, register, bit = _CPUID[name]
            words.setdefault((leaf, subleaf), [0] * 4)[register] |= 1 << bit
        if state:
            words.setdefault((1, 0), [0] * 4)[_ECX] |= _XGETBV_THERE
        lines: list[str] = []
        for count, ((leaf, subleaf), bits) in enumerate(words.items(), 1):
            known = f"%all.{count - 1}" if count > 1 else "true"
            vector_ = ", ".join(f"i32 {word}" for word in bits)
            call = f"call i1 @${{P}}cpu_has(i32 {leaf}, i32 {subleaf}, <4 x i32> <{vector_}>)"
            lines += [f"  %has.{count} = {call}", f"  %all.{count} = and i1 {known}, %has.{count}"]
        system = f"  %kept = call i1 @${{P}}cpu_keeps(i32 {state})\n" if state else ""
        asks = linux and any(name.startswith("amx-") for name in features)
        return (
            _READ_CPU
            + _ASK_FOR_MATRICES * asks
            + Template(_SUPPORTED).safe_substitute(
                CHECKS="\n".join(lines),
                LAST=f"%all.{len(words)}" if words else "true",
                SYSTEM=system + _GRANTED * asks,
                KEPT="%usable" if asks else "%kept" if state else "true",
            )
        )

    def add_products(self, x: IRValue, w: IRValue) -> IRValue:
        """PMADDWD."""
        type_ = vector(I32, x.type.count // 2)
        return self.code.intrinsic(_MULTIPLY_ADD_PAIRS[16 * x.type.count], type_, x, w)

    def lookup_floats(self, table: Sequence[float], words: IRValue, at: int) -> IRValue:
        """VPERMILPS, VPERMPS; in a larger table than they need, several numbers share a shift."""
        count = words.type.count
        functions = _LOOKUPS_OF_FLOATS[32 * count] if self.has.float_lookup else {}
        entries = next((size for size in functions if size >= len(table)), 0)
        if not entries:
            return super().lookup_floats(table, words, at)
        bits = entries.bit_length() - 1
        inside = at % bits
        if inside + len(table).bit_length() - 1 > bits:
            inside = 0
        whole = [table[(i % entries >> inside) % len(table)] for i in range(count)]
        b = self.code.b
        shifted = b.lshr(words, filled(words.type, at - inside)) if at > inside else words
        floats = vector(FLOAT, count)
        return self.code.intrinsic(functions[entries], floats, ir.Constant(floats, whole), shifted)

    def add_pairs(self, sums: IRValue) -> IRValue:
        """PMADDWD with ones."""
        return self.add_products(sums, filled(sums.type, 1))

    def add_bytes(self, total: IRValue, octets: IRValue) -> IRValue:
        """A dot product with ones, where there are any."""
        if self.has.byte_products == "fours":
            return self.dot_bytes(total, octets, filled(octets.type, 1))
        return super().add_bytes(total, octets)

    def matrix_unit(self) -> MatrixUnit:
        """AMX."""
        self._require(self.has.matrix_unit, "matrix unit")
        assert isinstance(self.code, Code)
        return _Amx(self.code)


class _Amx:
    """TILELOADD, TDPBSSD and so on."""

    shapes: ClassVar[bytes] = bytes([1, *[0] * 15, *[64, 0] * 8, *[0] * 16, *[16] * 8, *[0] * 8])
    """The memory operand of LDTILECFG: palette 1; bytes of a row, then rows, of eight registers
    (Intel's manual, volume 1)."""

    def __init__(self, code: Code) -> None:
        self.code = code

    def take(self, shapes: IRValue) -> None:
        self._call("ldtilecfg", shapes)

    def leave(self) -> None:
        self._call("tilerelease")

    def clear(self, register: int) -> None:
        self._call("tilezero", I8(register))

    def load(self, register: int, at: IRValue, stride: IRValue) -> None:
        self._call("tileloadd64", I8(register), at, stride)

    def store(self, register: int, at: IRValue, stride: IRValue) -> None:
        self._call("tilestored64", I8(register), at, stride)

    def add_products(self, total: int, x: int, w: int, signed: bool) -> None:
        self._call("tdpbssd" if signed else "tdpbusd", I8(total), I8(x), I8(w))

    def _call(self, name: str, *args: IRValue) -> None:
        self.code.intrinsic(f"llvm.x86.{name}", ir.VoidType(), *args)
