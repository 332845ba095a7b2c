"""The benchmark's rows, contenders, tables and plots; no test asserts a time."""

from __future__ import annotations

import json
import weakref
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from bench_support import SMALL
from cli_support import Cli

import bnnc
from bnnc.backends.targets import host_features, host_machine
from bnnc.driver import build, import_model, recognised
from bnnc.errors import InputError
from bnnc.options import Options
from bnnc.tools import bench
from bnnc.tools.benchmarks import (
    backend_comparison,
    compile_times,
    document,
    machine_limits,
    plots,
    tables,
    timing,
)
from bnnc.tools.benchmarks.bnnc_contenders import Facts
from bnnc.tools.benchmarks.inner_layers import middle, middle_call
from bnnc.tools.benchmarks.machine_limits import AMX, LIMITS, Limit
from bnnc.tools.benchmarks.network_steps import Network
from bnnc.tools.benchmarks.networks import LAYERS, NETWORKS, Shape, chain
from bnnc.tools.benchmarks.onnx_engines import ONNXRUNTIME, PeerError
from bnnc.tools.benchmarks.peers import pytorch
from bnnc.tools.benchmarks.peers.pytorch import Interpreter
from bnnc.tools.benchmarks.rows import Contenders, Row
from bnnc.tools.benchmarks.task import Contender, Store
from bnnc.tools.benchmarks.timing import Timing
from bnnc.tools.benchmarks.to_onnx import to_onnx


def tiny() -> Network:
    """Every kind of step on a small map."""
    net = Network("tiny", 3, 16)
    x = net.max_pool(net.relu(net.norm(net.conv(0, 8, 7, 2))), 3, 1, 1)
    x = net.norm(net.conv(x, 8, 3, 1, groups=8))
    a = net.norm(net.binary_conv(net.shift(x), 8))
    b = net.prelu(net.relu(net.binary_conv(x, 8, 3, pad_value=1)))
    x = net.concat(net.add(a, b), net.binary_conv(x, 8, 1))
    x = net.average_pool(net.blur_pool(net.max_pool(x, 2, 1)))
    net.dense(net.global_pool(x), 5)
    return net


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_valid_and_their_binary_layers_run_on_bits(name: str) -> None:
    net = NETWORKS[name]()
    model = to_onnx(net)
    onnx.checker.check_model(model)
    verdicts = recognised(import_model(model).graph)
    assert sum(v.binarized for v in verdicts) == net.binary_layers
    output = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph.output[0]
    assert [d.dim_value for d in output.type.tensor_type.shape.dim][1:] == [net.shapes[-1][0]]


@pytest.mark.parametrize("shape", LAYERS, ids=lambda shape: shape.name)
def test_measured_layers_run_on_bits(shape: Shape) -> None:
    net = chain(shape, 2)
    assert [v.binarized for v in recognised(import_model(to_onnx(net)).graph)] == [True, True]
    assert net.macs == 2 * shape.macs


def test_published_sizes() -> None:
    giga = {name: round(make().macs / 1e9, 2) for name, make in NETWORKS.items()}
    assert giga == {
        "VGG-small": 0.61,
        "Bi-Real-18": 1.81,
        "ReActNet-A": 4.83,
        "QuickNet": 1.88,
        "BinaryDenseNet-28": 3.79,
    }
    assert Shape(14, 256).macs == 14 * 14 * 256 * 256 * 9
    assert Shape(8, 64, 1).operand_bytes == (2 * 64 * 64 + 64 * 64) / 8


def test_signs_come_out_balanced(store: Store) -> None:
    """The last signs of a chain are as often up as down, within a wide margin."""
    model = to_onnx(chain(Shape(8, 64), 5))
    del model.graph.output[:]
    model.graph.output.add().name = "s9.positive"
    x = np.random.default_rng(1).standard_normal((1, 64, 8, 8)).astype(np.float32)
    (signs,) = ONNXRUNTIME.load(model.SerializeToString(), {"x": x})()
    assert 0.3 < signs.mean() < 0.7


