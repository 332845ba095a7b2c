"""Measures the zoo at full size and writes docs/zoo.md: `make zoo`, or `make zoo NETWORK=mlp`.

Each network is exported, compiled by the LLVM backend and verified for every x86 target that this
machine runs, and by the TVM backend for one, in processes of their own; rows of networks, and cells
of backends, that were not asked for stay as they are.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bnnc import runtime
from bnnc.backends.targets import TARGETS, host_features, host_machine
from bnnc.tools.verification.model_check import Report, verify

from . import EXPORTERS, Network, Size, registry

TABLE = Path(__file__).resolve().parents[2] / "docs" / "zoo.md"
X86 = ("x86-64-v2", "x86-64-v3", "x86-64-v4")
TVM_TARGET = "x86-64-v3"
SECONDS, GIBIBYTES = 60.0, 4.0
"""Limits of one compilation."""

HEAD = """\
# The zoo

Published networks, written by hand in PyTorch (`tests/zoo/`) with seeded weights and calibrated
normalisations, at their published widths, exported by both exporters of PyTorch. `make zoo` writes
this table; `make zoo NETWORK=mlp` renews one network's rows.

Each is compiled and verified for the levels of x86-64 that its row names; the row has the worst of
their results. *On bits*: layers that run on bits, of the layers whose activations and weights both
take two values. *Difference*: the largest of any output, as a fraction of the outputs' largest
value. *Bits*: elements that follow from counts and differ from their definition. *Near-ties*: signs
whose reference is within the float error of 0 and fell on the other side; where one changed an
entire run, its difference is no error bound, and the lines below the table name the layer and the
value. *Compile*: processor time of the entire command, which runs one thread; *memory*: its peak.
The columns that begin with *tvm* are the same for the TVM backend, compiled for x86-64-v3.

| network | exporter | x86-64 | on bits | difference | bits | near-ties | compile (s) \
| memory (GiB) | artifact (MB) | ONNX (MB) | tvm difference | tvm bits | tvm near-ties \
| tvm compile (s) |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
"""
OWN = {"llvm": slice(2, 11), "tvm": slice(11, 15)}
"""Cells of each backend."""
UNKNOWN = "–"


@dataclass
class Row:
    """What the table says of a network by one exporter."""

    network: Network
    exporter: str
    backend: str
    size: Size
    targets: list[str]
    onnx: float
    """Megabytes."""
    on_bits: int = 0
    difference: float = 0.0
    bits: int = 0
    near_ties: int = 0
    seconds: float = 0.0
    memory: float = 0.0
    """GiB."""
    artifact: float = 0.0
    moved: list[str] = field(default_factory=list[str])
    """Runs that a near-tie moved, each with its target."""
    wrong: list[str] = field(default_factory=list[str])

    def add(self, target: str, report: Report) -> None:
        """Take the worst of this and the targets before."""
        self.difference = max(self.difference, report.largest / (report.scale or 1.0))
        self.bits += report.kernels.bits
        self.near_ties = max(self.near_ties, len(report.near_ties))
        by = f"{self.backend} " if self.backend != "llvm" else ""
        self.moved += [f"{self.key}, {by}{target}: {text}" for text in report.near_tie_runs]
        if report.mismatch:
            self.wrong += [f"{target}: {line}" for line in report.lines()]

    def check(self) -> None:
        """Note what breaks a limit."""
        expected = self.network.binarizable[self.size]
        if self.on_bits != expected:
            self.wrong.append(f"{self.on_bits} layers on bits, not {expected}")
        if self.seconds > SECONDS or self.memory > GIBIBYTES:
            self.wrong.append(f"compiled in {self.seconds:.1f} s and {self.memory:.1f} GiB")

    @property
    def key(self) -> str:
        """What the lines below the table begin with."""
        return f"- {self.network.name}, {self.exporter}"

    def replaces(self, line: str) -> bool:
        """Whether a line below the table speaks of this row's runs."""
        ours = line.startswith(f"{self.key}, tvm ") == (self.backend == "tvm")
        return ours and line.startswith(f"{self.key},")

    def cells(self, before: list[str]) -> list[str]:
        """One line of the table; the cells of the other backend as they were."""
        cells = before or [self.network.name, self.exporter, *[UNKNOWN] * 13]
        cells[OWN[self.backend]] = self._own()
        return cells

    def _own(self) -> list[str]:
        difference = f"{self.difference:.1e}{' (near-tie)' if self.moved else ''}"
        near_ties = str(self.near_ties + len(self.moved))
        if self.backend == "tvm":
            return [difference, str(self.bits), near_ties, f"{self.seconds:.1f}"]
        return [
            " ".join(target.removeprefix("x86-64-") for target in self.targets),
            f"{self.on_bits} of {self.network.binarizable[self.size]}",
            difference,
            str(self.bits),
            near_ties,
            f"{self.seconds:.1f}",
            f"{self.memory:.2f}",
            f"{self.artifact:.2f}",
            f"{self.onnx:.1f}",
        ]


