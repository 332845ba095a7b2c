"""Searching for schedules: what is found is one of the plan's values, is kept and is valid."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import needs_tvm  # noqa: F401
import pytest
from kernel_cases import joined
from tvm import rpc
from tvm.rpc.tracker import Tracker

from bnnc.backends.interface import Params, SearchLimits
from bnnc.backends.targets import resolve
from bnnc.backends.tvm import TvmBackend, search
from bnnc.backends.tvm.board import Board
from bnnc.errors import BackendError
from bnnc.ir import Graph, Node, parse
from bnnc.ir.ops import Const, Fused

LAYER = """
    input %x: f32[1,16,6,6]
    %w = const() data=random(3) element=f32 : f32[32,16,3,3]
    %y = fused([%x, %w]) kernel="" {
      (%x: f32[1,16,6,6], %w: f32[32,16,3,3])
      %c = conv(%x, %w, none) strides=[1,1] pads=[1,1,1,1] dilations=[1,1] groups=1
           : f32[1,32,6,6]@nhwc
      %r = relu(%c) : f32[1,32,6,6]@nhwc
      yield %r
    } : f32[1,32,6,6]@nhwc
    output %y as "y"
"""
TRIALS = 4


@pytest.fixture(scope="module")
def layer() -> tuple[Graph, Node]:
    graph = parse(joined({"a": LAYER}))
    (node,) = (n for n in graph.nodes if isinstance(n.op, Fused))
    return graph, node


def searched(layer: tuple[Graph, Node], folder: Path | None, board: str | None = None) -> Params:
    """What a search in a folder gives."""
    graph, node = layer
    constants = {n.result: n.op for n in graph.nodes if isinstance(n.op, Const)}
    limits = SearchLimits(TRIALS, 60.0, board)
    searcher = TvmBackend().searcher(resolve("native"), limits, folder, lambda _: None)
    return searcher(node.op, "tvm_conv", constants, "conv")


def test_what_is_found_is_kept_and_can_be_compiled(
    layer: tuple[Graph, Node], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = searched(layer, tmp_path / "search")
    assert set(first) <= {"pixels", "vectors", "unroll"}
    assert first["pixels"] in (1, 2, 3, 6)
    records = (tmp_path / "search/measured.jsonl").read_text().split()
    assert len(records) >= TRIALS

    def again(*_: Any) -> list[float]:
        raise AssertionError("measured again")

    monkeypatch.setattr(search, "measure_here", again)
    assert searched(layer, tmp_path / "search") == first
    (kernel,) = [k for k in TvmBackend().kernels if k.name == "tvm_conv"]
    assert set(first) <= set(kernel.knobs)


def test_a_search_without_a_folder_keeps_nothing(layer: tuple[Graph, Node]) -> None:
    assert searched(layer, None)["pixels"] in (1, 2, 3, 6)


def test_a_schedule_that_cannot_be_measured_is_not_the_best(
    layer: tuple[Graph, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are, whatever fails."""
    calls: list[float] = []

    def flaky(*_: Any) -> list[float]:
        calls.append(1.0)
        if len(calls) != 2:
            raise RuntimeError("no")
        return [1e-6]

    monkeypatch.setattr(search, "measure_here", flaky)
    assert searched(layer, None)
    assert len(calls) >= TRIALS


def record(seconds: object = (1e-9,), **decisions: object) -> str:
    """A line about the layer KEY, which would win."""
    decided = {"pixels": 6, "vectors": 1, "unroll": 1} | decisions
    return json.dumps({"layer": "KEY", "decisions": decided, "seconds": seconds})


@pytest.mark.parametrize(
    "damage",
    [
        "null",
        "[1, {]",
        "[" * 100_000,
        record().replace('"KEY"', "1"),
        record(pixels=77),
        record(pixels=6.0),
        record(unroll=True),
        record(vectors=[]),
        record(other=1),
        record(["x"]),
        record([]),
        record([-1.0]),
        record(None),
    ],
)
def test_lines_that_are_no_records_are_skipped(
    layer: tuple[Graph, Node], tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search goes on from what remains."""
    times = iter([[1e-3], [1e-5], *[[1e-4]] * 100])
    monkeypatch.setattr(search, "measure_here", lambda *_: next(times))
    first = searched(layer, tmp_path)
    path = tmp_path / "measured.jsonl"
    text = path.read_bytes()
    key = text.split(b'"layer": "')[1][:32].decode()
    path.write_bytes(text[:-9] + b"\n" + damage.replace("KEY", key).encode())
    assert searched(layer, tmp_path) == first
    assert len(path.read_bytes()) > len(text)


def test_a_folder_that_cannot_be_made_keeps_nothing(
    layer: tuple[Graph, Node], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    assert searched(layer, tmp_path / "file" / "search")["pixels"] in (1, 2, 3, 6)


def test_a_search_in_which_nothing_runs_says_why(
    layer: tuple[Graph, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: Any) -> list[float]:
        raise RuntimeError("Traceback\nConnection reset")

    monkeypatch.setattr(search, "measure_here", lost)
    with pytest.raises(BackendError, match="conv: no schedule runs: Connection reset"):
        searched(layer, None)


# --- boards -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tracker() -> Generator[str]:
    """A tracker that knows one board, this machine."""
    started = Tracker("127.0.0.1", port=19190, port_end=19290, silent=True)
    server = rpc.Server(
        "127.0.0.1",
        port=19300,
        port_end=19400,
        key="board",
        tracker_addr=("127.0.0.1", started.port),
        silent=True,
    )
    yield f"127.0.0.1:{started.port}"
    server.terminate()
    started.terminate()


def test_a_board_measures(layer: tuple[Graph, Node], tracker: str) -> None:
    assert searched(layer, None, f"{tracker}/board")["pixels"] in (1, 2, 3, 6)


@pytest.mark.parametrize(
    "text",
    ["", "host", "host:1", "host:x/k", "host:1/", ":1/k", "h:70000/k", "h:0/k", "h:\uff11/k"],
)
def test_a_tracker_has_a_host_a_port_and_a_key(text: str) -> None:
    with pytest.raises(BackendError, match="expected HOST:PORT/KEY"):
        Board.parse(text)


def test_an_address_may_have_brackets() -> None:
    assert Board.parse("[::1]:90/k") == Board("::1", 90, "k")


def test_a_tracker_that_does_not_answer_is_one_line() -> None:
    with pytest.raises(BackendError, match=r"tracker 127\.0\.0\.1:1: .*refused"):
        Board("127.0.0.1", 1, "k").connect()


def test_a_tracker_without_such_a_board_says_what_it_knows(tracker: str) -> None:
    with pytest.raises(BackendError, match="no board 'other'; it knows board"):
        Board.parse(f"{tracker}/other").connect()
