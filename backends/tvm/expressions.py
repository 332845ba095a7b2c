"""TIR expressions with the interface of a kernel under construction.

The emitters of `codegen.elementwise_emitters` write vectors of LLVM IR. Over `Expressions` the same
emitters write TIR: a value is a `Term`, one lane of LLVM's type and the TIR expression of it. Both
backends therefore round alike, bit for bit. Integers are signed in TIR, as wide as in LLVM; what
LLVM does to unsigned ones goes through a cast.

TVM's simplifier takes floats for real numbers: (x + y) - y becomes x, x + 0 too, 0 * x is 0, x == x
true and not x < y becomes y <= x. So floats are subtracted by adding what has the other sign, no
comparison is an equality or negated, and none is a constant or comes from an integer that could
become one: these pass through an `opaque` function. LLVM makes of all that what was meant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from llvmlite import ir

from ..codegen.kernel_builder import I1, vector
from ..targets import Target
from .tir import tirx

Expression = Any
"""A TIR expression: TVM does not type what its operators return."""

_LARGE = 8
"""Nodes of an expression that is worth keeping: TVM's simplifiers take several times as long for
one twice as large. LLVM makes the same code of either."""
_DTYPES = {"float": "float32", "double": "float64", "half": "float16", "i1": "bool"}


def dtype_of(type_: ir.Type) -> str:
    """TIR's name of an LLVM scalar, or of the lanes of a vector."""
    element = type_.element if isinstance(type_, ir.VectorType) else type_
    name = str(element)
    return _DTYPES.get(name) or f"int{name.removeprefix('i')}"


@dataclass(frozen=True)
class Term:
    """One lane: its LLVM type, a vector of one, and the expression."""

    type: ir.VectorType
    value: Expression
    size: int = 1
    """Nodes of the expression, those of what was kept not counted."""

    @classmethod
    def of(cls, element: ir.Type, value: Expression) -> Term:
        """An expression as a lane of an LLVM scalar type."""
        return cls(vector(element, 1), value)


def integer_of(dtype: str) -> str:
    """The integer of a float's width."""
    return dtype.replace("float", "int")


def constant(type_: ir.Type, number: Any) -> Expression:
    """A number as TIR; a float by its bits."""
    name = dtype_of(type_)
    if name == "bool":
        return tirx.const(bool(number), name)
    if name.startswith("float"):
        integer = integer_of(name)
        bits = int(np.array(number, name).view(integer))
        return tirx.reinterpret(name, opaque(tirx.const(bits, integer)))
    return tirx.const(number, name)


def opaque(value: Expression) -> Expression:
    """An integer of which TVM knows nothing, its bits turned around twice: LLVM turns them back."""
    name = str(value.ty.dtype)
    return intrinsic("bitreverse", name, intrinsic("bitreverse", name, value))


def expression(operand: Any) -> Expression:
    """The expression of a term or of a constant of LLVM's."""
    if isinstance(operand, Term):
        return operand.value
    assert isinstance(operand, ir.Constant)
    lanes = operand.constant
    number = 0 if lanes is None else lanes[0]
    return constant(operand.type, number.constant if isinstance(number, ir.Constant) else number)


def negated(condition: Expression) -> Expression:
    """The opposite of a condition."""
    return tirx.Select(condition, tirx.const(False, "bool"), tirx.const(True, "bool"))


def reinterpreted(value: Expression, dtype: str) -> Expression:
    """The same bits as another type of the same width."""
    return value if str(value.ty.dtype) == dtype else tirx.reinterpret(dtype, value)


def _arithmetic(node: Any) -> Callable[..., Term]:
    """A method that makes a node of two terms of one type."""

    def emitted(self: Builder, a: Any, b: Any) -> Term:
        return self.term(a.type, node(expression(a), expression(b)), a, b)

    return emitted


def _wrapping(node: Any) -> Callable[..., Term]:
    """The same for integers, which wrap around: where TVM says that they do not, twice as wide."""

    def emitted(self: Builder, a: Any, b: Any) -> Term:
        operands = [expression(x) for x in (a, b)]
        if dtype_of(a.type) == "int32":
            wide = node(*(tirx.Cast("int64", x) for x in operands))
            return self.term(a.type, tirx.Cast("int32", wide), a, b)
        return self.term(a.type, node(*operands), a, b)

    return emitted


