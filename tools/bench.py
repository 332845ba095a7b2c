"""Speed next to other runtimes, for binary layers and for whole networks, with all that decides it.

`make bench` runs ``python -m bnnc.tools.bench``. Every figure comes from runs in turns, in one
process, on one core, with one thread each: only ratios between columns mean something.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import BnncError, InputError
from ..files import check_writable, write_file
from .console import bytes_text, one_line, progress, require_compiler, show, time_text
from .demo import DATA
from .exits import guarded
from .peers import PEERS
from .report import totals
from .timing import Timing, cpu_name, measure, pinned, random_array

DEPTH = 4
"""Layers in a chain: enough that its ends cost little."""

ABSENT = "not installed"
NOTES = """\
One thread pinned to one core, float32 peers in turns with bnnc in one process; median of the calls,
the fastest in brackets. Ratio: median of ONNX Runtime over median of bnnc."""
LAYER_NOTES = """\
Binary layers: 3x3, stride 1, zero padding, sign before and BatchNormalization behind; the time of a
chain of {depth} divided by {depth}."""


@dataclass
class Row:
    """What was measured of one model; ``problems`` say what could not be."""

    name: str
    divide: int = 1
    macs: int = 0
    onnx_bytes: int = 0
    artifact_bytes: int = 0
    compile_seconds: float = 0.0
    binarized: int = 0
    layers: int = 0
    times: dict[str, Timing] = field(default_factory=dict[str, Timing])
    problems: dict[str, str] = field(default_factory=dict[str, str])

    def seconds(self, who: str) -> float | None:
        """Median time of one layer or one run."""
        return self.times[who].median / self.divide if who in self.times else None

    @property
    def ratio(self) -> float | None:
        """How many times faster than ONNX Runtime."""
        ours, theirs = self.seconds("bnnc"), self.seconds("onnxruntime")
        return theirs / ours if ours and theirs else None

    def json(self) -> dict[str, object]:
        """All of it; times in seconds, of one layer or one run."""
        times = {
            who: {
                "min": t.minimum / self.divide,
                "median": t.median / self.divide,
                "calls": t.calls,
            }
            for who, t in self.times.items()
        }
        kept = ("name", "macs", "onnx_bytes", "artifact_bytes", "compile_seconds", "binarized")
        return {
            **{key: getattr(self, key) for key in (*kept, "layers", "problems")},
            "times": times,
            "ratio": self.ratio,
        }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print Markdown, write files; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bnnc.tools.bench", description=__doc__)
    add = parser.add_argument
    add("files", nargs="*", type=Path, metavar="MODEL.onnx", help="default: the MNIST network")
    add("--models", type=Path, metavar="DIR", help="also every .onnx file in a folder")
    add("--only", choices=("layers", "networks"), help="one of the two tables")
    add("--target", default="native", help="what bnnc compiles for (default native)")
    add("--batch", type=int, default=1, help="for networks with an open batch (default 1)")
    add("--seconds", type=float, default=2.0, help="for each model and peer (default 2)")
    add("--json", type=Path, metavar="FILE", help="write all figures")
    add("--markdown", type=Path, metavar="FILE", help="write the tables")
    arguments = parser.parse_args(argv)
    return guarded(lambda: run(arguments))


def run(arguments: argparse.Namespace) -> int:
    """All measurements that the arguments ask for."""
    require_compiler("bench")
    outputs = [path for path in (arguments.json, arguments.markdown) if path is not None]
    for path in outputs:
        check_writable(path)
    models = _models(arguments.files, arguments.models)
    layers: list[Row] = []
    networks: list[Row] = []
    with pinned() as core, progress() as say, tempfile.TemporaryDirectory() as folder:
        if arguments.only != "networks":
            layers = _layers(arguments, Path(folder), say)
        if arguments.only != "layers":
            for model in models:
                say(model.name)
                networks.append(_network(model, arguments, Path(folder)))
        settings = _settings(arguments, core)
    text = markdown(settings, layers, networks)
    show(text)
    if arguments.json is not None:
        found = {"layers": layers, "networks": networks}
        held = {key: [row.json() for row in rows] for key, rows in found.items()}
        write_file(arguments.json, (json.dumps({**settings, **held}, indent=2) + "\n").encode())
    if arguments.markdown is not None:
        write_file(arguments.markdown, f"{text}\n".encode())
    return 0


def _models(files: Sequence[Path], folder: Path | None) -> list[Path]:
    found = list(files)
    if folder is not None:
        inside = sorted(folder.glob("*.onnx"))
        if not inside:
            raise InputError(f"{folder}: no .onnx files there")
        found += inside
    return found or [DATA / "mnist_bnn.onnx"]


def _settings(arguments: argparse.Namespace, core: int | None) -> dict[str, Any]:
    versions = {"bnnc": __version__, "python": platform.python_version()}
    for library in ("numpy", "onnx", "llvmlite"):
        try:
            versions[library] = version(library)
        except PackageNotFoundError:
            versions[library] = "unknown"
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "cpu": cpu_name(),
        "core": core,
        "target": arguments.target,
        "batch": arguments.batch,
        "seconds": arguments.seconds,
        "versions": {**versions, **{peer.name: peer.version for peer in PEERS}},
    }


def _layers(arguments: argparse.Namespace, folder: Path, say: Callable[[str], None]) -> list[Row]:
    from .layer_models import SHAPES, chain

    rows: list[Row] = []
    for shape in SHAPES:
        say(shape.name)
        model = folder / f"layer_{shape.name}.onnx"
        model.write_bytes(chain(shape, DEPTH).SerializeToString())
        row = Row(shape.name, DEPTH, shape.macs)
        _fill(row, model, arguments.target, 1, arguments.seconds, folder)
        rows.append(row)
    return rows


def _network(model: Path, arguments: argparse.Namespace, folder: Path) -> Row:
    row = Row(model.stem)
    _fill(row, model, arguments.target, arguments.batch, arguments.seconds, folder)
    return row


def _fill(row: Row, model: Path, target: str, batch: int, seconds: float, folder: Path) -> None:
    """Compile and measure; whatever fails is a remark in the row."""
    from ..driver import Options, compile_file
    from ..runtime import load

    library = folder / f"{row.name}.so"
    try:
        started = time.perf_counter()
        made = compile_file(str(model), target, library, Options())
        row.compile_seconds = time.perf_counter() - started
        compiled = load(library)
    except BnncError as error:
        row.problems["bnnc"] = one_line(str(error))
        return
    manifest = made.manifest
    counted = totals(manifest.layers)
    row.binarized, row.layers = counted["binarized"], counted["total"]
    row.macs = row.macs or counted["macs"]
    row.onnx_bytes, row.artifact_bytes = model.stat().st_size, len(made.data)
    inputs = {
        tensor.name: random_array(tensor, batch, seed)
        for seed, tensor in enumerate(manifest.inputs)
    }
    contenders = {"bnnc": lambda: compiled(*inputs.values()), **_peers(row, model, inputs)}
    row.times = measure(contenders, seconds)
    compiled.close()


def _peers(row: Row, model: Path, inputs: Mapping[str, Any]) -> dict[str, Callable[[], Any]]:
    found: dict[str, Callable[[], Any]] = {}
    for peer in PEERS:
        if peer.version is None:
            row.problems[peer.name] = ABSENT
            continue
        try:
            found[peer.name] = peer.load(str(model), inputs)
        except BnncError as error:
            row.problems[peer.name] = one_line(str(error))
    return found


def markdown(settings: Mapping[str, Any], layers: Sequence[Row], networks: Sequence[Row]) -> str:
    """The tables as people read them."""
    versions = ", ".join(f"{k} {v or 'not installed'}" for k, v in settings["versions"].items())
    parts = [
        f"Measured {settings['date']} on {settings['cpu']}, for {settings['target']}: {versions}.",
        "",
        NOTES,
    ]
    names = ["bnnc", *(peer.name for peer in PEERS)]
    if layers:
        head = ["layer", *names, "ratio", *(f"{name} GMAC/s" for name in names)]
        parts += ["", LAYER_NOTES.format(depth=DEPTH), ""]
        parts += _table(head, [_layer_cells(row, names) for row in layers])
    if networks:
        head = ["network", "on bits", *names, "ratio", "ONNX", "compiled", "compile time"]
        parts += ["", *_table(head, [_network_cells(row, names) for row in networks])]
    remarks = [
        f"- {row.name}: {text}"
        for row in [*layers, *networks]
        for text in row.problems.values()
        if text != ABSENT
    ]
    return "\n".join([*parts, *([""] if remarks else []), *remarks])


def _layer_cells(row: Row, names: Sequence[str]) -> list[str]:
    speeds = [row.macs / s / 1e9 if (s := row.seconds(name)) else None for name in names]
    shown = ["-" if speed is None else f"{speed:.0f}" for speed in speeds]
    return [row.name, *(_time(row, name) for name in names), _ratio(row), *shown]


def _network_cells(row: Row, names: Sequence[str]) -> list[str]:
    known = "bnnc" not in row.problems
    return [
        row.name,
        f"{row.binarized} of {row.layers}" if known else "-",
        *(_time(row, name) for name in names),
        _ratio(row),
        bytes_text(row.onnx_bytes) if known else "-",
        bytes_text(row.artifact_bytes) if known else "-",
        f"{row.compile_seconds:.1f} s" if known else "-",
    ]


def _time(row: Row, who: str) -> str:
    if who not in row.times:
        problem = row.problems.get(who, "-")
        return problem if problem in (ABSENT, "-") else "see below"
    timing = row.times[who]
    shown = (time_text(seconds / row.divide) for seconds in (timing.median, timing.minimum))
    return "{} ({})".format(*shown)


def _ratio(row: Row) -> str:
    return "-" if row.ratio is None else f"{row.ratio:.2f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [list(head), ["---", *["---:"] * (len(head) - 1)], *map(list, rows)]
    return [f"| {' | '.join(cells)} |" for cells in lines]


if __name__ == "__main__":
    raise SystemExit(main())
