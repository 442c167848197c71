"""One connection to one device or to a line of several: its users ask by turns, one question at a time.

pymodbus' client takes any answer for success, notices a peer that hangs up only when its timeout has passed, and
reconnects on its own. Here answers stay bytes for `replies` to check, a hang-up ends the question at once, and nothing
reconnects. pymodbus' framers and serial transport are used.
"""

import asyncio
import ssl
import struct
import time
from collections import Counter
from typing import NamedTuple

from pymodbus.exceptions import ModbusException
from pymodbus.framer import FRAMER_NAME_TO_CLASS, FramerBase, FramerType
from pymodbus.pdu import DecodePDU

from protocols.modbus.certificates import client_context
from protocols.modbus.media import ANY_NAME, Framing, Medium, SerialSettings
from protocols.modbus.replies import ReplyInvalid
from protocols.modbus.requests import reply_length
from protocols.modbus.serial_line import open_serial
from vppscada.model.sessions import SessionLost

_FRAMERS = {Framing.TCP: FramerType.SOCKET, Framing.RTU_OVER_TCP: FramerType.RTU, Framing.RTU: FramerType.RTU}
#: What pymodbus' framers raise at bytes that they cannot take.
FRAMER_FAULTS = (ModbusException, ValueError, IndexError, struct.error)
#: No frame is longer; what stays undecoded beyond two of them is garbage.
_MOST_KEPT = 520
_SHUTDOWN_S = 1.0


def framer_of(framing: Framing, is_server: bool) -> FramerBase:
    """pymodbus' framer of a framing."""
    return FRAMER_NAME_TO_CLASS[_FRAMERS[framing]](DecodePDU(is_server))


class Reply(NamedTuple):
    """An answer to the question that was asked."""

    function_code: int
    payload: bytes  # what follows the function code

    @property
    def exception_code(self) -> int:
        """The code of an exception answer; 0 if it is none."""
        return self.payload[0] if self.function_code & 0x80 else 0


