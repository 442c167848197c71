"""What every constraint family reads: the steps, the assets that take part, the plan's conventions."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import Asset, AssetFamily
from vppscada.model.schedule import Objective, ScheduleRequest

Column = NDArray[np.float64]
Index = NDArray[np.int64]

#: Spinning reserve is there within this time, and can be held for that long.
RESERVE_RESPONSE_MIN = 10.0
RESERVE_SUSTAIN_H = 0.25
#: From this step length on, storage of seconds to minutes plans reserve and its own losses, no energy trade.
FAST_STORAGE_RESTS_FROM_S = 300.0
#: Share of the fleet's rating from which on the loss of a unit is one to cover.
LARGE_SHARE = 0.05
_DAY_MS = 86_400_000
#: Rounding of hours to whole steps forgives this share of a step.
_FUZZ = 1e-6


@dataclass(frozen=True)
class Horizon:
    """A request with what is derived from it."""

    request: ScheduleRequest

    @property
    def steps(self) -> int:
        """T."""
        return self.request.steps

    @property
    def hours(self) -> float:
        """Length of a step."""
        return self.request.step_s / 3600.0

    @property
    def minutes(self) -> float:
        """Length of a step."""
        return self.request.step_s / 60.0

    @cached_property
    def taking_part(self) -> NDArray[np.bool_]:
        """Assets that are planned: usable, and for storage its stored energy known."""
        initial = self.request.initial
        storage = np.array([asset.kind.family is AssetFamily.STORAGE for asset in self.request.assets], dtype=np.bool_)
        usable: NDArray[np.bool_] = initial.usable & ~(storage & np.isnan(initial.stored_mwh))
        return usable

    @property
    def covers_losses(self) -> bool:
        """Reserve covers the loss of any large unit: it is asked for, or reliability leads."""
        return self.request.n_minus_1 or self.request.objective is Objective.RELIABILITY

    def members(self, family: AssetFamily) -> Index:
        """Places of the assets of a family that take part."""
        found = [
            i for i, asset in enumerate(self.request.assets) if asset.kind.family is family and self.taking_part[i]
        ]
        return np.array(found, dtype=np.int64)

    def assets(self, members: Index) -> list[Asset]:
        """The assets at those places."""
        return [self.request.assets[i] for i in members]

    @cached_property
    def day_of_step(self) -> Index:
        """Calendar day (UTC, plant time) in which each step starts, 0 = that of the first step."""
        day = self._start_of_steps_ms() // _DAY_MS
        first: Index = day - day[0]
        return first

    @cached_property
    def year_of_step(self) -> Index:
        """Calendar year in which each step starts, 0 = that of the first step."""
        year = self._start_of_steps_ms().astype("datetime64[ms]").astype("datetime64[Y]").astype(np.int64)
        first: Index = year - year[0]
        return first

    def _start_of_steps_ms(self) -> Index:
        step_ms = round(self.request.step_s * 1000)
        return self.request.start_ms + step_ms * np.arange(self.steps, dtype=np.int64)

    def steps_to_cover(self, hours: Column) -> Index:
        """Least whole number of steps that lasts so many hours (≥ 0)."""
        return np.maximum(np.ceil(np.minimum(hours / self.hours, 1e9) - _FUZZ), 0.0).astype(np.int64)

    def steps_within(self, hours: Column) -> Index:
        """Greatest whole number of steps that fits into so many hours (≥ 0)."""
        return np.maximum(np.floor(np.minimum(hours / self.hours, 1e9) + _FUZZ), 0.0).astype(np.int64)
