"""One node of any operator on any operands: imported or refused, and never a crash."""

from __future__ import annotations

from typing import Any

import numpy as np
from frontend_support import model, node
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import defs

from bnnc import ir
from bnnc.errors import ModelError
from bnnc.frontend import OLDEST_OPSET, load_model
from bnnc.frontend.registry import all_rules

OPERATORS = sorted({r.op for r in all_rules() if not r.domain})
SHAPES = st.lists(st.sampled_from([1, 1, 2, 3, 4, 5]), max_size=5).map(tuple)
DTYPES = st.sampled_from([np.float32] * 5 + [np.int64, np.int64, np.int32, np.int8, np.uint8, bool])
SMALL = st.integers(-3, 7)
INTEGERS = st.one_of(SMALL, SMALL, SMALL, st.sampled_from([1 << 20, 1 << 40, 2**63 - 1, -(2**63)]))
FLOATS = st.sampled_from([0.0, 1.0, 2.0, 0.5, -1.0, 1e-5, 1e9, float("inf"), float("nan")])
STRINGS = st.sampled_from(
    "constant reflect edge wrap nearest linear cubic half_pixel align_corners asymmetric floor "
    "SAME_UPPER SAME_LOWER VALID LEFT RIGHT none add mul max DCR CRD tanh ij,jk->ik ...i,...i->... "
    "not_larger mean".split()
)
Kind = defs.OpSchema.AttrType
ATTRIBUTES: dict[Any, Any] = {
    Kind.INT: INTEGERS,
    Kind.INTS: st.lists(INTEGERS, min_size=1, max_size=6),
    Kind.FLOAT: FLOATS,
    Kind.FLOATS: st.lists(FLOATS, min_size=1, max_size=4),
    Kind.STRING: STRINGS,
}


@st.composite
def arrays(draw: Any, shape: tuple[int, ...]) -> Any:
    """Numbers of a type; int64 may be anything, as shapes and positions may be."""
    count, dtype = int(np.prod(shape)), draw(DTYPES)
    if dtype == np.int64:
        numbers = (
            draw(st.lists(SMALL, min_size=count, max_size=count)) if count < 9 else [0] * count
        )
        return np.array(numbers, np.int64).reshape(shape)
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    return np.asarray(rng.standard_normal(shape) * 3).astype(dtype)


@st.composite
def single_nodes(draw: Any) -> Any:
    """A model of one node as its schema counts inputs and names attributes."""
    op, opset = draw(st.sampled_from(OPERATORS)), draw(st.integers(OLDEST_OPSET, 24))
    assume(defs.has(op, opset, ""))
    schema = defs.get_schema(op, opset, "")
    base, symbolic = draw(SHAPES), draw(st.booleans())
    inputs: dict[str, Any] = {}
    constants: dict[str, Any] = {}
    names: list[str] = []
    for i in range(draw(st.integers(schema.min_input, min(schema.max_input, 8)))):
        if i >= schema.min_input and draw(st.integers(0, 4)) == 0:
            names.append("")
            continue
        names.append(f"i{i}")
        length = st.sampled_from([(1,), (2,), (len(base),), (2 * len(base),)])
        array = draw(arrays(draw(st.one_of(st.just(base), SHAPES, length))))
        if i and draw(st.booleans()):
            constants[names[-1]] = array
        else:
            dims = ["N", *array.shape[1:]] if symbolic and array.ndim else list(array.shape)
            inputs[names[-1]] = (dims, array.dtype)
    attributes: dict[str, Any] = {}
    for name, attribute in schema.attributes.items():
        values = ATTRIBUTES.get(attribute.type)
        if values is not None and (attribute.required or draw(st.booleans())):
            attributes[name] = draw(values)
    outputs = [f"y{i}" for i in range(draw(st.integers(1, max(1, min(schema.max_output, 3)))))]
    return model([node(op, names, outputs, **attributes)], inputs, outputs, constants, opset)


@settings(max_examples=400)
@given(single_nodes())
def test_imported_or_refused(proto: Any) -> None:
    message = ""
    try:
        ir.verify(load_model(proto).graph)
    except ModelError as error:
        message = str(error)
    assert "\n" not in message
