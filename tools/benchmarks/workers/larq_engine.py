"""Larq Compute Engine on the Keras twin of a network's steps.

Weights are drawn anew and padding is TensorFlow's SAME: the work is the same, the values are not.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.update(TF_USE_LEGACY_KERAS="1", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")

import numpy as np

tf: Any = import_module("tensorflow")
larq: Any = import_module("larq")
lce: Any = import_module("larq_compute_engine")
interpreters: Any = import_module("larq_compute_engine.tflite.python.interpreter")
layers = tf.keras.layers


def start(request: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """``request``: steps as (kind, inputs, settings), the shape [C, H, W], batch and threads, and
    the path of the converted model."""
    kept = Path(request["kept"])
    if not kept.exists():
        kept.write_bytes(
            lce.convert_keras_model(twin(request["steps"], request["shape"], request["batch"]))
        )
    interpreter = interpreters.Interpreter(kept.read_bytes(), num_threads=request["threads"])
    channels, height, width = request["shape"]
    random = np.random.default_rng(0)
    x = random.standard_normal((request["batch"], height, width, channels)).astype(np.float32)
    native = interpreter.interpreter

    def turn(seconds: float, calls: int) -> list[float]:
        times: list[float] = []
        end = time.perf_counter() + seconds
        while len(times) < calls:
            begin = time.perf_counter()
            native.predict([x])
            stop = time.perf_counter()
            times.append(stop - begin)
            if stop >= end:
                break
        return times

    return turn, {"version": version("larq-compute-engine")}


def twin(steps: list[tuple[str, tuple[int, ...], dict[str, Any]]], shape: Any, batch: int) -> Any:
    """The Keras model, channels last."""
    channels, height, width = shape
    values = [tf.keras.Input((height, width, channels), batch_size=batch)]
    for kind, inputs, settings in steps:
        read = [values[index] for index in inputs]
        values.append(KINDS[kind](read[0] if len(read) == 1 else read, settings))
    return tf.keras.Model(values[0], values[-1])


def conv(x: Any, settings: dict[str, Any]) -> Any:
    kernel, stride = settings["kernel"], settings["stride"]
    if settings["groups"] > 1:
        layer = layers.DepthwiseConv2D(kernel, stride, "same", use_bias=False)
    else:
        layer = layers.Conv2D(settings["filters"], kernel, stride, "same", use_bias=False)
    return layer(x)


def binary_conv(x: Any, settings: dict[str, Any]) -> Any:
    return larq.layers.QuantConv2D(
        settings["filters"],
        settings["kernel"],
        settings["stride"],
        padding="same",
        pad_values=float(settings["pad_value"]),
        input_quantizer="ste_sign",
        kernel_quantizer="ste_sign",
        use_bias=False,
    )(x)


class Shift(layers.Layer):
    """Adds a constant per channel."""

    def build(self, shape: Any) -> None:
        self.amounts = self.add_weight("amounts", (shape[-1],), initializer="random_normal")

    def call(self, x: Any) -> Any:
        return x + self.amounts


KINDS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "conv": conv,
    "binary_conv": binary_conv,
    "norm": lambda x, _: layers.BatchNormalization(
        gamma_initializer="random_normal", beta_initializer="random_normal"
    )(x),
    "relu": lambda x, _: layers.ReLU()(x),
    "prelu": lambda x, _: layers.PReLU("random_normal", shared_axes=[1, 2])(x),
    "shift": lambda x, _: Shift()(x),
    "add": lambda pair, _: layers.Add()(pair),
    "concat": lambda pair, _: layers.Concatenate()(pair),
    "max_pool": lambda x, s: layers.MaxPool2D(
        s["kernel"], s["stride"], "same" if s["pad"] else "valid"
    )(x),
    "average_pool": lambda x, s: layers.AveragePooling2D(s["kernel"], s["stride"])(x),
    "blur_pool": lambda x, _: layers.DepthwiseConv2D(3, 2, "same", use_bias=False)(x),
    "global_pool": lambda x, _: layers.GlobalAveragePooling2D(keepdims=True)(x),
    "dense": lambda x, s: layers.Dense(s["units"])(layers.Flatten()(x)),
}