def test_the_same_network_is_the_same_file(store: Store) -> None:
    first = store.onnx(tiny())
    assert store.onnx(tiny()) == first
    assert len(list(store.folder.iterdir())) == 1


def test_pytorch_computes_what_the_file_says(store: Store, mnist: Path) -> None:
    for path, shape in ((store.onnx(tiny()), (2, 3, 16, 16)), (mnist, (2, 1, 28, 28))):
        model = onnx.load(path)
        random = np.random.default_rng(2)
        inputs = {model.graph.input[0].name: random.random(shape).astype(np.float32)}
        (expected,) = ONNXRUNTIME.load(str(path), inputs)()
        for channels_last in (False, True):
            (got,) = Interpreter(model, inputs, channels_last).run()
            np.testing.assert_allclose(got.numpy(), expected, rtol=1e-3, atol=1e-3)


def test_pytorch_keeps_no_value_that_is_read_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    alive: list[int] = []

    def relu(torch: Any, x: Any, _: Any) -> Any:
        alive.append(sum(reference() is not None for reference in made))
        result = torch.relu(x[0])
        made.append(weakref.ref(result))
        return result

    monkeypatch.setitem(pytorch.OPERATORS, "Relu", relu)
    nodes = [onnx.helper.make_node("Relu", [f"x{i}"], [f"x{i + 1}"]) for i in range(6)]
    outputs = [onnx.helper.make_empty_tensor_value_info(name) for name in ("x2", "x6")]
    model = onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", [], outputs))
    results = Interpreter(model, {"x0": np.ones(3, np.float32)}, False).run()
    assert len(results) == 2
    assert alive == [0, 1, 1, 2, 2, 2]


def test_pytorch_names_what_it_does_not_know() -> None:
    node = onnx.helper.make_node("Det", ["x"], ["y"])
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", [], []))
    with pytest.raises(PeerError, match="no function for Det"):
        Interpreter(model, {}, False)


def test_the_middle_of_a_chain_computes_what_the_chain_does() -> None:
    compilation = build(to_onnx(chain(SMALL, 3)), "native", Options(), "chain")
    graph, layers = middle(compilation.graph)
    assert layers == 2
    assert graph.inputs[0].type.is_binary
    assert graph.outputs[0].value.type.is_binary
    call, counted, kernel = middle_call(compilation.graph, "native")
    assert counted == 2
    assert kernel.startswith("binary_conv")
    np.testing.assert_array_equal(call(), call())


def test_the_loop_of_tiles() -> None:
    """Assembled, not executed here where the CPU has no AMX; 16 x 16 x 64 products each."""
    machine_limits.compiled(AMX)
    assert AMX.work == machine_limits.ROUNDS * 4 * 16 * 16 * 64
    assert sum("tdpbssd" in line for line in AMX.body()) == 4
    line, tiles = np.split(AMX.buffer, [64])
    assert (line[0], line.view(np.uint16)[8:16].tolist()) == (1, [64] * 8)
    assert (line[48:56].tolist(), line[56:].any()) == ([16] * 8, False)
    assert set(tiles.view(np.int8)) == {1, -1}
    assert len(tiles) == 4 * 1024


@pytest.mark.parametrize("loop", LIMITS, ids=lambda loop: loop.name)
def test_limits_are_measured_or_refused(loop: Any) -> None:
    if loop.feature.replace("-", "_") not in host_features():
        with pytest.raises(PeerError, match=loop.feature):
            Limit(loop)
        return
    limit = Limit(loop)
    (seconds,) = limit.turn(0, 1)
    assert limit.rate(seconds) == loop.work / seconds


def test_contenders_with_clocks_of_their_own_take_turns() -> None:
    class Told:
        def turn(self, seconds: float, calls: int) -> list[float]:
            return [2.0, 1.0, 4.0][:calls]

    timed = timing.measure({"told": Told(), "call": lambda: None}, 0.05, rest=0.001)
    assert (timed["told"].minimum, timed["told"].median) == (1.0, 2.0)
    assert timing.measure({"told": Told()}, 1, calls=2)["told"].calls == 2


