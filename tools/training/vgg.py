"""A VGG-small-like binary network for Fashion-MNIST, trained with and without reuse in mind."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from .binarizers import anneal
from .codebook_weights import Codebook
from .fashion import CLASSES, Split
from .sign_layers import BinaryConv2d, clip_latent

SETTLED = 0.75
"""Share of the steps after which the codewords do not change any more."""
OPSET = 17


class Network(nn.Module):
    """A float 3x3 stem of stride 2, binary 3x3 layers on its 16x16 pixels, a float classifier.

    A BatchNorm follows each layer. ``widths`` are the output channels of the stem and of the binary
    layers. ``codewords``: the words of each binary layer's codebook, 0 for none.
    """

    def __init__(
        self, widths: tuple[int, ...] = (128, 128, 128, 128, 128), codewords: int = 0
    ) -> None:
        super().__init__()
        stem, *outputs = widths
        # Padded by 3 so that 28x28 becomes 16x16, which fill whole vectors.
        self.stem = nn.Conv2d(1, stem, 3, stride=2, padding=3, bias=False)
        body: list[nn.Module] = [nn.BatchNorm2d(stem)]
        for index, (inputs, width) in enumerate(zip(widths, outputs, strict=False)):
            book = Codebook(codewords, seed=index) if codewords else None
            body += [
                BinaryConv2d(inputs, width, 3, padding=1, codebook=book),
                nn.BatchNorm2d(width),
            ]
        self.body = nn.Sequential(*body)
        self.classifier = nn.Linear(outputs[-1], CLASSES)

    def forward(self, image: Tensor) -> Tensor:
        """Pixels in 0..1, [N, 1, 28, 28], to one score per class, [N, 10]."""
        # The order of a one-channel input is ambiguous; all that follows is faster in this one.
        x = self.stem(image - 0.5).contiguous(memory_format=torch.channels_last)
        x = self.body(x)
        return self.classifier(torch.flatten(functional.adaptive_avg_pool2d(x, 1), 1))


@dataclass(frozen=True)
class Settings:
    """Everything that determines the trained weights; ``images`` of the training set are used."""

    epochs: int
    images: int
    batch: int = 50
    rate: float = 3e-3
    seed: int = 1


Regularizer = Callable[[nn.Module, float], Tensor]
"""The model and how far training is, 0 to 1, to what is added to the loss."""


def train(
    network: Network,
    data: Split,
    test: Split,
    settings: Settings,
    regularizer: Regularizer | None = None,
) -> Network:
    """Adam with a cosine schedule to zero; one line per epoch to stderr. Products are in bfloat16,
    which holds signs exactly, where the CPU multiplies it fast."""
    random = torch.Generator().manual_seed(settings.seed)
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), settings.rate)
    steps = settings.epochs * -(-settings.images // settings.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    start, step, loss = time.perf_counter(), 0, torch.zeros(())
    for epoch in range(settings.epochs):
        network.train()
        for pixels, labels in batches(data, settings, random):
            progress = step / steps
            anneal(network, progress)
            if progress >= SETTLED:
                freeze(network)
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16):
                scores = network(pixels)
            loss = functional.cross_entropy(scores.float(), labels)
            if regularizer is not None:
                loss = loss + regularizer(network, progress)
            loss.backward()
            optimizer.step()
            schedule.step()
            clip_latent(network)
            step += 1
        seconds = time.perf_counter() - start
        print(
            f"epoch {epoch + 1}/{settings.epochs}: loss {float(loss.detach()):.3f},"
            f" test accuracy {accuracy(network, test):.2%}, {seconds:.0f} s",
            file=sys.stderr,
            flush=True,
        )
    return network.eval()


def freeze(network: nn.Module) -> None:
    """Keep the words of all codebooks from now on."""
    for module in network.modules():
        if isinstance(module, Codebook):
            module.freeze()


def batches(
    data: Split, settings: Settings, random: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch in random order, of unchanged images: so short a training learns more from them
    than from shifted and mirrored ones."""
    images, labels = torch.from_numpy(data.images.copy()), torch.from_numpy(data.labels)
    order = torch.randperm(len(labels), generator=random)[: settings.images]
    for index in order.split(settings.batch):
        yield images[index, None].float() / 255, labels[index]


@torch.no_grad()
def accuracy(network: nn.Module, test: Split) -> float:
    """Share of test images that the network classifies correctly, in bfloat16."""
    network.eval()
    right = 0
    for first in range(0, len(test.labels), 500):
        part = slice(first, first + 500)
        pixels = torch.from_numpy(test.images[part, None]).float() / 255
        with torch.autocast("cpu", torch.bfloat16):
            scores = network(pixels)
        right += int((scores.argmax(1).numpy() == test.labels[part]).sum())
    return right / len(test.labels)


def export(network: nn.Module, path: Path) -> None:
    """Write the network as ONNX with a symbolic batch; the input is ``image``."""
    network.eval()
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
