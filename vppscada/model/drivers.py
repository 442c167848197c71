"""The one face that a protocol shows: how its addresses and settings are read, and its two makers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Protocol

from vppscada.model.errors import CellFault
from vppscada.model.outstations import CommandHandler, EventStores, Outstation
from vppscada.model.points import PointKind, RowPoint
from vppscada.model.sessions import Session


class TraceDecoder(Protocol):
    """Turns what was recorded of a protocol into lines, whatever is in it."""

    def feed(self, octets: bytes) -> Iterator[str]:
        """Lines of what these octets complete; they may come in any pieces. Never raises for their content."""

    def finish(self) -> Iterator[str]:
        """Lines of what is left: no more octets come."""


#: Makes a decoder of lines for people (False) or of one JSON object a line (True).
MakeTraceDecoder = Callable[[bool], TraceDecoder]


#: Tells an outstation to the engineers of its masters: texts by file name, from name, settings, points and the day.
MakeDocuments = Callable[[str, object, Sequence[RowPoint], date], Mapping[str, str]]


class Driver(Protocol):
    """What `protocols.<name>.DRIVER` is. Adding a protocol is writing one of these."""

    @property
    def name(self) -> str:
        """The word in ``protocol = "…"`` of a site file and of the file names of maps."""

    @property
    def address_columns(self) -> tuple[str, ...]:
        """The columns of a point map that this protocol owns."""

    @property
    def optional_columns(self) -> tuple[str, ...]:
        """Those of them that a map may leave out."""

    @property
    def session_columns(self) -> tuple[str, ...]:
        """Those of them that mean something to sessions only: they stay blank in a map of exports."""

    @property
    def column_words(self) -> Mapping[str, tuple[str, ...]]:
        """The words of those of its columns that hold one of a few words."""

    @property
    def data_types(self) -> tuple[str, ...]:
        """Words that may stand in the column ``data_type``."""

    @property
    def path_keys(self) -> tuple[str, ...]:
        """Keys of its settings whose texts are paths of files; relative ones count from the site file."""

    @property
    def figures(self) -> Mapping[str, tuple[str, ...]]:
        """Of `SESSION_FIGURES` those that its sessions have: by name, the counts of their statistics to be added."""

    def read_address(self, cells: Mapping[str, str], kind: PointKind, data_type: str) -> object:
        """Turn the address cells of one line into this protocol's address (hashable, comparable).

        Raises:
            CellFaults: every fault of the line at once, each with its column.
        """

    def address_key(self, address: object, kind: PointKind) -> object:
        """What must be unique within one session (two points with the same key are a fault)."""

    def address_faults(self, settings: object, address: object) -> Sequence[CellFault]:
        """What a session with these settings cannot do with an address of a map, each with its column."""

    def read_session(self, table: Mapping[str, object]) -> object:
        """Turn a ``[[session]]`` table (without name and protocol) into settings.

        Raises:
            SettingFaults: every fault at once, each with its key.
        """

    def read_outstation(self, table: Mapping[str, object]) -> object:
        """Turn an ``[[ems]]`` table's protocol settings into settings. Raises SettingFaults."""

    def outstation_settings(self, session_settings: object) -> object:
        """The server that a session with these settings would find: used by the simulation."""

    def session(self, name: str, settings: object, points: Sequence[RowPoint]) -> Session:
        """A master session on those points."""

    def outstation(
        self,
        name: str,
        settings: object,
        points: Sequence[RowPoint],
        handler: CommandHandler,
        events: EventStores | None,
        on_restart: Callable[[], None] | None = None,
    ) -> Outstation:
        """A server of those points. Without event stores, events live in memory only.

        ``on_restart`` is called when a master asks for a restart and the settings let that restart the station.
        """
