"""OpenVINO in float32, and in int8 on the model that ONNX Runtime's tool has quantized."""

from __future__ import annotations

from ..onnx_engines import OPENVINO
from ..static_quantization import int8
from ..task import Contender, Peer, Task
from ..timing import TimedCall


def start_float(task: Task) -> Contender:
    """The unchanged model."""
    call = OPENVINO.load(str(task.model), task.inputs, task.threads)
    return Contender(TimedCall(call), _version())


def start_int8(task: Task) -> Contender:
    """The quantized model, whose pairs of QuantizeLinear and DequantizeLinear it runs as int8."""
    call = OPENVINO.load(str(int8(task)), task.inputs, task.threads)
    return Contender(TimedCall(call), _version())


def _version() -> str:
    return (OPENVINO.version or "").split("-")[0]


PEERS = (Peer("OpenVINO fp32", start_float), Peer("OpenVINO int8", start_int8))