class Line(asyncio.Protocol):
    """A connection that lives once. Whoever holds ``turn`` may ask."""

    def __init__(self, medium: Medium) -> None:
        self.turn = asyncio.Lock()  # it is fair: nobody waits longer than one question of each other user
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[str] = self._loop.create_future()
        self._medium = medium
        self._transport: asyncio.Transport | None = None
        self._framer = framer_of(medium.framing, is_server=False)
        self._has_transactions = not medium.framing.is_rtu
        self._serial: SerialSettings | None = medium.serial
        self._transaction = 0
        self._kept = b""
        self._asked: bytes = b""
        self._device_id = 0
        self._statistics: Counter[str] = Counter()
        self._waiting: asyncio.Future[Reply] | None = None
        self._asked_at = 0.0
        self._patience_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._quiet_at = 0.0  # a frame may begin on a serial line from then on
        self._rests_until: dict[int, float] = {}  # by device id

    @property
    def held(self) -> int:
        """Octets of an incomplete frame that are kept."""
        return len(self._kept)

    async def open(self) -> None:
        """Connect.

        Raises:
            SessionLost: refused, unreachable, not within the time for it, or a certificate is not good.
        """
        try:
            async with asyncio.timeout(self._medium.connect_timeout_s):
                await self._connect()
        except TimeoutError as late:
            raise SessionLost(f"no connection to {self._medium} in {self._medium.connect_timeout_s:g} s") from late
        except (OSError, ValueError, RuntimeError) as fault:  # ValueError: a host name that cannot be encoded
            raise SessionLost(f"cannot connect to {self._medium}: {fault}") from fault

    async def _connect(self) -> None:
        medium = self._medium
        if medium.serial is not None:
            self._transport = open_serial(medium.serial, self)
            return
        context: ssl.SSLContext | None = None
        name: str | None = None
        if medium.tls is not None:
            context = client_context(medium.tls)
            name = medium.host if medium.tls.peer_name in ("", ANY_NAME) else medium.tls.peer_name
        await self._loop.create_connection(
            lambda: self,
            medium.host,
            medium.port,
            ssl=context,
            server_hostname=name,
            ssl_shutdown_timeout=_SHUTDOWN_S if context else None,
        )

    def shut(self, reason: str) -> None:
        """Close the connection; a question that is under way fails."""
        self._end(reason)
        if self._transport is not None:
            self._transport.close()

    # --- questions

    async def rested(self, device_id: int) -> None:
        """Return once no answer of the device to a question that was given up can come any more.

        An RTU frame has no transaction id: the late answer would pass for the next one's.
        """
        until = self._rests_until.get(device_id, 0.0)
        while (wait_s := until - self._loop.time()) > 0:
            await asyncio.wait((self.lost,), timeout=wait_s)
            if self.lost.done():
                return

    def ask(self, device_id: int, pdu: bytes, timeout_s: float, statistics: Counter[str]) -> "asyncio.Future[Reply]":
        """Send a request; its answer, which may be an exception answer, is the future's. The caller holds the turn.

        The future may also have:
            TimeoutError: no answer in time.
            ReplyInvalid: an answer that is not one to this request.
            ConnectionError: the connection went down.

        Raises:
            ConnectionError: the connection is down.
        """
        if self._transport is None or self.lost.done():
            raise ConnectionError(self.lost.result() if self.lost.done() else "not connected")
        self._transaction = self._transaction % 0xFFFF + 1
        self._asked, self._device_id, self._statistics = pdu, device_id, statistics
        self._kept = b""
        self._waiting = waiting = self._loop.create_future()
        self._transport.write(self._framer.encode(pdu, device_id, self._transaction))
        statistics["requests_sent"] += 1
        self._asked_at = now = self._loop.time()
        self._patience_s = timeout_s
        if self._timer is None or now + timeout_s < self._timer.when():
            self._arm(now + timeout_s)
        return waiting

    def _arm(self, at: float) -> None:
        """One timer for many questions: setting and cancelling one for each costs more than all else here."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(at, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        if self._waiting is None or self._waiting.done():
            return
        due = self._asked_at + self._patience_s
        if due > self._loop.time():
            self._arm(due)
        else:
            self._fail(TimeoutError())

    async def ask_rtu(
        self, device_id: int, pdu: bytes, timeout_s: float, statistics: Counter[str], rest: bool
    ) -> Reply:
        """As `ask`, where answers tell nothing of their questions but device and function.

        ``rest``: a device that leaves an RTU question unanswered is left alone for a while; without it the
        connection is closed, since nobody else needs it.
        """
        if self._serial is not None:
            await self._silence()
            # the characters take their time in both directions: three each are device id and CRC
            timeout_s += self._serial.character_s * (len(pdu) + reply_length(pdu) + 6)
        try:
            return await self.ask(device_id, pdu, timeout_s, statistics)
        except (TimeoutError, asyncio.CancelledError):
            self._given_up(device_id, timeout_s, rest)
            raise

    async def _silence(self) -> None:
        wait_s = self._quiet_at - time.monotonic()
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    def _given_up(self, device_id: int, timeout_s: float, rest: bool) -> None:
        if rest:
            self._rests_until[device_id] = self._loop.time() + 2 * timeout_s
        else:
            self.shut("a question was given up, and a late answer could not be told from the next one")

    # --- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: connected, with TLS after the handshake."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self.lost.done():  # given up meanwhile
            transport.close()

    def data_received(self, data: bytes) -> None:
        """asyncio: octets came. What cannot be decoded fails the question instead of the transport."""
        if self._serial is not None:
            self._quiet_at = time.monotonic() + self._serial.silence_s
        data = self._kept + data if self._kept else data
        used = 0
        try:
            while used < len(data):
                size, device_id, transaction, pdu = self._framer.decode(data[used:] if used else data)
                if not size:
                    break
                used += size
                if pdu:
                    self._take(device_id, transaction, pdu)
                else:
                    self._statistics["frames_malformed"] += 1
        except FRAMER_FAULTS as fault:
            self._statistics["frames_malformed"] += 1
            self._fail(ReplyInvalid(str(fault)))
            used = len(data)
        self._kept = data[used:] if len(data) - used <= _MOST_KEPT else b""

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the peer or the network ended the connection."""
        self._end(f"connection closed by the device ({exc})" if exc else "connection closed by the device")

    def _take(self, device_id: int, transaction: int, pdu: bytes) -> None:
        if self._waiting is None or self._waiting.done():
            self._statistics["replies_unexpected"] += 1
        elif self._has_transactions and transaction != self._transaction:
            self._statistics["replies_late"] += 1  # to a question that was given up, or to nobody's
        elif device_id != self._device_id:
            if device_id in self._rests_until:
                self._statistics["replies_late"] += 1
            else:
                self._fail(ReplyInvalid(f"device {device_id} answered for {self._device_id}"))
        elif pdu[0] & 0x7F != self._asked[0] or (pdu[0] & 0x80 and len(pdu) != 2):
            self._fail(ReplyInvalid(f"{pdu[:2].hex()} answered to function {self._asked[0]}"))
        else:
            statistics = self._statistics
            taken_s = self._loop.time() - self._asked_at
            statistics["replies_received"] += 1
            statistics["response_time_us"] += int(taken_s * 1e6)  # of all answers together
            if taken_s > self._patience_s / 2:
                statistics["replies_slow"] += 1
            self._waiting.set_result(Reply(pdu[0], pdu[1:]))

    def _end(self, reason: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self.lost.done():
            self.lost.set_result(reason)
        self._fail(ConnectionError(reason))

    def _fail(self, fault: Exception) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(fault)
