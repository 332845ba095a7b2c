"""OpenVINO in float32, and in int8 on the model that ONNX Runtime's tool has quantized: with all
instructions of the CPU, and with those of a class only.

It reads the variable that caps them when it is loaded, so that each runs in a process of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from ..isa_classes import UNCAPPED, VARIABLE, IsaClass, classes_of
from ..remote_contenders import Remote
from ..static_quantization import int8
from ..task import Contender, Peer, Task

INT8 = "OpenVINO int8"


def capped(recipe: str, request: Mapping[str, Any], isa: str | None = None) -> Contender:
    """A recipe served with no newer instructions than oneDNN's name ``isa`` says; without one with
    all, whatever this process's environment says."""
    remote = Remote(recipe, request, environment={VARIABLE: isa or UNCAPPED})
    return Contender(remote, remote.version, remote.note, remote.close)


def start_float(task: Task) -> Contender:
    """The unchanged model."""
    return capped("openvino_model", _request(task, str(task.model)))


def start_int8(only: IsaClass | None, task: Task) -> Contender:
    """The quantized model, whose pairs of QuantizeLinear and DequantizeLinear it runs as int8."""
    request = _request(task, str(int8(task)))
    if only is None:
        return capped("openvino_model", request)
    only.require()
    return capped("openvino_model", {**request, "widest": only.widest}, only.isa)


def _request(task: Task, model: str) -> dict[str, Any]:
    return {"model": model, "inputs": dict(task.inputs), "threads": task.threads}


def name_in(only: IsaClass | None) -> str:
    """The column of int8 with the instructions of a class, or with all."""
    return INT8 if only is None else f"{INT8}, {only.title}"


def of_classes(targets: Iterable[str]) -> list[Peer]:
    """OpenVINO in int8 for each class of these targets."""
    return [Peer(name_in(only), partial(start_int8, only)) for only in classes_of(targets)]


PEERS = (Peer("OpenVINO fp32", start_float), Peer(INT8, partial(start_int8, None)))
