"""Types of the graph's inputs: the symbolic batch, and every other dimension fixed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onnx import GraphProto, TensorProto, ValueInfoProto

from ...errors import Limit, ModelError, VerifyError
from ...ir import Batch, Dim, TensorType, Value
from ..prepare.tensor_data import dtype_name, dtype_of, element_of
from ..registry import FLOAT32
from .graph_builder import MAX_VALUE

KEEP = -1
"""As the first entry of a shape in ``shapes``: leave the batch symbolic."""


@dataclass(frozen=True)
class _Symbol:
    """A dimension without a number: its name in the model, or where it stands."""

    name: str

    def __str__(self) -> str:
        return self.name


def graph_inputs(
    graph: GraphProto, constants: Mapping[str, TensorProto], shapes: Mapping[str, Sequence[int]]
) -> tuple[Value, ...]:
    """The inputs of the compiled model.

    Initializers among the inputs are constants (older exporters list them). One symbol in first
    dimensions becomes N; ``shapes`` must fix every other symbolic dimension. Raises ModelError.
    """
    infos = [info for info in graph.input if info.name not in constants]
    known = [info.name for info in infos]
    _check_shape_names(shapes, known)
    written = _all_written(infos)
    fixed: dict[str, int] = {}
    resolved = {
        name: _fix(name, written[name], shapes[name], fixed) if name in shapes else written[name]
        for name in known
    }
    batch = _batch_symbol(resolved, fixed)
    missing: list[str] = []
    values: list[Value] = []
    for info in infos:
        dims = resolved[info.name]
        if dims is None:
            missing.append(f"input '{info.name}' has no shape")
            continue
        if 0 in dims:
            raise ModelError(
                f"input '{info.name}' axis {dims.index(0)} has size 0; where that stands for an "
                "unknown size, give --shape (N first leaves the batch open)",
                limits=[Limit.EMPTY],
            )
        shape = [_dim(d, axis, batch, fixed) for axis, d in enumerate(dims)]
        missing.extend(
            f"input '{info.name}' axis {axis} ({dims[axis]})"
            for axis, dim in enumerate(shape)
            if dim is None
        )
        values.extend(_value(info, [d for d in shape if d is not None]))
    if missing:
        raise ModelError(
            f"dimensions are not fixed: {'; '.join(missing)}; give --shape NAME=1x3x32x32 "
            "(only one symbolic first dimension may stay open)",
            limits=[Limit.SHAPE],
        )
    return tuple(values)


def _all_written(infos: Sequence[ValueInfoProto]) -> dict[str, list[int | _Symbol] | None]:
    """Declared dimensions by input; one ModelError for every input that cannot be one."""
    written: dict[str, list[int | _Symbol] | None] = {}
    wrong: list[ModelError] = []
    for info in infos:
        try:
            written[info.name] = _written(info)
        except ModelError as error:
            wrong.append(error)
    if wrong:
        texts = [str(error) for error in wrong]
        raise ModelError("; ".join(texts), texts, [error.limits[0] for error in wrong])
    return written


def _check_shape_names(shapes: Mapping[str, Sequence[int]], known: Sequence[str]) -> None:
    unknown = [name for name in shapes if name not in known]
    if unknown:
        raise ModelError(
            f"--shape names {', '.join(map(repr, unknown))}, which is no input; "
            f"the inputs are {', '.join(map(repr, known)) or 'none'}"
        )


def _written(info: ValueInfoProto) -> list[int | _Symbol] | None:
    """Dimensions as the model declares them; None when it declares no rank. A negative size is a
    symbol, as ONNX Runtime takes it."""
    if not info.type.HasField("tensor_type"):
        kind = info.type.WhichOneof("value") or "untyped value"
        text = f"input '{info.name}' is a {kind}; only tensors are supported"
        raise ModelError(text, limits=[Limit.KIND])
    tensor = info.type.tensor_type
    if tensor.elem_type == TensorProto.DOUBLE:
        text = f"input '{info.name}' is float64, which is not computed; {FLOAT32}"
        raise ModelError(text, limits=[Limit.TYPE])
    if tensor.elem_type == TensorProto.UNDEFINED:
        raise ModelError(f"input '{info.name}' has no data type")
    try:
        element_of(dtype_of(tensor.elem_type))
    except ModelError as error:
        raise ModelError(
            f"input '{info.name}': data type {dtype_name(tensor.elem_type)} is not supported",
            limits=[Limit.TYPE],
        ) from error
    if not tensor.HasField("shape"):
        return None
    out: list[int | _Symbol] = []
    for axis, dim in enumerate(tensor.shape.dim):
        if dim.WhichOneof("value") == "dim_value":
            open_ = dim.dim_value < 0  # How old converters write an unknown size.
            out.append(_Symbol(f"?{info.name}.{axis}") if open_ else dim.dim_value)
        else:
            out.append(_Symbol(dim.dim_param or f"?{info.name}.{axis}"))
    return out


def _fix(
    name: str, dims: list[int | _Symbol] | None, wanted: Sequence[int], fixed: dict[str, int]
) -> list[int | _Symbol]:
    """Declared dimensions with those of ``--shape``; symbols that get a number go to ``fixed``. A
    declared 0 says nothing: some converters write it for a size that they do not know."""
    text = "x".join(map(str, wanted))
    if dims is None:
        dims = [_Symbol(f"?{name}.{axis}") for axis in range(len(wanted))]
    if len(wanted) != len(dims):
        raise ModelError(
            f"--shape {name}={text} has {len(wanted)} dimensions, the model's input has "
            f"{len(dims)}: [{', '.join(map(str, dims))}]"
        )
    out: list[int | _Symbol] = []
    for axis, (declared, size) in enumerate(zip(dims, wanted, strict=True)):
        dim = declared if declared != 0 else _Symbol(f"?{name}.{axis}")
        if size == KEEP and axis == 0 and isinstance(dim, _Symbol):
            out.append(dim)
            continue
        if size < 1:
            raise ModelError(f"--shape {name}={text}: axis {axis} has size {size}")
        known = fixed.setdefault(dim.name, size) if isinstance(dim, _Symbol) else dim
        if known != size:
            raise ModelError(
                f"--shape {name}={text} contradicts the model: axis {axis} ({dim}) is {known}"
            )
        out.append(size)
    return out


def _batch_symbol(
    resolved: Mapping[str, list[int | _Symbol] | None], fixed: Mapping[str, int]
) -> str | None:
    """The symbol that becomes N; raises ModelError when first dimensions have several."""
    first = [
        dims[0].name
        for dims in resolved.values()
        if dims and isinstance(dims[0], _Symbol) and dims[0].name not in fixed
    ]
    symbols = list(dict.fromkeys(first))
    if len(symbols) > 1:
        raise ModelError(
            f"first dimensions have different symbols ({', '.join(symbols)}); only one can stay "
            "open: give --shape for the others"
        )
    return symbols[0] if symbols else None


def _dim(dim: int | _Symbol, axis: int, batch: str | None, fixed: Mapping[str, int]) -> Dim | None:
    if isinstance(dim, int):
        return dim
    if dim.name in fixed:
        return fixed[dim.name]
    return Batch() if axis == 0 and dim.name == batch else None


def _value(info: ValueInfoProto, shape: Sequence[Dim]) -> list[Value]:
    element = element_of(dtype_of(info.type.tensor_type.elem_type))
    try:
        type_ = TensorType(tuple(shape), element)
    except VerifyError as error:
        raise ModelError(f"input '{info.name}': {error}") from error
    if type_.elements_per_sample() > MAX_VALUE:
        raise ModelError(f"input '{info.name}' of type {type_} is absurdly large")
    return [Value(info.name, type_)]
