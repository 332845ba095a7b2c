"""Static quantization by ONNX Runtime's own tool: int8 per output channel, with QuantizeLinear and
DequantizeLinear around every layer."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .onnx_engines import ONNXRUNTIME, PeerError
from .task import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLES = 2
RECIPE = b"qdq u8s8 per channel 1"


def int8(task: Task) -> Path:
    """The quantized model of a task, calibrated on random inputs; PeerError without the tool."""
    if ONNXRUNTIME.version is None:
        raise PeerError("onnxruntime is not installed")
    path = task.store.path("-int8.onnx", RECIPE, task.model.read_bytes())
    return task.store.keep(path, lambda output: _quantize(task, output))


def _quantize(task: Task, output: Path) -> None:
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.samples = _samples(task)

        def get_next(self) -> Any:
            """The next sample, None after the last."""
            return next(self.samples, None)

    logging.getLogger().setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        prepared = f"{folder}/prepared.onnx"
        quant_pre_process(str(task.model), prepared)
        quantize_static(
            prepared,
            str(output),
            Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )


def _samples(task: Task) -> Iterator[dict[str, NDArray[Any]]]:
    random = np.random.default_rng(0)
    for _ in range(SAMPLES):
        yield {
            name: np.asarray(random.standard_normal((1, *array.shape[1:])), np.float32)
            for name, array in task.inputs.items()
        }
