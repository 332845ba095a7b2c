"""Independent references for a model: its outputs and every intermediate tensor by name."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

import numpy as np
import onnx

from ...backends.manifest_entries import tensor_entry
from ...errors import BackendError, BnncError, InputError
from ...frontend.importing.call import node_name
from ...ir import Array, Batch, Graph, Value, interpret
from ...ir.ops import Gather, GatherElements
from ...runtime.array_checks import as_input, batch_of
from ..command_line.array_files import gather

STANDARD = ("", "ai.onnx", "ai.onnx.ml")
IR_VERSION = 10
"""An ONNX IR version that every ONNX Runtime of the last years reads."""


class Reference(Protocol):
    """Something that computes a model."""

    @property
    def title(self) -> str:
        """What to print of it."""
        ...

    @property
    def ranges(self) -> Mapping[str, tuple[int, int]]:
        """Inputs that are declared to hold integers, lowest to highest, as floats."""
        ...

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """All tensors that it can show, outputs among them, by ONNX name."""
        ...


@dataclass
class OnnxRuntime:
    """ONNX Runtime with its optimizations off and one thread, every node's result exposed."""

    model: onnx.ModelProto
    title: str = field(init=False)
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, "tuple[int, int]"])

    def __post_init__(self) -> None:
        import onnxruntime as ort

        ort.set_default_logger_severity(4)
        proto = onnx.ModelProto()
        proto.CopyFrom(self.model)
        proto.ir_version = min(proto.ir_version, IR_VERSION)
        for info in (*proto.graph.input, *proto.graph.output):
            for dim in info.type.tensor_type.shape.dim:
                if dim.HasField("dim_value") and dim.dim_value < 1:
                    dim.Clear()  # an unknown size, of which only -1 is read as one
        known = {o.name for o in proto.graph.output}
        for node in proto.graph.node:
            for name in node.output:
                if name and name not in known:
                    known.add(name)
                    proto.graph.output.append(onnx.ValueInfoProto(name=name))
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self.session: Any = ort.InferenceSession(
                proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except _ort_errors(ort) as error:
            first = str(error).strip().splitlines()[0]
            raise BnncError(f"onnxruntime cannot load the model: {first}") from error
        self.title = f"onnxruntime {ort.__version__}, optimizations off"

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        import onnxruntime as ort

        names = [o.name for o in self.session.get_outputs()]
        try:
            results = self.session.run(names, dict(inputs))
        except _ort_errors(ort) as error:
            first = str(error).strip().splitlines()[0]
            raise InputError(
                f"onnxruntime cannot run the model on these inputs: {first}; --inputs gives others"
            ) from error
        return dict(zip(names, results, strict=True))


def _ort_errors(ort: Any) -> tuple[type[Exception], ...]:
    """The errors of ONNX Runtime for a model that it cannot load or inputs that it cannot run."""
    state = ort.capi.onnxruntime_pybind11_state
    own = ("Fail", "InvalidArgument", "InvalidGraph", "NotImplemented", "RuntimeException")
    return (RuntimeError, ValueError, *(getattr(state, name) for name in own))


@dataclass
class Qonnx:
    """The executor of the qonnx package, for its quantizers."""

    model: onnx.ModelProto
    imported: Graph
    title: str = field(init=False)
    ranges: dict[str, tuple[int, int]] = field(default_factory=dict[str, "tuple[int, int]"])

    def __post_init__(self) -> None:
        import qonnx
        from qonnx.core.modelwrapper import ModelWrapper
        from qonnx.custom_op.registry import is_custom_op
        from qonnx.transformation.infer_shapes import InferShapes

        for node in self.model.graph.node:
            if node.domain not in STANDARD and not is_custom_op(node.domain, node.op_type):
                raise BnncError(f"qonnx does not know {node.op_type} of {node.domain}")
        proto = onnx.ModelProto()
        proto.CopyFrom(self.model)
        for domain in sorted({n.domain for n in proto.graph.node} - set(STANDARD)):
            if domain not in {o.domain for o in proto.opset_import}:
                proto.opset_import.append(onnx.helper.make_opsetid(domain, 1))
        del proto.graph.output[:]  # those without a type would be inferred a second time
        proto.graph.output.extend(_declared(o.name, o.value) for o in self.imported.outputs)
        wrapped: Any = ModelWrapper(proto)
        self.wrapped = wrapped.transform(InferShapes())
        for info in proto.graph.input:
            declared = wrapped.get_tensor_datatype(info.name)
            if declared.is_integer():
                self.ranges[info.name] = (int(declared.min()), int(declared.max()))
        self.title = f"qonnx {getattr(qonnx, '__version__', '1')} executor"

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        from qonnx.core.onnx_exec import execute_onnx

        # It hands single nodes to ONNX Runtime as models of onnx's newest IR version, which ONNX
        # Runtime may not know yet.
        older = mock.patch.object(onnx, "IR_VERSION", min(onnx.IR_VERSION, IR_VERSION))
        with older, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on the shapes of its own buffers
            values: dict[str, Array] = execute_onnx(
                self.wrapped, dict(inputs), return_full_exec_context=True
            )
        return {name: array for name, array in values.items() if name}


def _declared(name: str, value: Value) -> onnx.ValueInfoProto:
    """An output with the type that the importer determined."""
    dims = [str(d) if isinstance(d, Batch) else d for d in value.shape]
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(value.element.dtype))
    return onnx.helper.make_tensor_value_info(name, kind, dims)


