"""Binarized layers of every shape through the whole compiler: each runs on bits, and its results
are ONNX Runtime's to the bit (counts and power-of-two scales are exact in float32)."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from bnnc import runtime
from bnnc.driver import compile as compile_model
from bnnc.driver import import_model, recognised


class Layers:
    """One model of many independent cases, each with an input and an output of its own."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.inputs: dict[str, tuple[int, ...]] = {}
        self.constants: dict[str, Any] = {}
        self.outputs: list[str] = []
        self.fixed: set[str] = set()

    def start(self, case: str, *shape: int, fixed: bool = False) -> str:
        """The case's operand: [N, *shape], or ``shape`` itself when ``fixed``."""
        name = f"{case}.x"
        self.inputs[name] = shape
        if fixed:
            self.fixed.add(name)
        return name

    def add(self, op: str, x: str, *constants: Any, first: bool = False, **attributes: Any) -> str:
        """A node on ``x`` and constants, or further values by name; ``x`` comes last when ``first``
        is for the constants."""
        name = f"t{len(self.nodes)}"
        names: list[str] = []
        for i, array in enumerate(constants):
            if array is None or isinstance(array, str):
                names.append(array or "")
            else:
                names.append(f"{name}.c{i}")
                self.constants[names[-1]] = np.asarray(array)
        operands = [*names, x] if first else [x, *names]
        self.nodes.append(helper.make_node(op, operands, [name], name=name, **attributes))
        return name

    def finish(self, x: str) -> None:
        """The case's output."""
        self.outputs.append(x)

    def proto(self) -> onnx.ModelProto:
        """The model of all cases."""
        shapes = {n: list(s) if n in self.fixed else ["N", *s] for n, s in self.inputs.items()}
        ins = [helper.make_tensor_value_info(n, 1, s) for n, s in shapes.items()]
        outs = [helper.make_empty_tensor_value_info(n) for n in self.outputs]
        initializers = [numpy_helper.from_array(a, n) for n, a in self.constants.items()]
        graph = helper.make_graph(self.nodes, "shapes", ins, outs, initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=10)

    def feeds(self, batch: int) -> dict[str, Any]:
        """Small numbers, none of them zero."""
        rng = np.random.default_rng(batch)
        shapes = {n: s if n in self.fixed else (batch, *s) for n, s in self.inputs.items()}
        return {n: np.float32(rng.integers(-3, 4, s) + 0.5) for n, s in shapes.items()}


def signs(*shape: int) -> Any:
    """Random ±1."""
    rng = np.random.default_rng(zlib.crc32(repr(shape).encode()))
    return np.where(rng.random(shape) < 0.5, np.float32(-1), np.float32(1))


def scaled(*shape: int) -> Any:
    """±alpha, alpha a power of two per output channel."""
    powers = np.resize(np.float32([0.5, 2, 1, 0.25]), shape[0])
    return signs(*shape) * powers.reshape(-1, *[1] * (len(shape) - 1))


def conv(
    layers: Layers, case: str, x: tuple[int, ...], w: tuple[int, ...], **attributes: Any
) -> None:
    """Sign, then Conv, with bias in every other case."""
    y = layers.add("Sign", layers.start(case, *x))
    bias = np.float32(np.arange(w[0]) - 2) if len(layers.nodes) % 4 < 2 else None
    layers.finish(
        layers.add("Conv", y, scaled(*w), *([] if bias is None else [bias]), **attributes)
    )


