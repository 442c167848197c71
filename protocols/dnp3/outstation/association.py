"""One master's association at work: its state machine, its connection, its timer, its store and its commands."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence

import structlog

from protocols.dnp3.channels import Channel
from protocols.dnp3.endpoint import Endpoint, Received
from protocols.dnp3.link import LinkAddresses
from protocols.dnp3.outstation.actions import Action, Execute, Restart, Send
from protocols.dnp3.outstation.clock import Moment
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.core import OutstationCore
from protocols.dnp3.outstation.device import Device
from protocols.dnp3.outstation.keeping import EventKeeping
from vppscada.model.commands import Command, CommandStatus
from vppscada.model.outstations import CommandHandler, EventStore


def now() -> Moment:
    """The present, on both clocks."""
    return Moment(time.monotonic(), time.time_ns() // 1_000_000)


class Association:
    """What one master gets. ``happened`` is called after anything that may concern the other associations."""

    def __init__(
        self,
        settings: Dnp3OutstationSettings,
        device: Device,
        handler: CommandHandler,
        store: EventStore | None,
        statistics: Counter[str],
        happened: Callable[[], None],
        on_restart: Callable[[], None] | None,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self.settings = settings
        self._device = device
        self._handler = handler
        self._statistics = statistics
        self._happened = happened
        self._on_restart = on_restart
        self._store = store
        self._log = log
        self.core = OutstationCore(settings, device, statistics, durable=store is not None)
        self._keeping: EventKeeping | None = None
        if store is not None:
            self._keeping = EventKeeping(store, self.core, statistics, self.tick, self._discarded, log)
        self._endpoint: Endpoint | None = None
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for: float | None = None  # the deadline that the timer stands at

    @property
    def channel(self) -> Channel | None:
        """The channel that its master is, or may be, on."""
        return None if self._endpoint is None else self._endpoint.channel

    def recall(self) -> None:
        """Take back the events of an earlier life, once."""
        if not self.core.is_started:
            self.core.start(self._store.load() if self._store is not None else None)

    def start(self) -> None:
        """Begin to serve the store."""
        if self._keeping is not None:
            self._spawn(self._keeping.run())
            self._keeping.look()

    async def stop(self) -> None:
        """End what it does; what the store is owed is written."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.disconnect()
        self._disarm()
        if self._keeping is not None:
            await self._keeping.once()

    async def settled(self) -> None:
        """Return when every event so far is on disk and, with back-pressure, no class is nearly full.

        Raises:
            Exception: the store's, if it did not take them.
        """
        if self._keeping is not None:
            await self._keeping.settled()
        if not self._has_room.is_set():
            self._statistics["back_pressure_begun"] += 1
            try:
                async with asyncio.timeout(self.settings.back_pressure_s):
                    await self._has_room.wait()
            except TimeoutError:
                self._statistics["back_pressure_given_up"] += 1

    def endpoint(self, channel: Channel) -> Endpoint:
        """An end of this association on a channel."""
        settings = self.settings
        addresses = LinkAddresses(
            settings.local_address, settings.master_address, is_master=False, self_address=settings.self_address
        )
        return Endpoint(channel, addresses, self._statistics, settings.link, keepalive_s=settings.keepalive_s)

    def connect(self, endpoint: Endpoint) -> None:
        """Its master is, or may be, there."""
        self._endpoint = endpoint
        self._perform(self.core.connected(now()))

    def disconnect(self) -> None:
        """Its master is gone."""
        self._endpoint = None
        self.core.disconnected()
        self._settle()

    def receive(self, received: Received) -> None:
        """A fragment of its master's came."""
        self._perform(self.core.receive(received.fragment, now(), received.broadcast))

    def tick(self) -> None:
        """Time went by, or events came."""
        self._perform(self.core.tick(now()))

    def _discarded(self) -> None:
        self._perform(self.core.discarded(now()))

    # actions

    def _perform(self, actions: Sequence[Action]) -> None:
        for action in actions:
            match action:
                case Send(fragment):
                    if self._endpoint is not None:
                        self._endpoint.send(fragment)
                case Execute():
                    self._spawn(self._execute(action))
                case Restart(cold):
                    self._restart(cold)
        self._settle()
        self._happened()

    def _restart(self, cold: bool) -> None:
        self._statistics["restarts_asked"] += 1
        self._log.warning("restart_asked", cold=cold, does=self.settings.restart)
        if self.settings.restart == "station" and self._on_restart is not None:
            self._on_restart()

    def _settle(self) -> None:
        """After anything happened: the timer stands at the next deadline, and the store knows what it is owed."""
        if self.settings.overflow == "back_pressure":
            (self._has_room.clear if self.core.buffer.is_nearly_full else self._has_room.set)()
        if self._keeping is not None:
            self._keeping.look()
        due = (self.core.deadline(), self._device.deadline(now()))
        deadline = min((one for one in due if one is not None), default=None)
        if deadline == self._armed_for:
            return
        self._disarm()
        if deadline is not None:
            delay = max(deadline - time.monotonic(), 0.001)
            self._timer = asyncio.get_running_loop().call_later(delay, self._on_time)
            self._armed_for = deadline

    def _on_time(self) -> None:
        self._disarm()
        self._device.tick(now())
        self.tick()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._armed_for = None

    async def _execute(self, action: Execute) -> None:
        """Ask the handler within the time budget; what it did not answer in time has status TIMEOUT."""
        statuses: list[CommandStatus] = []
        try:
            async with asyncio.timeout(self.settings.command_timeout_s):
                for command in action.commands:
                    statuses.append(await self._ask(command, action.select))  # noqa: PERF401  # kept if time runs out
        except TimeoutError:
            self._statistics["commands_timed_out"] += len(action.commands) - len(statuses)
        statuses += [CommandStatus.TIMEOUT] * (len(action.commands) - len(statuses))
        self._perform(self.core.finish(action.ticket, statuses, now()))

    async def _ask(self, command: Command, select: bool) -> CommandStatus:
        try:
            return await (self._handler.select(command) if select else self._handler.operate(command))
        except Exception:
            # a handler must not raise; if it does, the master learns that nothing is certain
            self._statistics["handler_failures"] += 1
            self._log.exception("command_handler_failed", command=command.id)
            return CommandStatus.UNDEFINED

    def _spawn(self, coroutine: Coroutine[object, object, None]) -> None:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