@dataclass
class Interpreter:
    """bnnc's own interpreter over the imported graph: no independent check of the import."""

    graph: Graph
    title: str = "bnnc's interpreter (not independent)"
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, "tuple[int, int]"])

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        tensors: dict[str, Array] = {}

        def keep(value: Value, array: Array) -> Array:
            tensors[value.name] = array
            return array

        outputs = interpret(self.graph, inputs, keep)
        return {**tensors, **outputs}


def choose(model: onnx.ModelProto, imported: Graph) -> Reference:
    """The most independent reference that is installed and knows the model's operators."""
    domains = {node.domain for node in model.graph.node} - set(STANDARD)
    try:
        return Qonnx(model, imported) if domains else OnnxRuntime(model)
    except (ModuleNotFoundError, BnncError):
        return Interpreter(imported)


def with_one_at_zero(model: onnx.ModelProto, names: Collection[str]) -> onnx.ModelProto:
    """The model with +1 at 0 for the float32 Sign nodes of these names: sign(sign(x) + 1/2)."""
    proto = onnx.ModelProto()
    proto.CopyFrom(model)
    half = "bnnc.half"
    proto.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(0.5, np.float32), half))
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        if node.op_type == "Sign" and node_name(node) in names:
            x, y = node.input[0], node.output[0]
            nodes += [
                onnx.helper.make_node("Sign", [x], [f"{y}.sign"]),
                onnx.helper.make_node("Add", [f"{y}.sign", half], [f"{y}.half"]),
                onnx.helper.make_node("Sign", [f"{y}.half"], [y], node.name),
            ]
        else:
            nodes.append(node)
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    return proto


def read_inputs(
    path: Path, graph: Graph, ranges: Mapping[str, tuple[int, int]]
) -> dict[str, Array]:
    """Inputs from an .npz whose keys are input names; InputError when they do not fit the graph or
    the ``ranges`` of inputs that are declared to hold integers."""
    tensors = [tensor_entry(value.name, value.type) for value in graph.inputs]
    arrays = gather([str(path)], tensors)
    missing = [t.name for t in tensors if t.name not in arrays]
    if missing:
        raise InputError(f"{path}: no array for input {', '.join(missing)}")
    arrays = [as_input(arrays[t.name], t, str(path)) for t in tensors]
    if batch_of(arrays, tensors, str(path)) < 1:
        raise InputError(f"{path}: holds no samples")
    for t, array in zip(tensors, arrays, strict=True):
        low, high = ranges.get(t.name, (-np.inf, np.inf))
        inside = (array >= low) & (array <= high) & (np.floor(array) == array)
        if t.name in ranges and not inside.all():
            raise InputError(f"{path}: input '{t.name}' is declared to hold {low} .. {high}")
    return {t.name: array for t, array in zip(tensors, arrays, strict=True)}


def random_inputs(
    graph: Graph,
    generator: np.random.Generator,
    batch: int,
    ranges: Mapping[str, tuple[int, int]],
) -> dict[str, Array]:
    """Standard normal floats, integers 0..127 (below the size of the axis that they select from),
    one set for all inputs of a graph; ``ranges`` are those of inputs that hold integers as
    floats."""
    inputs: dict[str, Array] = {}
    sizes = _selected_sizes(graph)
    for value in graph.inputs:
        shape, dtype = value.type.concrete(batch), value.element.dtype
        if value.name in ranges:
            low, high = ranges[value.name]
            array = generator.integers(low, high, shape, endpoint=True)
        elif dtype.kind == "f":
            array = generator.standard_normal(shape)
        else:
            limit = min(128, sizes.get(value, 128))
            array = generator.integers(0, 2 if dtype.kind == "b" else limit, shape)
        inputs[value.name] = np.asarray(array).astype(dtype)
    return inputs


def _selected_sizes(graph: Graph) -> dict[Value, int]:
    """The size of the smallest axis that each value selects from, for values that become indices,
    also reshaped, converted or corrected."""
    sizes: dict[Value, int] = {}
    for node in reversed(graph.nodes):
        op = node.op
        limits = [sizes[value] for value in node.results if value in sizes]
        if isinstance(op, (Gather, GatherElements)):
            size = op.x.shape[op.axis]
            selected = {op.indices: size} if isinstance(size, int) else {}
            if limits:
                selected[op.x] = min(limits)
        else:
            selected = dict.fromkeys(op.operands, min(limits)) if limits else {}
        for value, size in selected.items():
            sizes[value] = min(size, sizes.get(value, size))
    return sizes


def read_proto(path: Path) -> onnx.ModelProto:
    """The model as protobuf with its external data; the importer has already checked the file."""
    try:
        return onnx.load(path)
    except (OSError, ValueError) as error:
        raise BackendError(f"{path}: {error}") from error
