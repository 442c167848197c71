"""Simulated devices over their real protocols, met by the sessions that the station uses."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import numpy as np
import pytest

from vppscada.maps import find_site, load_site
from vppscada.model.batch import Batch
from vppscada.model.clock import PlantClock
from vppscada.model.commands import (
    Accepted,
    AnalogValue,
    Command,
    CommandResult,
    CommandStatus,
    Origin,
    Rejected,
    crob_for,
)
from vppscada.model.points import PointKind, Role
from vppscada.model.scaling import to_device
from vppscada.model.sessions import Session, SessionLost
from vppscada.model.site import SessionSpec, Site
from vppscada.points.database import Database
from vppscada.simulation.demo.options import PLANT_START_MS
from vppscada.simulation.demo.ports import free_ports
from vppscada.simulation.faults import Fault, FaultKind
from vppscada.simulation.served import ServedSession
from vppscada.station.drivers import DRIVERS

SPEED = 60.0
#: A magnet of 0.02 MWh is full within seconds at the other speed: the test must not race it.
SLOW = 2.0
WITHIN_S = 20.0
ONE_OF_EACH = ("flywheel1", "battery1", "smes1")  # Modbus, DNP3, OPC UA


def site_for(name: str) -> tuple[Site, SessionSpec, int]:
    (port,) = free_ports(1)
    site = load_site(find_site("demo"), DRIVERS, {f"session.{name}.port": port})
    return site, next(spec for spec in site.sessions if spec.name == name), port


def clock(speed: float = SPEED) -> PlantClock:
    return PlantClock(time.time_ns() // 1_000_000, PLANT_START_MS, speed)


class Master:
    """A session with a database, and its reconnecting."""

    def __init__(self, site: Site, spec: SessionSpec) -> None:
        self.database = Database(site.points)
        self.session: Session = DRIVERS[spec.protocol].session(spec.name, spec.settings, spec.points)
        self.started = 0
        self.lost = 0
        self._rows = {(p.asset, p.role): row for row, p in reversed(spec.points) if p.role is not None}
        self._all = np.array([row for row, _ in spec.points], dtype=np.intp)

    def on_connected(self) -> None:
        pass

    def on_started(self) -> None:
        self.started += 1

    def on_batch(self, batch: Batch) -> None:
        self.database.apply(batch)

    async def settled(self) -> None:
        pass

    async def run(self) -> None:
        while True:
            with suppress(SessionLost):
                await self.session.run(self)
            self.lost += self.started > self.lost
            self.database.comm_lost(self._all, 0)
            await asyncio.sleep(0.1)

    def value(self, asset: str, role: Role) -> float:
        row = self._rows[asset, role]
        return float(self.database.value[row]) if self.database.quality[row] == 1 else float("nan")

    async def command(self, asset: str, role: Role, value: float) -> CommandResult:
        row = self._rows[asset, role]
        point = self.database.points[row]
        binary = point.kind is PointKind.BINARY_OUTPUT
        body = crob_for(value != 0.0, point.pulse) if binary else AnalogValue(to_device(point, value))
        now = time.monotonic()
        return await self.session.operate(Command(1, row, body, point.command_mode, Origin.LOCAL, now, now + 5.0))

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while True:
                if true():
                    return
                await asyncio.sleep(0.02)


@dataclass
class Scene:
    served: ServedSession
    master: Master


@asynccontextmanager
async def scene(name: str, speed: float = SPEED) -> AsyncIterator[Scene]:
    site, spec, _ = site_for(name)
    served, master = ServedSession(site, name, clock(speed)), Master(site, spec)
    tasks = [asyncio.create_task(served.run()), asyncio.create_task(master.run())]
    try:
        await master.until(lambda: master.started > 0)
        yield Scene(served, master)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("name", [spec.name for spec in load_site(find_site("demo"), DRIVERS).sessions])
async def test_every_device_of_the_demo_is_read_whole_and_tells_what_its_model_knows(name: str) -> None:
    async with scene(name) as here:
        master, device = here.master, here.served.devices[name]
        await master.until(lambda: not np.isnan(master.value(name, Role.ACTIVE_POWER)))
        for role in (Role.REMOTE, Role.FAULT, Role.RUNNING, Role.AVAILABLE_POWER, Role.SETPOINT_FEEDBACK):
            expected = device.readings()[role]
            await master.until(lambda role=role, expected=expected: abs(master.value(name, role) - expected) < 0.05)  # type: ignore[misc]


@pytest.mark.parametrize("name", ONE_OF_EACH)
async def test_a_setpoint_is_taken_echoed_and_followed(name: str) -> None:
    async with scene(name, SLOW) as here:
        master = here.master
        if (name, Role.SETPOINT_ENABLE) in master._rows:
            assert isinstance(await master.command(name, Role.SETPOINT_ENABLE, 1.0), Accepted)
        assert isinstance(await master.command(name, Role.SETPOINT, -0.5), Accepted)
        await master.until(lambda: abs(master.value(name, Role.SETPOINT_FEEDBACK) + 0.5) < 1e-3)
        await master.until(lambda: abs(master.value(name, Role.ACTIVE_POWER) + 0.5) < 0.02)


@pytest.mark.parametrize("name", ONE_OF_EACH)
async def test_a_setpoint_out_of_range_is_refused_and_moves_nothing(name: str) -> None:
    async with scene(name) as here:
        result = await here.master.command(name, Role.SETPOINT, 9.0)
        assert isinstance(result, Rejected)
        assert here.served.devices[name].orders.setpoint_mw == 0.0


async def test_dnp3_says_why_a_command_was_refused() -> None:
    async with scene("battery1") as here:
        here.served.faults = (Fault(FaultKind.LOCAL, 0.0),)
        await here.master.until(lambda: here.master.value("battery1", Role.REMOTE) == 0.0)
        result = await here.master.command("battery1", Role.SETPOINT, 1.0)
        assert isinstance(result, Rejected)
        assert result.status is CommandStatus.LOCAL


async def test_an_engine_is_started_over_the_wire_and_loads_up() -> None:
    async with scene("engine1") as here:
        master = here.master
        assert isinstance(await master.command("engine1", Role.SETPOINT, 4.0), Accepted)
        assert isinstance(await master.command("engine1", Role.START_STOP, 1.0), Accepted)
        await master.until(lambda: master.value("engine1", Role.RUNNING) == 1.0)
        await master.until(lambda: abs(master.value("engine1", Role.ACTIVE_POWER) - 4.0) < 0.05)
        assert master.value("engine1", Role.STARTS) == 1.0


@pytest.mark.parametrize("name", ONE_OF_EACH)
async def test_a_device_that_drops_is_lost_and_found_again(name: str) -> None:
    async with scene(name) as here:
        now = time.monotonic() - here.served.started
        here.served.faults = (Fault(FaultKind.DROP, now, 1.0),)
        await here.master.until(lambda: here.master.lost == 1)
        assert np.isnan(here.master.value(name, Role.ACTIVE_POWER))
        await here.master.until(lambda: here.master.started >= 2)
        await here.master.until(lambda: not np.isnan(here.master.value(name, Role.ACTIVE_POWER)))


async def test_a_lying_device_reports_a_power_that_is_not_so() -> None:
    async with scene("flywheel1") as here:
        here.served.faults = (Fault(FaultKind.LIE, 0.0),)
        await here.master.until(lambda: bool(here.served._frozen))
        assert isinstance(await here.master.command("flywheel1", Role.SETPOINT, 1.0), Accepted)
        await here.master.until(lambda: abs(here.master.value("flywheel1", Role.SETPOINT_FEEDBACK) - 1.0) < 1e-3)
        await asyncio.sleep(1.0)
        assert here.served.devices["flywheel1"].state.power_mw > 0.9
        assert here.master.value("flywheel1", Role.ACTIVE_POWER) == pytest.approx(0.0, abs=1e-6)


async def test_a_trip_shows_and_is_reset_over_the_wire() -> None:
    async with scene("smes1") as here:
        master = here.master
        here.served.faults = (Fault(FaultKind.TRIP, time.monotonic() - here.served.started),)
        await master.until(lambda: master.value("smes1", Role.FAULT) == 1.0)
        assert isinstance(await master.command("smes1", Role.SETPOINT, 0.1), Rejected)
        assert isinstance(await master.command("smes1", Role.FAULT_RESET, 1.0), Accepted)
        await master.until(lambda: master.value("smes1", Role.FAULT) == 0.0)


# as a process of its own


@asynccontextmanager
async def process(name: str, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    command = ["-m", "vppscada.admin.command_line", "simulate", "demo", "--session", name, "--parent-pipe"]
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        *("--set", f"session.{name}.port={port}"),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        await heard(child, "device_listened")
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def heard(child: asyncio.subprocess.Process, event: str) -> None:
    """Wait for an event of that name in its log."""
    assert child.stderr is not None
    async with asyncio.timeout(60.0):
        while line := await child.stderr.readline():
            with suppress(json.JSONDecodeError):
                if json.loads(line).get("event") == event:
                    return
    raise AssertionError(f"it ended without {event}")


def tell(child: asyncio.subprocess.Process, line: str) -> None:
    assert child.stdin is not None
    child.stdin.write(line.encode() + b"\n")


async def test_a_process_that_hangs_keeps_its_connection_answers_nothing_and_comes_back_when_cleared() -> None:
    site, spec, port = site_for("engine1")
    async with process("engine1", port) as child:
        master = Master(site, spec)
        running = asyncio.create_task(master.run())
        try:
            await master.until(lambda: master.started == 1)
            tell(child, "fault hang")
            await master.until(lambda: master.lost == 1)
            _, writer = await asyncio.open_connection("127.0.0.1", port)  # the system still takes connections
            writer.close()
            started = master.started
            tell(child, "clear")
            await master.until(lambda: master.started > started)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def test_a_process_ends_when_its_parent_is_gone() -> None:
    _, _, port = site_for("engine1")
    async with process("engine1", port) as child:
        assert child.stdin is not None
        child.stdin.close()
        assert await asyncio.wait_for(child.wait(), WITHIN_S) == 0


async def test_a_process_that_hangs_can_still_be_told_to_end() -> None:
    _, _, port = site_for("engine1")
    async with process("engine1", port) as child:
        tell(child, "fault hang")
        await heard(child, "fault_begun")
        await asyncio.sleep(0.5)
        child.terminate()
        assert await asyncio.wait_for(child.wait(), WITHIN_S) == -signal.SIGTERM
