"""Speed next to other runtimes: binary layers and whole networks, everything in turns.

`make bench` runs ``python -m bnnc.tools.bench --document`` and rewrites docs/performance.md, its
plots and the README's table. All contenders are pinned to the same cores and run in turns in one
run of this command; only ratios between columns mean something.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..errors import BnncError, InputError, OutputError, one_line
from ..files import check_writable, write_file
from ..runtime.cpu import cpu_name
from ..runtime.manifest import Tensor
from ..version import __version__
from .benchmarks import bnnc_contenders
from .benchmarks.isa_classes import instructions
from .benchmarks.networks import LAYERS, NETWORKS, Shape, chain
from .benchmarks.page_sections import Section
from .benchmarks.rows import Row, layer_row, network_row
from .benchmarks.task import Store, Task
from .benchmarks.timing import pinned, random_array
from .command_line.arguments import positive, seconds
from .command_line.console import Say, progress, require_compiler, show_text
from .command_line.exits import guarded
from .demo import DATA

DEPTH = 5
"""Layers in a chain; the first four of them run from bits to bits."""
MNIST = "MNIST"
ONLY = ("layers", "networks", "backends", "compile-time")
TARGETS = "native,cascadelake,alderlake,x86-64-v3"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print Markdown, write files; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bnnc.tools.bench", description=__doc__)
    add = parser.add_argument
    add("files", nargs="*", type=Path, metavar="MODEL.onnx", help="networks besides the built-in")
    add("--only", choices=ONLY, help="one of the tables")
    add("--networks", type=_names, metavar="A,B", help="of the built-in ones (default all)")
    add("--layers", type=_names, metavar="A,B", help="sizes such as 56x56x64 (default all)")
    add("--peers", type=_names, metavar="A,B", help="names that begin so (default all)")
    add("--targets", type=_names, default=_names(TARGETS), help=f"default {TARGETS}")
    add("--batch", type=_numbers, default=[1, 16, 64], metavar="N,M", help="default 1,16,64")
    add("--threads", type=_numbers, default=[1, 2], metavar="N,M", help="default 1,2")
    add("--trials", type=positive, default=16, metavar="N", help="of --only backends (default 16)")
    add("--seconds", type=seconds, default=0.4, help="for each contender of a row (default 0.4)")
    add("--lce-python", metavar="PATH", help="a Python with Larq Compute Engine")
    add("--store", type=Path, default=Path("build/bench"), metavar="DIR", help="prepared models")
    add("--json", type=Path, metavar="FILE", help="write all figures")
    add("--markdown", type=Path, metavar="FILE", help="write the tables")
    add("--document", type=Path, metavar="DIR", help="a checkout whose documents are rewritten")
    arguments = parser.parse_args(argv)
    return guarded(lambda: run(arguments))


def _names(text: str) -> list[str]:
    return [part for part in text.split(",") if part]


def _numbers(text: str) -> list[int]:
    return [positive(part) for part in text.split(",")]


def run(arguments: argparse.Namespace) -> int:
    """All measurements that the arguments ask for."""
    require_compiler("bench")
    if arguments.only == "backends":
        return _backends(arguments)
    if arguments.only == "compile-time":
        return _compile_times(arguments)
    from .benchmarks.document import check, rewrite
    from .benchmarks.tables import markdown

    if arguments.document is not None:
        if arguments.only is not None:
            raise InputError("--document shows layers and networks: leave out --only")
        check(arguments.document)
    for path in (arguments.json, arguments.markdown):
        if path is not None:
            check_writable(path)
    store = _store(arguments.store)
    peers = _peers(arguments.peers, arguments.targets)
    layers: list[Row] = []
    networks: list[Row] = []
    with progress() as say:
        if arguments.only != "layers":
            networks = _networks(arguments, store, peers, say)
        if arguments.only != "networks":
            layers = _layers(arguments, store, peers, say)
    settings = _settings(arguments, [*layers, *networks])
    text = markdown(settings, layers, networks)
    show_text(text)
    rows = {"layers": [r.json() for r in layers], "networks": [r.json() for r in networks]}
    if arguments.json is not None:
        write_file(arguments.json, f"{json.dumps({**settings, **rows}, indent=1)}\n".encode())
    if arguments.markdown is not None:
        write_file(arguments.markdown, f"{text}\n".encode())
    if arguments.document is not None:
        rewrite(arguments.document, settings, layers, networks)
    return 0


def _backends(arguments: argparse.Namespace) -> int:
    """The LLVM and the TVM backend side by side, the latter untuned and tuned."""
    from .benchmarks import backend_comparison

    tasks = _chosen(arguments, _store(arguments.store))
    with progress() as say:
        times = backend_comparison.compare(
            tasks, arguments.targets, arguments.trials, arguments.seconds, say
        )
    text = backend_comparison.section(times, arguments.trials)
    return _section(arguments, backend_comparison.SECTION, text)


def _compile_times(arguments: argparse.Namespace) -> int:
    """What compiling takes, for networks of more and more equal layers."""
    from .benchmarks import compile_times

    with progress() as say:
        times = compile_times.measure(_store(arguments.store), arguments.targets, say)
    return _section(arguments, compile_times.SECTION, compile_times.section(times))


def _section(arguments: argparse.Namespace, section: Section, text: str) -> int:
    """Show a section of docs/performance.md and write it where the arguments say."""
    show_text(text)
    if arguments.markdown is not None:
        write_file(arguments.markdown, text.encode())
    if arguments.document is not None:
        section.rewrite(arguments.document, text)
    return 0


def _store(folder: Path) -> Store:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot write: {error.strerror}") from error
    return Store(folder.resolve())


def _peers(wanted: Sequence[str] | None, targets: Sequence[str]) -> list[Any]:
    from .benchmarks.peers import peers_for

    peers = peers_for(targets)
    if wanted is None:
        return peers
    starts = tuple(name.lower() for name in wanted)
    return [peer for peer in peers if peer.name.lower().startswith(starts)]


def _layers(
    arguments: argparse.Namespace, store: Store, peers: Sequence[Any], say: Say
) -> list[Row]:
    rows: list[Row] = []
    for shape in LAYERS:
        if arguments.layers is None or shape.name.split(",")[0] in arguments.layers:
            say(shape.name)
            with pinned():
                task = _layer_task(shape, store, arguments.lce_python)
                rows.append(layer_row(task, arguments.targets, peers, arguments.seconds))
    return rows


def _layer_task(shape: Shape, store: Store, lce_python: str | None) -> Task:
    net = chain(shape, DEPTH)
    return Task(
        store.onnx(net),
        {"x": random_array(Tensor("x", "float32", ("N", *net.shapes[0])), 1, 0)},
        batch=1,
        threads=1,
        store=store,
        network=net,
        layer=shape,
        depth=DEPTH,
        lce_python=lce_python,
    )


def _networks(
    arguments: argparse.Namespace, store: Store, peers: Sequence[Any], say: Say
) -> list[Row]:
    """A row for each network, number of threads and batch.

    The largest number of threads comes first: some libraries never forget how many cores their
    process had when they were first used.
    """
    networks: list[CompiledNetwork] = []
    for name, task in _chosen(arguments, store).items():
        say(f"compiling {name}")
        networks.append(_built(name, task, arguments.targets))
    rows: dict[tuple[int, int, int], Row] = {}
    for threads in sorted(arguments.threads, reverse=True):
        for place, built in enumerate(networks):
            for batch in arguments.batch:
                say(f"{built.name}, batch {batch}, threads {threads}")
                row = built.row(batch, threads, arguments.targets, peers, arguments.seconds)
                rows[place, threads, batch] = row
    return [rows[key] for key in sorted(rows)]


def _chosen(arguments: argparse.Namespace, store: Store) -> dict[str, Task]:
    """The networks that were asked for, with a batch of one."""
    lce = arguments.lce_python
    chosen: dict[str, Task] = {}
    for name, build in NETWORKS.items():
        if arguments.networks is None or name in arguments.networks:
            net = build()
            chosen[name] = Task(store.onnx(net), {}, 1, 1, store, net, lce_python=lce)
    files = {path.stem: path for path in arguments.files}
    if (arguments.networks is None and not files) or MNIST in (arguments.networks or ()):
        files[MNIST] = DATA / "mnist_bnn.onnx"
    for name, path in files.items():
        chosen[name] = Task(path, {}, 1, 1, store)
    return chosen


@dataclass
class CompiledNetwork:
    """A network compiled for the targets; ``problems`` says why it could not be for some."""

    name: str
    task: Task
    inputs: tuple[Tensor, ...] = ()
    facts: dict[str, bnnc_contenders.Facts] = field(
        default_factory=dict[str, bnnc_contenders.Facts]
    )
    problems: dict[str, str] = field(default_factory=dict[str, str])

    def row(
        self, batch: int, threads: int, targets: Sequence[str], peers: Sequence[Any], seconds: float
    ) -> Row:
        """The network measured; without an artifact there is nothing to run."""
        if not self.facts:
            return Row(self.name, batch, threads, problems=self.problems)
        task = self.task.on(self.inputs, batch, threads)
        row = network_row(self.name, task, targets, peers, seconds, self.facts)
        row.problems.update(self.problems)
        return row


def _built(name: str, task: Task, targets: Sequence[str]) -> CompiledNetwork:
    built = CompiledNetwork(name, task)
    for target in targets:
        try:
            compilation, seconds = bnnc_contenders.compiled(task, target)
            built.inputs = compilation.manifest.inputs
            first = task.on(built.inputs, 1, 1)
            built.facts[target] = bnnc_contenders.facts(first, compilation, seconds, target)
        except BnncError as error:
            built.problems[bnnc_contenders.name(target)] = one_line(str(error))
    return built


def _settings(arguments: argparse.Namespace, rows: Sequence[Row]) -> dict[str, Any]:
    versions = {"bnnc": __version__, "Python": platform.python_version()}
    for library in ("numpy", "onnx", "llvmlite"):
        try:
            versions[library] = version(library)
        except PackageNotFoundError:
            versions[library] = "unknown"
    for row in rows:
        versions.update({who.split()[0]: text for who, text in row.versions.items()})
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "cpu": cpu_name(),
        "instructions": instructions(),
        "targets": arguments.targets,
        "seconds": arguments.seconds,
        "depth": DEPTH,
        "versions": versions,
    }


if __name__ == "__main__":
    raise SystemExit(main())
