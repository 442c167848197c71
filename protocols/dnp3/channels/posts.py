"""Outstations of one process that wait on one medium, as on a line with several of them: told apart by their addresses.

An outstation that is alone on its medium has the plain channels, with nothing in between. When another one joins, those
are closed: they may bring what is for either.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple
from weakref import WeakSet

from protocols.dnp3.channels.channel import Channel, Listener
from protocols.dnp3.channels.medium import Medium, MediumKind
from protocols.dnp3.channels.opening import serve
from protocols.dnp3.channels.sharing import StationTrunk


class _Station(NamedTuple):
    on_channel: Callable[[Channel], None]
    statistics: Counter[str]


class _Post:
    """A medium that is being served, and the outstations on it by their addresses."""

    def __init__(self) -> None:
        self.listener: Listener | None = None
        self._stations: dict[int, _Station] = {}
        self._plain: WeakSet[Channel] = WeakSet()
        self._trunks: list[StationTrunk] = []

    @property
    def is_used(self) -> bool:
        return bool(self._stations)

    def has(self, address: int) -> bool:
        return address in self._stations

    def join(self, address: int, station: _Station) -> None:
        self._stations[address] = station
        for channel in list(self._plain):
            channel.abort("another outstation joined the line")
        for trunk in self._open_trunks():
            station.on_channel(trunk.join(address, station.statistics))

    def leave(self, address: int) -> None:
        self._stations.pop(address, None)

    def arrived(self, channel: Channel) -> None:
        if not self._stations:
            channel.abort("no outstation waits")
            return
        if len(self._stations) == 1:
            self._plain.add(channel)
            next(iter(self._stations.values())).on_channel(channel)
            return
        trunk = StationTrunk(channel)
        self._trunks = [*self._open_trunks(), trunk]
        for address, station in self._stations.items():
            station.on_channel(trunk.join(address, station.statistics))

    def _open_trunks(self) -> list[StationTrunk]:
        return [trunk for trunk in self._trunks if trunk.physical.is_open]


class _Membership(Listener):
    """One outstation's part of a post."""

    def __init__(self, posts: "Posts", medium: Medium, post: _Post, address: int) -> None:
        self._posts = posts
        self._medium = medium
        self._post = post
        self._address = address

    @property
    def port(self) -> int:
        """The number of the common port."""
        return 0 if self._post.listener is None else self._post.listener.port

    async def close(self) -> None:
        """Bring no more to this outstation; the last one closes the medium."""
        await self._posts.leave(self._medium, self._post, self._address)


class Posts:
    """Every medium that outstations of a process wait on."""

    def __init__(self) -> None:
        self._posts: dict[Medium, _Post] = {}
        self._changing = asyncio.Lock()

    async def serve(
        self, medium: Medium, address: int, on_channel: Callable[[Channel], None], statistics: Counter[str]
    ) -> Listener:
        """As `channels.serve`, for the outstation with this link address; others may share the medium.

        Raises:
            OSError: as `channels.serve`; two outstations with one address cannot share.
        """
        if medium.port == 0 and medium.transport.kind is not MediumKind.SERIAL:
            return await serve(medium, on_channel, statistics)  # a port of its own
        async with self._changing:
            post = self._posts.get(medium)
            if post is not None and post.has(address):
                raise OSError(f"{medium}: another outstation has address {address}")
            if post is None:
                post = _Post()
                post.join(address, _Station(on_channel, statistics))
                post.listener = await serve(medium, post.arrived, statistics)
                self._posts[medium] = post
            else:
                post.join(address, _Station(on_channel, statistics))
        return _Membership(self, medium, post, address)

    async def leave(self, medium: Medium, post: _Post, address: int) -> None:
        """An outstation stops."""
        async with self._changing:
            post.leave(address)
            if not post.is_used and self._posts.get(medium) is post:
                del self._posts[medium]
                if post.listener is not None:
                    await post.listener.close()


#: A port belongs to a process, and so do these.
POSTS = Posts()
