"""Float32 functions as LLVM IR, for scalars and vectors of any lane count, without libm.

A function gives the same bits on every target that has fused multiply-add, and on every other one.
Arguments are reduced as in Cephes (Moshier, "Methods and Programs for Mathematical
Functions", 1989); the polynomials are weighted minimax fits of our own, their coefficients
rounded to float32 one after another with the remaining ones fitted again.

Errors are against the exact value, in units of its last place, over all float32 arguments
(denormal results included); infinities and NaN behave as in NumPy:

    exp      0.9 ulp        sigmoid  1.97 ulp       erf      1.35 ulp
    log      0.8 ulp        tanh     1.35 ulp
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from .kernel_builder import Emission, IRValue

# exp(r) = 1 + r + r^2 * P(r) for |r| <= ln(2)/2, relative error 3e-9.
_EXP = (0.5, 0.16666513681411743, 0.04166640341281891, 0.008369527757167816, 0.001394060323946178)
# log(1 + r) = r - r^2/2 + r^3 * P(r) for sqrt(1/2) <= 1 + r <= sqrt(2), relative error 8e-10.
_LOG = (
    0.3333331346511841,
    -0.25000008940696716,
    0.20002073049545288,
    -0.1666799634695053,
    0.14220327138900757,
    -0.12406031787395477,
    0.1188356801867485,
    -0.1167144924402237,
    0.06750956177711487,
)
# tanh(x) = x + x * z * P(z), z = x^2 <= 0.625^2, relative error 4e-9.
_TANH = (
    -0.3333328068256378,
    0.1333141326904297,
    -0.0537375807762146,
    0.020632779225707054,
    -0.0056985002011060715,
)
# erf(x) = x + x * P(x^2) for |x| <= 1, relative error 1.2e-9.
_ERF = (
    0.12837916612625122,
    -0.3761262595653534,
    0.11283578723669052,
    -0.026853347197175026,
    0.005187162198126316,
    -0.0007997853099368513,
    7.806903158780187e-05,
)
# erf(x) = 1 - exp(-P(x)) for 1 <= x <= 3.95, relative error 1.1e-9; it rounds to 1 beyond.
_ERFC = (
    0.0003415003593545407,
    1.127089262008667,
    0.6381447315216064,
    0.10310684144496918,
    -0.0218381118029356,
    0.002947673201560974,
    -0.00018638110486790538,
)
_LN2_HIGH = 0.693359375
"""ln(2) to 10 bits: its product with any exponent of a float32 is exact."""
_LN2_LOW = -2.12194440e-4
_ROUND_MAGIC = 1.5 * 2.0**23
"""Adding it leaves the nearest integer in the low bits of the mantissa."""
_SQRT_HALF_BITS = 0x3F3504F3


def exp(code: Emission, x: IRValue) -> IRValue:
    """e to the power x, below 0.9 ulp; inf above 88.72, denormals and then 0 below -87.33."""
    return _exp(_Term(code, x).at_most(89.0).at_least(-104.5)).value


def log(code: Emission, x: IRValue) -> IRValue:
    """Natural logarithm, below 0.8 ulp; -inf at 0, NaN below it."""
    t = _Term(code, x)
    denormal = t.compare("<", 2.0**-126)
    bits = denormal.choose(t * 2.0**23, t).as_bits()
    # x = m * 2^e with sqrt(1/2) <= m < sqrt(2).
    e = (bits - _SQRT_HALF_BITS) >> 23
    r = (bits - (e << 23)).as_float() - 1.0
    scale = e.to_float() + denormal.choose(t.constant(-23.0), t.constant(0.0))
    z = r * r
    tail = z.times_plus(-0.5, scale.times_plus(_LN2_LOW, _horner(_LOG, r) * r * z))
    result = scale.times_plus(_LN2_HIGH, r + tail)
    result = t.compare("<", 0.0).choose(t.constant(float("nan")), result)
    result = t.compare("==", 0.0).choose(t.constant(-float("inf")), result)
    # NaN and +inf are their own logarithms: all that is not below infinity.
    return t.compare("<", float("inf")).choose(result, t).value


def sigmoid(code: Emission, x: IRValue) -> IRValue:
    """1 / (1 + exp(-x)), below 1.97 ulp also where the result is denormal."""
    t = _Term(code, x)
    # Only exp(-|x|) is taken, so that nothing overflows: 1/(1+e) for x >= 0, e/(1+e) below.
    e = _exp((-t.magnitude()).at_least(-104.5))
    divisor = e + 1.0
    lost = (1.0 - divisor) + e  # what the addition rounded away
    quotient = t.compare("<", 0.0).choose(e, t.constant(1.0)) / divisor
    return quotient.times_plus(-lost, quotient).value


def tanh(code: Emission, x: IRValue) -> IRValue:
    """Hyperbolic tangent, below 1.35 ulp."""
    t = _Term(code, x)
    a = t.magnitude()
    z = a * a
    small = (_horner(_TANH, z) * z).times_plus(a, a)
    large = 1.0 - 2.0 / (_exp_in_range((a + a).at_most(20.0)) + 1.0)  # 1 from 9.02 on
    return a.compare(">=", 0.625).choose(large, small).with_sign_of(t).value


def erf(code: Emission, x: IRValue) -> IRValue:
    """Error function, below 1.35 ulp."""
    t = _Term(code, x)
    a = t.magnitude()
    small = _horner(_ERF, a * a).times_plus(a, a)
    large = 1.0 - _exp_in_range(-_horner(_ERFC, a.at_most(4.0)))
    return a.compare(">=", 1.0).choose(large, small).with_sign_of(t).value


def floor(code: Emission, x: Any, native: bool) -> IRValue:
    """Largest integer not above x (f32 or f64), sign of zero kept.

    With ``native`` it is LLVM's intrinsic: one instruction from SSE4.1 and on every AArch64, a call
    to libm elsewhere; so without it, additions that round.
    """
    if native:
        return code.overloaded("floor", x)
    nearest = _nearest(code, x)
    above = code.b.fcmp_ordered(">", nearest, x)
    lower = code.b.fsub(nearest, _splat(x.type, 1.0))
    return code.overloaded("copysign", code.b.select(above, lower, nearest), x)


def ceil(code: Emission, x: Any, native: bool) -> IRValue:
    """Smallest integer not below x; see `floor`."""
    if native:
        return code.overloaded("ceil", x)
    nearest = _nearest(code, x)
    below = code.b.fcmp_ordered("<", nearest, x)
    upper = code.b.fadd(nearest, _splat(x.type, 1.0))
    return code.overloaded("copysign", code.b.select(below, upper, nearest), x)


def rint(code: Emission, x: Any, native: bool) -> IRValue:
    """Nearest integer, halves to even; see `floor`."""
    return code.overloaded("roundeven", x) if native else _nearest(code, x)


def maximum(code: Emission, a: IRValue, b: IRValue) -> IRValue:
    """The greater of two floats, NaN when one is NaN (NumPy's maximum); zeros of either sign are
    equal. One instruction on AArch64, three on x86."""
    return code.overloaded("maximum", a, b, flags=("nsz",))


def minimum(code: Emission, a: IRValue, b: IRValue) -> IRValue:
    """The smaller of two floats; see `maximum`."""
    return code.overloaded("minimum", a, b, flags=("nsz",))


def _exp(x: _Term) -> _Term:
    """exp(x) for -104.5 <= x <= 89, 2^n with |n| <= 151 times a number near 1; NaN stays."""
    near, n = _exp_parts(x)
    return near.scaled(n)


def _exp_in_range(x: _Term) -> _Term:
    """exp(x) for |x| <= 80: normal, so that n can be added to the exponent. Of NaN, anything."""
    near, n = _exp_parts(x)
    return (near.as_bits() + (n << 23)).as_float()


def _exp_parts(x: _Term) -> tuple[_Term, _Integer]:
    """(exp(r), n) with x = n * ln(2) + r, |r| <= ln(2) / 2."""
    shifted = x.times_plus(float(np.log2(np.e)), _ROUND_MAGIC)
    n = shifted - _ROUND_MAGIC
    r = n.times_plus(-_LN2_LOW, n.times_plus(-_LN2_HIGH, x))
    exponent = shifted.as_bits() - _bits_of(_ROUND_MAGIC)
    if x.code.target.has.fma:
        return _horner((1.0, 1.0, *_EXP), r), exponent
    # 1 + r + tail, with what 1 + r rounds away (Dekker's fast two-sum) kept in the tail.
    head = r + 1.0
    tail = _horner(_EXP, r) * (r * r) + (r - (head - 1.0))
    return head + tail, exponent


def _horner(coefficients: Sequence[float], x: _Term) -> _Term:
    """The polynomial with ``coefficients``, lowest power first."""
    total = x.constant(coefficients[-1])
    for c in coefficients[-2::-1]:
        total = total.times_plus(x, c)
    return total


def _bits_of(value: float) -> int:
    return int(np.float32(value).view(np.int32))


def _nearest(code: Emission, x: Any) -> Any:
    """The nearest integer: adding 2^23 (f64: 2^52) leaves no fraction bits. Greater magnitudes are
    integers already."""
    limit = 2.0**23 if _letter(x.type) == "f32" else 2.0**52
    bound = _splat(x.type, limit)
    shift = code.overloaded("copysign", bound, x)
    integer = code.b.fsub(code.b.fadd(x, shift), shift)
    small = code.b.fcmp_ordered("<", code.overloaded("fabs", x), bound)
    return code.b.select(small, code.overloaded("copysign", integer, x), x)


def _letter(type_: Any) -> str:
    element = type_.element if isinstance(type_, ir.VectorType) else type_
    return "f64" if isinstance(element, ir.DoubleType) else "f32"


@dataclass(frozen=True)
class _Term:
    """A float32 scalar or vector with arithmetic operators that emit instructions."""

    code: Emission
    value: Any

    def constant(self, number: float) -> _Term:
        """``number``, rounded to float32, in every lane."""
        return _Term(self.code, _splat(self.value.type, float(np.float32(number))))

    def _other(self, other: _Term | float) -> Any:
        return other.value if isinstance(other, _Term) else self.constant(other).value

    def __add__(self, other: _Term | float) -> _Term:
        return _Term(self.code, self.code.b.fadd(self.value, self._other(other)))

    def __sub__(self, other: _Term | float) -> _Term:
        return _Term(self.code, self.code.b.fsub(self.value, self._other(other)))

    def __rsub__(self, other: float) -> _Term:
        return self.constant(other) - self

    def __mul__(self, other: _Term | float) -> _Term:
        return _Term(self.code, self.code.b.fmul(self.value, self._other(other)))

    def times_plus(self, factor: _Term | float, addend: _Term | float) -> _Term:
        """The term times ``factor`` plus ``addend``, rounded once where the target has that."""
        if not self.code.target.has.fma:
            return self * factor + addend
        operands = self._other(factor), self._other(addend)
        return _Term(self.code, self.code.overloaded("fma", self.value, *operands))

    def scaled(self, power: _Integer) -> _Term:
        """The term, near 1, times 2 to a ``power`` of at most 151 either way: overflow gives inf,
        denormals round once."""
        if self.code.target.has.power_scaling:
            return _Term(self.code, self.code.scaled(self.value, power.value))
        half = power >> 1
        return self * half.power_of_two() * (power - half).power_of_two()

    def __truediv__(self, other: _Term | float) -> _Term:
        return _Term(self.code, self.code.b.fdiv(self.value, self._other(other)))

    def __rtruediv__(self, other: float) -> _Term:
        return self.constant(other) / self

    def __neg__(self) -> _Term:
        return _Term(self.code, self.code.b.fneg(self.value))

    def compare(self, relation: str, other: _Term | float) -> _Mask:
        """Lanes where the relation holds; False where one side is NaN."""
        lanes = self.code.b.fcmp_ordered(relation, self.value, self._other(other))
        return _Mask(self.code, lanes)

    def at_most(self, bound: float) -> _Term:
        """The smaller of the term and ``bound``; NaN stays."""
        return self.compare(">", bound).choose(self.constant(bound), self)

    def at_least(self, bound: float) -> _Term:
        """The greater of the term and ``bound``; NaN stays."""
        return self.compare("<", bound).choose(self.constant(bound), self)

    def magnitude(self) -> _Term:
        """The absolute value."""
        return _Term(self.code, self.code.overloaded("fabs", self.value))

    def with_sign_of(self, other: _Term) -> _Term:
        """The magnitude of the term with the sign of ``other``."""
        return _Term(self.code, self.code.overloaded("copysign", self.value, other.value))

    def as_bits(self) -> _Integer:
        """The bit pattern."""
        type_ = _like(self.value.type, ir.IntType(32))
        return _Integer(self.code, self.code.b.bitcast(self.value, type_))


@dataclass(frozen=True)
class _Integer:
    """An int32 scalar or vector beside a `_Term`."""

    code: Emission
    value: Any

    def _other(self, other: _Integer | int) -> Any:
        return other.value if isinstance(other, _Integer) else _splat(self.value.type, other)

    def __add__(self, other: _Integer | int) -> _Integer:
        return _Integer(self.code, self.code.b.add(self.value, self._other(other)))

    def __sub__(self, other: _Integer | int) -> _Integer:
        return _Integer(self.code, self.code.b.sub(self.value, self._other(other)))

    def __rshift__(self, count: int) -> _Integer:
        return _Integer(self.code, self.code.b.ashr(self.value, self._other(count)))

    def __lshift__(self, count: int) -> _Integer:
        return _Integer(self.code, self.code.b.shl(self.value, self._other(count)))

    def power_of_two(self) -> _Term:
        """2 to this power, for -127 < power < 128."""
        return ((self + 127) << 23).as_float()

    def as_float(self) -> _Term:
        """The float with this bit pattern."""
        type_ = _like(self.value.type, ir.FloatType())
        return _Term(self.code, self.code.b.bitcast(self.value, type_))

    def to_float(self) -> _Term:
        """The float nearest to the integer."""
        type_ = _like(self.value.type, ir.FloatType())
        return _Term(self.code, self.code.b.sitofp(self.value, type_))


@dataclass(frozen=True)
class _Mask:
    """Truth per lane."""

    code: Emission
    value: Any

    def choose(self, yes: _Term, no: _Term) -> _Term:
        """``yes`` where the mask holds, ``no`` elsewhere."""
        return _Term(self.code, self.code.b.select(self.value, yes.value, no.value))


def _like(type_: ir.Type, scalar: ir.Type) -> ir.Type:
    return ir.VectorType(scalar, type_.count) if isinstance(type_, ir.VectorType) else scalar


def _splat(type_: ir.Type, number: float) -> ir.Constant:
    many = isinstance(type_, ir.VectorType)
    return ir.Constant(type_, [number] * type_.count if many else number)
