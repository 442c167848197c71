"""Our DNP3 master against outstations that nobody here wrote: opendnp3's and dnp3py's.

Each runs in a process of its own, so that its crashes and hangs cannot take the tests down.
"""

import asyncio
import contextlib
import csv
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from protocols.dnp3 import DRIVER
from protocols.dnp3.addresses import Dnp3Address, address_of
from protocols.dnp3.master.config import Dnp3SessionSettings
from tests.interop.peer_processes import PATIENCE_S, Peer, free_port, peer_process, until
from vppscada.maps.locate import shipped
from vppscada.model.batch import Batch, Cause
from vppscada.model.commands import (
    Accepted,
    AnalogValue,
    Command,
    CommandBody,
    CommandMode,
    CommandResult,
    CommandStatus,
    Crob,
    CrobOperation,
    Origin,
    Rejected,
)
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.quality import Quality
from vppscada.model.sessions import Session, SessionLost

pytestmark = pytest.mark.interop

POINTS = 20


@dataclass
class Readings:
    """A listener that keeps the last state of every row and every event."""

    value: dict[int, float] = field(default_factory=dict)
    quality: dict[int, int] = field(default_factory=dict)
    events: list[tuple[int, float, Cause]] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    settled_times: int = 0

    def on_connected(self) -> None:
        pass

    def on_started(self) -> None:
        self.started.set()

    def on_batch(self, batch: Batch) -> None:
        rows = batch.rows.tolist()
        self.value.update(zip(rows, batch.value.tolist(), strict=True))
        self.quality.update(zip(rows, batch.quality.tolist(), strict=True))
        if batch.cause in (Cause.EVENT, Cause.UNSOLICITED):
            self.events += [(row, value, batch.cause) for row, value in zip(rows, batch.value.tolist(), strict=True)]

    async def settled(self) -> None:
        self.settled_times += 1


@contextlib.asynccontextmanager
async def running(session: Session, readings: Readings) -> AsyncIterator[None]:
    """The session, run again until the peer listens, as the supervisor would."""

    async def supervise() -> None:
        while True:
            with contextlib.suppress(SessionLost):
                await session.run(readings)
            await asyncio.sleep(0.1)

    task = asyncio.ensure_future(supervise())
    try:
        async with asyncio.timeout(PATIENCE_S):
            await readings.started.wait()
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def points() -> list[RowPoint]:
    kinds = (PointKind.ANALOG_INPUT, PointKind.BINARY_INPUT, PointKind.BINARY_OUTPUT, PointKind.ANALOG_OUTPUT)
    return [
        RowPoint(100 * k + i, Point(f"a.k{k}_{i}", kind, address=Dnp3Address(i)))
        for k, kind in enumerate(kinds)
        for i in range(POINTS)
    ]


def crob(row: int, mode: CommandMode) -> Command:
    return _command(row, Crob(CrobOperation.LATCH_ON), mode)


def analog(row: int, value: float, mode: CommandMode) -> Command:
    return _command(row, AnalogValue(value), mode)


def _command(row: int, body: CommandBody, mode: CommandMode) -> Command:
    now = time.monotonic()
    return Command(1, row, body, mode, Origin.OPERATOR, now, now + 5.0)


async def _result(session: Session, command: Command) -> CommandResult:
    async with asyncio.timeout(PATIENCE_S):
        return await session.operate(command)


@pytest.fixture
async def opendnp3_peer() -> AsyncIterator[Peer]:
    pytest.importorskip("opendnp3")
    port = free_port()
    async with peer_process(port, "tests.interop.opendnp3_outstation_peer", str(port), str(POINTS)) as peer:
        await peer.said("ready")
        yield peer


@pytest.fixture(params=["vppscada", "opendnp3"])
def engine(request: pytest.FixtureRequest) -> str:
    """Either engine of our master."""
    chosen: str = request.param
    return chosen


def session_to(port: int, **settings: object) -> Session:
    chosen: dict[str, object] = {"host": "127.0.0.1", "port": port, "response_timeout_s": 2.0}
    return DRIVER.session("peer", Dnp3SessionSettings(**(chosen | settings)), points())  # type: ignore[arg-type]


async def test_opendnp3_integrity_poll_brings_every_value(opendnp3_peer: Peer, engine: str) -> None:
    readings = Readings()
    async with running(session_to(opendnp3_peer.port, engine=engine), readings):
        assert [readings.value[i] for i in range(POINTS)] == [float(i) for i in range(POINTS)]
        assert [readings.value[100 + i] for i in range(POINTS)] == [float(i % 2) for i in range(POINTS)]
        assert {readings.quality[i] for i in range(POINTS)} == {int(Quality.ONLINE)}


