"""How the station ends and how it refuses to begin: signals, taken ports, state directories that will not do."""

import asyncio
import re
import socket
from pathlib import Path

import pytest

from tests.scenario.harness import Ems, Processes, until
from tests.scenario.test_resilience import SITE, START_UP_S, settle_on_target
from vppscada.model.points import PointKind
from vppscada.points.journal import Journal

pytestmark = pytest.mark.timeout(240)


def solvers_left(log: str) -> list[int]:
    """Solver processes that the station started and that are still there."""
    pids = [int(text) for text in re.findall(r'"pid": (\d+), "event": "solver_process_started"', log)]
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


async def started(plant: Processes, what: str) -> None:
    await until(lambda: f'"{what}"' in plant.log("station"), START_UP_S, what)


def is_closed(plant: Processes) -> bool:
    """Whether the journal can be had, and nothing in it was left open."""
    Journal.open(plant.state).close()
    return not (plant.state / "journal.db-wal").exists() and '"station_stopped"' in plant.log("station")


@pytest.mark.parametrize("on_stop", ["hold", "zero"])
async def test_a_station_that_is_told_to_stops_cleanly_and_resumes(on_stop: str, tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, speed=60.0) as plant:
        for spec in plant.site.sessions:
            await plant.start_device(spec.name)
        await plant.start_station(plant__on_stop=on_stop)
        async with Ems(plant) as ems:
            await settle_on_target(ems)
        before = plant.records()
        assert await plant.end("station") == 0
        assert is_closed(plant) and solvers_left(plant.log("station")) == []
        zeros = [
            (one.point, one.value)
            for one in plant.records()[len(before) :]
            if one.state == "accepted" and one.point.endswith("setpoint") and one.value == 0.0
        ]
        told = [("battery.setpoint", 0.0), ("genset.setpoint", 0.0)]
        assert sorted(zeros) == (told if on_stop == "zero" else [])

        await plant.start_station(plant__on_stop=on_stop)
        async with Ems(plant) as again:
            await until(lambda: again.value("plant.sessions_online") == 2, START_UP_S, "both sessions up again")
            assert again.value("plant.commands_failed", PointKind.COUNTER) == 0
        assert plant.complaints() == []


async def test_a_stop_before_any_device_answers(tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, speed=60.0) as plant:
        await plant.start_station()
        await started(plant, "station_started")
        assert await plant.end("station") == 0
        assert is_closed(plant) and plant.complaints() == []


async def test_a_stop_while_a_schedule_is_made(tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, speed=60.0) as plant:
        await plant.start_all()
        await started(plant, "solver_process_started")  # it loads its libraries now: the solve is under way
        assert '"schedule_adopted"' not in plant.log("station")
        assert await plant.end("station") == 0
        assert is_closed(plant) and solvers_left(plant.log("station")) == [] and plant.complaints() == []


async def test_a_second_signal_does_not_break_off_the_stop(tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, speed=60.0) as plant:
        await plant.start_station(plant__on_stop="zero")  # which takes a moment
        await started(plant, "station_started")
        plant.running["station"].terminate()
        await asyncio.sleep(0.1)
        assert await plant.end("station") == 0
        assert is_closed(plant)


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, speed=60.0) as plant:
        port = plant.settings[f"ems.{plant.site.ems[0].name}.port"]
        with socket.socket() as other:
            other.bind(("127.0.0.1", port))
            other.listen()
            await plant.start_station()
            assert await plant.end("station", START_UP_S, stop=False) == 1
        last = plant.log("station").splitlines()[-1]
        assert last.startswith("vppscada: ") and str(port) in last
        assert plant.complaints() == [] and is_closed(plant)


async def test_a_state_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, speed=60.0) as plant:
        plant.state.write_text("no directory", encoding="ascii")
        await plant.start_station()
        assert await plant.end("station", START_UP_S, stop=False) == 1
        assert plant.log("station").startswith(f"vppscada: {plant.state}: cannot be used")
        assert plant.complaints() == []


async def test_a_second_station_on_the_same_state_is_refused(tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, speed=60.0) as plant:
        await plant.start_station()
        await started(plant, "station_started")
        await plant.start_station("second")
        assert await plant.end("second", START_UP_S, stop=False) == 1
        assert "another station is using this journal" in plant.log("second").splitlines()[-1]
        assert plant.running["station"].returncode is None and await plant.end("station") == 0
