"""Every malformed or unsupported model is one `ModelError` on one line that says what is wrong."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from frontend_support import model, node, values
from onnx import TensorProto, helper, numpy_helper

from bnnc.errors import ModelError
from bnnc.frontend import NEWEST_OPSET, load_model

W = values(4, 3, 3, 3)


def conv_model(**changes: Any) -> onnx.ModelProto:
    arguments = {"inputs": {"x": ["N", 3, 8, 8]}, "constants": {"w": W}, **changes}
    return model([node("Conv", ["x", "w"], ["y"])], **arguments)


def refused(given: Any, **options: Any) -> ModelError:
    """The error, once it is known to be one line that names the model."""
    with pytest.raises(ModelError) as caught:
        load_model(given, **options)
    message = str(caught.value)
    label = "<model>" if isinstance(given, onnx.ModelProto) else str(given)
    assert "\n" not in message
    assert message.startswith(f"{label}: ")
    assert caught.value.problems
    assert all(problem in message for problem in caught.value.problems)
    return caught.value


# --- files --------------------------------------------------------------------------------------


def test_missing_file(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in str(refused(tmp_path / "none.onnx"))


def test_folder(tmp_path: Path) -> None:
    assert "is a folder" in str(refused(tmp_path))


def test_path_with_a_null() -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        load_model("a\0b.onnx")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"hello, world", "is not an ONNX"),
        (b"\x7fELF" + bytes(100), "is not an ONNX"),
        (b"PK\x03\x04" + bytes(100), "is not an ONNX"),
        (b"\x08\x07", "holds no graph"),
    ],
)
def test_not_a_model(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    assert message in str(refused(path))


def test_truncated_at_every_byte(tmp_path: Path) -> None:
    data = conv_model(constants={"w": values(1, 3, 1, 1)}).SerializeToString()
    path = tmp_path / "model.onnx"
    whole = 0
    for end in range(len(data)):
        path.write_bytes(data[:end])
        with contextlib.suppress(ModelError):
            load_model(path)
            whole += 1
    assert whole <= 4  # Cut only in the trailing fields, after the graph and the opset.


# --- header -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("opset", "message"),
    [(8, "opset 8 is too old"), (NEWEST_OPSET + 1, "opset .* is unknown"), (-3, "too old")],
)
def test_unknown_opset(opset: int, message: str) -> None:
    refused(conv_model(opset=opset)).args[0]
    with pytest.raises(ModelError, match=message):
        load_model(conv_model(opset=opset))


def test_missing_and_contradicting_opsets() -> None:
    proto = conv_model()
    del proto.opset_import[:]
    assert "states no version of the standard operator set" in str(refused(proto))
    proto.opset_import.extend([helper.make_opsetid("", 13), helper.make_opsetid("ai.onnx", 14)])
    assert "imports two versions of operator set 'ai.onnx'" in str(refused(proto))


def test_ir_version() -> None:
    proto = conv_model()
    proto.ir_version = onnx.IR_VERSION + 1
    assert "ONNX IR version" in str(refused(proto))
    proto.ClearField("ir_version")
    assert "states no IR version" in str(refused(proto))


def test_no_outputs() -> None:
    proto = conv_model()
    del proto.graph.output[:]
    assert "the graph has no outputs" in str(refused(proto))


# --- tensors ------------------------------------------------------------------------------------


def broken_tensor(change: Callable[[TensorProto], None]) -> onnx.ModelProto:
    proto = conv_model()
    change(proto.graph.initializer[0])
    return proto


def set_dims(*dims: int) -> Callable[[TensorProto], None]:
    def change(tensor: TensorProto) -> None:
        del tensor.dims[:]
        tensor.dims.extend(dims)

    return change


def to_floats(tensor: TensorProto) -> None:
    tensor.ClearField("raw_data")
    tensor.float_data.extend([1.0, 2.0])


def set_type(code: int) -> Callable[[TensorProto], None]:
    def change(tensor: TensorProto) -> None:
        tensor.data_type = code

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_dims(4, 3, 3, 2), "tensor 'w' of shape [4, 3, 3, 2] needs 288 bytes, got 432"),
        (set_dims(1 << 40, 1 << 40, 3, 3), "absurdly large"),
        (set_dims(1 << 20, 3, 3, 3), "needs 113246208 bytes, got 432"),
        (set_dims(-4, 3, 3, 3), "negative dimension"),
        (set_dims(0, 3, 3, 3), "needs 0 bytes, got 432"),
        (to_floats, "needs 108 numbers, got 2"),
        (set_type(TensorProto.BFLOAT16), "bfloat16 is not supported"),
        (set_type(TensorProto.STRING), "holds strings"),
        (set_type(99), "type 99"),
        (set_type(0), "undefined"),
    ],
)
def test_tensor_bytes_against_shape(change: Any, message: str) -> None:
    assert message in str(refused(broken_tensor(change)))


def test_zero_sized_dimensions() -> None:
    proto = conv_model(constants={"w": np.zeros((0, 3, 3, 3), np.float32)})
    assert "no elements" in str(refused(proto))
    assert "axis 1 has size 0" in str(refused(conv_model(inputs={"x": [1, 0, 8, 8]})))
    assert "axis 0 has size -1" in str(refused(conv_model(inputs={"x": [-1, 3, 8, 8]})))


def test_absurd_input() -> None:
    proto = conv_model(inputs={"x": [1, 3, 1 << 40, 1 << 40]})
    assert "absurdly large" in str(refused(proto))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite_weights(bad: float) -> None:
    w = W.copy()
    w[1, 2, 0, 1] = bad
    message = str(refused(conv_model(constants={"w": w})))
    assert "'w' holds" in message
    assert "[1, 2, 0, 1]" in message
    folded = model(
        [
            node("GreaterOrEqual", ["w", "zero"], ["m"]),
            node("Where", ["m", "one", "minus"], ["b"]),
            node("Conv", ["x", "b"], ["y"]),
        ],
        {"x": ["N", 3, 8, 8]},
        constants={"w": w, "zero": np.float32(0), "one": np.float32(1), "minus": np.float32(-1)},
    )
    assert "'w' holds" in str(refused(folded))


@pytest.mark.parametrize("which", [1, 2, 3, 4])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
def test_batch_norm_statistics(which: int, bad: float) -> None:
    held = {f"p{i}": np.ones(3, np.float32) for i in range(1, 5)}
    held[f"p{which}"][1] = bad
    proto = model(
        [node("BatchNormalization", ["x", *held], ["y"], name="bn2")],
        {"x": ["N", 3, 4, 4]},
        constants=held,
    )
    if bad == -1.0 and which != 4:
        load_model(proto)
        return
    assert "node 'bn2' (BatchNormalization): " in str(refused(proto))


def test_infinity_is_fine_as_bound_or_mask() -> None:
    mask = np.array([0, -np.inf, 0], np.float32)
    nodes = [
        node("Clip", ["x", "low"], ["c"]),
        node("Add", ["c", "mask"], ["a"]),
        node("Softmax", ["a"], ["y"]),
    ]
    load_model(model(nodes, {"x": ["N", 3]}, constants={"low": -np.float32(np.inf), "mask": mask}))


# --- external data ------------------------------------------------------------------------------


def external(folder: Path, location: str = "w.bin", **entries: str) -> Path:
    """A model whose weights are in another file."""
    proto = conv_model()
    tensor = proto.graph.initializer[0]
    data = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=value)
    folder.mkdir(exist_ok=True)
    (folder / "w.bin").write_bytes(b"head" + data)
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def test_external_data(tmp_path: Path) -> None:
    path = external(tmp_path / "m", offset="4", length="432")
    found = load_model(path)
    inside = load_model(conv_model())
    assert found.source == inside.source
    assert np.array_equal(found.graph.nodes[0].op.array, W)
    assert load_model(onnx.load(path)).source == found.source


@pytest.mark.parametrize("location", ["../w.bin", "/etc/passwd", "a/../../w.bin", "C:\\w.bin",
                                      "..\\w.bin", "", "link.bin", "folder/w.bin"])  # fmt: skip
def test_external_data_outside(tmp_path: Path, location: str) -> None:
    path = external(tmp_path / "m", location, offset="4")
    (tmp_path / "w.bin").write_bytes(bytes(436))
    (tmp_path / "m" / "link.bin").symlink_to(tmp_path / "w.bin")
    (tmp_path / "m" / "folder").symlink_to(tmp_path)
    assert "points outside the model's folder" in str(refused(path))


@pytest.mark.parametrize(
    ("location", "entries", "message"),
    [
        ("none.bin", {}, "is missing"),
        ("w.bin", {"offset": "8"}, "is too short, expected 440 bytes, got 436"),
        ("w.bin", {"offset": "4", "length": "400"}, "needs 432 bytes, got 400"),
        ("w.bin", {"offset": "-1"}, "offset '-1' is not a byte count"),
        ("w.bin", {"offset": "99999999999999999999"}, "is not a byte count"),
        (".", {}, "is not a file"),
    ],
)
def test_external_data_damaged(
    tmp_path: Path, location: str, entries: dict[str, str], message: str
) -> None:
    assert message in str(refused(external(tmp_path / "m", location, **entries)))


def test_external_data_without_a_folder(tmp_path: Path) -> None:
    path = external(tmp_path / "m", offset="4")
    proto = onnx.load(path, load_external_data=False)
    assert "was not read from a file" in str(refused(proto))


def test_external_data_of_absurd_size(tmp_path: Path) -> None:
    path = external(tmp_path / "m", offset="4")
    proto = onnx.load(path, load_external_data=False)
    set_dims(1 << 20, 1 << 20, 3, 3)(proto.graph.initializer[0])
    path.write_bytes(proto.SerializeToString())
    assert "too short" in str(refused(path))


# --- graph --------------------------------------------------------------------------------------


def test_missing_initializer() -> None:
    message = str(refused(conv_model(constants={})))
    assert message.endswith("node 'Conv_y' (Conv): reads 'w', which nothing defines")


def test_output_that_nothing_defines() -> None:
    message = str(refused(conv_model(outputs=["y", "q"])))
    assert "output 'q': reads 'q', which nothing defines" in message


def test_cycle() -> None:
    nodes = [
        node("Add", ["x", "c"], ["a"], name="first"),
        node("Relu", ["a"], ["b"], name="second"),
        node("Neg", ["b"], ["c"], name="third"),
        node("Abs", ["c"], ["y"], name="last"),
    ]
    message = str(refused(model(nodes, {"x": [1, 3]})))
    assert "the graph has a cycle: node 'first' -> node 'second' -> node 'third' -> " in message


def test_unsorted_nodes_are_sorted() -> None:
    nodes = [node("Neg", ["a"], ["y"]), node("Relu", ["x"], ["a"])]
    graph = load_model(model(nodes, {"x": [1, 3]})).graph
    assert [n.op.mnemonic() for n in graph.nodes] == ["relu", "neg"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: g.node.append(node("Relu", ["x"], ["y"], name="b")), "'y' is already defined"),
        (lambda g: g.node.append(node("Relu", ["x"], ["w"], name="b")), "'w' is already defined"),
        (lambda g: g.initializer.append(g.initializer[0]), "initializer 'w' repeats"),
        (lambda g: g.input.append(g.input[0]), "graph input 'x' repeats"),
        (lambda g: g.output.append(g.output[0]), "graph output 'y' repeats"),
    ],
)
def test_duplicate_names(change: Any, message: str) -> None:
    proto = conv_model()
    change(proto.graph)
    assert message in str(refused(proto))


def test_unsupported_operators_are_all_listed() -> None:
    nodes = [
        node("Conv", ["x", "w"], ["a"]),
        node("TopK", ["a", "k"], ["b", "i"], name="top"),
        node("GridSample", ["b", "b"], ["c"], name="grid", domain=""),
        node("MultiThreshold", ["c"], ["d"], domain="finn.custom_op.general", name="mt"),
        node("Loop", ["", "", "d"], ["e"], name="loop", body=helper.make_graph([], "g", [], [])),
        node("Cnv", ["e"], ["f"], domain="my.domain", name="mine"),
        node("Relux", ["f"], ["g"], name="typo"),
        node("Relu", ["g"], ["y"]),
    ]
    proto = model(
        nodes, {"x": [1, 3, 8, 8]}, constants={"w": W, "k": np.array([1])}, domains={"my.domain": 3}
    )
    error = refused(proto)
    for text in (
        "6 problems: ",
        "node 'top' (TopK): operator TopK of ai.onnx 17 is not supported: it yields indices",
        "node 'grid' (GridSample): operator GridSample of ai.onnx 17 is not supported",
        "node 'mt' (MultiThreshold): operator MultiThreshold of finn.custom_op.general is not",
        "node 'loop' (Loop): operator Loop of ai.onnx 17 is not supported: control flow",
        "node 'mine' (Cnv): operator Cnv of my.domain 3 is not supported",
        "node 'typo' (Relux): operator Relux of ai.onnx 17 is not supported: the nearest supported",
    ):
        assert text in str(error)
    assert len(error.problems) == 6


def test_unused_nodes_do_not_matter() -> None:
    proto = conv_model()
    proto.graph.node.append(node("TopK", ["y", "w"], ["b", "i"]))
    assert len(load_model(proto).graph.nodes) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda n: n.input.pop(), "expected 2 to 3 inputs, got 1"),
        (lambda n: n.input.extend(["w", "w"]), "expected 2 to 3 inputs, got 4"),
        (lambda n: n.input.__setitem__(0, ""), "required input 0 is missing"),
        (lambda n: n.attribute.append(helper.make_attribute("foo", 1)), "unknown attribute 'foo'"),
        (lambda n: n.attribute.append(helper.make_attribute("group", 1.5)), "must be INT, got FLO"),
        (lambda n: n.attribute.extend([helper.make_attribute("group", 1)] * 2), "given twice"),
    ],
)
def test_signatures(change: Any, message: str) -> None:
    proto = conv_model()
    change(proto.graph.node[0])
    assert message in str(refused(proto))


def test_operator_of_a_newer_opset() -> None:
    proto = model([node("Gelu", ["x"], ["y"])], {"x": [1, 3]}, opset=17)
    assert "ai.onnx opset 17 has no such operator; opset 20 has it" in str(refused(proto))


def test_required_attribute() -> None:
    proto = model([node("MaxPool", ["x"], ["y"])], {"x": [1, 1, 4, 4]})
    assert "required attribute 'kernel_shape' is missing" in str(refused(proto))


# --- shapes and types ---------------------------------------------------------------------------


def test_inconsistent_shapes() -> None:
    message = str(refused(conv_model(outputs={"y": ["N", 4, 7, 7]})))
    assert "output 'y': inconsistent shapes: declared [?,4,7,7], computed [N,4,6,6]" in message
    message = str(refused(conv_model(outputs={"y": ["N", 4, 6]})))
    assert "inconsistent shapes" in message
    message = str(refused(conv_model(outputs={"y": (["N", 4, 6, 6], np.int64)})))
    assert "inconsistent types: declared int64, computed f32" in message
    message = str(refused(conv_model(inputs={"x": [1, 4, 8, 8]})))
    assert "node 'Conv_y' (Conv): weights %w" in message
    assert "expected 3 input channels, got 4" in message


def test_declared_output_may_be_looser() -> None:
    load_model(conv_model(outputs={"y": [None, "C", 6, "W"]}))


def test_open_dimensions_are_all_listed() -> None:
    proto = model(
        [node("Add", ["a", "b"], ["y"])], {"a": ["N", 3, "H", None], "b": ["N", 3, "H", 5]}
    )
    message = str(refused(proto))
    for text in ("input 'a' axis 2 (H)", "input 'a' axis 3", "input 'b' axis 2 (H)", "--shape"):
        assert text in message
    graph = load_model(proto, shapes={"a": (-1, 3, 4, 5)}).graph
    assert [str(v.type) for v in graph.inputs] == ["f32[N,3,4,5]", "f32[N,3,4,5]"]
    graph = load_model(proto, shapes={"a": (2, 3, 4, 5)}).graph
    assert [str(v.type) for v in graph.inputs] == ["f32[2,3,4,5]", "f32[2,3,4,5]"]


def test_one_symbol_stays_open() -> None:
    proto = model([node("Add", ["a", "b"], ["y"])], {"a": ["N", 3], "b": ["M", 3]})
    assert "first dimensions have different symbols (N, M)" in str(refused(proto))
    load_model(proto, shapes={"b": (1, 3)})
    shared = model([node("Add", ["a", "b"], ["y"])], {"a": ["N", 3], "b": ["N", 3]})
    assert all(v.type.symbolic for v in load_model(shared).graph.inputs)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"z": (1, 3, 8, 8)}, "--shape names 'z', which is no input; the inputs are 'x'"),
        ({"x": (1, 3, 8)}, "--shape x=1x3x8 has 3 dimensions, the model's input has 4"),
        ({"x": (1, 4, 8, 8)}, "contradicts the model: axis 1 (3) is 3"),
        ({"x": (0, 3, 8, 8)}, "axis 0 has size 0"),
        ({"x": (1, -1, 8, 8)}, "axis 1 has size -1"),
        ({"w": (4, 3, 3, 3)}, "--shape names 'w'"),
    ],
)
def test_shape_option(shapes: dict[str, tuple[int, ...]], message: str) -> None:
    assert message in str(refused(conv_model(), shapes=shapes))


def test_contradicting_symbols() -> None:
    proto = model([node("Add", ["a", "b"], ["y"])], {"a": [1, "H"], "b": [1, "H"]})
    message = str(refused(proto, shapes={"a": (1, 4), "b": (1, 5)}))
    assert "--shape b=1x5 contradicts the model: axis 1 (H) is 4" in message


def test_input_without_a_shape() -> None:
    proto = conv_model(inputs={"x": None})
    assert "input 'x' has no shape" in str(refused(proto))
    load_model(proto, shapes={"x": (1, 3, 8, 8)})


@pytest.mark.parametrize(
    ("dtype", "message"),
    [(np.float64, "is float64"), (np.float16, "is float16"), (np.uint16, "uint16"),
     (np.dtype(object), "string"), (np.complex64, "complex64")],
)  # fmt: skip
def test_input_types(dtype: Any, message: str) -> None:
    proto = model([node("Identity", ["x"], ["y"])], {"x": ([1, 3], dtype)})
    assert message in str(refused(proto))


def test_inputs_that_are_no_tensors() -> None:
    proto = conv_model()
    sequence = helper.make_tensor_sequence_value_info("s", TensorProto.FLOAT, [1])
    proto.graph.input.append(sequence)
    assert "input 's' is a sequence_type" in str(refused(proto))


def test_initializers_among_the_inputs_are_constants() -> None:
    proto = conv_model()
    proto.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, W.shape))
    assert [v.name for v in load_model(proto).graph.inputs] == ["x"]


def test_sparse_initializer() -> None:
    proto = conv_model()
    sparse = helper.make_sparse_tensor(
        numpy_helper.from_array(np.ones(1, np.float32), "s"),
        numpy_helper.from_array(np.zeros(1, np.int64), "i"),
        [3],
    )
    proto.graph.sparse_initializer.append(sparse)
    assert "sparse initializers are not supported: 's'" in str(refused(proto))


def test_batch_that_cannot_stay_symbolic() -> None:
    shape = {"s": np.array([2, 96], np.int64)}
    proto = model([node("Reshape", ["x", "s"], ["y"])], {"x": ["N", 3, 8, 8]}, constants=shape)
    message = str(refused(proto))
    assert "fixes the batch, which is symbolic" in message
    with pytest.raises(ModelError, match="cannot reshape"):
        load_model(proto, shapes={"x": (2, 3, 8, 8)})
    proto = model([node("Transpose", ["x"], ["y"], perm=[1, 0])], {"x": ["N", 3]})
    assert "moves the symbolic batch" in str(refused(proto))
    proto = model([node("ReduceMax", ["x"], ["y"], axes=[0])], {"x": ["N", 3]})
    assert "over the symbolic batch is not supported" in str(refused(proto))
    nodes = [node("Shape", ["x"], ["n"]), node("Cast", ["n"], ["f"], to=1),
             node("Add", ["x", "f"], ["y"])]  # fmt: skip
    assert "depends on the batch size" in str(refused(model(nodes, {"x": ["N", 2]})))


# --- bombs --------------------------------------------------------------------------------------


@pytest.fixture
def bounded() -> Any:
    """No more than 3 GiB of address space beyond what the process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + (3 << 30)
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def bomb(*nodes: onnx.NodeProto, **constants: Any) -> onnx.ModelProto:
    return model(
        [*nodes, node("Add", ["x", "b"], ["y"])], {"x": [1]}, constants=constants, opset=17
    )


