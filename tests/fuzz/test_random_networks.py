"""A hundred networks of the fuzzer; ``python -m fuzz`` runs as many as one wants."""

from __future__ import annotations

import pytest

from fuzz.check import PAIRS, SIGNED, examine, missed, recognised
from fuzz.networks import network

GRAPHS = 100


@pytest.mark.sampled(per=lambda parameters: parameters["index"] // 2)
@pytest.mark.parametrize("index", range(GRAPHS))
def test_random_network(backend: str, index: int) -> None:
    """Nothing refused, and nothing that differs."""
    result = examine(network(index), backend=backend)
    assert not result.findings, "\n".join(f"{f.kind}: {f.text}" for f in result.findings)


def test_layers_on_bits() -> None:
    """Nearly every product of two-valued activations and ±alpha weights."""
    eligible, off = 0, list[str]()
    for index in range(GRAPHS):
        generated = network(index)
        layers = [
            layer.activation in PAIRS and layer.weights in SIGNED for layer in generated.layers
        ]
        eligible += sum(layers)
        off += missed(generated, recognised(generated))
    assert eligible > GRAPHS / 2
    assert len(off) <= 0.05 * eligible, "\n".join(off)


@pytest.mark.parametrize("index", [0, 2])
def test_networks_are_always_the_same(index: int) -> None:
    """A number names one model and one set of inputs."""
    first, second = network(index), network(index)
    assert first.model.SerializeToString() == second.model.SerializeToString()
    for a, b in zip(first.feeds, second.feeds, strict=True):
        assert a["x"].tobytes() == b["x"].tobytes()
