"""Files are written completely or not at all, and read only where they are files whose size is
known. Standard library only."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import stat
import threading
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import BinaryIO

from .errors import OutputError


def write_file(path: Path, data: bytes) -> None:
    """Write one file as `write_files` does."""
    write_files({path: data})


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Write through temporary files in the same folders and rename them; raises OutputError.

    A reader sees an old file or the new one. A failed write (disk full) leaves none of the new
    files, half-written ones and temporary ones neither. A file that is not regular (``/dev/null``)
    is written to and not replaced; of a symbolic link, the file that it points to is replaced.
    """
    with cleaning_up(), contextlib.ExitStack() as temporary:
        written: list[tuple[Path, str, Path]] = []
        for path, data in contents.items():
            with _naming(path):
                real = Path(os.path.realpath(path))
                if real.exists() and not real.is_file():
                    real.write_bytes(data)
                else:
                    written.append((path, _written(real, data, temporary), real))
        for path, name, real in written:
            with _naming(path):
                os.replace(name, real)


def _written(real: Path, data: bytes, temporary: contextlib.ExitStack) -> str:
    """A temporary file beside ``real`` with its contents; ``temporary`` removes it."""
    import tempfile  # Here, because it takes milliseconds and loading an artifact has no use for it

    descriptor, name = tempfile.mkstemp(prefix=f".{real.name[:100]}.", dir=real.parent)
    temporary.callback(Path(name).unlink, missing_ok=True)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    os.chmod(name, 0o666 & ~_umask())
    return name


@contextlib.contextmanager
def _naming(path: Path) -> Generator[None]:
    """Turn an OSError into an OutputError about the file that was asked for."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: cannot write: {error.strerror}") from error


class _EndedBySignal(BaseException):
    """Unwinds what runs in `cleaning_up`."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextlib.contextmanager
def cleaning_up() -> Generator[None]:
    """Let signals that end the process (SIGTERM, SIGHUP) unwind the ``with`` block first.

    Otherwise temporary files would stay, and a command that the block waits for would go on. The
    process then ends by the signal as it would have. Signals that somebody handles are left alone,
    and threads besides the main one cannot do this.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _frame: object) -> None:
        raise _EndedBySignal(number)

    ends = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    ends = [number for number in ends if signal.getsignal(number) is signal.SIG_DFL]
    try:
        for number in ends:
            signal.signal(number, end)
        yield
    except _EndedBySignal as ended:
        signal.signal(ended.number, signal.SIG_DFL)
        os.kill(os.getpid(), ended.number)
        raise SystemExit(128 + ended.number) from None  # where the signal is blocked
    finally:
        for number in ends:
            signal.signal(number, signal.SIG_DFL)


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
