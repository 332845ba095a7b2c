"""docs/performance.md, its plots and the README's figures, written from one run."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...files import write_file
from ..command_line.console import time_text
from . import backend_comparison, bnnc_contenders, compile_times, plots, tables
from .rows import Row

SECTIONS = (compile_times.SECTION, backend_comparison.SECTION)
"""Parts of the page that are measured on their own."""
BINARY = "OpenVINO binary, no VPOPCNTDQ"
BEGIN, END = "<!-- bench: written by make bench -->", "<!-- bench: end -->"

HEAD = """\
# Performance

`make bench` measures all of this in one run and writes this page, its plots and the figures of the
README.

{measured}

- All contenders of a row run in turns of 20 ms on the same pinned cores, warm, on the same random
  input; times are medians. Clocks of a shared machine move by half: only ratios within a row mean
  something.
- bnnc appears once for each target: `cascadelake` is AVX-512 without VPOPCNTDQ, `alderlake` AVX2
  with AVX-VNNI, `x86-64-v3` AVX2. Those that have figures ran on this machine. The peers use
  whatever its CPU has: {instructions}.
- *OpenVINO int8, AVX2* and its like are OpenVINO in a process of its own whose instructions are
  capped (`ONEDNN_MAX_CPU_ISA`) to what CPUs of a target have; that the cap holds is checked by its
  kernels' names, which tell AVX2, AVX-512 and AMX apart. *Same class* compares each target with the
  one that belongs to it, `native` with OpenVINO uncapped. ONNX Runtime has no such switch: *ORT
  int8* uses all instructions in every row.
- Networks have random weights and balanced signs, each sign one comparison and one selection,
  weights constant: no peer computes anything that an exporter left in the graph. All get the same
  ONNX file.
- int8 is ONNX Runtime's static quantization of that file (per channel, QDQ), which OpenVINO reads
  too. PyTorch runs each node eagerly, in inference mode and in the faster memory format. Larq
  Compute Engine runs the Keras twin from an environment of its own, and on x86 without tuned
  kernels: it has none for x86, its optimized binary convolutions are for ARM.
- Other processes used the cores for at most {disturbed:.0%} of a row's time; long calls suffer more
  from that than short ones.
- A contender without a figure is named under *Remarks* with the reason; that is no win.
"""

LAYERS = """\
## Layers

Binary convolutions, stride 1, zero padding, a sign before and BatchNormalization after. bnnc: the
middle of a compiled chain of {depth} layers, bits in and bits out, padding and thresholds included.
ONNX Runtime, OpenVINO, PyTorch and Larq: the whole chain, divided by {depth}. *OpenVINO binary*:
only its BinaryConvolution kernel, by its own counters, without the FakeQuantize and reorders that
it also needs; once unchanged and twice with instructions taken away by `ONEDNN_MAX_CPU_ISA`, since
a kernel bound by popcounts is a different one without VPOPCNTDQ.

The limit is measured in the same turns: a loop of VPTERNLOG (AVX2: VPXOR) on registers only, at
one operation a product. That is the cost of a pixel-sliced sum on AVX-512; AVX2 needs five
operations where AVX-512 needs two, and VPOPCNTDQ counts 512 products in one. *AMX tiles*, where the
CPU has them, is a loop of TDPBSSD, products of tiles of bytes, which a peer's int8 may use.

10^9 multiply-accumulates a second:

{speeds}

How many times faster bnnc is, and its share of the limit:

{ratios}

![Layers and limits](roofline.svg)
"""

NETWORKS = """\
## Networks

One thread, batch 1. How many times faster bnnc is:

{ratios}

![Milliseconds a call](latency.svg)

One thread, how many times faster bnnc is than OpenVINO int8 with the instructions of the target's
class:

{classes}

All batches and threads, time of one call:

{times}

Sizes; the first result is counted from opening the file:

{facts}

Where the time goes, one thread, batch 1, by kernel. `binary_conv` counts bits of packed channels,
`binary_conv_lookup` looks such counts up in tables of 16, `binary_conv_sliced` adds planes of
pixels; `transpose_bits` goes between the two layouts. `conv`, `gemm`, `pointwise` and most pools
are float.

