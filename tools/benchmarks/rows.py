"""One row of a table: its contenders are started, measured in turns, and closed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

from ...errors import BnncError, one_line
from . import bnnc_contenders
from .bnnc_contenders import Facts
from .machine_limits import LIMITS, Limit, Loop
from .task import Contender, Peer, Task
from .timing import Timing, Turns, measure, pinned, waited

REST = 0.02
"""Seconds between turns where contenders have threads of their own: their spinning ends."""


@dataclass
class Row:
    """The measurements of one model; ``problems`` says why a contender has no time."""

    name: str
    batch: int = 1
    threads: int = 1
    macs: int = 0
    least_bytes: float = 0.0
    """Bytes of a layer: bits in, bits out and weights, once each."""
    facts: dict[str, Facts] = field(default_factory=dict[str, Facts])
    times: dict[str, Timing] = field(default_factory=dict[str, Timing])
    limits: dict[str, float] = field(default_factory=dict[str, float])
    """Products a second at one logic operation each, and bytes a second, by loop."""
    disturbed: float = 0.0
    """The share of the time in which this process had to wait for a core."""
    problems: dict[str, str] = field(default_factory=dict[str, str])
    notes: dict[str, str] = field(default_factory=dict[str, str])
    versions: dict[str, str] = field(default_factory=dict[str, str])

    def seconds(self, who: str) -> float | None:
        """Median time of one layer or one call."""
        return self.times[who].median if who in self.times else None

    def ratio(self, ours: str, theirs: str) -> float | None:
        """How many times faster ``ours`` is; None where either did not run."""
        a, b = self.seconds(ours), self.seconds(theirs)
        return b / a if a and b else None

    def speed(self, who: str) -> float | None:
        """Multiply-accumulates a second."""
        seconds = self.seconds(who)
        return self.macs * self.batch / seconds if seconds else None

    def json(self) -> dict[str, object]:
        """All measurements; times in seconds, of one layer or one call."""
        return asdict(self)


@dataclass
class _GuardedTurns:
    """Turns of a contender that may fail in between: its process dies, or memory runs out."""

    turns: Turns
    problem: str | None = None

    def turn(self, seconds: float, calls: int) -> list[float]:
        if self.problem is None:
            try:
                return self.turns.turn(seconds, calls)
            except (BnncError, MemoryError, RuntimeError) as error:
                self.problem = one_line(str(error)) or type(error).__name__
        return [math.inf]


@dataclass
class Contenders:
    """The contenders of a row that could be started, and how many layers a call of each runs."""

    row: Row
    started: dict[str, Contender] = field(default_factory=dict[str, Contender])
    divide: dict[str, int] = field(default_factory=dict[str, int])

    def add(self, name: str, start: Callable[[], Contender], divide: int = 1) -> None:
        """Start one; if that fails, the reason is noted in the row."""
        try:
            contender = start()
        except BnncError as error:
            self.row.problems[name] = one_line(str(error))
            return
        self.started[name], self.divide[name] = contender, divide
        if contender.version:
            self.row.versions[name] = contender.version
        if contender.note is not None:
            self.row.notes[name] = contender.note

    def measure(self, seconds: float) -> None:
        """Run all in turns and close them."""
        row, before, began = self.row, waited(), time.perf_counter()
        try:
            turns = {
                name: _GuardedTurns(contender.turns) for name, contender in self.started.items()
            }
            timed = measure(turns, seconds, rest=REST if row.threads > 1 else 0.0)
            after = waited()
            if before is not None and after is not None:
                row.disturbed = (after - before) / (time.perf_counter() - began)
        finally:
            for contender in self.started.values():
                contender.close()
        for name, timing in timed.items():
            by, problem = self.divide[name], turns[name].problem
            if problem is not None:
                row.problems[name] = problem
            else:
                row.times[name] = Timing(timing.minimum / by, timing.median / by, timing.calls)


def layer_row(task: Task, targets: Sequence[str], peers: Sequence[Peer], seconds: float) -> Row:
    """A chain of layers: bnnc runs its middle, the peers all of it; and the machine's limits."""
    assert task.layer is not None
    row = Row(task.layer.name, macs=task.layer.macs, least_bytes=task.layer.operand_bytes)
    contenders = Contenders(row)
    for target in targets:
        _add_ours(contenders, task, target)
    for peer in peers:
        if peer.layers:
            contenders.add(peer.name, lambda peer=peer: peer.start(task), task.depth)
    limits: dict[str, Limit] = {}
    for loop in LIMITS:
        contenders.add(loop.name, lambda loop=loop: _limit(limits, loop))
    contenders.measure(seconds)
    for name, limit in limits.items():
        if name in row.times:
            row.limits[name] = limit.rate(row.times.pop(name).median)
    return row


def _add_ours(contenders: Contenders, task: Task, target: str) -> None:
    layers = 1

    def start() -> Contender:
        nonlocal layers
        contender, layers = bnnc_contenders.layer(task, target)
        return contender

    contenders.add(bnnc_contenders.name(target), start)
    contenders.divide[bnnc_contenders.name(target)] = layers


def _limit(limits: dict[str, Limit], loop: Loop) -> Contender:
    limits[loop.name] = limit = Limit(loop)
    return Contender(limit, "")


def network_row(
    name: str,
    task: Task,
    targets: Sequence[str],
    peers: Sequence[Peer],
    seconds: float,
    facts: dict[str, Facts],
) -> Row:
    """A complete network; ``facts`` has an entry for each target for which it is compiled."""
    row = Row(name, task.batch, task.threads, facts=facts)
    row.macs = max([f.macs for f in facts.values()], default=0)
    contenders = Contenders(row)
    with pinned(task.threads):
        for target in targets:
            if target in facts:
                contenders.add(
                    bnnc_contenders.name(target),
                    lambda target=target: bnnc_contenders.network(task, target),
                )
        for peer in peers:
            if peer.networks:
                contenders.add(peer.name, lambda peer=peer: peer.start(task))
        contenders.measure(seconds)
    return row
