"""Binary convolutions by tables against their definition, bit for bit, at every vector width."""

from __future__ import annotations

from dataclasses import replace

import pytest
from binary_cases import Conv
from kernel_cases import Cases, asked_for, by_target, joined
from library_support import X86_PATHS, present, random_inputs, run_graph, scheduled
from missing_instructions import runnable

from bnnc.backends.interface import Choice
from bnnc.backends.llvm.kernels import binary_lookup
from bnnc.driver import load_backend
from bnnc.ir import Graph, interpret
from bnnc.ir.ops import BinaryConv, Fused

WIDTHS = ("v2", "v3", "v4")
CONVS = {
    "c4": Conv(4, 3, size=(5, 7)),
    "c12": Conv(12, 31, zero=0),
    "c32": Conv(32, 32, size=(7, 13)),
    "c40": Conv(40, 70, size=(3, 5), zero=0),
    "c64": Conv(64, 96, size=(9, 18)),
    "c68": Conv(68, 65, pads=(0, 1, 2, 0)),
    "c96": Conv(96, 128, size=(4, 9)),
    "c128": Conv(128, 200, size=(3, 3), zero=0),
    "c200": Conv(200, 16, zero=-1),
    "c256": Conv(256, 40, size=(3, 8)),
    "c31": Conv(31, 33, pads=(0, 0, 0, 0)),
    "c33": Conv(33, 64, pads=(0, 0, 0, 0), zero=0),
    "pointwise": Conv(65, 64, size=(5, 9), kernel=(1, 1), pads=(0, 0, 0, 0)),
    "strided": Conv(64, 64, kernel=(1, 1), strides=(2, 2), pads=(0, 0, 0, 0), zero=0),
    "halved": Conv(64, 24, size=(9, 11), strides=(2, 2)),
    "halved_ternary": Conv(64, 24, size=(9, 11), strides=(2, 2), zero=0),
    "five": Conv(64, 24, kernel=(5, 5), pads=(2, 2, 2, 2)),
    "seven": Conv(40, 24, size=(9, 9), kernel=(7, 7), strides=(2, 2), pads=(3, 3, 4, 4)),
    "row": Conv(64, 32, kernel=(1, 7), pads=(0, 3, 0, 3)),
    "dilated": Conv(64, 32, size=(9, 7), dilations=(2, 3), pads=(2, 3, 2, 3), zero=0),
    "dilated_bits": Conv(64, 32, size=(9, 7), dilations=(2, 3), pads=(2, 3, 2, 3)),
    "wide": Conv(72, 32, size=(2, 3), kernel=(3, 5), pads=(2, 4, 2, 4)),
    "many": Conv(1100, 16, size=(2, 2)),
    "many_pointwise": Conv(2056, 20, size=(30, 5), kernel=(1, 1), pads=(0, 0, 0, 0), zero=0),
}
KERNEL = "binary_conv_lookup"
CASES = {name: conv.text(KERNEL) for name, conv in CONVS.items()} | {
    f"{name}_signs": conv.thresholded(KERNEL) for name, conv in CONVS.items()
}


@pytest.fixture(scope="module", params=by_target(*WIDTHS))
def cases(request: pytest.FixtureRequest) -> Cases:
    return Cases(asked_for(request, CASES), request.param)


@pytest.mark.sampled(per=("name",))
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("batch", "pieces"), [(1, 0), (3, 4)])
def test_products_bit_for_bit(cases: Cases, name: str, batch: int, pieces: int) -> None:
    cases.assert_equal(name, batch, pieces)


@pytest.mark.parametrize("target", WIDTHS)
@pytest.mark.parametrize("where", [None, (0, 0, 0, 0), (1, 39, 39, 8), (1, 20, 17, 3)])
def test_a_zero_matters_where_it_is_read(
    target: str, where: tuple[int, int, int, int] | None
) -> None:
    """Chunks of rows with and without zeros take different loops; one zero in two samples."""
    if not present(runnable(X86_PATHS[target])):
        pytest.skip(f"not executed here: this machine cannot run {target}")
    conv = Conv(40, 24, size=(40, 9), zero=0)
    graph = scheduled(joined({"one": conv.text(KERNEL)}))
    inputs = random_inputs(graph, 2)
    if where is not None:
        inputs["one.x"][where] = 0
    got = run_graph(graph, inputs, X86_PATHS[target], 2)
    for name, expected in interpret(graph, inputs).items():
        assert expected.tobytes() == got[name].tobytes()


def _convolution(graph: Graph) -> Fused:
    fused = [node.op for node in graph.nodes if isinstance(node.op, Fused)]
    return next(op for op in fused if op.anchor and isinstance(op.anchor.op, BinaryConv))


@pytest.mark.parametrize("target", WIDTHS)
def test_every_candidate_gives_the_same_bits(target: str) -> None:
    if not present(runnable(X86_PATHS[target])):
        pytest.skip(f"not executed here: this machine cannot run {target}")
    conv = Conv(64, 72, size=(5, 21))
    ((kernel,),) = [binary_lookup.KERNELS]
    op = _convolution(scheduled(joined({"c": conv.text(KERNEL)})))
    candidates = kernel.descriptor.candidates(op, X86_PATHS[target])
    choices = [Choice.of(KERNEL, params) for params in candidates]
    graph = scheduled(joined({f"c{i}": conv.text(str(choice)) for i, choice in enumerate(choices)}))
    inputs = random_inputs(graph, 1)
    inputs = {name: next(iter(inputs.values())) for name in inputs}
    got = run_graph(graph, inputs, X86_PATHS[target])
    assert len(choices) > 1
    for name, expected in interpret(graph, inputs).items():
        assert expected.tobytes() == got[name].tobytes()


@pytest.mark.parametrize(
    ("channels", "batch", "fetches"), [(128, "N", True), (64, "N", False), (128, "1", False)]
)
def test_long_sums_fetch_the_maps_of_their_region(channels: int, batch: str, fetches: bool) -> None:
    """Unless the sums are short, or the only sample has just been made."""
    text = joined({"c": Conv(channels, 64).text(KERNEL)})
    graph = scheduled(text.replace("[N,", f"[{batch},"))
    assembly = load_backend("llvm").lower(graph, X86_PATHS["v3"]).emit("asm", "test", b"\0")
    assert (b"prefetch" in assembly) is fetches


@pytest.mark.parametrize(
    ("conv", "message"),
    [
        (Conv(6, 8, pads=(1, 0, 1, 0)), "channels that do not fill four"),
        (Conv(64, 64, groups=2), "groups and single pixels"),
        (Conv(64, 64, size=(3, 3), pads=(0, 0, 0, 0)), "groups and single pixels"),
        (Conv(8192, 8, size=(4, 4)), "more than 32767 products"),
    ],
)
def test_what_it_refuses(conv: Conv, message: str) -> None:
    ((kernel,),) = [binary_lookup.KERNELS]
    op = _convolution(scheduled(joined({"c": conv.text()})))
    reason = kernel.descriptor.refuses(op, X86_PATHS["v3"])
    assert reason is not None
    assert message in reason
    arm = replace(X86_PATHS["v3"], features=("neon",))
    assert kernel.descriptor.refuses(op, arm) == "x86-64-v3 has no tables in registers"
