"""`bnnc inspect --html`: the page in headless Chromium, on a phone and on a desk."""

from __future__ import annotations

import re
from collections.abc import Generator
from html import escape
from pathlib import Path

import numpy as np
import onnx
import pytest
from browser import Browser, chromium
from cli_support import Cli
from onnx import TensorProto, helper, numpy_helper

pytestmark = pytest.mark.xdist_group("browser")

PHONE, DESK = 390, 1300
HOSTILE = """<script>document.title='x'</script>"><img src=http://x.test/>&amp;\u202e"""

CONTRAST = """
(() => {
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const background = element => {
    for (; element; element = element.parentElement) {
      const color = parse(getComputedStyle(element).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let least = 21;
  while (walk.nextNode()) {
    if (!walk.currentNode.data.trim()) continue;
    const element = walk.currentNode.parentElement;
    const pair = [light(parse(getComputedStyle(element).color)), light(background(element))];
    least = Math.min(least, (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05));
  }
  return least;
})()
"""

ARROWS = """
[...document.querySelectorAll('.drawing path.head')].map(head => {
  const at = head.getBoundingClientRect();
  const y = (at.top + at.bottom) / 2;
  return [...document.querySelectorAll('.rows li')].findIndex(row => {
    const box = row.getBoundingClientRect();
    return box.top < y && y < box.bottom && Math.abs(box.right - at.left) < 2;
  });
})
"""


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    with Browser(chromium()) as opened:
        yield opened


def layers(browser: Browser, kind: str = "") -> int:
    return browser.evaluate(f"document.querySelectorAll('.rows .layer{kind}').length")


def check(browser: Browser, path: Path, width: int, scheme: str = "light") -> None:
    """What holds for every page."""
    browser.open(path, width, scheme=scheme)
    assert browser.complaints() == []
    assert browser.requests() == []
    assert browser.evaluate("document.scripts.length") == 0
    assert browser.evaluate("document.documentElement.scrollWidth") == width
    assert browser.evaluate("document.querySelectorAll('tbody').length") == layers(browser)
    assert browser.evaluate(CONTRAST) >= 4.5
    # Every link leads to something on the page.
    ends = "[...document.links].every(a => document.getElementById(a.hash.slice(1)))"
    assert browser.evaluate(ends)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, PHONE, 800, DESK])
def test_mnist(cli: Cli, mnist: Path, browser: Browser, width: int, scheme: str) -> None:
    assert cli.good("inspect", mnist, "--html", "m.html") == "m.html: 4 of 6 layers on bits\n"
    check(browser, Path("m.html"), width, scheme)
    assert (layers(browser), layers(browser, ".bits")) == (6, 4)
    text = browser.evaluate("document.body.innerText")
    for words in ("mnist_bnn.onnx", "4 of 6", "1.81M bit ops", "activations are float", "advice:"):
        assert words in text
    assert browser.evaluate("document.querySelectorAll('.rows .end').length") == 2
    assert browser.evaluate("document.querySelectorAll('.drawing path.head').length") == 2
    # Both skips end at the sum that reads them, one row below a binary convolution.
    for row in browser.evaluate(ARROWS):
        assert "add" in browser.evaluate(f"document.querySelectorAll('.rows li')[{row}].innerText")


