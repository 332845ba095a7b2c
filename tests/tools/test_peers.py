"""The libraries that bnnc is measured against, in processes of their own, capped to the classes of
targets; no test asserts a time."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bench_support import SMALL, task

from bnnc.backends.targets import TARGETS, host_features
from bnnc.tools.benchmarks import remote_contenders
from bnnc.tools.benchmarks.isa_classes import AVX512, CLASSES, IsaClass
from bnnc.tools.benchmarks.networks import chain
from bnnc.tools.benchmarks.onnx_engines import PeerError
from bnnc.tools.benchmarks.peers import PEERS, openvino, openvino_binary, peers_for
from bnnc.tools.benchmarks.remote_contenders import Remote
from bnnc.tools.benchmarks.static_quantization import int8
from bnnc.tools.benchmarks.task import Peer, Store
from bnnc.tools.benchmarks.workers import openvino_model


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.mark.parametrize(
    "peer", [p for p in peers_for([*TARGETS]) if p.name != "Larq CE"], ids=lambda peer: peer.name
)
def test_peers_run(peer: Peer, store: Store) -> None:
    """Or say what this CPU lacks."""
    try:
        started = peer.start(task(store, chain(SMALL, 2), layer=SMALL, depth=2))
    except PeerError as error:
        said = str(error)
    else:
        times = started.turns.turn(0, 3)
        started.close()
        assert len(times) == 1
        assert times[0] > 0
        assert started.version[0].isdigit()
        return
    lacking = re.search(r"this CPU (?:lacks|has no) (\w+)", said)
    assert lacking is not None, said
    assert lacking[1] not in host_features()


def test_larq_says_why_it_did_not_run(store: Store) -> None:
    (larq,) = [peer for peer in PEERS if peer.name == "Larq CE"]
    one = task(store, chain(SMALL, 2))
    for changes, message in (
        ({}, "--lce-python names"),
        ({"lce_python": "nowhere/python"}, "measured only at batch 1"),
        ({"lce_python": "nowhere/python", "batch": 1}, "nowhere/python: cannot be started"),
        ({"lce_python": sys.executable, "batch": 1}, "No module named"),
        ({"lce_python": sys.executable, "batch": 1, "network": None}, "no Keras twin"),
    ):
        with pytest.raises(PeerError, match=message):
            larq.start(replace(one, **changes))


def test_a_worker_that_dies_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mortal = (
        "import os\n\ndef start(request):\n"
        "    return (lambda seconds, calls: os._exit(7) if calls == 9 else [1.0] * calls),"
        " {'version': '1.0'}\n"
    )
    rude = "def start(request):\n    raise ValueError(request['why'])\n"
    served(tmp_path, monkeypatch, mortal=mortal, rude=rude)
    worker = Remote("mortal", {})
    assert (worker.version, worker.turn(1.0, 2)) == ("1.0", [1.0, 1.0])
    with pytest.raises(PeerError, match="ended with code 7"):
        worker.turn(1.0, 9)
    with pytest.raises(PeerError, match=r"^no reason$"):
        Remote("rude", {"why": "no reason\nbesides"})


def served(folder: Path, monkeypatch: pytest.MonkeyPatch, **recipes: str) -> None:
    """Workers of a test's own."""
    shutil.copy(remote_contenders.WORKERS / "serve.py", folder)
    for name, text in recipes.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.setattr(remote_contenders, "WORKERS", folder)


@pytest.mark.parametrize(("isa", "said"), [("AVX2", "AVX2"), (None, "DEFAULT")])
def test_the_cap_reaches_the_peer_whatever_the_caller_s_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, isa: str | None, said: str
) -> None:
    told = (
        "import os\n\ndef start(request):\n"
        "    return None, {'version': os.environ['ONEDNN_MAX_CPU_ISA'], 'note': request['of']}\n"
    )
    served(tmp_path, monkeypatch, told=told)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "SSE41")
    contender = openvino.capped("told", {"of": "a note"}, isa)
    contender.close()
    assert (contender.version, contender.note) == (said, "a note")
    assert os.environ["ONEDNN_MAX_CPU_ISA"] == "SSE41"


