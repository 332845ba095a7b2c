"""A hundred networks of the fuzzer; ``python -m fuzz`` runs as many as one wants."""

from __future__ import annotations

import pytest

from fuzz.check import examine
from fuzz.networks import network

GRAPHS = 100


@pytest.mark.parametrize("index", range(GRAPHS))
def test_random_network(index: int) -> None:
    """Nothing refused, nothing that differs, and on bits what can be."""
    result = examine(network(index))
    assert not result.findings, "\n".join(f"{f.kind}: {f.text}" for f in result.findings)


@pytest.mark.parametrize("index", [0, 2])
def test_networks_are_always_the_same(index: int) -> None:
    """A number names one model and one set of inputs."""
    first, second = network(index), network(index)
    assert first.model.SerializeToString() == second.model.SerializeToString()
    for a, b in zip(first.feeds, second.feeds, strict=True):
        assert a["x"].tobytes() == b["x"].tobytes()