@pytest.mark.usefixtures("bounded")
def test_constants_that_explode() -> None:
    size = np.array([1 << 20, 1 << 20], np.int64)
    one = np.ones((1, 1), np.float32)
    row = np.ones((1, 100_000), np.float32)
    for proto in (
        bomb(node("ConstantOfShape", ["s"], ["b"]), s=size),
        bomb(node("Expand", ["o", "s"], ["b"]), s=size, o=one),
        bomb(node("Tile", ["o", "s"], ["b"]), s=size, o=one),
        bomb(node("Range", ["a", "z", "d"], ["b"]), a=np.float32(0), z=np.float32(1e12),
             d=np.float32(1)),
        bomb(node("Transpose", ["r"], ["t"]), node("Mul", ["r", "t"], ["b"]), r=row),
        bomb(node("Transpose", ["r"], ["t"]), node("MatMul", ["t", "r"], ["b"]), r=row),
        bomb(node("Pad", ["o", "p"], ["b"]), o=one, p=np.array([0, 0, 1 << 40, 1 << 10])),
    ):  # fmt: skip
        message = str(refused(proto))
        assert "too large" in message or "absurdly large" in message


@pytest.mark.usefixtures("bounded")
def test_doubling_constants() -> None:
    nodes = [node("Concat", [f"c{i}"] * 2, [f"c{i + 1}"], axis=0) for i in range(60)]
    message = str(refused(bomb(*nodes, node("Abs", ["c60"], ["b"]), c0=np.ones(1, np.float32))))
    assert "too large" in message


