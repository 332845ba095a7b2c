"""The libraries that bnnc is measured against, one file for each; a new peer joins this list."""

from __future__ import annotations

from ..task import Peer
from . import larq, onnxruntime, openvino, openvino_binary, pytorch

PEERS: tuple[Peer, ...] = (
    *onnxruntime.PEERS,
    *openvino.PEERS,
    *openvino_binary.PEERS,
    *pytorch.PEERS,
    *larq.PEERS,
)
