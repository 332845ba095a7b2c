"""How long one call of a compiled model takes, alone or next to ONNX Runtime: ``bnnc bench`` and
`bnnc.benchmark`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ...errors import InputError
from ...files import open_regular
from ...runtime import load
from ...runtime.artifact import read_manifest
from ...runtime.artifact_file import read_file
from ...runtime.cpu import cpu_name
from ...runtime.thread_pool import thread_count
from .timing import Timing, measure, pinned, random_array

_REST = 0.05
"""Seconds before a turn, in which threads of the previous one stop spinning."""


@dataclass(frozen=True)
class CallTimes:
    """Seconds of one call by runtime: ``bnnc``, and ``onnxruntime`` where a model was given.

    ``core``: the one that was used, None where there were several or it could not be pinned;
    ``batch``: None for a model that was compiled for a fixed one.
    """

    artifact: str
    name: str
    target: Mapping[str, Any]
    cpu: str
    core: int | None
    threads: int
    batch: int | None
    versions: Mapping[str, str]
    times: Mapping[str, Timing]

    @property
    def ratio(self) -> float | None:
        """How many times faster bnnc is than ONNX Runtime, by medians."""
        peer = self.times.get("onnxruntime")
        return None if peer is None else peer.median / self.times["bnnc"].median

    def json(self) -> dict[str, object]:
        """Everything, for programs."""
        known = {key: value for key, value in vars(self).items() if key != "times"}
        timings = {name: timing.json() for name, timing in self.times.items()}
        return {**known, "onnxruntime": None, "ratio": self.ratio, **timings}


def benchmark(
    artifact: str | os.PathLike[str],
    model: str | os.PathLike[str] | None = None,
    *,
    batch: int = 1,
    threads: int | None = None,
    seconds: float = 1.0,
    runs: int | None = None,
) -> CallTimes:
    """Time calls of a compiled model on random inputs, warm and pinned to as many cores as there
    are ``threads`` (None: what the environment says, see `bnnc.load`); with ``model``, its ONNX
    file, ONNX Runtime runs in turns with it. ``runs`` calls, or as many as take ``seconds``.
    Raises BnncError.
    """
    path = os.fspath(artifact)
    manifest = read_manifest(read_file(path), path)
    if batch != 1 and not manifest.symbolic:
        raise InputError(f"{path}: was compiled for a fixed batch; --batch does not apply")
    count = thread_count(threads, path)
    # Threads stay on the cores on which they start.
    with pinned(count) as core, load(path, count) as compiled:
        inputs = {
            tensor.name: random_array(tensor, batch, seed)
            for seed, tensor in enumerate(manifest.inputs)
        }
        contenders: dict[str, Any] = {"bnnc": lambda: compiled(*inputs.values())}
        versions = {"bnnc": manifest.bnnc}
        if model is not None:
            from .onnx_engines import ONNXRUNTIME

            contenders[ONNXRUNTIME.name] = ONNXRUNTIME.load(
                _existing(os.fspath(model)), inputs, count
            )
            versions[ONNXRUNTIME.name] = ONNXRUNTIME.version or ""
        rest = _REST if count > 1 and len(contenders) > 1 else 0.0
        timed = measure(contenders, seconds, runs, rest)
        return CallTimes(
            artifact=path,
            name=manifest.name,
            target=asdict(manifest.target),
            cpu=cpu_name(),
            core=core,
            threads=count,
            batch=batch if manifest.symbolic else None,
            versions=versions,
            times=timed,
        )


def _existing(path: str) -> str:
    """The path of a file that can be read; OSError otherwise."""
    with open_regular(path):
        return path
