"""Stations that share a medium: several outstations on one line, and outstations that dial in to one port.

A `Trunk` is one physical channel; the frames that it brings are told apart by their addresses and go to the `Drop`
whose they are. Only one drop at a time has a request outstanding: see `turns`. A trunk that is lost loses every drop
on it; it closes with the last.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

from protocols.dnp3.channels.channel import READ_HIGH_WATER, Channel, ChannelClosed
from protocols.dnp3.channels.turns import Turns
from protocols.dnp3.link import DIR, PRM, SELF_ADDRESS, Frame, FrameParser, Primary, build_frame


class Pair(NamedTuple):
    """The link addresses of an association: ours, the master's, and the outstation's."""

    local: int
    remote: int


class Turn:
    """The right to have a request outstanding, on a channel that nobody else uses: always there."""

    is_shared = False

    def take(self, granted: Callable[[], None]) -> bool:
        """True if it is ours now; otherwise ``granted`` is called, from the loop, when it is."""
        return True

    def release(self) -> None:
        """Let the others have it."""


class SharedTurn(Turn):
    """A drop's turn among the others of its trunk."""

    is_shared = True

    def __init__(self, trunk: "Trunk", key: Hashable) -> None:
        self._trunk = trunk
        self._key = key
        self.granted: Callable[[], None] | None = None

    def take(self, granted: Callable[[], None]) -> bool:
        """See `Turn`."""
        self.granted = granted
        return self._trunk.turns.ask(self._key)

    def release(self) -> None:
        """See `Turn`."""
        self.granted = None
        self._trunk.pass_on(self._key)


class Drop(Channel):
    """One station's or association's part of a trunk."""

    def __init__(self, trunk: "Trunk", key: Hashable, statistics: Counter[str]) -> None:
        super().__init__(statistics, trunk.physical.peer)
        self.turn = SharedTurn(trunk, key)
        self._trunk = trunk
        self._key = key

    def take(self, octets: bytes) -> None:
        """A frame came. What a session does not read must not hold up the others: it is lost to it."""
        if len(self._received) > READ_HIGH_WATER:
            self.statistics["frames_dropped"] += 1
            return
        self._arrived(octets)

    def lose(self, reason: str) -> None:
        """The trunk is gone."""
        self._ended(reason)

    async def drain(self) -> None:
        """See `Channel`."""
        await self._trunk.physical.drain()

    def _transmit(self, data: bytes) -> None:
        self._trunk.physical.write(data)

    def _hold_reading(self, hold: bool) -> None:
        """Nothing to hold: `take` drops instead."""

    def _shut(self, at_once: bool) -> None:
        self._trunk.leave(self._key)
        self._ended("closed by us")


class Trunk:
    """One physical channel and the drops on it, each with its key."""

    def __init__(self, physical: Channel) -> None:
        self.physical = physical
        self.turns = Turns()
        self._drops: dict[Hashable, Drop] = {}
        self._found: Counter[str] = Counter()
        self._parser = FrameParser(self._found)
        self._reading = asyncio.ensure_future(self._read())
        self._closing: asyncio.Future[None] | None = None

    @property
    def is_used(self) -> bool:
        """True while any drop is open."""
        return bool(self._drops)

    def join(self, key: Hashable, statistics: Counter[str]) -> Drop:
        """A drop for a key that has none here."""
        drop = Drop(self, key, statistics)
        self._drops[key] = drop
        return drop

    def has(self, key: Hashable) -> bool:
        """True if the key's drop is here."""
        return key in self._drops

    def leave(self, key: Hashable) -> None:
        """A drop is closed; the last one closes the trunk."""
        self._drops.pop(key, None)
        self.pass_on(key)
        if not self._drops:
            self.close("nobody uses it")

    def lose(self, key: Hashable, reason: str) -> None:
        """End a drop from this side."""
        drop = self._drops.get(key)
        if drop is not None:
            drop.abort(reason)

    def pass_on(self, key: Hashable) -> None:
        """A drop gives its turn up; who is next learns it from the loop, never from within."""
        heir = self.turns.give_up(key)
        if heir is not None and heir in self._drops:
            asyncio.get_running_loop().call_soon(self._grant, self._drops[heir])

    def close(self, reason: str) -> None:
        """Close the physical channel and with it every drop."""
        self._reading.cancel()
        if self.physical.is_open:
            self._closing = asyncio.ensure_future(self.physical.close())
        self._end_all(reason)

    @staticmethod
    def _grant(drop: Drop) -> None:
        if drop.is_open and drop.turn.granted is not None:
            drop.turn.granted()

    async def _read(self) -> None:
        try:
            while True:
                self._route(await self.physical.read())
        except ChannelClosed as closed:
            self._end_all(str(closed))

    def _route(self, data: bytes) -> None:
        frames = self._parser.feed(data)
        self._found.pop("frames_received", None)
        if self._found:
            # noise on a line is everybody's who hangs on it
            for drop in self._drops.values():
                drop.statistics.update(self._found)
            self._found.clear()
        for frame in frames:
            for owner in self._owners(frame):
                owner.take(build_frame(*frame))

    def _owners(self, frame: Frame) -> Sequence[Drop]:
        raise NotImplementedError

    def _end_all(self, reason: str) -> None:
        for drop in list(self._drops.values()):
            drop.lose(reason)
        self._drops.clear()


class AssociationTrunk(Trunk):
    """A master's: a drop for each pair of addresses. ``unclaimed`` gets frames whose pair has no drop here."""

    def __init__(self, physical: Channel, unclaimed: Callable[["AssociationTrunk", Pair], Drop | None]) -> None:
        self._unclaimed = unclaimed
        super().__init__(physical)

    def ask_for(self, pair: Pair) -> None:
        """Ask whether the pair's outstation is at the other end: its link layer's answer is a frame of its."""
        self.physical.write(build_frame(DIR | PRM | Primary.REQUEST_LINK_STATUS, pair.remote, pair.local))

    def _owners(self, frame: Frame) -> Sequence[Drop]:
        pair = Pair(frame.destination, frame.source)
        owner = self._drops.get(pair) or self._unclaimed(self, pair)
        return () if owner is None else (owner,)


class StationTrunk(Trunk):
    """Outstations': a drop for each of their addresses. What is for all of them each decides for itself."""

    def _owners(self, frame: Frame) -> Sequence[Drop]:
        if frame.destination >= SELF_ADDRESS:
            return list(self._drops.values())
        owner = self._drops.get(frame.destination)
        return () if owner is None else (owner,)
