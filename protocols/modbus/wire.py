"""One connection to a device on pymodbus' transport and framers: one question, one answer that fits it.

pymodbus' client takes any answer for success, notices a peer that hangs up only when its timeout has passed, and
reconnects on its own. Here answers stay bytes for `replies` to check, a hang-up ends the question at once, and nothing
reconnects.
"""

import asyncio
import struct
from collections import Counter
from typing import NamedTuple

from pymodbus.exceptions import ModbusException
from pymodbus.framer import FRAMER_NAME_TO_CLASS, FramerBase, FramerType
from pymodbus.pdu import DecodePDU
from pymodbus.transport import CommParams, CommType, ModbusProtocol

from protocols.modbus.replies import ReplyInvalid
from protocols.modbus.settings import Framing, ModbusSessionSettings
from vppscada.model.sessions import SessionLost

_FRAMERS = {Framing.TCP: FramerType.SOCKET, Framing.RTU_OVER_TCP: FramerType.RTU}
#: What pymodbus' framers raise at bytes that they cannot take.
FRAMER_FAULTS = (ModbusException, ValueError, IndexError, struct.error)


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


class Wire(ModbusProtocol):
    """A connection that lives once. Its one user asks one question at a time."""

    def __init__(self, settings: ModbusSessionSettings, statistics: Counter[str]) -> None:
        params = CommParams(
            comm_type=CommType.TCP,
            comm_name=f"{settings.host}:{settings.port}",
            host=settings.host,
            port=settings.port,
            reconnect_delay=0.0,
            timeout_connect=settings.connect_timeout_s,
        )
        super().__init__(params, False)
        self._settings = settings
        self._statistics = statistics
        self._framer = framer_of(settings.framing, is_server=False)
        self._has_transactions = settings.framing is Framing.TCP
        self._transaction = 0
        self._function_code = 0
        self._waiting: asyncio.Future[Reply] | None = None
        self.lost: asyncio.Future[str] = self.loop.create_future()

    async def open(self) -> None:
        """Connect.

        Raises:
            SessionLost: refused, unreachable, or not within the time for it.
        """
        try:
            connected = await self.connect()
        except ValueError as fault:  # a host name that cannot be encoded
            raise SessionLost(f"cannot connect to {self._settings.host}: {fault}") from fault
        if not connected:
            raise SessionLost(f"cannot connect to {self._settings.host}:{self._settings.port}")

    def shut(self, reason: str) -> None:
        """Close the connection; a question that is under way fails."""
        self._end(reason)
        self.close()

    async def ask(self, pdu: bytes) -> Reply:
        """Send a request and await its answer, which may be an exception answer.

        Raises:
            TimeoutError: no answer in time.
            ReplyInvalid: an answer that is not one to this request.
            ConnectionError: the connection is or went down.
        """
        if self.lost.done():
            raise ConnectionError(self.lost.result())
        self._transaction = self._transaction % 0xFFFF + 1
        self._function_code = pdu[0]
        self._waiting = self.loop.create_future()
        self._statistics["requests_sent"] += 1
        self.send(self._framer.encode(pdu, self._settings.device_id, self._transaction))
        limit = self.loop.call_later(self._settings.timeout_s, self._fail, TimeoutError())  # asyncio.timeout costs more
        try:
            return await self._waiting
        except (TimeoutError, asyncio.CancelledError):
            # an RTU frame has no transaction id: the late answer would pass for the next question's
            if not self._has_transactions:
                self.shut("a question was given up, and a late answer could not be told from the next one")
            raise
        finally:
            limit.cancel()
            self._waiting = None

    def callback_new_connection(self) -> ModbusProtocol:
        """A client's connections are its own (pymodbus asks servers only)."""
        return self

    def callback_connected(self) -> None:
        """The connection is up; whoever opened it goes on."""

    def callback_data(self, data: bytes, addr: tuple[str, int] | None = None) -> int:
        """Take bytes from the transport; what cannot be decoded fails the question instead of the transport."""
        used = 0
        try:
            while used < len(data):
                size, device_id, transaction, pdu = self._framer.decode(data[used:])
                if not size:
                    break
                used += size
                if pdu:
                    self._take(device_id, transaction, pdu)
        except FRAMER_FAULTS as fault:
            self._statistics["frames_malformed"] += 1
            self._fail(ReplyInvalid(str(fault)))
            return len(data)
        return used

    def _take(self, device_id: int, transaction: int, pdu: bytes) -> None:
        if self._waiting is None or self._waiting.done():
            self._statistics["replies_unexpected"] += 1
        elif self._has_transactions and transaction != self._transaction:
            self._statistics["replies_late"] += 1  # to a question that was given up, or to nobody's
        elif device_id != self._settings.device_id:
            self._fail(ReplyInvalid(f"device {device_id} answered for {self._settings.device_id}"))
        elif pdu[0] & 0x7F != self._function_code or (pdu[0] & 0x80 and len(pdu) != 2):
            self._fail(ReplyInvalid(f"{pdu[:2].hex()} answered to function {self._function_code}"))
        else:
            self._statistics["replies_received"] += 1
            self._waiting.set_result(Reply(pdu[0], pdu[1:]))

    def callback_disconnected(self, exc: Exception | None) -> None:
        """The peer or the network ended the connection."""
        self._end(f"connection closed by the device ({exc})" if exc else "connection closed by the device")

    def _end(self, reason: str) -> None:
        if not self.lost.done():
            self.lost.set_result(reason)
        self._fail(ConnectionError(reason))

    def _fail(self, fault: Exception) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(fault)
