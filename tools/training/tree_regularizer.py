"""The regularizer that shortens the trees along which bnnc computes output channels.

Source: MST-Compression (Vo et al., ICCV 2023, pp. 6091-6100). There, output channels are vertices,
the distance of two is the number of weights that differ, each channel is computed from its parent
in a minimum spanning tree, and a loss shortens the tree while the network trains; options are the
initial centres, the loss's weight and the tree's depth. What the paper does not fix is decided here
by what bnnc's kernels do:

- A task of the kernels computes an aligned block of 64 output channels, its root in full. So each
  such block has a tree of its own by default; ``centres`` divides the channels into as many groups
  of equal size instead, in their order.
- Each group's tree is built anew from the current signs at every step, from its centre: the
  channel with the least sum of distances. It is Prim's minimum spanning tree, but channels at
  ``depth`` from the centre get no children; ``depth=1`` is a star.
- The loss of an edge is the share of weights that differ from the parent's. Its gradient goes
  through the layer's binarizer to the latent weights of the child, and only where the signs
  differ: with one for the parent too, both change sign in the same steps and stay apart.
- ``target``: a layer whose share is below it already is left alone. `falling_target` lowers it
  during training: channels that are alike from the first step on have learned little to share.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from .sign_layers import binary_layers

BLOCK = 64
"""Output channels that a task of the kernels computes."""
PLAIN = 0.45
"""The approximate share of layers that were trained without `mst_loss`."""


@dataclass(frozen=True)
class Forest:
    """A tree for each group of channels, in the channels' order: ``parents`` (-1 for a root) and
    ``depths`` (0 for a root), int64 [O]."""

    parents: Tensor
    depths: Tensor


def mst_loss(
    model: nn.Module,
    *,
    centres: int | None = None,
    weight: float = 1.0,
    depth: int | None = None,
    target: float = 0.0,
) -> Tensor:
    """What to add to the loss of a step: ``weight`` times the mean over the binary layers of the
    share of weights that differ from the parent's, above ``target``::

        loss = functional.cross_entropy(model(images), labels)
        loss = loss + mst_loss(model, weight=2.0, target=0.15)

    ``centres`` is the number of trees of each layer (None: one for each block of 64 channels),
    ``depth`` the most edges between a channel and its centre (None: any). Raises ValueError for a
    model without binary layers, and for options outside their range.
    """
    if (centres is not None and centres < 1) or (depth is not None and depth < 1):
        raise ValueError(f"mst_loss: expected centres and depth >= 1, got {centres} and {depth}")
    terms = [
        torch.relu(tree_share(layer.signs(), centres, depth) - target)
        for _, layer in binary_layers(model)
    ]
    if not terms:
        raise ValueError("mst_loss: the model has no BinaryConv2d and no BinaryLinear")
    return weight * torch.stack(terms).mean()


def falling_target(progress: float, target: float, end: float = 0.6) -> float:
    """A target for `mst_loss` that falls evenly from the share that layers have anyway to
    ``target``, which it reaches when ``progress``, 0 to 1, is at ``end``."""
    return target + (PLAIN - target) * max(0.0, 1 - progress / end)


def tree_share(signs: Tensor, centres: int | None = None, depth: int | None = None) -> Tensor:
    """Weights to add along the trees per weight of the layer: its roots in full, every other
    channel's differences from its parent. ``signs`` [O, ..] of +1 and -1."""
    rows = signs.flatten(1)
    parents = forest(rows.detach(), centres, depth).parents
    linked = parents >= 0
    # ((a - b) / 2)^2 is 1 where signs differ, with gradient (a - b) / 2: 0 where they do not.
    differences = (rows[linked] - rows.detach()[parents[linked]]).square().sum() / 4
    roots = rows.shape[1] * int((~linked).sum())
    return (differences + roots) / rows.numel()


def forest(rows: Tensor, centres: int | None = None, depth: int | None = None) -> Forest:
    """The trees of the channels ``rows`` [O, K] of +1 and -1, one for each of ``centres`` groups of
    equal size up to one channel, or for each block; ties go to the smaller index."""
    count = len(rows)
    if centres is None:
        ends = [*range(0, count, BLOCK), count]
    else:
        groups = min(centres, count)
        ends = [group * count // groups for group in range(groups + 1)]
    groups, size = len(ends) - 1, max(last - first for first, last in pairwise(ends))
    every = torch.arange(count, device=rows.device)
    padded = torch.full((groups * size,), -1, device=rows.device)
    for group, (first, last) in enumerate(pairwise(ends)):
        padded[group * size : group * size + last - first] = every[first:last]
    members = padded.view(groups, size)
    present = members >= 0
    padded_rows = rows.float()[members.clamp(min=0)]
    distances = (rows.shape[1] - padded_rows @ padded_rows.mT) / 2
    absent = ~(present[:, :, None] & present[:, None, :])
    local, levels = _prim(distances.masked_fill(absent, float("inf")), present, depth)
    parents = torch.where(local < 0, -1, members.gather(1, local.clamp(min=0)))
    flat = present.flatten()
    # Groups follow one another, so the present entries are in the channels' order.
    return Forest(parents.flatten()[flat], levels.flatten()[flat])


def _prim(distances: Tensor, present: Tensor, depth: int | None) -> tuple[Tensor, Tensor]:
    """Parents (-1 at the root) and depths within each group, int64 [G, S], for distances [G, S, S]:
    one channel joins the tree of its group at a time, the nearest."""
    groups, size = present.shape
    rows = torch.arange(groups, device=distances.device)
    sums = distances.masked_fill(distances.isinf(), 0).sum(2)
    root = sums.masked_fill(~present, float("inf")).argmin(1)
    parents = torch.full_like(present, -1, dtype=torch.int64)
    depths = torch.zeros_like(parents)
    best = distances[rows, root].clone()
    nearest = root[:, None].repeat(1, size)
    best[rows, root] = float("inf")
    outside = present.clone()
    outside[rows, root] = False
    limit = size if depth is None else depth
    for _ in range(size - 1):
        chosen = best.argmin(1)
        joins = outside[rows, chosen]
        into = rows[joins], chosen[joins]
        parents[into] = nearest[into]
        depths[into] = depths[into[0], parents[into]] + 1
        outside[into] = False
        best[into] = float("inf")
        nearer = distances[rows, chosen] < best
        nearer &= outside & (joins & (depths[rows, chosen] < limit))[:, None]
        best = torch.where(nearer, distances[rows, chosen], best)
        nearest = torch.where(nearer, chosen[:, None], nearest)
    return parents, depths
