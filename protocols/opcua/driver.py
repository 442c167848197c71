"""The face of OPC UA towards the rest of the program."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from protocols.opcua.config import ADDRESS_COLUMNS, SESSION_COLUMNS, OpcUaAddress, address_key, read_address
from protocols.opcua.data_types import DATA_TYPES
from protocols.opcua.server import OpcUaOutstation
from protocols.opcua.session import OpcUaSession
from protocols.opcua.settings import (
    OpcUaOutstationSettings,
    OpcUaSessionSettings,
    outstation_settings,
    read_outstation,
    read_session,
)
from vppscada.model.errors import CellFault
from vppscada.model.outstations import CommandHandler, EventStores
from vppscada.model.points import PointKind, RowPoint

T = TypeVar("T")


class OpcUaDriver:
    """Makes sessions (clients) and outstations (servers); see `vppscada.model.drivers.Driver`."""

    name = "opcua"
    address_columns = ADDRESS_COLUMNS
    optional_columns = SESSION_COLUMNS
    session_columns = SESSION_COLUMNS
    column_words: Mapping[str, tuple[str, ...]] = {}
    data_types = tuple(DATA_TYPES)
    path_keys = (
        "certificate",
        "private_key",
        "server_certificate",
        "client_certificates",
        "trust",
        "password_file",
        "users_file",
        "user_certificates",
        "user_certificate",
        "user_private_key",
    )

    figures: Mapping[str, tuple[str, ...]] = {
        "frames_received": ("notifications_received", "keep_alives_received", "reads_completed"),
        "link_errors": ("notifications_malformed", "notifications_unknown", "notifications_missed"),
        "response_timeouts": ("writes_unanswered",),
        "last_good_s": ("notifications_received", "keep_alives_received", "reads_completed"),
        "certificate_days": ("certificate_expires_s",),
    }

    def read_address(self, cells: Mapping[str, str], kind: PointKind, data_type: str) -> OpcUaAddress:
        """See `protocols.opcua.config.read_address`."""
        return read_address(cells, kind, data_type)

    def address_key(self, address: object, kind: PointKind) -> object:
        """See `protocols.opcua.config.address_key`."""
        return address_key(_ours(address, OpcUaAddress), kind)

    def address_faults(self, settings: object, address: object) -> tuple[CellFault, ...]:
        """Every address is good for every session."""
        return ()

    def read_session(self, table: Mapping[str, object]) -> OpcUaSessionSettings:
        """See `protocols.opcua.settings.read_session`."""
        return read_session(table)

    def read_outstation(self, table: Mapping[str, object]) -> OpcUaOutstationSettings:
        """See `protocols.opcua.settings.read_outstation`."""
        return read_outstation(table)

    def outstation_settings(self, session_settings: object) -> OpcUaOutstationSettings:
        """See `protocols.opcua.settings.outstation_settings`."""
        return outstation_settings(_ours(session_settings, OpcUaSessionSettings))

    def session(self, name: str, settings: object, points: Sequence[RowPoint]) -> OpcUaSession:
        """A client of one server."""
        return OpcUaSession(name, _ours(settings, OpcUaSessionSettings), points)

    def outstation(
        self,
        name: str,
        settings: object,
        points: Sequence[RowPoint],
        handler: CommandHandler,
        events: EventStores | None,
        on_restart: Callable[[], None] | None = None,
    ) -> OpcUaOutstation:
        """A server of those points. Each subscription has queues of its own; the store is not used."""
        return OpcUaOutstation(name, _ours(settings, OpcUaOutstationSettings), points, handler)


def _ours(value: object, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


DRIVER = OpcUaDriver()