@pytest.fixture(scope="module")
def quantized(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A request for OpenVINO."""
    one = task(Store(tmp_path_factory.mktemp("quantized")), chain(SMALL, 2))
    return {"model": str(int8(one)), "inputs": dict(one.inputs), "threads": 1}


def test_a_capped_peer_runs_only_older_kernels(quantized: dict[str, Any]) -> None:
    contender = openvino.capped("openvino_model", {**quantized, "widest": "sse42"}, "SSE41")
    (seconds,) = contender.turns.turn(0, 1)
    contender.close()
    assert seconds > 0


def test_a_peer_that_heeds_no_cap_has_no_figure(quantized: dict[str, Any]) -> None:
    """oneDNN passes over names that it does not know."""
    with pytest.raises(PeerError, match=r"^not capped to sse42: \w*(avx|amx)"):
        openvino.capped("openvino_model", {**quantized, "widest": "sse42"}, "NO_SUCH_ISA")


@pytest.mark.parametrize(
    ("widest", "remark"),
    [("sse42", RuntimeError), ("avx2", RuntimeError), ("avx512", "Eltwise"), ("amx", None)],
)
def test_kernels_beyond_a_cap(widest: str, remark: str | type[Exception] | None) -> None:
    found = [
        ("Convolution", "brgconv_avx512_I8"),
        ("Eltwise", "jit_avx512_amx_f32"),
        ("FullyConnected", "jit_gemm_I8"),
        ("Pooling", "jit_uni_I8"),
    ]
    if isinstance(remark, type):
        with pytest.raises(remark, match=f"not capped to {widest}: brgconv_avx512_I8"):
            openvino_model.beyond(found, widest)
        return
    assert openvino_model.beyond(found, widest) == (remark and f"not capped to {widest}: {remark}")


def test_without_the_kernels_names_nothing_shows_a_cap() -> None:
    with pytest.raises(RuntimeError, match="cannot tell the kernels"):
        openvino_model.beyond([("Eltwise", "jit_avx2_f32")], "avx2")


def test_every_x86_target_has_a_class_not_below_its_code() -> None:
    rows = {name: row for name, row in TARGETS.items() if row.machine == "x86_64"}
    assert set(CLASSES) == set(rows)
    for name, row in rows.items():
        isa = CLASSES[name].isa
        assert ("AVX512" in isa) == (row.vector_bits == 512), name
        assert isa.startswith("AVX") == (row.vector_bits >= 256), name
        plain = isa in ("SSE41", "AVX2", "AVX512_CORE")
        assert plain == (row.has.byte_products != "fours"), name
        assert CLASSES[name].widest in openvino_model.WIDTHS
        assert set(CLASSES[name].host) <= set(CPUS[name]), name


CPUS = {
    name: {*row.host_features, *row.shown_by, *extra}
    for name, row in TARGETS.items()
    for extra in [
        ("amx_int8",) if "rapids" in name else ("avx512_bf16",) if "znver" in name else ()
    ]
}
"""Features of the CPUs, those that code does not use included."""


def test_a_cpu_below_a_class_refuses_it(store: Store) -> None:
    """Not to be taken for the class: oneDNN would run what the CPU has."""
    assert IsaClass("A", "AVX2", (), "avx2").require() is None
    above = IsaClass("A", "AVX2", ("a_feature", "another"), "avx2")
    with pytest.raises(PeerError, match="this CPU lacks a_feature, another"):
        openvino.start_int8(above, task(store, chain(SMALL, 2)))


def test_peers_of_classes_stand_behind_their_peer() -> None:
    names = [peer.name for peer in peers_for(["native", "x86-64-v3", "arm64", "znver4", "znver5"])]
    at = names.index("OpenVINO int8")
    assert names[at + 1 : at + 3] == ["OpenVINO int8, AVX2", "OpenVINO int8, AVX-512 BF16"]
    assert len(names) == len(PEERS) + 2


def test_nothing_is_taken_away_that_is_not_there(store: Store) -> None:
    one = task(store, chain(SMALL, 2), layer=SMALL, depth=2)
    with pytest.raises(PeerError, match="no such_feature that could be taken away"):
        openvino_binary.start(AVX512, "such_feature", one)
