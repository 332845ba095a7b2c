"""Output of the commands: results to stdout, messages to stderr, progress to stderr too."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from importlib.util import find_spec
from typing import TextIO

from ...errors import BackendError, OutputError, harmless, one_line

Say = Callable[[str], None]
MACS, BIT_OPS, CYCLES = "MACs", "bit ops", "cycles"
"""What counts are counts of, in heads of columns and behind figures; sizes, times and shares have
their units in each cell."""
COMPILER_LIBRARIES = ("onnx", "llvmlite")


def show(*lines: str) -> None:
    """Print results, each on one line and without control characters, and flush them.

    A reader that has seen enough (``| head``) ends the printing but not the command: the exit code
    is that of the work. Raises OutputError when stdout cannot be written (disk full).
    """
    if sys.stdout is None:
        return
    try:
        for line in lines:
            print(harmless(line))
        sys.stdout.flush()
    except BrokenPipeError:
        _silence(sys.stdout)
    except OSError as error:
        _silence(sys.stdout)
        raise OutputError(f"stdout: cannot write: {error.strerror}") from error


def show_text(text: str) -> None:
    """Print a result of several lines."""
    show(*text.split("\n"))


def show_json(value: object) -> None:
    """Print a result for programs: one JSON document."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    # What does not print is inside of strings, where JSON has an escape of its own for it.
    lines = text.split("\n")
    show(*("".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in s) for s in lines))


def complain(message: str) -> None:
    """Print one line on stderr, whatever characters the message has."""
    if sys.stderr is None:
        return
    with contextlib.suppress(BrokenPipeError):
        print(f"bnnc: {one_line(message)}", file=sys.stderr, flush=True)


def prepare_streams() -> None:
    """Characters that the terminal's encoding lacks print as escapes instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _silence(stream: TextIO) -> None:
    """Point the stream at nothing, or the interpreter complains when it closes it."""
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), stream.fileno())


SPARSELY = 10.0
"""Seconds between lines of progress where stderr is no terminal."""


def _silent(_: str) -> None:
    """No progress."""


def _sparse() -> Say:
    """What prints a line now and then, none in the first `SPARSELY` seconds."""
    last = time.monotonic()

    def say(message: str) -> None:
        nonlocal last
        if time.monotonic() - last >= SPARSELY:
            last = time.monotonic()
            complain(f"{message} ...")

    return say


@contextlib.contextmanager
def progress(quiet: bool = False) -> Generator[Say]:
    """A function that shows the current step on stderr: on a terminal in place, elsewhere as a line
    every `SPARSELY` seconds, and not at all if ``quiet``."""
    if quiet or sys.stderr is None:
        yield _silent
        return
    if not sys.stderr.isatty() or find_spec("rich") is None:
        yield _sparse()
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status("starting") as status:
        yield lambda message: status.update(escape(f"{one_line(message)} ..."))


def require_compiler(command: str) -> None:
    """Raise BackendError when the libraries of the compiler extra are not installed."""
    missing = [name for name in COMPILER_LIBRARIES if find_spec(name) is None]
    if missing:
        raise BackendError(f"{command} needs {' and '.join(missing)}; install bnnc[compiler]")


def table(rows: Iterable[Sequence[str]], left: Sequence[int] = (0,)) -> list[str]:
    """Rows as aligned columns; the columns ``left`` are aligned left, the others right."""
    cells = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if index in left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def bytes_text(count: int) -> str:
    """A size for people: ``512 B``, ``96.0 KB``, ``1.2 MB`` (1 KB = 1000 B)."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("KB", "MB"):
        value /= 1000
        if value < 999.5:
            return f"{value:.3g} {unit}"
    return f"{value / 1000:.3g} GB"


def count_text(count: int) -> str:
    """A count for people: ``0``, ``225.8k``, ``11.2M``. Of what, the head of its column says or the
    word behind it."""
    value = float(count)
    for unit in ("", "k", "M", "G"):
        if value < 999.5:
            return f"{value:.0f}" if not unit else f"{value:.3g}{unit}"
        value /= 1000
    return f"{value:.3g}T"


def time_text(seconds: float) -> str:
    """A duration for people: ``85.1 us``, ``1.42 ms``, ``2.1 s``."""
    for scale, unit in ((1e6, "us"), (1e3, "ms")):
        if seconds * scale < 999.5:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds:.3g} s"


def shape_text(shape: Sequence[object]) -> str:
    """``(N, 3, 32, 32)`` as ``Nx3x32x32``; a scalar as ``scalar``."""
    return "x".join("N" if dim is None else str(dim) for dim in shape) or "scalar"
