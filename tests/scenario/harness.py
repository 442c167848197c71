"""A whole plant in processes of its own: simulated devices, the station, and an EMS master inside the test."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from protocols.dnp3 import DRIVER
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from vppscada.maps import find_site, load_site
from vppscada.model.batch import Batch, Cause
from vppscada.model.commands import (
    AnalogValue,
    Command,
    CommandMode,
    CommandRecord,
    CommandResult,
    Crob,
    CrobOperation,
    Origin,
)
from vppscada.model.points import PointKind, RowPoint
from vppscada.model.sessions import SessionLost
from vppscada.model.site import EmsSpec
from vppscada.points.database import Database
from vppscada.points.journal_queries import JournalReader
from vppscada.station.drivers import DRIVERS

_EVENT_CAUSES = (Cause.EVENT, Cause.UNSOLICITED)


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in socks:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in socks]


async def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for a condition, or fail in words."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.05)


class Processes:
    """The devices and the station of a site on free ports; everything ends with the `async with`."""

    def __init__(self, site: str, directory: Path, speed: float, *, own_ports: bool = False) -> None:
        """``own_ports`` leaves the ports that the site file has."""
        self.site_file = find_site(site)
        first = load_site(self.site_file, DRIVERS)
        names = [f"session.{spec.name}.port" for spec in first.sessions] + [
            f"ems.{spec.name}.port" for spec in first.ems
        ]
        self.settings: dict[str, object] = dict(zip(names, free_ports(len(names)), strict=True))
        self._set = {} if own_ports else self.settings
        if own_ports:
            self.settings = {
                f"{kind}.{spec.name}.port": getattr(spec.settings, "port", 0)
                for kind, specs in (("session", first.sessions), ("ems", first.ems))
                for spec in specs
            }
        self.site = load_site(self.site_file, DRIVERS, self.settings)
        self.state = directory / "state"
        self._directory = directory
        wall_ms = time.time_ns() // 1_000_000
        start_ms = 1_719_813_600_000  # 2024-07-01T06:00Z, within the demo's data
        self._clock = ["--speed", str(speed), "--wall-start", str(wall_ms), "--plant-start", str(start_ms)]
        self.running: dict[str, asyncio.subprocess.Process] = {}

    async def __aenter__(self) -> "Processes":
        return self

    async def __aexit__(self, *_: object) -> None:
        for name in list(self.running):
            await self.kill(name)

    async def start_device(self, session: str, *options: str) -> None:
        """Start the simulated device of a session."""
        await self._start(session, "simulate", "--session", session, "--parent-pipe", *options)

    async def tell_device(self, session: str, line: str) -> None:
        """A line to a simulated device: ``fault KIND [SECONDS]`` or ``clear``, which also ends a hang."""
        pipe = self.running[session].stdin
        assert pipe is not None
        pipe.write(f"{line}\n".encode())
        await pipe.drain()

    async def start_station(self, name: str = "station", *options: str, **overrides: str) -> None:
        """Start the station; ``plant__on_stop="zero"`` overrides the setting plant.on_stop."""
        more = [f"--set={key.replace('__', '.')}={value}" for key, value in overrides.items()]
        await self._start(name, "run", "--state", str(self.state), *options, *more)

    async def start_all(self) -> None:
        """Every device, then the station."""
        for spec in self.site.sessions:
            await self.start_device(spec.name)
        await self.start_station()

    async def kill(self, name: str) -> None:
        """SIGKILL one process and wait for its end."""
        process = self.running.pop(name)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()

    async def end(self, name: str, seconds: float = 20.0, stop: bool = True) -> int:
        """SIGTERM one process (or not) and return the status that it ended with."""
        process = self.running[name]
        if stop:
            process.terminate()
        status = await asyncio.wait_for(process.wait(), seconds)
        del self.running[name]
        return status

    def records(self, since_ms: int = 0) -> list[CommandRecord]:
        """The states of commands that the station wrote down from a time on, oldest first."""
        reader = JournalReader(self.state)
        late = [one.id for one in reader.commands(10_000) if one.time_ms >= since_ms]
        every = [state for command in reversed(late) for state in reader.command_history(command)]
        return [one for one in every if one.time_ms >= since_ms]

    def complaints(self) -> list[str]:
        """Lines of the station's log that no fault of a device excuses."""
        return [line for line in self.log("station").splitlines() if "Traceback" in line or '_failed", "level"' in line]

    def log(self, name: str) -> str:
        """What a process wrote."""
        return (self._directory / f"{name}.log").read_text(encoding="utf-8")

    async def _start(self, name: str, verb: str, *options: str) -> None:
        overrides = [f"--set={key}={value}" for key, value in self._set.items()]
        log = os.open(self._directory / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self.running[name] = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "vppscada.admin.command_line",
                verb,
                str(self.site_file),
                *options,
                *self._clock,
                *overrides,
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        finally:
            os.close(log)


class Ems:
    """An EMS master: reads the outstation's points by name and commands them."""

    def __init__(self, processes: Processes, master_address: int = 1) -> None:
        spec: EmsSpec = processes.site.ems[0]
        self.points = [export.point for export in spec.exports]
        self.row = {
            (processes.site.points[export.source_row].id, export.point.kind): i for i, export in enumerate(spec.exports)
        }
        self.database = Database(self.points)
        self.events: list[tuple[str, int, int, float]] = []  # kind, index, time, value
        self.losses = 0
        served = spec.settings
        assert isinstance(served, Dnp3OutstationSettings)
        table = {
            "host": "127.0.0.1",
            "port": processes.settings[f"ems.{spec.name}.port"],
            "local_address": master_address,
            "remote_address": served.local_address,
            "integrity_period_s": 1.0,
            "class1_period_s": 0.5,
            "class2_period_s": 0.5,
            "class3_period_s": 0.5,
        }
        rows = [RowPoint(i, point) for i, point in enumerate(self.points)]
        self._session = DRIVER.session("ems", DRIVER.read_session(table), rows)
        self._task: asyncio.Task[None] | None = None
        self._commands = 0

    async def __aenter__(self) -> "Ems":
        self._task = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _keep(self) -> None:
        while True:
            try:
                await self._session.run(self)
            except SessionLost:
                self.losses += 1
                await asyncio.sleep(0.2)

    # the listener's face

    def on_connected(self) -> None: ...

    def on_started(self) -> None: ...

    def on_batch(self, batch: Batch) -> None:
        self.database.apply(batch)
        if batch.cause in _EVENT_CAUSES:
            for row, at, value in zip(
                batch.rows.tolist(), batch.source_time_ms.tolist(), batch.value.tolist(), strict=True
            ):
                point = self.points[row]
                self.events.append((point.kind.value, point.address.index, at, value))

    async def settled(self) -> None: ...

    # reading and commanding

    def value(self, point: str, kind: PointKind = PointKind.ANALOG_INPUT) -> float:
        """The last value seen, NaN before the first."""
        return float(self.database.value[self.row[point, kind]])

    def flag(self, point: str) -> bool:
        """A binary input."""
        return self.value(point, PointKind.BINARY_INPUT) == 1.0

    def quality(self, point: str, kind: PointKind = PointKind.ANALOG_INPUT) -> int:
        """The quality last seen."""
        return int(np.asarray(self.database.quality)[self.row[point, kind]])

    async def select(self, point: str, value: float) -> CommandResult:
        """Select an analog output and leave it at that."""
        return await self._session.select(self._command(self.row[point, PointKind.ANALOG_OUTPUT], AnalogValue(value)))

    async def set_analog(self, point: str, value: float) -> CommandResult:
        """Select and operate an analog output."""
        return await self._operate(self.row[point, PointKind.ANALOG_OUTPUT], AnalogValue(value))

    async def regulate(self, signal: float) -> CommandResult:
        """A regulation signal, −1 to 1, operated directly."""
        row = self.row["plant.regulation_command", PointKind.ANALOG_OUTPUT]
        return await self._operate(row, AnalogValue(signal), CommandMode.DIRECT)

    async def set_binary(self, point: str, on: bool, mode: CommandMode = CommandMode.SBO) -> CommandResult:
        """Select and operate a binary output, or operate it directly."""
        code = CrobOperation.LATCH_ON if on else CrobOperation.LATCH_OFF
        return await self._operate(self.row[point, PointKind.BINARY_OUTPUT], Crob(code), mode)

    async def _operate(self, row: int, body: AnalogValue | Crob, mode: CommandMode = CommandMode.SBO) -> CommandResult:
        return await self._session.operate(self._command(row, body, mode))

    def _command(self, row: int, body: AnalogValue | Crob, mode: CommandMode = CommandMode.SBO) -> Command:
        self._commands += 1
        now = time.monotonic()
        return Command(self._commands, row, body, mode, Origin.EMS, now, now + 5.0)
