"""The outstation on its TCP port: connections, the state machine, the command handler and the event store."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence

import structlog

from protocols.dnp3.channels import Channel, ChannelClosed, Listener
from protocols.dnp3.channels.posts import POSTS
from protocols.dnp3.endpoint import Endpoint
from protocols.dnp3.link import LinkAddresses
from protocols.dnp3.outstation.actions import Action, Execute, Restart, Send
from protocols.dnp3.outstation.clock import Moment
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.core import OutstationCore
from protocols.dnp3.outstation.device import Device
from vppscada.model.batch import Batch
from vppscada.model.commands import Command, CommandStatus
from vppscada.model.outstations import CommandHandler, EventStore
from vppscada.model.points import RowPoint

log = structlog.get_logger()

#: Connections open at once; beyond it the oldest that is not the master's goes.
_MAX_CONNECTIONS = 16
_STORE_RETRY_S = 1.0
#: A connection's octets are served in pieces of so many, and after so long others have their turn.
_PIECE_OCTETS = 128
_TURN_S = 0.001


class Dnp3Outstation:
    """A server of points to one master (`vppscada.model.outstations.Outstation`).

    The first connection is taken to be the master's until another one speaks with the master's
    address: that one replaces it. Whoever uses another address is counted and gets no answer.
    """

    def __init__(
        self,
        name: str,
        settings: Dnp3OutstationSettings,
        points: Sequence[RowPoint],
        handler: CommandHandler,
        events: EventStore | None = None,
        on_restart: Callable[[bool], None] | None = None,
    ) -> None:
        self._name = name
        self._settings = settings
        self._handler = handler
        self._store = events
        self._on_restart = on_restart
        self._statistics: Counter[str] = Counter()
        self._device = Device(settings, points)
        self._core = OutstationCore(settings, self._device, self._statistics, durable=events is not None)
        self._listener: Listener | None = None
        self._connections: list[Endpoint] = []
        self._active: Endpoint | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for: float | None = None  # the deadline that the timer stands at
        self._store_wanted = asyncio.Event()
        self._log = log.bind(outstation=name)

    @property
    def name(self) -> str:
        """Name in the site file."""
        return self._name

    @property
    def statistics(self) -> Counter[str]:
        """Counts since it was made."""
        return self._statistics

    @property
    def port(self) -> int:
        """The TCP port it is bound to; 0 while not bound."""
        return 0 if self._listener is None else self._listener.port

    @property
    def has_master(self) -> bool:
        """True while a connection is there that is, or may be, the master's."""
        return self._active is not None

    async def start(self) -> None:
        """Take back the events of an earlier life, bind and listen.

        Raises:
            OSError: the address is taken or not ours.
        """
        settings = self._settings
        if not self._core.is_started:
            self._core.start(self._store.load() if self._store is not None else None)
        self._listener = await POSTS.serve(settings.medium, settings.local_address, self._accept, self._statistics)
        if self._store is not None:
            self._spawn(self._keep_stored(self._store))
        self._log.info("outstation_started", port=self.port, events_waiting=len(self._core.buffer))

    async def stop(self) -> None:
        """Close every connection and the listener; what the store was owed is written."""
        if self._listener is not None:
            await self._listener.close()
            self._listener = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in list(self._connections):
            await connection.channel.close()
        self._connections.clear()
        self._deactivate()
        self._disarm()
        if self._store is not None:
            try:
                await self._store_once(self._store)
            except Exception:
                # what was reported is on disk; what is not was never reported
                self._statistics["store_failures"] += 1
                self._log.exception("event_store_failed")
        self._log.info("outstation_stopped")

    def update(self, batch: Batch) -> None:
        """New values of its points (``rows`` count its own list of points). Events arise here."""
        self._device.update(batch)
        self._perform(self._core.tick(_now()))

    # connections

    def _accept(self, channel: Channel) -> None:
        connection = self._endpoint(channel)
        self._statistics["connections_accepted"] += 1
        self._connections.append(connection)
        if len(self._connections) > _MAX_CONNECTIONS:
            self._statistics["connections_evicted"] += 1
            oldest = next(c for c in self._connections if c is not self._active)
            self._connections.remove(oldest)
            oldest.channel.abort("too many connections")
        self._spawn(self._serve(connection))

    def _endpoint(self, channel: Channel) -> Endpoint:
        settings = self._settings
        addresses = LinkAddresses(
            settings.local_address, settings.master_address, is_master=False, self_address=settings.self_address
        )
        return Endpoint(channel, addresses, self._statistics, settings.link, keepalive_s=settings.keepalive_s)

    async def _serve(self, connection: Endpoint) -> None:
        self._log.info("connection_opened", peer=connection.channel.peer)
        if self._active is None:
            self._activate(connection)
        try:
            while True:
                await self._take(connection, await connection.channel.read())
                await connection.channel.drain()
        except ChannelClosed as closed:
            self._log.info("connection_closed", peer=connection.channel.peer, reason=str(closed))
        except Exception:
            # no octet of a peer's should come here; if one does, it costs its connection and nothing else
            self._statistics["connections_failed"] += 1
            self._log.exception("connection_failed", peer=connection.channel.peer)
        finally:
            if self._active is connection:
                self._deactivate()
            if connection in self._connections:
                self._connections.remove(connection)
            connection.close()
            connection.channel.abort("closed by us")

    async def _take(self, connection: Endpoint, data: bytes) -> None:
        """Serve what came; a flood of requests does not keep others waiting."""
        began = time.monotonic()
        for at in range(0, len(data), _PIECE_OCTETS):
            if time.monotonic() - began > _TURN_S:
                await asyncio.sleep(0)
                began = time.monotonic()
            if not connection.channel.is_open and self._active is not connection:
                return  # another connection took its place: what it still brought does not take it back
            self._received(connection, data[at : at + _PIECE_OCTETS])

    def _received(self, connection: Endpoint, data: bytes) -> None:
        fragments = connection.take(data)
        # what its link layer alone says may be the check of a path that it keeps in reserve
        if fragments and self._active is not connection:
            self._activate(connection)
        for fragment, broadcast in fragments:
            self._perform(self._core.receive(fragment, _now(), broadcast))

    def _activate(self, connection: Endpoint) -> None:
        former, self._active = self._active, connection
        if former is not None:
            self._statistics["connections_replaced"] += 1
            former.channel.abort("replaced by a newer connection of the master")
        self._perform(self._core.connected(_now()))

    def _deactivate(self) -> None:
        self._active = None
        self._core.disconnected()
        self._settle()

    # actions

    def _perform(self, actions: Sequence[Action]) -> None:
        for action in actions:
            match action:
                case Send(fragment):
                    if self._active is not None:
                        self._active.send(fragment)
                case Execute():
                    self._spawn(self._execute(action))
                case Restart(cold):
                    self._statistics["restarts_asked"] += 1
                    if self._on_restart is not None:
                        self._on_restart(cold)
        self._settle()

    def _settle(self) -> None:
        """After anything happened: the timer stands at the next deadline, and the store knows what it is owed."""
        if self._store is not None and self._core.buffer.owes_store:
            self._store_wanted.set()
        due = (self._core.deadline(), self._device.deadline(_now()))
        deadline = min((one for one in due if one is not None), default=None)
        if deadline == self._armed_for:
            return
        self._disarm()
        if deadline is not None:
            delay = max(deadline - time.monotonic(), 0.001)
            self._timer = asyncio.get_running_loop().call_later(delay, self._tick)
            self._armed_for = deadline

    def _tick(self) -> None:
        self._disarm()
        self._device.tick(_now())
        self._perform(self._core.tick(_now()))

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._armed_for = None

    async def _execute(self, action: Execute) -> None:
        """Ask the handler within the time budget; what it did not answer in time has status TIMEOUT."""
        statuses: list[CommandStatus] = []
        try:
            async with asyncio.timeout(self._settings.command_timeout_s):
                for command in action.commands:
                    statuses.append(await self._ask(command, action.select))  # noqa: PERF401  # kept if time runs out
        except TimeoutError:
            self._statistics["commands_timed_out"] += len(action.commands) - len(statuses)
        statuses += [CommandStatus.TIMEOUT] * (len(action.commands) - len(statuses))
        self._perform(self._core.finish(action.ticket, statuses, _now()))

    async def _ask(self, command: Command, select: bool) -> CommandStatus:
        try:
            return await (self._handler.select(command) if select else self._handler.operate(command))
        except Exception:
            # a handler must not raise; if it does, the master learns that nothing is certain
            self._statistics["handler_failures"] += 1
            self._log.exception("command_handler_failed", command=command.id)
            return CommandStatus.UNDEFINED

    # the store

    async def _keep_stored(self, store: EventStore) -> None:
        while True:
            await self._store_wanted.wait()
            self._store_wanted.clear()
            try:
                await self._store_once(store)
            except Exception:
                # nothing is reported that is not on disk: the events wait until the disk is back
                self._statistics["store_failures"] += 1
                self._log.exception("event_store_failed")
                await asyncio.sleep(_STORE_RETRY_S)
                self._store_wanted.set()

    async def _store_once(self, store: EventStore) -> None:
        """Give the store what it is owed: appends before discards, since an overflowed event may be in both."""
        buffer = self._core.buffer
        unsaved = buffer.unsaved()
        if len(unsaved):
            await store.append(unsaved)
            buffer.saved(unsaved.id)
            self._perform(self._core.tick(_now()))
        discards = buffer.take_discards()
        if len(discards):
            try:
                await store.discard(discards)
            except BaseException:
                buffer.owe_discards(discards)
                raise

    def _spawn(self, coroutine: Coroutine[object, object, None]) -> None:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _now() -> Moment:
    return Moment(time.monotonic(), time.time_ns() // 1_000_000)
