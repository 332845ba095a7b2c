"""OpenVINO on an ONNX file."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import openvino as ov

WIDTHS = ("sse42", "avx2", "avx512", "amx")
"""What the names of its kernels have in them, oldest first."""
PRODUCTS = ("Convolution", "FullyConnected", "MatMul")


def start(request: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """``request``: the model's path, its inputs by name, threads and, where instructions are
    capped, the newest that may be in a kernel's name (``widest``)."""
    inputs = request["inputs"]
    settings = {
        "INFERENCE_NUM_THREADS": request["threads"],
        "INFERENCE_PRECISION_HINT": "f32",
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,
    }
    core: Any = ov.Core()
    read = core.read_model(request["model"])
    read.reshape({name: list(array.shape) for name, array in inputs.items()})
    compiled: Any = core.compile_model(read, "CPU", settings)
    note = beyond(kernels(compiled), request["widest"]) if "widest" in request else None
    run = compiled.create_infer_request()
    run.infer(inputs)

    def turn(seconds: float, calls: int) -> list[float]:
        times: list[float] = []
        end = time.perf_counter() + seconds
        while len(times) < calls:
            begin = time.perf_counter()
            run.infer(inputs, share_inputs=True)
            stop = time.perf_counter()
            times.append(stop - begin)
            if stop >= end:
                break
        return times

    return turn, {"version": ov.__version__.split("-")[0], "note": note}


def kernels(compiled: Any) -> list[tuple[str, str]]:
    """Kind of layer and name of the kernel, for each step of the compiled model."""
    found: list[tuple[str, str]] = []
    for step in compiled.get_runtime_model().get_ops():
        facts = step.get_rt_info()
        if "layerType" in facts and "primitiveType" in facts:
            found.append((facts["layerType"].astype(str), facts["primitiveType"].astype(str)))
    return found


def beyond(found: Iterable[tuple[str, str]], widest: str) -> str | None:
    """A remark on the kernels that heed no cap; RuntimeError where products are among them or where
    no product is named."""
    newer = WIDTHS[WIDTHS.index(widest) + 1 :]
    listed = list(found)
    over = [(kind, kernel) for kind, kernel in listed if any(width in kernel for width in newer)]
    products = sorted({kernel for kind, kernel in over if kind in PRODUCTS})
    if products:
        raise RuntimeError(f"not capped to {widest}: {', '.join(products)}")
    if not any(kind in PRODUCTS for kind, _ in listed):
        raise RuntimeError("cannot tell the kernels of its products")
    others = sorted({kind for kind, _ in over})
    return f"not capped to {widest}: {', '.join(others)}" if others else None
