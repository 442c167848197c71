"""Between units, by the units library. Its registry is made when the first unit asks for it."""

import math
import re
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

from vppscada.model.points import Role
from vppscada.model.scaling import normalising_factor, plant_units, units_for_role

#: How vendors write units, and how the library knows them.
_SPELLINGS = {
    "W/m2": "W/m**2",
    "W/m²": "W/m**2",
    "kW/m2": "kW/m**2",
    "m2": "m**2",
    "m²": "m**2",
    "m3": "m**3",
    "m³": "m**3",
    "C": "degC",
    "°C": "degC",
    "F": "degF",
    "°F": "degF",
    "K": "kelvin",
    "A": "ampere",
    "h": "hour",
    "hrs": "hour",
    "Pct": "percent",
    "%": "percent",
    "1/min": "rpm",
    "min-1": "rpm",
    "Nm": "newton*meter",
}
#: Words of vendors that the library takes for something else: atomic masses, petafarads, henries.
_NO_UNITS = frozenset({"pu", "PU", "pf", "PF", "rh", "RH", "%RH", "%rh", "pH", "PH", "bar(g)", "bar(a)"})
#: The unit that the plant takes for a role where `model.scaling` does not name one.
_FIXED = {
    Role.VOLTAGE: "V",
    Role.CURRENT: "A",
    Role.FREQUENCY: "Hz",
    Role.AMBIENT_TEMPERATURE: "degC",
    Role.TEMPERATURE: "degC",
    Role.WIND_SPEED: "m/s",
    Role.IRRADIANCE: "W/m2",
    Role.ROTATIONAL_SPEED: "rpm",
    Role.RUN_HOURS: "h",
}
#: The library works a power of a number out, whatever its size: only a unit has one here.
_POWER_OF_NO_UNIT = re.compile(r"(^|[\d\s)(])\s*(\*\*|\^)")
_LONGEST = 40
#: Quantities of their own in power engineering, though their dimensions agree.
_ELECTRICAL = ((Role.ACTIVE_POWER, "W"), (Role.REACTIVE_POWER, "var"), (Role.APPARENT_POWER, "VA"))


@cache
def linear(from_units: str, to_units: str) -> tuple[float, float] | None:
    """Factor and offset from one unit to another; None if they are no units of one quantity."""
    if from_units == to_units:
        return 1.0, 0.0
    if not _same_electrical(from_units, to_units):
        return None
    for role in (Role.ACTIVE_POWER, Role.REACTIVE_POWER, Role.APPARENT_POWER, Role.STORED_ENERGY):
        factors = [normalising_factor(role, one, 100.0) for one in (from_units, to_units)]
        if "%" not in (from_units, to_units) and factors[0] is not None and factors[1] is not None:
            return factors[0] / factors[1], 0.0
    registry = _registry()
    try:
        source, target = unit_of(from_units), unit_of(to_units)
        # The library would take a turn per minute for a tenth of a hertz, as an angle has no dimension.
        if registry.get_root_units(source)[1] != registry.get_root_units(target)[1]:
            return None
        offset = float(registry.Quantity(0.0, source).to(target).magnitude)
        slope = float(registry.Quantity(1.0, source).to(target).magnitude) - offset
    except Exception:  # a cell may hold anything, and the library raises whatever its parser meets
        return None
    # A difference of two values near the freezing point has lost digits that no thermometer has.
    return float(f"{slope:.12g}"), float(f"{offset:.12g}")


class Root(NamedTuple):
    """A unit in units of physics: value × factor + zero; ``dimension`` maps each of them to its exponent."""

    factor: float
    zero: float
    dimension: tuple[tuple[str, Fraction], ...]


@cache
def root(units: str) -> Root | None:
    """What a unit is made of; None for no unit. var and VA, which the library does not tell from W, are as W."""
    for role in (Role.REACTIVE_POWER, Role.APPARENT_POWER):
        factor = (units_for_role(role) or {}).get(units)
        of_power = None if factor is None else root("MW")
        if factor is not None and of_power is not None:
            return of_power._replace(factor=of_power.factor * factor)
    try:
        unit, registry = unit_of(units), _registry()
        zero = float(registry.Quantity(0.0, unit).to_root_units().magnitude)
        factor, twice = (float(registry.Quantity(n, unit).to_root_units().magnitude) - zero for n in (1.0, 2.0))
        dimension = {base: Fraction(exponent).limit_denominator(100) for base, exponent in unit.dimensionality.items()}
    except Exception:  # as above
        return None
    if not (math.isfinite(zero) and math.isfinite(twice) and factor > 0.0 and math.isclose(twice, 2.0 * factor)):
        return None  # also of decibels, which do not add up
    return Root(float(f"{factor:.12g}"), zero, tuple(sorted(dimension.items())))


def unit_of(text: str) -> Any:
    """A unit of the library by its name or a vendor's spelling of it.

    Raises:
        Exception: whatever the library's parser meets in a text that is no unit.
    """
    if len(text) > _LONGEST or text in _NO_UNITS or _POWER_OF_NO_UNIT.search(text):
        raise ValueError(text)
    return _registry().Unit(_SPELLINGS.get(text, text))


def _same_electrical(left: str, right: str) -> bool:
    """False for W against var against VA: the library would convert them."""
    return electrical(left) == electrical(right) or (
        "" in (electrical(left), electrical(right)) and not ({electrical(left), electrical(right)} & {"var", "VA"})
    )


def electrical(units: str) -> str:
    """``W``, ``var`` or ``VA`` where a unit is one of those; empty for any other."""
    return next((name for _, name in reversed(_ELECTRICAL) if units.endswith(name)), "")


@cache
def _registry() -> Any:
    import pint  # it takes a quarter of a second: only sites with such units wait for it

    return pint.UnitRegistry()


def fixed_units(role: Role | None) -> str:
    """The unit in which the plant takes a role; empty where it takes any."""
    if role is None:
        return ""
    return _FIXED.get(role) or plant_units(role, "")


def normalising(role: Role | None, units: str, rating: float) -> tuple[float, float] | None:
    """Factor and offset from a map's units to the plant's; None if they do not fit the role.

    ``rating`` is the asset's in MW, for powers in % of it. Voltages, temperatures and their like may have no units:
    they are then taken to be the plant's.
    """
    factor = normalising_factor(role, units, rating)
    wanted = fixed_units(role)
    if factor is not None and (role not in _FIXED or not units):
        return factor, 0.0
    return linear(units, wanted) if wanted and units else None


#: Numbers of expressions are brought to the first of these that they convert to.
_OF_NUMBERS = ("MW", "Mvar", "MVA", "MWh", "s", "V", "A", "Hz", "m/s", "W/m2")
PLANT_UNITS = (*_OF_NUMBERS, "%", "degC", "rpm")


def expression_unit(unit: str) -> tuple[str, float] | None:
    """The plant's unit of the quantity of a number in an expression, and the factor to it; None for no unit.

    A rate that the plant has no unit of its own for (kg/MWh) stays what it is.
    """
    if unit in PLANT_UNITS:
        return unit, 1.0
    for wanted in _OF_NUMBERS:
        found = linear(unit, wanted)
        if found is not None and found[1] == 0.0:
            return wanted, found[0]
    return (unit, 1.0) if "/" in unit and root(unit) is not None else None


def expression_factor(unit: str) -> float | None:
    """Factor that brings a number of an expression into the plant's unit of its quantity; None for no unit."""
    found = expression_unit(unit)
    return found[1] if found else None
