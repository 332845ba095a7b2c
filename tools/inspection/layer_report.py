"""Layers as text and JSON: the same rows for a model, an artifact and a compilation.

Text keeps to the terminal's width, between 80 and 120 columns: long notes go below their row.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...errors import one_line
from ..command_line.console import (
    BIT_OPS,
    CYCLES,
    MACS,
    bytes_text,
    count_text,
    shape_text,
    table,
    time_text,
)

if TYPE_CHECKING:
    from ...runtime.manifest import Layer, Manifest, Tensor

HEAD = ("layer", "on bits", "input", "output", MACS, BIT_OPS, "weights")
LEFT = (0, 1, 2, 3)
INDENT, LABEL = 4, 7
CLOCK = 2.5e9
"""Cycles a second by which predicted cycles are told as times."""
NARROWEST, WIDEST = 80, 120


def columns() -> int:
    """Columns that text may fill: those of the terminal or of $COLUMNS, within bounds; 100 in a
    pipe."""
    return min(max(shutil.get_terminal_size((100, 24)).columns, NARROWEST), WIDEST)


@dataclass(frozen=True)
class Row:
    """A layer for display: what it computes, and labelled sentences below it."""

    layer: Layer
    operation: str
    notes: Sequence[tuple[str, str]]
    computed: Sequence[Computed] = ()

    @property
    def bare(self) -> Row:
        """The layer without what stands below it."""
        return replace(self, operation="", notes=(), computed=())


@dataclass(frozen=True)
class Computed:
    """A kernel that computes a layer, its predicted cycles for one sample, and the text of its node
    where the graph is known."""

    kernel: str
    cycles: int
    ir: str = ""

    @property
    def text(self) -> str:
        """``binary_conv (llvm), predicted 12.3k cycles, 4.92 us at 2.5 GHz``."""
        backend = "tvm" if self.kernel.startswith("tvm_") else "llvm"
        time = time_text(self.cycles / CLOCK)
        clock = f"{time} at {CLOCK / 1e9:g} GHz"
        return f"{self.kernel} ({backend}), predicted {count_text(self.cycles)} {CYCLES}, {clock}"


def operation(layer: Layer) -> str:
    """What a layer computes: ``conv 3x3, stride 1, pads 1``."""
    return f"{layer.op} {layer.window}".rstrip()


def rows_of(manifest: Manifest) -> list[Row]:
    """The layers of a manifest, with the kernels that have their names."""
    by_name: dict[str, list[Computed]] = {}
    for kernel in manifest.kernels:
        if kernel.macs:
            by_name.setdefault(kernel.name, []).append(Computed(kernel.kernel, kernel.cycles))
    return [
        Row(layer, operation(layer), [("why", layer.reason)], by_name.get(layer.name, ()))
        for layer in manifest.layers
    ]


def layer_lines(layers: Sequence[Row]) -> list[str]:
    """A row for each layer with its notes below, and the totals."""
    if not layers:
        return ["no layers"]
    rows = [_cells(row.layer) for row in layers]
    counted = totals([row.layer for row in layers])
    total = (
        "total",
        f"{counted['binarized']} of {counted['total']}",
        "",
        "",
        count_text(counted["macs"]),
        count_text(counted["binary_macs"]),
        bytes_text(counted["weight_bytes"]),
    )
    width = columns()
    # Names too long for their column stand on a line of their own above the row.
    numbers = table([row[1:] for row in (HEAD, *rows, total)], [i - 1 for i in LEFT if i])
    room = max(10, width - 2 - max(map(len, numbers)))
    room = max([len(row[0]) for row in rows if len(row[0]) <= room] or [10])
    out = [f"{HEAD[0]:{room}}  {numbers[0]}"]
    for row, line, shown in zip(rows, numbers[1:-1], layers, strict=True):
        name = row[0]
        if len(name) > room:
            out.append(name)
            name = ""
        out.append(f"{name:{room}}  {line}")
        by = [("by", computed.text) for computed in shown.computed]
        for label, text in (("op", shown.operation), *by, *shown.notes):
            out += _note(label, text, width) if text else []
    return [*out, f"{'total':{room}}  {numbers[-1]}"]


def _note(label: str, text: str, width: int) -> list[str]:
    """``why  activations are float: ..`` below a row, wrapped."""
    return wrapped(f"{'':{INDENT}}{label:{LABEL}}  ", text, width)


def wrapped(head: str, text: str, width: int | None = None) -> list[str]:
    """``head`` and a text whose further lines are indented equally; names are not broken."""
    return textwrap.wrap(
        one_line(text),
        width or columns(),
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [head.rstrip()]


def _cells(layer: Layer) -> tuple[str, ...]:
    return (
        one_line(layer.name),
        state_text(layer, "yes", "no"),
        shape_text(layer.input),
        shape_text(layer.output),
        count_text(layer.macs),
        count_text(layer.binary_macs),
        bytes_text(layer.weight_bytes),
    )


def state_text(layer: Layer, on_bits: str, as_floats: str) -> str:
    """How a layer runs: of integers, and of floats with weights of few levels, the bits of
    activations and of weights: ``8x2``, ``32x1``."""
    if layer.binarized:
        return on_bits
    return as_floats if layer.weight_bits == 32 else f"{layer.activation_bits}x{layer.weight_bits}"


def on_bits_text(layers: Sequence[Layer]) -> str:
    """``2 of 6 layers on bits, 3 on integers``."""
    counted = totals(layers)
    integers = f", {counted['integers']} on integers" if counted["integers"] else ""
    return f"{counted['binarized']} of {counted['total']} layers on bits{integers}"


def totals(layers: Sequence[Layer]) -> dict[str, int]:
    """Sums over layers, with the keys of the JSON.

    ``macs`` are multiply-accumulates of one sample; ``binary_macs`` those of them on bits;
    ``float32_bytes`` those of the weights as floats (counted in eights), however a file has them;
    ``integers`` counts layers that multiply integers.
    """
    return {
        "binarized": sum(layer.binarized for layer in layers),
        "integers": sum(not layer.binarized and layer.activation_bits < 32 for layer in layers),
        "total": len(layers),
        "macs": sum(layer.macs for layer in layers),
        "binary_macs": sum(layer.binary_macs for layer in layers),
        "weight_bytes": sum(layer.weight_bytes for layer in layers),
        "float32_bytes": sum(layer.weight_bytes * 32 // layer.weight_bits for layer in layers),
    }


def smaller_text(layers: Sequence[Layer], nbytes: int) -> str:
    """How the size of a library compares with float32 weights of the layers."""
    before, after = totals(layers)["float32_bytes"], bytes_text(nbytes)
    if not before:
        return after
    times = f"{before / nbytes:.1f}x smaller" if before > nbytes else "no smaller"
    return f"{after}, {times} than {bytes_text(before)} of float32 weights"


def tensor_lines(title: str, tensors: Sequence[Tensor]) -> list[str]:
    """One line each: ``input  image: float32 Nx1x28x28``."""
    return [f"{title:7} {t.name}: {t.dtype} {shape_text(t.shape)}" for t in tensors]


def almost_binary(layers: Sequence[Layer]) -> list[Layer]:
    """Layers on binary activations that stay float because of their weights."""
    return [layer for layer in layers if not layer.binarized and layer.reason.startswith("weights")]
