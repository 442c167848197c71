"""The master session: one connection life of one association, driven on a channel.

`master.Master` decides; this module reads the clock, moves octets, and hands readings over.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Sequence

import structlog

from protocols.dnp3.channel import Channel, ChannelClosed, connect_tcp
from protocols.dnp3.config import Dnp3SessionSettings
from protocols.dnp3.exchange import AskLinkStatus, Confirm, Deliver, Finished, Lost, Send, Started
from protocols.dnp3.link import LinkAddresses, LinkLayer
from protocols.dnp3.mapping import PointMapping
from protocols.dnp3.master import Master
from protocols.dnp3.transport import Reassembler, segments
from vppscada.model.commands import Command, CommandResult, NotSent
from vppscada.model.points import RowPoint
from vppscada.model.sessions import SessionListener, SessionLost

log = structlog.get_logger()

_LONGEST_WAIT_S = 3600.0


class Dnp3Session:
    """A `vppscada.model.sessions.Session` over DNP3 and TCP."""

    def __init__(self, name: str, settings: Dnp3SessionSettings, points: Sequence[RowPoint]) -> None:
        self._name = name
        self._settings = settings
        self._statistics: Counter[str] = Counter()
        self._mapping = PointMapping(points, self._statistics)
        self._connection: _Connection | None = None

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
        settings = self._settings
        try:
            channel = await connect_tcp(settings.host, settings.port, settings.connect_timeout_s, self._statistics)
        except ConnectionError as error:
            self._statistics["connects_failed"] += 1
            raise SessionLost(f"cannot connect: {error}") from error
        self._statistics["connects_made"] += 1
        connection = _Connection(self._name, settings, self._mapping, channel, listener, self._statistics)
        self._connection = connection
        reason = "cancelled"
        try:
            listener.on_connected()
            await connection.live()
        except (SessionLost, ChannelClosed) as ended:
            reason = str(ended)
            raise SessionLost(reason) from ended
        finally:
            self._connection = None
            connection.end(reason)
            await channel.close()

    async def operate(self, command: Command) -> CommandResult:
        """Send one command and await what the outstation says; see `Session.operate`."""
        connection = self._connection
        if connection is None:
            return NotSent("not connected")
        return await connection.operate(command)


class _Connection:
    """One open channel with the state machine of its association."""

    def __init__(
        self,
        name: str,
        settings: Dnp3SessionSettings,
        mapping: PointMapping,
        channel: Channel,
        listener: SessionListener,
        statistics: Counter[str],
    ) -> None:
        self._channel = channel
        self._listener = listener
        self._statistics = statistics
        self._log = log.bind(session=name, protocol="dnp3")
        addresses = LinkAddresses(settings.local_address, settings.remote_address, is_master=True)
        self._link = LinkLayer(addresses, statistics)
        self._reassembler = Reassembler(statistics)
        self._segment = 0
        self._master = Master(settings, mapping, statistics, time.monotonic())
        self._woken = asyncio.Event()
        self._submitted: deque[tuple[Command, asyncio.Future[CommandResult]]] = deque()
        self._results: dict[int, asyncio.Future[CommandResult]] = {}

    async def live(self) -> None:
        """Run until the association is lost.

        Raises:
            SessionLost: the outstation is silent.
            ChannelClosed: the connection ended.
        """
        reading = asyncio.ensure_future(self._channel.read())
        waking = asyncio.ensure_future(self._woken.wait())
        try:
            while True:
                await self._advance()
                timeout = self._master.next_deadline() - time.monotonic()
                await asyncio.wait(
                    (reading, waking),
                    timeout=min(max(timeout, 0.0), _LONGEST_WAIT_S),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if reading.done():
                    await self._take(reading.result())
                    reading = asyncio.ensure_future(self._channel.read())
                else:
                    self._master.tick(time.monotonic(), _wall_ms())
                    await self._perform()
                if waking.done():
                    self._woken.clear()
                    waking = asyncio.ensure_future(self._woken.wait())
        finally:
            waking.cancel()
            if not reading.cancel() and not reading.cancelled():
                reading.exception()  # seen, so that asyncio does not complain

    async def operate(self, command: Command) -> CommandResult:
        """Queue a command for its turn and await its result."""
        result: asyncio.Future[CommandResult] = asyncio.get_running_loop().create_future()
        self._submitted.append((command, result))
        self._woken.set()
        return await result

    def end(self, reason: str) -> None:
        """Give every command that is still waiting its result."""
        self._queue_submitted()
        self._master.abandon(reason)
        for effect in self._master.effects:
            if isinstance(effect, Finished):
                self._finish(effect)
        self._master.effects.clear()

    async def _advance(self) -> None:
        self._queue_submitted()
        self._master.advance(time.monotonic(), _wall_ms())
        await self._perform()

    def _queue_submitted(self) -> None:
        while self._submitted:
            command, result = self._submitted.popleft()
            self._results[self._master.submit(command)] = result

    async def _take(self, data: bytes) -> None:
        frames = self._statistics["frames_received"]
        arrived, answer = self._link.receive(data)
        self._channel.write(answer)
        if self._statistics["frames_received"] != frames:
            self._master.heard(time.monotonic())
        for segment in arrived:
            fragment = self._reassembler.push(segment)
            if fragment is not None:
                self._master.receive(fragment, time.monotonic(), _wall_ms())
                await self._perform()

    async def _perform(self) -> None:
        """Do what the state machine wants, in its order."""
        while self._master.effects:
            match effect := self._master.effects.popleft():
                case Deliver():
                    self._listener.on_batch(effect.batch)
                case Send():
                    self._send(effect.fragment)
                case Confirm():
                    if effect.after_settling:
                        await self._listener.settled()
                    self._send(effect.fragment)
                case Finished():
                    self._finish(effect)
                case AskLinkStatus():
                    self._channel.write(self._link.request_link_status())
                case Started():
                    self._log.info("session_started")
                    self._listener.on_started()
                case Lost():
                    raise SessionLost(effect.reason)

    def _send(self, fragment: bytes) -> None:
        parts = segments(fragment, self._segment)
        self._segment = (self._segment + len(parts)) % 64
        # no drain: a peer that does not read must run into the response timeout, not hold us here
        self._channel.write(b"".join(map(self._link.send, parts)))

    def _finish(self, effect: Finished) -> None:
        result = self._results.pop(effect.ticket, None)
        if result is not None and not result.done():
            result.set_result(effect.result)


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