class Builder:
    """The part of llvmlite's builder that the emitters use, over terms.

    A term that is used twice stands in TIR twice, with all that it is made of. ``keep`` stores an
    expression and gives what reads it; those that have grown large go there.
    """

    def __init__(self) -> None:
        self.keep: Callable[[Expression], Expression] | None = None

    def term(self, type_: ir.VectorType, value: Expression, *operands: Any) -> Term:
        """A term from others."""
        size = 1 + sum(x.size for x in operands if isinstance(x, Term))
        if size > _LARGE and self.keep is not None:
            return Term(type_, self.keep(value))
        return Term(type_, value, size)

    add = _wrapping(tirx.Add)
    sub = _wrapping(tirx.Sub)
    mul = _wrapping(tirx.Mul)
    fdiv = sdiv = _arithmetic(tirx.Div)

    fadd = _arithmetic(tirx.Add)

    def fmul(self, a: Any, b: Any) -> Term:
        """Product of floats; TVM would join it with an addition into one that rounds once."""
        name = dtype_of(a.type)
        product = reinterpreted(tirx.Mul(expression(a), expression(b)), integer_of(name))
        return self.term(a.type, reinterpreted(product, name), a, b)

    def fsub(self, a: Any, b: Any) -> Term:
        """Difference of floats."""
        return self.fadd(a, self.fneg(b))

    def fneg(self, a: Any) -> Term:
        """The sign bit turned, that of zero and NaN too."""
        name = dtype_of(a.type)
        integer = integer_of(name)
        bits = reinterpreted(expression(a), integer)
        turned = tirx.bitwise_xor(bits, tirx.min_value(integer))
        return self.term(a.type, reinterpreted(turned, name), a)

    def udiv(self, a: Any, b: Any) -> Term:
        """Quotient of unsigned integers."""
        operands = [_unsigned(x) for x in (a, b)]
        return self.term(a.type, tirx.Cast(dtype_of(a.type), tirx.Div(*operands)), a, b)

    def _bitwise(self, a: Any, b: Any, numbers: Any, truths: Any) -> Term:
        node = truths if a.type.element == I1 else numbers
        return self.term(a.type, node(expression(a), expression(b)), a, b)

    def and_(self, a: Any, b: Any) -> Term:
        """Both."""
        return self._bitwise(a, b, tirx.bitwise_and, tirx.And)

    def or_(self, a: Any, b: Any) -> Term:
        """Either."""
        return self._bitwise(a, b, tirx.bitwise_or, tirx.Or)

    def xor(self, a: Any, b: Any) -> Term:
        """Just one."""
        return self._bitwise(a, b, tirx.bitwise_xor, _differ)

    def not_(self, a: Any) -> Term:
        """None."""
        node = negated if a.type.element == I1 else tirx.bitwise_not
        return self.term(a.type, node(expression(a)), a)

    def shl(self, a: Any, b: Any) -> Term:
        """To the left."""
        return self.term(a.type, tirx.shift_left(expression(a), expression(b)), a, b)

    def ashr(self, a: Any, b: Any) -> Term:
        """To the right, the sign repeated."""
        return self.term(a.type, tirx.shift_right(expression(a), expression(b)), a, b)

    def lshr(self, a: Any, b: Any) -> Term:
        """To the right, zeros from the left."""
        shifted = tirx.shift_right(_unsigned(a), _unsigned(b))
        return self.term(a.type, tirx.Cast(dtype_of(a.type), shifted), a, b)

    def select(self, condition: Any, a: Any, b: Any) -> Term:
        """a or b."""
        chosen = tirx.Select(expression(condition), expression(a), expression(b))
        return self.term(a.type, chosen, condition, a, b)

    def _truth(self, value: Expression, *operands: Any) -> Term:
        return self.term(vector(I1, 1), value, *operands)

    def fcmp_ordered(self, relation: str, a: Any, b: Any) -> Term:
        """False where one side is NaN."""
        operands = expression(a), expression(b)
        if relation == "==":
            return self._truth(tirx.And(tirx.LE(*operands), tirx.GE(*operands)), a, b, a, b)
        if relation == "!=":
            return self._truth(tirx.Or(tirx.LT(*operands), tirx.GT(*operands)), a, b, a, b)
        return self._truth(_RELATIONS[relation](*operands), a, b)

    def fcmp_unordered(self, relation: str, a: Any, b: Any) -> Term:
        """Inequality, true where one side is NaN, or just that (``uno``)."""
        if relation == "!=":
            return self.not_(self.fcmp_ordered("==", a, b))
        assert relation == "uno"
        return self._truth(tirx.Or(_is_nan(a), _is_nan(b)), a, b)

    def icmp_signed(self, relation: str, a: Any, b: Any) -> Term:
        """Signed integers."""
        return self._truth(_RELATIONS[relation](_opaque(a), _opaque(b)), a, b)

    def icmp_unsigned(self, relation: str, a: Any, b: Any) -> Term:
        """Unsigned integers."""
        return self._truth(_RELATIONS[relation](_unsigned(a), _unsigned(b)), a, b)

    def bitcast(self, a: Any, type_: ir.VectorType) -> Term:
        """The same bits."""
        source = expression(a)
        if not str(source.ty.dtype).startswith("float"):
            source = opaque(source)
        return self.term(type_, reinterpreted(source, dtype_of(type_)), a)

    def _cast(self, a: Any, type_: ir.VectorType) -> Term:
        return self.term(type_, tirx.Cast(dtype_of(type_), expression(a)), a)

    fpext = fptrunc = fptosi = sext = _cast

    def sitofp(self, a: Any, type_: ir.VectorType) -> Term:
        """The nearest float of a signed integer."""
        return self.term(type_, tirx.Cast(dtype_of(type_), _opaque(a)), a)

    def trunc(self, a: Any, type_: ir.VectorType) -> Term:
        """The low bits."""
        if type_.element != I1:
            return self._cast(a, type_)
        low = tirx.bitwise_and(expression(a), constant(a.type, 1))
        return self.term(type_, tirx.NE(low, constant(a.type, 0)), a)

    def zext(self, a: Any, type_: ir.VectorType) -> Term:
        """Zeros in front."""
        if a.type.element == I1:
            return self._cast(a, type_)
        return self.term(type_, tirx.Cast(dtype_of(type_), _unsigned(a)), a)

    def uitofp(self, a: Any, type_: ir.VectorType) -> Term:
        """The nearest float of an unsigned integer."""
        return self.term(type_, tirx.Cast(dtype_of(type_), opaque(_unsigned(a))), a)


