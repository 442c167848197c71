"""What stores: battery, flywheel, superconducting coil. One balance of energy, three things that show it."""

import math
from collections.abc import Mapping
from dataclasses import replace

from vppscada.model.assets import Asset
from vppscada.model.points import Role
from vppscada.simulation.devices.dynamics import booked, lagged, next_phase, ramped, reactive, substeps
from vppscada.simulation.devices.state import DeviceState, Environment, Orders, Phase

_FIRST_SOC = 0.5


class StorageDevice:
    """What the three share. A kind sets how wide the band is in which power tapers off near full and empty."""

    #: Share of the capacity over which power falls to zero at each end of the usable range.
    taper = 0.02

    def __init__(self, asset: Asset) -> None:
        self.asset = asset

    def first_orders(self) -> Orders:
        """Converter on, at rest."""
        return Orders(run=True, setpoint_mw=0.0)

    def first_state(self, environment: Environment) -> DeviceState:
        """Half full."""
        state = DeviceState(
            phase=Phase.RUNNING,
            stored_mwh=_FIRST_SOC * self.asset.capacity_mwh,
            temperature_degc=environment.ambient_degc,
            day=int(environment.plant_s // 86_400),
            starts=1,
        )
        give, take = self.limits(state)
        return replace(state, available_mw=give, available_charge_mw=take)

    def soc(self, state: DeviceState) -> float:
        """Share of the capacity, 0..1."""
        return state.stored_mwh / self.asset.capacity_mwh

    def limits(self, state: DeviceState) -> tuple[float, float]:
        """Greatest injection and greatest absorption now, both positive MW."""
        if state.phase is Phase.TRIPPED:
            return 0.0, 0.0
        asset, soc = self.asset, self.soc(state)
        give = asset.rating_mw * min(max((soc - asset.soc_minimum) / self.taper, 0.0), 1.0)
        take = asset.charge_rating_mw * min(max((asset.soc_maximum - soc) / self.taper, 0.0), 1.0)
        return give, take

    def step(self, state: DeviceState, orders: Orders, environment: Environment, dt_s: float) -> DeviceState:
        """See `DeviceModel`."""
        for piece_s in substeps(dt_s):
            state = self._substep(state, orders, environment, piece_s)
        return state

    def _substep(self, state: DeviceState, orders: Orders, environment: Environment, dt_s: float) -> DeviceState:
        asset = self.asset
        state = next_phase(state, orders, asset.start_time_s, dt_s)
        power = self._power(state, orders, dt_s) if state.on else 0.0
        state = replace(
            state,
            power_mw=power,
            reactive_mvar=reactive(asset, orders, power, state.on),
            stored_mwh=self._stored(state, power, dt_s / 3600.0),
            temperature_degc=lagged(
                state.temperature_degc, environment.ambient_degc + 12.0 * abs(power) / asset.rating_mw, 900.0, dt_s
            ),
        )
        give, take = self.limits(state)
        return booked(replace(state, available_mw=give, available_charge_mw=take), environment.plant_s, dt_s)

    def _power(self, state: DeviceState, orders: Orders, dt_s: float) -> float:
        """Follow the setpoint by the ramps, inside the taper, and never past full or empty within this piece."""
        asset = self.asset
        wanted = orders.setpoint_mw if orders.enabled and state.phase is Phase.RUNNING else 0.0
        moved = ramped(state.power_mw, wanted, asset.ramp_up_mw_per_min, asset.ramp_down_mw_per_min, dt_s)
        give, take = self.limits(state)
        hours = dt_s / 3600.0
        above = max(state.stored_mwh - asset.soc_minimum * asset.capacity_mwh, 0.0)
        below = max(asset.soc_maximum * asset.capacity_mwh - state.stored_mwh, 0.0)
        give = min(give, above * asset.discharge_efficiency / hours)
        take = min(take, below / asset.charge_efficiency / hours)
        return min(max(moved, -take), give)

    def _stored(self, state: DeviceState, power_mw: float, hours: float) -> float:
        asset = self.asset
        into = -power_mw * asset.charge_efficiency if power_mw < 0.0 else -power_mw / asset.discharge_efficiency
        kept = state.stored_mwh * math.exp(-asset.self_discharge_per_h * hours)
        return min(max(kept + (into - asset.standby_loss_mw) * hours, 0.0), asset.capacity_mwh)

    def readings(self, state: DeviceState, environment: Environment) -> Mapping[Role, float]:
        """See `DeviceModel`."""
        return {
            Role.STATE_OF_CHARGE: 100.0 * self.soc(state),
            Role.STORED_ENERGY: state.stored_mwh,
            Role.AVAILABLE_CHARGE_POWER: state.available_charge_mw,
        }


class BatteryDevice(StorageDevice):
    """Cells: the charger backs off long before full, the inverter before empty."""

    taper = 0.05


class FlywheelDevice(StorageDevice):
    """A rotor between half and full speed. The capacity is what lies above the lowest speed: E ∝ n²."""

    full_speed_rpm = 16_000.0

    def readings(self, state: DeviceState, environment: Environment) -> Mapping[Role, float]:
        """See `DeviceModel`."""
        lowest = self.asset.capacity_mwh / 3.0  # kinetic energy at half speed, where E_full = 4 E_half
        share = (lowest + state.stored_mwh) / (lowest + self.asset.capacity_mwh)
        return {**super().readings(state, environment), Role.ROTATIONAL_SPEED: self.full_speed_rpm * math.sqrt(share)}


class SuperconductingDevice(StorageDevice):
    """A coil in a cryostat: E ∝ I². Its fault is a quench, which takes the energy with it."""

    full_current_a = 2_000.0

    def step(self, state: DeviceState, orders: Orders, environment: Environment, dt_s: float) -> DeviceState:
        """See `DeviceModel`."""
        if state.phase is Phase.TRIPPED:
            state = replace(state, stored_mwh=lagged(state.stored_mwh, 0.0, 5.0, dt_s))
        return super().step(state, orders, environment, dt_s)

    def readings(self, state: DeviceState, environment: Environment) -> Mapping[Role, float]:
        """See `DeviceModel`."""
        quenched = state.phase is Phase.TRIPPED
        moving = 2.0 if abs(state.power_mw) > 1e-3 else 1.0
        mode = 4.0 if quenched else moving if state.on else 0.0
        return {
            **super().readings(state, environment),
            Role.CURRENT: self.full_current_a * math.sqrt(max(self.soc(state), 0.0)),
            Role.ALARM: float(quenched),
            Role.MODE: mode,
        }
