"""Masters that nobody here wrote against our outstation: opendnp3's (a process of its own) and dnp3py's."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from dnp3.core.enums import ControlCode
from dnp3.master import DefaultSOEHandler, Master, MasterConfig, MasterTcpRunner
from numpy.typing import NDArray

from protocols.dnp3.addresses import Dnp3Address
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.server import Dnp3Outstation
from vppscada.model.batch import Cause, untimed_batch
from vppscada.model.commands import AnalogValue, Command, CommandMode, CommandStatus, Crob, CrobOperation
from vppscada.model.outstations import Events, EventStore
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.quality import Quality

pytestmark = pytest.mark.interop

PATIENCE_S = 60.0  # bounds a wait on a busy machine; nothing is timed by it
ANALOGS = 700  # more than a fragment holds
SETTINGS = Dnp3OutstationSettings(port=0, confirm_timeout_s=2.0, need_time_s=0.0)


def point(kind: PointKind, index: int, event_class: int = 0, data_type: str = "") -> Point:
    return Point(
        id=f"plant.{kind.value}{index}",
        kind=kind,
        data_type=data_type,
        event_class=event_class,
        writable=kind.is_output,
        address=Dnp3Address(index),
    )


def points() -> list[RowPoint]:
    """Analogs in rows 0 to ANALOGS-1 (the second of them an int32), then one of each other kind."""
    made = [point(PointKind.ANALOG_INPUT, n, 2, "int32" if n == 1 else "float32") for n in range(ANALOGS)]
    made += [
        point(PointKind.BINARY_INPUT, 3, 1),
        point(PointKind.DOUBLE_BIT_INPUT, 2, 1),
        point(PointKind.COUNTER, 4, 3),
        point(PointKind.BINARY_OUTPUT, 0, 1),
        point(PointKind.ANALOG_OUTPUT, 0, 2),
    ]
    return [RowPoint(row, one) for row, one in enumerate(made)]


BINARY, DOUBLE_BIT, COUNTER, BINARY_OUTPUT, ANALOG_OUTPUT = range(ANALOGS, ANALOGS + 5)


@dataclass
class Plant:
    """A handler that obeys, except that nothing over 100 is taken."""

    seen: list[tuple[str, Command]] = field(default_factory=list)

    async def select(self, command: Command) -> CommandStatus:
        return self._take("select", command)

    async def operate(self, command: Command) -> CommandStatus:
        await asyncio.sleep(0.01)
        return self._take("operate", command)

    def _take(self, what: str, command: Command) -> CommandStatus:
        self.seen.append((what, command))
        too_much = isinstance(command.body, AnalogValue) and command.body.value > 100
        return CommandStatus.OUT_OF_RANGE if too_much else CommandStatus.SUCCESS


class Disk:
    """An event store that outlives the outstation."""

    def __init__(self) -> None:
        self.parts: list[Events] = []
        self.gone: set[int] = set()

    def load(self) -> Events:
        names = ("id", "kind", "index", "event_class", "value", "quality", "time_ms", "time_quality")
        types = (np.int64, np.uint8, np.uint32, np.uint8, np.float64, np.uint16, np.int64, np.uint8)
        columns: list[Any] = [
            np.concatenate([np.empty(0, dtype=kind), *(getattr(part, name) for part in self.parts)])
            for name, kind in zip(names, types, strict=True)
        ]
        kept = ~np.isin(columns[0], list(self.gone))
        return Events(*(column[kept] for column in columns))

    async def append(self, events: Events) -> None:
        self.parts.append(events)

    async def discard(self, ids: NDArray[np.int64]) -> None:
        self.gone.update(ids.tolist())


def give(outstation: Dnp3Outstation, values: dict[int, float], quality: int = Quality.ONLINE) -> None:
    now_ms = time.time_ns() // 1_000_000
    outstation.update(untimed_batch(list(values), list(values.values()), quality, now_ms, Cause.CYCLIC))


@contextlib.asynccontextmanager
async def serving(
    plant: Plant, store: EventStore | None = None, port: int = 0, **others: Any
) -> AsyncIterator[Dnp3Outstation]:
    settings = replace(SETTINGS, port=port, **others)
    outstation = Dnp3Outstation("ems", settings, points(), plant, None if store is None else lambda _: store)
    await outstation.start()
    first = {row: float(row) for row in range(ANALOGS)}
    give(outstation, first | {BINARY: 1, DOUBLE_BIT: 2, COUNTER: 77, BINARY_OUTPUT: 0, ANALOG_OUTPUT: 2.5})
    try:
        yield outstation
    finally:
        await outstation.stop()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110  # what is waited for is a count
            await asyncio.sleep(0.01)


class OpenDnp3:
    """opendnp3's master in its process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.values: dict[tuple[int, int], Any] = {}  # numbers, and texts of strings
        self.variations: set[tuple[int, int]] = set()
        self.events: list[tuple[int, int, int, float, int]] = []  # group, variation, index, value, time
        self.commands: list[list[Any]] = []
        self.tasks: list[list[str]] = []
        self.restarting: list[list[str]] = []  # result and delay of restarts that were asked for
        self.need_time: bool | None = None
        self.refused = 0  # responses with IIN2.0
        self.restarted: bool | None = None  # IIN1.7 of the last response
        self._reading = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            said = json.loads(line)
            self.need_time = said.get("need_time", self.need_time)
            self.restarted = said.get("restart", self.restarted)
            self.refused += "refused" in said
            if "restarting" in said:
                self.restarting.append(said["restarting"])
            if "command" in said:
                self.commands.append(said["command"])
            if "task" in said:
                self.tasks.append(said["task"])
            if "readings" in said:
                self._take(*said["readings"])

    def _take(self, group: int, variation: int, is_event: bool, rows: list[list[Any]]) -> None:
        self.variations.add((group, variation))
        for index, value, _, time_ms in rows:
            if is_event:
                self.events.append((group, variation, index, value, time_ms))
            else:
                self.values[group, index] = value

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")

    async def command(self, line: str) -> list[Any]:
        before = len(self.commands)
        self.say(line)
        await until(lambda: len(self.commands) > before)
        return self.commands[before]

    async def close(self) -> None:
        self._process.kill()
        await self._process.wait()
        await self._reading


