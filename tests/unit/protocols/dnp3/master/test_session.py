"""The master session on a real channel, against a scripted outstation and against peers that misbehave."""

import asyncio
import contextlib
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
import pytest

from protocols.dnp3 import DRIVER
from protocols.dnp3.addresses import Dnp3Address
from protocols.dnp3.application import Control, Function, Request, build_response, parse_request
from protocols.dnp3.application import Indication as Told
from protocols.dnp3.link import LinkAddresses, LinkLayer
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.objects import ObjectColumns, build_events, form_of
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.transport import Reassembler, segments
from vppscada.model.batch import Batch, Cause, untimed_batch
from vppscada.model.commands import (
    Accepted,
    Command,
    CommandMode,
    CommandStatus,
    Crob,
    CrobOperation,
    NotSent,
    Origin,
    Unanswered,
)
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.quality import Quality
from vppscada.model.sessions import Session, SessionLost

PATIENCE_S = 10.0
POINTS = [
    RowPoint(0, Point("a.power", PointKind.ANALOG_INPUT, event_class=1, address=Dnp3Address(0))),
    RowPoint(1, Point("a.start", PointKind.BINARY_OUTPUT, writable=True, address=Dnp3Address(0))),
]


class Listener:
    """Keeps what comes; `disk` lets `settled` return."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.connected = asyncio.Event()
        self.started = asyncio.Event()
        self.settling = asyncio.Event()
        self.disk = asyncio.Event()
        self.disk.set()

    def on_connected(self) -> None:
        self.connected.set()

    def on_started(self) -> None:
        self.started.set()

    def on_batch(self, batch: Batch) -> None:
        self.batches.append(batch)

    async def settled(self) -> None:
        self.settling.set()
        await self.disk.wait()


class ScriptedOutstation:
    """Answers what its script says: by function, a body, or None for silence."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        statistics: Counter[str] = Counter()
        self._link = LinkLayer(LinkAddresses(10, 1, is_master=False), statistics)
        self._reassembler = Reassembler(statistics)
        self._arrived: list[Request] = []

    async def request(self) -> Request:
        while not self._arrived:
            data = await self._reader.read(4096)
            if not data:
                raise EOFError
            arrived, reply = self._link.receive(data)
            self._writer.write(reply)
            for segment in arrived:
                fragment = self._reassembler.push(segment)
                if fragment is not None:
                    self._arrived.append(parse_request(fragment))
        return self._arrived.pop(0)

    def say(self, control: Control, body: bytes = b"", told: Told = Told.NONE) -> None:
        function = Function.UNSOLICITED_RESPONSE if control.unsolicited else Function.RESPONSE
        for segment in segments(build_response(control, function, told, body), 0):
            self._writer.write(self._link.send(segment))

    async def start_up(self) -> None:
        """Answer the three requests of the start-up order."""
        for _ in range(3):
            self.say(Control((await self.request()).control.sequence))

    def close(self) -> None:
        self._writer.transport.abort()


