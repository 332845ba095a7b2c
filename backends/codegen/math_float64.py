"""Float32 functions computed in float64 and rounded once: trigonometry, its inverses, powers.

They are slower than those of `math_float32` and rare in networks; in exchange plain Taylor series
suffice, and results are within 0.51 ulp. Sine, cosine and tangent reduce their argument by pi/2 in
three parts, exactly up to |x| = 1e6; beyond that their error grows with x.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from .kernel_builder import DOUBLE, FLOAT, I64, Emission, vector

_LN2 = (float.fromhex("0x1.62e42feep-1"), float.fromhex("0x1.a39ef35793c76p-33"))
"""ln(2) in parts, the first one of 32 bits."""
_HALF_PI = (
    float.fromhex("0x1.921fb544p+0"),
    float.fromhex("0x1.0b4611a6p-34"),
    float.fromhex("0x1.3198a2e037073p-69"),
)
"""pi/2 in parts of 33 bits, whose products with integers below 2^20 are exact."""
_SQRT_HALF_BITS = 0x3FE6A09E667F3BCD


@dataclass(frozen=True)
class Wide:
    """A vector of float64 with arithmetic operators that emit instructions."""

    code: Emission
    value: Any

    def of(self, number: float) -> Wide:
        """``number`` in every lane."""
        return Wide(self.code, ir.Constant(self.value.type, [number] * self.value.type.count))

    def _other(self, other: Wide | float) -> Any:
        return other.value if isinstance(other, Wide) else self.of(other).value

    def __add__(self, other: Wide | float) -> Wide:
        return Wide(self.code, self.code.b.fadd(self.value, self._other(other)))

    def __sub__(self, other: Wide | float) -> Wide:
        return Wide(self.code, self.code.b.fsub(self.value, self._other(other)))

    def __mul__(self, other: Wide | float) -> Wide:
        return Wide(self.code, self.code.b.fmul(self.value, self._other(other)))

    def __truediv__(self, other: Wide | float) -> Wide:
        return Wide(self.code, self.code.b.fdiv(self.value, self._other(other)))

    def __rtruediv__(self, other: float) -> Wide:
        return self.of(other) / self

    def __rsub__(self, other: float) -> Wide:
        return self.of(other) - self

    def call(self, name: str, *more: Wide) -> Wide:
        """An LLVM intrinsic on float64."""
        lanes = self.code.overloaded(name, self.value, *(m.value for m in more))
        return Wide(self.code, lanes)

    def compare(self, relation: str, other: Wide | float) -> Any:
        """Lanes where the relation holds; False where one side is NaN."""
        return self.code.b.fcmp_ordered(relation, self.value, self._other(other))

    def where(self, mask: Any, other: Wide | float) -> Wide:
        """This where ``mask`` holds, ``other`` elsewhere."""
        return Wide(self.code, self.code.b.select(mask, self.value, self._other(other)))

    def nearest(self) -> Wide:
        """The nearest integer, for magnitudes below 2^51."""
        magic = 1.5 * 2.0**52
        return (self + magic) - magic

    def integers(self) -> Any:
        """The float64 integers as i64 lanes, for magnitudes below 2^31."""
        return self.code.b.fptosi(self.value, vector(I64, self.value.type.count))

    def bits(self) -> Any:
        """The bit pattern."""
        return self.code.b.bitcast(self.value, vector(I64, self.value.type.count))

    def from_bits(self, bits: Any) -> Wide:
        """A vector like this one with a bit pattern."""
        return Wide(self.code, self.code.b.bitcast(bits, self.value.type))

    def all_bits(self, number: int) -> Any:
        """An i64 in every lane."""
        return ir.Constant(vector(I64, self.value.type.count), [number] * self.value.type.count)


def narrow(function: Callable[..., Wide]) -> Callable[..., Any]:
    """The function on vectors of float32."""

    def emitted(code: Emission, op: Any, *operands: Any) -> Any:
        type_ = vector(DOUBLE, operands[0].type.count)
        widened = [Wide(code, code.b.fpext(x, type_)) for x in operands]
        return code.b.fptrunc(function(*widened).value, vector(FLOAT, type_.count))

    return emitted


def _series(x: Wide, coefficients: Sequence[float]) -> Wide:
    """The polynomial with coefficients from the lowest power on."""
    total = x.of(coefficients[-1])
    for c in coefficients[-2::-1]:
        total = total * x + c
    return total


def exp(x: Wide) -> Wide:
    """e to the power x, for the range of float32 and some more; NaN stays."""
    x = x.of(-200.0).where(x.compare("<", -200.0), x)
    x = x.of(200.0).where(x.compare(">", 200.0), x)
    n = (x * math.log2(math.e)).nearest()
    r = (x - n * _LN2[0]) - n * _LN2[1]
    power = _series(r, [1 / math.factorial(k) for k in range(14)])
    b = x.code.b
    safe = n.where(n.compare("==", n), 0.0)
    shifted = b.add(safe.integers(), n.all_bits(1023))
    return power * x.from_bits(b.shl(shifted, n.all_bits(52)))


def log(x: Wide) -> Wide:
    """Natural logarithm of what is not denormal; NaN below zero."""
    b = x.code.b
    bits = x.bits()
    e = b.ashr(b.sub(bits, x.all_bits(_SQRT_HALF_BITS)), x.all_bits(52))
    m = x.from_bits(b.sub(bits, b.shl(e, x.all_bits(52))))
    s = (m - 1.0) / (m + 1.0)
    tail = _series(s * s, [2 / (2 * k + 1) for k in range(12)]) * s
    out = tail + Wide(x.code, b.sitofp(e, x.value.type)) * math.log(2)
    out = out.where(x.compare(">", 0.0), x.of(float("nan")))
    out = x.of(-math.inf).where(x.compare("==", 0.0), out)
    return x.where(x.compare("==", math.inf), out)


def _quadrant(x: Wide) -> tuple[Wide, Wide, Any]:
    """Sine and cosine of the remainder of x by pi/2, and how many times pi/2 was taken off."""
    limit = x.call("fabs").compare("<", 2.0**50)
    n = x.where(limit, 0.0) * (2 / math.pi)
    n = n.nearest()
    r = ((x - n * _HALF_PI[0]) - n * _HALF_PI[1]) - n * _HALF_PI[2]
    z = r * r
    sine = _series(z, [(-1) ** k / math.factorial(2 * k + 1) for k in range(9)]) * r
    cosine = _series(z, [(-1) ** k / math.factorial(2 * k) for k in range(10)])
    return sine, cosine, n.integers()


def _turned(sine: Wide, cosine: Wide, n: Any) -> Wide:
    """sin(r + n * pi/2)."""
    b, code = sine.code.b, sine.code
    odd = b.trunc(n, vector(ir.IntType(1), sine.value.type.count))
    half = b.trunc(b.lshr(n, sine.all_bits(1)), odd.type)
    out = cosine.where(odd, sine)
    return Wide(code, b.select(half, b.fneg(out.value), out.value))


def sin(x: Wide) -> Wide:
    """Sine."""
    return _turned(*_quadrant(x))


def cos(x: Wide) -> Wide:
    """Cosine."""
    sine, cosine, n = _quadrant(x)
    return _turned(sine, cosine, x.code.b.add(n, x.all_bits(1)))


def tan(x: Wide) -> Wide:
    """Tangent."""
    sine, cosine, n = _quadrant(x)
    return _turned(sine, cosine, n) / _turned(sine, cosine, x.code.b.add(n, x.all_bits(1)))


def atan(x: Wide) -> Wide:
    """Arc tangent: of 1/x above 1, and by (x - 1) / (x + 1) above tan(pi/8)."""
    a = x.call("fabs")
    large = a.compare(">", 1.0)
    small = (1.0 / a).where(large, a)
    middle = small.compare(">", math.tan(math.pi / 8))
    z = ((small - 1.0) / (small + 1.0)).where(middle, small)
    out = _series(z * z, [(-1) ** k / (2 * k + 1) for k in range(16)]) * z
    out = (out + math.pi / 4).where(middle, out)
    out = (math.pi / 2 - out).where(large, out)
    return out.call("copysign", x)


def asin(x: Wide) -> Wide:
    """Arc sine; NaN beyond 1."""
    return atan(x / ((1.0 - x) * (x + 1.0)).call("sqrt"))


def acos(x: Wide) -> Wide:
    """Arc cosine; NaN beyond 1."""
    return atan(((1.0 - x) / (x + 1.0)).call("sqrt")) * 2.0


def _near_zero(x: Wide, c3: float, c5: float, other: Wide) -> Wide:
    """x + c3 x^3 + c5 x^5 where the other form loses digits."""
    small = _series(x * x, [1.0, c3, c5]) * x
    return small.where(x.call("fabs").compare("<", 0.01), other)


def sinh(x: Wide) -> Wide:
    """Hyperbolic sine."""
    e = exp(x)
    return _near_zero(x, 1 / 6, 1 / 120, (e - 1.0 / e) * 0.5)


def cosh(x: Wide) -> Wide:
    """Hyperbolic cosine."""
    e = exp(x)
    return (e + 1.0 / e) * 0.5


def asinh(x: Wide) -> Wide:
    """Inverse hyperbolic sine."""
    a = x.call("fabs")
    by_logarithm = log(a + (a * a + 1.0).call("sqrt")).call("copysign", x)
    return _near_zero(x, -1 / 6, 3 / 40, by_logarithm)


def acosh(x: Wide) -> Wide:
    """Inverse hyperbolic cosine; NaN below 1."""
    return log(x + ((x - 1.0) * (x + 1.0)).call("sqrt"))


def atanh(x: Wide) -> Wide:
    """Inverse hyperbolic tangent; NaN beyond 1."""
    return _near_zero(x, 1 / 3, 1 / 5, log((x + 1.0) / (1.0 - x)) * 0.5)


def power(x: Wide, y: Wide) -> Wide:
    """x to the power y, with NumPy's special cases."""
    b = x.code.b
    a = x.call("fabs")
    product = y * log(a)
    out = exp(product)
    out = x.of(math.inf).where(product.compare(">", 199.0), out)
    out = x.of(0.0).where(product.compare("<", -199.0), out)
    # Whole and odd exponents: those from 2^53 on are even.
    near = y.where(y.call("fabs").compare("<", 2.0**51), 0.0)
    integral = near.compare("==", near.nearest())
    half = near * 0.5
    odd = b.and_(integral, half.compare("!=", half.nearest()))
    signed = b.and_(odd, b.icmp_signed("<", x.bits(), x.all_bits(0)))
    out = Wide(x.code, b.select(signed, b.fneg(out.value), out.value))
    negative = b.and_(x.compare("<", 0.0), a.compare("<", math.inf))
    out = x.of(float("nan")).where(b.and_(negative, b.not_(integral)), out)
    endless = y.call("fabs").compare("==", math.inf)
    out = x.of(1.0).where(b.and_(a.compare("==", 1.0), endless), out)
    one = b.or_(x.compare("==", 1.0), y.compare("==", 0.0))
    return x.of(1.0).where(one, out)