def test_the_page_tells_its_structure(cli: Cli, mnist: Path, browser: Browser) -> None:
    cli.good("inspect", mnist, "--html", "m.html")
    browser.open(Path("m.html"), PHONE)
    nodes = browser.tab("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in nodes if not node["ignored"]]
    assert roles.count("table") == 1
    assert roles.count("rowheader") == 7  # six layers and the total, though shown as blocks
    assert roles.count("heading") == 4  # the title, graph, layers, their IR
    assert {"main", "region", "list", "columnheader"} <= set(roles)
    assert browser.evaluate("document.documentElement.lang") == "en"


def test_an_artifact(cli: Cli, compiled: Path, browser: Browser) -> None:
    cli.good("inspect", compiled, "--html", "a.html")
    for width in (PHONE, DESK):
        check(browser, Path("a.html"), width)
        assert (layers(browser), layers(browser, ".bits")) == (6, 4)
    assert "does not contain the graph" in browser.evaluate("document.body.innerText")


def test_the_same_bytes_each_time(cli: Cli, mnist: Path) -> None:
    pages = set()
    for seed in "12":
        done = cli.process("inspect", mnist, "--html", "m.html", env={"PYTHONHASHSEED": seed})
        assert done.code == 0, done
        pages.add(Path("m.html").read_bytes())
    assert len(pages) == 1


def write(path: Path, nodes: int, name: str = "block") -> int:
    """Blocks of sign, conv, mul, add with a block up to seven before, sub; returns the layers."""
    rng = np.random.default_rng(0)
    weights = np.sign(rng.standard_normal((8, 8, 3, 3))).astype(np.float32)
    scale = rng.standard_normal((1, 8, 1, 1)).astype(np.float32)
    operators, values = [], ["x"]
    for i in range(nodes // 5):
        conv = {"name": f"{name}/{i}/conv", "pads": [1] * 4}
        operators += [
            helper.make_node("Sign", [values[-1]], [f"s{i}"]),
            helper.make_node("Conv", [f"s{i}", "w"], [f"c{i}"], **conv),
            helper.make_node("Mul", [f"c{i}", "b"], [f"m{i}"]),
            helper.make_node("Add", [f"m{i}", values[max(0, i - i % 7)]], [f"a{i}"]),
            helper.make_node("Sub", [f"a{i}", "b"], [f"r{i}"]),
        ]
        values.append(f"r{i}")
    shape = [1, 8, 8, 8]
    graph = helper.make_graph(
        operators,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(values[-1], TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(scale, "b")],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)
    return nodes // 5


@pytest.mark.parametrize("nodes", [150, 2000])
def test_large_graphs(cli: Cli, browser: Browser, nodes: int) -> None:
    count = write(Path("large.onnx"), nodes)
    cli.good("inspect", "large.onnx", "--html", "large.html")
    check(browser, Path("large.html"), PHONE)
    assert layers(browser, ".bits") == count
    rows = browser.evaluate(ARROWS)
    assert len(rows) > count // 2
    assert min(rows) >= 0, "every arrow ends at a row"


def test_names_are_text(cli: Cli, browser: Browser) -> None:
    write(Path("<b>x&.onnx"), 10, HOSTILE)
    cli.good("inspect", "<b>x&.onnx", "--html", "h.html")
    page = Path("h.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "<img" not in page
    assert "\u202e" not in page
    assert escape("<b>x&.onnx") in page
    check(browser, Path("h.html"), PHONE)
    assert browser.evaluate("document.title") == "<b>x&.onnx"
    assert browser.evaluate("document.querySelector('tbody th').innerText").startswith(HOSTILE[:30])


def test_the_page_is_closed(cli: Cli, mnist: Path) -> None:
    """No address at all, and a policy that forbids requests and scripts."""
    cli.good("inspect", mnist, "--html", "m.html")
    page = Path("m.html").read_text(encoding="utf-8")
    assert re.findall(r"https?:|//|url\(|@import", page.split("</style>")[0]) == []
    assert "default-src 'none'" in page


def test_json_beside_the_page(cli: Cli, mnist: Path) -> None:
    assert cli.good("inspect", mnist, "--html", "m.html", "--json").startswith("{")
    assert Path("m.html").stat().st_size > 1000


def test_what_cannot_be_written_is_one_line(cli: Cli, mnist: Path, tiny: Path) -> None:
    for model in (mnist, tiny):
        assert "does not exist" in cli.bad("inspect", model, "--html", "no/such/folder.html")
        assert "is a directory" in cli.bad("inspect", model, "--html", ".")
        assert "would overwrite" in cli.bad("inspect", model, "--html", model)


def test_layers_lead_to_their_ir(cli: Cli, mnist: Path) -> None:
    """Of a model; an artifact does not contain the graph."""
    cli.good("inspect", mnist, "--html", "page.html", "--target", "x86-64-v3")
    page = Path("page.html").read_text("utf-8")
    links = re.findall(r'<p><b>by:</b> ([a-z_]+)[^<]*, <a href="#(ir\d+\.0)">its IR</a>', page)
    assert len(links) == 6
    for kernel, place in links:
        (shown,) = re.findall(rf'<pre id="{re.escape(place)}">(.*?)</pre>', page, re.DOTALL)
        assert f"kernel=&quot;{kernel}" in shown
        assert "const()" not in shown
    cli.good("compile", mnist, "-o", "m.so")
    cli.good("inspect", "m.so", "--html", "page.html")
    page = Path("page.html").read_text("utf-8")
    assert page.count("<b>by:</b>") == 6
    assert "<pre" not in page
    assert "conv 3x3, stride 1, pads 1" in page
