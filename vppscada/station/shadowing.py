"""A plant in shadow at work: its imagined fleet is decided about, the real one is measured and left alone."""

from dataclasses import replace

import numpy as np

from vppscada.model.assets import AssetStates, Fleet
from vppscada.plant.aggregate import aggregate
from vppscada.plant.cycle import Decision
from vppscada.plant.fleet_view import FleetColumns
from vppscada.plant.memory import Memory, elapsed, emergency_mask
from vppscada.plant.shadow import Imagined, as_seen, imagined, obeyed
from vppscada.station.bookkeeping import pause_limit_s


class Shadowing:
    """The imagined fleet of a plant that commands nobody; None until the first cycle has seen the real one."""

    def __init__(self, fleet: Fleet, columns: FleetColumns, dispatch_period_s: float, speed: float) -> None:
        self.fleet: Imagined | None = None
        self._columns = columns
        self._generators = emergency_mask(fleet)
        self._pause_s = pause_limit_s(dispatch_period_s)
        self._speed = speed

    def go_on(self, live: AssetStates, memory: Memory, last: Decision | None, seconds: float) -> None:
        """Let the imagined fleet obey what was decided ``seconds`` (wall) ago; after a pause it begins anew."""
        if self.fleet is None or last is None or seconds > self._pause_s:
            self.fleet = imagined(live, memory)
            return
        self.fleet = obeyed(self.fleet, last.dispatch, live, self._columns, seconds * self._speed / 3600.0)

    def states(self, live: AssetStates) -> AssetStates:
        """The fleet that is decided about."""
        return live if self.fleet is None else as_seen(self.fleet, live, self._columns)

    def booked(self, live: AssetStates) -> tuple[AssetStates, Memory] | None:
        """The imagined fleet for the books."""
        return None if self.fleet is None else (self.states(live), self.fleet.memory)

    def taken(self, decision: Decision, memory: Memory, live: AssetStates, plant_ms: int) -> Decision:
        """The decision goes to the imagined fleet; measured and remembered is the real one, which cannot be moved."""
        if self.fleet is not None:
            self.fleet = replace(self.fleet, memory=decision.memory)
        nothing = np.full_like(memory.setpoint_mw, np.nan)
        real = replace(
            elapsed(memory, live, plant_ms, generators=self._generators),
            target_mw=decision.dispatch.target_mw,
            setpoint_mw=nothing,
        )
        state = aggregate(self._columns, live, live.power_mw, live.power_mw)
        return replace(decision, memory=real, state=state)