@contextlib.asynccontextmanager
async def opendnp3_master(port: int, time_sync: str = "lan", *files: str) -> AsyncIterator[OpenDnp3]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.interop.opendnp3_master_peer",
        str(port),
        time_sync,
        *files,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    master = OpenDnp3(process)
    try:
        yield master
    finally:
        await master.close()


async def started(master: OpenDnp3) -> None:
    """Its start-up order is done: integrity poll, unsolicited enabled."""
    await until(lambda: any("ENABLE_UNSOLICITED" in task for task, _ in master.tasks))


async def test_opendnp3_reads_everything_in_an_integrity_poll_of_several_fragments() -> None:
    async with serving(Plant()) as outstation, opendnp3_master(outstation.port) as master:
        await until(lambda: (40, 0) in master.values)
        assert [master.values[30, n] for n in range(ANALOGS)] == [float(n) for n in range(ANALOGS)]
        assert master.values[1, 3] == 1.0
        assert master.values[3, 2] == 2.0
        assert master.values[20, 4] == 77.0
        assert (master.values[10, 0], master.values[40, 0]) == (0.0, 2.5)
        assert {(1, 2), (3, 2), (20, 1), (30, 1), (30, 5), (10, 2), (40, 3)} <= master.variations


async def test_opendnp3_gets_unsolicited_events_with_their_times_and_confirms_them() -> None:
    async with serving(Plant()) as outstation, opendnp3_master(outstation.port) as master:
        await started(master)
        before_ms = time.time_ns() // 1_000_000
        give(outstation, {0: 1.25, 1: 9.0, BINARY: 0, DOUBLE_BIT: 1, COUNTER: 80, BINARY_OUTPUT: 1, ANALOG_OUTPUT: 7.5})
        await until(lambda: len(master.events) == 7)
        told = sorted((group, variation, index, value) for group, variation, index, value, _ in master.events)
        assert told == [
            (2, 2, 3, 0.0),
            (4, 2, 2, 1.0),
            (11, 2, 0, 1.0),
            (22, 5, 4, 80.0),
            (32, 3, 1, 9.0),
            (32, 7, 0, 1.25),
            (42, 7, 0, 7.5),
        ]
        # opendnp3 set our clock, so our times are its times
        assert all(abs(time_ms - before_ms) < 5000 for *_, time_ms in master.events)
        await until(lambda: outstation.statistics["events_confirmed"] == 7)


async def test_opendnp3_gets_many_events_all_of_them_once_and_in_order() -> None:
    async with serving(Plant()) as outstation, opendnp3_master(outstation.port) as master:
        await started(master)
        for n in range(20):
            give(outstation, dict.fromkeys(range(0, 500, 2), 1000.0 + n))
            await asyncio.sleep(0)
        await until(lambda: len(master.events) >= 20 * 250)
        told = [value for _, _, index, value, _ in master.events if index == 42]
        assert told == [1000.0 + n for n in range(20)]
        assert len(master.events) == 20 * 250
        assert outstation.statistics["events_to_repeat"] == 0


async def test_opendnp3_operates_with_select_and_moves_a_target_directly() -> None:
    plant = Plant()
    async with serving(plant) as outstation, opendnp3_master(outstation.port) as master:
        await started(master)
        assert await master.command("crob select 0 LATCH_ON") == [[0, "SUCCESS", "SUCCESS"]]
        assert [what for what, _ in plant.seen] == ["select", "operate"]
        assert plant.seen[1][1].body == Crob(CrobOperation.LATCH_ON, on_ms=100, off_ms=100)
        assert plant.seen[1][1].mode is CommandMode.SBO
        assert await master.command("analog direct 0 12.5") == [[0, "SUCCESS", "SUCCESS"]]
        assert plant.seen[2][1].body == AnalogValue(12.5)
        assert plant.seen[2][1].row == ANALOG_OUTPUT
        assert plant.seen[2][1].mode is CommandMode.DIRECT
        assert await master.command("analog select 0 44.25") == [[0, "SUCCESS", "SUCCESS"]]


