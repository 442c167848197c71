"""A channel: octets both ways over one medium, awaited by asyncio code, bounded in both directions.

Reading from the medium pauses while nobody takes what came, and a peer that does not take what we write is
disconnected before our memory grows with it.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from protocols.dnp3.trace.recorder import Tap

#: Octets that may wait to be read before the medium is paused.
READ_HIGH_WATER = 64 * 1024
#: Octets that may wait to be sent to a peer that does not read before it is disconnected.
WRITE_LIMIT = 1024 * 1024
_CLOSING_S = 1.0


class ChannelClosed(ConnectionError):
    """The channel is closed; the message says by what."""


class Channel(ABC):
    """One open connection, line or peer. ``peer`` says to whom, for log lines; ``local`` is our end if it has a port.

    ``tap`` hears every octet of both directions, with TLS in clear. ``taker`` is called with octets as they come while
    somebody waits in `read` for them, and spares the turn of the loop that waking him costs: None says that it is done
    with them; octets (perhaps none) that the waiter is to go on, with these.
    """

    def __init__(self, statistics: Counter[str], peer: str = "") -> None:
        self.statistics = statistics
        self.peer = peer
        self.local = ""
        self.tap: Tap | None = None
        self.taker: Callable[[bytes], bytes | None] | None = None
        self.closed_because = ""
        self._received = bytearray()
        self._reading_held = False
        self._reader: asyncio.Future[bool] | None = None
        self._unsent = 0
        self._writable = asyncio.Event()
        self._writable.set()
        self._lost = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """False once either side closed it."""
        return not self.closed_because

    async def read(self) -> bytes:
        """The next octets, at least one unless the taker says that the reader is to go on without.

        Raises:
            ChannelClosed: the channel ended and everything it brought has been read.
            Exception: the taker's.
        """
        while not self._received:
            if not self.is_open:
                raise ChannelClosed(self.closed_because)
            self._reader = asyncio.get_running_loop().create_future()
            try:
                if await self._reader:
                    break
            finally:
                self._reader = None
        data = bytes(self._received)
        self._received.clear()
        if self._reading_held:
            self._reading_held = False
            if not self._lost.is_set():
                self._hold_reading(False)
        return data

    def write(self, data: bytes) -> None:
        """Send whole frames; does nothing on a closed channel. Await `drain` before producing much more."""
        if not data or not self.is_open:
            return
        if not self._writable.is_set():
            self._unsent += len(data)
            if self._unsent > WRITE_LIMIT:
                self.statistics["slow_peers_disconnected"] += 1
                self.abort("peer does not read")
                return
        self.statistics["octets_sent"] += len(data)
        if self.tap is not None:
            self.tap.sent(data)
        self._transmit(data)

    @property
    def is_writable(self) -> bool:
        """False while the peer takes no octets."""
        return self._writable.is_set()

    async def drain(self) -> None:
        """Return when the peer takes octets again (at once as a rule), or the channel is closed."""
        await self._writable.wait()

    async def close(self) -> None:
        """Close and wait until it is closed; what was written before is sent if the peer takes it within 1 s."""
        self._mark_closed("closed by us")
        if self._lost.is_set():
            return
        self._shut(at_once=False)
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING_S):
                await self._lost.wait()
        if not self._lost.is_set():
            self._shut(at_once=True)

    async def closed(self) -> None:
        """Return when the medium is gone."""
        await self._lost.wait()

    def abort(self, reason: str) -> None:
        """Close at once and throw away what was not sent, and what was not read."""
        self._mark_closed(reason)
        self._received.clear()
        if not self._lost.is_set():
            self._shut(at_once=True)

    # what a medium tells

    def _arrived(self, data: bytes) -> None:
        """Octets came."""
        self.statistics["octets_received"] += len(data)
        if self.tap is not None:
            self.tap.received(data)
        if self.taker is not None and self._reader is not None and not self._reader.done():
            if (rest := self._taken(self.taker, self._reader, data)) is None:
                return
            data = rest
        self._received += data
        if len(self._received) > READ_HIGH_WATER and not self._reading_held:
            self._reading_held = True
            self._hold_reading(True)
        self._wake()

    def _taken(
        self, taker: Callable[[bytes], bytes | None], reader: "asyncio.Future[bool]", data: bytes
    ) -> bytes | None:
        """What the taker leaves to the reader. Its exceptions are the reader's: the medium has its own work to do."""
        try:
            rest = taker(data)
        except Exception as error:
            if not reader.done():
                reader.set_exception(error)
            return b""
        if rest is not None and not reader.done():
            reader.set_result(True)
        return rest

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(False)

    def _may_write(self, may: bool) -> None:
        """The peer takes octets again, or does not."""
        if may:
            self._unsent = 0
            self._writable.set()
        else:
            self._writable.clear()

    def _ended(self, reason: str) -> None:
        """The medium is gone; nothing more comes or goes."""
        self._mark_closed(reason)
        self._lost.set()
        if self.tap is not None:
            self.tap.ended(self.closed_because)
            self.tap = None

    def _mark_closed(self, reason: str) -> None:
        if not self.closed_because:
            self.closed_because = reason or "closed"
        self._writable.set()
        self._wake()

    # what a medium does; none of it is called after `_ended`

    @abstractmethod
    def _transmit(self, data: bytes) -> None:
        """Send, or keep to be sent."""

    @abstractmethod
    def _hold_reading(self, hold: bool) -> None:
        """Take no more from the medium, or do again."""

    @abstractmethod
    def _shut(self, at_once: bool) -> None:
        """Close: at once, or when everything is sent. Leads to `_ended`."""


class Listener(ABC):
    """Brings channels: a bound port, or a dialler that keeps one channel open. Made by `serve`."""

    @property
    @abstractmethod
    def port(self) -> int:
        """The number of the port it is bound to; 0 where there is none."""

    @abstractmethod
    async def close(self) -> None:
        """Bring no more; channels that are open stay."""
