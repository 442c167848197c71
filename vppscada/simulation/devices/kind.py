"""The interface of a kind's model: three functions on immutable values."""

from collections.abc import Mapping
from typing import Protocol

from vppscada.model.assets import Asset
from vppscada.model.points import Role
from vppscada.simulation.devices.state import DeviceState, Environment, Orders


class DeviceModel(Protocol):
    """One asset's physics. Knows no protocol and no point, only roles."""

    @property
    def asset(self) -> Asset:
        """Its parameters."""

    def first_orders(self) -> Orders:
        """What the device does when nobody has told it anything since it was switched on."""

    def first_state(self, environment: Environment) -> DeviceState:
        """As it is found in the morning."""

    def step(self, state: DeviceState, orders: Orders, environment: Environment, dt_s: float) -> DeviceState:
        """The state ``dt_s`` plant seconds later. Stable for any dt."""

    def readings(self, state: DeviceState, environment: Environment) -> Mapping[Role, float]:
        """What only this kind measures, in the plant's units; what all kinds measure is added by `Device`."""
