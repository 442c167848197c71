"""What burns fuel: reciprocating engine, emergency generator, microturbine, fuel cell.

One machine with four sets of traits: phases with a start-up time, a stable minimum, ramps, derating by
ambient temperature, fuel along the heat-rate curve, hours and starts, and a permit that ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from vppscada.model.assets import Asset, AssetKind
from vppscada.model.fuel_curves import FuelCurves
from vppscada.model.points import Role
from vppscada.simulation.devices.dynamics import booked, lagged, next_phase, ramped, reactive, substeps
from vppscada.simulation.devices.state import DeviceState, Environment, Orders, Phase

_DERATING_FROM_DEGC = 15.0


@dataclass(frozen=True, slots=True)
class ThermalTraits:
    """What makes the four kinds differ beyond the figures of the site file."""

    working_degc: float  # cooling water, stack or exhaust at full load
    warm_idle_share: float  # of that, at no load
    warming_s: float  # time constant
    speed_rpm: float  # at full load; 0 = nothing turns
    speed_idle_share: float  # of that, when running at no load
    tank_h: float  # hours at rating in the tank; 0 = piped fuel


TRAITS: Mapping[AssetKind, ThermalTraits] = {
    # synchronous machines keep their speed at any load; the engine's gas is piped, the diesel's is not
    AssetKind.RECIPROCATING_ENGINE: ThermalTraits(92.0, 0.85, 300.0, 750.0, 1.0, 0.0),
    AssetKind.EMERGENCY_GENERATOR: ThermalTraits(88.0, 0.8, 180.0, 1500.0, 1.0, 24.0),
    # turns slower at part load: its generator is behind a converter
    AssetKind.MICROTURBINE: ThermalTraits(280.0, 0.7, 60.0, 61_000.0, 0.75, 0.0),
    # nothing turns; the stack is hot and slow
    AssetKind.FUEL_CELL: ThermalTraits(650.0, 0.95, 1800.0, 0.0, 0.0, 0.0),
}


class ThermalDevice:
    """A `DeviceModel` of one thermal asset."""

    def __init__(self, asset: Asset) -> None:
        self.asset = asset
        self.traits = TRAITS[asset.kind]
        self._curves = FuelCurves([asset])

    def first_orders(self) -> Orders:
        """Off, and at its stable minimum when started."""
        return Orders(run=False, setpoint_mw=self.asset.minimum_mw)

    def first_state(self, environment: Environment) -> DeviceState:
        """Cold and off."""
        state = DeviceState(temperature_degc=environment.ambient_degc, day=int(environment.plant_s // 86_400))
        return replace(state, available_mw=self._available(state, environment))

    def step(self, state: DeviceState, orders: Orders, environment: Environment, dt_s: float) -> DeviceState:
        """See `DeviceModel`."""
        for piece_s in substeps(dt_s):
            state = self._substep(state, orders, environment, piece_s)
        return state

    def _substep(self, state: DeviceState, orders: Orders, environment: Environment, dt_s: float) -> DeviceState:
        asset = self.asset
        state = next_phase(state, orders, asset.start_time_s, dt_s, self.is_permitted(state))
        available = self._available(state, environment)
        power = (
            ramped(
                state.power_mw,
                self._wanted(state, orders, available),
                asset.ramp_up_mw_per_min,
                asset.ramp_down_mw_per_min,
                dt_s,
            )
            if state.on
            else 0.0
        )
        state = replace(
            state,
            power_mw=power,
            reactive_mvar=reactive(asset, orders, power, state.on),
            available_mw=available,
            temperature_degc=lagged(
                state.temperature_degc, self._warmth(state, environment), self.traits.warming_s, dt_s
            ),
            fuel_mwh=state.fuel_mwh + self.fuel_mw(state, power) * dt_s / 3600.0,
        )
        return booked(state, environment.plant_s, dt_s)

    def _wanted(self, state: DeviceState, orders: Orders, available_mw: float) -> float:
        """Running, it never stands below its minimum for long, whatever it is told."""
        if state.phase is Phase.STOPPING:
            return 0.0
        asked = orders.setpoint_mw if orders.enabled else self.asset.minimum_mw
        return min(max(asked, self.asset.minimum_mw), available_mw)

    def fuel_mw(self, state: DeviceState, power_mw: float) -> float:
        """MW of fuel at a power; what is off burns nothing."""
        return float(self._curves.fuel_at(np.array([power_mw]))[0]) if state.on else 0.0

    def is_permitted(self, state: DeviceState) -> bool:
        """Whether hours of its permit are left today and this year, and fuel in its tank.

        A device does not know what it runs for: it allows the hours of both kinds together.
        """
        asset = self.asset
        day = asset.permitted_hours_per_day + asset.non_emergency_hours_per_day
        year = asset.permitted_hours_per_year + asset.non_emergency_hours_per_year
        return state.run_h_today < day and state.run_h < year and self._fuel_level(state) > 0.0

    def _available(self, state: DeviceState, environment: Environment) -> float:
        if state.phase is Phase.TRIPPED or not self.is_permitted(state):
            return 0.0
        hot = max(environment.ambient_degc - _DERATING_FROM_DEGC, 0.0)
        return self.asset.rating_mw * max(1.0 - self.asset.derating_per_degc * hot, 0.0)

    def _warmth(self, state: DeviceState, environment: Environment) -> float:
        if not state.on:
            return environment.ambient_degc
        idle = self.traits.warm_idle_share
        return self.traits.working_degc * (idle + (1.0 - idle) * state.power_mw / self.asset.rating_mw)

    def _fuel_level(self, state: DeviceState) -> float:
        if self.traits.tank_h <= 0.0:
            return 100.0
        at_rating = float(self._curves.fuel_at(np.array([self.asset.rating_mw]))[0])
        tank = self.traits.tank_h * (at_rating or self.asset.rating_mw / 0.35)
        return max(100.0 * (1.0 - state.fuel_mwh / tank), 0.0)

    def readings(self, state: DeviceState, environment: Environment) -> Mapping[Role, float]:
        """See `DeviceModel`."""
        idle = self.traits.speed_idle_share
        share = idle + (1.0 - idle) * state.power_mw / self.asset.rating_mw
        return {
            Role.FUEL_LEVEL: self._fuel_level(state),
            Role.ROTATIONAL_SPEED: self.traits.speed_rpm * share if state.on else 0.0,
            Role.ALARM: float(not self.is_permitted(state)),
        }
