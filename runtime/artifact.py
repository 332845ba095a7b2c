"""The bytes of an artifact: where its manifest stands, and the checksum over the file.

An artifact is an ELF shared library (or relocatable object) whose section ``.bnnc.manifest`` holds
the manifest as compact JSON, padded with NUL bytes. Writers emit ``section_bytes(manifest)`` and
pass the linked file through ``seal``; readers use ``read_manifest`` on what `artifact_file` gives
them. Nothing here executes code of the artifact.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from mmap import mmap
from typing import cast

from ..errors import ArtifactError
from .elf import MACHINES, Elf, parse_elf
from .manifest import (
    ABI,
    FORMAT,
    ITEM_BYTES,
    UNSEALED,
    Kernel,
    Layer,
    Manifest,
    Rounds,
    Source,
    Target,
    Tensor,
    Workspace,
)
from .manifest_decoder import decode, parse

__all__ = [
    "ABI",
    "FORMAT",
    "ITEM_BYTES",
    "SECTION",
    "UNSEALED",
    "Kernel",
    "Layer",
    "Manifest",
    "Rounds",
    "Source",
    "Target",
    "Tensor",
    "Workspace",
    "encode",
    "read_manifest",
    "seal",
    "section_bytes",
    "to_dict",
]

SECTION = ".bnnc.manifest"
MAX_MANIFEST_BYTES = 16 << 20

_DIGITS = 64
_CHECKSUM_KEY = b'"checksum":"sha256:'


def encode(manifest: Manifest) -> bytes:
    """The manifest's JSON text: UTF-8, compact, keys sorted.

    Raises ArtifactError for one that ``decode`` would refuse.
    """
    text = json.dumps(
        asdict(manifest), ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True
    ).encode("utf-8", "surrogatepass")
    decode(parse(text, manifest.name), manifest.name)
    if len(text) >= MAX_MANIFEST_BYTES - 8:
        raise ArtifactError(
            f"{manifest.name}: its names take a manifest of {len(text)} bytes, and a manifest has "
            f"at most {MAX_MANIFEST_BYTES}; shorten the names of nodes, inputs and outputs"
        )
    return text


def section_bytes(manifest: Manifest) -> bytes:
    """The content of the section ``.bnnc.manifest``: the text and 1 to 8 NUL bytes.

    The section must be loadable (SHF_ALLOC), because ``P_describe`` returns its address.
    """
    text = encode(manifest)
    return text + b"\0" * (8 - len(text) % 8)


def to_dict(manifest: Manifest) -> dict[str, object]:
    """The manifest as it stands in the file: plain JSON values."""
    return cast("dict[str, object]", json.loads(encode(manifest)))


def seal(data: bytes) -> bytes:
    """The same file with its checksum computed and written into the manifest.

    The checksum is the SHA-256 of the entire file with "0" for each of the checksum's 64 digits.
    """
    start, end = _manifest_span(parse_elf(data, "artifact"))
    at = _digits(data, start, end, "artifact")
    return data[:at] + _checksum(data, at).encode() + data[at + _DIGITS :]


def read_manifest(data: bytes | mmap, path: str) -> Manifest:
    """Check an entire artifact (format, checksum, fields, machine) and return its manifest.

    ``path`` is for messages only. Raises ArtifactError. The checksum finds damage, not malice.
    """
    elf = parse_elf(data, path)
    start, end = _manifest_span(elf)
    text = data[start:end]
    value = parse(text, path)
    at = _digits(data, start, end, path)
    if data[at : at + _DIGITS] != _checksum(data, at).encode():
        raise ArtifactError(
            f"{path}: the file is damaged or was edited: its checksum does not match; "
            "compile it again"
        )
    manifest = decode(value, path)
    machine = MACHINES.get(elf.machine, f"number {elf.machine}")
    if machine != manifest.target.machine:
        raise ArtifactError(
            f"{path}: manifest: target.machine: expected {machine} as in the ELF header, "
            f"got {manifest.target.machine}"
        )
    return manifest


def _manifest_span(elf: Elf) -> tuple[int, int]:
    """Begin and end of the manifest's text in the file, without the padding."""
    section = elf.section(SECTION)
    if section is None or not len(elf.content(section)):
        raise ArtifactError(f"{elf.path}: an ELF file that bnnc did not make: no section {SECTION}")
    content = elf.content(section)
    if len(content) > MAX_MANIFEST_BYTES:
        raise ArtifactError(
            f"{elf.path}: manifest: {len(content)} bytes are more than {MAX_MANIFEST_BYTES}"
        )
    text, _nul, padding = bytes(content).partition(b"\0")
    if not _nul or padding.strip(b"\0"):
        raise ArtifactError(f"{elf.path}: manifest: the text does not end in NUL bytes")
    return section.offset, section.offset + len(text)


def _digits(data: bytes | mmap, start: int, end: int, path: str) -> int:
    """Where the checksum's 64 digits stand; quotes are escaped in JSON strings, so this is safe."""
    key = data.find(_CHECKSUM_KEY, start, end)
    at = key + len(_CHECKSUM_KEY)
    if key < 0 or data.find(_CHECKSUM_KEY, at, end) >= 0 or at + _DIGITS > end:
        raise ArtifactError(f"{path}: manifest: expected one checksum of 64 digits")
    return at


def _checksum(data: bytes | mmap, at: int) -> str:
    view = memoryview(data)
    digest = hashlib.sha256(view[:at])
    digest.update(b"0" * _DIGITS)
    digest.update(view[at + _DIGITS :])
    return digest.hexdigest()
