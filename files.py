"""Files are written completely or not at all, and read only where they are files whose size is
known. Standard library only."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

from .errors import OutputError


def write_file(path: Path, data: bytes) -> None:
    """Write through a temporary file in the same folder and rename; raises OutputError.

    A reader sees the old file or the new one, and a failed write (disk full) leaves neither a
    half-written file nor the temporary one. A file that is not regular (``/dev/null``) is written
    to and not replaced; of a symbolic link, the file that it points to is replaced.
    """
    import tempfile  # Here, because it takes milliseconds and loading an artifact has no use for it

    try:
        real = Path(os.path.realpath(path))
        if real.exists() and not real.is_file():
            with open(real, "wb") as file:
                file.write(data)
            return
        descriptor, temporary = tempfile.mkstemp(prefix=f".{real.name[:100]}.", dir=real.parent)
    except OSError as error:
        raise OutputError(f"{path}: cannot write: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, real)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise OutputError(f"{path}: cannot write: {error.strerror}") from error
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def check_writable(path: Path) -> None:
    """Raise OutputError unless a file can be created at ``path``; called before long work."""
    try:
        if path.is_dir():
            raise OutputError(f"{path}: cannot write: is a directory")
        if path.exists() and not path.is_file() and os.access(path, os.W_OK):
            return
    except OSError as error:
        raise OutputError(f"{path}: cannot write: {error.strerror}") from error
    if not path.parent.is_dir():
        raise OutputError(f"{path}: cannot write: the folder {path.parent} does not exist")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise OutputError(f"{path}: cannot write: the folder {path.parent} is not writable")


@contextlib.contextmanager
def open_regular(path: str | os.PathLike[str]) -> Generator[tuple[BinaryIO, int]]:
    """A file to read and its size in bytes; OSError where it cannot be opened or is no file.

    A device may have no end, and a named pipe would wait for a writer.
    """
    with open(path, "rb", opener=_open_at_once) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
        yield file, status.st_size


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