{shares}
"""


def check(folder: Path) -> None:
    """Raise InputError unless the documents of this folder can be rewritten; called before long
    work."""
    readme = folder / "README.md"
    if not (folder / "docs").is_dir() or not readme.is_file():
        raise InputError(f"{folder}: no checkout with docs/ and README.md")
    marked(readme.read_text("utf-8"), "")


def rewrite(
    folder: Path, settings: Mapping[str, Any], layers: Sequence[Row], networks: Sequence[Row]
) -> None:
    """Write ``docs/performance.md`` and its plots and the marked part of ``README.md``; raises
    InputError where the folder is no checkout or no target has a figure."""
    check(folder)
    mine = [bnnc_contenders.name(target) for target in settings["targets"]]
    if not tables.ran([*layers, *networks], mine):
        raise InputError("no target ran here: the documents stay as they are")
    docs, readme = folder / "docs", folder / "README.md"
    single = [row for row in networks if row.batch == row.threads == 1 and row.times]
    targets = settings["targets"]
    write_file(docs / "latency.svg", plots.latency(single, targets).encode())
    write_file(docs / "roofline.svg", plots.roofline(layers, targets, BINARY).encode())
    page = performance(settings, layers, networks, single)
    path = docs / "performance.md"
    old = path.read_text("utf-8") if path.is_file() else ""
    kept = [section.current(old) or section.empty for section in SECTIONS]
    write_file(path, "\n".join([page, *kept]).encode())
    text = marked(readme.read_text("utf-8"), summary(settings, layers, single))
    write_file(readme, text.encode())


def performance(
    settings: Mapping[str, Any],
    layers: Sequence[Row],
    networks: Sequence[Row],
    single: Sequence[Row],
) -> str:
    """The page."""
    targets = settings["targets"]
    parts = [
        HEAD.format(
            measured=textwrap.fill(tables.measured(settings), 100),
            disturbed=max(row.disturbed for row in (*layers, *networks)),
            instructions=", ".join(settings["instructions"]) or "SSE",
        ),
        LAYERS.format(
            depth=settings["depth"],
            speeds="\n".join(tables.layer_speeds(layers, targets)),
            ratios="\n".join(tables.layer_ratios(layers, targets)),
        ),
        NETWORKS.format(
            ratios="\n".join(tables.network_ratios(single, targets)),
            classes="\n".join(tables.class_ratios(networks, targets)),
            times="\n".join(tables.network_times(networks, targets)),
            facts="\n".join(tables.network_facts(networks, targets)),
            shares="\n".join(tables.network_shares(networks, targets)),
        ),
        "\n".join(["## Remarks", "", *tables.remarks([*layers, *networks]), ""]),
        "Arm has not been measured: artifacts for it run here under an emulator.\n",
    ]
    return "\n".join(parts)


def summary(settings: Mapping[str, Any], layers: Sequence[Row], single: Sequence[Row]) -> str:
    """The README's figures: the times on the first two targets that ran, and how many times faster
    the first of them is than the first peer."""
    measured = [row for row in (*layers, *single) if row.times]
    names = map(bnnc_contenders.name, settings["targets"])
    shown = tables.ran(measured, list(names))[:2]
    peers = ("ORT fp32", "ORT int8", "OpenVINO fp32")
    first = shown[0]
    head = ["one thread, batch 1", *shown, *peers, "ratio"]
    rows = [
        [
            f"binary layer {row.name}" if row.least_bytes else row.name,
            *(_time(row, name) for name in (*shown, *peers)),
            tables.ratio_text(row.ratio(first, peers[0])),
        ]
        for row in measured
    ]
    date, cpu = settings["date"][:10], settings["cpu"]
    said = f"Medians of one run, {date}, {cpu}; the ratio is {first} to {peers[0]}:"
    return "\n".join([said, "", *tables.table(head, rows)])


def marked(text: str, content: str) -> str:
    """``text`` with ``content`` between the marks; InputError where it has none."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    page, count = pattern.subn(lambda _: f"{BEGIN}\n{content}\n{END}", text)
    if count != 1:
        raise InputError(f"README.md: expected one place between {BEGIN} and {END}")
    return page


def _time(row: Row, who: str) -> str:
    seconds = row.seconds(who)
    return tables.ABSENT if seconds is None else time_text(seconds)
