"""How long networks of many equal layers take to compile: it grows with their number."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...driver import build
from ...options import Options
from ...runtime.cpu import cpu_name
from ..command_line.console import Say, bytes_text
from .network_steps import Network
from .networks import Shape, chain
from .page_sections import Section
from .tables import table
from .task import Store
from .timing import pinned

SECTION = Section("compile-time")
LAYER = Shape(14, 64)
TEXT = """\
## Compile time

Each network compiled once, in a process that has compiled before, on one core of {cpu}. *CPU* is
the processor time of the compiler without the linker: other processes disturb it less. Layers of
one structure share their code, so that time grows with their number and no faster.

{rows}
"""


def binary_layers(count: int) -> Network:
    """Sign, binary 3x3 convolution and BatchNormalization, again and again."""
    return chain(LAYER, count)


def activations(count: int) -> Network:
    """As many Relu in a row."""
    net = Network("relu", 64, 1)
    x = 0
    for _ in range(count):
        x = net.relu(x)
    return net


def additions(count: int) -> Network:
    """As many Add of the input in a row."""
    net = Network("add", 64, 1)
    x = 0
    for _ in range(count):
        x = net.add(x, 0)
    return net


NETWORKS: Mapping[str, tuple[Callable[[int], Network], Sequence[int]]] = {
    f"binary layers {LAYER.name}": (binary_layers, (50, 200, 800)),
    "Relu": (activations, (500, 2000)),
    "Add": (additions, (250, 1000)),
}
"""What is built by number, and the numbers."""


@dataclass(frozen=True)
class CompileTime:
    """One network on one target: seconds that passed, of them on the processor, and bytes."""

    network: str
    count: int
    target: str
    seconds: float
    cpu_seconds: float
    size: int


def measure(store: Store, targets: Sequence[str], say: Say) -> list[CompileTime]:
    """Compile each network for each target."""
    return [*_measured(store, targets, say)]


def _measured(store: Store, targets: Sequence[str], say: Say) -> Iterator[CompileTime]:
    with pinned():
        for target in targets:
            _compile(store.onnx(binary_layers(1)), target)  # loads what any compilation needs
            for name, (network, counts) in NETWORKS.items():
                for count in counts:
                    say(f"compiling {count} {name} for {target}")
                    path = store.onnx(network(count))
                    yield CompileTime(name, count, target, *_compile(path, target))


def _compile(path: Path, target: str) -> tuple[float, float, int]:
    """Seconds, processor seconds and bytes of the artifact."""
    started, worked = time.perf_counter(), time.process_time()
    size = len(build(str(path), target, Options(), "network").data)
    return time.perf_counter() - started, time.process_time() - worked, size


def section(times: Sequence[CompileTime]) -> str:
    """The section of docs/performance.md."""
    head = ["network", "number", "target", "compiled in", "CPU", "CPU of one", "artifact"]
    rows = [
        [
            one.network,
            str(one.count),
            one.target,
            f"{one.seconds:.1f} s",
            f"{one.cpu_seconds:.1f} s",
            f"{one.cpu_seconds / one.count * 1e3:.2f} ms",
            bytes_text(one.size),
        ]
        for one in times
    ]
    return TEXT.format(cpu=cpu_name(), rows="\n".join(table(head, rows)))
