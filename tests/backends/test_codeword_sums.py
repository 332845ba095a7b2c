"""Convolutions whose kernels are made of few words, added word by word, bit for bit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from conftest import Golden
from emitted_code import hot_block, loop_facts
from kernel_cases import NAMES, asked_for, by_target, joined, per_case
from library_support import X86_PATHS, scheduled
from sliced_cases import Layer, Packed

from bnnc.backends import targets as backends
from bnnc.backends.cost_model import PredictedCost
from bnnc.backends.llvm import LlvmBackend
from bnnc.errors import LoweringError
from bnnc.ir import Array
from bnnc.ir.codewords import Codebook
from bnnc.ir.ops import Fused

GOLDEN = Path(__file__).parent / "golden" / "llvm"


@dataclass(frozen=True)
class Words(Layer):
    """A layer of ``words`` distinct words, none the complement of another; with ``negated`` every
    third output channel uses their complements."""

    words: int = 4
    together: int = 1
    negated: bool = False

    def weights(self) -> Array:
        """0/1 [O, C, taps]."""
        random, taps = np.random.default_rng(self.words), self.kernel[0] * self.kernel[1]
        numbers = random.choice(1 << min(taps - 1, 16), self.words, replace=False)
        words = (numbers[:, None] >> np.arange(taps) & 1).astype(np.uint8)
        indices = random.integers(0, self.words, self.out * self.channels)
        indices[: self.words] = np.arange(self.words)
        weights = words[indices].reshape(self.out, self.channels, taps)
        if self.negated:
            weights[::3] ^= 1
        return weights

    def data(self) -> str:
        return f"[{','.join(map(str, self.weights().ravel()))}]"

    def way(self) -> dict[str, int]:
        return {"codebook": self.together}

    def notes(self) -> str:
        book = Codebook.of(self.weights())
        assert book is not None
        return f"codewords={len(book.words)}"


LAYERS = {
    "one_word": Words(4, 5, size=(5, 7), words=1),
    "odd": Words(5, 7, size=(5, 7), words=3),
    "even": Words(6, 16, size=(8, 8)),
    "wide": Words(9, 65, size=(3, 150), words=8),
    "chunks": Words(70, 40, size=(9, 9), words=10),
    "many_chunks": Words(73, 20, size=(6, 6), words=64, negated=True),
    "negated": Words(11, 30, size=(7, 9), words=5, negated=True),
    "zeros": Words(33, 20, ternary=True, words=6),
    "zeros_negated": Words(12, 20, ternary=True, words=6, negated=True),
    "lanes": Words(9, 20, size=(9, 7), lanes=True),
    "lanes_negated": Words(70, 40, size=(8, 8), lanes=True, words=8, negated=True),
    "lanes_zeros": Words(28, 34, ternary=True, lanes=True, words=8, negated=True),
    "lanes_bytes": Words(28, 34, ternary=True, lanes=True, together=2, negated=True),
    "two": Words(12, 40, size=(9, 9), together=2),
    "two_odd": Words(10, 9, size=(9, 9), words=3, together=2, negated=True),
    "two_chunks": Words(80, 33, size=(7, 7), words=8, together=2),
    "two_zeros": Words(6, 18, ternary=True, words=16, together=2, negated=True),
    "three": Words(12, 40, size=(9, 9), together=3),
    "three_odd": Words(9, 17, size=(9, 9), words=2, together=3, negated=True),
    "three_chunks": Words(66, 17, size=(6, 6), lanes=True, together=3),
    "row": Words(11, 16, kernel=(1, 2), words=2),
    "row_two": Words(12, 16, kernel=(1, 3), words=3, together=2, negated=True),
    "four": Words(8, 16, kernel=(2, 2), negated=True),
    "five": Words(8, 16, kernel=(5, 5), words=6, together=2),
    "seven": Words(5, 8, size=(9, 20), kernel=(7, 7), words=5, negated=True),
    "dilated": Words(8, 24, dilations=(3, 2), words=5, together=2),
    "shifted": Words(8, 24, pads=(0, 2), words=5, negated=True),
}
CASES = {name: words.text() for name, words in LAYERS.items()}


WIDE = ("wide", "chunks", "zeros_negated", "lanes_negated", "two_chunks", "three_chunks")
NAMED = CASES | {f"{name}_full": CASES[name] for name in WIDE}
"""Those in the vectors of the target are made with it."""


@pytest.fixture(scope="module", params=by_target(*NAMES))
def cases(request: pytest.FixtureRequest) -> Packed:
    """All layers, some also in the vectors of the target."""
    path = X86_PATHS.get(request.param) or backends.TARGETS[request.param]
    bits = path.plane_bits
    wide = {f"{name}_full": replace(LAYERS[name], bits=bits).text() for name in WIDE}
    return Packed(asked_for(request, CASES | wide), request.param, strict=False)


@pytest.mark.sampled(per=per_case(NAMED))
@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize(("batch", "pieces"), [(1, 0), (4, 3), (17, 0)])
def test_sums_of_words_bit_for_bit(cases: Packed, name: str, batch: int, pieces: int) -> None:
    cases.assert_equal(name, batch, pieces)


def _op(layer: Layer) -> Fused:
    graph = scheduled(joined({"one": layer.text()}), strict=False)
    (op,) = [node.op for node in graph.nodes if isinstance(node.op, Fused)]
    return op


def _choices(layer: Layer, target: str) -> dict[str, float]:
    """Every pixel-sliced way to compute a layer, and its cycles."""
    op, costs = _op(layer), PredictedCost(backends.TARGETS[target], LlvmBackend().kernels)
    return {str(choice): costs.cost(op, choice) for choice in costs.choices(op)}


@pytest.mark.parametrize("target", ["x86-64-v3", "cascadelake", "arm64"])
def test_few_words_pay(target: str) -> None:
    def best(words: int, channels: int, size: int) -> str:
        layer = Words(channels, channels, size=(size, size), words=words, bits=0)
        costs = _choices(layer, target)
        return min(costs, key=costs.__getitem__)

    assert "codebook=" in best(8, 256, 14)
    assert "codebook=1" in best(10, 64, 56)
    assert "codebook=2" in best(4, 256, 14)
    assert "codebook" not in best(64, 64, 56)


def test_candidates_need_few_words() -> None:
    def ways(words: int, channels: int) -> list[int]:
        layer = Words(channels, 16, words=words, bits=0)
        names = _choices(layer, "x86-64-v4")
        return [n for n in (1, 2, 3) if f"binary_conv_sliced bits=512 codebook={n}" in names]

    assert ways(4, 12) == [1, 2, 3]
    assert ways(8, 12) == [1, 2]
    assert ways(17, 12) == [1]
    assert ways(4, 8) == [1, 2]
    assert ways(4, 7) == [1]
    assert not any("codebook" in name for name in _choices(Layer(8, 8, bits=0), "x86-64-v4"))


def test_an_annotation_that_the_weights_belie_is_refused() -> None:
    text = Words(8, 16).text().replace("codewords=4", "codewords=5")
    graph = scheduled(joined({"one": text}), strict=False)
    with pytest.raises(LoweringError, match="codewords=5: the weights have other words"):
        LlvmBackend().lower(graph, backends.TARGETS["x86-64-v3"])


@pytest.mark.parametrize("name", ["x86-64-v2", "x86-64-v3", "x86-64-v4", "arm64"])
def test_instructions_of_the_inner_loop(name: str, golden: Golden) -> None:
    """What one channel costs in one chunk: an index, three planes and their adders a word."""
    target = backends.TARGETS[name]
    layer = Words(64, 64, size=(56, 56), words=8, bits=target.plane_bits)
    graph = scheduled(joined({"one": layer.text()}), strict=False)
    assembly = LlvmBackend().lower(graph, target).emit("asm", "m", b"{}").decode()
    golden.check(
        GOLDEN / f"codebook-loop.{name}.txt", loop_facts(hot_block(assembly, "movzbl|ldrb"))
    )
