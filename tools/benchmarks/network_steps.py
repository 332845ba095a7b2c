"""A network as a list of steps, from which its ONNX file and its Keras twin are built.

A step names what it computes and the steps that it reads; it holds no weights, because a benchmark
draws them. Shapes are [channels, height, width] of one image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Step:
    """``kind`` of the values numbered ``inputs`` (0 is the network's input), with settings."""

    kind: str
    inputs: tuple[int, ...]
    settings: dict[str, Any]


@dataclass
class Network:
    """A network and its steps: every method adds a step and returns its number."""

    name: str
    channels: int
    size: int
    steps: list[Step] = field(default_factory=list[Step])
    shapes: list[tuple[int, int, int]] = field(init=False)
    macs: int = 0
    """Multiply-accumulates on one image."""
    binary_layers: int = 0
    """Layers that must run on bits."""

    def __post_init__(self) -> None:
        self.shapes = [(self.channels, self.size, self.size)]

    def conv(self, x: int, filters: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> int:
        """Float convolution without bias, zero padding of half a kernel."""
        return self._window("conv", x, filters, kernel, stride, groups=groups)

    def binary_conv(
        self, x: int, filters: int, kernel: int = 3, stride: int = 1, pad_value: int = 0
    ) -> int:
        """Sign (+1 at 0) of the map, convolved with two-valued weights; padded with 0 or +1."""
        self.binary_layers += 1
        return self._window("binary_conv", x, filters, kernel, stride, pad_value=pad_value)

    def norm(self, x: int) -> int:
        """BatchNormalization."""
        return self._same("norm", x)

    def relu(self, x: int) -> int:
        """Rectifier."""
        return self._same("relu", x)

    def prelu(self, x: int) -> int:
        """Rectifier with a slope per channel."""
        return self._same("prelu", x)

    def shift(self, x: int) -> int:
        """Adds a constant per channel: RSign's and RPReLU's learnt shifts."""
        return self._same("shift", x)

    def add(self, a: int, b: int) -> int:
        """The skip connection."""
        return self._add("add", (a, b), self.shapes[a])

    def concat(self, a: int, b: int) -> int:
        """The channels of the maps, one map after another."""
        channels, height, width = self.shapes[a]
        return self._add("concat", (a, b), (channels + self.shapes[b][0], height, width))

    def max_pool(self, x: int, kernel: int = 2, stride: int = 2, pad: int = 0) -> int:
        """Largest value of each window."""
        return self._pool("max_pool", x, kernel, stride, pad)

    def average_pool(self, x: int, kernel: int = 2, stride: int = 2) -> int:
        """Mean of each window."""
        return self._pool("average_pool", x, kernel, stride, 0)

    def blur_pool(self, x: int) -> int:
        """Fixed binomial filter per channel, stride 2."""
        channels, height, width = self.shapes[x]
        after = (channels, -(-height // 2), -(-width // 2))
        self.macs += math.prod(after) * 9
        return self._add("blur_pool", (x,), after)

    def global_pool(self, x: int) -> int:
        """Mean of all pixels."""
        return self._add("global_pool", (x,), (self.shapes[x][0], 1, 1))

    def dense(self, x: int, units: int) -> int:
        """Flatten and multiply with a float matrix, with bias."""
        self.macs += math.prod(self.shapes[x]) * units
        return self._add("dense", (x,), (units, 1, 1), units=units)

    def _window(
        self, kind: str, x: int, filters: int, kernel: int, stride: int, **settings: int
    ) -> int:
        channels, height, width = self.shapes[x]
        after = (filters, -(-height // stride), -(-width // stride))
        self.macs += math.prod(after) * kernel**2 * channels // settings.get("groups", 1)
        return self._add(
            kind, (x,), after, filters=filters, kernel=kernel, stride=stride, **settings
        )

    def _pool(self, kind: str, x: int, kernel: int, stride: int, pad: int) -> int:
        channels, height, width = self.shapes[x]
        sides = [(side + 2 * pad - kernel) // stride + 1 for side in (height, width)]
        settings = {"kernel": kernel, "stride": stride, "pad": pad}
        return self._add(kind, (x,), (channels, sides[0], sides[1]), **settings)

    def _same(self, kind: str, x: int) -> int:
        return self._add(kind, (x,), self.shapes[x])

    def _add(
        self, kind: str, inputs: tuple[int, ...], shape: tuple[int, int, int], **settings: int
    ) -> int:
        self.steps.append(Step(kind, inputs, settings))
        self.shapes.append(shape)
        return len(self.steps)
