"""What one session has of a line: alone on it, or by turns with the sessions of the other devices behind it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import NamedTuple

from protocols.modbus.line import Line, Reply
from protocols.modbus.media import Medium
from protocols.modbus.settings import ModbusSessionSettings
from vppscada.model.sessions import SessionLost


class _Shared(NamedTuple):
    """A line that is open or being opened, and who is on it."""

    line: Line
    opening: "asyncio.Task[None]"
    users: "set[Wire]"


#: By loop and medium. An entry goes with its last user, or with its line.
_SHARED: dict[tuple[asyncio.AbstractEventLoop, Medium], _Shared] = {}


class Wire:
    """A connection that lives once. Its one user asks one question at a time, and only while it holds ``turn``."""

    def __init__(self, settings: ModbusSessionSettings, statistics: Counter[str]) -> None:
        self._settings = settings
        self._statistics = statistics
        self._loop = asyncio.get_running_loop()
        self._medium = settings.medium
        self._is_rtu = settings.framing.is_rtu
        self._key = (self._loop, self._medium)
        self._line: Line | None = None
        self.lost: asyncio.Future[str] = self._loop.create_future()

    async def open(self) -> None:
        """Connect, or join those who are connected.

        Raises:
            SessionLost: refused, unreachable, not within the time for it, or a certificate is not good.
        """
        line = await self._joined() if self._medium.is_shared else await self._alone()
        self._line = line
        line.lost.add_done_callback(self._on_lost)

    async def _alone(self) -> Line:
        line = Line(self._medium)
        try:
            await line.open()
        except BaseException:
            line.shut("not opened")
            raise
        return line

    async def _joined(self) -> Line:
        shared = _SHARED.get(self._key)
        if shared is None or shared.line.lost.done():
            line = Line(self._medium)
            shared = _Shared(line, self._loop.create_task(line.open()), set())
            _SHARED[self._key] = shared
        shared.users.add(self)
        try:
            await asyncio.shield(shared.opening)
        except asyncio.CancelledError:
            self._leave("not opened")
            raise
        except SessionLost:
            if _SHARED.get(self._key) is shared:
                del _SHARED[self._key]
            raise
        return shared.line

    def shut(self, reason: str) -> None:
        """Leave the line; the last one closes it. A question that is under way fails."""
        if not self.lost.done():
            self.lost.set_result(reason)
        if self._medium.is_shared:
            self._leave(reason)
        elif self._line is not None:
            self._line.shut(reason)

    def _leave(self, reason: str) -> None:
        shared = _SHARED.get(self._key)
        if shared is None or self not in shared.users:
            return
        shared.users.discard(self)
        if not shared.users:
            del _SHARED[self._key]
            shared.opening.cancel()
            shared.line.shut(reason)

    @property
    def is_alone(self) -> bool:
        """True while no other session is on the line."""
        shared = _SHARED.get(self._key)
        return shared is None or len(shared.users) <= 1

    @property
    def turn(self) -> AbstractAsyncContextManager[None]:
        """The right to ask, for as long as the context lasts."""
        line = self._open_line()
        return _Turn(line, self._settings.device_id) if self._is_rtu else line.turn

    def ask(self, pdu: bytes) -> Awaitable[Reply]:
        """Send a request and await its answer, which may be an exception answer.

        Raises:
            TimeoutError: no answer in time.
            ReplyInvalid: an answer that is not one to this request.
            ConnectionError: the connection is or went down.
        """
        if self.lost.done():
            raise ConnectionError(self.lost.result())
        line, settings = self._open_line(), self._settings
        if not self._is_rtu:
            return line.ask(settings.device_id, pdu, settings.timeout_s, self._statistics)
        # who is alone on a serial gateway's connection has nothing to lose by closing it
        rest = self._medium.serial is not None or not self.is_alone
        return line.ask_rtu(settings.device_id, pdu, settings.timeout_s, self._statistics, rest)

    def _open_line(self) -> Line:
        if self._line is None:
            raise ConnectionError("not connected")
        return self._line

    def _on_lost(self, line_lost: "asyncio.Future[str]") -> None:
        if not self.lost.done():
            self.lost.set_result(line_lost.result())
        if self._medium.is_shared:
            self._leave(line_lost.result())


class _Turn:
    """The line's turn, for one whose device has rested."""

    def __init__(self, line: Line, device_id: int) -> None:
        self._line = line
        self._device_id = device_id

    async def __aenter__(self) -> None:
        await self._line.rested(self._device_id)
        await self._line.turn.acquire()

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.turn.release()
