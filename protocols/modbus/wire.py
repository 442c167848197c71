"""One connection to a device on pymodbus' framers and transport: one question, one answer that fits it.

pymodbus takes any answer for success, notices a peer that hangs up only when its timeout has passed, and reconnects
on its own. Here answers keep their bytes for `replies` to check, a hang-up ends the question at once, and nothing
reconnects.
"""

import asyncio
from collections import Counter

from pymodbus.exceptions import ModbusException
from pymodbus.framer import FRAMER_NAME_TO_CLASS, FramerType
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.transaction import TransactionManager
from pymodbus.transport import CommParams, CommType

from protocols.modbus.replies import ReplyInvalid
from protocols.modbus.settings import Framing, ModbusSessionSettings
from vppscada.model.sessions import SessionLost

FRAMERS = {Framing.TCP: FramerType.SOCKET, Framing.RTU_OVER_TCP: FramerType.RTU}
_READS = (1, 2, 3, 4)
_WRITES = (5, 6, 15, 16)


class Request(ModbusPDU):
    """A question: function code and the bytes after it."""

    def __init__(self, function_code: int, body: bytes, device_id: int) -> None:
        super().__init__(dev_id=device_id)
        self.function_code = function_code
        self.body = body

    def encode(self) -> bytes:
        """The bytes after the function code."""
        return self.body


class Reply(ModbusPDU):
    """An answer whose bytes nobody has interpreted yet."""

    payload = b""

    def decode(self, data: bytes) -> None:
        """Keep the bytes after the function code."""
        self.payload = data

    def __str__(self) -> str:
        return f"Reply({self.function_code}, {len(self.payload)} bytes)"


def _decoder() -> DecodePDU:
    decoder = DecodePDU(False)
    for code in _READS:
        decoder.register(type(f"Reply{code}", (Reply,), {"function_code": code, "rtu_byte_count_pos": 2}))
    for code in _WRITES:
        decoder.register(type(f"Reply{code}", (Reply,), {"function_code": code, "rtu_frame_size": 8}))
    return decoder


class Wire(TransactionManager):
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
        framer = FRAMER_NAME_TO_CLASS[FRAMERS[settings.framing]](_decoder())
        super().__init__(params, framer, 0, False, None, None, None)
        self._settings = settings
        self._statistics = statistics
        self.lost: asyncio.Future[str] = self.loop.create_future()
        self.response_future.cancel()  # nothing is asked yet

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

    async def ask(self, request: Request) -> ModbusPDU:
        """Send a request and await its answer: a `Reply`, or an exception PDU (``isError()``).

        Raises:
            TimeoutError: no answer in time.
            ReplyInvalid: an answer that is not one to this request.
            ConnectionError: the connection is or went down.
        """
        if self.lost.done():
            raise ConnectionError(self.lost.result())
        request.transaction_id = self.getNextTID()
        self.response_future = self.loop.create_future()
        self._statistics["requests_sent"] += 1
        self.pdu_send(request)
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                reply: ModbusPDU = await self.response_future
        except (TimeoutError, asyncio.CancelledError):
            # an RTU frame has no transaction id: the late answer would pass for the next question's
            if self._settings.framing is Framing.RTU_OVER_TCP:
                self.shut("a question was given up, and a late answer could not be told from the next one")
            raise
        self._check(request, reply)
        self._statistics["replies_received"] += 1
        return reply

    def _check(self, request: Request, reply: ModbusPDU) -> None:
        if reply.function_code & 0x7F != request.function_code:
            raise ReplyInvalid(f"function {reply.function_code} answered to {request.function_code}")
        if reply.dev_id != request.dev_id:
            raise ReplyInvalid(f"device {reply.dev_id} answered for {request.dev_id}")
        if self._settings.framing is Framing.TCP and reply.transaction_id != request.transaction_id:
            raise ReplyInvalid(f"transaction {reply.transaction_id} answered to {request.transaction_id}")

    def callback_data(self, data: bytes, addr: tuple[str, int] | None = None) -> int:
        """Take bytes from the transport; what cannot be decoded fails the question instead of the transport."""
        if self.response_future.done():
            self._statistics["frames_unexpected"] += 1
            return len(data)
        try:
            return super().callback_data(data, addr)
        except (ModbusException, ValueError, IndexError) as fault:
            self._statistics["frames_malformed"] += 1
            self.response_future.set_exception(ReplyInvalid(str(fault)))
            return len(data)

    def callback_disconnected(self, exc: Exception | None) -> None:
        """The peer or the network ended the connection."""
        super().callback_disconnected(exc)
        self._end(f"connection closed by the device ({exc})" if exc else "connection closed by the device")

    def _end(self, reason: str) -> None:
        if not self.lost.done():
            self.lost.set_result(reason)
        if not self.response_future.done():
            self.response_future.set_exception(ConnectionError(reason))
            self.response_future.exception()  # whoever waited has it; nobody waiting is no error