def test_a_contender_that_breaks_off_has_no_time() -> None:
    class Mortal:
        left = 3

        def turn(self, seconds: float, calls: int) -> list[float]:
            self.left -= 1
            if self.left < 0:
                raise PeerError("its process ended with code 9")
            return [1.0]

    closed: list[str] = []
    contenders = Contenders(Row("a row"))
    contenders.add(
        "mortal", lambda: Contender(Mortal(), "1.0", close=lambda: closed.append("mortal"))
    )
    contenders.add("other", lambda: Contender(timing.TimedCall(lambda: None), "2.0"), 4)
    contenders.measure(0.05)
    assert contenders.row.problems == {"mortal": "its process ended with code 9"}
    assert list(contenders.row.times) == ["other"]
    assert closed == ["mortal"]
    assert contenders.row.versions == {"mortal": "1.0", "other": "2.0"}


def rows() -> tuple[dict[str, Any], list[Row], list[Row]]:
    """Made-up figures: bnnc twice as fast as the one peer, the other absent."""
    facts = Facts(1, 2, 10**9, 4000, 300, 200, 1.0, {"conv": 0.75, "rest": 0.25}, 0.001)
    settings = {
        "date": "2026-01-02T03:04:05+00:00",
        "cpu": "a CPU",
        "instructions": ["AVX2", "AVX-512"],
        "targets": ["x86-64-v4", "x86-64-v3"],
        "depth": 5,
        "versions": {"bnnc": "1"},
    }

    def times(*medians: float) -> dict[str, Timing]:
        names = ("bnnc x86-64-v4", "bnnc x86-64-v3", "ORT fp32", document.BINARY)
        return {n: Timing(t / 2, t, 9) for n, t in zip(names, medians, strict=False)}

    layer = Row("8x8x64, 3x3", macs=10**6, least_bytes=1000.0, times=times(1e-6, 2e-6, 4e-6, 5e-6))
    layer.limits = {"VPTERNLOG": 4e12, "VPXOR": 2e12, "read L2": 1e11, "read memory": 1e10}
    layer.problems = {"Larq CE": "no luck"}
    layer.notes = {"bnnc x86-64-v3": "packed", "ORT fp32": "well"}
    network = Row("Net", macs=10**9, facts={"x86-64-v4": facts}, times=times(0.001, 0.002, 0.01))
    more = Row("Net", 16, 2, 10**9, times=times(0.01, 0.02))
    more.problems = {"ORT fp32": "out of memory"}
    return settings, [layer], [network, more]


def test_ratios_speeds_and_shares() -> None:
    _, (layer,), (network, more) = rows()
    assert layer.speed("bnnc x86-64-v4") == pytest.approx(1e12)
    assert tables.fraction(layer, "x86-64-v4") == pytest.approx(0.25)
    assert tables.fraction(layer, "x86-64-v3") == pytest.approx(0.25)
    assert network.ratio("bnnc x86-64-v4", "ORT fp32") == pytest.approx(10)
    assert more.ratio("bnnc x86-64-v4", "ORT fp32") is None
    assert more.speed("bnnc x86-64-v3") == pytest.approx(16e9 / 0.02)
    assert network.json()["facts"]["x86-64-v4"]["artifact"] == 300


def test_a_peer_that_did_not_run_is_no_win() -> None:
    settings, layers, networks = rows()
    text = tables.markdown(settings, layers, networks)
    assert "| Net | 16 | 2 | 10 ms | 20 ms | – |" in text
    assert "| Net | 16 | 2 | x86-64-v4 | – |" in text
    assert "- Larq CE: no luck (8x8x64, 3x3)" in text
    assert "- ORT fp32: out of memory (Net at batch 16 with 2 threads)" in text
    assert "- ORT fp32: well (8x8x64, 3x3)" in text
    assert (
        "| 8x8x64, 3x3 | x86-64-v3 | packed | 2.0 | 2.00 | 2.50 | – | 25% | not measured |" in text
    )
    assert "| Net | x86-64-v4 | 1 of 2 | 1 | 4 KB | 300 B | 200 B | 1.0 s | 1 ms |" in text


