"""Arrays from and to ``.npy`` and ``.npz`` files; anything odd is one line that names the file.

Files may come from anywhere: pickles are refused, and a header is compared with the size of the
file before anything is allocated.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from tokenize import TokenError
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from ...errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NPY, _ZIP = b"\x93NUMPY", (b"PK\x03\x04", b"PK\x05\x06")
_HEADER_ERRORS = (ValueError, EOFError, TypeError, SyntaxError, RecursionError, TokenError)
"""NumPy's errors for headers that it cannot read: it evaluates and even tokenizes them."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


def gather(given: Sequence[str], names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Arrays by input name from the values of ``--input``; ``names`` are the model's inputs.

    Raises InputError for a file that cannot be read and for an array that no input takes.
    """
    out: dict[str, NDArray[Any]] = {}
    for text in given:
        name, path = _split(text, names)
        for key, array in _arrays(name, path, names).items():
            if key in out:
                raise InputError(f"{path}: input {key!r} is given twice")
            out[key] = array
    return out


def _split(text: str, names: Sequence[str]) -> tuple[str | None, str]:
    """``NAME=PATH`` as both, with the longest name that fits; a plain path has no name."""
    for name in sorted(names, key=len, reverse=True):
        if text.startswith(f"{name}="):
            return name, text[len(name) + 1 :]
    if "=" in text and not os.path.exists(text):
        unknown = text.partition("=")[0]
        raise InputError(f"--input: unknown input {unknown!r}; expected {_listed(names)}")
    return None, text


def _arrays(name: str | None, path: str, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The arrays of one file by input name."""
    content = read(path)
    if not isinstance(content, dict):
        if name is None and len(names) != 1:
            raise InputError(f"{path}: which input is it? write NAME={path}, of {_listed(names)}")
        return {name if name is not None else names[0]: content}
    if name is None:
        return content
    if name not in content and len(content) != 1:
        raise InputError(f"{path}: holds no array {name!r}, but {_listed(list(content))}")
    return {name: content[name] if name in content else next(iter(content.values()))}


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names)) or "none"


def read(path: str) -> NDArray[Any] | dict[str, NDArray[Any]]:
    """The array of a ``.npy`` file, or the arrays of a ``.npz`` file by name.

    The content decides which of them the file is. Raises InputError.
    """
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise InputError(f"{path}: not a regular file; expected .npy or .npz")
            start = file.read(6)
            file.seek(0)
            if start == _NPY:
                return _read_npy(file, status.st_size, path)
            if start[:4] in _ZIP:
                return _read_npz(file, path)
    except OSError as error:
        raise InputError(f"{path}: cannot read: {error.strerror or error}") from None
    what = "empty" if not start else "neither a .npy nor a .npz file"
    raise InputError(f"{path}: {what}; numpy.save and numpy.savez write such files")


def _without_waiting(path: str, flags: int) -> int:
    """Open at once: a named pipe would wait for a writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _read_npy(file: IO[bytes], size: int, where: str) -> NDArray[Any]:
    """An array from a stream that holds ``size`` bytes."""
    try:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        elif version == (2, 0):
            shape, _, dtype = np.lib.format.read_array_header_2_0(file)
        else:  # 3.0 is for the field names of structured arrays
            raise ValueError(f"version {version} of the format is unknown or not of plain arrays")
        if dtype.hasobject:
            raise InputError(f"{where}: holds pickled Python objects, which are refused")
        needed = dtype.itemsize
        for extent in shape:
            needed *= int(extent)
        available = size - file.tell()
        if needed != available or needed < 0:
            raise InputError(
                f"{where}: truncated or damaged: the header promises {needed} bytes, the file "
                f"holds {available}"
            )
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)
    except InputError:
        raise
    except _HEADER_ERRORS as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{where}: not a valid .npy file: {first}") from None


def _read_npz(file: IO[bytes], path: str) -> dict[str, NDArray[Any]]:
    """The arrays of an archive by name."""
    out: dict[str, NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                name = info.filename[:-4] if info.filename.endswith(".npy") else info.filename
                with archive.open(info) as member:
                    out[name] = _read_npy(member, info.file_size, f"{path}: {name}")
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise InputError(f"{path}: not a valid .npz file: {error}") from None
    if not out:
        raise InputError(f"{path}: holds no arrays")
    return out


def to_npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The content of a ``.npz`` file; the same arrays give the same bytes.

    numpy.savez cannot write some names (``file``), and it writes to a file itself.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asanyarray(array), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            info.external_attr = 0o644 << 16
            archive.writestr(info, content.getvalue())
    return file.getvalue()
