"""``bnnc targets``: the targets that code can be generated for."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from ..console import show, show_json, table

NAME = "targets"
HELP = "list the targets"
DESCRIPTION = """\
List the targets: other names (boards), the LLVM triple and CPU, the width of vectors, how bits are
counted, and whether this machine can run the code. `--target TRIPLE:CPU` names any other that LLVM
knows."""
EXAMPLES = """\
  bnnc targets
  bnnc targets --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, with features")


def run(arguments: argparse.Namespace) -> int:
    from ...inspection.target_list import targets

    listed = targets()
    if arguments.json:
        show_json([asdict(target) for target in listed])
        return 0
    rows: list[tuple[str, ...]] = [
        ("target", "also", "triple", "cpu", "vector", "popcount", "runs here")
    ]
    for target in listed:
        here = "yes" if target.runs_here else f"no: {target.why_not}"
        vector = f"{target.vector_bits} bits" if target.vector_bits else "-"
        known = (target.name, ", ".join(target.aliases), target.triple, target.cpu)
        rows.append((*(text or "-" for text in known), vector, target.popcount or "-", here))
    show(*table(rows, left=range(7)))
    return 0
