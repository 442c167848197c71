"""What sun and wind drive: the resource gives an upper limit, the setpoint another; the lower one holds."""

import math
from collections.abc import Mapping
from dataclasses import replace

from vppscada.model.assets import Asset
from vppscada.model.points import Role
from vppscada.simulation.devices.dynamics import booked, lagged, next_phase, ramped, reactive, substeps
from vppscada.simulation.devices.state import DeviceState, Environment, Orders, Phase

_CUT_IN_M_S, _RATED_M_S = 3.0, 12.0
_PITCH_FULL_DEG_TIME_S = 12.0  # seconds from full to no power by pitching


class RenewableDevice:
    """What both kinds share. ``start_time_s`` and ramps come from the asset."""

    def __init__(self, asset: Asset) -> None:
        self.asset = asset

    def first_orders(self) -> Orders:
        """Running, uncurtailed."""
        return Orders(run=True, setpoint_mw=self.asset.rating_mw)

    def first_state(self, environment: Environment) -> DeviceState:
        """Running at what the resource gives."""
        available = self._clipped(environment)
        return DeviceState(
            phase=Phase.RUNNING,
            power_mw=available,
            available_mw=available,
            temperature_degc=environment.ambient_degc,
            day=int(environment.plant_s // 86_400),
            starts=1,
        )

    def _clipped(self, environment: Environment) -> float:
        """The inverter or converter passes its rating and no more."""
        given = environment.available_mw
        return min(max(given, 0.0), self.asset.rating_mw) if math.isfinite(given) else 0.0

    def step(self, state: DeviceState, orders: Orders, environment: Environment, dt_s: float) -> DeviceState:
        """See `DeviceModel`."""
        for piece_s in substeps(dt_s):
            state = self._substep(state, orders, environment, piece_s)
        return state

    def _substep(self, state: DeviceState, orders: Orders, environment: Environment, dt_s: float) -> DeviceState:
        state = next_phase(state, orders, self.asset.start_time_s, dt_s)
        available = 0.0 if state.phase is Phase.TRIPPED else self._clipped(environment)
        asked = min(orders.setpoint_mw, available) if orders.enabled else available
        wanted = max(asked, 0.0) if state.phase is Phase.RUNNING else 0.0
        power = min(self._moved(state.power_mw, wanted, dt_s), available) if state.on else 0.0
        share = power / self.asset.rating_mw
        state = replace(
            state,
            power_mw=power,
            reactive_mvar=reactive(self.asset, orders, power, state.on),
            available_mw=available,
            temperature_degc=lagged(state.temperature_degc, environment.ambient_degc + 35.0 * share, 600.0, dt_s),
        )
        return booked(state, environment.plant_s, dt_s)

    def _moved(self, power_mw: float, wanted_mw: float, dt_s: float) -> float:
        return ramped(power_mw, wanted_mw, self.asset.ramp_up_mw_per_min, self.asset.ramp_down_mw_per_min, dt_s)


class PhotovoltaicDevice(RenewableDevice):
    """An inverter with a field of modules behind it."""

    def readings(self, state: DeviceState, environment: Environment) -> Mapping[Role, float]:
        """See `DeviceModel`. Irradiance that would give what is available, at 1000 W/m² for the rating."""
        share = (
            max(environment.available_mw, 0.0) / self.asset.rating_mw
            if math.isfinite(environment.available_mw)
            else 0.0
        )
        return {Role.IRRADIANCE: 1000.0 * share, Role.MODE: float(state.phase)}


class WindDevice(RenewableDevice):
    """A pitch-controlled turbine: power moves no faster than the blades turn, and drops with the wind."""

    def _moved(self, power_mw: float, wanted_mw: float, dt_s: float) -> float:
        pitch = self.asset.rating_mw * 60.0 / _PITCH_FULL_DEG_TIME_S
        up, down = self.asset.ramp_up_mw_per_min, self.asset.ramp_down_mw_per_min
        return ramped(power_mw, wanted_mw, min(up, pitch), min(down, pitch), dt_s)

    def readings(self, state: DeviceState, environment: Environment) -> Mapping[Role, float]:
        """See `DeviceModel`. Wind speed by the cubic power curve read backwards, so that it agrees with the power."""
        share = min(self._clipped(environment) / self.asset.rating_mw, 1.0)
        speed = _CUT_IN_M_S + (_RATED_M_S - _CUT_IN_M_S) * share ** (1.0 / 3.0) if share > 0.0 else 0.8 * _CUT_IN_M_S
        rotor = 15.0 * min(speed / _RATED_M_S, 1.0) if state.on else 0.0
        return {Role.WIND_SPEED: speed, Role.ROTATIONAL_SPEED: rotor, Role.MODE: self._status(state)}

    def _status(self, state: DeviceState) -> float:
        """off | stopped | starting | running | curtailed | stopping | tripped."""
        if state.phase is Phase.RUNNING:
            return 4.0 if state.power_mw < state.available_mw - 0.01 * self.asset.rating_mw else 3.0
        return {Phase.STOPPED: 1.0, Phase.STARTING: 2.0, Phase.STOPPING: 5.0, Phase.TRIPPED: 6.0}[state.phase]