CHILD = """
import re, runpy, sys
from pathlib import Path
peak, module, *sys.argv[1:] = sys.argv[1:]
try:
    runpy.run_module(module, run_name="__main__", alter_sys=True)
finally:
    status = Path("/proc/self/status").read_text()
    Path(peak).write_text(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1])
"""
"""Runs a module and leaves its peak in a file: the maximum that wait4 gives starts from the memory
of the process that forked."""


def command(module: str, *arguments: str) -> tuple[float, float]:
    """Run a module in a process of its own: its processor seconds (which do not depend on what
    else runs) and its peak in GiB."""
    with tempfile.TemporaryDirectory(prefix="bnnc-zoo-") as folder:
        peak = Path(folder) / "peak"
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(peak), module, *arguments])
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"{module} {' '.join(arguments)}: exit code {child.returncode}")
        return usage.ru_utime + usage.ru_stime, int(peak.read_text()) / 2**20


def measure(network: Network, exporter: str, backend: str, size: Size, targets: list[str]) -> Row:
    """Export, compile and verify one network."""
    with tempfile.TemporaryDirectory(prefix="bnnc-zoo-") as folder:
        model, artifact = Path(folder) / f"{network.name}.onnx", Path(folder) / "model.so"
        command("zoo.export", network.name, size, exporter, str(model))
        row = Row(network, exporter, backend, size, targets, model.stat().st_size / 1e6)
        compile_ = partial(command, "bnnc", "compile", str(model), "--backend", backend)
        for target in targets:
            seconds, memory = compile_("--target", target, "-o", str(artifact))
            row.seconds, row.memory = max(row.seconds, seconds), max(row.memory, memory)
            row.artifact = max(row.artifact, artifact.stat().st_size / 1e6)
            with runtime.load(artifact) as loaded:
                row.on_bits = sum(layer["binarized"] for layer in loaded.metadata["layers"])
            row.add(target, verify(model, artifact, runs=1))
    row.check()
    return row


def renew(row: Row) -> None:
    """Write the table with this row in place of an older one."""
    rows: dict[tuple[str, str], list[str]] = {}
    moved: list[str] = []
    exporters = "|".join(EXPORTERS)
    for line in TABLE.read_text("utf-8").splitlines() if TABLE.exists() else ():
        if match := re.match(rf"\| (\w+) \| ({exporters}) \|", line):
            cells = [cell.strip() for cell in line.strip("| ").split("|")]
            rows[match[1], match[2]] = cells + [UNKNOWN] * (15 - len(cells))
        elif re.match(rf"- \w+, ({exporters}), ", line) and not row.replaces(line):
            moved.append(line)
    key = row.network.name, row.exporter
    rows[key] = row.cells(rows.get(key, []))
    known = registry()
    lines = [f"| {' | '.join(cells)} |" for at, cells in sorted(rows.items()) if at[0] in known]
    text = HEAD + "\n".join([*lines, "", *sorted(moved + row.moved)])
    TABLE.write_text(text.rstrip() + "\n", "utf-8")


def runnable() -> list[str]:
    """The x86 targets whose code this machine runs."""
    return [
        name
        for name in X86
        if TARGETS[name].machine == host_machine()
        and host_features().issuperset(TARGETS[name].host_features)
    ]


def main() -> int:
    known = registry()
    parser = argparse.ArgumentParser(prog="make zoo", description=__doc__)
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=", ".join(known))
    parser.add_argument("--size", choices=("reduced", "full"), default="full")
    parser.add_argument("--exporter", choices=EXPORTERS, action="append")
    parser.add_argument("--target", choices=runnable(), action="append")
    parser.add_argument("--backend", choices=tuple(OWN), action="append")
    arguments = parser.parse_args()
    if unknown := set(arguments.networks) - set(known):
        parser.error(f"no network {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    targets = {
        "llvm": arguments.target or runnable(),
        "tvm": arguments.target or [TVM_TARGET],
    }
    wrong = False
    for name in arguments.networks or known:
        for exporter in arguments.exporter or EXPORTERS:
            for backend in arguments.backend or OWN:
                row = measure(known[name], exporter, backend, arguments.size, targets[backend])
                print(" | ".join(row.cells([])), *row.moved, *row.wrong, sep="\n", flush=True)
                wrong = wrong or bool(row.wrong)
                if arguments.size == "full":
                    renew(row)
    return int(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
