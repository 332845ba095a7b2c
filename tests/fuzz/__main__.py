"""The long mode: ``python -m fuzz --graphs 2000``. Exit code 1 when something was found."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from .check import Result, examine, smaller
from .networks import network
from .shrink import described

WRONG = ("mismatch", "refused", "crash")


def main() -> int:
    """Run the networks, print each finding at once and the counts at the end."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    add = parser.add_argument
    add("--graphs", type=int, default=2000, help="how many networks (default 2000)")
    add("--start", type=int, default=0, help="number of the first one (default 0)")
    add("--target", default="native", help="target to compile for (default: this machine)")
    add("--backend", default="llvm", help="code generator (default: llvm)")
    add("--no-shrink", action="store_true", help="report findings without shrinking them")
    arguments = parser.parse_args()
    counts: Counter[str] = Counter()
    forms: dict[tuple[str, str], Counter[bool]] = {}
    started = time.perf_counter()
    for index in range(arguments.start, arguments.start + arguments.graphs):
        result = examine(network(index), arguments.target, arguments.backend)
        tally(result, counts, forms)
        for text in result.missed:
            print(f"{result.network.title}: not on bits: {text}")
        if result.findings:
            show(result, arguments.target, arguments.backend, not arguments.no_shrink)
        if (index + 1 - arguments.start) % 50 == 0:
            print(progress(index + 1 - arguments.start, counts, started), flush=True)
    print(progress(arguments.graphs, counts, started))
    print("\n".join(shares(forms)))
    return 1 if any(counts[kind] for kind in WRONG) else 0


def tally(
    result: Result, counts: Counter[str], forms: dict[tuple[str, str], Counter[bool]]
) -> None:
    """Count the findings of a network, and its layers by the forms of their operands."""
    counts["exact" if result.network.exact else "realistic"] += 1
    counts["near-ties"] += bool(result.near_ties)
    for kind in {f.kind for f in result.findings}:
        counts[kind] += 1
    counts["missed"] += len(result.missed)
    for layer in result.network.layers:
        verdict = result.binarized.get(layer.node)
        if verdict is not None:
            forms.setdefault((layer.activation, layer.weights), Counter())[verdict[0]] += 1
            counts["layers"] += 1
            counts["on bits"] += verdict[0]


def show(result: Result, target: str, backend: str, shrinking: bool) -> None:
    """Print the findings and a smaller model that has one."""
    print(result.network.title)
    for finding in result.findings[:3]:
        print(f"  {finding.kind}: {finding.text}")
    if shrinking:
        print(described(smaller(result, target, backend)))
    sys.stdout.flush()


def progress(done: int, counts: Counter[str], started: float) -> str:
    """One line."""
    return (
        f"{done} networks ({counts['exact']} exact, {counts['realistic']} realistic) in "
        f"{time.perf_counter() - started:.0f} s: {counts['mismatch']} mismatches, "
        f"{counts['refused']} refused, {counts['crash']} crashes, "
        f"{counts['no reference']} without reference; {counts['near-ties']} with "
        f"near-ties; {counts['on bits']} of {counts['layers']} layers on bits, "
        f"{counts['missed']} missed"
    )


def shares(forms: dict[tuple[str, str], Counter[bool]]) -> list[str]:
    """A line for each pair of activations and weights: layers on bits of layers."""
    return [
        f"  {activation} x {weights}: {on_bits[True]} of {on_bits.total()}"
        for (activation, weights), on_bits in sorted(forms.items())
    ]


if __name__ == "__main__":
    sys.exit(main())
