"""An engineer at his desk: a simulated site, and the commands as he types them, in processes of their own."""

import asyncio
import contextlib
import csv
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scenario.harness import free_ports, until

pytestmark = pytest.mark.timeout(180)

SITE = Path(__file__).with_name("two_assets") / "site.toml"
START_S = 60.0


class Desk:
    """Commands against one site on free ports."""

    def __init__(self, folder: Path) -> None:
        ports = zip(("session.battery", "session.genset", "ems.ems"), free_ports(3), strict=True)
        self._set = [f"--set={name}.port={port}" for name, port in ports]
        self.state = folder / "state"

    async def start(self, *words: str, log: Path | None = None) -> asyncio.subprocess.Process:
        out = asyncio.subprocess.PIPE if log is None else log.open("wb")
        command, *rest = words
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "vppscada.admin.command_line", command, str(SITE), *rest, *self._set,
            stdout=out, stderr=out, stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

    async def run(self, *words: str) -> tuple[int, str, str]:
        """Exit status, stdout and stderr."""
        process = await self.start(*words, "--state", str(self.state), "--wait", "30")
        out, err = await asyncio.wait_for(process.communicate(), START_S)
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def order(self, *words: str) -> int:
        """A command to the station alone; its exit status."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "vppscada.admin.command_line", *words, "--state", str(self.state)
        )
        return await asyncio.wait_for(process.wait(), START_S)


@contextlib.asynccontextmanager
async def simulated(folder: Path) -> AsyncIterator[Desk]:
    """Every device of the site served by one process."""
    desk, log = Desk(folder), folder / "simulate.log"
    process = await desk.start("simulate", log=log)
    try:
        await until(lambda: log.read_text().count("device_listened") == 2, START_S, "both devices listen")
        yield desk
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


async def test_devices_are_read_commanded_and_checked_out(tmp_path: Path) -> None:
    async with simulated(tmp_path) as desk:
        status, out, _ = await desk.run("read", "battery.state_of_charge", "genset.remote", "--json")
        values = {one["point"]: one for one in map(json.loads, out.splitlines())}
        assert status == 0
        assert values["genset.remote"]["value"] == "1 (remote)"
        assert values["battery.state_of_charge"]["quality"] == "ONLINE"

        status, out, _ = await desk.run("operate", "genset.setpoint", "1.25", "--yes", "--by", "ann")
        assert (status, "the device took the command" in out) == (0, True)
        assert "genset.setpoint_feedback is 1.25 MW" in out
        status, out, _ = await desk.run("operate", "genset.setpoint", "99", "--yes")
        assert (status, "nothing was sent: 99 is above 3 MW" in out) == (1, True)
        status, _, err = await desk.run("operate", "genset.setpoint", "1")
        assert (status, "--yes says that you mean it" in err) == (1, True)

        answers = tmp_path / "answers.csv"
        read = ("genset.setpoint_feedback,1.25,1.25", "genset.remote,local,", "genset.starts,skip,")
        answers.write_text("\n".join(("point,device,ems", *read)) + "\n")
        status, out, _ = await desk.run("checkout", "genset", "--answers", str(answers), "-o", str(tmp_path / "sheet"))
        assert (status, out.startswith("1 passed, 1 failed, 0 incomplete, 1 skipped")) == (1, True)
        with (tmp_path / "sheet" / "checkout-genset.csv").open(newline="") as file:
            verdicts = {row["point"]: row["verdict"] for row in csv.DictReader(file)}
        assert verdicts["genset.setpoint_feedback"] == "passed"
        assert verdicts["genset.remote"] == "failed"
        assert verdicts["genset.starts"] == "skipped"
        assert verdicts["genset.voltage"] == "open"


async def test_a_device_that_is_not_there_is_told_and_nothing_is_sent(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    process = await desk.start("operate", "genset.setpoint", "1", "--yes", "--state", str(desk.state), "--wait", "2")
    out, err = await asyncio.wait_for(process.communicate(), START_S)
    assert process.returncode == 1
    assert b"session genset is not up" in err
    assert b"took" not in out


async def test_while_a_station_runs_it_is_asked_and_its_points_can_be_forced(tmp_path: Path) -> None:
    async with simulated(tmp_path) as desk:
        log = tmp_path / "station.log"
        station = await desk.start("run", "--state", str(desk.state), log=log)
        try:
            await until(lambda: log.read_text().count("session_started") == 2, START_S, "both sessions are up")
            status, out, _ = await desk.run("read", "genset.remote", "--json")
            assert (status, json.loads(out)["value"]) == (0, 1.0)
            status, out, _ = await desk.run("operate", "genset.setpoint", "1.25", "--yes")
            assert (status, out.splitlines()[0]) == (0, "the station: accepted")
            status, out, _ = await desk.run("operate", "genset.setpoint", "99", "--yes")
            assert (status, "refused: 99 is above 3 MW" in out) == (1, True)
            status, out, _ = await desk.run("watch", "genset.setpoint_feedback", "--duration", "1")
            assert (status, "genset.setpoint_feedback" in out) == (0, True)
            assert await desk.order("force", "genset.frequency", "49", "--reason", "test", "--for", "600") == 0
            status, out, _ = await desk.run("read", "genset.frequency", "--json")
            assert (json.loads(out)["value"], "LOCAL_FORCED" in json.loads(out)["quality"]) == (49.0, True)
            assert await desk.order("release", "genset.frequency") == 0
            status, out, _ = await desk.run("checkout", "genset", "-o", str(tmp_path))
            assert status == 1  # the desk itself has no devices now
        finally:
            station.send_signal(signal.SIGTERM)
            await station.wait()
