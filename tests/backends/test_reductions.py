"""The folds and the order of TopK that all backends share, against NumPy: as an emission that
computes at once."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from llvmlite import ir

from bnnc.backends.codegen import reductions, topk_keys
from bnnc.backends.codegen.kernel_builder import I1, memory_type, vector
from bnnc.backends.targets import TARGETS, Target
from bnnc.ir import (
    BOOL,
    F16,
    F32,
    F64,
    I8,
    I32,
    I64,
    SIGN,
    TERNARY,
    U8,
    Element,
    Scalar,
    TensorType,
    Value,
    ops,
    parse,
)

NAN, INF = float("nan"), float("inf")
RELATIONS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "==": operator.eq}


@dataclass(frozen=True)
class Lanes:
    """Lanes of an LLVM type and their numbers."""

    type: ir.VectorType
    numbers: np.ndarray


def dtype_of(type_: ir.Type) -> np.dtype[Any]:
    """NumPy's type of a lane; integers are signed."""
    name = str(type_)
    known = {"float": "f4", "double": "f8", "i1": "?"}
    return np.dtype(known[name] if name in known else f"i{int(name[1:]) // 8}")


def lanes(element: ir.Type, numbers: Any) -> Lanes:
    """Numbers as lanes."""
    array = np.asarray(numbers).astype(dtype_of(element)).reshape(-1)
    return Lanes(vector(element, len(array)), array)


def numbers_of(x: Any) -> np.ndarray:
    """The numbers of lanes or of a constant of LLVM's."""
    if isinstance(x, Lanes):
        return x.numbers
    return np.array([lane.constant for lane in x.constant], dtype_of(x.type.element))


class Arithmetic:
    """llvmlite's builder, computing."""

    def _of(self, operation: Callable[..., Any], a: Any, b: Any) -> Lanes:
        with np.errstate(all="ignore"):
            return lanes(a.type.element, operation(numbers_of(a), numbers_of(b)))

    def fadd(self, a: Any, b: Any) -> Lanes:
        return self._of(np.add, a, b)

    def add(self, a: Any, b: Any) -> Lanes:
        return self._of(np.add, a, b)

    def fsub(self, a: Any, b: Any) -> Lanes:
        return self._of(np.subtract, a, b)

    def fdiv(self, a: Any, b: Any) -> Lanes:
        return self._of(np.divide, a, b)

    def and_(self, a: Any, b: Any) -> Lanes:
        return self._of(np.bitwise_and, a, b)

    def or_(self, a: Any, b: Any) -> Lanes:
        return self._of(np.bitwise_or, a, b)

    def xor(self, a: Any, b: Any) -> Lanes:
        return self._of(np.bitwise_xor, a, b)

    def ashr(self, a: Any, b: Any) -> Lanes:
        return self._of(np.right_shift, a, b)

    def not_(self, a: Any) -> Lanes:
        return lanes(a.type.element, ~numbers_of(a))

    def fneg(self, a: Any) -> Lanes:
        return lanes(a.type.element, -numbers_of(a))

    def select(self, condition: Any, a: Any, b: Any) -> Lanes:
        chosen = np.where(numbers_of(condition), numbers_of(a), numbers_of(b))
        return lanes(a.type.element, chosen)

    def icmp_signed(self, relation: str, a: Any, b: Any) -> Lanes:
        return lanes(I1, RELATIONS[relation](numbers_of(a), numbers_of(b)))

    def icmp_unsigned(self, relation: str, a: Any, b: Any) -> Lanes:
        raw = [numbers_of(x) for x in (a, b)]
        return lanes(I1, RELATIONS[relation](*(x.view(f"u{x.itemsize}") for x in raw)))

    def fcmp_unordered(self, relation: str, a: Any, b: Any) -> Lanes:
        assert relation == "uno"
        return lanes(I1, np.isnan(numbers_of(a)) | np.isnan(numbers_of(b)))

    def bitcast(self, a: Any, type_: ir.VectorType) -> Lanes:
        return Lanes(type_, numbers_of(a).view(dtype_of(type_.element)))

    def fpext(self, a: Any, type_: ir.VectorType) -> Lanes:
        return lanes(type_.element, numbers_of(a))

    fptrunc = sext = fpext

    def zext(self, a: Any, type_: ir.VectorType) -> Lanes:
        raw = numbers_of(a)
        return lanes(type_.element, raw.view(f"u{raw.itemsize}"))


class Numbers:
    """An `Emission` whose values are numbers."""

    b = Arithmetic()
    target: Target = TARGETS["x86-64-v3"]

    def overloaded(self, name: str, x: Any, *more: Any, flags: Sequence[str] = ()) -> Lanes:
        function = {"maximum": np.maximum, "minimum": np.minimum}[name]
        return lanes(x.type.element, function(*(numbers_of(a) for a in (x, *more))))

    def saturated(self, x: Any, type_: ir.VectorType) -> Lanes:
        raise NotImplementedError

    def intrinsic(self, name: str, result: ir.VectorType, *args: Any) -> Lanes:
        raise NotImplementedError


