"""The media of all sessions of a process: who has one for itself, who shares one, and who waits to be dialled.

Sessions whose media are equal share one line, unless their link addresses are equal too: then each has its own
channel. A session that is alone on its medium has the plain channel, with nothing in between.
"""

import asyncio
from collections import Counter
from typing import NamedTuple
from weakref import WeakSet

from protocols.dnp3.channels.channel import Channel, Listener
from protocols.dnp3.channels.medium import Medium, MediumKind, MediumRole
from protocols.dnp3.channels.opening import connect, listen
from protocols.dnp3.channels.sharing import AssociationTrunk, Drop, Pair, Turn

#: A port stays bound for so long after its last session was lost: longer than sessions wait to come back.
_LINGER_S = 90.0
#: Connections that dialled in and are nobody's yet.
_MAX_STRANGERS = 16


class Opened(NamedTuple):
    """A channel, and the turns to be kept on it."""

    channel: Channel
    turn: Turn


class Place:
    """A session's place on a medium. Hold it as long as the session lives."""

    def __init__(self, line: "_Line", pair: Pair) -> None:
        self._line = line
        self.pair = pair

    async def open(self, statistics: Counter[str]) -> Opened:
        """Open the channel, or wait for the outstation to dial in, for ``connect_timeout_s`` at most.

        Raises:
            ConnectionError: it could not be opened, or nobody dialled in.
        """
        try:
            return await self._line.open(self, statistics)
        except OSError as error:
            if isinstance(error, ConnectionError):
                raise
            raise ConnectionError(str(error)) from error

    async def leave(self) -> None:
        """The session ends for good (until it opens again): a port that nobody else waits at is closed."""
        await self._line.leave(self)


class Lines:
    """Every line of a process."""

    def __init__(self) -> None:
        self._lines: dict[Medium, _Line] = {}

    def place(self, medium: Medium, local: int, remote: int) -> Place:
        """Declare a session, before any that shares its medium opens."""
        self._lines = {at: line for at, line in self._lines.items() if line.is_wanted or at == medium}
        line = self._lines.get(medium)
        if line is None:
            dialled = medium.transport.role is MediumRole.SERVER and medium.transport.kind is not MediumKind.SERIAL
            line = self._lines[medium] = _ListeningLine(medium) if dialled else _DiallingLine(medium)
        elif line.medium.transport.trace is None:
            line.medium = medium  # who shares a line may want it recorded where the first does not
        place = Place(line, Pair(local, remote))
        line.places.add(place)
        return place


class _Line:
    """One medium with the places on it."""

    def __init__(self, medium: Medium) -> None:
        self.medium = medium
        self.places: WeakSet[Place] = WeakSet()

    @property
    def is_wanted(self) -> bool:
        """True while any session lives that has a place here."""
        return bool(self.places)

    @property
    def is_shared(self) -> bool:
        """True if several outstations are expected on it."""
        return len({place.pair for place in self.places}) > 1

    async def open(self, place: Place, statistics: Counter[str]) -> Opened:
        raise NotImplementedError

    async def leave(self, place: Place) -> None:
        """Nothing is kept for anybody."""


class _DiallingLine(_Line):
    """A medium that we open."""

    def __init__(self, medium: Medium) -> None:
        super().__init__(medium)
        self._trunk: AssociationTrunk | None = None
        self._attempt: asyncio.Future[AssociationTrunk] | None = None
        self._openers = 0

    async def open(self, place: Place, statistics: Counter[str]) -> Opened:
        if not self.is_shared:
            return Opened(await connect(self.medium, statistics), Turn())
        self._openers += 1
        try:
            trunk = await self._common()
            if not trunk.has(place.pair):
                drop = trunk.join(place.pair, statistics)
                return Opened(drop, drop.turn)
        finally:
            self._openers -= 1
            self._close_unused()
        return Opened(await connect(self.medium, statistics), Turn())

    async def _common(self) -> AssociationTrunk:
        """The trunk that is open; or one attempt at it, whose end is everybody's who waits."""
        if self._trunk is not None and self._trunk.physical.is_open:
            return self._trunk
        if self._attempt is None:
            self._attempt = asyncio.ensure_future(self._connect())
        return await asyncio.shield(self._attempt)

    async def _connect(self) -> AssociationTrunk:
        try:
            self._trunk = AssociationTrunk(await connect(self.medium, Counter()), lambda *_: None)
        finally:
            self._attempt = None
            asyncio.get_running_loop().call_soon(self._close_unused)
        return self._trunk

    def _close_unused(self) -> None:
        if not self._openers and self._trunk is not None and not self._trunk.is_used:
            self._trunk.close("nobody uses it")
            self._trunk = None