async def test_opendnp3_events_come_unsolicited_once_and_in_order(opendnp3_peer: Peer, engine: str) -> None:
    readings = Readings()
    session = session_to(opendnp3_peer.port, engine=engine)
    async with running(session, readings):
        readings.events.clear()
        for value in range(50, 80):
            opendnp3_peer.tell(f"analog 3 {value}")
        await until(lambda: len(readings.events) >= 30, "thirty events")
        await asyncio.sleep(0.3)
    assert [value for row, value, _ in readings.events if row == 3] == [float(v) for v in range(50, 80)]
    assert {cause for _, _, cause in readings.events} == {Cause.UNSOLICITED}
    # opendnp3 confirms without asking
    assert (readings.settled_times > 0) == (engine == "vppscada")


async def test_opendnp3_events_are_polled_where_unsolicited_is_not_wanted(opendnp3_peer: Peer) -> None:
    readings = Readings()
    async with running(session_to(opendnp3_peer.port, unsolicited=(), class1_period_s=0.2), readings):
        readings.events.clear()
        opendnp3_peer.tell("binary 4 1")
        opendnp3_peer.tell("binary 4 0")
        await until(lambda: len(readings.events) >= 2, "two events")
    assert readings.events == [(104, 1.0, Cause.EVENT), (104, 0.0, Cause.EVENT)]


@pytest.mark.parametrize(
    ("mode", "via"), [(CommandMode.SBO, "SelectBeforeOperate"), (CommandMode.DIRECT, "DirectOperate")]
)
async def test_opendnp3_takes_a_control_block(opendnp3_peer: Peer, mode: CommandMode, via: str, engine: str) -> None:
    session = session_to(opendnp3_peer.port, engine=engine)
    async with running(session, Readings()):
        assert await _result(session, crob(205, mode)) == Accepted()
        assert await opendnp3_peer.said("crob") == f"crob 5 LATCH_ON {via}"


async def test_opendnp3_takes_an_analog_output_directly(opendnp3_peer: Peer, engine: str) -> None:
    session = session_to(opendnp3_peer.port, engine=engine)
    async with running(session, Readings()):
        assert await _result(session, analog(307, 2.625, CommandMode.DIRECT)) == Accepted()
        assert await opendnp3_peer.said("analog_output") == "analog_output 7 2.625 DirectOperate"


@pytest.mark.parametrize("mode", list(CommandMode))
async def test_opendnp3_says_that_a_point_is_under_local_control(
    opendnp3_peer: Peer, mode: CommandMode, engine: str
) -> None:
    session = session_to(opendnp3_peer.port, engine=engine)
    async with running(session, Readings()):
        result = await _result(session, crob(209, mode))
    assert isinstance(result, Rejected)
    assert result.status is CommandStatus.LOCAL


@pytest.mark.parametrize("procedure", ["lan", "nonlan"])
async def test_opendnp3_is_given_the_time_it_asks_for(opendnp3_peer: Peer, procedure: str) -> None:
    opendnp3_peer.tell("need_time 1")
    opendnp3_peer.tell("say heard")
    await opendnp3_peer.said("heard")
    async with running(session_to(opendnp3_peer.port, time_sync=procedure), Readings()):
        line = await opendnp3_peer.said("time")
        assert abs(int(line.split()[1]) - time.time() * 1000) < 2000


async def test_an_outstation_that_never_has_the_time_is_not_asked_without_end(opendnp3_peer: Peer, engine: str) -> None:
    opendnp3_peer.tell("need_time always")
    opendnp3_peer.tell("say heard")
    await opendnp3_peer.said("heard")
    session = session_to(opendnp3_peer.port, engine=engine, class1_period_s=0.05)
    async with running(session, Readings()):
        await opendnp3_peer.said("time")
        asked = session.statistics["requests_sent"]
        await until(lambda: session.statistics["requests_sent"] >= asked + 20, "twenty polls")
        opendnp3_peer.tell("binary 1 1")
        opendnp3_peer.tell("say polled")
        assert await opendnp3_peer.said("") == "polled"  # and no other time before it


async def test_a_restart_is_noticed_and_everything_polled_anew(opendnp3_peer: Peer, engine: str) -> None:
    readings = Readings()
    session = session_to(opendnp3_peer.port, engine=engine, keepalive_s=0.2, class1_period_s=0.1, unsolicited=(1, 2, 3))
    restarts = session.statistics["outstation_restarted"]
    async with running(session, readings):
        readings.value.clear()
        opendnp3_peer.tell("restarted")
        await until(lambda: len(readings.value) >= 2 * POINTS, "everything anew")
        await until(lambda: session.statistics["outstation_restarted"] > restarts, "the restart")


async def test_opendnp3_is_polled_for_more_than_one_fragment(engine: str) -> None:
    pytest.importorskip("opendnp3")
    port, many = free_port(), 2000
    kinds = ((PointKind.ANALOG_INPUT, 0), (PointKind.BINARY_INPUT, many))
    wide = [
        RowPoint(base + i, Point(f"a.k{base}_{i}", kind, address=Dnp3Address(i)))
        for kind, base in kinds
        for i in range(many)
    ]
    readings = Readings()
    async with peer_process(port, "tests.interop.opendnp3_outstation_peer", str(port), str(many)) as peer:
        await peer.said("ready")
        session = DRIVER.session("wide", Dnp3SessionSettings("127.0.0.1", port, engine=engine), wide)
        async with running(session, readings):
            got = np.array([readings.value[row] for row in range(2 * many)])
    assert got[:many].tolist() == list(range(many))
    assert got[many:].tolist() == [i % 2 for i in range(many)]


