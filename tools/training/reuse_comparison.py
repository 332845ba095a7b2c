"""What reuse saves on compiled networks: bit-operations, sizes, and times with it off and on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...compression import compress
from ...driver import Compilation, build
from ...errors import BnncError
from ...files import write_file
from ...ir.codewords import Codebook
from ...ir.ops import BinaryConv, BinaryGemm, Const
from ...options import Options
from ...passes import pipelines, run_passes
from ...passes.binarize import Binarize
from ...passes.support.spanning_tree import reuse
from ...runtime import load
from ...runtime.artifact import read_manifest
from ...runtime.manifest import Kernel
from ...runtime.step_timer import StepTimer
from ..benchmarks.timing import Timing, pinned, random_array
from ..inspection.stored_weights import stored_weights, total
from .fashion import Split

CALLS = 5
"""Least number of calls of each form, however long they take."""

BINARY = ("binary_", "transpose_bits")
"""Kernels of the binary layers, and the transposes of bits between two of them."""


@dataclass(frozen=True)
class LayerShares:
    """One binary layer of ``outputs`` channels with ``bits`` weights each, of whose products the
    tree over all channels and the forest of blocks of 64 leave ``tree`` and ``forest``; ``depth``
    of that forest, ``words`` of its codebook (0: more than bnnc looks for)."""

    name: str
    macs: int
    outputs: int
    bits: int
    tree: int
    forest: int
    depth: int
    words: int

    @property
    def full(self) -> int:
        """Products of an output pixel without reuse."""
        return self.outputs * self.bits


@dataclass(frozen=True)
class Times:
    """Seconds that the binary layers of a network take in a call, and the whole call."""

    layers: Timing
    kernels: tuple[tuple[str, str, float], ...]
    """Name, kernel and least seconds of each."""


@dataclass(frozen=True)
class ReuseComparison:
    """A network with reuse off and on: everything that the table shows."""

    name: str
    accuracy: float
    shares: tuple[LayerShares, ...]
    size: int
    """Bytes of the artifact with reuse on; ``compressed``: by ``--compress``, its binary weights in
    ``stored`` bits each."""
    compressed: int
    stored: float
    off: Times
    on: Times
    ratios: tuple[float, float]
    """How many times faster on is than off: by least times, and by medians."""

    @property
    def tree_share(self) -> float:
        """Part of all bit-operations that the trees over all channels leave, by layers' work."""
        return self._mean([layer.tree / layer.full for layer in self.shares])

    @property
    def forest_share(self) -> float:
        """The same of the forests of blocks, which the kernels follow."""
        return self._mean([layer.forest / layer.full for layer in self.shares])

    @property
    def depth(self) -> int:
        return max(layer.depth for layer in self.shares)

    @property
    def words(self) -> int:
        """The most words of a layer; 0 where one has more than bnnc looks for."""
        counts = [layer.words for layer in self.shares]
        return max(counts) if all(counts) else 0

    def _mean(self, shares: Sequence[float]) -> float:
        macs = [layer.macs for layer in self.shares]
        pairs = zip(shares, macs, strict=True)
        return sum(share * count for share, count in pairs) / sum(macs)

    def json(self) -> dict[str, object]:
        return {
            **asdict(self),
            "tree_share": self.tree_share,
            "forest_share": self.forest_share,
        }


