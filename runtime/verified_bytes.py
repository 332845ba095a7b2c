"""The bytes of an artifact, read once: exactly the bytes that are checked are loaded.

The kernel copies the file into a file in memory, which is then both mapped to be checked and
loaded by the dynamic linker: no second copy of megabytes of weights. Nothing here stays open: the
process may close descriptors or use their numbers for files of its own (daemons do).
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
import os

from ..errors import ArtifactError
from .artifact_file import expanded, opened
from .compressed import MAGIC, is_compressed


class VerifiedBytes:
    """An artifact's bytes; ``load`` loads them as code, ``close`` frees what was not loaded."""

    def __init__(
        self, data: bytes | mmap.mmap, descriptor: int = -1, file: str | None = None
    ) -> None:
        """``descriptor``: a file in memory that holds the bytes; ``file``: the path of one that
        held them when they were read."""
        self.data = data
        self._descriptor = descriptor
        self._file = file

    @classmethod
    def read(cls, path: str) -> VerifiedBytes:
        """The bytes of a file, expanded if it is compressed; ArtifactError when it cannot be
        read."""
        with opened(path) as (file, size):
            head = file.read(len(MAGIC))
            if is_compressed(head):
                return cls(expanded(head + file.read(size), path))
            file.seek(0)
            if size and hasattr(os, "memfd_create"):
                with contextlib.suppress(OSError):
                    return cls._copied(file.fileno(), size, path)
            return cls(file.read(size), file=path)

    @classmethod
    def _copied(cls, source: int, size: int, path: str) -> VerifiedBytes:
        """A file in memory; OSError where that is forbidden or the source cannot be sent."""
        descriptor = _memory_file()
        try:
            offset = 0
            while offset < size:
                sent = os.sendfile(descriptor, source, offset, size - offset)
                if not sent:
                    break
                offset += sent
            return cls(mmap.mmap(descriptor, offset, prot=mmap.PROT_READ), descriptor, path)
        except (OSError, ValueError) as error:
            os.close(descriptor)
            raise OSError from error

    def load(self, path: str) -> ctypes.CDLL:
        """Load exactly these bytes, from a file in memory or a private temporary one.

        Where the system executes neither, the file itself is loaded: one that changes in place
        after it was read is then not the one that was checked. Raises ArtifactError.
        """
        with contextlib.suppress(OSError):
            if self._descriptor < 0 and hasattr(os, "memfd_create"):
                self._descriptor = _memory_file()
                with os.fdopen(self._descriptor, "wb", closefd=False) as file:
                    file.write(self.data)
            if self._descriptor >= 0:
                return _loaded("/proc/self/fd", str(self._descriptor))
        try:
            return self._load_copy()
        except OSError as error:
            if self._file is not None:
                with contextlib.suppress(OSError):
                    return _loaded(*os.path.split(os.path.abspath(self._file)))
            raise ArtifactError(f"{path}: cannot load the artifact: {_reason(error)}") from None

    def close(self) -> None:
        """Free the memory and the descriptors."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if isinstance(self.data, mmap.mmap):
            with contextlib.suppress(BufferError):  # an error's traceback still shows a view of it
                self.data.close()

    def _load_copy(self) -> ctypes.CDLL:
        """Load from a private temporary file; OSError where that cannot be done."""
        # Here, because it takes milliseconds and is seldom needed.
        import tempfile

        with tempfile.TemporaryDirectory(prefix="bnnc-") as folder:
            with open(os.path.join(folder, "model.so"), "wb") as file:
                file.write(self.data)
            return _loaded(folder, "model.so")


def _memory_file() -> int:
    return os.memfd_create("bnnc", os.MFD_CLOEXEC)


def _loaded(folder: str, name: str) -> ctypes.CDLL:
    """The library of a file.

    The dynamic linker takes a name that it has seen for the library that it loaded by it, though
    the file may be another by now: descriptors are numbered anew, files replaced. So each time the
    path is spelled in a way of its own: "/" and "./" by the bits of a random number. OSError where
    it cannot be loaded.
    """
    way = "".join("./" if byte >> bit & 1 else "/" for byte in os.urandom(8) for bit in range(8))
    path = f"{folder}/{way}{name}"
    try:
        return ctypes.CDLL(path)
    except OSError as error:
        raise OSError(str(error).replace(path, f"{folder}/{name}")) from None


def _reason(error: OSError) -> str:
    """Why a library cannot be loaded, and what to do where that may be the folder."""
    if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        return str(error.strerror)
    return f"{error}; if the temporary folder forbids execution, set TMPDIR to one that allows it"
