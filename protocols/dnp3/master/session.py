"""The master session: an association with one outstation, over one path or the better of two."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import structlog

from protocols.dnp3.channels import ChannelClosed, Medium
from protocols.dnp3.channels.lines import Lines, Opened, Place
from protocols.dnp3.link import LinkAddresses
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.master.connection import Connection
from protocols.dnp3.master.exchange import NotAsked, Outcome
from protocols.dnp3.master.maintenance import Task
from protocols.dnp3.master.mapping import PointMapping
from protocols.dnp3.master.repeats import Repeats
from protocols.dnp3.master.standby import Standby
from vppscada.model.batch import Batch
from vppscada.model.commands import Accepted, Command, CommandMode, CommandResult, NotSent
from vppscada.model.points import RowPoint
from vppscada.model.sessions import SessionListener, SessionLost

log = structlog.get_logger()

_PATH_NAMES = ("primary", "backup")


class Dnp3Session:
    """A `vppscada.model.sessions.Session` over DNP3. ``lines`` are those of its process, to be shared by sessions."""

    def __init__(
        self, name: str, settings: Dnp3SessionSettings, points: Sequence[RowPoint], lines: Lines | None = None
    ) -> None:
        self._name = name
        self._settings = settings
        self._statistics: Counter[str] = Counter()
        self._mapping = PointMapping(points, self._statistics)
        self._repeats = Repeats(self._statistics)
        self._connection: Connection | None = None
        lines = lines or Lines()
        self._media: list[Medium] = [settings.medium, *([settings.backup] if settings.backup is not None else [])]
        self._places = [lines.place(one, settings.local_address, settings.remote_address) for one in self._media]
        self._log = log.bind(session=name, protocol="dnp3")

    @property
    def name(self) -> str:
        """Name in the site file."""
        return self._name

    @property
    def statistics(self) -> Counter[str]:
        """Counts since the session was made; ``path`` is 1 on the primary path, 2 on the backup, 0 without either."""
        return self._statistics

    async def run(self, listener: SessionListener) -> None:
        """Live through one connection; with a backup path, until both paths are lost.

        Raises:
            SessionLost: it could not be made, or it ended.
        """
        try:
            await self._live(_FirstTime(listener))
        except asyncio.CancelledError:
            for place in self._places:
                await place.leave()
            raise

    async def select(self, command: Command) -> CommandResult:
        """Send SELECT alone if the command's mode is SBO; see `Session.select`."""
        connection = self._connection
        if connection is None:
            return NotSent("not connected")
        if command.mode is CommandMode.DIRECT:
            return Accepted()
        return await connection.operate(command, select_only=True)

    async def operate(self, command: Command) -> CommandResult:
        """Send one command and await what the outstation says; see `Session.operate`."""
        connection = self._connection
        if connection is None:
            return NotSent("not connected")
        return await connection.operate(command)

    async def request(self, task: Task) -> Outcome:
        """Have a freeze, a restart, device attributes or deadbands done, and await what the outstation says.

        Never raises for anything a device or network does, and nothing of it is repeated by itself.
        """
        connection = self._connection
        if connection is None:
            return NotAsked("not connected")
        return await connection.request(task)

    async def _live(self, listener: "_FirstTime") -> None:
        path, opened = await self._open()
        listener.on_connected()
        goes_on = True
        while True:
            standby = self._standby(1 - path)
            try:
                started, reason = await self._live_on(path, opened, listener)
                # paths that both lead to an outstation which does not speak must not be changed for ever
                goes_on = started or goes_on
                other = await standby.take_over() if standby is not None and goes_on else None
                goes_on = False
            finally:
                if standby is not None:
                    await standby.end()
            if other is None:
                raise SessionLost(reason)
            path, opened = 1 - path, other
            self._statistics["path_changes"] += 1
            self._log.warning("path_changed", path=_PATH_NAMES[path], reason=reason)

    async def _open(self) -> tuple[int, Opened]:
        """The first path that can be opened."""
        reasons = []
        for path, place in enumerate(self._places):
            try:
                opened = await place.open(self._statistics)
            except ConnectionError as error:
                self._statistics["connects_failed"] += 1
                reasons.append(str(error))
            else:
                self._statistics["connects_made"] += 1
                return path, opened
        raise SessionLost("cannot connect: " + "; ".join(reasons))

    def _standby(self, path: int) -> Standby | None:
        if len(self._places) == 1:
            return None
        settings = self._settings
        addresses = LinkAddresses(settings.local_address, settings.remote_address, is_master=True)
        place: Place = self._places[path]
        named = self._log.bind(path=_PATH_NAMES[path])
        check_s, answer_s = settings.backup_check_s, settings.response_timeout_s
        return Standby(place, addresses, check_s, answer_s, self._statistics, named)

    async def _live_on(self, path: int, opened: Opened, listener: "_FirstTime") -> tuple[bool, str]:
        """Whether the start-up order was done on this path, and why it ended."""
        self._statistics["path"] = path + 1
        kind = self._media[path].transport.kind
        connection = Connection(
            self._name, self._settings, self._mapping, self._repeats, opened, kind, listener, self._statistics
        )
        self._connection = connection
        reason = "cancelled"
        try:
            await connection.live()
        except ChannelClosed as ended:
            reason = str(ended)
        finally:
            self._statistics["path"] = 0
            self._connection = None
            connection.end(reason)
            await opened.channel.close()
        return connection.started, reason


class _FirstTime:
    """A listener who hears of the start once, however often the path changes."""

    def __init__(self, listener: SessionListener) -> None:
        self._listener = listener
        self._started = False
        self.on_connected = listener.on_connected
        self.settled = listener.settled

    def on_batch(self, batch: Batch) -> None:
        """See `SessionListener`."""
        self._listener.on_batch(batch)

    def on_started(self) -> None:
        """See `SessionListener`."""
        if not self._started:
            self._started = True
            self._listener.on_started()
