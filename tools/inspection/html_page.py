"""`bnnc inspect --html`: layers and graph as one page that needs nothing else.

The page is `html_page.html` with text filled in: no scripts, no requests, the same bytes each time.
Whatever comes from the model is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from ...errors import one_line
from ...version import __version__
from ..command_line.console import BIT_OPS, MACS, bytes_text, count_text, shape_text
from .html_graph import Drawing, Item
from .layer_report import Row, state_text, totals

if TYPE_CHECKING:
    from ...runtime.manifest import Layer

LAYER, OTHER, GAP = 86, 28, 16
"""Heights of rows and the space between them, in sixteenths of a rem, as in html_page.html."""
LANE, LANES = 9, 72
"""Widths of one lane and, at most, of all."""
ENTRY = 14
"""From the rows to the first lane."""
TAIL = 14
"""Characters at the end of a name that stay when the name is cut."""


def page(
    name: str, facts: Iterable[str], remark: str, rows: Sequence[Row], drawing: Drawing
) -> bytes:
    """The page in UTF-8. ``facts`` are lines below the title, ``remark`` one above the graph;
    ``drawing`` numbers its layers as ``rows`` does."""
    template = Template(Path(__file__).with_name("html_page.html").read_text(encoding="utf-8"))
    gutter = _gutter(drawing)
    text = template.substitute(
        version=__version__,
        title=_text(name),
        facts=_lines(f"<li>{_text(fact)}</li>" for fact in facts),
        totals=_totals([row.layer for row in rows]),
        remark=f'<p class="quiet">{_text(remark)}</p>' if remark else "",
        edges=_edges(drawing, gutter),
        room=f' style="margin-right: {gutter / 16:g}rem"' if gutter else "",
        rows=_lines(_items(drawing, rows)),
        table=_table(rows) if rows else "<p>no layers</p>",
        ir=_ir(rows),
    )
    return text.encode()


def _text(text: str) -> str:
    return escape(one_line(text))


def _lines(parts: Iterable[str]) -> str:
    return "\n".join(parts)


def _totals(layers: Sequence[Layer]) -> str:
    counted = totals(layers)
    share = 100 * counted["binary_macs"] / max(counted["macs"], 1)
    figures = (
        ("layers on bits", f"{counted['binarized']} of {counted['total']}"),
        ("multiply-accumulates", f"{count_text(counted['macs'])} {MACS}"),
        ("of them on bits", f"{count_text(counted['binary_macs'])} {BIT_OPS} ({share:.3g} %)"),
        ("weights", bytes_text(counted["weight_bytes"])),
    )
    return _lines(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in figures)


def _gutter(drawing: Drawing) -> int:
    return ENTRY + min(LANE * drawing.lanes, LANES) if drawing.lanes else 0


def _height(item: Item) -> int:
    return LAYER if item.kind == "layer" else OTHER


def _edges(drawing: Drawing, gutter: int) -> str:
    """The lanes: a path from each source's right end, down, and back to the reader's."""
    if not gutter:
        return ""
    tops = [0]
    for item in drawing.items:
        tops.append(tops[-1] + _height(item) + GAP)
    pitch = min(LANE, LANES / drawing.lanes)
    paths: list[str] = []
    for edge in drawing.edges:
        if edge.lane is not None:
            x = round(ENTRY + pitch * edge.lane, 1)
            bend = min(5, x)
            start = tops[edge.source] + _height(drawing.items[edge.source]) - 8
            end = tops[edge.target] + 8
            paths.append(
                f'<path d="M0 {start}H{x - bend:g}q{bend:g} 0 {bend:g} 5V{end - 5}'
                f'q0 5 -{bend:g} 5H6"/><path class="head" d="M0 {end}l7-4v8z"/>'
            )
    height = tops[-1]
    return (
        f'<svg aria-hidden="true" viewBox="0 0 {gutter} {height}" '
        f'style="width: {gutter / 16:g}rem; height: {height / 16:g}rem">\n{_lines(paths)}\n</svg>'
    )


def _items(drawing: Drawing, rows: Sequence[Row]) -> Iterable[str]:
    neighbours = {edge.target for edge in drawing.edges if edge.lane is None}
    for number, item in enumerate(drawing.items):
        marks = f"{' next' if number in neighbours else ''}{' aside' if item.aside else ''}"
        others = item.sources if len(item.sources) > 1 or number not in neighbours else []
        reads = ", ".join(source.title for source in others)
        said = f'<span class="hidden">reads {_text(reads)}</span>' if reads else ""
        if item.layer is not None:
            yield _layer(item.layer, rows[item.layer], marks, said)
        elif item.kind == "operators":
            yield (
                f'<li class="operators{marks}" title="{_text(", ".join(item.operators))}">'
                f"<div>{_text(_run(item.operators))}</div>{said}</li>"
            )
        else:
            yield f'<li class="end{marks}"><div>{item.kind} {_text(item.title)}</div>{said}</li>'


def _run(operators: Sequence[str]) -> str:
    """Operators of a run, a repeated one as ``add 3x``."""
    told: list[tuple[str, int]] = []
    for name in operators:
        if told and told[-1][0] == name:
            told[-1] = (name, told[-1][1] + 1)
        else:
            told.append((name, 1))
    text = ", ".join(name if count == 1 else f"{name} {count}x" for name, count in told)
    return f"{len(operators)} operators: {text}" if len(told) > 4 else text


def _layer(number: int, row: Row, marks: str, said: str) -> str:
    layer = row.layer
    name = one_line(layer.name)
    head, tail = name[:-TAIL], name[-TAIL:]
    work = f"{count_text(layer.binary_macs)} {BIT_OPS}" if layer.binarized else ""
    work = work or f"{count_text(layer.macs)} {MACS}"
    return (
        f'<li class="layer{" bits" if layer.binarized else ""}{marks}" id="n{number}" '
        f'title="{_text(name)}">'
        f'<div class="name"><a href="#l{number}"><span>{escape(head)}</span>'
        f'<span>{escape(tail)}</span></a><span class="tag">{_state(layer)}</span></div>'
        f"<div>{_text(row.operation)}</div>"
        f"<div>{shape_text(layer.input)} → {shape_text(layer.output)}</div>"
        f"<div>{work}, {bytes_text(layer.weight_bytes)} of weights</div>{said}</li>"
    )


def _state(layer: Layer) -> str:
    return state_text(layer, "on bits", "float")


def _table(rows: Sequence[Row]) -> str:
    heads = ("layer", "runs", "operation", "input → output")
    numbers = (MACS, BIT_OPS, "weights")
    head = "".join(f'<th scope="col" role="columnheader">{text}</th>' for text in heads)
    head += "".join(
        f'<th scope="col" role="columnheader" class="number">{text}</th>' for text in numbers
    )
    bodies = _lines(_body(number, row) for number, row in enumerate(rows))
    counted = totals([row.layer for row in rows])
    state = f"{counted['binarized']} of {counted['total']} on bits"
    foot = f'<th scope="row" role="rowheader">total</th><td role="cell">{state}</td>'
    foot += '<td role="cell"></td><td role="cell"></td>'
    foot += _numbers(counted["macs"], counted["binary_macs"], counted["weight_bytes"])
    # Roles are explicit because narrow pages show cells as blocks, which drops them.
    return (
        f'<table role="table"><thead role="rowgroup"><tr role="row">{head}</tr></thead>\n{bodies}\n'
        f'<tfoot role="rowgroup"><tr role="row">{foot}</tr></tfoot></table>'
    )


def _body(number: int, row: Row) -> str:
    layer = row.layer
    mark = ' class="bits"' if layer.binarized else ""
    notes = "".join(
        f"<p{' class=advice' if label == 'advice' else ''}><b>{label}:</b> {_text(text)}</p>"
        for label, text in row.notes
        if text
    )
    notes = _computed(number, row) + notes
    return (
        f'<tbody role="rowgroup" id="l{number}"><tr role="row">'
        f'<th scope="row" role="rowheader"><a href="#n{number}">{_name(layer)}</a></th>'
        f'<td role="cell"{mark}>{_state(layer)}</td><td role="cell">{_text(row.operation)}</td>'
        f'<td role="cell">{shape_text(layer.input)} → {shape_text(layer.output)}</td>'
        f"{_numbers(layer.macs, layer.binary_macs, layer.weight_bytes)}</tr>"
        f'<tr role="row" class="why"><td role="cell" colspan="7">{notes}</td></tr></tbody>'
    )


def _computed(number: int, row: Row) -> str:
    """The kernels of a layer, each with a link to the IR of its node, if there is one."""
    return "".join(
        f"<p><b>by:</b> {_text(one.text)}"
        + (f', <a href="#ir{number}.{place}">its IR</a></p>' if one.ir else "</p>")
        for place, one in enumerate(row.computed)
    )


def _ir(rows: Sequence[Row]) -> str:
    """The nodes that compute the layers, as text."""
    texts = _lines(
        f'<pre id="ir{number}.{place}"><a href="#l{number}">{_name(row.layer)}</a>\n'
        f"{_lines(map(_text, one.ir.splitlines()))}</pre>"
        for number, row in enumerate(rows)
        for place, one in enumerate(row.computed)
        if one.ir
    )
    head = '<section aria-labelledby="ir"><h2 id="ir">IR of the layers, without constants</h2>'
    return f"{head}\n{texts}\n</section>" if texts else ""


def _name(layer: Layer) -> str:
    """A name that may be broken after its slashes."""
    return _text(layer.name).replace("/", "/<wbr>")


def _numbers(macs: int, binary_macs: int, weights: int) -> str:
    cells = ((MACS, count_text(macs)), (BIT_OPS, count_text(binary_macs)))
    return "".join(
        f'<td role="cell" class="number" data-label="{label}">{text}</td>'
        for label, text in (*cells, ("weights", bytes_text(weights)))
    )
