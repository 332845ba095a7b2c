"""The machine's limits: how many logic operations and tile products it can do in registers, and how
fast it reads memory.

Logic is a loop of one instruction on independent registers, without memory and popcounts. A sum of
K signs costs a sliced kernel about K such operations on whole vectors (a carry-save adder is two
VPTERNLOG and takes in two bits), so that one operation per product is the unit of the tables.
A tile product (TDPBSSD) multiplies 16 rows of 64 bytes with 16 columns.
Reading is a loop of loads over a buffer that fits the second cache, or fits no cache.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import binding

from ...runtime.cpu import missing_features
from .onnx_engines import PeerError
from .timing import TimedCall

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDS = 20_000
REPEATS = 4
LINE = 64
"""Bytes of a load, or of the two that make one where vectors are shorter; of a row of a tile."""
TILE_ROWS = 16
TILE = TILE_ROWS * LINE
"""Bytes of a tile."""


@dataclass(frozen=True)
class Logic:
    """An instruction that computes logic on whole vectors; ``text`` has {i} for its register."""

    name: str
    feature: str
    bits: int
    registers: int
    text: str

    @property
    def work(self) -> float:
        """Products of one call, at one operation each."""
        return float(ROUNDS * REPEATS * self.registers * self.bits)

    def body(self) -> list[str]:
        """The assembly of one call."""
        lines = [self.text.format(i=i) for _ in range(REPEATS) for i in range(self.registers)]
        return [f"movl $${ROUNDS}, %eax", "1:", *lines, "subl $$1, %eax", "jne 1b"]

    @property
    def buffer(self) -> NDArray[np.uint8]:
        """Not read."""
        return np.ones(LINE, np.uint8)


@dataclass(frozen=True)
class Tiles:
    """Products of tiles of bytes in four tiles of sums."""

    name = "TDPBSSD"
    feature = "amx-int8"
    sums = 4

    @property
    def work(self) -> float:
        """Products of one call."""
        return float(ROUNDS * self.sums * TILE_ROWS * TILE)

    def body(self) -> list[str]:
        """The assembly of one call: sums in tiles 0 to 3, operands in tiles 4 to 7."""
        loads = [f"tileloadd {LINE + i * TILE}(%rdi,%rcx), %tmm{4 + i}" for i in range(4)]
        zeros = [f"tilezero %tmm{i}" for i in range(self.sums)]
        products = [f"tdpbssd %tmm{6 + i % 2}, %tmm{4 + i // 2}, %tmm{i}" for i in range(self.sums)]
        loop = [f"movl $${ROUNDS}, %eax", "1:", *products, "subl $$1, %eax", "jne 1b"]
        return ["ldtilecfg (%rdi)", f"movl $${LINE}, %ecx", *loads, *zeros, *loop, "tilerelease"]

    @property
    def buffer(self) -> NDArray[np.uint8]:
        """The configuration (palette 1, eight tiles of 16 rows of 64 bytes; Intel's manual, volume
        1, 18.3), then four tiles of +1 and -1."""
        line = np.zeros(LINE, np.uint8)
        line[0] = 1
        line[16:32].view(np.uint16)[:] = LINE
        line[48:56] = TILE_ROWS
        signs = np.random.default_rng(0).choice(np.array([1, 255], np.uint8), 4 * TILE)
        return np.concatenate([line, signs])


@dataclass(frozen=True)
class Reading:
    """Loads over so many bytes, ``passes`` times a call."""

    name: str
    size: int
    passes: int
    feature = "avx2"

    @property
    def work(self) -> float:
        """Bytes of one call."""
        return float(self.size * self.passes)

    def body(self) -> list[str]:
        """The assembly of one call; the buffer's address is in rdi."""
        loads = [f"vmovups {32 * i}(%rdx), %ymm{i % 14}" for i in range(8)]
        inner = ["1:", *loads, f"addq $${8 * 32}, %rdx", f"subl $${8 * 32}, %ecx", "jne 1b"]
        outer = ["2:", "movq %rdi, %rdx", f"movl $${self.size}, %ecx", *inner]
        return [f"movl $${self.passes}, %eax", *outer, "subl $$1, %eax", "jne 2b"]

    @property
    def buffer(self) -> NDArray[np.uint8]:
        """What is read."""
        return np.ones(self.size, np.uint8)


AVX512 = Logic("VPTERNLOG", "avx512f", 512, 28, "vpternlogd $$0x96, %zmm30, %zmm31, %zmm{i}")
AVX2 = Logic("VPXOR", "avx2", 256, 14, "vpxor %ymm15, %ymm{i}, %ymm{i}")
AMX = Tiles()
Loop = Logic | Tiles | Reading
LIMITS: tuple[Loop, ...] = (
    AVX512,
    AVX2,
    AMX,
    Reading("read L2", 1 << 20, 8),
    Reading("read memory", 1 << 26, 1),
)


class Limit:
    """A contender that runs a loop; raises PeerError where the CPU or the system cannot."""

    def __init__(self, loop: Loop) -> None:
        if missing_features([loop.feature.replace("-", "_")]):  # as Linux spells it
            raise PeerError(f"this CPU, or the system, has no {loop.feature}")
        self._loop = loop
        self._engine = compiled(loop)
        self._buffer = loop.buffer
        address = self._engine.get_function_address("loop")
        self._run: Any = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)

    def turn(self, seconds: float, calls: int) -> list[float]:
        at = self._buffer.ctypes.data
        return TimedCall(lambda: self._run(at)).turn(seconds, calls)

    def rate(self, seconds: float) -> float:
        """Products or bytes a second of a call that took ``seconds``."""
        return self._loop.work / seconds


def compiled(loop: Loop) -> Any:
    """The loop as machine code; inline assembly, so that it has exactly the named instructions."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    binding.initialize_native_asmparser()
    vectors = [f"~{{xmm{i}}}" for i in range(32 if loop.feature == "avx512f" else 16)]
    clobbers = ",".join(["{rdi}", "~{eax}", "~{ecx}", "~{rdx}", "~{flags}", "~{memory}", *vectors])
    text = "\\0A".join(loop.body())
    module = binding.parse_assembly(
        "define void @loop(ptr %buffer) {\n"
        f'  call void asm sideeffect "{text}", "{clobbers}"(ptr %buffer)\n'
        "  ret void\n}\n"
    )
    machine = binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(), features=f"+{loop.feature}", jit=True
    )
    engine = binding.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine
