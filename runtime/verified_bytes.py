"""The bytes of an artifact, read once: exactly the bytes that are checked are loaded.

The kernel copies the file into a file in memory, which is then both mapped to be checked and
loaded by the dynamic linker: no second copy of megabytes of weights.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os

from ..errors import ArtifactError
from .artifact_file import opened
from .compressed import MAGIC, expand, is_compressed


class VerifiedBytes:
    """An artifact's bytes; ``load`` loads them as code, ``close`` frees what was not loaded."""

    def __init__(self, data: bytes | mmap.mmap, descriptor: int = -1) -> None:
        self.data = data
        self._descriptor = descriptor

    @classmethod
    def read(cls, path: str) -> VerifiedBytes:
        """The bytes of a file, expanded if it is compressed; ArtifactError when it cannot be
        read."""
        with opened(path) as (file, size):
            head = file.read(len(MAGIC))
            if is_compressed(head):
                return cls(expand(head + file.read(size), path))
            file.seek(0)
            if size and hasattr(os, "memfd_create"):
                with contextlib.suppress(OSError):
                    return cls._copied(file.fileno(), size)
            return cls(file.read(size))

    @classmethod
    def _copied(cls, source: int, size: int) -> VerifiedBytes:
        """A file in memory; OSError where that is forbidden or the source cannot be sent."""
        descriptor = _memory_file()
        try:
            offset = 0
            while offset < size:
                sent = os.sendfile(descriptor, source, offset, size - offset)
                if not sent:
                    break
                offset += sent
            return cls(mmap.mmap(descriptor, offset, prot=mmap.PROT_READ), descriptor)
        except (OSError, ValueError) as error:
            os.close(descriptor)
            raise OSError from error

    def load(self, path: str) -> tuple[ctypes.CDLL, int]:
        """Load exactly these bytes; returns the library and a descriptor to keep open (or -1).

        The dynamic linker recognises libraries by name, so a name must not come back while its
        library is loaded: the descriptor of the memory file stays open, which keeps its number.
        """
        with contextlib.suppress(OSError):
            descriptor = self._file()
            if descriptor >= 0:
                library = ctypes.CDLL(f"/proc/self/fd/{descriptor}")
                self._descriptor = -1
                return library, descriptor
        return self._load_copy(path), -1

    def close(self) -> None:
        """Close the memory file, unless it was loaded."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _file(self) -> int:
        """The descriptor of a file in memory that holds the bytes, -1 where there is none."""
        if self._descriptor < 0 and hasattr(os, "memfd_create"):
            self._descriptor = _memory_file()
            with os.fdopen(self._descriptor, "wb", closefd=False) as file:
                file.write(self.data)
        return self._descriptor

    def _load_copy(self, path: str) -> ctypes.CDLL:
        """Load from a private temporary file, for systems without executable files in memory."""
        # Here, because it takes milliseconds and is seldom needed.
        import tempfile

        try:
            with tempfile.TemporaryDirectory(prefix="bnnc-") as folder:
                copy = os.path.join(folder, "model.so")
                with open(copy, "wb") as file:
                    file.write(self.data)
                return ctypes.CDLL(copy)
        except OSError as error:
            raise ArtifactError(
                f"{path}: cannot load the artifact: {error}; if the temporary folder forbids "
                "execution, set TMPDIR to one that allows it"
            ) from None


def _memory_file() -> int:
    return os.memfd_create("bnnc", os.MFD_CLOEXEC)
