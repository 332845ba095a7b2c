"""Which instructions of compiled arm64 code run how often, from one call under an emulator, and
the cycles that LLVM's model of a core (llvm-mca) predicts for them.

A run of instructions that are executed equally often is predicted as a loop of its own, with all
loads from the first-level cache; the runs are added up.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ...errors import InputError

NAME = "layer"
"""The prefix of the code's functions."""
ROOM = 1 << 22
"""Bytes of an input, and of a result."""
ITERATIONS = 100
_MAIN = f"""
#include "{NAME}.h"
#include <stdlib.h>
int main(void) {{
  static char input[{ROOM}], output[{ROOM}];
  int64_t dims[1] = {{1}};
  const void *inputs[1] = {{input}};
  void *outputs[1] = {{output}};
  uint64_t size = {NAME}_workspace_size(dims, 1);
  struct {NAME}_args args = {{.size = sizeof args, .dims = dims, .inputs = inputs,
    .outputs = outputs, .workspace = aligned_alloc(64, (size + 127) / 64 * 64), .threads = 1}};
  return {NAME}_run(&args);
}}
"""
_LINE = re.compile(r"\s*([0-9a-f]+):\s+(.*)")
_FUNCTION = re.compile(r"([0-9a-f]+) <(.*)>:")
_JUMP = re.compile(r"(?:b|b\.\w+|bl|cbn?z|tbn?z|br|blr|ret)\b")


@dataclass(frozen=True)
class Run:
    """Instructions that follow one another, executed equally often."""

    instructions: tuple[str, ...]
    times: int


@cache
def tool(name: str) -> str:
    """A program of LLVM's, the newest that is installed; InputError without one."""
    for found in (f"{name}-{version}" for version in range(40, 19, -1)):
        if shutil.which(found):
            return found
    raise InputError(f"{name} of LLVM 20 or newer is not installed: apt-get install llvm-22")


def require() -> None:
    """InputError unless all that is needed is installed."""
    tool("llvm-mca")
    tool("llvm-objdump")
    if shutil.which("qemu-aarch64") is None:
        raise InputError("qemu-aarch64 is not installed: apt-get install qemu-user")


def executed(code: bytes, header: str) -> list[Run]:
    """What one call of a layer runs, on an input of zeros, from its object and header."""
    with tempfile.TemporaryDirectory(prefix="bnnc-executed-") as name:
        folder = Path(name)
        (folder / f"{NAME}.h").write_text(header)
        (folder / f"{NAME}.o").write_bytes(code)
        (folder / "main.c").write_text(_MAIN)
        program = folder / "program"
        zig = [sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-linux-musl", "-static"]
        sources = [folder / "main.c", folder / f"{NAME}.o"]
        subprocess.run([*zig, "-O1", "-g0", f"-I{folder}", *sources, "-o", program], check=True)
        own = {match[2] for match in map(_FUNCTION.match, _disassembled(sources[1])) if match}
        listing: dict[int, str] = {}
        inside = False
        for line in _disassembled(program):
            if match := _FUNCTION.match(line):
                inside = match[2] in own
            elif inside and (match := _LINE.match(line)):
                listing[int(match[1], 16)] = match[2]
        return _runs(listing, _counts(program, min(listing), max(listing)))


def _disassembled(path: Path) -> list[str]:
    command = [tool("llvm-objdump"), "-d", "--no-show-raw-insn", str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def _counts(program: Path, first: int, last: int) -> Counter[int]:
    """How often each instruction between two addresses is executed, by address."""
    log = ["-singlestep", "-d", "exec,nochain", "-dfilter", f"{first:#x}..{last:#x}"]
    counts: Counter[bytes] = Counter()
    with subprocess.Popen(["qemu-aarch64", *log, program], stderr=subprocess.PIPE) as emulator:
        assert emulator.stderr is not None
        for line in emulator.stderr:
            if line.startswith(b"Trace"):
                start = line.index(b"/") + 1
                counts[line[start : start + 16]] += 1
    if emulator.returncode:
        raise InputError(f"the layer ended with {emulator.returncode} under qemu-aarch64")
    return Counter({int(address, 16): times for address, times in counts.items()})


def _runs(listing: dict[int, str], counts: Counter[int]) -> list[Run]:
    runs: list[Run] = []
    expected = 0
    for address, times in sorted(counts.items()):
        text = listing[address]
        if address == expected and times == runs[-1].times:
            runs[-1] = Run((*runs[-1].instructions, text), times)
        else:
            runs.append(Run((text,), times))
        expected = 0 if _JUMP.match(text) else address + 4
    return runs


def cycles(runs: Sequence[Run], core: str) -> float:
    """Cycles of all runs on a core, by LLVM's model of it."""
    parts: list[str] = []
    for number, run in enumerate(runs):
        body = "\n".join(map(_assembled, run.instructions))
        parts.append(f"# LLVM-MCA-BEGIN r{number}\n{body}\n# LLVM-MCA-END\n")
    command = [
        tool("llvm-mca"), "-mtriple=aarch64", f"-mcpu={core}", "-mattr=+dotprod,+lse,+rdm",
        f"-iterations={ITERATIONS}", "-instruction-info=0", "-resource-pressure=0",
    ]  # fmt: skip
    text = "".join(parts)
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    found = [int(total) for total in re.findall(r"Total Cycles:\s+(\d+)", done.stdout)]
    if len(found) != len(runs):
        raise InputError(f"llvm-mca {core}: {done.stderr.strip().splitlines()[0]}")
    return sum(c * run.times for c, run in zip(found, runs, strict=True)) / ITERATIONS


def _assembled(text: str) -> str:
    """An instruction of a listing as an assembler reads it; where a jump leads does not matter."""
    text = re.sub(r"\s*(<.*>|//.*|;.*)", "", text)
    text = re.sub(r"^adrp?(\s+\w+), .*", r"adr\1, #0", text)
    return re.sub(r"0x[0-9a-f]+$", "#0", text) if _JUMP.match(text) else text
