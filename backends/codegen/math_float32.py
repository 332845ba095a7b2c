"""Float32 functions as LLVM IR, for scalars and vectors of any lane count, without libm.

A function gives the same bits on every target that has fused multiply-add, and on every other one.
Arguments are reduced as in Cephes (Moshier, "Methods and Programs for Mathematical
Functions", 1989); the polynomials are weighted minimax fits of our own, their coefficients
rounded to float32 one after another with the remaining ones fitted again.

Errors are against the exact value, in units of its last place, over all float32 arguments
(denormal results included); infinities and NaN behave as in NumPy:

    ulp            exp     log     sigmoid   tanh    erf
    with FMA       0.92    0.81    2.45      5.27    1.14
    without        0.83    0.81    2.45      5.80    1.20
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
# tanh(x) = x * (1 + z * A(z)) / (1 + z * B(z)) with z = x^2 for |x| <= 9.02, relative error 2.3e-8.
# It rounds to 1 beyond.
_TANH_ABOVE = (
    0.13382722437381744,
    0.0034975085873156786,
    2.0637005945900455e-05,
    1.3386606489973474e-08,
)
_TANH_BELOW = (
    0.4671604335308075,
    0.025884531438350677,
    0.0003288615553174168,
    7.79105164383509e-07,
)
_TANH_END = 9.02**2
_LN2_HIGH = 0.693359375
"""ln(2) to 10 bits: its product with any exponent of a float32 is exact."""
_LN2_LOW = -2.12194440e-4
_ROUND_MAGIC = 1.5 * 2.0**23
"""Adding it leaves the nearest integer in the low bits of the mantissa."""
_BIAS = 127
"""What the exponent field of 2^0 holds."""
_EXPONENT_AT = 23
"""The lowest bit of the exponent field."""
_LEAST = -104.5
"""e to the power of this, and of all below it, rounds to 0."""
EXP_SCALE = 64
"""The power of two by which `scaled_exp` multiplies."""
_SQRT_HALF_BITS = 0x3F3504F3


def exp(code: Emission, x: IRValue) -> IRValue:
    """e to the power x; inf above 88.72, denormals and then 0 below -87.33."""
    t = _Term(code, x).at_most(89.0).at_least(_LEAST)
    # 2^n is beyond the floats at both ends: the product of two powers, each about half of it.
    power = _Exponential.of(t, bias=2 * _BIAS)
    if code.target.has.power_scaling:
        return power.scaled(t.constant(1.0)).scaled(power.n).value
    first = (power.biased << (_EXPONENT_AT - 1)) & -(1 << _EXPONENT_AT)
    second = (power.biased << _EXPONENT_AT) - first
    return (power.scaled(second.as_float()) * first.as_float()).value


def scaled_exp(code: Emission, x: IRValue) -> IRValue:
    """2^64 times e to the power x, for x <= 0: 2^-87 from -104.5 down, so that none of the powers
    that softmax divides by their sum is denormal. Off by up to |x| times 2.8e-9 more than `exp`."""
    t = _Term(code, x).at_least(_LEAST)
    power = _Exponential.of(t, bias=_BIAS + EXP_SCALE, fast=True)
    return power.scaled(power.scale()).value


def log(code: Emission, x: IRValue) -> IRValue:
    """Natural logarithm; -inf at 0, NaN below it."""
    t = _Term(code, x)
    denormal = t.compare("<", 2.0**-126)
    bits = denormal.choose(t * 2.0**23, t).as_bits()
    # x = m * 2^e with sqrt(1/2) <= m < sqrt(2).
    e = (bits - _SQRT_HALF_BITS) >> 23
    r = (bits - (e << 23)).as_float() - 1.0
    scale = e.to_float() + denormal.choose(t.constant(-23.0), t.constant(0.0))
    z = r * r
    tail = z.times_plus(-0.5, scale.times_plus(_LN2_LOW, _polynomial(_LOG, r) * r * z))
    result = scale.times_plus(_LN2_HIGH, r + tail)
    result = t.compare("<", 0.0).choose(t.constant(float("nan")), result)
    result = t.compare("==", 0.0).choose(t.constant(-float("inf")), result)
    # NaN and +inf are their own logarithms: all that is not below infinity.
    return t.compare("<", float("inf")).choose(result, t).value


def sigmoid(code: Emission, x: IRValue) -> IRValue:
    """1 / (1 + exp(-x)), denormal results too; 1 from 17.33 on."""
    t = _Term(code, x).at_most(17.5).at_least(_LEAST)
    # Both sides of the quotient times 2^-64, so that neither end leaves the floats.
    power = _Exponential.of(t, times=-1, bias=_BIAS - 64)
    one, scale = t.constant(2.0**-64), power.scale()
    return (one / power.fraction.times_plus(-scale, scale + one)).value


def tanh(code: Emission, x: IRValue) -> IRValue:
    """Hyperbolic tangent, never beyond 1."""
    t = _Term(code, x)
    z = (t * t).at_most(_TANH_END)
    above, below = (_horner((1.0, *c), z) for c in (_TANH_ABOVE, _TANH_BELOW))
    return (t * above / below).at_most(1.0).at_least(-1.0).value


def erf(code: Emission, x: IRValue) -> IRValue:
    """Error function."""
    sign, a = _Term(code, x).sign_and_magnitude()
    near = _polynomial(_ERF, a * a).times_plus(a, a)
    power = _Exponential.of(_polynomial(_ERFC, a.at_most(4.0)), times=-1, fast=True)
    scale = power.scale()
    far = power.fraction.times_plus(scale, 1.0 - scale)
    return a.compare(">=", 1.0).choose(far, near).with_sign(sign).value


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


def multiply_add(code: Emission, a: IRValue, b: IRValue, c: IRValue) -> IRValue:
    """a * b + c, rounded once where the target has that."""
    return _Term(code, a).times_plus(_Term(code, b), _Term(code, c)).value


def maximum(code: Emission, a: IRValue, b: IRValue) -> IRValue:
    """The greater of two floats, NaN when one is NaN (NumPy's maximum); zeros of either sign are
    equal. One instruction on AArch64, three on x86."""
    return code.overloaded("maximum", a, b, flags=("nsz",))


def minimum(code: Emission, a: IRValue, b: IRValue) -> IRValue:
    """The smaller of two floats; see `maximum`."""
    return code.overloaded("minimum", a, b, flags=("nsz",))


@dataclass(frozen=True)
class _Exponential:
    """exp(times * x) as 2^n times 1 + times * fraction, with |fraction| < 0.42, NaN where x is."""

    biased: _Integer
    """n + bias in its low 9 bits."""
    bias: int
    r: _Term
    """x - n * ln(2) * times, at most ln(2) / 2 either way."""
    tail: _Term
    """(fraction - r) / r^2, a polynomial in r."""

    @classmethod
    def of(cls, x: _Term, times: int = 1, bias: int = _BIAS, fast: bool = False) -> _Exponential:
        """Of ``x`` with |n| <= 151; ``times`` is 1 or -1.

        With ``fast``, r may be off by n times 1.9e-9, which is for functions that tend to a
        constant as n grows.
        """
        magic = _ROUND_MAGIC + bias
        shifted = x.times_plus(times * float(np.log2(np.e)), magic)
        n = shifted - magic
        once = fast and x.code.target.has.fma
        r = x
        for part in (float(np.log(2)),) if once else (_LN2_HIGH, _LN2_LOW):
            r = n.times_plus(-part * times, r)
        tail = _polynomial([c * times ** (i + 1) for i, c in enumerate(_EXP)], r)
        return cls(shifted.as_bits(), bias, r, tail)

    @property
    def n(self) -> _Integer:
        """The power of two."""
        return self.biased - _bits_of(_ROUND_MAGIC + self.bias)

    @property
    def fraction(self) -> _Term:
        """What, times `times`, is added to 1."""
        return self.tail.times_plus(self.r * self.r, self.r)

    def scale(self) -> _Term:
        """2^(n + bias - 127), a normal number."""
        return (self.biased << _EXPONENT_AT).as_float()

    def scaled(self, scale: _Term) -> _Term:
        """1 + fraction, rounded once, times a power of two; for ``times`` 1."""
        if self.r.code.target.has.fma:
            return self.tail.times_plus(self.r, 1.0).times_plus(self.r * scale, scale)
        # 1 + r + tail, with what 1 + r rounds away (Dekker's fast two-sum) kept in the tail.
        head = self.r + 1.0
        return (head + (self.tail * (self.r * self.r) + (self.r - (head - 1.0)))) * scale


def _polynomial(coefficients: Sequence[float], x: _Term) -> _Term:
    """The polynomial with ``coefficients``, lowest power first, as one in x^2 with coefficients of
    a + b * x: half as many steps wait for each other as in Horner's scheme."""
    terms = [x.constant(c) for c in coefficients]
    pairs = [high.times_plus(x, low) for low, high in zip(terms[::2], terms[1::2], strict=False)]
    pairs += terms[2 * len(pairs) :]
    square = x * x
    total = pairs[-1]
    for pair in pairs[-2::-1]:
        total = total.times_plus(square, pair)
    return total


def _horner(coefficients: Sequence[float], x: _Term) -> _Term:
    """The polynomial with ``coefficients``, lowest power first, in the fewest operations."""
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
        """The term times 2 to a ``power``, rounded once. Needs ``power_scaling``."""
        return _Term(self.code, self.code.scaled(self.value, power.value))

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

    def sign_and_magnitude(self) -> tuple[_Integer, _Term]:
        """The sign bit, and the absolute value."""
        sign = self.as_bits() & -(1 << 31)
        return sign, (self.as_bits() ^ sign).as_float()

    def with_sign(self, sign: _Integer) -> _Term:
        """The term, which is not negative, with a sign bit."""
        return (self.as_bits() ^ sign).as_float()

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

    def __and__(self, mask: int) -> _Integer:
        return _Integer(self.code, self.code.b.and_(self.value, self._other(mask)))

    def __xor__(self, other: _Integer) -> _Integer:
        return _Integer(self.code, self.code.b.xor(self.value, other.value))

    def __lshift__(self, count: int) -> _Integer:
        return _Integer(self.code, self.code.b.shl(self.value, self._other(count)))

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
