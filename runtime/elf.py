"""A small reader of 64-bit little-endian ELF files, written for files that may be damaged.

Every offset and size is checked against the file before it is used, nothing recurses, and no
allocation is larger than the file. Source: System V ABI, chapters "Object Files" and "Dynamic
Linking".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

from ..errors import ArtifactError

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_DYNAMIC = struct.Struct("<qQ")

_MAGIC = b"\x7fELF"
_CLASS_64 = 2
_LITTLE_ENDIAN = 1
_FIRST_RESERVED_INDEX = 0xFF00
_NO_CONTENT = 8
_NAME_LIMIT = 4096
_NEEDED = 1
_END_OF_DYNAMIC = 0

SHARED = 3
MACHINES = {62: "x86_64", 183: "aarch64"}


@dataclass(frozen=True)
class Section:
    """One row of the section table; ``offset`` and ``size`` are bytes inside the file."""

    name: str
    kind: int
    flags: int
    offset: int
    size: int
    link: int


@dataclass(frozen=True)
class Symbol:
    """A symbol by name; ``defined`` is false for what another file must supply."""

    name: str
    defined: bool
    is_global: bool


@dataclass(frozen=True)
class Elf:
    """A parsed file: its header's ``kind`` and ``machine`` numbers and its sections.

    ``path`` is for messages only.
    """

    path: str
    data: memoryview
    kind: int
    machine: int
    sections: tuple[Section, ...]

    def section(self, name: str) -> Section | None:
        """The first section of this name."""
        return next((section for section in self.sections if section.name == name), None)

    def content(self, section: Section) -> memoryview:
        """The bytes of a section, as a view of the file; none for zero-initialised memory."""
        if section.kind == _NO_CONTENT:
            return self.data[:0]
        return self.data[section.offset : section.offset + section.size]

    def symbols(self) -> tuple[Symbol, ...]:
        """The named symbols: the dynamic ones of a shared library, else the object's own."""
        table = self.section(".dynsym" if self.kind == SHARED else ".symtab")
        if table is None:
            return ()
        strings = self._linked(table)
        symbols: list[Symbol] = []
        for name, info, _other, index, _value, _size in self._entries(table, _SYMBOL):
            text = _string(strings, name, self.path)
            if text:
                symbols.append(Symbol(text, defined=index != 0, is_global=info >> 4 != 0))
        return tuple(symbols)

    def undefined_symbols(self) -> tuple[str, ...]:
        """Names that another library or object must define, sorted."""
        return tuple(sorted({s.name for s in self.symbols() if not s.defined}))

    def needed_libraries(self) -> tuple[str, ...]:
        """The DT_NEEDED entries: libraries that must be loaded with this one."""
        table = self.section(".dynamic")
        if table is None:
            return ()
        strings = self._linked(table)
        names: list[str] = []
        for tag, value in self._entries(table, _DYNAMIC):
            if tag == _END_OF_DYNAMIC:
                break
            if tag == _NEEDED:
                names.append(_string(strings, value, self.path))
        return tuple(names)

    def _linked(self, table: Section) -> memoryview:
        """The string table that ``table`` refers to."""
        if table.link >= len(self.sections):
            raise _damaged(self.path, f"section {table.name} refers to section {table.link}")
        return self.content(self.sections[table.link])

    def _entries(self, table: Section, layout: struct.Struct) -> Iterator[tuple[int, ...]]:
        content = self.content(table)
        if len(content) % layout.size:
            raise _damaged(self.path, f"section {table.name} has {len(content)} bytes")
        return layout.iter_unpack(content)


def parse_elf(data: bytes | memoryview | mmap, path: str) -> Elf:
    """Read header and section table.

    Raises ArtifactError for anything but a complete 64-bit little-endian ELF file with at least
    one section. Section contents are views of ``data``.
    """
    view = memoryview(data)
    if bytes(view[: len(_MAGIC)]) != _MAGIC:
        what = "the file is empty" if not len(view) else "no ELF header"
        raise ArtifactError(
            f"{path}: not a bnnc artifact: {what}; expected what `bnnc compile` writes"
        )
    if len(view) < _HEADER.size:
        raise _damaged(path, f"{len(view)} bytes are less than an ELF header")
    fields = _HEADER.unpack_from(view)
    identity: bytes = fields[0]
    if identity[4] != _CLASS_64 or identity[5] != _LITTLE_ENDIAN:
        raise ArtifactError(f"{path}: not a bnnc artifact: not a 64-bit little-endian ELF file")
    kind, machine, table, row, count, names = (fields[i] for i in (1, 2, 6, 11, 12, 13))
    if row != _SECTION.size or not 0 < count < _FIRST_RESERVED_INDEX:
        raise _damaged(path, f"a section table of {count} rows of {row} bytes")
    _check_range(table, count * row, len(view), path, "the section table")
    rows = [_SECTION.unpack_from(view, table + index * row) for index in range(count)]
    return Elf(path, view, kind, machine, _sections(rows, names, view, path))


def _sections(
    rows: list[tuple[int, ...]], names: int, view: memoryview, path: str
) -> tuple[Section, ...]:
    """Check that every row's bytes lie inside the file, and resolve the names."""
    for _name, kind, _flags, _address, offset, size, *_rest in rows:
        if kind != _NO_CONTENT:
            _check_range(offset, size, len(view), path, "a section")
    if names >= len(rows) or rows[names][1] == _NO_CONTENT:
        raise _damaged(path, f"section names in section {names} of {len(rows)}")
    strings = view[rows[names][4] : rows[names][4] + rows[names][5]]
    return tuple(
        Section(_string(strings, name, path), kind, flags, offset, size, link)
        for name, kind, flags, _address, offset, size, link, *_rest in rows
    )


def _check_range(offset: int, size: int, limit: int, path: str, what: str) -> None:
    if offset > limit or size > limit - offset:
        raise _damaged(
            path, f"{what} at {offset} of {size} bytes ends beyond the file's {limit} bytes"
        )


def _string(table: memoryview, offset: int, path: str) -> str:
    """The NUL-terminated text at ``offset`` of a string table; 4,095 bytes at most."""
    raw = bytes(table[offset : offset + _NAME_LIMIT])
    end = raw.find(b"\0")
    if end < 0:
        raise _damaged(path, f"a name at {offset} of a string table does not end")
    try:
        return raw[:end].decode("utf-8")
    except UnicodeDecodeError:
        raise _damaged(path, f"a name at {offset} of a string table is not text") from None


def _damaged(path: str, what: str) -> ArtifactError:
    return ArtifactError(f"{path}: the file is truncated or damaged: {what}; compile it again")
