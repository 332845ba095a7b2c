"""Artifacts on disk: opened at once, read once, and expanded where they are compressed."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from typing import BinaryIO

from ..errors import ArtifactError
from .compressed import expand, is_compressed
from .manifest import MAX_FILE_BYTES


def read_file(path: str | os.PathLike[str]) -> bytes:
    """An artifact's ELF file, expanded if it was compressed; ArtifactError when that fails."""
    return expanded(read_stored(path), os.fspath(path))


def read_stored(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a file, read once, at most 2 GiB; ArtifactError when that cannot be done."""
    with opened(path) as (file, size):
        return file.read(size)


def expanded(data: bytes, path: str) -> bytes:
    """The ELF file in the bytes of a compressed artifact; other bytes are returned unchanged."""
    return expand(data, path) if is_compressed(data) else data


@contextmanager
def opened(path: str | os.PathLike[str]) -> Generator[tuple[BinaryIO, int]]:
    """An artifact's file and its size; ArtifactError when it cannot be opened or read."""
    name = os.fspath(path)
    try:
        with open(name, "rb", opener=_open_at_once) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ArtifactError(f"{name}: not a bnnc artifact: not a regular file")
            if status.st_size > MAX_FILE_BYTES:
                raise ArtifactError(
                    f"{name}: not a bnnc artifact: {status.st_size} bytes are more than an "
                    f"artifact can have ({MAX_FILE_BYTES})"
                )
            yield file, status.st_size
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ArtifactError(f"{name}: cannot read the artifact: {reason}") from None


def _open_at_once(name: str, flags: int) -> int:
    """Opening a named pipe would otherwise wait for a writer."""
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))
