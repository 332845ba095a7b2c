"""``bnnc expand``: the shared library of a compressed artifact."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..arguments import add_quiet
from ..console import bytes_text, show

NAME = "expand"
HELP = "write the shared library of a compressed artifact"
DESCRIPTION = """\
Write the shared library that an artifact of `bnnc compile --compress` holds, byte for byte what
compiling without --compress writes. C programs need it; Python loads both. Needs only NumPy,
whatever machine the artifact is for."""
EXAMPLES = """\
  bnnc expand mnist.bnnc
  bnnc expand mnist.bnnc -o build/libmnist.so
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("artifact", metavar="ARTIFACT", help="what bnnc compile --compress wrote")
    parser.add_argument("-o", "--output", metavar="OUT.so", help="default: its path with .so")
    add_quiet(parser.add_argument)


def run(arguments: argparse.Namespace) -> int:
    from ....errors import InputError, OutputError
    from ....files import check_writable, write_file
    from ....runtime.artifact import read_manifest
    from ....runtime.artifact_file import read_stored
    from ....runtime.compressed import expand, is_compressed

    path = arguments.artifact
    stored = read_stored(path)
    if not is_compressed(stored):
        raise InputError(f"{path}: not compressed; there is nothing to expand")
    output = Path(arguments.output or Path(path).with_suffix(".so"))
    check_writable(output)
    if output.exists() and output.samefile(path):
        raise OutputError(f"{output}: would overwrite the artifact; name another output")
    data = expand(stored, path)
    read_manifest(data, path)
    write_file(output, data)
    if not arguments.quiet:
        show(f"{output}: {bytes_text(len(stored))} -> {bytes_text(len(data))}")
    return 0
