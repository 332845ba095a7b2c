"""OpenVINO's BinaryConvolution on a chain of layers; the time is that of these kernels only, by
OpenVINO's own counters."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset8 as op

SETTINGS = {
    "INFERENCE_NUM_THREADS": 1,
    "NUM_STREAMS": 1,
    "ENABLE_CPU_PINNING": False,
    "INFERENCE_PRECISION_HINT": "f32",
    "PERF_COUNT": True,
}


def start(request: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """``request``: size, channels, kernel, depth; a turn's seconds are sums over the chain."""
    compiled: Any = ov.Core().compile_model(chain(request), "CPU", SETTINGS)
    run = compiled.create_infer_request()
    channels, size = request["channels"], request["size"]
    x = np.random.default_rng(0).standard_normal((1, channels, size, size)).astype(np.float32)
    run.infer({0: x})
    kernels = [p for p in run.profiling_info if p.node_type == "BinaryConvolution"]
    if len(kernels) != request["depth"] or any("jit" not in p.exec_type for p in kernels):
        raise RuntimeError(f"its kernels: {[(p.node_type, p.exec_type) for p in kernels]}")

    def turn(seconds: float, calls: int) -> list[float]:
        times: list[float] = []
        end = time.perf_counter() + seconds
        while len(times) < calls:
            run.infer({0: x}, share_inputs=True)
            counted = (p for p in run.profiling_info if p.node_type == "BinaryConvolution")
            times.append(sum(p.real_time.total_seconds() for p in counted))
            if time.perf_counter() >= end:
                break
        return times

    return turn, {"version": ov.__version__.split("-")[0]}


def chain(request: dict[str, Any]) -> Any:
    """Sign as FakeQuantize with two levels, binary convolution, scale and shift per channel."""
    channels, size, side = request["channels"], request["size"], request["kernel"]
    random = np.random.default_rng(0)

    def per_channel(values: Any) -> Any:
        return op.constant(np.broadcast_to(values, (1, channels, 1, 1)).astype(np.float32))

    x = op.parameter([1, channels, size, size], np.float32, name="x")
    value: Any = x
    shape = [channels, channels, side, side]
    for _ in range(request["depth"]):
        value = op.fake_quantize(
            value, per_channel(0), per_channel(0), per_channel(-1), per_channel(1), 2
        )
        packed = np.packbits(random.integers(0, 2, math.prod(shape)).astype(np.uint8))
        weights = ov.op.Constant(ov.Tensor(packed, ov.Shape(shape), ov.Type.u1))
        pads = [side // 2] * 2
        value = op.binary_convolution(
            value, weights, [1, 1], pads, pads, [1, 1], "xnor-popcount", 0.0
        )
        scale = per_channel(random.uniform(0.01, 0.1, (1, channels, 1, 1)))
        value = op.add(
            op.multiply(value, scale), per_channel(random.normal(0, 1, (1, channels, 1, 1)))
        )
    mean = op.reduce_mean(value, op.constant(np.array([2, 3])), True)
    model: Any = ov.Model
    return model([mean], [x], "chain")
