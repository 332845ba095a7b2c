"""Relocatable object to shared library, with the LLD of the ziglang wheel or the user's linker.

The file holds nothing of where, when or by whom it was made: no build id and no path.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from ..errors import BackendError
from ..files import cleaning_up
from ..runtime.elf import parse_elf
from .targets import Target

ALLOWED_UNDEFINED = frozenset({"memcpy", "memmove", "memset"})
"""Symbols that an artifact may leave to the program that loads it."""

_OPTIONS = (
    "-shared",
    "--build-id=none",
    "--hash-style=gnu",
    "-z",
    "noexecstack",
    "-z",
    "relro",
    "-z",
    "now",
    "--strip-all",
)
_ONE_READ_ONLY_SEGMENT = ("--no-rosegment",)
"""Code and constants in one segment, which saves a page. Not all versions of GNU ld know LLD's word
for it; it has its own."""
_ONE_READ_ONLY_SEGMENT_OF_GNU = ("-z", "noseparate-code")
_ANDROID_OPTIONS = ("-z", "max-page-size=16384")
"""Segments for pages of 4 and of 16 KiB, which Google Play asks for; arm64 has 64 KiB anyway."""
_EMULATIONS = {"x86_64": "elf_x86_64", "aarch64": "aarch64linux"}
_OBJECT, _LIBRARY = "model.o", "model.so"
_TIMEOUT = 600.0


def link(obj: bytes, target: Target, linker: str | None = None, soname: str | None = None) -> bytes:
    """The shared library of one object. ``linker`` is a command that takes GNU ld's options.

    ``soname``: the name by which programs that are linked with the library look for it; without
    one they keep the path that their own linker was given.

    Raises BackendError when the linker is missing or fails, or when the library would need a
    symbol beyond memcpy, memmove and memset.
    """
    emulation = _EMULATIONS.get(target.machine)
    options = [*_OPTIONS, *(["-m", emulation] if emulation else [])]
    gnu = linker is not None and linker_version(linker).startswith("GNU ld")
    options += _ONE_READ_ONLY_SEGMENT_OF_GNU if gnu else _ONE_READ_ONLY_SEGMENT
    if "android" in target.triple and target.machine == "x86_64":
        options += _ANDROID_OPTIONS
    if soname is not None:
        options.append(f"-soname={soname}")
    with cleaning_up(), _folder() as folder:
        _write(Path(folder, _OBJECT), obj)
        _run([*_command(linker), *options, "-o", _LIBRARY, _OBJECT], folder)
        library = _read(Path(folder, _LIBRARY))
    undefined = set(parse_elf(library, "linked library").undefined_symbols()) - ALLOWED_UNDEFINED
    if undefined:
        raise BackendError(
            f"internal: the code for {target.name} needs symbols that an artifact must not need: "
            f"{', '.join(sorted(undefined))}"
        )
    return library


def linker_version(linker: str | None = None) -> str:
    """What the linker says of itself, on one line."""
    return _version(tuple(_command(linker)))


@cache
def _version(command: tuple[str, ...]) -> str:
    lines = _run([*command, "--version"], None).strip().splitlines()
    return lines[0] if lines else command[0]


def _command(linker: str | None) -> Sequence[str]:
    if linker is not None:
        try:
            words = shlex.split(linker)
        except ValueError as error:
            raise BackendError(f"--linker {linker!r}: {error}") from error
        if not words:
            raise BackendError("--linker is empty; expected a command such as ld.lld")
        # The linker runs in a folder of its own: a relative path would lose its meaning.
        program = shutil.which(words[0])
        if program is None:
            raise BackendError(f"the linker {words[0]} is not there, or cannot be run")
        return [os.path.abspath(program), *words[1:]]
    if importlib.util.find_spec("ziglang") is None:
        raise BackendError(
            "linking needs LLD from the package ziglang: install bnnc[compiler], or name another "
            "linker with --linker"
        )
    return [sys.executable, "-m", "ziglang", "ld.lld"]


def _run(command: Sequence[str], folder: str | None) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_TIMEOUT,
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        raise BackendError(f"cannot run the linker {command[0]}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise BackendError(f"the linker {command[0]} did not finish in {_TIMEOUT:g} s") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        reason = said[0] if said else f"exit status {done.returncode}"
        raise BackendError(f"the linker {command[0]} failed: {reason}")
    return done.stdout


def _folder() -> tempfile.TemporaryDirectory[str]:
    """A private folder to link in."""
    try:
        return tempfile.TemporaryDirectory(prefix="bnnc-")
    except OSError as error:
        raise BackendError(
            f"{error.filename or 'the temporary folder'}: cannot write for the linker: "
            f"{error.strerror or error}; TMPDIR names another folder"
        ) from error


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise BackendError(f"{path}: cannot write for the linker: {error.strerror}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BackendError(f"the linker wrote no library: {error.strerror}") from error
