"""Codebooks spell the weights that they come from, whatever was negated and moved."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bnnc.ir import Array
from bnnc.ir.codewords import MOST_WORDS, Codebook


def spelled(book: Codebook) -> Array:
    """The weights [O, C, taps] of a codebook."""
    return book.words[book.indices] ^ book.negated[:, None, None]


def of_words(count: int, shape: tuple[int, int], random: np.random.Generator) -> Array:
    """Kernels 3x3 from ``count`` distinct words, none the complement of another."""
    numbers = random.choice(256, count, replace=False)
    words = (numbers[:, None] >> np.arange(9) & 1).astype(np.uint8)
    return words[random.integers(0, count, shape)].reshape(*shape, 3, 3)


@given(
    count=st.integers(1, 64),
    shape=st.tuples(st.integers(1, 20), st.integers(1, 40)),
    seed=st.integers(0, 99),
)
def test_words_and_indices_are_the_weights(count: int, shape: tuple[int, int], seed: int) -> None:
    random = np.random.default_rng(seed)
    weights = of_words(count, shape, random)
    turned = weights ^ random.integers(0, 2, (shape[0], 1, 1, 1)).astype(np.uint8)
    for variant in (weights, turned):
        book = Codebook.of(variant)
        assert book is not None
        np.testing.assert_array_equal(spelled(book), variant.reshape(*shape, 9))
        assert len(np.unique(book.words, axis=0)) == len(book.words)
        plain = len(np.unique(variant.reshape(-1, 9), axis=0))
        assert len(book.words) <= plain


def test_signs_and_orders_of_channels_do_not_matter() -> None:
    random = np.random.default_rng(1)
    weights = of_words(10, (64, 32), random)
    turned = weights ^ random.integers(0, 2, (64, 1, 1, 1)).astype(np.uint8)
    moved = turned[random.permutation(64)][:, random.permutation(32)]
    for variant in (weights, turned, moved):
        book = Codebook.of(variant)
        assert book is not None
        assert len(book.words) == 10


def test_many_words_are_no_codebook() -> None:
    random = np.random.default_rng(2)
    assert Codebook.of(of_words(MOST_WORDS, (64, 64), random)) is not None
    assert Codebook.of(of_words(MOST_WORDS + 1, (64, 64), random)) is None
    assert Codebook.of(random.integers(0, 2, (64, 64, 3, 3)).astype(np.uint8)) is None
    assert Codebook.of(np.zeros((4, 4, 8, 8), np.uint8)) is None
