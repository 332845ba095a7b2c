"""The TVM backend's convolution by tables, bit for bit, at every vector width."""

from __future__ import annotations

import needs_tvm  # noqa: F401
import pytest
from binary_cases import Conv
from kernel_cases import Cases, asked_for, by_target, joined
from library_support import X86_PATHS, scheduled

from bnnc.backends.tvm.kernels import binary_lookup
from bnnc.ir import Graph
from bnnc.ir.ops import BinaryConv, Fused

WIDTHS = ("v2", "v3", "v4")
CONVS = {
    "whole_row": Conv(64, 64, size=(4, 7)),
    "one_pixel_left": Conv(32, 48, size=(3, 13)),
    "pairs": Conv(40, 96, size=(3, 18)),
    "single_pixels": Conv(64, 32, size=(5, 1), kernel=(3, 1), pads=(1, 0, 1, 0)),
    "no_border": Conv(31, 64, size=(4, 6), pads=(0, 0, 0, 0)),
    "many": Conv(1100, 16, size=(2, 2)),
    "prime": Conv(8 * 37, 32, size=(3, 4)),
    "pointwise": Conv(256, 64, size=(5, 9), kernel=(1, 1), pads=(0, 0, 0, 0)),
    "strided": Conv(64, 64, size=(6, 8), kernel=(1, 1), strides=(2, 2), pads=(0, 0, 0, 0)),
    "halved": Conv(64, 32, size=(9, 12), strides=(2, 2)),
    "two": Conv(72, 32, size=(4, 7), kernel=(2, 2), pads=(0, 0, 1, 1)),
    "five": Conv(64, 32, size=(6, 6), kernel=(5, 5), pads=(2, 2, 2, 2)),
    "seven": Conv(40, 33, size=(9, 9), kernel=(7, 7), strides=(2, 2), pads=(3, 3, 4, 4)),
    "dilated": Conv(64, 32, size=(9, 8), dilations=(2, 3), pads=(2, 3, 2, 3)),
}
KERNEL = "tvm_binary_conv_lookup"
CASES = {name: conv.text(KERNEL) for name, conv in CONVS.items()} | {
    "smallest_tiles": CONVS["pairs"].text(f"{KERNEL} pixels=2 vectors=1 unroll=1"),
    "largest_tiles": CONVS["pairs"].text(f"{KERNEL} pixels=6 vectors=3 unroll=3"),
}


@pytest.fixture(scope="module", params=by_target(*WIDTHS))
def cases(request: pytest.FixtureRequest) -> Cases:
    return Cases(asked_for(request, CASES), request.param, "tvm")


@pytest.mark.sampled(per=("name",))
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("batch", "pieces"), [(1, 0), (3, 4)])
def test_products_bit_for_bit(cases: Cases, name: str, batch: int, pieces: int) -> None:
    cases.assert_equal(name, batch, pieces)


def _convolution(graph: Graph) -> Fused:
    fused = [node.op for node in graph.nodes if isinstance(node.op, Fused)]
    return next(op for op in fused if op.anchor and isinstance(op.anchor.op, BinaryConv))


@pytest.mark.parametrize(
    ("conv", "target", "message"),
    [
        (Conv(64, 64), "icelake", "counts bits in vectors"),
        (Conv(64, 64, zero=0), "v3", "reads words of signs"),
        (Conv(64, 64, groups=2), "v3", "groups are not supported"),
        (Conv(64, 8), "v3", "8 output channels do not fill a vector"),
        (Conv(64, 64, size=(3, 17)), "v3", "an odd number of pixels"),
        (Conv(1024, 64, size=(3, 84)), "v3", "sees too much of the operand"),
    ],
)
def test_what_it_refuses(conv: Conv, target: str, message: str) -> None:
    (kernel,) = binary_lookup.KERNELS
    op = _convolution(scheduled(joined({"c": conv.text()})))
    reason = kernel.descriptor.refuses(op, X86_PATHS[target])
    assert reason is not None
    assert message in reason
