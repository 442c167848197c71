"""An engine with all its points, a site around it, and peers of the pipeline that keep what they were told."""

import asyncio
from collections import Counter
from pathlib import Path

from vppscada.control.pipeline import Clock
from vppscada.model.assets import Asset, AssetKind, Fleet
from vppscada.model.batch import Cause, untimed_batch
from vppscada.model.commands import (
    Accepted,
    Command,
    CommandMode,
    CommandRecord,
    CommandResult,
    Pulse,
    PulseStyle,
)
from vppscada.model.errors import JournalError
from vppscada.model.points import Point, PointKind, Role, RowPoint
from vppscada.model.quality import Quality
from vppscada.model.sessions import SessionListener
from vppscada.model.site import PlantSpec, ScheduleSpec, SessionSpec, Site
from vppscada.points.database import Database

AI, BI, AO, BO = PointKind.ANALOG_INPUT, PointKind.BINARY_INPUT, PointKind.ANALOG_OUTPUT, PointKind.BINARY_OUTPUT

ENGINE = Asset("engine1", AssetKind.RECIPROCATING_ENGINE, "engine1", rating_mw=10.0, start_time_s=30.0)

#: Device units of powers are kW.
POINTS = (
    Point("engine1.active_power", AI, Role.ACTIVE_POWER, scale=0.001, units="MW", deadband=0.05),
    Point("engine1.setpoint_feedback", AI, Role.SETPOINT_FEEDBACK, scale=0.001, units="MW"),
    Point("engine1.remote", BI, Role.REMOTE),
    Point("engine1.fault", BI, Role.FAULT),
    Point("engine1.running", BI, Role.RUNNING),
    Point("engine1.comm_online", BI, Role.COMM_ONLINE),
    Point(
        "engine1.setpoint",
        AO,
        Role.SETPOINT,
        scale=0.001,
        units="MW",
        minimum=0.0,
        maximum=12.0,
        writable=True,
        feedback="engine1.setpoint_feedback",
        command_mode=CommandMode.SBO,
    ),
    Point("engine1.start_stop", BO, Role.START_STOP, writable=True, pulse=Pulse(PulseStyle.PULSE, 500, 500)),
    Point("engine1.fault_reset", BO, Role.FAULT_RESET, writable=True),
    Point("engine1.droop", AO, writable=True),
    Point("engine1.readback", AO, writable=False),
    Point("engine1.spare", AO, writable=True, enabled=False),
    Point("plant.target_command", AO, writable=True),
)
ROW = {point.id.partition(".")[2]: row for row, point in enumerate(POINTS)}


def site() -> Site:
    own = tuple(
        RowPoint(row, point)
        for row, point in enumerate(POINTS)
        if point.asset == "engine1" and point.role is not Role.COMM_ONLINE
    )
    return Site(
        file=Path("site.toml"),
        plant=PlantSpec("test"),
        schedule=ScheduleSpec(),
        fleet=Fleet((ENGINE,)),
        sessions=(SessionSpec("engine1", "none", None, own),),
        ems=(),
        data=(),
        points=POINTS,
        row_of={point.id: row for row, point in enumerate(POINTS)},
    )


class Time:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    @property
    def ms(self) -> int:
        return round(self.now * 1000)

    def pass_s(self, seconds: float) -> None:
        self.now += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now, lambda: self.ms)


class Field:
    """A database that is fed as a session would, on the clock of the test."""

    def __init__(self, time: Time) -> None:
        self.time = time
        self.database = Database(POINTS)

    def report(self, **values: float) -> None:
        """Readings in device units, by the names of points."""
        self.report_as(Quality.ONLINE, **values)

    def report_as(self, quality: Quality, **values: float) -> None:
        rows = [ROW[name] for name in values]
        self.database.apply(untimed_batch(rows, list(values.values()), quality, self.time.ms, Cause.CYCLIC))

    def healthy(self) -> None:
        """Everything as it must be for a setpoint to go out."""
        self.report(active_power=0.0, setpoint_feedback=0.0, remote=1.0, fault=0.0, running=1.0, comm_online=1.0)


class Device:
    """A session that answers as it is told to, and keeps every command."""

    name = "engine1"

    def __init__(self) -> None:
        self.statistics: Counter[str] = Counter()
        self.answer: CommandResult | Exception = Accepted()
        self.commands: list[Command] = []
        self.selected: list[Command] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def run(self, listener: SessionListener) -> None:
        raise NotImplementedError("the pipeline never runs a session")

    async def select(self, command: Command) -> CommandResult:
        self.selected.append(command)
        await self.gate.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def operate(self, command: Command) -> CommandResult:
        self.commands.append(command)
        await self.gate.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Records:
    """A journal of commands in memory that can be made to fail."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.records: list[CommandRecord] = []
        self.sent_before: list[int] = []  # how many commands had left when each record was written
        self.failing = False
        self._last = 0

    def next_command_id(self) -> int:
        self._last += 1
        return self._last

    async def record(self, record: CommandRecord) -> None:
        await asyncio.sleep(0)
        if self.failing:
            raise JournalError("disk full")
        self.sent_before.append(len(self.device.commands))
        self.records.append(record)

    @property
    def states(self) -> list[str]:
        return [record.state for record in self.records]