def test_each_target_is_compared_with_its_class() -> None:
    """native with the peer uncapped; ratios of other networks and batches are not mixed in."""
    targets = ["native", "cascadelake", "x86-64-v3"]

    def row(name: str, batch: int, threads: int = 1, **medians: float) -> Row:
        names = {
            "ours": "bnnc native",
            "narrow": "bnnc x86-64-v3",
            "theirs": "OpenVINO int8",
            "capped": "OpenVINO int8, AVX2",
        }
        return Row(
            name, batch, threads, times={names[n]: Timing(t, t, 9) for n, t in medians.items()}
        )

    measured = [
        row("A", 1, ours=1.0, narrow=2.0, theirs=2.0, capped=16.0),
        row("A", 16, ours=1.0, theirs=3.0, capped=9.0),
        row("A", 1, 2, ours=1.0, theirs=50.0),
        row("B", 1, ours=1.0, narrow=2.0, theirs=8.0, capped=4.0),
    ]
    text = tables.class_ratios(measured, targets)
    assert text[0] == "| network | batch | bnnc native | bnnc cascadelake | bnnc x86-64-v3 |"
    assert text[2:] == [
        "| A | 1 | 2.00 | – | 8.00 |",
        "| A | 16 | 3.00 | – | – |",
        "| B | 1 | 8.00 | – | 2.00 |",
        "| **geometric mean** | 1 | **4.00** | – | **4.00** |",
        "| **geometric mean** | 16 | **3.00** | – | – |",
    ]
    ratios = tables.network_ratios(measured[:1], targets)
    assert ratios[0].endswith("| bnnc target | OpenVINO int8 | OpenVINO int8, same class |")
    assert ratios[2:] == [
        "| A | 1 | 1 | native | 2.00 | 2.00 |",
        "| A | 1 | 1 | x86-64-v3 | 1.00 | 8.00 |",
    ]


def test_the_share_of_the_limit_of_tiles() -> None:
    settings, (layer,), _ = rows()
    layer.limits["TDPBSSD"] = 2e12
    ratios = tables.layer_ratios([layer], settings["targets"])
    assert ratios[0].endswith("| of the limit | of the AMX limit |")
    assert [line.split(" | ")[-1] for line in ratios[2:]] == ["50% |", "25% |"]
    assert tables.layer_speeds([layer], settings["targets"])[0].endswith("| limit AMX tiles |")


def test_plots_are_the_same_every_time_and_readable_on_dark_pages() -> None:
    settings, layers, networks = rows()
    targets = settings["targets"]
    for draw in (
        lambda: plots.latency(networks[:1], targets),
        lambda: plots.roofline(layers, targets, document.BINARY),
    ):
        text = draw()
        assert text == draw()
        assert ElementTree.fromstring(text).tag.endswith("svg")
        assert "prefers-color-scheme: dark" in text
        assert "currentColor" in text
        assert plots.INK not in text


def test_documents_are_rewritten(tmp_path: Path) -> None:
    settings, layers, networks = rows()
    (tmp_path / "docs").mkdir()
    readme = tmp_path / "README.md"
    with pytest.raises(InputError, match="no checkout"):
        document.rewrite(tmp_path, settings, layers, networks)
    readme.write_text("# bnnc\n")
    with pytest.raises(InputError, match="expected one place"):
        document.rewrite(tmp_path, settings, layers, networks)
    readme.write_text(f"# bnnc\n{document.BEGIN}\nold\n{document.END}\nmore\n")
    document.rewrite(tmp_path, settings, layers, networks)
    text = readme.read_text()
    assert text.startswith("# bnnc\n<!--")
    assert text.endswith("-->\nmore\n")
    assert "old" not in text
    assert "Medians of one run, 2026-01-02, a CPU; the ratio is bnnc x86-64-v4 to ORT fp32:" in text
    assert "| Net | 1 ms | 2 ms | 10 ms | – | – | 10 |" in text
    page = (tmp_path / "docs/performance.md").read_text()
    assert "Measured 2026-01-02 03:04 UTC on a CPU: bnnc 1." in page
    assert "| Net | x86-64-v4 | conv 75%, rest 25% |" in page
    assert "whatever its CPU has: AVX2, AVX-512.\n" in page
    assert "| **geometric mean** | 1 | – | – |" in page
    for name in ("latency.svg", "roofline.svg"):
        assert f"]({name})" in page
        assert (tmp_path / "docs" / name).stat().st_size > 1000


