"""A connection that masters came on: its frames go to the associations whose they are, each master in its turn."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import groupby

from protocols.dnp3.channels import Channel
from protocols.dnp3.endpoint import Endpoint, Received
from protocols.dnp3.link import Frame, FrameParser
from protocols.dnp3.outstation.association import Association

#: Fragments of one master that wait while others have their turns. A master that waits for its answers has two.
MOST_WAITING = 64
#: What came is taken in pieces of so many octets, and after so long other connections have their turn.
_PIECE_OCTETS = 1024
_TURN_S = 0.001


def associations_at(peer: str, associations: Sequence[Association]) -> dict[int, Association]:
    """The associations that a connection from this peer (host:port) can carry, by their masters' addresses."""
    host = _host(peer)
    return {
        one.settings.master_address: one
        for one in associations
        if not one.settings.sources or (host is not None and any(host in net for net in one.settings.sources))
    }


def _host(peer: str) -> IPv4Address | IPv6Address | None:
    try:
        host = ip_address(peer.rpartition(":")[0].strip("[]"))
    except ValueError:
        return None
    return (host.ipv4_mapped or host) if isinstance(host, IPv6Address) else host


class Connection:
    """One channel. Whoever is not expected on it is counted and gets no answer.

    A channel that only one association can use is its master's until that one comes on another. Otherwise masters
    are known when they speak: their links are enough where they have no channel yet, and a request moves them here
    from another (their links alone may be checking a path that they keep in reserve).
    """

    def __init__(
        self,
        channel: Channel,
        associations: Sequence[Association],
        statistics: Counter[str],
        left: Callable[[Channel], None],
    ) -> None:
        """``left`` is called with a channel that a master left for this one."""
        self.channel = channel
        self._routes = associations_at(channel.peer, associations)
        self._local = associations[0].settings.local_address
        self._statistics = statistics
        self._left = left
        self._parser = FrameParser(statistics)
        self._turn_began = 0.0
        self._endpoints: dict[int, Endpoint] = {}
        self._waiting: dict[int, deque[Received]] = {}

    @property
    def is_expected(self) -> bool:
        """True if a master may come from there."""
        return bool(self._routes)

    @property
    def has_master(self) -> bool:
        """True while an association speaks here."""
        return any(one.channel is self.channel for one in self._routes.values())

    async def serve(self) -> None:
        """Until the channel is closed.

        Raises:
            ChannelClosed: always, in the end.
        """
        self._guess()
        self.channel.taker = self._take_at_once
        while True:
            data = await self.channel.read()
            for at in range(0, len(data), _PIECE_OCTETS):
                if not self.channel.is_open:
                    break
                self._take(data[at : at + _PIECE_OCTETS])
                await self._let_others()
                await self._serve_waiting(all_of_it=len(self._routes) == 1)
            await self._serve_waiting(all_of_it=True)
            await self.channel.drain()

    def _take_at_once(self, data: bytes) -> bytes | None:
        """What is little is served where it comes, with nobody waiting before it; all else is left to `serve`."""
        if len(data) > _PIECE_OCTETS or not self.channel.is_writable:
            return data
        self._take(data)
        while self._serve_each():
            pass
        return None

    async def _serve_waiting(self, *, all_of_it: bool) -> None:
        """A fragment of each master, or all that wait; other connections have their turns in between."""
        while self._serve_each():
            await self._let_others()
            if not all_of_it:
                return

    async def _let_others(self) -> None:
        """After a turn, other connections have theirs: frames of the link layer cost time as requests do."""
        if time.monotonic() - self._turn_began > _TURN_S:
            await asyncio.sleep(0)
            self._turn_began = time.monotonic()

    def end(self) -> None:
        """The channel is gone."""
        for endpoint in self._endpoints.values():
            endpoint.close()
        for association in self._routes.values():
            if association.channel is self.channel:
                association.disconnect()

    def _guess(self) -> None:
        """Where only one master can be meant, it need not speak first."""
        if len(self._routes) == 1:
            [(address, association)] = self._routes.items()
            if association.channel is None:
                association.connect(self._endpoint(address))

    def _take(self, data: bytes) -> None:
        for source, run in groupby(self._parser.feed(data), key=_source):
            frames = list(run)
            if source not in self._routes:
                self._count_strangers(frames)
                continue
            endpoint = self._endpoint(source)
            heard = endpoint.heard
            waiting = self._waiting[source]
            for received in endpoint.take_frames(frames):
                if len(waiting) < MOST_WAITING:
                    waiting.append(received)
                else:
                    self._statistics["requests_dropped"] += 1
            if endpoint.heard != heard and self._routes[source].channel is None:
                self._routes[source].connect(endpoint)

    def _serve_each(self) -> bool:
        """One fragment of each master; False if there was none. What an aborted connection brought is thrown away."""
        served = False
        for source, waiting in self._waiting.items():
            if waiting and self.channel.is_open:
                served = True
                association = self._routes[source]
                if association.channel is not self.channel:
                    self._move_here(association, source)
                association.receive(waiting.popleft())
        return served

    def _move_here(self, association: Association, source: int) -> None:
        former = association.channel
        association.connect(self._endpoint(source))
        if former is not None:
            self._statistics["connections_replaced"] += 1
            self._left(former)

    def _endpoint(self, source: int) -> Endpoint:
        endpoint = self._endpoints.get(source)
        if endpoint is None:
            endpoint = self._endpoints[source] = self._routes[source].endpoint(self.channel)
            self._waiting[source] = deque()
            if len(self._endpoints) > 1:
                # the silence of one must not cost the others their connection
                for each in self._endpoints.values():
                    each.end_keepalive()
        return endpoint

    def _count_strangers(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            ours = frame.destination == self._local
            self._statistics["unknown_source_frames" if ours else "unknown_destination_frames"] += 1


def _source(frame: Frame) -> int:
    return frame.source
