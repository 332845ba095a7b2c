"""The command ``bnnc``: arguments, exit codes, and one clear line for everything that goes wrong.

Commands load what they need when they run, so that those which only run artifacts work where only
NumPy is installed. Exit codes: 0 done, 1 verify found a mismatch, 2 the user's input or
environment, 70 an internal error, 130 interrupted.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from ...errors import BnncError, ModelError
from ...version import __version__
from .commands import COMMANDS
from .console import show, show_json
from .exits import DONE, guarded

DESCRIPTION = "Compile binarized ONNX networks to small native libraries, run and inspect them."
EPILOG = """\
examples:
  bnnc compile mnist.onnx                          write mnist.so for this machine
  bnnc compile mnist.onnx --target arm64 -o a.so   for another one
  bnnc inspect mnist.onnx                          each layer: binarized or not, and why
  bnnc verify mnist.onnx mnist.so                  against ONNX Runtime
  bnnc run mnist.so --input images.npy -o out.npz

exit codes:
  0 done, 1 verify found a mismatch, 2 bad input or environment, 70 internal error (BNNC_DEBUG=1
  shows the traceback), 130 interrupted

A compiled model is native code: load only what you trust.
"""


class UsageError(BnncError):
    """The arguments make no sense."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are one line, like all others."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError instead of printing the usage."""
        raise UsageError(f"{message}; see {self.prog} --help")


def parser() -> argparse.ArgumentParser:
    """All commands and their arguments."""
    formatter = argparse.RawDescriptionHelpFormatter
    top = Parser("bnnc", description=DESCRIPTION, epilog=EPILOG, formatter_class=formatter)
    top.add_argument("--version", action="version", version=f"bnnc {__version__}")
    added = top.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = added.add_parser(
            command.NAME,
            help=command.HELP,
            description=command.DESCRIPTION,
            epilog=f"examples:\n{command.EXAMPLES}",
            formatter_class=formatter,
            allow_abbrev=False,
        )
        command.add_arguments(sub)
        sub.set_defaults(run=command.run, commands=COMMANDS)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return guarded(lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = parser().parse_args(argv)
    except SystemExit as done:  # --help and --version
        show()
        return DONE if done.code is None else int(done.code)
    try:
        return arguments.run(arguments)
    except ModelError as error:
        if getattr(arguments, "json", False):
            show_json({"error": str(error), "problems": list(error.problems)})
        raise
