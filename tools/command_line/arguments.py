"""Arguments that several commands share, and the parsers of their values."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from ...errors import InputError
from ...options import FLAGS, Options

MAX_DIM = (1 << 31) - 1
_SHAPE = re.compile(r"(?P<name>.+?)=(?P<dims>[^=,]*)(?:,|$)", re.DOTALL)
_DIMS = re.compile(r"(N|-1|[0-9]{1,10})(x[0-9]{1,10})*", re.ASCII)


class Fixed(NamedTuple):
    """The shape that the user gives to one input; -1 first leaves the batch open."""

    name: str
    dims: tuple[int, ...]


def shapes(text: str) -> list[Fixed]:
    """``a=1x3x32x32,b=Nx10`` as names and sizes."""
    fixed: list[Fixed] = []
    position = 0
    while position < len(text):
        match = _SHAPE.match(text, position)
        if match is None:
            raise argparse.ArgumentTypeError(f"expected NAME=1x3x32x32, got {text[position:]!r}")
        fixed.append(Fixed(match["name"], _dims(match["dims"])))
        position = match.end()
    if not fixed:
        raise argparse.ArgumentTypeError("expected NAME=1x3x32x32, got nothing")
    return fixed


def _dims(text: str) -> tuple[int, ...]:
    if _DIMS.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(
            f"expected sizes as in 1x3x32x32 (N first leaves the batch open), got {text!r}"
        )
    dims = tuple(-1 if size in ("N", "-1") else int(size) for size in text.split("x"))
    if not all(dim == -1 or 1 <= dim <= MAX_DIM for dim in dims):
        raise argparse.ArgumentTypeError(f"sizes are from 1 to {MAX_DIM}, got {text!r}")
    return dims


def by_name(given: list[list[Fixed]] | None) -> dict[str, tuple[int, ...]]:
    """The values of ``--shape`` as one mapping; InputError when a name is given two shapes."""
    out: dict[str, tuple[int, ...]] = {}
    for name, dims in (fixed for option in given or [] for fixed in option):
        if out.setdefault(name, dims) != dims:
            raise InputError(f"--shape gives {name!r} two shapes")
    return out


def positive(text: str) -> int:
    """An integer of at least 1."""
    return _integer(text, 1)


def natural(text: str) -> int:
    """An integer of at least 0."""
    return _integer(text, 0)


def _integer(text: str, least: int) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or int(text) < least:
        raise argparse.ArgumentTypeError(
            f"expected an integer from {least} to 999999999, got {text!r}"
        )
    return int(text)


def seconds(text: str) -> float:
    """A positive number of seconds."""
    value = _number(text)
    if not 0 < value <= 86400:
        raise argparse.ArgumentTypeError(f"expected seconds up to a day, got {text!r}")
    return value


def tolerance(text: str) -> float:
    """A finite number that is not negative."""
    value = _number(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number from 0 up, got {text!r}")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number, got {text!r}") from None


def add_threads(parser: argparse.ArgumentParser) -> None:
    """``--threads``, as `runtime.load` takes it."""
    parser.add_argument(
        "--threads",
        type=natural,
        metavar="N",
        help="threads of one call, up to 64; 0: one for each core (default: $BNNC_THREADS, else 1)",
    )


def add_quiet(add: Callable[..., object]) -> None:
    """``-q``, by the ``add_argument`` of a parser or of a group in one. A file that is written is
    the result, and the line that tells of it a remark."""
    add("-q", "--quiet", action="store_true", help="print only results, warnings and errors")


def add_options(parser: argparse.ArgumentParser, *names: str, about: str | None = None) -> None:
    """The flags of some of the compiler's options; ``about`` begins their help otherwise."""
    for name in names:
        flag = FLAGS[name]
        text = flag.help if about is None else about + flag.help[flag.help.index(":") :]
        settings: dict[str, Any] = {
            "dest": name,
            "default": argparse.SUPPRESS,
            "help": text.replace("%", "%%"),
        }
        if flag.reads == "switch":
            settings["action"] = "store_false" if getattr(Options, name) else "store_true"
        elif flag.choices is not None:
            settings["choices"] = flag.choices
        else:
            settings |= {"metavar": flag.metavar, "type": _READERS[flag.reads]}
        if flag.reads == "shapes":
            settings["action"] = "append"
        parser.add_argument(flag.name, **settings)


_READERS = {"text": str, "positive": positive, "seconds": seconds, "shapes": shapes}


def options_of(arguments: argparse.Namespace) -> Options:
    """What the flags of `add_options` say; InputError for one that needs another."""
    given = {name: value for name, value in vars(arguments).items() if name in FLAGS}
    if "shapes" in given:
        given["shapes"] = by_name(given["shapes"])
    options = Options(**given)
    for name in FLAGS:
        needs = FLAGS[name].needs
        if name in given and needs is not None and not getattr(options, needs[0]):
            raise InputError(needs[1])
    return options
