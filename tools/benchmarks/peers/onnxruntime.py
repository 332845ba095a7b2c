"""ONNX Runtime in float32, and in int8 by its own static quantization of the same network."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from ..onnx_engines import ONNXRUNTIME
from ..static_quantization import int8
from ..task import Contender, Peer, Task
from ..timing import TimedCall

FLOAT = ("Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul")
INTEGER = ("QLinearConv", "QGemm", "QLinearMatMul", "MatMulIntegerToFloat")


def start_float(task: Task) -> Contender:
    """The unchanged model."""
    call = ONNXRUNTIME.load(str(task.model), task.inputs, task.threads)
    return Contender(TimedCall(call), ONNXRUNTIME.version or "")


def start_int8(task: Task) -> Contender:
    """The quantized model."""
    model = int8(task)
    call = ONNXRUNTIME.load(str(model), task.inputs, task.threads)
    return Contender(TimedCall(call), ONNXRUNTIME.version or "", _kept_float(model))


def _kept_float(model: Path) -> str | None:
    """A remark on the layers that its optimizer left in float, by the graph that it runs."""
    import onnx
    import onnxruntime as ort

    options: Any = ort.SessionOptions()
    options.intra_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = f"{folder}/optimized.onnx"
        ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        optimized = onnx.load(options.optimized_model_filepath, load_external_data=False)
    kinds = Counter(node.op_type for node in optimized.graph.node)
    left, all_ = sum(kinds[k] for k in FLOAT), sum(kinds[k] for k in (*FLOAT, *INTEGER))
    return f"{left} of {all_} layers stayed float32" if left else None


PEERS = (Peer("ORT fp32", start_float), Peer("ORT int8", start_int8))
