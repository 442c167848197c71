"""The DNP3 driver: the one face that this package shows."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from protocols.dnp3.addresses import (
    ADDRESS_COLUMNS,
    COLUMN_WORDS,
    DATA_TYPES,
    OPTIONAL_COLUMNS,
    Dnp3Address,
    read_address,
)
from protocols.dnp3.channels import PATH_KEYS, facing
from protocols.dnp3.channels.lines import Lines
from protocols.dnp3.master.config import Dnp3SessionSettings, read_session
from protocols.dnp3.master.session import Dnp3Session
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.server import Dnp3Outstation
from protocols.dnp3.outstation.settings_reading import read_outstation
from protocols.dnp3.profile import point_lists, profile_document
from protocols.dnp3.trace import TraceDecoder
from vppscada.model.errors import CellFault
from vppscada.model.outstations import CommandHandler, EventStores, Outstation
from vppscada.model.points import PointKind, RowPoint
from vppscada.model.sessions import Session


class Dnp3Driver:
    """A `vppscada.model.drivers.Driver`."""

    def __init__(self) -> None:
        self._lines = Lines()

    name = "dnp3"
    address_columns = ADDRESS_COLUMNS
    optional_columns = OPTIONAL_COLUMNS
    session_columns = ("source",)
    column_words = COLUMN_WORDS
    data_types = DATA_TYPES
    path_keys = PATH_KEYS

    figures: Mapping[str, tuple[str, ...]] = {
        "frames_received": ("frames_received",),
        "link_errors": ("link_header_errors", "link_body_errors", "invalid_link_controls"),
        "response_timeouts": ("response_timed_out",),
        "retries": ("requests_repeated", "link_frames_repeated"),
        "iin": ("indications",),
        "last_good_s": ("frames_received",),
    }

    def read_address(self, cells: Mapping[str, str], kind: PointKind, data_type: str) -> Dnp3Address:
        """Turn the address cells of one line into an address. Raises CellFaults."""
        return read_address(cells, kind, data_type)

    def address_key(self, address: object, kind: PointKind) -> object:
        """Index within the kind: variations do not make two points of one."""
        assert isinstance(address, Dnp3Address)
        return kind, address.source, address.index

    def address_faults(self, settings: object, address: object) -> tuple[CellFault, ...]:
        """Every address is good for every session."""
        return ()

    def read_session(self, table: Mapping[str, object]) -> Dnp3SessionSettings:
        """Turn a ``[[session]]`` table into settings. Raises SettingFaults."""
        return read_session(table)

    def read_outstation(self, table: Mapping[str, object]) -> Dnp3OutstationSettings:
        """Turn an ``[[ems]]`` table into settings. Raises SettingFaults."""
        return read_outstation(table)

    def outstation_settings(self, session_settings: object) -> Dnp3OutstationSettings:
        """The outstation that a session with these settings would find: its addresses swapped."""
        assert isinstance(session_settings, Dnp3SessionSettings)
        return Dnp3OutstationSettings(
            host=session_settings.host,
            port=session_settings.port,
            local_address=session_settings.remote_address,
            master_address=session_settings.local_address,
            transport=facing(session_settings.transport),
            link=session_settings.link,
        )

    def trace_decoder(self, as_json: bool) -> TraceDecoder:
        """Lines of a capture, of raw octets or of hexadecimal text."""
        return TraceDecoder(as_json=as_json)

    def documents(self, name: str, settings: object, points: Sequence[RowPoint], today: date) -> Mapping[str, str]:
        """The device profile for each master, and the point lists, of an outstation: texts by file name."""
        assert isinstance(settings, Dnp3OutstationSettings)
        files = {}
        for master in settings.associations:
            stem = f"{name}-{master.identity}" if settings.masters else name
            files[f"{stem}.xml"] = profile_document(name, settings, master, points, today)
        lists = point_lists(settings.associations[0], points)
        return files | {f"{name}-{kind}.csv": text for kind, text in lists.items()}

    def session(self, name: str, settings: object, points: Sequence[RowPoint]) -> Session:
        """A master session on those points."""
        assert isinstance(settings, Dnp3SessionSettings)
        if settings.engine == "opendnp3":
            from protocols.dnp3.opendnp3_engine.session import OpenDnp3Session  # its package is an extra

            return OpenDnp3Session(name, settings, points)
        return Dnp3Session(name, settings, points, self._lines)

    def outstation(
        self,
        name: str,
        settings: object,
        points: Sequence[RowPoint],
        handler: CommandHandler,
        events: EventStores | None,
        on_restart: Callable[[], None] | None = None,
    ) -> Outstation:
        """An outstation of those points. Without an event store, events live in memory only."""
        assert isinstance(settings, Dnp3OutstationSettings)
        return Dnp3Outstation(name, settings, points, handler, events, on_restart)


DRIVER = Dnp3Driver()
