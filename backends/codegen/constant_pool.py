"""The read-only data of an artifact: one block, each piece 64-byte aligned, equal pieces once.

LLVM sees the block as zeros that something else fills (`externally_initialized`), so that megabytes
of weights do not pass through its text form; `fill` writes them into the emitted object.
"""

from __future__ import annotations

import hashlib
from typing import Any

from llvmlite import ir

from ...errors import BackendError
from ...ir import Array
from ...runtime.elf import parse_elf
from .kernel_builder import I8

SECTION = ".rodata.bnnc"
_ALIGN = 64


class Pool:
    """Collects pieces; `offset` says where each begins."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._offsets: dict[bytes, int] = {}
        self.size = 0

    def offset(self, array: Array) -> int:
        """Byte offset of an array's contents."""
        data = array.tobytes()
        digest = hashlib.sha256(data).digest()
        if digest not in self._offsets:
            self._offsets[digest] = self.size
            room = -(-len(data) // _ALIGN) * _ALIGN
            self._pieces.append(data.ljust(room, b"\0"))
            self.size += room
        return self._offsets[digest]

    def contents(self) -> bytes:
        """The block, with one readable vector after the last piece."""
        return b"".join(self._pieces) + bytes(_ALIGN)

    def declare(self, module: ir.Module, name: str) -> ir.GlobalVariable:
        """The block as a constant of unknown contents; `size` is known once all is added."""
        block: Any = ir.GlobalVariable(module, ir.ArrayType(I8, self.size + _ALIGN), name)
        block.linkage = "internal"
        block.storage_class = "externally_initialized"
        block.global_constant = True
        block.initializer = block.value_type(None)
        block.section = SECTION
        block.align = _ALIGN
        return block

    def fill(self, data: bytes) -> bytes:
        """An emitted ELF object with the block's contents written into it."""
        elf = parse_elf(data, "object")
        section = elf.section(SECTION)
        contents = self.contents()
        if section is None or section.size != len(contents):
            if not self.size:
                return data
            raise BackendError(f"the emitted object has no section {SECTION} of the right size")
        return data[: section.offset] + contents + data[section.offset + section.size :]
