"""The fleet as one generator. Sums over what is known, and a quality that says what is missing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetStates
from vppscada.model.quality import Quality
from vppscada.plant.fleet_view import FleetColumns
from vppscada.plant.least_cost import Limits


@dataclass(frozen=True, slots=True)
class PlantState:
    """The plant now. MW, Mvar, MWh; ``quality`` holds for the sums of measurements."""

    power_mw: float
    reactive_mvar: float
    available_up_mw: float
    available_down_mw: float
    stored_mwh: float
    capacity_mwh: float
    rating_mw: float
    units_on: int
    units_off: int
    assets_online: int
    quality: Quality

    @property
    def state_of_charge(self) -> float:
        """All storage online as one, in %; NaN without storage."""
        return 100.0 * self.stored_mwh / self.capacity_mwh if self.capacity_mwh > 0 else float("nan")


def aggregate(
    columns: FleetColumns,
    states: AssetStates,
    low_mw: NDArray[np.float64],
    high_mw: NDArray[np.float64],
    limits: Limits | None = None,
) -> PlantState:
    """Sum up. ``low_mw`` and ``high_mw`` are what each asset can reach within the time that headroom is stated for.

    An asset that is not online counts with nothing, and takes ONLINE away from the plant's quality: a sum
    that misses a part is not better than its worst part.
    """
    power = float(np.nansum(states.power_mw))
    up, down = _headroom(states, low_mw, high_mw, limits)
    with_storage = columns.storage & states.online
    all_known = bool(states.online.all())
    return PlantState(
        power_mw=power,
        reactive_mvar=float(np.nansum(states.reactive_mvar)),
        available_up_mw=up,
        available_down_mw=down,
        stored_mwh=float(np.nansum(np.where(with_storage, states.stored_mwh, 0.0))),
        capacity_mwh=float(columns.capacity_mwh[with_storage].sum()),
        rating_mw=float(columns.rating_mw[states.online].sum()),
        units_on=int(states.on.sum()),
        units_off=int((~states.on).sum()),
        assets_online=int(states.online.sum()),
        quality=Quality.ONLINE if all_known else Quality.COMM_LOST,
    )


def _headroom(
    states: AssetStates, low_mw: NDArray[np.float64], high_mw: NDArray[np.float64], limits: Limits | None
) -> tuple[float, float]:
    """What usable assets could add and take away in all, through the limits around them (MW, ≥ 0)."""
    power = np.nan_to_num(states.power_mw)
    high = np.where(states.usable, np.maximum(high_mw, power), power)
    low = np.where(states.usable, np.minimum(low_mw, power), power)
    if limits is None or len(limits) == 0:
        return float((high - power).sum()), float((power - low).sum())
    lowest, highest = limits.reach(low, high)
    total = float(power.sum())
    return max(highest - total, 0.0), max(total - lowest, 0.0)
