"""The face of Modbus towards the rest of the program."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from protocols.modbus.config import (
    ADDRESS_COLUMNS,
    COLUMN_WORDS,
    SESSION_COLUMNS,
    ModbusAddress,
    address_key,
    read_address,
)
from protocols.modbus.data_types import WORDS
from protocols.modbus.groups import address_faults
from protocols.modbus.media import PATH_KEYS
from protocols.modbus.server import ModbusOutstation
from protocols.modbus.session import ModbusSession
from protocols.modbus.settings import (
    ModbusOutstationSettings,
    ModbusSessionSettings,
    outstation_settings,
    read_outstation,
    read_session,
)
from vppscada.model.errors import CellFault
from vppscada.model.outstations import CommandHandler, EventStores
from vppscada.model.points import PointKind, RowPoint

T = TypeVar("T")


class ModbusDriver:
    """Makes sessions (clients) and outstations (servers); see `vppscada.model.drivers.Driver`."""

    name = "modbus"
    address_columns = ADDRESS_COLUMNS
    optional_columns = SESSION_COLUMNS
    session_columns = SESSION_COLUMNS
    column_words = COLUMN_WORDS
    data_types = WORDS
    path_keys = PATH_KEYS

    figures: Mapping[str, tuple[str, ...]] = {
        "frames_received": ("replies_received",),
        "link_errors": ("frames_malformed", "replies_unexpected", "replies_invalid"),
        "response_timeouts": ("replies_missed",),
        "slow_responses": ("replies_slow",),
        "refusals": ("exceptions_received", "writes_refused"),
        "last_good_s": ("replies_received",),
    }

    def read_address(self, cells: Mapping[str, str], kind: PointKind, data_type: str) -> ModbusAddress:
        """See `protocols.modbus.config.read_address`."""
        return read_address(cells, kind, data_type)

    def address_key(self, address: object, kind: PointKind) -> object:
        """See `protocols.modbus.config.address_key`."""
        return address_key(_ours(address, ModbusAddress), kind)

    def address_faults(self, settings: object, address: object) -> tuple[CellFault, ...]:
        """See `protocols.modbus.groups.address_faults`."""
        return address_faults(_ours(settings, ModbusSessionSettings), _ours(address, ModbusAddress))

    def read_session(self, table: Mapping[str, object]) -> ModbusSessionSettings:
        """See `protocols.modbus.settings.read_session`."""
        return read_session(table)

    def read_outstation(self, table: Mapping[str, object]) -> ModbusOutstationSettings:
        """See `protocols.modbus.settings.read_outstation`."""
        return read_outstation(table)

    def outstation_settings(self, session_settings: object) -> ModbusOutstationSettings:
        """See `protocols.modbus.settings.outstation_settings`."""
        return outstation_settings(_ours(session_settings, ModbusSessionSettings))

    def session(self, name: str, settings: object, points: Sequence[RowPoint]) -> ModbusSession:
        """A client of one device."""
        return ModbusSession(name, _ours(settings, ModbusSessionSettings), points)

    def outstation(
        self,
        name: str,
        settings: object,
        points: Sequence[RowPoint],
        handler: CommandHandler,
        events: EventStores | None,
        on_restart: Callable[[], None] | None = None,
    ) -> ModbusOutstation:
        """A server of those points. Modbus has no events; the store is not used."""
        return ModbusOutstation(name, _ours(settings, ModbusOutstationSettings), points, handler)


def _ours(value: object, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


DRIVER = ModbusDriver()
