"""The nine kinds of asset, what is known of each, and the fleet in columns.

Power is positive into the grid, in MW; a charging storage is negative. Money is in the site's currency.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class AssetFamily(StrEnum):
    """How the optimiser and the dispatch look at an asset."""

    THERMAL = "thermal"  # committed: on, off, starting; costs along its output
    RENEWABLE = "renewable"  # as much as sun or wind gives, or less
    STORAGE = "storage"  # energy in, energy out


class AssetKind(StrEnum):
    """The nine kinds."""

    EMERGENCY_GENERATOR = "emergency_generator"
    FUEL_CELL = "fuel_cell"
    PHOTOVOLTAIC = "photovoltaic"
    RECIPROCATING_ENGINE = "reciprocating_engine"
    WIND_TURBINE = "wind_turbine"
    MICROTURBINE = "microturbine"
    BATTERY = "battery"
    SUPERCONDUCTING_STORAGE = "superconducting_storage"
    FLYWHEEL = "flywheel"

    @property
    def family(self) -> AssetFamily:
        """The family that the kind belongs to."""
        return _FAMILY[self]

    @property
    def is_fast_storage(self) -> bool:
        """True for storage of seconds to minutes, which takes the residual in real time."""
        return self in (AssetKind.SUPERCONDUCTING_STORAGE, AssetKind.FLYWHEEL)


_FAMILY = {
    AssetKind.EMERGENCY_GENERATOR: AssetFamily.THERMAL,
    AssetKind.FUEL_CELL: AssetFamily.THERMAL,
    AssetKind.RECIPROCATING_ENGINE: AssetFamily.THERMAL,
    AssetKind.MICROTURBINE: AssetFamily.THERMAL,
    AssetKind.PHOTOVOLTAIC: AssetFamily.RENEWABLE,
    AssetKind.WIND_TURBINE: AssetFamily.RENEWABLE,
    AssetKind.BATTERY: AssetFamily.STORAGE,
    AssetKind.SUPERCONDUCTING_STORAGE: AssetFamily.STORAGE,
    AssetKind.FLYWHEEL: AssetFamily.STORAGE,
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One controllable unit: an ``[[asset]]`` table of a site file. Keys have the names of the fields.

    Only the fields of its family matter; the others keep their defaults.
    """

    name: str
    kind: AssetKind
    session: str
    rating_mw: float  # greatest injection, > 0
    ramp_up_mw_per_min: float = float("inf")
    ramp_down_mw_per_min: float = float("inf")
    variable_cost_per_mwh: float = 0.0  # maintenance by energy; storage: wear per MWh discharged
    reserve: bool = True  # may hold spinning reserve
    # thermal
    minimum_mw: float = 0.0  # stable minimum while on
    start_time_s: float = 0.0  # start command → synchronised
    minimum_up_s: float = 0.0
    minimum_down_s: float = 0.0
    fuel_price_per_mwh: float = 0.0  # per MWh of fuel (thermal)
    heat_rate: tuple[tuple[float, float], ...] = ()  # (MW electric, MW fuel), rising and convex, from minimum to rating
    #: Tonnes of CO2 per MWh of fuel. The default is natural gas (IPCC 2006, volume 2, table 1.4: 56.1 t/TJ).
    emissions_t_per_mwh: float = 0.202
    running_cost_per_h: float = 0.0
    start_costs: tuple[tuple[float, float], ...] = ()  # (hours off from which it holds, cost), hot to cold
    derating_per_degc: float = 0.0  # share of rating lost per degree above 15 degC
    # emergency generator, by calendar day and year (UTC); the two kinds of running are counted apart
    permitted_hours_per_day: float = 24.0  # in an emergency
    permitted_hours_per_year: float = 8784.0
    non_emergency_hours_per_day: float = 0.0  # for anything else: to be tried, to earn
    non_emergency_hours_per_year: float = 0.0
    # renewable
    curtailment_cost_per_mwh: float = 0.0
    forecast: str = ""  # name of the data source that forecasts available power, as MW
    # storage
    charge_rating_mw: float = 0.0  # greatest absorption, positive
    capacity_mwh: float = 0.0
    charge_efficiency: float = 1.0
    discharge_efficiency: float = 1.0
    self_discharge_per_h: float = 0.0  # share of the stored energy lost per hour
    standby_loss_mw: float = 0.0
    soc_minimum: float = 0.0  # share of capacity, 0..1
    soc_maximum: float = 1.0
    soc_final_minimum: float | None = None  # share of capacity to be left at the end of a schedule
    cycles_per_day: float = float("inf")

    @property
    def lowest_mw(self) -> float:
        """Least power it can have while connected: minus the charge rating for storage, else 0."""
        return -self.charge_rating_mw if self.kind.family is AssetFamily.STORAGE else 0.0


@dataclass(frozen=True, slots=True)
class Fleet:
    """The assets of a plant, in the order of their columns everywhere."""

    assets: tuple[Asset, ...]

    def __len__(self) -> int:
        return len(self.assets)

    @property
    def rating_mw(self) -> float:
        """Sum of the injection ratings."""
        return float(sum(asset.rating_mw for asset in self.assets))


@dataclass(frozen=True, slots=True, eq=False)
class AssetStates:
    """What is known of every asset now, in columns of the fleet's order (length n).

    NaN = not known. ``usable`` says whether telemetry is fit, the session is up, the device is remote and
    free of faults; an asset that is not usable is not commanded.
    """

    power_mw: NDArray[np.float64]
    reactive_mvar: NDArray[np.float64]
    available_mw: NDArray[np.float64]  # upper limit now as the device says; rating where it says nothing
    available_charge_mw: NDArray[np.float64]
    stored_mwh: NDArray[np.float64]  # NaN where not storage
    setpoint_mw: NDArray[np.float64]  # as echoed by the device
    on: NDArray[np.bool_]
    online: NDArray[np.bool_]  # the session is up and telemetry is fit
    fault: NDArray[np.bool_]
    usable: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.power_mw)


def column(assets: Sequence[Asset], field: str) -> NDArray[np.float64]:
    """One numeric field of many assets as a float column."""
    return np.array([getattr(asset, field) for asset in assets], dtype=np.float64)