@pytest.mark.usefixtures("bounded")
def test_functions_that_explode() -> None:
    proto = conv_model()
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("f", 1)]
    for i in range(60):
        inner = (
            node("Relu", ["a"], ["b"]) if i == 0 else node(f"f{i - 1}", ["a"], ["b"], domain="f")
        )
        again = node(inner.op_type, ["b"], ["c"], domain=inner.domain)
        proto.functions.append(
            helper.make_function("f", f"f{i}", ["a"], ["c"], [inner, again], imports)
        )
    proto.opset_import.append(helper.make_opsetid("f", 1))
    proto.graph.node[0].input[0] = "q"
    proto.graph.node.insert(0, node("f59", ["x"], ["q"], domain="f"))
    assert "expand to" in str(refused(proto))
    del proto.functions[1:]
    proto.functions[0].node[0].CopyFrom(node("f0", ["a"], ["b"], domain="f"))
    assert "recursive" in str(refused(proto))
    proto.graph.node[0].op_type = "f0"
    assert "model-local function 'f0' calls itself" in str(refused(proto))


def test_functions_are_expanded() -> None:
    proto = conv_model()
    body = [node("Sign", ["a"], ["s"]), node("Add", ["s", "t"], ["u"]), node("Sign", ["u"], ["b"])]
    body.insert(0, helper.make_node("Constant", [], ["t"], value_float=0.1))
    imports = [helper.make_opsetid("", 17)]
    proto.functions.append(helper.make_function("f", "binarize", ["a"], ["b"], body, imports))
    proto.opset_import.append(helper.make_opsetid("f", 1))
    proto.graph.node[0].input[0] = "q"
    proto.graph.node.insert(0, node("binarize", ["x"], ["q"], domain="f"))
    graph = load_model(proto).graph
    assert [n.op.mnemonic() for n in graph.nodes] == ["sign", "const", "conv"]
    assert graph.nodes[0].op.zero == 1


def test_a_function_with_a_rule_of_its_own_stays_a_call() -> None:
    domain = "qonnx.custom_op.general"
    proto = model(
        [node("BipolarQuant", ["x", "s"], ["y"], domain=domain)],
        {"x": ["N", 3]},
        constants={"s": np.float32(1)},
        domains={domain: 1},
    )
    body = [node("Mul", ["a", "s"], ["b"])]
    imports = [helper.make_opsetid("", 17)]
    proto.functions.append(
        helper.make_function(domain, "BipolarQuant", ["a", "s"], ["b"], body, imports)
    )
    assert [n.op.mnemonic() for n in load_model(proto).graph.nodes] == ["sign"]
