"""Sessions that share a medium: several outstations on one line, and outstations that dial in to one port.

A `Trunk` is one physical channel; the frames that it brings are told apart by their addresses and go to the `Drop`
whose they are. Only one drop at a time has a request outstanding: see `turns`. A trunk that is lost loses every drop
on it; it closes with the last.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from protocols.dnp3.channels.channel import READ_HIGH_WATER, Channel, ChannelClosed
from protocols.dnp3.channels.turns import Turns
from protocols.dnp3.link import DIR, PRM, FrameParser, Primary, build_frame


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

    def __init__(self, trunk: "Trunk", pair: Pair) -> None:
        self._trunk = trunk
        self._pair = pair
        self.granted: Callable[[], None] | None = None

    def take(self, granted: Callable[[], None]) -> bool:
        """See `Turn`."""
        self.granted = granted
        return self._trunk.turns.ask(self._pair)

    def release(self) -> None:
        """See `Turn`."""
        self.granted = None
        self._trunk.pass_on(self._pair)


class Drop(Channel):
    """One association's part of a trunk."""

    def __init__(self, trunk: "Trunk", pair: Pair, statistics: Counter[str]) -> None:
        super().__init__(statistics, trunk.physical.peer)
        self.turn = SharedTurn(trunk, pair)
        self._trunk = trunk
        self._pair = pair

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
        self._trunk.leave(self._pair)
        self._ended("closed by us")


class Trunk:
    """One physical channel and the drops on it. ``unclaimed`` gets frames whose pair has no drop here."""

    def __init__(self, physical: Channel, unclaimed: Callable[["Trunk", Pair], Drop | None]) -> None:
        self.physical = physical
        self.turns = Turns()
        self._unclaimed = unclaimed
        self._drops: dict[Pair, Drop] = {}
        self._found: Counter[str] = Counter()
        self._parser = FrameParser(self._found)
        self._reading = asyncio.ensure_future(self._read())
        self._closing: asyncio.Future[None] | None = None

    @property
    def is_used(self) -> bool:
        """True while any drop is open."""
        return bool(self._drops)

    def join(self, pair: Pair, statistics: Counter[str]) -> Drop:
        """A drop for a pair that has none here."""
        drop = Drop(self, pair, statistics)
        self._drops[pair] = drop
        return drop

    def has(self, pair: Pair) -> bool:
        """True if the pair's drop is here."""
        return pair in self._drops

    def leave(self, pair: Pair) -> None:
        """A drop is closed; the last one closes the trunk."""
        self._drops.pop(pair, None)
        self.pass_on(pair)
        if not self._drops:
            self.close("nobody uses it")

    def lose(self, pair: Pair, reason: str) -> None:
        """End a drop from this side."""
        drop = self._drops.get(pair)
        if drop is not None:
            drop.abort(reason)

    def pass_on(self, pair: Pair) -> None:
        """The pair gives its turn up; who is next learns it from the loop, never from within."""
        heir = self.turns.give_up(pair)
        if isinstance(heir, Pair) and heir in self._drops:
            asyncio.get_running_loop().call_soon(self._grant, self._drops[heir])

    def ask_for(self, pair: Pair) -> None:
        """Ask whether the pair's outstation is at the other end: its link layer's answer is a frame of its."""
        self.physical.write(build_frame(DIR | PRM | Primary.REQUEST_LINK_STATUS, pair.remote, pair.local))

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
            pair = Pair(frame.destination, frame.source)
            owner = self._drops.get(pair) or self._unclaimed(self, pair)
            if owner is not None:
                owner.take(build_frame(*frame))

    def _end_all(self, reason: str) -> None:
        for drop in list(self._drops.values()):
            drop.lose(reason)
        self._drops.clear()
