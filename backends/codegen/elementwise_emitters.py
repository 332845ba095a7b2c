"""The emission table: how each elementwise operator computes on vectors.

An emitter takes the kernel under construction, the operator and its operands as `Lanes`, and
returns the result's lanes. Each rounds once, without fast-math flags, as the operator's NumPy
reference does. `refusal` says why an operator has no emitter on a target.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from llvmlite import ir

from ...ir import BOOL, F16, F32, F64, I64, U8, Bits, Element, Op, Scalar, ops
from ..targets import Target
from . import float16, math_float32, math_float64
from .kernel_builder import FLOAT, I1, Emission, IRValue, memory_type, vector
from .kernel_builder import I32 as INT32


@dataclass(frozen=True)
class Packed:
    """Lanes of a packed element: a vector of i1 per plane (ternary: sign, mask)."""

    planes: tuple[IRValue, ...]


Lanes = IRValue | Packed
Emitter = Callable[..., Lanes]

_UNSIGNED: tuple[Element, ...] = (U8, BOOL)


def refusal(op: Op, target: Target) -> str | None:
    """Why this operator cannot be emitted on a target, or None."""
    if type(op) not in EMITTERS:
        return f"{op.mnemonic()} has no vector code"
    elements = {v.element for v in op.operands} | {t.element for t in op.infer()}
    if isinstance(op, ops.Cast):
        both = {F16, F64} <= elements and op.to == F16
        return "f64 does not round to f16 at once; cast to f32 first" if both else None
    if F16 in elements:
        return f"{op.mnemonic()} does not compute in f16; cast to f32"
    if isinstance(op, _F32_ONLY) and F64 in elements:
        return f"{op.mnemonic()} has no f64 code"
    if isinstance(op, _ROUNDINGS) and not target.has.rounds_floats:
        return f"{target.name} has no instruction for {op.mnemonic()}"
    if isinstance(op, (ops.Add, ops.Sub, ops.Mul, ops.Div, ops.Neg, ops.Relu)) and BOOL in elements:
        return f"{op.mnemonic()} does not compute on bool"
    return None


def emit(code: Emission, op: Op, operands: tuple[Lanes, ...]) -> Lanes:
    """The result of an elementwise operator."""
    return EMITTERS[type(op)](code, op, *operands)


# --- helpers ----------------------------------------------------------------------------------


def _number(type_: ir.VectorType, value: Any) -> ir.Constant:
    """All lanes equal to a number."""
    return ir.Constant(type_, [value] * type_.count)


def _is_float(value: IRValue) -> bool:
    return not isinstance(value.type.element, ir.IntType)


def _unsigned(op: Op) -> bool:
    return op.operands[0].element in _UNSIGNED


def _arithmetic(floating: str, integer: str, code: Emission, op: Op, a: Any, b: Any) -> IRValue:
    return getattr(code.b, floating if _is_float(a) else integer)(a, b)


def _compare(sign: str, code: Emission, op: Op, a: Any, b: Any) -> IRValue:
    if _is_float(a):
        return code.b.fcmp_ordered(sign, a, b)
    if _unsigned(op):
        return code.b.icmp_unsigned(sign, a, b)
    return code.b.icmp_signed(sign, a, b)


def _extreme(sign: str, code: Emission, op: Op, a: Any, b: Any) -> Any:
    first = _compare(sign, code, op, a, b)
    if _is_float(a):
        first = code.b.or_(first, code.b.fcmp_unordered("uno", a, a))
    return code.b.select(first, a, b)


def _f32(function: Callable[..., Any], code: Emission, op: Op, x: Any) -> IRValue:
    return function(code, x)


def _divide(code: Emission, op: Op, a: Any, b: Any) -> IRValue:
    """Integers are never divided by 0, which traps, nor the least one by -1."""
    if _is_float(a):
        return code.b.fdiv(a, b)
    zero, one = _number(b.type, 0), _number(b.type, 1)
    nothing = code.b.icmp_unsigned("==", b, zero)
    if _unsigned(op):
        quotient = code.b.udiv(a, code.b.select(nothing, one, b))
        return code.b.select(nothing, zero, quotient)
    minus = code.b.icmp_signed("==", b, _number(b.type, -1))
    quotient = code.b.sdiv(a, code.b.select(code.b.or_(nothing, minus), one, b))
    quotient = code.b.select(minus, code.b.sub(zero, a), quotient)
    return code.b.select(nothing, zero, quotient)


# --- emitters ---------------------------------------------------------------------------------


def _expand(code: Emission, op: Op, x: Any) -> Any:
    """Operands are loaded broadcast."""
    return x


def _neg(code: Emission, op: Op, x: Any) -> IRValue:
    return code.b.fneg(x) if _is_float(x) else code.b.sub(x.type(None), x)


def _abs(code: Emission, op: Op, x: Any) -> IRValue:
    if _is_float(x):
        return code.overloaded("fabs", x)
    return x if _unsigned(op) else code.overloaded("abs", x, I1(0))


def _relu(code: Emission, op: Op, x: Any) -> IRValue:
    """Written so that NaN stays, and that x86 needs one MAXPS."""
    zero = _number(x.type, 0.0 if _is_float(x) else 0)
    return code.b.select(_compare("<", code, op, x, zero), zero, x)


def _clip(code: Emission, op: ops.Clip, x: Any) -> IRValue:
    low, high = (_number(x.type, _rounded(x, bound)) for bound in (op.low, op.high))
    x = code.b.select(code.b.fcmp_ordered("<", x, low), low, x)
    return code.b.select(code.b.fcmp_ordered(">", x, high), high, x)


def _rounded(x: Any, value: float) -> float:
    return float(F32.dtype.type(value)) if x.type.element == FLOAT else value


def _sign(code: Emission, op: ops.Sign, x: Any) -> IRValue:
    zero, one, minus, middle = (_number(x.type, float(n)) for n in (0, 1, -1, op.zero))
    rest = code.b.select(code.b.fcmp_ordered("==", x, zero), middle, minus)
    return code.b.select(code.b.fcmp_ordered(">", x, zero), one, rest)


def _sqrt(code: Emission, op: Op, x: Any) -> IRValue:
    return code.overloaded("sqrt", x)


def _integral(function: Callable[..., Any], code: Emission, op: Op, x: Any) -> IRValue:
    native = code.target.has.rounds_floats
    return function(code, x, native)


def _reciprocal(code: Emission, op: Op, x: Any) -> IRValue:
    return code.b.fdiv(_number(x.type, 1.0), x)


def _prelu(code: Emission, op: Op, a: Any, b: Any) -> IRValue:
    positive = _compare(">=", code, op, a, _number(a.type, 0.0 if _is_float(a) else 0))
    product = code.b.fmul(a, b) if _is_float(a) else code.b.mul(a, b)
    return code.b.select(positive, a, product)


def _where(code: Emission, op: Op, condition: Any, a: Any, b: Any) -> IRValue:
    return code.b.select(condition, a, b)


def _not(code: Emission, op: Op, x: Any) -> IRValue:
    return code.b.not_(x)


def _logical(name: str, code: Emission, op: Op, a: Any, b: Any) -> IRValue:
    return getattr(code.b, name)(a, b)


def _cast(code: Emission, op: ops.Cast, x: Any) -> IRValue:
    """Half precision goes through float32, which holds all of it."""
    source, to = op.x.element, op.to
    assert isinstance(source, Scalar)
    assert isinstance(to, Scalar)
    if source == to:
        return x
    if source == F16:
        x, source = _widened(code, x), F32
    if to == F16:
        return _narrowed(code, _converted(code, x, source, F32))
    return _converted(code, x, source, to)


def _widened(code: Emission, x: IRValue) -> IRValue:
    if code.target.has.half_floats:
        return code.b.fpext(x, vector(FLOAT, x.type.count))
    return float16.to_float(code, x)


def _narrowed(code: Emission, x: IRValue) -> IRValue:
    if code.target.has.half_floats:
        return code.b.fptrunc(x, vector(ir.HalfType(), x.type.count))
    return float16.from_float(code, x)


def _converted(code: Emission, x: Any, source: Scalar, to: Scalar) -> IRValue:
    """Between all types but half precision."""
    if source == to:
        return x
    target = vector(memory_type(to), x.type.count)
    if to == BOOL:
        zero = _number(x.type, 0.0 if _is_float(x) else 0)
        if _is_float(x):
            return code.b.fcmp_unordered("!=", x, zero)
        return code.b.icmp_unsigned("!=", x, zero)
    if _is_float(x):
        return _from_float(code, x, to, target)
    unsigned = source in _UNSIGNED
    if to.dtype.kind == "f":
        return code.b.uitofp(x, target) if unsigned else code.b.sitofp(x, target)
    if target.element.width <= x.type.element.width:
        return code.b.trunc(x, target) if target != x.type else x
    return code.b.zext(x, target) if unsigned else code.b.sext(x, target)


def _from_float(code: Emission, x: Any, to: Scalar, target: ir.VectorType) -> IRValue:
    """Out-of-range values saturate to the nearest 32-bit (i64: 64-bit) integer; NaN gives 0."""
    if to.dtype.kind == "f":
        return code.b.fpext(x, target) if to == F64 else code.b.fptrunc(x, target)
    width = 64 if to == I64 else 32
    integers = code.saturated(x, vector(ir.IntType(width), x.type.count))
    return integers if target.element.width == width else code.b.trunc(integers, target)


def _binarize(code: Emission, op: ops.Binarize, x: Any) -> Packed:
    """NaN counts as -1."""
    zero = _number(x.type, 0.0)
    above = code.b.fcmp_ordered(">=" if op.zero > 0 else ">", x, zero)
    if op.zero:
        return Packed((above,))
    return Packed((above, code.b.fcmp_unordered("!=", x, zero)))


def _decode(code: Emission, op: ops.Decode, x: Packed) -> IRValue:
    element = op.x.element
    type_ = vector(FLOAT, x.planes[0].type.count)
    if not isinstance(element, Bits):
        sign = code.b.select(x.planes[0], _number(type_, 1.0), _number(type_, -1.0))
        return code.b.select(x.planes[1], sign, _number(type_, 0.0))
    level: list[Any] = [_number(type_, _rounded_f32(v)) for v in element.values]
    for plane in x.planes:
        level = [
            code.b.select(plane, high, low)
            for low, high in zip(level[::2], level[1::2], strict=True)
        ]
    return level[0]


def _rounded_f32(value: float) -> float:
    return float(F32.dtype.type(value))


def _threshold(code: Emission, op: Op, x: Any, thresholds: Any, flip: Any) -> Packed:
    """One comparison whose result needs no turning: n >= t is n > t - 1, and its complement
    ~n > ~t. No count is so low that t - 1 could saturate beyond it."""
    assert x.type.element == INT32
    b = code.b
    zeros, ones = (ir.Constant(x.type, [n] * x.type.count) for n in (0, -1))
    turned = b.select(flip, ones, zeros)
    lower = code.overloaded("sadd.sat", thresholds, ones)
    bound = b.select(flip, b.xor(thresholds, ones), lower)
    return Packed((b.icmp_signed(">", b.xor(x, turned), bound),))


_ROUNDINGS = (ops.Floor, ops.Ceil, ops.Round)
_WIDE: dict[type[Op], Callable[..., math_float64.Wide]] = {
    ops.Acos: math_float64.acos,
    ops.Acosh: math_float64.acosh,
    ops.Asin: math_float64.asin,
    ops.Asinh: math_float64.asinh,
    ops.Atan: math_float64.atan,
    ops.Atanh: math_float64.atanh,
    ops.Cos: math_float64.cos,
    ops.Cosh: math_float64.cosh,
    ops.Pow: math_float64.power,
    ops.Sin: math_float64.sin,
    ops.Sinh: math_float64.sinh,
    ops.Tan: math_float64.tan,
}
_F32_ONLY = (ops.Exp, ops.Log, ops.Tanh, ops.Sigmoid, ops.Erf, *_WIDE)

EMITTERS: dict[type[Op], Emitter] = {
    ops.Abs: _abs,
    ops.Add: partial(_arithmetic, "fadd", "add"),
    ops.And: partial(_logical, "and_"),
    ops.Binarize: _binarize,
    ops.Cast: _cast,
    ops.Ceil: partial(_integral, math_float32.ceil),
    ops.Clip: _clip,
    ops.Decode: _decode,
    ops.Div: _divide,
    ops.Equal: partial(_compare, "=="),
    ops.Erf: partial(_f32, math_float32.erf),
    ops.Exp: partial(_f32, math_float32.exp),
    ops.Expand: _expand,
    ops.Floor: partial(_integral, math_float32.floor),
    ops.Less: partial(_compare, "<"),
    ops.LessEqual: partial(_compare, "<="),
    ops.Log: partial(_f32, math_float32.log),
    ops.Max: partial(_extreme, ">"),
    ops.Min: partial(_extreme, "<"),
    ops.Mul: partial(_arithmetic, "fmul", "mul"),
    ops.Neg: _neg,
    ops.Not: _not,
    ops.Or: partial(_logical, "or_"),
    ops.PRelu: _prelu,
    ops.Reciprocal: _reciprocal,
    ops.Relu: _relu,
    ops.Round: partial(_integral, math_float32.rint),
    ops.Sigmoid: partial(_f32, math_float32.sigmoid),
    ops.Sign: _sign,
    ops.Sqrt: _sqrt,
    ops.Sub: partial(_arithmetic, "fsub", "sub"),
    ops.Tanh: partial(_f32, math_float32.tanh),
    ops.Threshold: _threshold,
    ops.Where: _where,
    **{kind: math_float64.narrow(function) for kind, function in _WIDE.items()},
}
"""Operator class to emitter."""