@pytest.fixture
async def mesa_peer() -> AsyncIterator[Peer]:
    pytest.importorskip("dnp3")
    port = free_port()
    arguments = ("--host", "127.0.0.1", "--port", str(port), "--address", "10", "--master-address", "1")
    async with peer_process(port, "dnp3.mesa", *arguments, "--profile-name", "full") as peer:
        yield peer


#: Analog outputs of the IEEE 1815.2 profile and the inputs that mirror them.
MIRRORS = {87: 148, 93: 154}


def mesa_points() -> Iterator[RowPoint]:
    for row, index in enumerate((*MIRRORS.values(), 0, 1)):
        yield RowPoint(row, Point(f"der.ai{index}", PointKind.ANALOG_INPUT, address=Dnp3Address(index)))
    yield RowPoint(10, Point("der.bi0", PointKind.BINARY_INPUT, address=Dnp3Address(0)))
    for row, index in enumerate(MIRRORS, start=20):
        yield RowPoint(
            row, Point(f"der.ao{index}", PointKind.ANALOG_OUTPUT, data_type="int32", address=Dnp3Address(index))
        )


@pytest.mark.parametrize("mode", list(CommandMode))
async def test_a_1815_2_outstation_takes_a_setpoint_and_mirrors_it(
    mesa_peer: Peer, engine: str, mode: CommandMode
) -> None:
    readings = Readings()
    settings = Dnp3SessionSettings("127.0.0.1", mesa_peer.port, engine=engine, integrity_period_s=0.3, keepalive_s=0.0)
    session = DRIVER.session("mesa", settings, list(mesa_points()))
    async with running(session, readings):
        assert {0, 1, 2, 3, 10} <= readings.value.keys()
        assert await _result(session, analog(20, 42.0, mode)) == Accepted()
        await until(lambda: readings.value[0] == 42.0, "the mirror of the setpoint")
    assert session.statistics["objects_malformed"] == 0


async def test_a_1815_2_outstation_tells_the_mirror_as_an_event(mesa_peer: Peer, engine: str) -> None:
    readings = Readings()
    settings = Dnp3SessionSettings(
        "127.0.0.1", mesa_peer.port, engine=engine, class1_period_s=0.1, class2_period_s=0.1, class3_period_s=0.1
    )
    session = DRIVER.session("mesa", settings, list(mesa_points()))
    async with running(session, readings):
        for value in (11.0, 12.0, 13.0):
            assert await _result(session, analog(20, value, CommandMode.SBO)) == Accepted()
        await until(lambda: len(readings.events) >= 3, "three events")
    assert [(row, value) for row, value, _ in readings.events] == [(0, 11.0), (0, 12.0), (0, 13.0)]


@pytest.mark.parametrize("mode", list(CommandMode))
async def test_a_1815_2_outstation_takes_a_control_block(mesa_peer: Peer, engine: str, mode: CommandMode) -> None:
    start = Point("der.bo3", PointKind.BINARY_OUTPUT, address=Dnp3Address(3))  # permission to start
    started = Point("der.bi16", PointKind.BINARY_INPUT, address=Dnp3Address(16))
    settings = Dnp3SessionSettings("127.0.0.1", mesa_peer.port, engine=engine, integrity_period_s=0.3)
    session, readings = DRIVER.session("mesa", settings, [RowPoint(0, start), RowPoint(1, started)]), Readings()
    async with running(session, readings):
        assert await _result(session, crob(0, mode)) == Accepted()


#: Indexes from here up are the banks' own; this peer's profile tells the analogs of its third bank only.
EQUIPMENT = 15000


def battery_map() -> list[RowPoint]:
    """The shipped map of an IEEE 1815.2 battery."""
    file = shipped("dnp3_battery_1815_2.csv")
    assert file is not None
    text = file.read_text(encoding="utf-8")
    lines = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return [
        RowPoint(row, Point(f"battery1.{line['point']}", kind, data_type=line["data_type"], address=address))
        for row, line in enumerate(lines)
        for kind in [PointKind(line["kind"])]
        for address in [DRIVER.read_address(line, kind, line["data_type"])]
    ]


async def test_every_input_of_the_shipped_battery_map_is_told_by_a_1815_2_outstation(
    mesa_peer: Peer, engine: str
) -> None:
    readings = Readings()
    mapped = battery_map()
    session = DRIVER.session("mesa", Dnp3SessionSettings("127.0.0.1", mesa_peer.port, engine=engine), mapped)
    async with running(session, readings):
        untold = [point for row, point in mapped if not point.kind.is_output and row not in readings.value]
        assert len(readings.value) > 50
        assert [point.id for point in untold if address_of(point).index < EQUIPMENT] == []
