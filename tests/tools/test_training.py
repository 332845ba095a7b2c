"""bnnc.tools.training: binarizers, binary layers, the loss that shortens trees, codebooks."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from bnnc.errors import InputError
from bnnc.passes.support.spanning_tree import reuse
from bnnc.tools.training import (
    STE,
    Binarizer,
    BinaryConv2d,
    BinaryLinear,
    BiPer,
    Codebook,
    ReSTE,
    anneal,
    binary_layers,
    check_folds,
    clip_latent,
    falling_target,
    fold,
    mst_loss,
    tree_share,
)
from bnnc.tools.training.tree_regularizer import forest

ROOT = Path(__file__).resolve().parents[2]
KINKS = (0.0, 0.1, 1.0, 1.5)
"""Where a surrogate's derivative jumps, up to sign."""


def annealed(binarizer: Binarizer, progress: float) -> Binarizer:
    binarizer.anneal(progress)
    return binarizer


BINARIZERS = {
    "ste": STE(),
    "reste 1": ReSTE(),
    "reste 2": annealed(ReSTE(), 0.5),
    "reste 3": annealed(ReSTE(), 1.0),
    "biper": BiPer(),
    "biper 20": BiPer(20.0),
}


def gradient(binarizer: Binarizer, x: Tensor) -> Tensor:
    leaf = x.clone().requires_grad_()
    (grads,) = torch.autograd.grad(binarizer(leaf).sum(), leaf)
    return grads


