"""Hostile peers over real sockets: nothing is raised, memory is bounded, others are answered, nothing is executed.

The victim and a healthy pair (an outstation and the session that polls it) live in one process, on one loop; an attack
goes on until the healthy pair has got its answers.
"""

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from protocols.dnp3 import DRIVER
from protocols.dnp3.addresses import Dnp3Address
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from tests.fuzz.hostile import AGAINST_MASTER, AGAINST_OUTSTATION, MASTER, OUTSTATION, chunk
from tests.fuzz.reference import Frames, frame
from vppscada.model.batch import Batch
from vppscada.model.commands import (
    Accepted,
    Command,
    CommandMode,
    CommandResult,
    CommandStatus,
    Crob,
    CrobOperation,
    Origin,
)
from vppscada.model.outstations import Outstation
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.sessions import Session, SessionLost

ANALOGS = 500
DIRECT_OPERATE = bytes.fromhex("05 0C 01 17 01 00 03 01 00000000 00000000 00")
#: Answers to the healthy session while an attack goes on, and the octets that an attack sends at least.
ANSWERS = 5
OCTETS = 50_000
#: The process may grow by this, whatever comes: octets that wait on a few connections, and a peer that never reads.
MOST_GROWTH = 16_000_000
CHUNK = 8192


class Handler:
    """Takes every command and remembers what it was asked."""

    def __init__(self) -> None:
        self.operated: list[Command] = []

    async def select(self, command: Command) -> CommandStatus:
        return CommandStatus.SUCCESS

    async def operate(self, command: Command) -> CommandStatus:
        self.operated.append(command)
        return CommandStatus.SUCCESS


class Answers:
    """A listener who counts integrity polls."""

    def __init__(self) -> None:
        self.count = 0
        self.started = asyncio.Event()

    def on_connected(self) -> None: ...

    def on_started(self) -> None:
        self.started.set()

    def on_batch(self, batch: Batch) -> None:
        self.count += 1

    async def settled(self) -> None: ...


def points() -> list[RowPoint]:
    kinds = [PointKind.ANALOG_INPUT] * ANALOGS + [PointKind.BINARY_OUTPUT, PointKind.ANALOG_OUTPUT]
    return [
        RowPoint(n, Point(f"a.p{n}", kind, event_class=1, writable=kind.is_output, address=Dnp3Address(n % ANALOGS)))
        for n, kind in enumerate(kinds)
    ]


@contextlib.asynccontextmanager
async def outstation(handler: Handler) -> AsyncIterator[Outstation]:
    """An outstation on a port of its own."""
    settings = Dnp3OutstationSettings("127.0.0.1", 0, OUTSTATION, MASTER, unsolicited=False)
    made = DRIVER.outstation("victim", settings, points(), handler, None)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@contextlib.asynccontextmanager
async def running(session: Session, listener: Answers) -> AsyncIterator[None]:
    """A session that lives again whenever it is lost."""

    async def live() -> None:
        while True:
            with contextlib.suppress(SessionLost):
                await session.run(listener)
            await asyncio.sleep(0.01)

    task = asyncio.ensure_future(live())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def polling(port: int, period_s: float) -> Session:
    settings = Dnp3SessionSettings("127.0.0.1", port, MASTER, OUTSTATION, integrity_period_s=period_s)
    return DRIVER.session("session", settings, points())


@contextlib.asynccontextmanager
async def healthy_pair() -> AsyncIterator[Answers]:
    """An outstation and a session that polls it without pause."""
    answers = Answers()
    async with outstation(Handler()) as served, running(polling(served.port, 0.001), answers):
        await answers.started.wait()
        yield answers


@contextlib.asynccontextmanager
async def watched() -> AsyncIterator[None]:
    """No exception reaches the loop, nothing is logged as an error, and the process hardly grows."""
    loop = asyncio.get_running_loop()
    escaped: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: escaped.append(context))
    before = resident()
    try:
        with capture_logs() as logs:
            yield
    finally:
        loop.set_exception_handler(None)
    assert escaped == []
    assert [entry for entry in logs if entry["log_level"] in ("error", "critical")] == []
    assert resident() - before < MOST_GROWTH