async def test_opendnp3_is_told_why_a_command_is_refused() -> None:
    async with serving(Plant()) as outstation, opendnp3_master(outstation.port) as master:
        await started(master)
        assert (await master.command("analog direct 0 101"))[0][2] == "OUT_OF_RANGE"
        assert (await master.command("analog select 0 101"))[0][2] == "OUT_OF_RANGE"
        assert (await master.command("crob direct 9 LATCH_ON"))[0][2] == "NOT_SUPPORTED"


@pytest.mark.parametrize("time_sync", ["lan", "nonlan"])
async def test_opendnp3_sets_the_time_when_it_is_needed(time_sync: str) -> None:
    async with serving(Plant()) as outstation, opendnp3_master(outstation.port, time_sync) as master:
        await until(lambda: any("TIME" in task and result == "SUCCESS" for task, result in master.tasks))
        await started(master)
        master.say("scan 1 2 3")
        await until(lambda: master.need_time is False)


async def test_opendnp3_reads_after_a_kill_every_event_that_was_not_confirmed() -> None:
    disk = Disk()
    async with serving(Plant(), disk) as outstation:
        for n in range(3):
            give(outstation, {0: 500.0 + n})
        await until(lambda: len(disk.load()) == 3)
        port = outstation.port
    # a new life that knows only the disk; its first values are those that the last event told
    async with serving(Plant(), disk, port) as outstation, opendnp3_master(port) as master:
        await until(lambda: len(master.events) >= 4)
        assert [value for _, _, _, value, _ in master.events] == [500.0, 501.0, 502.0, 0.0]
        await until(lambda: len(disk.load()) == 0)
        assert outstation.statistics["events_confirmed"] == 4


@contextlib.asynccontextmanager
async def dnp3py_master(port: int) -> AsyncIterator[tuple[MasterTcpRunner, DefaultSOEHandler]]:
    handler = DefaultSOEHandler()
    master = Master(config=MasterConfig(address=1, outstation_address=10), handler=handler)
    runner = MasterTcpRunner(master=master, host="127.0.0.1", port=port)
    await runner.open()
    try:
        yield runner, handler
    finally:
        await runner.close()


async def test_dnp3py_reads_everything_in_an_integrity_poll() -> None:
    async with serving(Plant()) as outstation, dnp3py_master(outstation.port) as (runner, handler):
        fragments = await runner.integrity_poll()
        assert len(fragments) > 1
        assert [handler.analog_inputs[n].value for n in range(ANALOGS)] == [float(n) for n in range(ANALOGS)]
        assert handler.binary_inputs[3].value is True
        assert handler.counters[4].value == 77
        assert int(handler.double_bit_inputs[2].state) == 2
        assert handler.analog_outputs[0].value == 2.5


async def test_dnp3py_reads_events_by_class_and_its_confirmation_removes_them() -> None:
    async with serving(Plant()) as outstation, dnp3py_master(outstation.port) as (runner, handler):
        await runner.integrity_poll()
        handler.clear()
        give(outstation, {0: 6.5, BINARY: 0})
        await runner.class_poll(class_1=True, class_2=False, class_3=False)
        assert handler.binary_inputs[3].value is False
        assert handler.binary_inputs[3].timestamp is not None
        assert not handler.analog_inputs
        await runner.class_poll(class_1=False, class_2=True, class_3=False)
        assert handler.analog_inputs[0].value == 6.5
        await until(lambda: outstation.statistics["events_confirmed"] == 2)


async def test_dnp3py_gets_unsolicited_events() -> None:
    async with serving(Plant()) as outstation, dnp3py_master(outstation.port) as (runner, handler):
        await runner.integrity_poll()
        await runner.enable_unsolicited()
        give(outstation, {0: 8.5})
        info = await runner.listen_unsolicited(timeout=PATIENCE_S)
        while info is not None and handler.analog_inputs[0].value != 8.5:
            info = await runner.listen_unsolicited(timeout=PATIENCE_S)
        assert handler.analog_inputs[0].value == 8.5
        await until(lambda: outstation.statistics["events_confirmed"] == 1)


async def test_dnp3py_operates_with_select_and_directly() -> None:
    plant = Plant()
    async with serving(plant) as outstation, dnp3py_master(outstation.port) as (runner, _):
        master = runner.master
        commands = master.command_builder().add_crob(0, ControlCode.LATCH_ON)
        await runner.request(master.build_select(commands.build_select()))
        await runner.request(master.build_operate(commands.build_operate()))
        assert [what for what, _ in plant.seen] == ["select", "operate"]
        direct = master.command_builder().add_analog(0, 42)
        await runner.request(master.build_direct_operate(direct.build_direct_operate()))
        assert plant.seen[2][1].body == AnalogValue(42.0)
