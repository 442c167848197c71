"""What the Modbus tests make again and again: points, commands, a listener and a handler that remember."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

from protocols.modbus.config import ADDRESS_COLUMNS, ModbusAddress, read_address
from protocols.modbus.media import Framing
from protocols.modbus.session import ModbusSession
from protocols.modbus.settings import ModbusOutstationSettings, ModbusSessionSettings
from vppscada.model.batch import Batch
from vppscada.model.commands import Command, CommandBody, CommandMode, CommandStatus, Origin
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.sessions import SessionLost

#: Where the made points begin: rows are the database's, not positions.
FIRST_ROW = 100


def address(kind: str, data_type: str = "", **cells: str) -> ModbusAddress:
    """An address as a map's line would give it."""
    return read_address({column: cells.get(column, "") for column in ADDRESS_COLUMNS}, PointKind(kind), data_type)


def point(name: str, kind: str, data_type: str = "", **cells: str) -> Point:
    """A point of asset ``a``."""
    return Point(f"a.{name}", PointKind(kind), address=address(kind, data_type, **cells))


def constant(one: Point, value: float) -> Point:
    """The same point as a constant."""
    return replace(one, minimum=value, maximum=value)


def rows(points: Sequence[Point]) -> list[RowPoint]:
    """Points of a session, at rows of the database."""
    return [RowPoint(FIRST_ROW + i, one) for i, one in enumerate(points)]


def own_rows(points: Sequence[Point]) -> list[RowPoint]:
    """Points of an outstation, at rows of its own list."""
    return [RowPoint(i, one) for i, one in enumerate(points)]


def command(row: int, body: CommandBody, life_s: float = 10.0) -> Command:
    """A direct command issued now."""
    now = time.monotonic()
    return Command(1, row, body, CommandMode.DIRECT, Origin.LOCAL, now, now + life_s)


@dataclass
class Listener:
    """Remembers what a session brought."""

    connected: int = 0
    batches: list[Batch] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def on_connected(self) -> None:
        self.connected += 1

    def on_started(self) -> None:
        self.started.set()

    def on_batch(self, batch: Batch) -> None:
        self.batches.append(batch)
        self.came.set()

    async def settled(self) -> None:
        return None

    async def until(self, holds: Callable[[Batch], bool]) -> Batch:
        """The first batch, from the latest on, of which something holds."""
        async with asyncio.timeout(10):
            while not (self.batches and holds(self.batches[-1])):
                self.came.clear()
                await self.came.wait()
        return self.batches[-1]

    async def next(self) -> Batch:
        """A batch that comes from now on, whose scan began from now on."""
        seen = len(self.batches)
        return await self.until(lambda _: len(self.batches) >= seen + 2)


@dataclass
class Handler:
    """Remembers commands and answers as it was told."""

    status: CommandStatus = CommandStatus.SUCCESS
    commands: list[Command] = field(default_factory=list)
    delay_s: float = 0.0

    async def select(self, command: Command) -> CommandStatus:
        return self.status

    async def operate(self, command: Command) -> CommandStatus:
        self.commands.append(command)
        await asyncio.sleep(self.delay_s)
        return self.status


def session_settings(
    port: int,
    framing: Framing = Framing.TCP,
    timeout_s: float = 1.0,
    max_registers: int = 125,
    max_gap: int = 16,
    write_multiple: bool = False,
) -> ModbusSessionSettings:
    """A session that scans quickly, on loopback."""
    return ModbusSessionSettings(
        "127.0.0.1",
        port,
        framing=framing,
        timeout_s=timeout_s,
        period_s=0.02,
        max_registers=max_registers,
        max_gap=max_gap,
        write_multiple=write_multiple,
    )


def server_settings(framing: Framing = Framing.TCP) -> ModbusOutstationSettings:
    """A server on a free port of loopback."""
    return ModbusOutstationSettings("127.0.0.1", 0, framing=framing)


@dataclass
class Running:
    """A session under way."""

    session: ModbusSession
    listener: Listener
    task: asyncio.Task[None]

    async def lost(self) -> str:
        """Why it ended."""
        async with asyncio.timeout(10):
            try:
                await self.task
            except SessionLost as lost:
                return str(lost)
        raise AssertionError("a session ended without saying why")


@asynccontextmanager
async def running(session: ModbusSession, until_started: bool = True) -> AsyncIterator[Running]:
    """Run a session for as long as the context lasts."""
    listener = Listener()
    task = asyncio.create_task(session.run(listener))
    try:
        if until_started:
            async with asyncio.timeout(10):
                await asyncio.wait(
                    (task, asyncio.ensure_future(listener.started.wait())), return_when=asyncio.FIRST_COMPLETED
                )
            if task.done():
                task.result()
        yield Running(session, listener, task)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, SessionLost):
            await task


async def eventually(holds: Callable[[], object], step_s: float = 0.005) -> None:
    """Return as soon as something holds; fail if it does not come to hold."""
    for _ in range(2000):
        if holds():
            return
        await asyncio.sleep(step_s)
    raise AssertionError("it never came to hold")


Answer = Callable[[bytes], bytes | None]


@dataclass
class FakeDevice:
    """A TCP peer that answers every request with the PDU that a function makes of its PDU; None = silence.

    ``frame`` may spoil the whole answer instead.
    """

    answer: Answer
    frame: Callable[[bytes, bytes], bytes] | None = None
    requests: list[bytes] = field(default_factory=list)
    delay_s: float = 0.0
    port: int = 0
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["FakeDevice"]:
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.drop()

    def drop(self) -> None:
        """Close every connection."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readexactly(7)
                pdu = await reader.readexactly(int.from_bytes(head[4:6], "big") - 1)
                self.requests.append(pdu)
                await asyncio.sleep(self.delay_s)
                answer = self.answer(pdu)
                if answer is not None:
                    writer.write(self.frame(head, answer) if self.frame else mbap(head, answer))


def mbap(head: bytes, pdu: bytes) -> bytes:
    """A sound answer frame to a request's header."""
    return head[:4] + (len(pdu) + 1).to_bytes(2, "big") + head[6:7] + pdu


def zeros(pdu: bytes) -> bytes:
    """What a device whose registers are all zero answers."""
    count = int.from_bytes(pdu[3:5], "big")
    if pdu[0] in (1, 2):
        return bytes((pdu[0], (count + 7) // 8)) + bytes((count + 7) // 8)
    if pdu[0] in (3, 4):
        return bytes((pdu[0], 2 * count)) + bytes(2 * count)
    return pdu[:5]
