"""Every malformed or unsupported model is one `ModelError` on one line that says what is wrong."""

from __future__ import annotations

import contextlib
import difflib
import errno
import os
import pickle
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from frontend_support import W, conv_model, model, node, refused, values
from onnx import TensorProto, helper

from bnnc.errors import ModelError
from bnnc.frontend import NEWEST_OPSET, load_model

# --- files --------------------------------------------------------------------------------------


def test_missing_file(tmp_path: Path) -> None:
    missing = refused(tmp_path / "none.onnx")
    assert str(missing).endswith("none.onnx: cannot be read: No such file or directory")
    assert isinstance(missing, FileNotFoundError)
    assert (missing.errno, missing.filename) == (errno.ENOENT, str(tmp_path / "none.onnx"))
    again = pickle.loads(pickle.dumps(missing))
    assert (str(again), again.problems) == (str(missing), missing.problems)


def test_folder(tmp_path: Path) -> None:
    assert "is a folder" in str(refused(tmp_path))


@pytest.mark.parametrize("kind", ["pipe", "device", "socket"])
def test_not_a_regular_file(tmp_path: Path, kind: str) -> None:
    """A pipe would wait for a writer, a device may have no end."""
    path = Path("/dev/zero") if kind == "device" else tmp_path / kind
    with socket.socket(socket.AF_UNIX) as listener:
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "socket":
            listener.bind(str(path))
        assert "cannot be read: " in str(refused(path))


def test_a_file_beyond_the_format_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.touch()
    os.truncate(path, 3 << 30)
    assert "has 3221225472 bytes; an ONNX file has at most 2147483647" in str(refused(path))


def test_path_with_a_null() -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        load_model("a\0b.onnx")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"hello, world", "is not an ONNX"),
        (b"\x7fELF" + bytes(100), "not an ONNX file"),
        (b"PK\x03\x04" + bytes(100), "not an ONNX file"),
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
    accepted = 0
    for end in range(len(data)):
        path.write_bytes(data[:end])
        with contextlib.suppress(ModelError):
            load_model(path)
            accepted += 1
    assert accepted <= 4  # Cut only in the trailing fields, after the graph and the opset.


# --- header -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("opset", "message"),
    [(5, "opset 5 is too old"), (NEWEST_OPSET + 1, "opset .* is unknown"), (-3, "too old")],
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
        (set_dims(1 << 62, 4, 0), "absurdly large"),
        (set_dims(1 << 20, 3, 3, 3), "needs 113246208 bytes, got 432"),
        (set_dims(-4, 3, 3, 3), "negative dimension"),
        (set_dims(0, 3, 3, 3), "needs 0 bytes, got 432"),
        (to_floats, "needs 108 numbers, got 2"),
        (set_type(TensorProto.COMPLEX64), "complex64 is not supported"),
        (set_type(TensorProto.BFLOAT16), "needs 216 bytes, got 432"),
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


@pytest.mark.parametrize("shape", [[1, 3, 1 << 40, 1 << 40], [1, 1 << 31]])
def test_absurd_input(shape: list[int]) -> None:
    assert "input 'x'" in str(refused(conv_model(inputs={"x": shape})))
    assert "absurdly large" in str(refused(conv_model(inputs={"x": shape})))


def test_a_name_with_a_nul() -> None:
    proto = conv_model()
    proto.graph.node[0].name = "conv\0"
    assert "onnx.NodeProto.name 'conv\\x00' holds a NUL" in str(refused(proto))


def test_of_many_problems_the_first_twenty_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []
    search = difflib.get_close_matches

    def counted(word: str, *rest: Any) -> list[str]:
        searched.append(word)
        return search(word, *rest)

    monkeypatch.setattr(difflib, "get_close_matches", counted)
    nodes = [node("Reluu", ["x"], [f"t{i}"], name=f"n{i}.") for i in range(2000)]
    nodes += [node("Sum", [f"t{i}" for i in range(2000)], ["y"])]
    error = refused(model(nodes, {"x": [1, 3]}))
    assert len(error.problems) == 2000
    assert "2000 problems: node 'n0.' (Reluu of ai.onnx 17): this operator" in str(error)
    assert "'n19.'" in str(error)
    assert "'n20.'" not in str(error)
    assert str(error).endswith("; 1980 more, which bnnc inspect --json lists")
    assert searched == ["reluu"]


def test_a_name_of_a_megabyte_is_cut() -> None:
    proto = model([node("Foo", ["x"], ["y"], name="n" * 1_000_000)], {"x": [1, 3]})
    assert len(str(refused(proto))) < 2100


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
    statistics = {f"p{i}": np.ones(3, np.float32) for i in range(1, 5)}
    statistics[f"p{which}"][1] = bad
    proto = model(
        [node("BatchNormalization", ["x", *statistics], ["y"], name="bn2")],
        {"x": ["N", 3, 4, 4]},
        constants=statistics,
    )
    if bad == -1.0 and which != 4:
        load_model(proto)
        return
    assert "node 'bn2' (BatchNormalization of ai.onnx 17): " in str(refused(proto))


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
    imported = load_model(path)
    inside = load_model(conv_model())
    assert imported.source == inside.source
    assert np.array_equal(imported.graph.nodes[0].op.array, W)
    assert load_model(onnx.load(path)).source == imported.source


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
    assert message.endswith("node 'Conv_y' (Conv of ai.onnx 17): reads 'w', which nothing defines")


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
        node("RandomNormalLike", ["a"], ["b"], name="random"),
        node("GridSample", ["b", "b"], ["c"], name="grid", domain=""),
        node("GenericPartition", ["c"], ["d"], domain="finn.custom_op.general", name="part"),
        node("Loop", ["", "", "d"], ["e"], name="loop", body=helper.make_graph([], "g", [], [])),
        node("Cnv", ["e"], ["f"], domain="my.domain", name="mine"),
        node("Relux", ["f"], ["g"], name="typo"),
        node("Relu", ["g"], ["y"]),
    ]
    proto = model(nodes, {"x": [1, 3, 8, 8]}, constants={"w": W}, domains={"my.domain": 3})
    error = refused(proto)
    for text in (
        "6 problems: ",
        "(RandomNormalLike of ai.onnx 17): this operator is not supported: a random operator",
        "node 'grid' (GridSample of ai.onnx 17): this operator is not supported",
        "node 'part' (GenericPartition of finn.custom_op.general): this operator is not supported",
        "node 'loop' (Loop of ai.onnx 17): this operator is not supported: control flow",
        "node 'mine' (Cnv of my.domain 3): this operator is not supported",
        "node 'typo' (Relux of ai.onnx 17): this operator is not supported: the nearest supported",
    ):
        assert text in str(error)
    assert len(error.problems) == 6


def test_unused_nodes_do_not_matter() -> None:
    proto = conv_model()
    proto.graph.node.append(node("RandomNormalLike", ["y"], ["b"]))
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
