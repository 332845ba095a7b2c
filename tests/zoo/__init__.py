"""The zoo: published binarized networks, written by hand close to how their authors wrote them.

Each file of ``networks/`` registers one or more networks with the decorator; nothing else lists
them. ``blocks`` holds the building blocks that several share, ``weights`` makes seeded parameters
and calibrated statistics, ``export`` writes ONNX by both exporters of PyTorch. The tests run the
``reduced`` size, ``make zoo`` the ``full`` one (published widths and resolutions).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import nn

Size = Literal["reduced", "full"]
Exporter = Literal["torchscript", "dynamo"]
EXPORTERS: tuple[Exporter, ...] = ("torchscript", "dynamo")


@dataclass(frozen=True)
class Network:
    """One network of the zoo at both sizes."""

    name: str
    build: Callable[[Size], nn.Module]
    """Makes the module; its parameters are drawn anew by ``weights.prepare``."""
    shapes: dict[Size, tuple[int, ...]]
    """Of one sample, without the batch."""
    binarizable: dict[Size, int]
    """Layers whose activations and weights both take two values: these must land on bits."""
    note: str
    """Where it was published and which form of export it stands for, in one line."""


_registered: dict[str, Network] = {}


def network(
    name: str,
    *,
    reduced: tuple[int, ...],
    full: tuple[int, ...],
    binarizable: tuple[int, int],
    note: str,
) -> Callable[[Callable[[Size], nn.Module]], Callable[[Size], nn.Module]]:
    """Register a builder. ``reduced`` and ``full`` are shapes of one sample, ``binarizable`` the
    counts at the reduced and at the full size."""

    def register(build: Callable[[Size], nn.Module]) -> Callable[[Size], nn.Module]:
        if name in _registered:
            raise ValueError(f"two networks are called {name}")
        _registered[name] = Network(
            name,
            build,
            {"reduced": reduced, "full": full},
            {"reduced": binarizable[0], "full": binarizable[1]},
            note,
        )
        return build

    return register


def registry() -> dict[str, Network]:
    """Every network by name, in alphabetical order."""
    from . import networks as folder

    for module in pkgutil.iter_modules(folder.__path__):
        importlib.import_module(f"{folder.__name__}.{module.name}")
    return dict(sorted(_registered.items()))
