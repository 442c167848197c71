"""The master session on opendnp3: one channel with one master per connection life, driven from the event loop."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Sequence

import structlog

from protocols.dnp3.addresses import FROZEN, address_of
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.master.mapping import PointMapping
from protocols.dnp3.opendnp3_engine.callbacks import CommandCallback
from protocols.dnp3.opendnp3_engine.connection import Connection
from vppscada.model.commands import Accepted, Command, CommandResult, NotSent
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.sessions import SessionListener, SessionLost

_lives = itertools.count(1)


log = structlog.get_logger()


class OpenDnp3Session:
    """A `vppscada.model.sessions.Session` over opendnp3."""

    def __init__(self, name: str, settings: Dnp3SessionSettings, points: Sequence[RowPoint]) -> None:
        self._name = name
        self._settings = settings
        self._statistics: Counter[str] = Counter()
        self._mapping = PointMapping(points, self._statistics)
        self._callback = CommandCallback()
        unknown = [point.id for point in self._mapping.points if _is_unknown(point)]
        if unknown:
            log.warning(
                "points_never_read", session=name, points=unknown, detail="opendnp3 knows no frozen analog inputs"
            )
        self._connection: Connection | None = None

    @property
    def name(self) -> str:
        """Name in the site file."""
        return self._name

    @property
    def statistics(self) -> Counter[str]:
        """Counts since the session was made."""
        return self._statistics

    async def run(self, listener: SessionListener) -> None:
        """Live through one connection.

        Raises:
            SessionLost: it could not be made, or it ended.
        """
        name = f"{self._name}#{next(_lives)}"
        connection = Connection(name, self._settings, self._mapping, self._callback, listener, self._statistics)
        reason = "cancelled"
        try:
            await self._open(connection)
            self._connection = connection
            listener.on_connected()
            connection.advance()
            await connection.lost
        except SessionLost as lost:
            reason = str(lost)
            raise
        finally:
            self._connection = None
            connection.close(reason)

    async def _open(self, connection: Connection) -> None:
        timeout_s = self._settings.connect_timeout_s
        try:
            connection.open()
            async with asyncio.timeout(timeout_s):
                await connection.opened
        except TimeoutError:
            self._statistics["connects_failed"] += 1
            raise SessionLost(f"cannot connect: {connection.warning or f'no answer in {timeout_s:g} s'}") from None
        except SessionLost:
            self._statistics["connects_failed"] += 1
            raise
        self._statistics["connects_made"] += 1

    async def select(self, command: Command) -> CommandResult:
        """opendnp3 selects only to operate at once: nobody is asked. See `Session.select`."""
        return NotSent("not connected") if self._connection is None else Accepted()

    async def operate(self, command: Command) -> CommandResult:
        """Send one command and await what the outstation says; see `Session.operate`."""
        connection = self._connection
        if connection is None:
            return NotSent("not connected")
        return await connection.operate(command)


def _is_unknown(point: Point) -> bool:
    return point.kind is PointKind.ANALOG_INPUT and address_of(point).source == FROZEN