CODE = Numbers()


def folded(fold: reductions.Fold, x: np.ndarray, divisor: Any = None, split: int = 0) -> np.ndarray:
    """x [n, lanes] as one row; the first ``split`` elements in a state of their own."""
    states: list[Any] = []
    for part in (x[:split], x[split:]):
        state: Any = fold.initial(x.shape[1])
        for row in part:
            stored = row.view(f"i{row.itemsize}") if row.dtype.kind == "u" else row
            element = lanes(memory_type(fold.element), stored)
            state = fold.absorb(CODE, state, element)
        states.append(state)
    result = numbers_of(fold.finish(CODE, fold.combine(CODE, *states), divisor))
    return result.view(x.dtype) if x.dtype.kind == "u" else result


def value(element: Element, shape: tuple[int, ...]) -> Value:
    return Value("x", TensorType(shape, element))


TINY = 2.0**-149
FLOATS = [
    [0.0, -0.0, -0.0, 1.0, INF, NAN, -INF, 3e38, TINY],
    [-0.0, -0.0, 0.0, -1.5, 2.0, 1.0, -INF, 3e38, TINY],
    [-0.0, -0.0, 1.0, 7.0, -INF, -INF, -INF, -3e38, -3 * TINY],
]
"""Columns are folded: zeros of both signs, infinities that cancel, NaN, overflow, denormals."""
REDUCTIONS = (ops.ReduceMean, ops.ReduceSum, ops.ReduceMax, ops.ReduceMin)


@pytest.mark.parametrize("kind", REDUCTIONS)
@pytest.mark.parametrize("element", [F32, F64])
@pytest.mark.parametrize("split", [0, 1, 3])
@pytest.mark.filterwarnings("ignore:invalid value", "ignore:overflow")
def test_reductions_of_floats(kind: type[reductions.Reduce], element: Scalar, split: int) -> None:
    x = np.array(FLOATS, element.dtype)
    op = kind(value(element, x.shape), (0,), False)
    got = folded(reductions.reduce_fold(op), x, reductions.reduce_divisor(op), split)
    expected = op.reference([x], 1)
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)
    if isinstance(op, ops.ReduceMean | ops.ReduceSum):
        np.testing.assert_array_equal(np.signbit(got[:3]), np.array([False, True, False]))


@pytest.mark.parametrize("kind", REDUCTIONS[1:])
@pytest.mark.parametrize("element", [I8, U8, I32, I64])
def test_reductions_of_integers(kind: type[reductions.Reduce], element: Scalar) -> None:
    """Their ends are among them, alone too; sums wrap around."""
    low, high = (getattr(np.iinfo(element.dtype.name), end) for end in ("min", "max"))
    x = np.array([[low, high, high, 5], [low, high, low, 7], [low, high, 1, 6]], element.dtype)
    op = kind(value(element, x.shape), (0,), False)
    np.testing.assert_array_equal(folded(reductions.reduce_fold(op), x), op.reference([x], 1))


def test_float_sums_round_once() -> None:
    """In float64: in float32 the small ones would be lost one by one."""
    x = np.array([[1.0], *[[2.0**-24]] * 4], np.float32)
    op = ops.ReduceSum(value(F32, x.shape), (0,), False)
    assert folded(reductions.reduce_fold(op), x)[0] == np.float32(1 + 2.0**-22)
    pool = ops.AveragePool(value(F32, (1, 1, 5)), (5,), (1,), (0, 0), (1,))
    divisor = lanes(memory_type(F32), [5.0])
    expected = pool.reference([x.reshape(1, 1, 5)], 1).reshape(-1)
    np.testing.assert_array_equal(folded(reductions.pool_fold(pool), x, divisor), expected)
    assert expected[0] == np.float32(1) / np.float32(5)


@pytest.mark.parametrize("element", [F32, I8, U8, I64])
def test_nothing_wins_against_the_padding_of_a_pool(element: Scalar) -> None:
    """Neither does the padding win, against the least value there is."""
    info = np.finfo("f4") if element == F32 else np.iinfo(element.dtype.name)
    least = -INF if element == F32 else info.min
    pool = ops.MaxPool(value(element, (1, 1, 4)), (2,), (2,), (1, 1), (1,))
    fold = reductions.pool_fold(pool)
    x = np.array([least, info.min, info.max, least], element.dtype)
    padded = np.array([[fold.start, x[1], x[3]], [x[0], x[2], fold.start]]).astype(element.dtype)
    np.testing.assert_array_equal(
        folded(fold, padded), pool.reference([x.reshape(1, 1, 4)], 1).reshape(-1)
    )


