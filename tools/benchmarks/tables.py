"""Rows as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..command_line.console import bytes_text, time_text
from . import bnnc_contenders
from .backend_comparison import geomean
from .isa_classes import CLASSES
from .machine_limits import AMX, AVX2, AVX512
from .machine_limits import LIMITS as ALL
from .peers.openvino import INT8, name_in
from .rows import Row

ABSENT = "–"
NOT_MEASURED = "not measured"
SAME_CLASS = f"{INT8}, same class"
LIMITS = {AVX512.name: "AVX-512 logic", AVX2.name: "AVX2 logic", AMX.name: "AMX tiles"}
"""Limits on products, by their instruction."""

LOOPS = {loop.name for loop in ALL}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table: the first column left, the others right."""
    lines = [list(head), ["---", *["---:"] * (len(head) - 1)], *map(list, rows)]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def columns(rows: Sequence[Row], targets: Sequence[str]) -> list[str]:
    """Contenders of these rows: bnnc by target, then peers in the order of the first row that has
    them all."""
    names = [bnnc_contenders.name(target) for target in targets]
    for row in rows:
        for name in (*row.times, *row.problems):
            if name not in names and name not in LOOPS:
                names.append(name)
    return names


def ran(rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    """Those that have a time in at least one row."""
    return [name for name in names if any(name in row.times for row in rows)]


def uncapped(names: Sequence[str]) -> list[str]:
    """Without the peers that only some target's row is compared with."""
    return [name for name in names if not name.startswith(f"{INT8}, ")]


def same_class(target: str) -> str:
    """The peer that may use what CPUs of a target have; all that this CPU has for ``native``."""
    return name_in(CLASSES.get(target))


def layer_speeds(rows: Sequence[Row], targets: Sequence[str]) -> list[str]:
    """GMAC/s of every contender, and the limit."""
    names = ran(rows, columns(rows, targets))
    limits = [name for name in LIMITS if any(name in row.limits for row in rows)]
    head = ["layer", *names, *(f"limit {LIMITS[name]}" for name in limits)]
    body = [
        [
            row.name,
            *(_giga(row.speed(name)) for name in names),
            *(_giga(row.limits.get(name)) for name in limits),
        ]
        for row in rows
    ]
    return table(head, body)


def layer_ratios(rows: Sequence[Row], targets: Sequence[str]) -> list[str]:
    """How many times faster bnnc is, by target and peer, and its share of the limits."""
    mine = [bnnc_contenders.name(target) for target in targets]
    peers = ran(rows, uncapped([n for n in columns(rows, targets) if n not in mine]))
    head = ["layer", "bnnc target", "kernel", "us", *peers, SAME_CLASS]
    body: list[list[str]] = []
    for row in rows:
        for target, me in zip(targets, mine, strict=True):
            seconds = row.seconds(me)
            if seconds is not None:
                ratios = [ratio_text(row.ratio(me, n)) for n in (*peers, same_class(target))]
                shares = [_share(fraction(row, target)), _share(of_limit(row, target, AMX.name))]
                kernel = row.notes.get(me, ABSENT)
                body.append([row.name, target, kernel, f"{seconds * 1e6:.1f}", *ratios, *shares])
    return table([*head, "of the limit", "of the AMX limit"], body)


def fraction(row: Row, target: str) -> float | None:
    """Products a second as a share of the limit of the target's vectors."""
    from ...driver import resolve_target

    wide = resolve_target(target).has.logic == "ternary"
    return of_limit(row, target, (AVX512 if wide else AVX2).name)


def of_limit(row: Row, target: str, name: str) -> float | None:
    """Products a second as a share of one limit; None where that was not measured."""
    speed, limit = row.speed(bnnc_contenders.name(target)), row.limits.get(name)
    return speed / limit if speed and limit else None


def _share(share: float | None) -> str:
    return NOT_MEASURED if share is None else f"{share:.0%}"


def network_times(rows: Sequence[Row], targets: Sequence[str]) -> list[str]:
    """Median of one call of every contender."""
    names = ran(rows, columns(rows, targets))
    head = ["network", "batch", "threads", *names]
    body = [
        [row.name, str(row.batch), str(row.threads), *(_time(row, name) for name in names)]
        for row in rows
    ]
    return table(head, body)


def network_ratios(rows: Sequence[Row], targets: Sequence[str]) -> list[str]:
    """How many times faster bnnc is than each peer."""
    mine = [bnnc_contenders.name(target) for target in targets]
    peers = ran(rows, uncapped([n for n in columns(rows, targets) if n not in mine]))
    head = ["network", "batch", "threads", "bnnc target", *peers, SAME_CLASS]
    body = [
        [
            row.name,
            str(row.batch),
            str(row.threads),
            target,
            *(ratio_text(row.ratio(me, peer)) for peer in (*peers, same_class(target))),
        ]
        for row in rows
        for target, me in zip(targets, mine, strict=True)
        if me in row.times
    ]
    return table(head, body)


def class_ratios(rows: Sequence[Row], targets: Sequence[str]) -> list[str]:
    """How many times faster bnnc is than int8 in the target's class, one thread, by batch; below
    them geometric means, over the networks that both ran."""
    single = [row for row in rows if row.threads == 1]
    body: list[list[str]] = []
    for row in single:
        ratios = [ratio_text(_class_ratio(row, target)) for target in targets]
        body.append([row.name, str(row.batch), *ratios])
    for batch in dict.fromkeys(row.batch for row in single):
        means: list[str] = []
        for target in targets:
            ratios = [_class_ratio(row, target) for row in single if row.batch == batch]
            known = [ratio for ratio in ratios if ratio is not None]
            means.append(f"**{ratio_text(geomean(known))}**" if known else ABSENT)
        body.append(["**geometric mean**", str(batch), *means])
    return table(["network", "batch", *(bnnc_contenders.name(t) for t in targets)], body)


def _class_ratio(row: Row, target: str) -> float | None:
    return row.ratio(bnnc_contenders.name(target), same_class(target))


def network_facts(rows: Sequence[Row], targets: Sequence[str]) -> list[str]:
    """Sizes and times besides speed, a row for each network and target."""
    head = ["network", "target", "on bits", "GMAC", "ONNX", "artifact", "workspace"]
    head += ["compiled in", "first result after"]
    body: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for target in targets:
            if target in row.facts:
                facts = row.facts[target]
                body[row.name, target] = [
                    row.name,
                    target,
                    f"{facts.binarized} of {facts.layers}",
                    f"{facts.macs / 1e9:.3g}",
                    bytes_text(facts.onnx),
                    bytes_text(facts.artifact),
                    bytes_text(facts.workspace),
                    f"{facts.compile_seconds:.1f} s",
                    time_text(facts.first_seconds),
                ]
    return table(head, body.values())


def network_shares(rows: Sequence[Row], targets: Sequence[str]) -> list[str]:
    """Where the time of each network goes, a row for each network and target."""
    body: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for target in targets:
            if target in row.facts:
                shares = row.facts[target].shares.items()
                text = ", ".join(f"{kind} {share:.0%}" for kind, share in shares)
                body[row.name, target] = [row.name, target, text]
    return table(["network", "target", "kernels"], body.values())


def remarks(rows: Sequence[Row]) -> list[str]:
    """Why contenders have no time, and other remarks, each of them once with its rows."""
    said: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        where = row.name if row.batch == row.threads == 1 else _where(row)
        notes = ((who, text) for who, text in row.notes.items() if not bnnc_contenders.is_ours(who))
        for who, text in (*row.problems.items(), *notes):
            said.setdefault((who, text), []).append(where)
    return [f"- {who}: {text} ({_all_of(names, rows)})" for (who, text), names in said.items()]


def _where(row: Row) -> str:
    return f"{row.name} at batch {row.batch} with {row.threads} thread{'s' * (row.threads > 1)}"


def _all_of(names: Sequence[str], rows: Sequence[Row]) -> str:
    return "every row" if len(names) == len(rows) else "; ".join(names)


def markdown(settings: Mapping[str, Any], layers: Sequence[Row], networks: Sequence[Row]) -> str:
    """All tables, for the terminal and for ``--markdown``."""
    targets = settings["targets"]
    parts = [measured(settings)]
    if layers:
        parts += ["", *layer_speeds(layers, targets), "", *layer_ratios(layers, targets)]
    if networks:
        parts += ["", *network_times(networks, targets), "", *network_ratios(networks, targets)]
        parts += ["", *class_ratios(networks, targets)]
        parts += ["", *network_facts(networks, targets)]
        parts += ["", *network_shares(networks, targets)]
    said = remarks([*layers, *networks])
    return "\n".join([*parts, *(["", *said] if said else [])])


def measured(settings: Mapping[str, Any]) -> str:
    """When, where and with what."""
    versions = ", ".join(f"{name} {text}" for name, text in settings["versions"].items())
    date = settings["date"][:16].replace("T", " ")
    return f"Measured {date} UTC on {settings['cpu']}: {versions}."


def _giga(rate: float | None) -> str:
    return ABSENT if rate is None else f"{rate / 1e9:.0f}"


def ratio_text(ratio: float | None) -> str:
    """A ratio for people: ``3.25``, ``17``."""
    return ABSENT if ratio is None else f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"


def _time(row: Row, who: str) -> str:
    seconds = row.seconds(who)
    return ABSENT if seconds is None else time_text(seconds)
