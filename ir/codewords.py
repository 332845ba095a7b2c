"""What the kernels of a layer have in common: the few words that they are made of.

A kernel per input channel, one bit per tap, is a word. Kernel selection (Wang et al., CVPR 2023)
trains layers whose words come from a codebook of few; what such a word counts over an input channel
then is the same for every output channel that uses it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .types import Array

MOST_TAPS = 62
"""Bits of a word."""
MOST_WORDS = 64
"""Words of a codebook worth the name."""


@dataclass(frozen=True)
class Codebook:
    """Weights [O, C, taps] as words[indices], all of a channel complemented where it is negated.

    A channel's sign costs nothing to change: it turns K - n mismatches into n.
    """

    words: Array
    """uint8 [n, taps], in the order of the numbers that they spell, the first tap lowest."""
    indices: Array
    """uint8 [O, C]."""
    negated: Array
    """bool [O]."""

    @classmethod
    def of(cls, weights: Array) -> Codebook | None:
        """The words of 0/1 weights [O, C, ..], or None if they are many or too long."""
        count, channels = weights.shape[:2]
        flat = weights.reshape(count, channels, -1)
        taps = flat.shape[2]
        if not 0 < taps <= MOST_TAPS or not flat.size:
            return None
        words = flat.astype(np.int64) @ (np.int64(1) << np.arange(taps))
        least = np.unique(np.minimum(words, _complement(words, taps)))
        if len(least) > MOST_WORDS:
            return None
        negated = _signs(words, least, taps)
        turned = np.where(negated[:, None], _complement(words, taps), words)
        codewords, indices = np.unique(turned, return_inverse=True)
        if len(codewords) > MOST_WORDS:
            return None
        spelled = (codewords[:, None] >> np.arange(taps) & 1).astype(np.uint8)
        return cls(spelled, indices.reshape(words.shape).astype(np.uint8), negated)


def planes_of_half(taps: int, together: int) -> int:
    """Bit planes of half of what the words of ``together`` input channels count, rounded down."""
    return (taps * together // 2).bit_length()


def _complement(words: Array, taps: int) -> Array:
    return words ^ ((1 << taps) - 1)


def _signs(words: Array, least: Array, taps: int) -> Array:
    """Which channels to negate for few words in all; none unless that makes them fewer.

    Greedy: next comes the channel for which the sign matters most, then one of many words.
    """
    number = np.searchsorted(least, np.minimum(words, _complement(words, taps)))
    complement = words != least[number]
    used = np.zeros((len(words), 2, len(least)), bool)
    rows = np.broadcast_to(np.arange(len(words))[:, None], words.shape)
    used[rows, complement.astype(int), number] = True
    plain = used.reshape(len(words), -1).astype(np.float32)
    turned = used[:, ::-1].reshape(len(words), -1).astype(np.float32)
    free = np.ones(plain.shape[1], np.float32)
    negated = np.zeros(len(words), bool)
    left = np.ones(len(words), bool)
    for _ in range(len(words)):
        fresh = plain @ free, turned @ free
        certain = np.abs(fresh[0] - fresh[1]) * (len(free) + 1) + plain.sum(axis=1)
        channel = int(np.argmax(np.where(left, certain, -1)))
        left[channel] = False
        negated[channel] = fresh[1][channel] < fresh[0][channel]
        free *= 1 - (turned if negated[channel] else plain)[channel]
    fewer = (free == 0).sum() < used.any(axis=0).sum()
    return negated if fewer else np.zeros(len(words), bool)
