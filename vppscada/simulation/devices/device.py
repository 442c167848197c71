"""A device as its controller shows it: a model, its state, its standing orders, and local control."""

from collections.abc import Mapping
from dataclasses import replace
from math import isfinite

from vppscada.model.commands import CommandStatus
from vppscada.model.points import Role
from vppscada.simulation.devices.dynamics import reset, tripped
from vppscada.simulation.devices.electrical import NOMINAL_V, instruments
from vppscada.simulation.devices.kind import DeviceModel
from vppscada.simulation.devices.state import Environment, Phase

#: A setpoint may stand beyond a limit by this share of the rating: rounding on the wire.
_RANGE_SLACK = 2e-3
#: Instruments move this often (plant seconds), so that they do not make every reading an event.
_INSTRUMENT_STEP_S = 30.0


class Device:
    """Moves with time, takes commands by role, tells readings by role."""

    def __init__(self, model: DeviceModel, environment: Environment, seed: int = 0) -> None:
        self.model = model
        self.environment = environment
        self.orders = model.first_orders()
        self.state = model.first_state(environment)
        self.remote = True
        self._stuck_mw: float | None = None
        self._seed = seed

    def advance(self, environment: Environment, dt_s: float) -> None:
        """Move on by ``dt_s`` plant seconds."""
        self.environment = environment
        orders = self.orders if self._stuck_mw is None else replace(self.orders, setpoint_mw=self._stuck_mw)
        self.state = self.model.step(self.state, orders, environment, max(dt_s, 0.0))

    def stick(self, on: bool) -> None:
        """What moves the power is stuck where it is, or is free again. Setpoints are taken and echoed all the same."""
        self._stuck_mw = self.state.power_mw if on else None

    def trip(self) -> None:
        """A protection acts. Only a fault reset brings it back, and then a start."""
        self.state = tripped(self.state)
        self.orders = replace(self.orders, run=False)

    def judge(self, role: Role, value: float) -> CommandStatus:
        """Would a command of this role and value (plant units) be taken now? Nothing moves."""
        asset = self.model.asset
        if not self.remote:
            return CommandStatus.LOCAL
        if not isfinite(value):
            return CommandStatus.OUT_OF_RANGE
        if self.state.phase is Phase.TRIPPED and role is not Role.FAULT_RESET and not _is_stop(role, value):
            return CommandStatus.BLOCKED
        slack = _RANGE_SLACK * asset.rating_mw
        if role is Role.SETPOINT and not asset.lowest_mw - slack <= value <= asset.rating_mw + slack:
            return CommandStatus.OUT_OF_RANGE
        if role is Role.REACTIVE_SETPOINT and abs(value) > 1.1 * asset.rating_mw + slack:
            return CommandStatus.OUT_OF_RANGE
        return CommandStatus.SUCCESS

    def command(self, role: Role, value: float) -> CommandStatus:
        """Take a command, or say why not."""
        status = self.judge(role, value)
        if status is not CommandStatus.SUCCESS:
            return status
        on = value != 0.0
        match role:
            case Role.SETPOINT:
                self.orders = replace(self.orders, setpoint_mw=value)
            case Role.REACTIVE_SETPOINT:
                self.orders = replace(self.orders, reactive_mvar=value)
            case Role.START_STOP:
                self.orders = replace(self.orders, run=on)
            case Role.SETPOINT_ENABLE:
                self.orders = replace(self.orders, enabled=on)
            case Role.BREAKER_COMMAND:
                self.orders = replace(self.orders, closed=on)
            case Role.FAULT_RESET:
                self._reset(on)
            case Role.MODE_COMMAND | Role.HEARTBEAT:
                pass  # nothing of the physics depends on them; the output point keeps the value
            case _:
                return CommandStatus.NOT_SUPPORTED
        return status

    def _reset(self, on: bool) -> None:
        if on and self.state.phase is Phase.TRIPPED:
            self.state = reset(self.state)
            # what runs by itself runs again; what has to be started waits for a start
            self.orders = replace(self.orders, run=self.model.first_orders().run)

    def readings(self) -> Mapping[Role, float]:
        """Every role that the device can tell, in the plant's units."""
        state, orders = self.state, self.orders
        moment = self.environment.plant_s // _INSTRUMENT_STEP_S * _INSTRUMENT_STEP_S
        return {
            **instruments(state, NOMINAL_V[self.model.asset.kind], self._seed, moment),
            Role.ACTIVE_POWER: state.power_mw,
            Role.REACTIVE_POWER: state.reactive_mvar,
            Role.AVAILABLE_POWER: state.available_mw,
            Role.TEMPERATURE: state.temperature_degc,
            Role.AMBIENT_TEMPERATURE: self.environment.ambient_degc,
            Role.RUN_HOURS: state.run_h,
            Role.STARTS: float(state.starts),
            Role.ENERGY_EXPORTED: state.exported_mwh,
            Role.ENERGY_IMPORTED: state.imported_mwh,
            Role.RUNNING: float(state.on),
            Role.BREAKER: float(state.on and orders.closed),
            Role.FAULT: float(state.phase is Phase.TRIPPED),
            Role.ALARM: 0.0,
            Role.REMOTE: float(self.remote),
            Role.SETPOINT: orders.setpoint_mw,
            Role.SETPOINT_FEEDBACK: orders.setpoint_mw,
            Role.REACTIVE_SETPOINT: orders.reactive_mvar,
            Role.REACTIVE_SETPOINT_FEEDBACK: orders.reactive_mvar,
            Role.START_STOP: float(orders.run),
            Role.SETPOINT_ENABLE: float(orders.enabled),
            Role.BREAKER_COMMAND: float(orders.closed),
            Role.FAULT_RESET: 0.0,
            **self.model.readings(state, self.environment),
        }


def _is_stop(role: Role, value: float) -> bool:
    """A stop is always taken."""
    return role in (Role.START_STOP, Role.BREAKER_COMMAND) and value == 0.0