def compare(
    model: Path, test: Split, target: str, batch: int, seconds: float, folder: Path
) -> ReuseComparison:
    """Compile ``model`` with reuse off and on into ``folder`` and measure both. Raises BnncError
    where their outputs on the test images differ in any bit."""
    compilations = {
        on: build(str(model), target, Options(reuse=on, optimize="speed"), model.stem)
        for on in (False, True)
    }
    scores: list[npt.NDArray[np.float32]] = []
    for on, compilation in compilations.items():
        path = folder / f"{model.stem}-{'on' if on else 'off'}.so"
        write_file(path, compilation.data)
        scores.append(classify(path, test))
    if not np.array_equal(scores[0].view(np.uint32), scores[1].view(np.uint32)):
        raise BnncError(f"{model}: outputs with reuse on and off differ")
    accuracy = float((scores[1].argmax(1) == test.labels).mean())
    off, on, ratios = _times([compilations[False], compilations[True]], batch, seconds)
    small = compress(compilations[True].data, compilations[True].schedule)
    weights = total(stored_weights(small, compilations[True].manifest, model.stem))
    return ReuseComparison(
        model.stem,
        accuracy,
        layer_shares(compilations[True]),
        len(compilations[True].data),
        len(small),
        weights.bits,
        off,
        on,
        ratios,
    )


def classify(path: Path, test: Split, size: int = 100) -> npt.NDArray[np.float32]:
    """The artifact's scores [count, 10] for the test images."""
    pixels = np.divide(test.images[:, None], 255, dtype=np.float32)
    with load(path, 1) as model:
        parts = [model(pixels[at : at + size]) for at in range(0, len(pixels), size)]
    return np.concatenate([np.asarray(part, np.float32) for part in parts])


def layer_shares(compilation: Compilation) -> tuple[LayerShares, ...]:
    """Trees and codebooks of a network's binary layers, whose weights are ±alpha."""
    graph = run_passes(compilation.imported.graph, (*pipelines.recognition(), Binarize()))
    macs = {layer.name: layer.binary_macs for layer in compilation.manifest.layers}
    shares: list[LayerShares] = []
    for node in graph.nodes:
        if isinstance(node.op, (BinaryConv, BinaryGemm)):
            weights = graph.producers[node.op.w].op
            assert isinstance(weights, Const)
            name = node.origin[0]
            shares.append(_shares(name, macs[name], weights.array))
    return tuple(shares)


def _shares(name: str, macs: int, weights: npt.NDArray[np.generic]) -> LayerShares:
    rows = weights.reshape(len(weights), -1)
    trees = reuse(rows)
    book = Codebook.of(weights) if weights.ndim > 2 else None
    words = len(book.words) if book is not None else 0
    return LayerShares(
        name,
        macs,
        *rows.shape,
        trees.tree.operations,
        trees.forest.operations,
        trees.forest.depth,
        words,
    )


def _times(
    compilations: Sequence[Compilation], batch: int, seconds: float
) -> tuple[Times, Times, tuple[float, float]]:
    """Both forms in turns on one core and one thread, for about ``seconds`` each."""
    with pinned():
        timers: list[StepTimer] = []
        for compilation in compilations:
            manifest = read_manifest(compilation.data, compilation.manifest.name)
            inputs = [random_array(t, batch, seed) for seed, t in enumerate(manifest.inputs)]
            timers.append(StepTimer(compilation.data, manifest, manifest.name, inputs, batch))
        end = time.perf_counter() + seconds * len(timers)
        while timers[0].calls < CALLS or time.perf_counter() < end:
            for timer in timers:
                timer.run()
    off, on = (
        _binary(compilation.manifest.kernels, timer.seconds())
        for compilation, timer in zip(compilations, timers, strict=True)
    )
    ratios = off.layers.minimum / on.layers.minimum, off.layers.median / on.layers.median
    return off, on, ratios


def _binary(kernels: Sequence[Kernel], spent: Sequence[Sequence[float]]) -> Times:
    """The sum over the kernels of binary layers: of their least times, and of their medians."""
    binary = [
        (kernel, calls)
        for kernel, calls in zip(kernels, spent, strict=True)
        if kernel.kernel.startswith(BINARY)
    ]
    least = sum(min(calls) for _, calls in binary)
    median = sum(float(np.median(calls)) for _, calls in binary)
    each = tuple((kernel.name, kernel.kernel, min(calls)) for kernel, calls in binary)
    return Times(Timing(least, median, len(binary[0][1])), each)
