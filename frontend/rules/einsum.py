"""Einsum as sums, transposes and one product of matrices for every two operands.

Each label of a product belongs to both operands and the result (a batch axis), to one operand and
the result (a row or a column), or only to both operands (summed by the product).
"""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import Limit
from ...ir import Batch, Dim, Value, ops
from ..importing.call import Call
from ..registry import FLOAT, rule
from .matrix_products import leading

_SPARE = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@rule("Einsum", types=FLOAT, limits={Limit.FORM: "no labels that repeat within an operand"})
def einsum(call: Call) -> Value:
    """Operands from left to right."""
    values = call.values()
    terms, result = _labels(call, call.string("equation", ""), values)
    x, labels = values[0], terms[0]
    for i in range(1, len(values)):
        wanted = set(result).union(*terms[i + 1 :])
        x, labels = _product(call, (x, labels), (values[i], terms[i]), wanted)
    x, labels = _summed(call, x, labels, set(result))
    return _ordered(call, x, labels, result)


def _labels(call: Call, equation: str, values: Sequence[Value]) -> tuple[list[str], str]:
    """The labels of each operand and of the result, those of ``...`` spelled out."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    spare = [c for c in _SPARE if c not in equation]
    if len(terms) != len(values):
        call.refuse(f"'{equation}' does not name {len(values)} operands")
    widest = 0
    for i, (term, value) in enumerate(zip(terms, values, strict=True)):
        if "..." in term:
            count = value.type.rank - len(term.replace("...", ""))
            if not 0 <= count <= len(spare):
                call.refuse(f"'{equation}' does not fit {value!r}")
            widest = max(widest, count)
            terms[i] = term.replace("...", "".join(spare[:count][::-1]))
        if len(terms[i]) != value.type.rank:
            call.refuse(f"'{equation}' does not fit {value!r}")
        if len(set(terms[i])) != len(terms[i]):
            call.refuse(f"'{equation}' repeats a label within an operand", Limit.FORM)
    around = "".join(spare[:widest][::-1])
    if arrow:
        right = right.replace("...", around)
    else:
        every = "".join(terms)
        right = around + "".join(
            sorted(c for c in set(every) if every.count(c) == 1 and c not in around)
        )
    return terms, right


def _summed(call: Call, x: Value, labels: str, kept: set[str]) -> tuple[Value, str]:
    """Sums over the axes that are not asked for."""
    axes = tuple(i for i, c in enumerate(labels) if c not in kept)
    if not axes:
        return x, labels
    return call.add(ops.ReduceSum(x, axes, False)), "".join(c for c in labels if c in kept)


def _ordered(call: Call, x: Value, labels: str, result: str) -> Value:
    """Axes in the order of ``result``."""
    if sorted(labels) != sorted(result):
        call.refuse(f"cannot make axes '{result}' of '{labels}'")
    order = tuple(labels.index(c) for c in result)
    if order == tuple(range(len(order))):
        return x
    if x.type.symbolic and order[0] != 0:
        call.refuse("moves the symbolic batch from the first axis; --shape fixes it", Limit.BATCH)
    return call.add(ops.Transpose(x, order))


def _product(
    call: Call, left: tuple[Value, str], right: tuple[Value, str], wanted: set[str]
) -> tuple[Value, str]:
    """Two operands multiplied; the labels of the result are batch, rows, columns."""
    (a, of_a), (b, of_b) = left, right
    a, of_a = _summed(call, a, of_a, wanted | set(of_b))
    b, of_b = _summed(call, b, of_b, wanted | set(of_a))
    both = "".join(c for c in of_a if c in of_b and c in wanted)
    inner = "".join(c for c in of_a if c in of_b and c not in wanted)
    rows = "".join(c for c in of_a if c not in of_b)
    columns = "".join(c for c in of_b if c not in of_a)
    dims = dict(zip(of_b, b.shape, strict=True)) | dict(zip(of_a, a.shape, strict=True))
    if any(dims[c] != d for c, d in zip(of_b, b.shape, strict=True)):
        call.refuse(f"operands {a!r} and {b!r} do not fit", Limit.FORM)
    batch = tuple(dims[c] for c in both)
    shape_a = (*batch, _size(call, dims, rows), _size(call, dims, inner))
    shape_b = (*batch, _size(call, dims, inner), _size(call, dims, columns))
    a = call.reshape(_ordered(call, a, of_a, both + rows + inner), shape_a)
    b = call.reshape(_ordered(call, b, of_b, both + inner + columns), shape_b)
    out = call.add(ops.MatMul(a, b))
    return call.reshape(out, tuple(dims[c] for c in both + rows + columns)), both + rows + columns


def _size(call: Call, dims: dict[str, Dim], labels: str) -> Dim:
    shape = tuple(dims[c] for c in labels)
    if any(isinstance(d, Batch) for d in shape[1:]):
        call.refuse("moves the symbolic batch from the first axis; --shape fixes it", Limit.BATCH)
    return leading(shape)
