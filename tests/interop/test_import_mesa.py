"""The full IEEE 1815.2 profile that dnp3py ships: imported, checked, simulated, read in full from its own outstation,
and commanded."""

import asyncio
import sys
import time
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from tests.contract.recorders import Recorder
from tests.interop.peer_processes import free_port, until
from vppscada.admin.command_line import main
from vppscada.maps import load_site
from vppscada.model.clock import PlantClock
from vppscada.model.commands import Accepted, AnalogValue, Command, CommandMode, Origin
from vppscada.model.points import PointKind
from vppscada.model.quality import Quality
from vppscada.model.site import Site
from vppscada.simulation.served import ServedSession
from vppscada.station.drivers import DRIVERS

pytestmark = [pytest.mark.interop, pytest.mark.timeout(240)]

PROFILE = str(files("dnp3") / "mesa" / "data" / "profiles" / "full.json")
POINTS = 3127
START_S = 60.0
SITE = """
[plant]
name = "Imported"
[[session]]
name = "battery"
protocol = "dnp3"
host = "127.0.0.1"
port = {port}
local_address = 1
remote_address = 10
time_sync = "none"
[[asset]]
name = "battery"
kind = "battery"
session = "battery"
map = "dnp3_imported.csv"
rating_mw = 2.0
charge_rating_mw = 2.0
capacity_mwh = 4.0
"""


def imported(folder: Path, port: int) -> Site:
    output = folder / "dnp3_imported.csv"
    assert main(["map", "import", "mesa", PROFILE, "-o", str(output)]) == 0
    (folder / "site.toml").write_text(SITE.format(port=port))
    assert main(["check", str(folder / "site.toml")]) == 0
    site = load_site(folder / "site.toml", DRIVERS)
    assert len(site.sessions[0].points) == POINTS
    return site


class Met:
    """Our session on the imported map."""

    def __init__(self, site: Site) -> None:
        [spec] = site.sessions
        self.site = site
        self.listener = Recorder()
        self._session = DRIVERS[spec.protocol].session(spec.name, spec.settings, spec.points)
        self._running = asyncio.ensure_future(self._session.run(self.listener))

    async def started(self) -> None:
        async with asyncio.timeout(START_S):
            await self.listener.until(lambda: "started" in self.listener.calls or self._running.done())
        assert not self._running.done(), self._running.exception()

    def quality(self, kind: PointKind) -> list[int]:
        rows = [row for row, point in self.site.sessions[0].points if point.kind is kind]
        return [self.listener.quality.get(row, -1) for row in rows]

    async def command(self, name: str, value: float) -> object:
        row, now = self.site.row_of[f"battery.{name}"], time.monotonic()
        order = Command(1, row, AnalogValue(value), CommandMode.DIRECT, Origin.OPERATOR, now, now + 10.0)
        return await self._session.operate(order)

    async def close(self) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)


async def test_every_point_is_read_from_dnp3pys_own_outstation_and_a_setpoint_is_echoed(tmp_path: Path) -> None:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dnp3.mesa", "--host", "127.0.0.1", "--port", str(port), "--address", "10",
        "--master-address", "1", "--profile-name", "full",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await until_listening(port)
        site = imported(tmp_path, port)
        met = Met(site)
        try:
            await met.started()
            for kind in (PointKind.ANALOG_INPUT, PointKind.BINARY_INPUT, PointKind.COUNTER):
                qualities = met.quality(kind)
                assert qualities
                assert all(quality != -1 and quality & Quality.ONLINE for quality in qualities), kind
            setpoint = next(point for point in site.points if point.role == "setpoint")
            assert await met.command(setpoint.id.partition(".")[2], 250_000.0) == Accepted()
            feedback = site.row_of[str(setpoint.feedback)]
            await until(lambda: met.listener.value.get(feedback) == 250_000.0, "the setpoint is echoed")
        finally:
            await met.close()
    finally:
        process.kill()
        await process.wait()


async def test_the_imported_map_is_simulated_and_every_point_of_it_is_served(tmp_path: Path) -> None:
    site = imported(tmp_path, free_port())
    served = ServedSession(site, "battery", PlantClock())
    running = asyncio.ensure_future(served.run())
    met = None
    try:
        await until(lambda: served.port > 0 or running.done(), "the device listens")
        met = Met(site)
        await met.started()
        for kind in (PointKind.ANALOG_INPUT, PointKind.BINARY_INPUT, PointKind.COUNTER):
            assert all(quality != -1 for quality in met.quality(kind)), kind
        soc = met.listener.value[next(row for row, point in enumerate(site.points) if point.role == "state_of_charge")]
        assert np.isfinite(soc)
    finally:
        if met is not None:
            await met.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until_listening(port: int) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            assert time.monotonic() < deadline, "dnp3py's outstation never listened"
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
