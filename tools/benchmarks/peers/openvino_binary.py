"""OpenVINO's binary convolution, only the kernel by its own counters, with all instructions of the
CPU and without some: it is bound by popcounts, which AVX-512 has only with VPOPCNTDQ."""

from __future__ import annotations

from functools import partial

from ..onnx_engines import OPENVINO, PeerError
from ..remote_contenders import Remote
from ..task import Contender, Peer, Task

ISA = "ONEDNN_MAX_CPU_ISA"


def start(isa: str | None, task: Task) -> Contender:
    """The chain of layers in a process of its own, because it reads the variable when it starts."""
    if OPENVINO.version is None:
        raise PeerError("openvino is not installed")
    assert task.layer is not None
    shape = task.layer
    request = {
        "size": shape.size,
        "channels": shape.channels,
        "kernel": shape.kernel,
        "depth": task.depth,
    }
    remote = Remote("openvino_binary", request, environment={ISA: isa} if isa else {})
    return Contender(remote, remote.version, None, remote.close)


PEERS = (
    Peer("OpenVINO binary", partial(start, None), networks=False),
    Peer("OpenVINO binary, no VPOPCNTDQ", partial(start, "AVX512_CORE_VNNI"), networks=False),
    Peer("OpenVINO binary, no VNNI either", partial(start, "AVX512_CORE"), networks=False),
)
