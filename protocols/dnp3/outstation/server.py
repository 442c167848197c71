"""The outstation where its masters find it: connections, and the associations that share its points."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import structlog

from protocols.dnp3.channels import Channel, ChannelClosed, Listener
from protocols.dnp3.channels.posts import POSTS
from protocols.dnp3.outstation.association import Association
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.connection import Connection
from protocols.dnp3.outstation.device import Device
from vppscada.model.batch import Batch
from vppscada.model.outstations import CommandHandler, EventStores
from vppscada.model.points import RowPoint

log = structlog.get_logger()

#: Connections open at once, and two more for each further master; beyond it the oldest that carries none goes.
_MAX_CONNECTIONS = 16


class Dnp3Outstation:
    """A server of points to one master or several (`vppscada.model.outstations.Outstation`).

    Masters share the points and nothing else: each has its own events, classes, selection, unsolicited responses
    and indications. They may come on connections of their own or together on one.
    """

    def __init__(
        self,
        name: str,
        settings: Dnp3OutstationSettings,
        points: Sequence[RowPoint],
        handler: CommandHandler,
        events: EventStores | None = None,
        on_restart: Callable[[], None] | None = None,
    ) -> None:
        """``events`` gives each association its store, by the name of its master."""
        self._name = name
        self._settings = settings
        self._statistics: Counter[str] = Counter()
        self._device = Device(settings, points)
        self._associations = [
            Association(
                each,
                self._device,
                handler,
                events(each.identity) if events is not None else None,
                self._statistics,
                self._spread,
                on_restart,
                log.bind(outstation=name, master=each.identity),
            )
            for each in settings.associations
        ]
        self._most = _MAX_CONNECTIONS + 2 * (len(self._associations) - 1)
        self._listener: Listener | None = None
        self._connections: list[Connection] = []
        self._tasks: set[asyncio.Task[None]] = set()
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
        """True while a connection is there that is, or may be, a master's."""
        return any(one.channel is not None for one in self._associations)

    async def start(self) -> None:
        """Take back the events of an earlier life, bind and listen.

        Raises:
            OSError: the address is taken or not ours.
        """
        for association in self._associations:
            association.recall()
        settings = self._settings
        self._listener = await POSTS.serve(settings.medium, settings.local_address, self._accept, self._statistics)
        for association in self._associations:
            association.start()
        waiting = sum(len(one.core.buffer) for one in self._associations)
        self._log.info("outstation_started", port=self.port, events_waiting=waiting)

    async def stop(self) -> None:
        """Close every connection and the listener; what the stores were owed is written."""
        if self._listener is not None:
            await self._listener.close()
            self._listener = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in list(self._connections):
            await connection.channel.close()
        self._connections.clear()
        for association in self._associations:
            await association.stop()
        self._log.info("outstation_stopped")

    def update(self, batch: Batch) -> None:
        """New values of its points (``rows`` count its own list of points). Events arise here."""
        self._device.update(batch)
        self._spread()

    async def settled(self) -> None:
        """Return when every event made so far is on disk for every master.

        With ``overflow = "back_pressure"`` also when no class of theirs is filled to nine tenths, or after
        ``back_pressure_s``. What sessions brought before they were asked to wait, and what they bring after that
        time, finds the last tenth; beyond it the newest are kept here as well.

        Raises:
            Exception: a store's, if it did not take them.
        """
        await asyncio.gather(*(one.settled() for one in self._associations))

    def _spread(self) -> None:
        """What one association did can be an event for the others."""
        for association in self._associations:
            if association.core.has_news:
                association.tick()

    # connections

    def _accept(self, channel: Channel) -> None:
        connection = Connection(channel, self._associations, self._statistics, self._leave)
        if not connection.is_expected:
            self._statistics["connections_refused"] += 1
            channel.abort("no master is expected from there")
            return
        self._statistics["connections_accepted"] += 1
        self._connections.append(connection)
        if len(self._connections) > self._most:
            self._statistics["connections_evicted"] += 1
            oldest = next(one for one in self._connections if not one.has_master)
            self._connections.remove(oldest)
            oldest.channel.abort("too many connections")
        task = asyncio.ensure_future(self._serve(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: Connection) -> None:
        channel = connection.channel
        self._log.info("connection_opened", peer=channel.peer)
        try:
            await connection.serve()
        except ChannelClosed as closed:
            self._log.info("connection_closed", peer=channel.peer, reason=str(closed))
        except Exception:
            # no octet of a peer's should come here; if one does, it costs its connection and nothing else
            self._statistics["connections_failed"] += 1
            self._log.exception("connection_failed", peer=channel.peer)
        finally:
            connection.end()
            if connection in self._connections:
                self._connections.remove(connection)
            channel.abort("closed by us")

    def _leave(self, channel: Channel) -> None:
        """A master moved to another connection: this one goes unless other masters speak on it."""
        if all(one.channel is not channel for one in self._associations):
            channel.abort("replaced by a newer connection of the master")
