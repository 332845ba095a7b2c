"""Kernels from few codewords: bnnc computes each word's products once for all output channels.

The idea is that of Sparse Kernel Selection (Wang et al., CVPR 2023): a layer uses a few of the 512
binary 3x3 kernels. The paper learns the selection by Gumbel-Sinkhorn permutations; this is a plain
scheme: each kernel becomes the nearest word, and each word the sign of the sum of the latent
kernels that it stands for (Lloyd's k-means among words of +1 and -1).
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn


class _Nearest(torch.autograd.Function):
    """Rows [R, taps] to those of the words [n, taps] with the largest dot products, the first of
    equals; the gradient passes to the rows unchanged."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, words: Tensor) -> Tensor:
        return words[(rows @ words.T).argmax(1)]

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        return grad_outputs[0], None


class Codebook(nn.Module):
    """``count`` words of +1 and -1 for the kernels of a layer; each input channel's part of an
    output channel, kh x kw taps, becomes the word with the largest dot product with its latent
    weights.

    The words follow the latent weights while the module trains: every ``every`` calls one round of
    Lloyd's algorithm, until `freeze`. A word that stands for no kernel is replaced by the kernel
    that its own word fits worst.
    """

    words: Tensor
    calls: Tensor

    def __init__(self, count: int, taps: int = 9, every: int = 20, seed: int = 0) -> None:
        super().__init__()
        most = 2 ** min(taps, 62)
        if not 1 <= count <= most or every < 1:
            raise ValueError(
                f"Codebook: expected 1 to {most} words of {taps} taps and every >= 1,"
                f" got {count} and {every}"
            )
        random = torch.Generator().manual_seed(seed)
        chosen: dict[tuple[float, ...], None] = {}
        while len(chosen) < count:
            word = torch.randint(0, 2, (taps,), generator=random) * 2.0 - 1
            chosen[tuple(word.tolist())] = None
        self.register_buffer("words", torch.tensor(list(chosen)))
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.taps, self.every = taps, every
        self.frozen = False

    def freeze(self) -> None:
        """Keep the words from now on: for the last epochs, in which weights settle."""
        self.frozen = True

    def forward(self, weight: Tensor) -> Tensor:
        """Latent weights [O, I, kh, kw] to the words nearest to them, same shape."""
        rows = weight.reshape(-1, self.taps)
        if self.training and not self.frozen:
            if int(self.calls) % self.every == 0:
                self.refit(rows)
            self.calls += 1
        return cast("Tensor", _Nearest.apply(rows, self.words)).reshape(weight.shape)

    @torch.no_grad()
    def refit(self, rows: Tensor) -> None:
        """One round of Lloyd's algorithm over latent kernels [R, taps]."""
        fit, chosen = (rows @ self.words.T).max(1)
        sums = torch.zeros_like(self.words).index_add_(0, chosen, rows)
        used = torch.bincount(chosen, minlength=len(self.words)) > 0
        worst = rows[(fit - rows.abs().sum(1)).argsort()]
        # Words in use come first, then candidates to replace unused words and duplicates.
        candidates = torch.where(torch.cat([sums[used], worst, self.words]) >= 0, 1.0, -1.0)
        distinct = dict.fromkeys(map(tuple, candidates.tolist()))
        self.words.copy_(torch.tensor(list(distinct)[: len(self.words)]))
