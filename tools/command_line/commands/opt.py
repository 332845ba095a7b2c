"""``bnnc opt``: passes on the text form of the IR."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from ....errors import InputError, ParseError
from ..arguments import add_options, options_of
from ..console import require_compiler, show, show_text, table

if TYPE_CHECKING:
    from ....ir import Graph, Stage
    from ....passes import Context, Pass

NAME = "opt"
HELP = "run passes on IR text"
DESCRIPTION = """\
Run passes on the text form of the IR and print the result. Large constants are in a file beside
the text, FILE.npz; `bnnc compile --dump-ir DIR` writes both. --passes none only checks the text."""
EXAMPLES = """\
  bnnc opt --list
  bnnc opt 00-imported.bnn --passes canonicalize,constant-fold -o out.bnn
  bnnc opt net.bnn --passes 'fold-scale{exact=true}'
  bnnc opt packed.bnn --passes fuse-epilogue,select-kernels --target arm64
  cat small.bnn | bnnc opt - --passes binarize
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("file", metavar="FILE", nargs="?", help="IR text; - reads stdin")
    add("--passes", metavar="a,b{x=1}", help="passes in order, with their options")
    add("-o", "--output", metavar="OUT", help="write there, large constants to OUT.npz")
    add("--target", metavar="T", help="for passes that ask for one, such as select-kernels")
    add_options(parser, "backend", about="whose kernels to select from")
    add("--list", action="store_true", help="list the passes")


def run(arguments: argparse.Namespace) -> int:
    require_compiler("bnnc opt")
    if arguments.list:
        return _list()
    if arguments.file is None or arguments.passes is None:
        raise InputError("expected FILE and --passes, or --list; see bnnc opt --help")
    from ....files import check_writable
    from ....ir import print_graph, save, verify
    from ....passes import parse_pipeline, run_passes

    output = Path(arguments.output) if arguments.output is not None else None
    if output is not None:
        check_writable(output)
    passes = () if arguments.passes == "none" else parse_pipeline(arguments.passes)
    graph = _read(arguments.file)
    verify(graph)
    graph = run_passes(graph, passes, _context(arguments.target, options_of(arguments).backend))
    if output is None:
        show_text(print_graph(graph).rstrip("\n"))
    else:
        save(graph, output)
    return 0


def _read(file: str) -> Graph:
    from ....ir import load, parse

    if file != "-":
        return load(Path(file))
    if sys.stdin is None:
        raise ParseError("stdin: is closed")
    try:
        return parse(sys.stdin.buffer.read().decode("utf-8"), {}, "stdin")
    except UnicodeDecodeError as error:
        raise ParseError(f"stdin: not UTF-8 text: {error.reason}") from None


def _context(target: str | None, backend: str) -> Context:
    from ....backends.cost_model import PredictedCost
    from ....driver import load_backend, resolve_target
    from ....passes import Context

    if target is None:
        return Context()
    return Context(PredictedCost(resolve_target(target), load_backend(backend).kernels))


def _list() -> int:
    from ....passes import pass_types

    rows = [("pass", "options", "takes", "gives", "floats", "what it does")]
    rows += [_described(name, kind) for name, kind in pass_types().items()]
    show(*table(rows, left=range(6)))
    return 0


def _described(name: str, kind: type[Pass]) -> tuple[str, ...]:
    from ....ir import Stage

    takes = "any" if len(kind.requires) == len(Stage) else _stages(kind.requires)
    gives = _stages([kind.establishes]) if kind.establishes else "as it was"
    options = ",".join(f"{f.name}={str(f.default).lower()}" for f in fields(kind)) or "-"
    return name, options, takes, gives, kind.exactness, _first_sentence(kind.__doc__ or "")


def _first_sentence(text: str) -> str:
    paragraph = " ".join(text.strip().partition("\n\n")[0].split())
    return re.split(r"[.;:](?: |$)", paragraph)[0]


def _stages(stages: Iterable[Stage]) -> str:
    return "|".join(stage.name.lower() for stage in stages)
