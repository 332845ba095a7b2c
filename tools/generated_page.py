"""Pages of docs/ that are printed from the code: to a file, or to standard output."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def write_page(module: str, description: str | None, text: str, argv: Sequence[str] | None) -> int:
    """The command ``python -m MODULE [FILE]`` that writes a page; returns 0."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument("file", nargs="?", type=Path, help="where to write (default: stdout)")
    path: Path | None = parser.parse_args(argv).file
    if path is None:
        sys.stdout.write(text)
    else:
        path.write_text(text, encoding="utf-8")
    return 0
