"""Quantities: what a number is a number of. Their products and quotients, and whether two of them go together. Pure."""

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache

from vppscada.maps.units import electrical, root

_ROUNDING = 1e-9
_TEMPERATURE = (("[temperature]", Fraction(1)),)

Dimension = tuple[tuple[str, Fraction], ...]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A dimension and the unit in it, by its name for people."""

    name: str
    dimension: Dimension
    factor: float | None  # to the units of physics; None once it was multiplied by a bare number
    power: str = ""  # W, var or VA, which are not added to each other; empty for any
    zero: float | None = None  # of a temperature that is no difference, in kelvin


@dataclass(frozen=True, slots=True)
class Bare:
    """A number without units: a ``constant`` of the expression, or a truth (0 or 1) and what is counted of them."""

    constant: bool


#: None: nothing is known of it, and it goes with everything.
Measure = Quantity | Bare | None


@cache
def measure(units: str) -> Quantity | None:
    """The quantity that a unit measures; None for a blank, or what the units library does not know."""
    found = root(units) if units else None
    if found is None:
        return None
    power = electrical(units) if found.dimension == _dimension("W") else ""
    return Quantity(
        units, found.dimension, found.factor, power, found.zero if found.dimension == _TEMPERATURE else None
    )


def times(left: Measure, right: Measure, exponent: int = 1) -> Measure:
    """The product of two; with ``exponent`` −1 their quotient."""
    if left is None or right is None:
        return None
    if isinstance(right, Bare):
        return _scaled(left, right)
    if isinstance(left, Bare):
        inverse = right if exponent == 1 else power_of(right, Fraction(-1))
        return _scaled(inverse, left)
    factors = None if left.factor is None or right.factor is None else left.factor * right.factor**exponent
    dimension = _summed(left.dimension, right.dimension, exponent)
    return Quantity(_joined(left.name, right.name, exponent), dimension, _finite(factors))


def power_of(base: Quantity, exponent: Fraction) -> Quantity:
    """A quantity to a power, which may be a fraction."""
    dimension = tuple((one, count * exponent) for one, count in base.dimension if exponent)
    factor = None if base.factor is None else _power(base.factor, float(exponent))
    return Quantity(_raised(base.name, exponent), dimension, factor)


def together(left: Measure, right: Measure, difference: bool = False) -> Measure:
    """What a sum, or a choice, of two that go together is. ``difference``: the second is taken from the first."""
    if not isinstance(left, Quantity) or not isinstance(right, Quantity):
        return _known(left, right)
    known = left if left.factor is not None else right
    zeros = [one.zero for one in (left, right) if one.zero is not None]
    zero = max(zeros, default=None) if not (difference and right.zero is not None) else None
    return replace(known, power=left.power or right.power, zero=zero)


def same_kind(left: Quantity, right: Quantity) -> bool:
    """They have one dimension, and are not W and var."""
    return left.dimension == right.dimension and (left.power == right.power or not left.power or not right.power)


def ratio(left: Quantity, right: Quantity) -> float:
    """How often the unit of the second is in that of the first; 1 where that is not known."""
    if left.factor is None or right.factor is None:
        return 1.0
    found = left.factor / right.factor
    return 1.0 if abs(found - 1.0) <= _ROUNDING else found


def _known(left: Measure, right: Measure) -> Measure:
    """Of two of which at least one is no quantity: the quantity, else the one that says less."""
    for one in (left, right):
        if isinstance(one, Quantity):
            return one
    if isinstance(left, Bare) and isinstance(right, Bare):
        return Bare(left.constant or right.constant)
    return None


def _scaled(quantity: Quantity | Bare, by: Bare) -> Measure:
    if isinstance(quantity, Bare):
        return Bare(quantity.constant or by.constant)
    if by.constant:  # 0.001 may make MW of kW, or the thousandth part of it: who wrote it knows
        return replace(quantity, factor=None, power="", zero=None)
    return quantity


def _dimension(units: str) -> Dimension | None:
    found = root(units)
    return found.dimension if found else None


def _summed(left: Dimension, right: Dimension, sign: int) -> Dimension:
    counts = dict(left)
    for base, count in right:
        counts[base] = counts.get(base, Fraction(0)) + sign * count
    return tuple(sorted((base, count) for base, count in counts.items() if count))


def _joined(left: str, right: str, exponent: int) -> str:
    if exponent == 1:
        return f"{left}·{right}"
    return f"{left}/({right})" if "·" in right or "/" in right else f"{left}/{right}"


def _raised(name: str, exponent: Fraction) -> str:
    if exponent == Fraction(1, 2):
        return f"sqrt({name})"
    whole = f"({name})" if "·" in name or "/" in name else name
    return f"1/{whole}" if exponent == -1 else f"{whole}^{exponent}"


def _power(factor: float, exponent: float) -> float | None:
    try:
        return _finite(factor**exponent)
    except OverflowError:
        return None


def _finite(factor: float | None) -> float | None:
    return factor if factor is not None and math.isfinite(factor) and factor > 0.0 else None
