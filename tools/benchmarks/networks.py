"""The networks and layers that the bench measures, at their published widths and resolutions.

Training codes write a sign in many ways (tests/zoo has them); here it is one comparison and one
selection, the cheapest form for every runtime, and weights are constants: no peer computes anything
that an exporter left in the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from .network_steps import Network

CLASSES = 1000


@dataclass(frozen=True)
class Shape:
    """A binary convolution, stride 1: ``size`` x ``size`` pixels, ``channels`` in and out; zero
    padding where the kernel is 3."""

    size: int
    channels: int
    kernel: int = 3

    @property
    def name(self) -> str:
        """Its name in the tables."""
        return f"{self.size}x{self.size}x{self.channels}, {self.kernel}x{self.kernel}"

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one layer on one image."""
        return self.size**2 * self.channels**2 * self.kernel**2

    @property
    def operand_bytes(self) -> float:
        """Bytes that one layer must read and write at least: bits in, bits out, weights."""
        pixels = 2 * self.size**2 * self.channels
        return (pixels + self.channels**2 * self.kernel**2) / 8


SHAPES = (Shape(56, 64), Shape(28, 128), Shape(14, 256), Shape(7, 512))
POINTWISE = tuple(Shape(side, channels, 1) for side, channels in ((56, 128), (28, 256), (14, 512)))
"""A layer of ReActNet-A, like the next one."""
LAYERS = (*SHAPES, *POINTWISE, Shape(7, 1024, 1))


def chain(shape: Shape, depth: int) -> Network:
    """``depth`` times sign, binary convolution and BatchNormalization, then an average of pixels:
    divided by ``depth``, its time is that of one layer in the middle of a network."""
    net = Network(shape.name, shape.channels, shape.size)
    x = 0
    for _ in range(depth):
        x = net.norm(net.binary_conv(x, shape.channels, shape.kernel))
    net.global_pool(x)
    return net


def vgg_small() -> Network:
    """VGG-small for CIFAR-10: one float convolution, five binary ones, a float classifier."""
    net = Network("VGG-small", 3, 32)
    x = net.norm(net.conv(0, 128))
    for index, filters in enumerate((128, 256, 256, 512, 512)):
        x = net.binary_conv(x, filters)
        if index % 2 == 0:
            x = net.max_pool(x)
        x = net.norm(x)
    net.dense(net.relu(x), 10)
    return net


def _stem(net: Network) -> int:
    """ResNet's stem: 7x7, stride 2, then a max pool."""
    return net.max_pool(net.norm(net.conv(0, 64, 7, 2)), 3, 2, 1)


def bireal_18() -> Network:
    """Bi-Real-18 (Liu 2018): a skip around every binary layer."""
    net = Network("Bi-Real-18", 3, 224)
    x = _stem(net)
    for group in range(4):
        filters = 64 << group
        for index in range(4):
            skip, stride = x, 1
            if group and not index:
                stride = 2
                skip = net.norm(net.conv(net.average_pool(x), filters, 1))
            x = net.add(net.norm(net.binary_conv(x, filters, stride=stride)), skip)
    net.dense(net.global_pool(x), CLASSES)
    return net


def _rprelu(net: Network, x: int) -> int:
    return net.shift(net.prelu(net.shift(x)))


def reactnet_a() -> Network:
    """ReActNet-A (Liu 2020): a binary 3x3 and a binary 1x1 layer a block, on MobileNet's channels;
    where channels double, two 1x1 layers on one sign are concatenated."""
    net = Network("ReActNet-A", 3, 224)
    x = net.norm(net.conv(0, 32, 3, 2))
    widths = (32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024)
    for index, (inputs, outputs) in enumerate(pairwise(widths)):
        stride = 2 if inputs != outputs and index else 1
        skip = net.average_pool(x) if stride == 2 else x
        block = net.norm(net.binary_conv(net.shift(x), inputs, stride=stride))
        block = _rprelu(net, net.add(block, skip))
        sign = net.shift(block)
        parts = [
            net.add(net.norm(net.binary_conv(sign, inputs, 1)), block)
            for _ in range(outputs // inputs)
        ]
        x = _rprelu(net, parts[0] if len(parts) == 1 else net.concat(*parts))
    net.dense(net.global_pool(x), CLASSES)
    return net


def quicknet() -> Network:
    """QuickNet (Bannink 2021): padding with +1, a rectifier after the binary layer, blur pools."""
    net = Network("QuickNet", 3, 224)
    x = net.relu(net.norm(net.conv(0, 16, 3, 2)))
    x = net.norm(net.conv(x, 16, 3, 2, groups=16))
    x = net.norm(net.conv(x, 64, 1))
    for group in range(4):
        filters = 64 << group
        if group:
            x = net.blur_pool(net.max_pool(net.relu(x), 2, 1))
            x = net.norm(net.conv(x, filters, 1))
        for _ in range(4):
            features = net.relu(net.binary_conv(x, filters, pad_value=1))
            x = net.add(net.norm(features), x)
    net.dense(net.global_pool(net.relu(x)), CLASSES)
    return net


def binary_dense_net_28() -> Network:
    """BinaryDenseNet-28 (Bethge 2019): growing concatenations before each sign."""
    net = Network("BinaryDenseNet-28", 3, 224)
    x = net.max_pool(net.relu(net.norm(net.conv(0, 64, 7, 2))), 3, 2, 1)
    for index, (count, reduction) in enumerate(((6, 2.7), (6, 2.7), (6, 2.2), (5, 0.0))):
        for _ in range(count):
            x = net.concat(x, net.binary_conv(net.norm(x), 64))
        if index < 3:
            outputs = round(net.shapes[x][0] / reduction / 32) * 32
            x = net.conv(net.relu(net.max_pool(net.norm(x))), outputs, 1)
    net.dense(net.global_pool(net.relu(net.norm(x))), CLASSES)
    return net


NETWORKS: Mapping[str, Callable[[], Network]] = {
    build().name: build
    for build in (vgg_small, bireal_18, reactnet_a, quicknet, binary_dense_net_28)
}
