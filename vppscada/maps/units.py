"""Between units, by the units library. Its registry is made when the first unit asks for it."""

from functools import cache
from typing import Any

from vppscada.model.points import Role
from vppscada.model.scaling import normalising_factor, plant_units

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
}
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
        source, target = (registry.Unit(_SPELLINGS.get(one, one)) for one in (from_units, to_units))
        offset = float(registry.Quantity(0.0, source).to(target).magnitude)
        slope = float(registry.Quantity(1.0, source).to(target).magnitude) - offset
    except Exception:  # a cell may hold anything, and the library raises whatever its parser meets
        return None
    # A difference of two values near the freezing point has lost digits that no thermometer has.
    return float(f"{slope:.12g}"), float(f"{offset:.12g}")


def _same_electrical(left: str, right: str) -> bool:
    """False for W against var against VA: the library would convert them."""
    return _electrical(left) == _electrical(right) or (
        "" in (_electrical(left), _electrical(right)) and not ({_electrical(left), _electrical(right)} & {"var", "VA"})
    )


def _electrical(units: str) -> str:
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


def expression_factor(unit: str) -> float | None:
    """Factor that brings a number of an expression into the plant's unit of its quantity; None for no unit."""
    for wanted in ("MW", "Mvar", "MVA", "MWh", "s", "V", "A", "Hz", "m/s", "W/m2"):
        found = linear(unit, wanted)
        if found is not None and found[1] == 0.0:
            return found[0]
    return 1.0 if unit in ("%", "degC", "rpm") else None