@pytest.mark.parametrize("name", BINARIZERS)
def test_gradient_is_the_derivative_of_the_surrogate(name: str) -> None:
    binarizer, step = BINARIZERS[name], 1e-6
    x = torch.linspace(-2, 2, 801, dtype=torch.float64) + 0.00123
    numeric = (binarizer.surrogate(x + step) - binarizer.surrogate(x - step)) / (2 * step)
    assert all(float((x.abs() - kink).abs().min()) > step for kink in KINKS)
    torch.testing.assert_close(gradient(binarizer, x), numeric, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", BINARIZERS)
def test_forward_takes_two_values(name: str) -> None:
    x = torch.cat([torch.linspace(-1.7, 1.7, 101), torch.tensor([0.0, -0.0])])
    signs = BINARIZERS[name](x)
    assert set(signs.tolist()) == {-1.0, 1.0}
    assert signs[-2:].tolist() == [1.0, 1.0]
    if "20" not in name:  # several of its periods lie in the range
        assert torch.equal(signs, torch.where(x >= 0, 1.0, -1.0))


def test_gradients_are_the_published_formulas() -> None:
    x = torch.tensor([-1.2, -0.5, 0.05, 0.5, 1.6], dtype=torch.float64)
    ste = [0.0, 1.0, 1.0, 1.0, 0.0]
    power = [size ** (-2 / 3) / 3 for size in (1.2, 0.5)]
    secant = 0.1 ** (1 / 3) / 0.1
    reste = [power[0], power[1], secant, power[1], 0.0]
    biper = [20 * math.cos(20 * value) for value in x.tolist()]
    for binarizer, expected in (
        (STE(), ste),
        (annealed(ReSTE(last=3), 1), reste),
        (BiPer(20), biper),
    ):
        torch.testing.assert_close(gradient(binarizer, x), torch.tensor(expected).double())


def test_anneal_reaches_every_binarizer() -> None:
    model = nn.Sequential(BinaryConv2d(1, 2, 3, weights=ReSTE(last=5)), BinaryLinear(2, 2))
    anneal(model, 0.25)
    layer = model[0]
    assert isinstance(layer, BinaryConv2d)
    assert isinstance(layer.binarize_weights, ReSTE)
    assert layer.binarize_weights.o == 2


@pytest.mark.parametrize("wrong", [{"last": 0.5}, {"linear": 0.0}, {"threshold": 0.05}])
def test_binarizers_refuse_parameters_out_of_range(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="ReSTE: expected"):
        ReSTE(**wrong)
    with pytest.raises(ValueError, match="frequency above 0"):
        BiPer(0)


def signs(outputs: int, bits: int, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 2, (outputs, bits), generator=random) * 2.0 - 1


@pytest.mark.parametrize("outputs", [1, 2, 7, 64, 65, 130, 192])
def test_tree_share_is_that_of_the_minimum_spanning_trees(outputs: int) -> None:
    rows = signs(outputs, 45)
    trees = reuse(rows.numpy(), negated=False, reordered=False)
    expected = trees.forest.operations / trees.full
    assert float(tree_share(rows)) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("centres", [1, 3, 40])
def test_trees_keep_to_their_groups_and_depth(centres: int, depth: int) -> None:
    rows = signs(40, 30)
    trees = forest(rows, centres, depth)
    parents, depths = trees.parents.tolist(), trees.depths.tolist()
    groups = [max(g for g in range(centres) if g * 40 // centres <= c) for c in range(40)]
    assert parents.count(-1) == centres
    assert max(depths) <= depth
    for channel, parent in enumerate(parents):
        assert depths[channel] == (0 if parent < 0 else depths[parent] + 1)
        assert parent < 0 or groups[parent] == groups[channel]


def test_trees_stay_on_the_device_of_the_weights() -> None:
    rows = STE()(torch.randn(70, 30))
    expected = mst_loss(nn.Sequential(layer := BinaryLinear(30, 70)))
    with torch.device("meta"):  # where tensors go that name no device
        trees = forest(rows)
        assert trees.parents.device == trees.depths.device == rows.device
        assert mst_loss(nn.Sequential(layer)) == expected


def test_a_star_stands_around_its_medoid() -> None:
    rows = signs(9, 25)
    apart = (25 - rows @ rows.T) / 2
    assert forest(rows, 1, 1).parents.tolist().index(-1) == int(apart.sum(1).argmin())
    least = (float(apart.sum(1).min()) + 25) / rows.numel()
    assert float(tree_share(rows, 1, 1)) == pytest.approx(least, abs=1e-7)


def test_the_loss_moves_children_where_they_differ_from_parents() -> None:
    layer = BinaryLinear(6, 2)
    layer.weight.data = torch.tensor([[0.1] * 6, [0.1] * 4 + [-0.1] * 2])
    mst_loss(layer, weight=12.0).backward()
    assert layer.weight.grad is not None
    # One layer of 12 weights; channel 0 is the root.
    expected = [[0] * 6, [0, 0, 0, 0, -1, -1]]
    assert layer.weight.grad.tolist() == expected


def test_loss_stops_at_the_target_and_weighs() -> None:
    layer = BinaryLinear(40, 16)
    share = float(tree_share(layer.signs().detach()))
    assert float(mst_loss(layer, target=share + 0.01).detach()) == 0
    loss = mst_loss(layer, weight=3, target=share - 0.01)
    assert float(loss.detach()) == pytest.approx(0.03, abs=1e-6)


def test_a_falling_target_falls_evenly_and_stays_at_its_end() -> None:
    assert falling_target(0.0, 0.2) == 0.45
    assert falling_target(0.3, 0.2) == pytest.approx((0.45 + 0.2) / 2)
    assert falling_target(0.6, 0.2) == falling_target(1.0, 0.2) == 0.2


def test_loss_refuses_what_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="no BinaryConv2d"):
        mst_loss(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="centres and depth >= 1"):
        mst_loss(BinaryLinear(2, 2), depth=0)


def problem() -> tuple[Tensor, Tensor]:
    """Images [64, 1, 8, 8] of two classes: brighter on the left or on the right."""
    random = torch.Generator().manual_seed(3)
    images, labels = torch.randn(64, 1, 8, 8, generator=random), torch.arange(64) % 2
    images[labels == 0, :, :, :4] += 1
    images[labels == 1, :, :, 4:] += 1
    return images, labels


class Tiny(nn.Module):
    """A float stem, two binary convolutions and a binary product."""

    def __init__(self, words: int = 0, weights: type[Binarizer] = STE) -> None:
        super().__init__()
        books = [Codebook(words, every=3) if words else None for _ in range(2)]
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            BinaryConv2d(16, 32, 3, padding=1, weights=weights(), codebook=books[0]),
            nn.BatchNorm2d(32),
            nn.MaxPool2d(2),
            BinaryConv2d(32, 32, 3, stride=2, padding=1, weights=weights(), codebook=books[1]),
            nn.BatchNorm2d(32),
            nn.Flatten(),
            BinaryLinear(128, 16, weights=weights()),
            nn.BatchNorm1d(16),
        )
        self.classifier = nn.Linear(16, 2)

    def forward(self, image: Tensor) -> Tensor:
        return self.classifier(self.body(image))


def trained(network: Tiny, weight: float = 0.0, steps: int = 30) -> float:
    """Adam; the last cross entropy."""
    images, labels = problem()
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    loss = 0.0
    for step in range(steps):
        anneal(network, step / steps)
        optimizer.zero_grad()
        entropy = functional.cross_entropy(network(images), labels)
        (entropy + mst_loss(network, weight=weight)).backward()
        optimizer.step()
        clip_latent(network)
        loss = float(entropy.detach())
    network.eval()
    return loss


def shares(network: nn.Module) -> list[float]:
    return [float(tree_share(layer.signs().detach())) for _, layer in binary_layers(network)]


def test_the_loss_shortens_trees_while_the_network_learns() -> None:
    networks: list[Tiny] = []
    for weight in (0.0, 10.0):
        torch.manual_seed(0)
        networks.append(Tiny())
        assert trained(networks[-1], weight) < 0.3
    plain, short = map(shares, networks)
    assert all(share < 0.7 * other for share, other in zip(short, plain, strict=True))


def test_codebook_takes_the_nearest_word_and_passes_gradients() -> None:
    book = Codebook(2, taps=4)
    book.words.copy_(torch.tensor([[1.0, 1, 1, 1], [1, 1, -1, -1]]))
    book.eval()
    weight = torch.tensor([[[[0.5, 0.1], [-0.1, 0.2]], [[0.1, 0.1], [-0.5, 0.2]]]])
    weight.requires_grad_()
    nearest = book(weight)
    assert nearest.flatten(2).tolist() == [[[1, 1, 1, 1], [1, 1, -1, -1]]]
    (grads,) = torch.autograd.grad((nearest * torch.arange(8.0).view(1, 2, 2, 2)).sum(), weight)
    assert grads.flatten().tolist() == list(range(8))


def test_refit_moves_words_to_what_they_stand_for() -> None:
    random = torch.Generator().manual_seed(0)
    centres = torch.tensor([[1.0, 1, 1, 1, 1, 1, 1, 1, 1], [1, -1, 1, -1, 1, -1, 1, -1, 1]])
    rows = centres[torch.arange(60) % 2] + 0.4 * torch.randn(60, 9, generator=random)
    book = Codebook(2, seed=4)
    for _ in range(5):
        book.refit(rows)
    assert sorted(book.words.tolist()) == sorted(centres.tolist())


def test_words_stay_distinct_where_kernels_are_alike() -> None:
    book = Codebook(6, taps=4)
    book.refit(torch.ones(20, 4))
    assert len({tuple(word) for word in book.words.tolist()}) == 6


def test_codebook_restricts_a_trained_network() -> None:
    torch.manual_seed(0)
    network = Tiny(words=5)
    assert trained(network) < 0.4
    for _, layer in binary_layers(network):
        if isinstance(layer, BinaryConv2d):
            assert len(torch.unique(layer.signs().reshape(-1, 9), dim=0)) <= 5


def test_frozen_words_stay() -> None:
    book = Codebook(4, every=1)
    before = book.words.clone()
    book.freeze()
    book(torch.randn(3, 5, 3, 3))
    assert torch.equal(book.words, before)


def test_codebook_refuses_sizes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="expected 1 to 16 words of 4 taps"):
        Codebook(17, taps=4)
    with pytest.raises(ValueError, match="a codebook of 9 taps for kernels of 25"):
        BinaryConv2d(1, 1, 5, codebook=Codebook(4))


