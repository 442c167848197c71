"""What the plant remembers from cycle to cycle, and what of it survives a restart."""

import json
from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetKind, AssetStates, Fleet
from vppscada.model.schedule import Objective
from vppscada.plant.following import Following
from vppscada.plant.regulation import Scoreboard
from vppscada.plant.requirements import History

Column = NDArray[np.float64]

_DAY_MS = 86_400_000
#: Of a period; the clock of a loop that sleeps is not exact.
_PERIOD_SHARE = 0.8


def emergency_mask(fleet: Fleet) -> NDArray[np.bool_]:
    """Which assets run only where nothing else is left."""
    return np.array([asset.kind is AssetKind.EMERGENCY_GENERATOR for asset in fleet.assets], dtype=np.bool_)


class PlantMode(IntEnum):
    """What gives the target; the numbers are those of the point ``plant.mode``."""

    SCHEDULE = 0
    FOLLOW = 1


@dataclass(frozen=True, slots=True)
class Orders:
    """What the EMS or the operator wants of the plant. Kept on disk: a restart goes on with it."""

    target_mw: float
    mode: PlantMode
    enabled: bool
    running: bool = True
    objective: Objective | None = None  # None = what the site file says
    emergency: bool = False  # an emergency is called: its generators may run though the plant is not short
    regulation: float | None = None  # signal, −1 to 1; None = there is none. Not kept: it is told every few seconds

    @property
    def owed_mw(self) -> float | None:
        """What the plant is to give: the EMS's target, at rest 0; None = it chooses for itself."""
        if not self.running:
            return 0.0
        return self.target_mw if self.mode is PlantMode.FOLLOW else None

    def leading(self, by_site: Objective) -> Objective:
        """What leads in the schedule."""
        return by_site if self.objective is None else self.objective

    def to_json(self) -> str:
        """For the journal."""
        return json.dumps(
            {
                "target_mw": self.target_mw,
                "mode": int(self.mode),
                "enabled": self.enabled,
                "running": self.running,
                "objective": self.objective,
                "emergency": self.emergency,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "Orders":
        """From the journal.

        Raises:
            ValueError, KeyError: not what `to_json` wrote.
        """
        read = json.loads(text)
        objective = None if read["objective"] is None else Objective(read["objective"])
        mode = PlantMode(read["mode"])
        enabled, running, called = bool(read["enabled"]), bool(read["running"]), bool(read.get("emergency", False))
        return cls(float(read["target_mw"]), mode, enabled, running, objective, called)


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """Columns of length n; plant time where not said otherwise."""

    setpoint_mw: NDArray[np.float64]  # (3, n) told in the last three periods, newest first; NaN = not told
    seconds_in_state: Column  # since it went on or off
    seen: NDArray[np.bool_]  # has been online since the start: only then does a change of state count
    was_on: NDArray[np.bool_]
    run_hours_today: Column
    run_hours_year: Column
    non_emergency_today: Column  # of these, of emergency generators while there was no emergency; 0 for others
    non_emergency_year: Column
    following: Following
    trim_mw: float = 0.0
    target_mw: float = 0.0
    target_since_ms: int = 0
    short_since_ms: int | None = None
    emergency: bool = False  # emergency generators may run
    scoreboard: Scoreboard = field(default_factory=Scoreboard.fresh)
    plant_ms: int = 0  # of the last cycle
    period_began_ms: int | None = None  # the last whole period; cycles that come earlier were woken by something
    is_new_period: bool = True  # in this cycle
    step_h: float = 0.0  # since the cycle before, at most a period: what setpoints may move on by a ramp

    @classmethod
    def fresh(cls, n: int, plant_ms: int) -> "Memory":
        """Nothing is known yet: whatever state an asset is in, it has been in it for long."""
        return cls(
            setpoint_mw=np.full((3, n), np.nan),
            seconds_in_state=np.full(n, 7 * 86_400.0),
            seen=np.zeros(n, dtype=np.bool_),
            was_on=np.zeros(n, dtype=np.bool_),
            run_hours_today=np.zeros(n),
            run_hours_year=np.zeros(n),
            non_emergency_today=np.zeros(n),
            non_emergency_year=np.zeros(n),
            following=Following.fresh(n),
            target_since_ms=plant_ms,
            plant_ms=plant_ms,
        )

    def history(self, fleet: Fleet) -> History:
        """The part of it that the optimiser asks for."""
        return History(
            hours_in_state=self.seconds_in_state / 3600.0,
            run_hours_today=self.run_hours_today,
            run_hours_year=self.run_hours_year,
            non_emergency_today=self.non_emergency_today,
            non_emergency_year=self.non_emergency_year,
            permitted=~emergency_mask(fleet) | self.emergency,
        )

    def to_json(self, fleet: Fleet) -> str:
        """Times in state and run hours by asset name, for the journal."""
        columns = zip(
            fleet.assets,
            self.was_on.tolist(),
            self.seconds_in_state.tolist(),
            self.run_hours_today.tolist(),
            self.run_hours_year.tolist(),
            self.non_emergency_today.tolist(),
            self.non_emergency_year.tolist(),
            strict=True,
        )
        assets = {asset.name: list(kept) for asset, *kept in columns}
        return json.dumps({"plant_ms": self.plant_ms, "emergency": self.emergency, "assets": assets})

    def restored(self, text: str, fleet: Fleet) -> "Memory":
        """This memory with what `to_json` kept of assets that are still in the fleet.

        Raises:
            ValueError, KeyError: not what `to_json` wrote.
        """
        read = json.loads(text)
        kept = replace(
            self,
            seen=self.seen.copy(),
            was_on=self.was_on.copy(),
            seconds_in_state=self.seconds_in_state.copy(),
            run_hours_today=self.run_hours_today.copy(),
            run_hours_year=self.run_hours_year.copy(),
            non_emergency_today=self.non_emergency_today.copy(),
            non_emergency_year=self.non_emergency_year.copy(),
            emergency=bool(read["emergency"]),
            plant_ms=min(int(read["plant_ms"]), self.plant_ms),
        )
        for i, asset in enumerate(fleet.assets):
            if asset.name in read["assets"]:
                on, seconds, today, year, *others = read["assets"][asset.name]
                kept.seen[i] = True
                kept.was_on[i], kept.seconds_in_state[i] = bool(on), float(seconds)
                kept.run_hours_today[i], kept.run_hours_year[i] = float(today), float(year)
                if others:  # a journal of before has none: then all of it counts as emergencies
                    kept.non_emergency_today[i], kept.non_emergency_year[i] = float(others[0]), float(others[1])
        return kept


def elapsed(
    memory: Memory,
    states: AssetStates,
    plant_ms: int,
    period_h: float = 0.0,
    generators: NDArray[np.bool_] | None = None,
) -> Memory:
    """Advance times in state and run hours to ``plant_ms``. An asset that is not online keeps what it was.

    A cycle that comes less than about ``period_h`` after the last whole period does not begin a new one.
    What ran when it was last seen counts as having run meanwhile: a permit errs on the safe side. Of emergency
    ``generators`` (n,) it counts as what it was since the last cycle: in an emergency, or without one.
    """
    seconds = max(plant_ms - memory.plant_ms, 0) / 1000.0
    today_s, year_s = _since_midnight_and_new_year(plant_ms)
    on = np.where(states.online, states.on, memory.was_on)
    # After a long gap (the station was down, a clock was set) no day and no year holds more than has passed of it.
    new_day, new_year = seconds > today_s, seconds > year_s
    began = memory.period_began_ms
    nobody = np.zeros(len(states), dtype=np.bool_)
    other = (on & (nobody if generators is None or memory.emergency else generators)).astype(np.float64)
    ran_today, ran_year = min(seconds, today_s) / 3600.0, min(seconds, year_s) / 3600.0
    is_new = began is None or not 0 <= plant_ms - began < _PERIOD_SHARE * period_h * 3.6e6
    return replace(
        memory,
        period_began_ms=plant_ms if is_new else began,
        is_new_period=is_new,
        step_h=period_h if began is None else min(seconds / 3600.0, period_h),
        seen=memory.seen | states.online,
        seconds_in_state=np.where((on == memory.was_on) | ~memory.seen, memory.seconds_in_state + seconds, 0.0),
        was_on=on,
        run_hours_today=(0.0 if new_day else memory.run_hours_today) + on * ran_today,
        run_hours_year=(0.0 if new_year else memory.run_hours_year) + on * ran_year,
        non_emergency_today=(0.0 if new_day else memory.non_emergency_today) + other * ran_today,
        non_emergency_year=(0.0 if new_year else memory.non_emergency_year) + other * ran_year,
        plant_ms=plant_ms,
    )


def _since_midnight_and_new_year(plant_ms: int) -> tuple[float, float]:
    year = np.datetime64(plant_ms, "ms").astype("datetime64[Y]").astype("datetime64[ms]").astype(np.int64)
    return plant_ms % _DAY_MS / 1000.0, float(plant_ms - year) / 1000.0
