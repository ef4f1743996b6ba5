"""Arithmetic that gives the same doubles in every language: `math.sin`, `math.exp` and `**` do not."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable

_LN2 = 0.6931471805599453
_PERIOD = 2 * math.pi
# What the double next to 2π lacks to 2π.
_PERIOD_REMAINDER = 2.4492935982947064e-16
# π/2 as the sum of a number of 33 bits, of which small multiples are exact, and a remainder.
_HALF_PI = 1.5707963267341256
_HALF_PI_REMAINDER = 6.077100506506192e-11
_MAX_SAFE_INTEGER = 2**53 - 1
_MASK = 0xFFFFFFFF


def clamp_unit(value: float) -> float:
    """Clamps a number to [0, 1]."""
    return min(1.0, max(0.0, value))


def clamp_finite(value: float) -> float:
    """Replaces positive infinity, which JSON does not have, by the largest number."""
    return min(value, sys.float_info.max)


def add_up(values: Iterable[float]) -> float:
    """Adds from left to right. The built-in `sum` compensates for rounding since Python 3.12."""
    total = 0.0
    for value in values:
        total += value
    return total


def halve_power(x: float) -> float:
    """Computes 0.5 to the power of x, for x ≥ 0."""
    halvings = math.floor(x)
    if halvings >= 1022:
        return 0.0
    value = _exp_series((halvings - x) * _LN2)
    while halvings >= 32:
        value *= 1 / 4294967296
        halvings -= 32
    while halvings > 0:
        value *= 0.5
        halvings -= 1
    return value


def sine(x: float) -> float:
    """Computes the sine to about 1e-15; for |x| above 2^53, a fixed value in [-1, 1]."""
    phase = _reduce_to_period(x)
    quarters = _round(phase / _HALF_PI)
    y = phase - quarters * _HALF_PI - quarters * _HALF_PI_REMAINDER
    quadrant = quarters & 3
    value = y * _alternating_series(y * y, 2) if quadrant % 2 == 0 else _alternating_series(y * y, 1)
    return value if quadrant < 2 else -value


def hash_text(text: str) -> int:
    """FNV-1a with 32 bits over UTF-16 code units, and the finalizer of MurmurHash3."""
    value = 0x811C9DC5
    units = text.encode("utf-16-le", "surrogatepass")
    for at in range(0, len(units), 2):
        unit = units[at] | units[at + 1] << 8
        value = ((value ^ unit) * 0x01000193) & _MASK
    value = ((value ^ value >> 16) * 0x85EBCA6B) & _MASK
    value = ((value ^ value >> 13) * 0xC2B2AE35) & _MASK
    return value ^ value >> 16


def code_units(text: str) -> bytes:
    """A key that sorts texts by UTF-16 code units, as the server does; Python compares code points."""
    return text.encode("utf-16-be", "surrogatepass")


def _exp_series(z: float) -> float:
    """The Taylor series of e^z for z in (-ln 2, 0], in Horner's form."""
    total = 1.0
    for term in range(17, 0, -1):
        total = 1 + (z * total) / term
    return total


def _reduce_to_period(x: float) -> float:
    remainder = math.fmod(x, _PERIOD)
    if abs(x) > _MAX_SAFE_INTEGER:
        return remainder
    return remainder - ((x - remainder) / _PERIOD) * _PERIOD_REMAINDER


def _round(x: float) -> int:
    """Rounds a half up, where the built-in `round` takes the even neighbour."""
    below = math.floor(x)
    return below if x - below < 0.5 else below + 1


def _alternating_series(square: float, first: int) -> float:
    """1 − y²/(n(n+1)) (1 − y²/((n+2)(n+3)) (…))"""
    total = 1.0
    for term in range(9, 0, -1):
        factor = first + 2 * (term - 1)
        total = 1 - (square * total) / (factor * (factor + 1))
    return total