def kernels(layers: Layers) -> None:
    sizes = [(k, k) for k in range(1, 8)] + [(1, 3), (3, 1), (5, 2), (1, 7), (7, 1), (2, 5)]
    for rows, columns in sizes:
        pads = [rows // 2, columns // 2, (rows - 1) // 2, (columns - 1) // 2]
        conv(layers, f"k{rows}{columns}", (13, 9, 8), (9, 13, rows, columns), pads=pads)
        conv(layers, f"v{rows}{columns}", (13, 9, 8), (9, 13, rows, columns))


def steps(layers: Layers) -> None:
    for i, attributes in enumerate(
        [
            {"strides": [2, 2], "pads": [1, 1, 1, 1]},
            {"strides": [2, 1], "pads": [0, 0, 1, 1]},
            {"strides": [3, 2]},
            {"dilations": [2, 2], "pads": [2, 2, 2, 2]},
            {"dilations": [1, 3], "pads": [1, 0, 2, 3]},
            {"dilations": [2, 1], "strides": [2, 2], "pads": [1, 2, 0, 1]},
            {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
            {"auto_pad": "SAME_LOWER"},
            {"auto_pad": "VALID", "strides": [1, 2]},
            {"pads": [0, 0, 1, 1]},
            {"pads": [2, 0, 0, 2]},
            {"pads": [2, 2, 2, 2]},
        ]
    ):
        conv(layers, f"s{i}", (20, 10, 11), (6, 20, 3, 3), **attributes)


def channels(layers: Layers) -> None:
    for inner, outs in [
        (1, 1), (2, 70), (3, 7), (31, 8), (63, 5), (64, 64), (65, 3), (127, 9), (128, 16),
        (130, 17), (200, 1), (257, 33),
    ]:  # fmt: skip
        conv(layers, f"c{inner}", (inner, 5, 6), (outs, inner, 3, 3), pads=[1, 1, 1, 1])
        conv(layers, f"p{inner}", (inner, 3, 4), (outs, inner, 1, 1))


def groups(layers: Layers) -> None:
    for count, inner, outs in [
        (2, 1, 1), (2, 33, 5), (3, 64, 2), (4, 65, 1), (5, 3, 4), (16, 1, 1), (70, 1, 1), (6, 1, 3),
        (64, 1, 2), (2, 128, 64), (32, 2, 2),
    ]:  # fmt: skip
        case = f"g{count}x{inner}x{outs}"
        w = (count * outs, inner, 3, 3)
        conv(layers, case, (count * inner, 6, 5), w, group=count, pads=[1, 1, 1, 1])
        conv(layers, f"{case}s", (count * inner, 6, 5), w, group=count, strides=[2, 2])


def borders(layers: Layers) -> None:
    """A Pad of each value before the sign and after it, even and not, with zero padding besides."""
    for value in (-1.0, 0.0, 1.0):
        for where in ("before", "after"):
            for i, pads in enumerate([(1, 1, 1, 1), (0, 2, 1, 0), (2, 0, 3, 1)]):
                widths = np.array([0, 0, *pads[:2], 0, 0, *pads[2:]])
                x = layers.start(f"b{value:g}{where}{i}", 21, 6, 7)
                order = ("Pad", "Sign") if where == "before" else ("Sign", "Pad")
                for op in order:
                    more = (widths, np.float32(value)) if op == "Pad" else ()
                    x = layers.add(op, x, *more)
                y = layers.add("Conv", x, scaled(10, 21, 3, 3), pads=[i, 0, 0, i])
                layers.finish(y)


def lines(layers: Layers) -> None:
    """Conv1d."""
    for i, (kernel, attributes) in enumerate(
        [
            (1, {}),
            (3, {"pads": [1, 1]}),
            (5, {"pads": [2, 2], "strides": [2]}),
            (9, {"dilations": [2], "pads": [8, 8]}),
            (4, {"pads": [0, 3]}),
            (3, {"group": 2}),
        ]
    ):
        inner = 34 // attributes.get("group", 1)
        conv(layers, f"l{i}", (34, 20), (12, inner, kernel), **attributes)
    conv(layers, "depth", (40, 17), (80, 1, 3), group=40, pads=[1, 1])


def transposed(layers: Layers) -> None:
    """ConvTranspose, one axis and two."""
    for i, (kernel, attributes) in enumerate(
        [
            ((2, 2), {"strides": [2, 2]}),
            ((3, 3), {"strides": [2, 2], "pads": [1] * 4, "output_padding": [1, 1]}),
            ((4, 4), {"strides": [2, 2], "pads": [1] * 4}),
            ((3, 3), {"pads": [1] * 4}),
            ((3, 2), {"strides": [2, 3], "group": 2}),
            ((3, 3), {"dilations": [2, 1], "strides": [1, 2]}),
            ((4,), {"strides": [2], "pads": [1, 1]}),
            ((3,), {"strides": [3], "group": 12}),
        ]
    ):
        count = attributes.get("group", 1)
        size = (5, 6)[: len(kernel)]
        y = layers.add("Sign", layers.start(f"t{i}", 12, *size))
        w = signs(12, 8 // count if count < 8 else 2, *kernel)
        layers.finish(layers.add("ConvTranspose", y, w, **attributes))


def dense(layers: Layers) -> None:
    """Gemm in its forms and MatMul with constants on either side."""
    for inner, outs in [(1, 1), (37, 10), (64, 3), (130, 65), (512, 16)]:
        for i, attributes in enumerate(
            [{}, {"transB": 1}, {"alpha": 0.5, "beta": 2.0}, {"alpha": 4.0, "transB": 1}]
        ):
            y = layers.add("Sign", layers.start(f"d{inner}.{i}", inner))
            w = signs(outs, inner) if attributes.get("transB") else signs(inner, outs)
            c = [np.float32(np.arange(outs))] if i % 2 else []
            layers.finish(layers.add("Gemm", y, w, *c, **attributes))
    y = layers.add("Sign", layers.start("turned", 37, 5, fixed=True))
    layers.finish(layers.add("Gemm", y, signs(37, 9), np.float32(3), transA=1))
    for i, shape in enumerate([(33,), (4, 33), (2, 3, 33), (2, 1, 2, 33)]):
        y = layers.add("Sign", layers.start(f"m{i}", *shape))
        layers.finish(layers.add("MatMul", y, scaled(12, 33).T))
    y = layers.add("Sign", layers.start("row", 33))
    layers.finish(layers.add("MatMul", y, signs(33)))
    y = layers.add("Sign", layers.start("leading", 4, 33))
    layers.finish(layers.add("MatMul", y, signs(1, 33, 7)))
    for i, shape in enumerate([(33, 5), (3, 33, 5)]):
        y = layers.add("Sign", layers.start(f"left{i}", *shape))
        layers.finish(layers.add("MatMul", y, scaled(12, 33), first=True))


def two_signs(layers: Layers, case: str, *shape: int) -> tuple[str, str]:
    """Two different signs of one operand, which are not 0 at 0."""
    x = layers.start(case, *shape)
    masks = [layers.add("Less", x, np.float32(bound)) for bound in (0, 1)]
    s, t = (layers.add("Where", mask, np.float32(1), np.float32(-1)) for mask in masks)
    return s, t


def read(layers: Layers, x: str, channels: int, *kernel: int, **attributes: Any) -> None:
    """A layer on bits at the end of a case."""
    layers.finish(layers.add("Conv", x, scaled(9, channels, *(kernel or (3, 3))), **attributes))


def moved(layers: Layers) -> None:
    """Signs that go elsewhere on their way to the layer."""

    def case(name: str, *steps: tuple[Any, ...], channels: int = 34, **attributes: Any) -> None:
        x = layers.add("Sign", layers.start(name, 34, 8, 6))
        for op, *constants in steps:
            named = attributes if op == steps[-1][0] else {}
            x = layers.add(op, x, *constants, **named)
        read(layers, x, channels)

    border = np.int64([0, 0, 2, 1, 0, 0, 1, 3])
    for mode in ("reflect", "edge", "wrap"):
        case(mode, ("Pad", border), mode=mode)
    case("zeros", ("Pad", border))
    case("wide edge", ("Pad", np.int64([0, 0, 70, 0, 0, 0, 0, 1])), mode="edge")
    case("pooled zeros", ("Pad", border), ("MaxPool",), kernel_shape=[2, 2])
    case("zero channels", ("Pad", np.int64([0, 3, 1, 0, 0, 5, 0, 0])), channels=42)
    case("tiled", ("Tile", np.int64([1, 1, 2, 3])))
    case("tiled channels", ("Tile", np.int64([1, 2, 1, 1])), channels=68)
    case("pooled and spread", ("GlobalMaxPool",), ("Expand", np.int64([1, 34, 5, 4])))
    case("flipped", ("Slice", np.int64([-1]), np.int64([-99]), np.int64([3]), np.int64([-1])))
    case("rows", ("Gather", np.int64([3, 1, 1, 0, 7])), axis=2)
    case("other channels", ("Gather", np.int64([33, 1, 5, 0])), channels=4, axis=1)
    case("resized", ("Resize", None, np.float32([1, 1, 2, 2])), mode="nearest")
    case("to space", ("Slice", *(np.int64([i]) for i in (0, 32, 1))), ("DepthToSpace",),
         channels=8, blocksize=2)  # fmt: skip
    case("to depth", ("SpaceToDepth",), channels=136, blocksize=2)


def joined(layers: Layers) -> None:
    """Several signs that become one map."""
    for axis in (2, 3):
        s, t = two_signs(layers, f"axis {axis}", 34, 8, 6)
        read(layers, layers.add("Concat", s, t, s, axis=axis), 34)
    s, t = two_signs(layers, "three values", 34, 8, 6)
    read(layers, layers.add("Concat", s, layers.add("Relu", t), axis=3), 34)
    for op in ("Mul", "Max", "Min", "Add", "Sub"):
        s, t = two_signs(layers, op, 34, 8, 6)
        read(layers, layers.add(op, s, t), 34, pads=[1, 1, 1, 1])
    x = layers.start("product of rounded", 34, 8, 6)
    s, t = (layers.add("Round", layers.add("Mul", x, np.float32(c))) for c in (0.3, -0.7))
    s, t = (layers.add("Clip", v, np.float32(0), np.float32(1)) for v in (s, t))
    read(layers, layers.add("Mul", s, t), 34)
    x = layers.start("product with zeros", 34, 8, 6)
    s, t = layers.add("Sign", x), layers.add("Sign", layers.add("Sub", x, np.float32(0.5)))
    read(layers, layers.add("Mul", s, t), 34, pads=[1, 1, 1, 1])
    s, t = two_signs(layers, "product of channels", 34, 8, 6)
    t = layers.add("Mul", t, np.float32(0.5))
    read(layers, layers.add("Mul", s, layers.add("ReduceMin", t, np.int64([1]))), 34)
    s, t = two_signs(layers, "constant signs", 34, 8, 6)
    read(layers, layers.add("MaxPool", layers.add("Mul", s, signs(8, 6)), kernel_shape=[2, 2]), 34)
    s, t = two_signs(layers, "where", 34, 8, 6)
    mask = layers.add("Less", "where.x", np.float32(-1))
    read(layers, layers.add("Where", mask, s, t), 34)
    s, t = two_signs(layers, "masks", 34, 8, 6)
    both = layers.add("Xor", layers.add("Equal", s, t), mask := layers.add("Less", s, t))
    read(layers, layers.add("Cast", layers.add("Or", both, mask), to=1), 34, pads=[0, 1, 0, 1])
    s, t = two_signs(layers, "products that move", 32, 8, 6)
    x = layers.add("Reshape", layers.add("Mul", s, t), np.int64([0, 4, 8, 8, 6]))
    x = layers.add("Transpose", x, perm=[0, 2, 1, 3, 4])
    x = layers.add("Reshape", x, np.int64([0, 32, 8, 6]))
    x = layers.add("Pad", x, np.int64([0, 0, 1, 1, 0, 0, 1, 1]), mode="reflect")
    read(layers, layers.add("MaxPool", x, kernel_shape=[2, 2]), 32)


def least(layers: Layers) -> None:
    """The smallest sign of a window."""
    pool = {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]}
    s, _ = two_signs(layers, "negated", 34, 8, 6)
    x = layers.add("MaxPool", layers.add("Neg", s), **pool)
    read(layers, layers.add("Neg", x), 34)
    s, _ = two_signs(layers, "zeros and ones", 34, 8, 6)
    x = layers.add("Sub", layers.add("Relu", s), np.float32(1), first=True)
    x = layers.add("MaxPool", x, **pool)
    read(layers, layers.add("Sub", x, np.float32(1), first=True), 34)


def solids(layers: Layers) -> None:
    """Conv3d."""
    for i, attributes in enumerate(
        [{}, {"pads": [1] * 6}, {"pads": [1, 0, 2, 0, 1, 1], "strides": [2, 1, 2]},
         {"dilations": [2, 1, 1]}, {"group": 2}]
    ):  # fmt: skip
        y = layers.add("Sign", layers.start(f"solid{i}", 6, 6, 5, 4))
        w = scaled(8, 6 // attributes.get("group", 1), 3, 3, 3)
        layers.finish(layers.add("Conv", y, w, **attributes))


GROUPS = (
    kernels, steps, channels, groups, borders, lines, transposed, dense, moved, joined, least,
    solids,
)  # fmt: skip


@pytest.mark.sampled(per=("build",))
@pytest.mark.parametrize("build", GROUPS, ids=lambda build: build.__name__)
def test_on_bits_and_exact(backend: str, build: Callable[[Layers], None], tmp_path: Path) -> None:
    layers = Layers()
    build(layers)
    proto = layers.proto()
    verdicts = recognised(import_model(proto).graph)
    assert len(verdicts) >= len(layers.outputs)
    assert not [(v.node.describe(), v.reason) for v in verdicts if not v.binarized]
    output = tmp_path / "shapes.so"
    model = runtime.load(compile_model(proto, "native", output, backend=backend))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options)
    for batch in (1, 2, 5):
        feeds = layers.feeds(batch)
        want = session.run(layers.outputs, feeds)
        got = model.run(feeds)
        for name, expected in zip(layers.outputs, want, strict=True):
            np.testing.assert_array_equal(got[name], expected, err_msg=name)