def test_a_maximum_is_nan_where_a_tap_is() -> None:
    pool = ops.MaxPool(value(F32, (1, 1, 3)), (3,), (1,), (0, 0), (1,))
    for place in range(3):
        x = np.full((3, 1), INF, np.float32)
        x[place] = NAN
        assert np.isnan(folded(reductions.pool_fold(pool), x)).all()


@pytest.mark.parametrize(("element", "codes"), [(SIGN, [0, 1]), (TERNARY, [-1, 0, 1])])
def test_packed_elements_pool_as_their_codes(element: Element, codes: list[int]) -> None:
    pool = ops.MaxPool(value(element, (1, 1, 3)), (3,), (1,), (0, 0), (1,))
    fold = reductions.pool_fold(pool)
    assert fold.start == codes[0]
    dtype = fold.element.dtype
    for a in codes:
        for b in codes:
            assert folded(fold, np.array([[a], [b]], dtype))[0] == max(a, b)


def test_powers_need_no_minus_zero() -> None:
    assert not np.signbit(numbers_of(reductions.POWERS.initial(1))).any()
    assert np.signbit(numbers_of(reductions.Sum(F32).initial(1))).all()
    assert reductions.POWERS.type == memory_type(F64)


# --- refusals ---------------------------------------------------------------------------------

REGION = """
graph @g scheduled {{
  input %x: {element}[N,4,5,6]
  %y = fused([%x]) kernel="" {{
    (%x: {element}[N,4,5,6])
    %r = {call} : {element}[N,4,{result}]
    yield %r
  }} : {element}[N,4,{result}]
  output %y as "y"
}}
"""
POOL = "kernel=[2,2] strides=[1,1] pads=[0,0,0,0] dilations=[1,1] ceil_mode=false"


@pytest.mark.parametrize(
    ("call", "element", "reason"),
    [
        ("reduce_max(%x) axes=[2,3] keepdims=true", F16, "reduce_max does not compute in f16"),
        ("reduce_sum(%x) axes=[2,3] keepdims=true", BOOL, "reduce_sum does not compute in bool"),
        ("reduce_mean(%x) axes=[2,3] keepdims=true", I32, "reduce_mean does not compute in i32"),
        ("reduce_mean(%x) axes=[2,3] keepdims=true", F64, None),
        (f"max_pool(%x) {POOL}", F16, "max_pool does not compute in f16"),
        (f"max_pool(%x) {POOL}", U8, None),
    ],
)
def test_refusals_say_why(call: str, element: Scalar, reason: str | None) -> None:
    result = "4,5" if "pool" in call else "1,1"
    graph = parse(REGION.format(element=element, call=call, result=result))
    assert reductions.refusal(graph.nodes[0].op, TARGETS["x86-64-v3"]) == reason


# --- the order of TopK ------------------------------------------------------------------------


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("element", [F32, F64, I8, U8, I64])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_best_of_what_follows_is_the_next_position(
    largest: bool, last: bool, element: Scalar
) -> None:
    rows = [[0, 1, 1, 0, 2, 0], [5, 4, 3, 2, 1, 0], [7, 7, 7, 7, 7, 7]]
    if element.dtype.kind == "f":
        rows += [[NAN, INF, -INF, 0.0, -0.0, NAN], [-1.0, -2.0, -0.0, 0.0, 1e-45, -1e-45]]
    else:
        low, high = (getattr(np.iinfo(element.dtype.name), end) for end in ("min", "max"))
        rows += [[low, high, low, 1, high, 0]]
    x = np.array(rows, element.dtype)
    op = ops.TopK(value(element, x.shape), 1, 6, largest, last)
    stored = x.view(f"i{x.itemsize}") if element == U8 else x
    width, type_ = len(x), topk_keys.key_type(op)
    keys = [
        topk_keys.order_key(CODE, op, lanes(memory_type(element), column)) for column in stored.T
    ]
    chosen: list[Lanes] | None = None
    for expected in op.reference([x], 1).T:
        best: list[Any] = [lanes(type_, [number] * width) for number in topk_keys.NO_ENTRY]
        for i, key in enumerate(keys):
            entry = [key, lanes(type_, [i] * width)]
            better = topk_keys.improves(CODE, op, entry, best)
            if chosen is not None:
                better = CODE.b.and_(better, topk_keys.follows(CODE, op, entry, chosen))
            best = [CODE.b.select(better, *both) for both in zip(entry, best, strict=True)]
        np.testing.assert_array_equal(numbers_of(best[1]), expected)
        chosen = best


@pytest.mark.parametrize(("element", "refused"), [(F16, True), (BOOL, True), (I64, False)])
def test_what_cannot_be_ordered(element: Scalar, refused: bool) -> None:
    op = ops.TopK(value(element, (2, 3)), 1, 1, True, False)
    reason = f"top_k does not order {element}" if refused else None
    assert topk_keys.refusal(op, TARGETS["arm64"]) == reason
