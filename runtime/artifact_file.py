"""Artifacts on disk: opened at once, read once, and expanded where they are compressed."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import BinaryIO

from ..errors import ArtifactError, ArtifactFileError, ArtifactNotFoundError
from ..files import open_regular
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
    """An artifact's file and its size; ArtifactError when it cannot be opened or read, which says
    of the system's errors that they are an OSError too."""
    name = os.fspath(path)
    try:
        with open_regular(name) as (file, size):
            if size > MAX_FILE_BYTES:
                raise ArtifactError(
                    f"{name}: not a bnnc artifact: {size} bytes are more than an "
                    f"artifact can have ({MAX_FILE_BYTES})"
                )
            yield file, size
    except OSError as error:
        kind = ArtifactNotFoundError if isinstance(error, FileNotFoundError) else ArtifactFileError
        raise kind(error.errno, error.strerror, name) from None
    except ValueError as error:  # a NUL in the name
        raise ArtifactError(f"{name}: cannot read the artifact: {error}") from None
