"""The master session: one connection life of one association, driven on a channel.

`master.Master` decides; this module reads the clock, moves octets, and hands readings over.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

import structlog

from protocols.dnp3.channels import Channel, ChannelClosed, connect
from protocols.dnp3.endpoint import Endpoint
from protocols.dnp3.link import LinkAddresses
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.master.core import Master
from protocols.dnp3.master.exchange import AskLinkStatus, Confirm, Deliver, Effect, Finished, Lost, Note, Send, Started
from protocols.dnp3.master.mapping import PointMapping
from vppscada.model.commands import Command, CommandResult, NotSent
from vppscada.model.points import RowPoint
from vppscada.model.sessions import SessionListener, SessionLost

log = structlog.get_logger()

_LONGEST_WAIT_S = 3600.0
#: Some outstations send larger fragments than the 2048 octets that the standard lets everybody expect.
MAX_RECEIVED_FRAGMENT = 0x10000


class Dnp3Session:
    """A `vppscada.model.sessions.Session` over DNP3."""

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
            channel = await connect(settings.medium, self._statistics)
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
        except ChannelClosed as ended:
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
        self._endpoint = Endpoint(channel, addresses, statistics, settings.link, max_fragment=MAX_RECEIVED_FRAGMENT)
        self._master = Master(settings, mapping, statistics, time.monotonic())
        self._results: dict[int, asyncio.Future[CommandResult]] = {}
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._settling = False  # a confirmation waits for the disk: nothing else may leave before it

    async def live(self) -> None:
        """Run until the association is lost.

        Raises:
            ChannelClosed: the connection ended, or the outstation is silent and we ended it.
        """
        self._advance()
        while True:
            data = await self._channel.read()
            await self._take(data)
            self._advance()

    async def operate(self, command: Command) -> CommandResult:
        """Queue a command for its turn and await its result. Cancelled before its turn, it never leaves."""
        result: asyncio.Future[CommandResult] = self._loop.create_future()
        ticket = self._master.submit(command)
        self._results[ticket] = result
        self._advance()
        try:
            return await result
        finally:
            self._results.pop(ticket, None)
            self._master.withdraw(ticket)

    def end(self, reason: str) -> None:
        """Give every command that is still waiting its result."""
        if self._timer is not None:
            self._timer.cancel()
        self._endpoint.close()
        self._master.abandon(reason)
        for effect in self._master.effects:
            if isinstance(effect, Finished):
                self._finish(effect)
        self._master.effects.clear()

    def _advance(self) -> None:
        """Begin what is due, and see to it that we are called when the next thing is."""
        if self._settling:
            return
        self._master.advance(time.monotonic(), _wall_ms())
        self._perform_all()
        self._arm()

    def _arm(self) -> None:
        """Have a timer no later than the next deadline. One that comes too early finds nothing to do and arms anew."""
        at = self._master.next_deadline()
        if self._timer is not None:
            if self._timer_at <= at:
                return
            self._timer.cancel()
            self._timer = None
        if self._channel.is_open:
            now = time.monotonic()
            wait_s = min(max(at - now, 0.0), _LONGEST_WAIT_S)
            self._timer, self._timer_at = self._loop.call_later(wait_s, self._on_time), now + wait_s

    def _on_time(self) -> None:
        # once around the loop, so that octets which came while it was held up are taken before they are missed
        self._timer = None
        self._loop.call_soon(self._tick)

    def _tick(self) -> None:
        if self._settling or not self._channel.is_open:
            return
        self._master.tick(time.monotonic(), _wall_ms())
        self._perform_all()
        self._advance()

    async def _take(self, data: bytes) -> None:
        heard = self._endpoint.heard
        fragments = self._endpoint.take(data)
        if self._endpoint.heard != heard:
            self._master.heard(time.monotonic())
        for fragment, _ in fragments:
            self._master.receive(fragment, time.monotonic(), _wall_ms())
            await self._perform_received()

    async def _perform_received(self) -> None:
        """Do what a fragment led to, in its order; a confirmation waits until its events are on disk."""
        effects = self._master.effects
        while effects:
            effect = effects.popleft()
            if isinstance(effect, Confirm) and effect.after_settling:
                self._settling = True
                try:
                    await self._listener.settled()
                finally:
                    self._settling = False
            self._perform(effect)

    def _perform_all(self) -> None:
        while self._master.effects:
            self._perform(self._master.effects.popleft())

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Deliver():
                self._listener.on_batch(effect.batch)
            case Send() | Confirm():
                # no drain: a peer that does not read must run into the response timeout, not hold us here
                self._endpoint.send(effect.fragment)
            case Finished():
                self._finish(effect)
            case AskLinkStatus():
                self._endpoint.ask_link_status()
            case Started():
                self._listener.on_started()
            case Note():
                self._log.warning(effect.event, detail=effect.detail)
            case Lost():
                self._channel.abort(effect.reason)

    def _finish(self, effect: Finished) -> None:
        result = self._results.pop(effect.ticket, None)
        if result is not None and not result.done():
            result.set_result(effect.result)


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