Script = Callable[[ScriptedOutstation], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(script: Script) -> AsyncIterator[int]:
    """An outstation that runs ``script`` for each connection; its port."""

    talks: set[asyncio.Task[object]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (talk := asyncio.current_task()) is not None:
            talks.add(talk)
        with contextlib.suppress(EOFError, ConnectionError):
            await script(ScriptedOutstation(reader, writer))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


def session_to(port: int, **settings: object) -> Session:
    chosen: dict[str, object] = {"host": "127.0.0.1", "port": port, "response_timeout_s": 0.3, "read_retries": 0}
    return DRIVER.session("a", Dnp3SessionSettings(**(chosen | settings)), POINTS)  # type: ignore[arg-type]


def command(mode: CommandMode = CommandMode.DIRECT) -> Command:
    now = time.monotonic()
    return Command(1, 1, Crob(CrobOperation.LATCH_ON), mode, Origin.OPERATOR, now, now + 5.0)


def event(value: float) -> bytes:
    columns = ObjectColumns(
        np.array([0], dtype=np.uint32), np.array([value]), np.array([1], dtype=np.uint8), np.array([5], dtype=np.int64)
    )
    return build_events(form_of(32, 7), columns, 100)[0]


async def lost(session: Session, listener: Listener) -> str:
    """How the session ends by itself."""
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(SessionLost) as caught:
            await session.run(listener)
    return str(caught.value)


async def until(happened: Awaitable[object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await happened


async def end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def forever(outstation: ScriptedOutstation) -> None:
    while True:
        await outstation.request()


async def test_a_port_that_nobody_listens_on_is_a_lost_session() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert "cannot connect" in await lost(session_to(port), Listener())


async def test_a_command_without_a_connection_is_not_sent() -> None:
    assert isinstance(await session_to(1).operate(command()), NotSent)


async def test_a_silent_outstation_is_lost_within_its_timeouts() -> None:
    async with serving(forever) as port:
        assert "no response to read" in await lost(session_to(port), Listener())


async def test_garbage_is_counted_and_ends_as_silence_does() -> None:
    async def garbage(outstation: ScriptedOutstation) -> None:
        outstation._writer.write(b"\x05\x64\xff\x00garbage" * 500)
        await forever(outstation)

    async with serving(garbage) as port:
        session = session_to(port)
        await lost(session, Listener())
    assert session.statistics["octets_skipped"] > 1000


async def test_an_outstation_that_hangs_up_is_lost_and_its_command_unanswered() -> None:
    async def hang_up(outstation: ScriptedOutstation) -> None:
        await outstation.start_up()
        await outstation.request()
        outstation.close()

    async with serving(hang_up) as port:
        session, listener = session_to(port, response_timeout_s=5.0), Listener()
        task = asyncio.ensure_future(lost(session, listener))
        await until(listener.started.wait())
        assert isinstance(await session.operate(command()), Unanswered)
        await task


async def test_a_dead_link_is_noticed_by_asking_for_its_status() -> None:
    async def die(outstation: ScriptedOutstation) -> None:
        await outstation.start_up()
        await asyncio.Event().wait()

    async with serving(die) as port:
        session = session_to(port, keepalive_s=0.2)
        assert "link" in await lost(session, Listener())
        assert session.statistics["keepalives_sent"] == 1


async def test_events_are_confirmed_only_when_they_are_on_disk() -> None:
    confirmed = asyncio.Event()

    async def unsolicited(outstation: ScriptedOutstation) -> None:
        await outstation.start_up()
        outstation.say(Control(0, confirm=True, unsolicited=True), event(3.5))
        assert (await outstation.request()).function is Function.CONFIRM
        confirmed.set()
        await forever(outstation)

    async with serving(unsolicited) as port:
        listener = Listener()
        listener.disk.clear()
        task = asyncio.ensure_future(session_to(port).run(listener))
        await until(listener.settling.wait())
        assert listener.batches[-1].value.tolist() == [3.5]
        await asyncio.sleep(0.05)
        assert not confirmed.is_set()
        listener.disk.set()
        await until(confirmed.wait())
        await end(task)


async def test_ending_a_session_while_the_disk_is_slow_gives_commands_their_result() -> None:
    async def unsolicited(outstation: ScriptedOutstation) -> None:
        await outstation.start_up()
        outstation.say(Control(0, confirm=True, unsolicited=True), event(3.5))
        await forever(outstation)

    async with serving(unsolicited) as port:
        session, listener = session_to(port), Listener()
        listener.disk.clear()
        task = asyncio.ensure_future(session.run(listener))
        await until(listener.settling.wait())
        commanded = asyncio.ensure_future(session.operate(command()))
        await asyncio.sleep(0)
        await end(task)
        async with asyncio.timeout(PATIENCE_S):
            assert isinstance(await commanded, NotSent)


class Field:
    """Obeys, and remembers."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Command]] = []

    async def select(self, command: Command) -> CommandStatus:
        self.told.append(("select", command))
        return CommandStatus.SUCCESS

    async def operate(self, command: Command) -> CommandStatus:
        self.told.append(("operate", command))
        return CommandStatus.SUCCESS


async def test_our_master_and_our_outstation_understand_each_other() -> None:
    field = Field()
    points = [RowPoint(i, point) for i, (_, point) in enumerate(POINTS)]
    outstation = DRIVER.outstation("a", Dnp3OutstationSettings(port=0), points, field, None)
    await outstation.start()
    outstation.update(untimed_batch([0], [1.25], int(Quality.ONLINE), 0, Cause.CYCLIC))
    session, listener = session_to(outstation.port, response_timeout_s=3.0), Listener()
    task = asyncio.ensure_future(session.run(listener))
    try:
        await until(listener.started.wait())
        states = {int(r): float(v) for b in listener.batches for r, v in zip(b.rows, b.value, strict=True)}
        assert states[0] == 1.25
        assert await session.select(command(CommandMode.SBO)) == Accepted()
        assert [what for what, _ in field.told] == ["select"]
        assert await session.operate(command(CommandMode.SBO)) == Accepted()
        assert [what for what, _ in field.told] == ["select", "select", "operate"]
        listener.batches.clear()
        outstation.update(untimed_batch([0], [7.5], int(Quality.ONLINE), 0, Cause.CYCLIC))
        await until(listener.settling.wait())
        assert [(b.cause, b.value.tolist()) for b in listener.batches] == [(Cause.UNSOLICITED, [7.5])]
    finally:
        await end(task)
        await outstation.stop()
