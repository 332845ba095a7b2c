"""The plots of the tables, as SVG that is readable on light and on dark pages.

The same figures give the same bytes: no date, identifiers by a fixed salt. Text stays text.
"""

from __future__ import annotations

import io
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ...errors import BackendError
from . import bnnc_contenders
from .machine_limits import AMX
from .rows import Row
from .tables import LIMITS, columns, ran

INK = "#010203"
"""Becomes the page's own colour of text."""
COLOURS = ("#1a7f37", "#2da44e", "#7bc88f", "#b4e0bf")
PEER = "#8c959f"
STYLE = "<style>svg{color:#1f2328}@media (prefers-color-scheme: dark){svg{color:#e6edf3}}</style>"
SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "bnnc",
    "font.family": "sans-serif",
    "font.size": 9,
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK
    ),
}
MARKS = "os^D"
CUT = 1.25
LEFT = 8.0
"""Products a byte at which the roofline begins: below those where memory would be the limit."""


def latency(rows: Sequence[Row], targets: Sequence[str]) -> str:
    """One panel a network: a bar for each contender's median, the shortest is the best. The longest
    bar is cut where it would make the others very short."""
    mine = [bnnc_contenders.name(target) for target in targets]
    names = ran(rows, columns(rows, targets))
    height = 0.2 * len(names) + 0.45
    with _figure(8.4, height * ((len(rows) + 1) // 2)) as plot:
        panels = plot.figure.subplots((len(rows) + 1) // 2, 2, squeeze=False).flatten()
        for panel, row in zip(panels, rows, strict=False):
            seconds_of = [(name, row.seconds(name)) for name in names]
            times = [(name, seconds * 1e3) for name, seconds in seconds_of if seconds is not None]
            colours = [
                COLOURS[mine.index(n) % len(COLOURS)] if n in mine else PEER for n, _ in times
            ]
            end = CUT * sorted(t for _, t in times)[-2:][0]
            lengths = [min(t, end) for _, t in times]
            bars = panel.barh([n for n, _ in times], lengths, color=colours)
            shown = [f"{t:.3g}{' …' * (t > end)}" for _, t in times]
            panel.bar_label(bars, shown, padding=2, fontsize=7)
            panel.invert_yaxis()
            panel.set_title(f"{row.name}, ms", fontsize=9)
            panel.margins(x=0.14)
            panel.tick_params(labelsize=7, length=0)
            panel.set_xticks([])
            panel.spines[["top", "right", "bottom"]].set_visible(False)
        for panel in panels[len(rows) :]:
            panel.set_visible(False)
        return plot.svg("Milliseconds a call, batch 1, one thread")


def roofline(rows: Sequence[Row], targets: Sequence[str], peer: str) -> str:
    """Products a byte against products a second: bnnc's layers, those of one peer, and what the
    machine's registers and memory allow."""
    low, high = LEFT, 2 * max(row.macs / row.least_bytes for row in rows)
    with _figure(7.2, 4.2) as plot:
        panel = plot.figure.subplots()
        for index, target in enumerate(targets):
            look = COLOURS[index % len(COLOURS)], MARKS[index % len(MARKS)]
            _dots(panel, rows, bnnc_contenders.name(target), *look)
        _dots(panel, rows, peer, PEER, "x")
        for name, title in LIMITS.items():
            if limit := _limit(rows, name):
                panel.axhline(limit, color=INK, linewidth=0.8)
                # That of tiles is about that of AVX2's logic: its name stands below the line.
                at, side = (0.96, "top") if name == AMX.name else (1.04, "baseline")
                text = f"{title}, {limit:.0f}"
                panel.annotate(text, (low * 1.1, limit * at), fontsize=8, va=side)
        ceiling = max(_limit(rows, name) for name in LIMITS)
        for name, dashes in (("read L2", "--"), ("read memory", ":")):
            if (bandwidth := _limit(rows, name)) and ceiling:
                ends = [low, max(low, ceiling / bandwidth)]
                panel.plot(ends, [x * bandwidth for x in ends], dashes, color=INK, linewidth=0.8)
                panel.plot([], [], dashes, color=INK, label=f"{name}, {bandwidth:.0f} GB/s")
        panel.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low * 10, ceiling * 1.8))
        panel.set_xlabel("products per byte of bits and weights")
        panel.set_ylabel("GMAC/s")
        panel.spines[["top", "right"]].set_visible(False)
        panel.legend(fontsize=7, frameon=False, labelcolor=INK, loc="lower center")
        return plot.svg("Binary layers against the limits of the machine")


def _dots(panel: Any, rows: Sequence[Row], who: str, colour: str, mark: str) -> None:
    measured = [(row.macs / row.least_bytes, row.speed(who)) for row in rows]
    points = [(x, y / 1e9) for x, y in measured if y is not None]
    if points:
        x, y = zip(*points, strict=True)
        panel.scatter(x, y, s=22, color=colour, marker=mark, label=who, zorder=3)


def _limit(rows: Sequence[Row], name: str) -> float:
    return max((row.limits.get(name, 0.0) for row in rows), default=0.0) / 1e9


@dataclass(frozen=True)
class _Plot:
    figure: Any

    def svg(self, title: str) -> str:
        """The SVG's text, in the page's colours."""
        for part in (self.figure, *self.figure.axes):
            part.patch.set_alpha(0)
        file = io.StringIO()
        self.figure.savefig(file, format="svg", metadata={"Date": None, "Title": title})
        text = file.getvalue().replace(INK, "currentColor")
        return re.sub(r"(<svg[^>]*>)", rf"\1{STYLE}", text, count=1)


@contextmanager
def _figure(width: float, height: float) -> Generator[_Plot]:
    """A figure of so many inches under the settings of all plots."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise BackendError("plots need matplotlib; install bnnc[bench]") from error
    with mpl.rc_context(SETTINGS):
        yield _Plot(Figure(figsize=(width, height), layout="constrained"))
