"""Layers as tables and JSON: the same rows for a model, an artifact and a compilation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from .console import bytes_text, count_text, shape_text, table

if TYPE_CHECKING:
    from ..runtime.manifest import Layer, Tensor

HEAD = ("layer", "op", "on bits", "input", "output", "macs", "bit ops", "weights", "why")
LEFT = (0, 1, 2, 3, 4, 8)


def layer_lines(layers: Sequence[Layer]) -> list[str]:
    """A table of layers and, below, the totals."""
    if not layers:
        return ["no Conv or Gemm layers"]
    rows = [_row(layer) for layer in layers]
    counted = totals(layers)
    total = (
        "total",
        "",
        f"{counted['binarized']} of {counted['total']}",
        "",
        "",
        count_text(counted["macs"]),
        count_text(counted["binary_macs"]),
        bytes_text(counted["weight_bytes"]),
        "",
    )
    return table([HEAD, *rows, total], LEFT)


def _row(layer: Layer) -> tuple[str, ...]:
    return (
        layer.name,
        layer.op,
        "yes" if layer.binarized else "no",
        shape_text(layer.input),
        shape_text(layer.output),
        count_text(layer.macs),
        count_text(layer.binary_macs),
        bytes_text(layer.weight_bytes),
        layer.reason,
    )


def totals(layers: Sequence[Layer]) -> dict[str, int]:
    """Sums over layers, keyed as in the JSON.

    ``macs`` are multiply-accumulates of one sample; ``binary_macs`` those of them on bits.
    """
    return {
        "binarized": sum(layer.binarized for layer in layers),
        "total": len(layers),
        "macs": sum(layer.macs for layer in layers),
        "binary_macs": sum(layer.binary_macs for layer in layers),
        "weight_bytes": sum(layer.weight_bytes for layer in layers),
    }


def layer_json(layers: Sequence[Layer]) -> list[dict[str, object]]:
    """The layers with the manifest's keys."""
    return [asdict(layer) for layer in layers]


def tensor_lines(title: str, tensors: Sequence[Tensor]) -> list[str]:
    """One line each: ``input  image: float32 Nx1x28x28``."""
    return [f"{title:7} {t.name}: {t.dtype} {shape_text(t.shape)}" for t in tensors]


def almost_binary(layers: Sequence[Layer]) -> list[Layer]:
    """Layers on binary activations that stay float because of their weights."""
    return [layer for layer in layers if not layer.binarized and layer.reason.startswith("weights")]