def resident() -> int:
    """Octets of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


async def until(condition: Callable[[], bool]) -> None:
    """Let the others run until it holds."""
    while not condition():  # noqa: ASYNC110  # a count of what another connection did
        await asyncio.sleep(0)


class Attack:
    """Goes on until the healthy pair has got its answers and enough was sent."""

    def __init__(self, answers: Answers, octets: int = OCTETS) -> None:
        self._answers = answers
        self._goal = answers.count + ANSWERS
        self._octets = octets
        self.sent = 0

    @property
    def is_over(self) -> bool:
        """True when it is enough."""
        return self._answers.count >= self._goal and self.sent >= self._octets

    async def pour(self, port: int, stream: Iterator[bytes]) -> None:
        """Send a stream over one connection, and over the next when that is closed; read all answers."""
        while not self.is_over:
            with contextlib.suppress(OSError):
                await self._once(port, stream)

    async def _once(self, port: int, stream: Iterator[bytes]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        swallowing = asyncio.ensure_future(swallow(reader))
        try:
            while not self.is_over:
                octets = chunk(stream, CHUNK)
                writer.write(octets)
                self.sent += len(octets)
                await writer.drain()
        finally:
            writer.transport.abort()
            await swallowing


async def swallow(reader: asyncio.StreamReader) -> None:
    """Read and forget until the connection ends."""
    with contextlib.suppress(OSError):
        while await reader.read(CHUNK):
            pass


async def is_served(port: int, handler: Handler) -> None:
    """A master that keeps the rules: its direct operate is answered with success and executed once."""
    before = len(handler.operated)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(frame(0xC4, OUTSTATION, MASTER, b"\xc0\xc9" + DIRECT_OPERATE))
    frames = Frames()
    answered = False
    while not answered:
        octets = await reader.read(CHUNK)
        assert octets, "the connection of a good master is not closed"
        answered = any(one.data[2:3] == b"\x81" and one.data[5:] == DIRECT_OPERATE[1:] for one in frames.take(octets))
    writer.close()
    assert len(handler.operated) == before + 1


@pytest.mark.parametrize("attack", AGAINST_OUTSTATION)
async def test_an_attacked_outstation_executes_nothing_and_others_are_answered(attack: str) -> None:
    handler = Handler()
    async with watched(), healthy_pair() as answers, outstation(handler) as victim:
        going = Attack(answers)
        await asyncio.gather(*(going.pour(victim.port, AGAINST_OUTSTATION[attack]()) for _ in range(3)))
        assert handler.operated == []
        await is_served(victim.port, handler)


@pytest.mark.parametrize("attack", ["endless_fragments", "garbage"])
async def test_what_was_sent_is_not_kept(attack: str) -> None:
    again = chunk(AGAINST_OUTSTATION[attack](), 60_000)
    async with watched(), healthy_pair() as answers, outstation(Handler()) as victim:
        going = Attack(answers, octets=3 * MOST_GROWTH)
        await asyncio.gather(*(going.pour(victim.port, repeat(again)) for _ in range(3)))


async def test_octets_that_come_one_at_a_time_are_answered_like_any_others() -> None:
    handler = Handler()
    async with watched(), healthy_pair() as answers, outstation(handler) as victim:
        reader, writer = await asyncio.open_connection("127.0.0.1", victim.port)
        goal = answers.count + ANSWERS
        frames = Frames()
        responses = 0
        while responses < 3 or answers.count < goal:
            for octet in frame(0xC4, OUTSTATION, MASTER, bytes((0xC0, 0xC0 | responses % 16, 0x17))):
                writer.write(bytes((octet,)))
                await writer.drain()
                await asyncio.sleep(0)
            responses += len(frames.take(await reader.read(CHUNK)))
        writer.close()
        assert handler.operated == []


async def test_many_half_open_connections_are_bounded_and_a_master_still_gets_in() -> None:
    handler = Handler()
    async with watched(), healthy_pair() as answers, outstation(handler) as victim:
        goal = answers.count + ANSWERS
        writers: list[asyncio.StreamWriter] = []
        while len(writers) < 60 or answers.count < goal:
            _, writer = await asyncio.open_connection("127.0.0.1", victim.port)
            writer.write(b"\x05\x64\xff")
            writers.append(writer)
        await until(lambda: victim.statistics["connections_evicted"] >= 30)
        await is_served(victim.port, handler)
        for writer in writers:
            writer.transport.abort()


async def test_a_peer_that_never_reads_is_cut_off_and_others_are_answered() -> None:
    handler = Handler()
    async with watched(), healthy_pair() as answers, outstation(handler) as victim:
        goal = answers.count + ANSWERS
        _, writer = await asyncio.open_connection("127.0.0.1", victim.port, limit=1024)
        stream = AGAINST_OUTSTATION["reads"]()
        sending = asyncio.ensure_future(_send_on(writer, stream))
        await until(lambda: answers.count >= goal and victim.statistics["slow_peers_disconnected"] >= 1)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        writer.transport.abort()
        assert handler.operated == []
        await is_served(victim.port, handler)


async def _send_on(writer: asyncio.StreamWriter, stream: Iterator[bytes]) -> None:
    while True:
        writer.write(chunk(stream, CHUNK))
        await writer.drain()


@pytest.mark.parametrize("attack", AGAINST_MASTER)
async def test_a_hostile_outstation_takes_nothing_from_other_sessions_and_no_command_of_its_own_is_accepted(
    attack: str,
) -> None:
    readings = Answers()
    results: list[CommandResult] = []
    async with watched(), healthy_pair() as answers:
        going = Attack(answers)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            stream = AGAINST_MASTER[attack]()
            swallowing = asyncio.ensure_future(swallow(reader))
            with contextlib.suppress(OSError):
                while not going.is_over:
                    writer.write(chunk(stream, CHUNK))
                    going.sent += CHUNK
                    await writer.drain()
            writer.transport.abort()
            await swallowing

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        session = polling(server.sockets[0].getsockname()[1], 0.05)
        async with server, running(session, readings):
            while not going.is_over:
                results.append(await _attempt(session))
                await asyncio.sleep(0)
    assert results
    assert not any(isinstance(result, Accepted) for result in results)


async def _attempt(session: Session) -> CommandResult:
    """A direct operate that lives for a moment."""
    now = asyncio.get_running_loop().time()
    block = Crob(CrobOperation.LATCH_ON)
    return await session.operate(Command(1, ANALOGS, block, CommandMode.DIRECT, Origin.OPERATOR, now, now + 0.2))
