"""Tasks of the benchmark for tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from bnnc.tools.benchmarks.network_steps import Network
from bnnc.tools.benchmarks.networks import Shape
from bnnc.tools.benchmarks.task import Store, Task

SMALL = Shape(6, 64)


def task(store: Store, net: Network, **changes: Any) -> Task:
    """A network on two random inputs, by one thread."""
    x = np.random.default_rng(0).standard_normal((2, *net.shapes[0])).astype(np.float32)
    return Task(store.onnx(net), {"x": x}, 2, 1, store, net, **changes)
