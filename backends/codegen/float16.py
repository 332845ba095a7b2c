"""Half precision to and from float32, in integer operations, for targets without instructions.

A float16 has 5 exponent and 10 mantissa bits, a float32 8 and 23: aligned, they differ by 13 bits
of mantissa and an exponent bias of 112.
"""

from __future__ import annotations

from llvmlite import ir

from .kernel_builder import FLOAT, I16, Emission, IRValue, vector
from .kernel_builder import I32 as INT

_SHIFT = 13
_REBIAS = 112 << 23
_SMALLEST_NORMAL = 113 << 23
"""2**-14 as float32 bits: below it a float16 is denormal."""
_TOO_LARGE = 143 << 23
"""2**16 as float32 bits; what rounds up to it from below gets there by its carry."""
_INFINITY = 0xFF << 23


def to_float(code: Emission, half: IRValue) -> IRValue:
    """<lanes x half> as float32, exactly: the product with 2**112 also normalises denormals."""
    b, lanes = code.b, half.type.count
    word = vector(INT, lanes)
    bits = b.zext(b.bitcast(half, vector(I16, lanes)), word)
    aligned = b.shl(b.and_(bits, _splat(word, 0x7FFF)), _splat(word, _SHIFT))
    scale = ir.Constant(vector(FLOAT, lanes), [2.0**112] * lanes)
    number = b.bitcast(b.fmul(b.bitcast(aligned, scale.type), scale), word)
    special = b.icmp_unsigned(">=", aligned, _splat(word, 0x7C00 << _SHIFT))
    number = b.select(special, b.or_(number, _splat(word, _INFINITY)), number)
    sign = b.shl(b.and_(bits, _splat(word, 0x8000)), _splat(word, 16))
    return b.bitcast(b.or_(number, sign), scale.type)


def from_float(code: Emission, number: IRValue) -> IRValue:
    """float32 as <lanes x half>, rounded to nearest, halves to even."""
    b, lanes = code.b, number.type.count
    word = vector(INT, lanes)
    bits = b.bitcast(number, word)
    size = b.and_(bits, _splat(word, 0x7FFFFFFF))
    # Normal: half an ulp less one, and the last bit kept, round to even by their carry.
    odd = b.and_(b.lshr(size, _splat(word, _SHIFT)), _splat(word, 1))
    rounded = b.add(b.add(size, odd), _splat(word, (1 << (_SHIFT - 1)) - 1 - _REBIAS))
    normal = b.lshr(rounded, _splat(word, _SHIFT))
    # Denormal: added to 0.5, whose last place is that of a denormal float16, the sum rounds.
    middle = ir.Constant(vector(FLOAT, lanes), [0.5] * lanes)
    summed = b.bitcast(b.fadd(b.bitcast(size, middle.type), middle), word)
    denormal = b.sub(summed, b.bitcast(middle, word))
    small = b.icmp_unsigned("<", size, _splat(word, _SMALLEST_NORMAL))
    result = b.select(small, denormal, normal)
    large = b.icmp_unsigned(">=", size, _splat(word, _TOO_LARGE))
    result = b.select(large, _splat(word, 0x7C00), result)
    nan = b.icmp_unsigned(">", size, _splat(word, _INFINITY))
    result = b.select(nan, _splat(word, 0x7E00), result)
    sign = b.and_(b.lshr(bits, _splat(word, 16)), _splat(word, 0x8000))
    short = b.trunc(b.or_(result, sign), vector(I16, lanes))
    return b.bitcast(short, vector(ir.HalfType(), lanes))


def _splat(type_: ir.VectorType, number: int) -> ir.Constant:
    return ir.Constant(type_, [number] * type_.count)
