"""Larq Compute Engine, from the Python that ``--lce-python`` names: it needs an older TensorFlow
than the other peers can use."""

from __future__ import annotations

import json

from ..onnx_engines import PeerError
from ..remote_contenders import Remote
from ..task import Contender, Peer, Task


def start(task: Task) -> Contender:
    """The Keras twin of the task's steps."""
    if task.network is None:
        raise PeerError("the network is a file, which has no Keras twin")
    if task.lce_python is None:
        raise PeerError("not asked for: --lce-python names a Python that has it")
    if task.batch != 1:
        raise PeerError("measured only at batch 1")
    text = task.steps_json()
    shape, steps = json.loads(text)
    request = {
        "steps": steps,
        "shape": shape,
        "batch": task.batch,
        "threads": task.threads,
        "kept": str(task.store.path(".tflite", text)),
    }
    remote = Remote("larq_engine", request, task.lce_python)
    return Contender(remote, remote.version, None, remote.close)


PEERS = (Peer("Larq CE", start),)