def test_fold_gives_the_constants() -> None:
    norm = nn.BatchNorm2d(3)
    norm.weight.data = torch.tensor([1.0, -2.0, 0.0])
    norm.running_mean = torch.tensor([1.0, 2.0, 3.0])
    norm.running_var = torch.tensor([4.0, 9.0, 1.0])
    norm.eps = 0.0
    folded = fold(norm)
    torch.testing.assert_close(folded.scale, torch.tensor([0.5, -2 / 3, 0.0]))
    torch.testing.assert_close(folded.shift, torch.tensor([-0.5, 4 / 3, 0.0]))


def test_networks_that_fold_pass_the_check() -> None:
    network = Tiny()
    trained(network, steps=3)
    assert list(check_folds(network, problem()[0])) == ["body.1", "body.3", "body.6", "body.9"]


class Stuck(nn.BatchNorm2d):
    """Forgets that evaluation is another mode."""

    def train(self, mode: bool = True) -> Stuck:
        return super().train(True)


class Adaptive(nn.BatchNorm2d):
    """Adds something of its own."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input) + 1


def test_the_check_names_every_layer_that_does_not_fold() -> None:
    model = nn.Sequential(
        nn.BatchNorm2d(1),
        Stuck(1),
        Adaptive(1),
        nn.BatchNorm2d(1, track_running_stats=False),
        nn.BatchNorm2d(1),
    )
    last = model[4]
    assert isinstance(last, nn.BatchNorm2d)
    assert last.running_var is not None
    last.running_var.fill_(float("nan"))
    with pytest.raises(InputError) as caught:
        check_folds(model, torch.randn(4, 1, 5, 5) + 3)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("4 BatchNorm layers do not fold: 1: is in training mode")
    assert "; 2: eval output and folded output are" in message
    assert "; 3: keeps no running statistics" in message
    assert "; 4: variance + eps is not above 0" in message
    with pytest.raises(InputError, match="Linear is not a BatchNorm"):
        fold(nn.Linear(1, 1))


def test_the_api_loads_no_onnxruntime() -> None:
    code = "import sys, bnnc.tools.training; print('onnxruntime' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent
    )
    assert done.stdout == "False\n"
