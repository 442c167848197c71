"""Between device units and engineering units: engineering = device × scale + offset."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.batch import Rows, Values
from vppscada.model.points import POWER_ROLES, Point, Role

#: Factor that brings a unit to the plant's unit for the same quantity.
_TO_MEGA = {"W": 1e-6, "kW": 1e-3, "MW": 1.0, "GW": 1e3}
_TO_MEGA_ENERGY = {"Wh": 1e-6, "kWh": 1e-3, "MWh": 1.0, "GWh": 1e3}
_TO_MEGA_REACTIVE = {"var": 1e-6, "kvar": 1e-3, "Mvar": 1.0}
_TO_MEGA_APPARENT = {"VA": 1e-6, "kVA": 1e-3, "MVA": 1.0}

_REACTIVE_ROLES = frozenset({Role.REACTIVE_POWER, Role.REACTIVE_SETPOINT, Role.REACTIVE_SETPOINT_FEEDBACK})
_ENERGY_ROLES = frozenset({Role.STORED_ENERGY, Role.ENERGY_EXPORTED, Role.ENERGY_IMPORTED})


def units_for_role(role: Role | None) -> dict[str, float] | None:
    """The units a role may have and their factors to the plant's unit; None = any unit, no conversion.

    Power roles may also be ``%`` (of the asset's rating): see `normalising_factor`.
    """
    if role in POWER_ROLES:
        return _TO_MEGA
    if role in _REACTIVE_ROLES:
        return _TO_MEGA_REACTIVE
    if role in _ENERGY_ROLES:
        return _TO_MEGA_ENERGY
    if role is Role.APPARENT_POWER:
        return _TO_MEGA_APPARENT
    return None


def normalising_factor(role: Role | None, units: str, rating: float) -> float | None:
    """Factor from a map's units to the plant's (MW, Mvar, MWh, MVA); None if the unit does not fit the role.

    ``rating`` is the asset's rating in MW, for setpoints and powers given in % of it.
    """
    table = units_for_role(role)
    if table is None:
        return 1.0
    if units == "%" and (role in POWER_ROLES or role in _REACTIVE_ROLES):
        return rating / 100.0
    return table.get(units)


def plant_units(role: Role | None, units: str) -> str:
    """The unit after normalisation."""
    if role in POWER_ROLES:
        return "MW"
    if role in _REACTIVE_ROLES:
        return "Mvar"
    if role in _ENERGY_ROLES:
        return "MWh"
    if role is Role.APPARENT_POWER:
        return "MVA"
    return units


@dataclass(frozen=True, slots=True, eq=False)
class ScalingColumns:
    """Scale and offset of many points, indexed by row."""

    scale: NDArray[np.float64]
    offset: NDArray[np.float64]

    @classmethod
    def of(cls, points: Sequence[Point]) -> "ScalingColumns":
        """Columns for points whose row is their position."""
        return cls(
            np.array([p.scale for p in points], dtype=np.float64),
            np.array([p.offset for p in points], dtype=np.float64),
        )

    def to_engineering(self, rows: Rows | slice, device: Values) -> Values:
        """Device units → engineering units."""
        return device * self.scale[rows] + self.offset[rows]

    def to_device(self, rows: Rows, engineering: Values) -> Values:
        """Engineering units → device units."""
        return (engineering - self.offset[rows]) / self.scale[rows]


def to_device(point: Point, engineering: float) -> float:
    """One engineering value → device units."""
    return (engineering - point.offset) / point.scale


def to_engineering(point: Point, device: float) -> float:
    """One device value → engineering units."""
    return device * point.scale + point.offset
