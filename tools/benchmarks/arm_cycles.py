"""docs/arm.md: what LLVM's models of Arm cores predict for binary layers, next to a plain loop.

`python -m bnnc.tools.benchmarks.arm_cycles docs/arm.md` compiles layers, emulates one call of each
to learn which instructions run how often, and asks llvm-mca what those cost on each core. It needs
llvm-mca, llvm-objdump and qemu-aarch64.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...backends.cost_model import NO_CONSTANTS, Constants, PredictedCost
from ...backends.interface import Choice, KernelDescriptor
from ...backends.single_layer_library import piece_manifest
from ...backends.targets import Target
from ...driver import import_model, load_backend, lower, resolve_target
from ...ir import Op
from ...options import Options
from ...runtime import artifact
from ...runtime.c_header import c_header
from ..command_line.exits import guarded
from .executed_code import NAME, Run, cycles, executed, require
from .inner_layers import middle
from .networks import POINTWISE, SHAPES, Shape, chain
from .tables import table
from .to_onnx import to_onnx

CORES = {
    "cortex-a57": "Cortex-A57, A76",
    "neoverse-n1": "Neoverse N1",
    "neoverse-v1": "Neoverse V1",
    "apple-m1": "Apple M1",
}
TARGET = "cortex-a76"
PACKED, SLICED = "binary_conv", "binary_conv_sliced bits=256"
LEAST = 128
"""Pixels of maps that are sliced: smaller ones leave most of a plane empty."""
LAYERS = (*SHAPES, POINTWISE[-1])
CASES = tuple(
    (shape, kernel)
    for shape in LAYERS
    for kernel in (PACKED, SLICED)
    if kernel == PACKED or shape.size**2 >= LEAST
)
PIXELS, CHANNELS = 4, 8
PAGE = """\
# Arm cores

Cycles for 1,000 products of binary layers, as LLVM's models of cores (llvm-mca) predict them; no
board has been measured. Written by `python -m bnnc.tools.benchmarks.arm_cycles docs/arm.md`.

- A layer is the middle of a chain, bits in and bits out: padding, tables, thresholds and all upkeep
  are included. One call is emulated, so that each run of instructions counts as often as it is
  executed. Code is that of `--target {target}`.
- The *plain loop* is 32 EOR, 32 CNT, 28 ADDP, 4 UADALP and 12 loads for 4,096 products, the mix of
  hand-written kernels for channel-packed words (Larq Compute Engine's register block), written for
  this table; nothing but that loop is counted.
- Models let every load hit the first-level cache; *constants* are the bytes that a layer reads of
  weights and programs. LLVM describes Cortex-A76 by its model of Cortex-A57, which has three
  instructions a cycle, one load and two operations for each selection of bits; the core itself is
  closer to Neoverse N1.

{rows}

`binary_conv_sliced` is half a plane addition a product, in 256 pixels of two registers that share a
program. Of the inputs five are a group, two planes that a channel adds: a full adder of them takes
EOR and BSL where the table holds what tells the planes apart, the adders above EOR, EOR and BSL.
EOR3 and BCAX would save no instruction: the exclusive or of two planes is needed by itself, as the
mask of the selection; and Neoverse V1 begins one of them a cycle, four of the others.

By default constants grow only where the network gains enough by it; `--optimize speed` takes the
fastest kernel of each layer.
"""


@dataclass(frozen=True)
class Row:
    """A layer by one kernel: bytes of constants, and cycles for 1,000 products by core."""

    layer: str
    kernel: str
    constants: int
    cycles: dict[str, float]


class _Preferring(PredictedCost):
    """The kernels' estimates, with one choice that costs nothing."""

    def __init__(self, text: str, target: Target, kernels: tuple[KernelDescriptor, ...]) -> None:
        super().__init__(target, kernels)
        self.text = text

    def cost(self, op: Op, choice: Choice, constants: Constants = NO_CONSTANTS) -> float:
        return 0.0 if str(choice) == self.text else super().cost(op, choice, constants)


def plain_loop() -> tuple[Run, int]:
    """The loop of a hand-written kernel, and its products: a block of 4 pixels by 8 channels, 128
    bits each."""
    lines = [f"ld1 {{v{i}.16b, v{i + 1}.16b}}, [x{i}], #32" for i in range(0, 4, 2)]
    lines += [f"ldr q{4 + i}, [x8, #{16 * i}]" for i in range(8)]
    lines += ["add x8, x8, #128", "subs x9, x9, #1"]
    for pixel in range(PIXELS):
        lines += [f"eor v{16 + c}.16b, v{pixel}.16b, v{4 + c}.16b" for c in range(CHANNELS)]
        lines += [f"cnt v{16 + c}.16b, v{16 + c}.16b" for c in range(CHANNELS)]
        pairs = [(16, 16, 17), (18, 18, 19), (20, 20, 21), (22, 22, 23)]
        pairs += [(16, 16, 18), (20, 20, 22), (16, 16, 20)]
        lines += [f"addp v{d}.16b, v{a}.16b, v{b}.16b" for d, a, b in pairs]
        lines.append(f"uadalp v{28 + pixel}.8h, v16.16b")
    return Run((*lines, "b.ne #0"), 1), PIXELS * CHANNELS * 128


def measured(shape: Shape, kernel: str) -> Row:
    """One layer by one kernel."""
    target, backend = resolve_target(TARGET), load_backend("llvm")
    costs = _Preferring(kernel, target, backend.kernels)
    model = import_model(to_onnx(chain(shape, 2)))
    graph, _ = lower(model, costs, Options(optimize="speed"))
    inner, _ = middle(graph)
    code = backend.lower(inner, target)
    manifest = piece_manifest(inner, code, target, NAME)
    data = code.emit("obj", NAME, artifact.section_bytes(manifest))
    runs = executed(data, c_header(manifest))
    thousands = shape.macs / 1000
    predicted = {core: cycles(runs, core) / thousands for core in CORES}
    return Row(shape.name, str(code.schedule[-1].choice), code.constant_bytes, predicted)


def page(rows: Sequence[Row]) -> str:
    """The page: the plain loop, then each row with its ratio to it."""
    run, products = plain_loop()
    plain = {core: cycles([run], core) * 1000 / products for core in CORES}
    cells = [["plain loop", "", "", *(f"{plain[core]:.1f}" for core in CORES)]]
    for row in rows:
        ratios = (f"{row.cycles[c]:.1f} ({row.cycles[c] / plain[c]:.2f})" for c in CORES)
        cells.append([row.layer, f"`{row.kernel}`", f"{row.constants:,}", *ratios])
    lines = table(("layer", "kernel", "constants, bytes", *CORES.values()), cells)
    return PAGE.format(target=TARGET, rows="\n".join(lines))


def run(arguments: argparse.Namespace) -> int:
    """All layers by all kernels."""
    require()
    text = page([measured(shape, kernel) for shape, kernel in CASES])
    path: Path | None = arguments.file
    if path is None:
        sys.stdout.write(text)
    else:
        path.write_text(text, encoding="utf-8")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bnnc.tools.benchmarks.arm_cycles", description=__doc__
    )
    parser.add_argument("file", nargs="?", type=Path, help="where to write (default: stdout)")
    arguments = parser.parse_args(argv)
    return guarded(lambda: run(arguments))


if __name__ == "__main__":
    raise SystemExit(main())