def test_figures_of_the_readme_are_of_targets_that_ran(tmp_path: Path) -> None:
    settings, layers, networks = rows()
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text(f"{document.BEGIN}\n{document.END}\n")
    settings["targets"] = ["znver5", *settings["targets"]]
    document.rewrite(tmp_path, settings, layers, networks)
    text = (tmp_path / "README.md").read_text()
    assert "the ratio is bnnc x86-64-v4 to ORT fp32:" in text
    assert "znver5" not in text
    settings["targets"] = ["znver5"]
    with pytest.raises(InputError, match="no target ran here"):
        document.rewrite(tmp_path, settings, layers, networks)
    assert (tmp_path / "README.md").read_text() == text


def test_what_cannot_be_is_said_before_the_work(
    cli: Cli, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.main(["--document", ".", "--only", "layers"]) == 2
    assert "leave out --only" in capsys.readouterr().err
    assert bench.main(["--document", "."]) == 2
    assert "no checkout" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        bench.main(["--batch", "1,0"])
    assert "expected an integer from 1" in capsys.readouterr().err


def test_the_command_measures(
    cli: Cli, mnist: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "LAYERS", (SMALL,))
    other = "x86-64-v2" if host_machine() == "aarch64" else "arm64"
    options = f"--seconds 0.02 --targets native,nowhere,{other} --batch 2 --threads 1".split()
    options += "--peers ort --networks none --json o.json --markdown o.md --store kept".split()
    Path("bad.onnx").write_bytes(b"")
    assert bench.main([str(mnist), "bad.onnx", *options]) == 0
    shown = capsys.readouterr().out
    assert shown == Path("o.md").read_text()
    assert "- bnnc nowhere: unknown target 'nowhere'" in shown
    (refused,) = [line for line in shown.splitlines() if line.startswith(f"- bnnc {other}: ")]
    assert f"cannot run code for {other} here: it is for" in refused
    assert refused.endswith("(every row)")
    assert not list(Path("kept").glob(f"*-{other}.so"))
    assert "bad.onnx: is empty" in shown
    report = json.loads(Path("o.json").read_text())
    (layer,) = report["layers"]
    good, bad = report["networks"]
    assert set(layer["times"]) == {"bnnc native", "ORT fp32", "ORT int8"}
    assert set(good["times"]) == set(layer["times"])
    assert good["facts"]["native"]["binarized"] == 4
    assert sum(good["facts"]["native"]["shares"].values()) == pytest.approx(1)
    assert (good["batch"], good["threads"], bad["times"]) == (2, 1, {})
    assert report["versions"]["bnnc"] == bnnc.__version__


def test_compile_times_are_a_section_of_the_document(
    cli: Cli, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = {name: (network, (1, 2)) for name, (network, _) in compile_times.NETWORKS.items()}
    monkeypatch.setattr(compile_times, "NETWORKS", tiny)
    monkeypatch.setattr(compile_times, "LAYER", SMALL)
    Path("docs").mkdir()
    page = Path("docs/performance.md")
    options = "--only compile-time --targets x86-64-v3 --document . --store kept".split()
    page.write_text("no place\n")
    assert bench.main(options) == 2
    assert "lacks the lines" in capsys.readouterr().err
    other = backend_comparison.SECTION.empty
    page.write_text(f"# Page\n{compile_times.SECTION.empty}{other}more\n")
    assert bench.main(options) == 0
    shown = capsys.readouterr().out
    text = page.read_text()
    assert text.startswith("# Page\n<!--")
    assert text.endswith(f"{other}more\n")
    assert shown.strip() in text
    counts = [line.split(" | ")[1:3] for line in text.splitlines() if "x86-64-v3" in line]
    assert counts == [["1", "x86-64-v3"], ["2", "x86-64-v3"]] * 3