def _differ(a: Expression, b: Expression) -> Expression:
    """Whether one of two truths holds; TVM has no such operation on vectors."""
    bits = tirx.bitwise_xor(tirx.Cast("int8", a), tirx.Cast("int8", b))
    return tirx.NE(bits, tirx.const(0, "int8"))


def _unsigned(a: Any) -> Expression:
    name = dtype_of(a.type)
    value = expression(a)
    return tirx.Cast("uint8" if name == "bool" else f"u{name}", value)


def _opaque(a: Any) -> Expression:
    """An integer, opaque: TVM moves terms to the other side of a comparison, where they may
    overflow. Truths are numbers, since it compares them as floats."""
    name, value = dtype_of(a.type), expression(a)
    return opaque(tirx.Cast("int8", value) if name == "bool" else value)


def _is_nan(a: Any) -> Expression:
    """By its bits: TVM may take a number for equal to itself."""
    value, double = expression(a), a.type.element == ir.DoubleType()
    name, high = ("int64", 0x7FF0 << 48) if double else ("int32", 0x7F80 << 16)
    mask = tirx.const((1 << (63 if double else 31)) - 1, name)
    return tirx.GT(tirx.bitwise_and(reinterpreted(value, name), mask), tirx.const(high, name))


_RELATIONS = {
    "==": tirx.EQ,
    "!=": tirx.NE,
    "<": tirx.LT,
    "<=": tirx.LE,
    ">": tirx.GT,
    ">=": tirx.GE,
}


@dataclass(frozen=True)
class Expressions:
    """What `codegen.kernel_builder.Emission` asks for, writing TIR for one target."""

    target: Target

    @cached_property
    def b(self) -> Builder:
        """Arithmetic, comparisons, conversions and selections."""
        return Builder()

    def overloaded(self, name: str, x: Any, *more: Any, flags: Sequence[str] = ()) -> Term:
        """``llvm.<name>``; its flags only allow what is not needed."""
        if name == "abs":  # of integers; its second operand must stay a scalar
            opposite = self.b.sub(Term(x.type, constant(x.type, 0)), x)
            largest = tirx.Max(expression(x), expression(opposite))
            return self.b.term(x.type, largest, x, opposite)
        operands = [expression(a) for a in (x, *more)]
        return self.b.term(x.type, intrinsic(name, dtype_of(x.type), *operands), x, *more)

    def saturated(self, x: Any, type_: ir.VectorType) -> Term:
        """Floats towards zero to signed integers, the nearest where out of range; NaN gives 0."""
        integers = intrinsic("fptosi.sat", dtype_of(type_), expression(x))
        return self.b.term(type_, integers, x)

    def scaled(self, x: Any, power: Any) -> Term:
        """Floats times 2 to the ``power`` (i32), rounded once. Needs ``power_scaling``."""
        product = intrinsic("ldexp", dtype_of(x.type), expression(x), expression(power))
        return self.b.term(x.type, product, x, power)

    def intrinsic(self, name: str, result: ir.VectorType, *args: Any) -> Term:
        """Call an LLVM intrinsic by its full name."""
        operands = [expression(a) for a in args]
        value = intrinsic(name.removeprefix("llvm."), dtype_of(result), *operands)
        return self.b.term(result, value, *args)


def intrinsic(name: str, dtype: str, *args: Expression) -> Expression:
    """A call of ``llvm.<name>``."""
    return tirx.call_llvm_pure_intrin(dtype, f"llvm.{name}", *args)


def multiply_add(target: Target, a: Expression, b: Expression, c: Expression) -> Expression:
    """a * b + c of floats, rounded once where the target has the instruction."""
    if target.has.fma:
        return intrinsic("fma", str(c.ty.dtype), a, b, c)
    return tirx.Add(tirx.Mul(a, b), c)
