"""Arrays from and to ``.npy`` and ``.npz`` files; anything odd is one line that names the file.

Files may come from anywhere: pickles are refused, and a header is compared with the size of the
file before anything is allocated.
"""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from tokenize import TokenError
from typing import IO, TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ...errors import InputError, OutputError
from ...files import open_regular
from ...runtime.array_checks import batch_of, check_input
from ...runtime.manifest import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NPY, _ZIP = b"\x93NUMPY", (b"PK\x03\x04", b"PK\x05\x06")
_HEADER_ERRORS = (
    ValueError, OverflowError, EOFError, TypeError, SyntaxError, RecursionError, TokenError,
)  # fmt: skip
"""NumPy's errors for headers that it cannot read: it evaluates and even tokenizes them."""
MAX_NAME = (1 << 16) - 1 - len(".npy")
"""Bytes of an array's name in an archive."""
SHOWN = 10
"""Names that a message lists, and letters of one that is too long."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class _Stored:
    """An array in a file: ``open`` gives its ``size`` bytes as a stream, ``where`` names it."""

    open: Callable[[], AbstractContextManager[IO[bytes]]]
    size: int
    where: str

    def check(self, tensor: Tensor) -> None:
        """Raise InputError unless the header fits its size and the input; nothing else is read."""
        with self.open() as file:
            promised = _promised(file, self.size, self.where)
        check_input(promised, tensor, self.where)
        batch_of([promised], [tensor], self.where)

    def read(self) -> NDArray[Any]:
        """The array, whose header has been checked."""
        try:
            with self.open() as file:
                return np.lib.format.read_array(file, allow_pickle=False)
        except _HEADER_ERRORS as error:
            raise _damaged(self.where, error) from None


def gather(given: Sequence[str], inputs: Sequence[Tensor]) -> dict[str, NDArray[Any]]:
    """Arrays by input name from the values of ``--input``; ``inputs`` are those of the model.

    Raises InputError for a file that cannot be read and for an array that no input takes: names,
    types and shapes are compared before anything is expanded.
    """
    tensors = {tensor.name: tensor for tensor in inputs}
    out: dict[str, NDArray[Any]] = {}
    for text in given:
        name, path = _split(text, list(tensors))
        for key, array in _arrays(name, path, tensors).items():
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


def _arrays(name: str | None, path: str, tensors: Mapping[str, Tensor]) -> dict[str, NDArray[Any]]:
    """The arrays of one file by input name."""
    try:
        with open_regular(path) as (file, size):
            stored = _stored(file, size, path)
            chosen = _chosen(stored, name, path, list(tensors))
            for key, array in chosen.items():
                array.check(tensors[key])
            return {key: array.read() for key, array in chosen.items()}
    except OSError as error:
        raise InputError(f"{path}: cannot read: {error.strerror or error}") from None
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise InputError(f"{path}: not a valid .npz file: {error}") from None


def _chosen(
    stored: _Stored | dict[str, _Stored], name: str | None, path: str, names: Sequence[str]
) -> dict[str, _Stored]:
    """Those of a file's arrays that are inputs, by input name."""
    if isinstance(stored, _Stored):
        if name is None and len(names) != 1:
            raise InputError(f"{path}: which input is it? write NAME={path}, of {_listed(names)}")
        return {name if name is not None else names[0]: stored}
    if name is None:
        surplus = [key for key in stored if key not in names]
        if surplus:
            raise InputError(
                f"{path}: unexpected {_listed(surplus)}; the inputs are {_listed(names)}"
            )
        return stored
    if name not in stored and len(stored) != 1:
        raise InputError(f"{path}: holds no array {name!r}, but {_listed(list(stored))}")
    return {name: stored[name] if name in stored else next(iter(stored.values()))}


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(map(repr, names[:SHOWN])) or "none") + more


def _stored(file: BinaryIO, size: int, path: str) -> _Stored | dict[str, _Stored]:
    """The array of a ``.npy`` file, or the arrays of a ``.npz`` file by name.

    The content decides which of them the file is. Raises InputError.
    """
    start = file.read(6)
    if start == _NPY:
        return _Stored(partial(_from_start, file), size, path)
    if start[:4] not in _ZIP:
        what = "empty" if not start else "neither a .npy nor a .npz file"
        raise InputError(f"{path}: {what}; numpy.save and numpy.savez write such files")
    archive = zipfile.ZipFile(file)
    out: dict[str, _Stored] = {}
    for info in archive.infolist():
        name = info.filename.removesuffix(".npy")
        if name in out:
            raise InputError(f"{path}: holds two arrays {name!r}")
        out[name] = _Stored(partial(archive.open, info), info.file_size, f"{path}: {name}")
    if not out:
        raise InputError(f"{path}: holds no arrays")
    return out


def _from_start(file: BinaryIO) -> AbstractContextManager[IO[bytes]]:
    file.seek(0)
    return nullcontext(file)


def _promised(file: IO[bytes], size: int, where: str) -> NDArray[Any]:
    """An array of zeros, all in one place, of the shape and type that a stream's header names;
    InputError when they do not fit the ``size`` bytes of the stream."""
    try:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        elif version == (2, 0):
            shape, _, dtype = np.lib.format.read_array_header_2_0(file)
        else:  # 3.0 is for the field names of structured arrays
            raise ValueError(f"version {version} of the format is unknown or not of plain arrays")
    except _HEADER_ERRORS as error:
        raise _damaged(where, error) from None
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
    try:
        return np.broadcast_to(np.zeros((), dtype), shape)
    except _HEADER_ERRORS as error:
        raise _damaged(where, error) from None


def _damaged(where: str, error: Exception) -> InputError:
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return InputError(f"{where}: not a valid .npy file: {first}")


def to_npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The content of a ``.npz`` file; the same arrays give the same bytes.

    numpy.savez cannot write some names (``file``), and it writes to a file itself. Raises
    OutputError for a name that is too long for the format.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            length = len(name.encode())
            if length > MAX_NAME:
                raise OutputError(
                    f"output '{name[:SHOWN]}..' has a name of {length} bytes, and an archive's "
                    f"have at most {MAX_NAME}"
                )
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asanyarray(array), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            info.external_attr = 0o644 << 16
            archive.writestr(info, content.getvalue())
    return file.getvalue()
