"""ONNX Runtime with its defaults, in the precision of the given model."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from ...errors import BnncError

Arrays = Mapping[str, Any]


class PeerError(BnncError):
    """A peer is not installed or cannot run a model."""


@dataclass(frozen=True)
class Peer:
    """Another runtime: ``start`` loads an ONNX file for so many threads and returns a function that
    runs it once."""

    name: str
    library: str
    start: Callable[[str | bytes, Arrays, int], Callable[[], list[Any]]]

    @property
    def version(self) -> str | None:
        """Its version, or None when it is not installed."""
        if find_spec(self.library) is None:
            return None
        return str(getattr(importlib.import_module(self.library), "__version__", "unknown"))

    def load(self, model: str | bytes, inputs: Arrays, threads: int = 1) -> Callable[[], list[Any]]:
        """A call that runs the model once on these inputs; PeerError when there is none.

        ``model`` is a path or the content of an ONNX file.
        """
        if find_spec(self.library) is None:
            raise PeerError(f"{self.name} is not installed; install bnnc[bench]")
        return self.start(model, inputs, threads)


def _onnxruntime(model: str | bytes, inputs: Arrays, threads: int) -> Callable[[], list[Any]]:
    import onnxruntime as ort

    state = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    ort.set_default_logger_severity(4)
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    errors = tuple(
        kind
        for kind in vars(state).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    )
    try:
        session: Any = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        session.run(None, dict(inputs))
    except (RuntimeError, ValueError, *errors) as error:
        raise PeerError(f"onnxruntime cannot run the model: {_first_line(error)}") from error
    return lambda: session.run(None, inputs)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


ONNXRUNTIME = Peer("onnxruntime", "onnxruntime", _onnxruntime)