class _ListeningLine(_Line):
    """A port that outstations dial in to. Whose a connection is, its first frame tells."""

    def __init__(self, medium: Medium) -> None:
        super().__init__(medium)
        self._listener: Listener | None = None
        self._binding = asyncio.Lock()
        self._waiting: dict[Pair, tuple[asyncio.Future[Drop], Counter[str]]] = {}
        self._trunks: list[AssociationTrunk] = []
        self._linger: asyncio.TimerHandle | None = None
        self._closing: asyncio.Future[None] | None = None

    async def open(self, place: Place, statistics: Counter[str]) -> Opened:
        self._stop_lingering()
        async with self._binding:
            if self._listener is None:
                self._listener = await listen(self.medium, self._arrived, Counter())
        if place.pair in self._waiting:
            raise ConnectionError(f"{self.medium}: another session waits for address {place.pair.remote}")
        arrival: asyncio.Future[Drop] = asyncio.get_running_loop().create_future()
        self._waiting[place.pair] = (arrival, statistics)
        try:
            for trunk in [one for one in self._trunks if one.physical.is_open]:
                trunk.ask_for(place.pair)
            async with asyncio.timeout(self.medium.connect_timeout_s):
                drop = await arrival
        except TimeoutError as error:
            raise ConnectionError(
                f"{self.medium}: no outstation with address {place.pair.remote} dialled in"
            ) from error
        finally:
            self._waiting.pop(place.pair, None)
            self._linger_on()
        return Opened(drop, drop.turn)

    async def leave(self, place: Place) -> None:
        if not self._waiting and not any(trunk.is_used for trunk in self._trunks):
            await self._close()

    def _arrived(self, channel: Channel) -> None:
        self._trunks = [trunk for trunk in self._trunks if trunk.physical.is_open]
        strangers = [trunk for trunk in self._trunks if not trunk.is_used]
        if len(strangers) >= _MAX_STRANGERS:
            strangers[0].close("another connection took its place")
        trunk = AssociationTrunk(channel, self._claim)
        self._trunks.append(trunk)
        for pair in self._waiting:
            trunk.ask_for(pair)

    def _claim(self, trunk: AssociationTrunk, pair: Pair) -> Drop | None:
        """A frame of this pair came on this trunk."""
        if pair in self._waiting:
            arrival, statistics = self._waiting.pop(pair)
            drop = trunk.join(pair, statistics)
            arrival.set_result(drop)
            return drop
        for former in self._trunks:
            if former is not trunk and former.has(pair):
                former.lose(pair, "the outstation dialled in anew")
        return None

    def _linger_on(self) -> None:
        self._stop_lingering()
        self._linger = asyncio.get_running_loop().call_later(_LINGER_S, self._lingered)

    def _lingered(self) -> None:
        if self._waiting or any(trunk.is_used for trunk in self._trunks):
            self._linger_on()
        else:
            self._closing = asyncio.ensure_future(self._close())

    def _stop_lingering(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None

    async def _close(self) -> None:
        self._stop_lingering()
        listener, self._listener = self._listener, None
        for trunk in self._trunks:
            trunk.close("nobody waits for it")
        self._trunks.clear()
        if listener is not None:
            await listener.close()
