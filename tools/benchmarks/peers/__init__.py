"""The libraries that bnnc is measured against, one file for each; a new peer joins this list."""

from __future__ import annotations

from collections.abc import Sequence

from ..task import Peer
from . import larq, onnxruntime, openvino, openvino_binary, pytorch

PEERS: tuple[Peer, ...] = (
    *onnxruntime.PEERS,
    *openvino.PEERS,
    *openvino_binary.PEERS,
    *pytorch.PEERS,
    *larq.PEERS,
)


def peers_for(targets: Sequence[str]) -> list[Peer]:
    """All peers, with those that are capped to the classes of these targets behind the peer that
    they are taken from."""
    listed: list[Peer] = []
    for peer in PEERS:
        listed.append(peer)
        if peer.name == openvino.INT8:
            listed += openvino.of_classes(targets)
    return listed
