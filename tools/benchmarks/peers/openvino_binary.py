"""OpenVINO's binary convolution, only the kernel by its own counters, with all instructions of the
CPU and without some: it is bound by popcounts, which AVX-512 has only with VPOPCNTDQ."""

from __future__ import annotations

from functools import partial

from ....runtime.cpu import missing_features
from ..isa_classes import AVX512, VNNI, IsaClass
from ..onnx_engines import PeerError
from ..task import Contender, Peer, Task
from .openvino import capped


def start(only: IsaClass | None, gone: str, task: Task) -> Contender:
    """The chain of layers; without the instructions beyond a class, which ``gone`` (Linux's
    spelling) is the first of."""
    assert task.layer is not None
    if only is not None and missing_features([gone]):
        raise PeerError(f"this CPU has no {gone} that could be taken away")
    shape = task.layer
    request = {
        "size": shape.size,
        "channels": shape.channels,
        "kernel": shape.kernel,
        "depth": task.depth,
    }
    return capped("openvino_binary", request, only and only.isa)


PEERS = (
    Peer("OpenVINO binary", partial(start, None, ""), networks=False),
    Peer(
        "OpenVINO binary, no VPOPCNTDQ",
        partial(start, VNNI, "avx512_vpopcntdq"),
        networks=False,
    ),
    Peer("OpenVINO binary, no VNNI either", partial(start, AVX512, "avx512_vnni"), networks=False),
)
