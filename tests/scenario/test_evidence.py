"""The evidence of a called event in which the station was killed: one command, verified by another."""

import asyncio
import csv
import io
import json
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.scenario.harness import Ems, Processes, until
from tests.scenario.test_resilience import SITE, START_UP_S, TARGET_MW, settle_on_target
from vppscada.model.commands import Accepted
from vppscada.proof.times import utc

pytestmark = pytest.mark.timeout(300)


async def run(*words: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "vppscada.admin.command_line", "evidence", *words]
    pipe = asyncio.subprocess.PIPE
    asked = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    out, _ = await asyncio.wait_for(asked.communicate(), 60.0)
    return asked.returncode or 0, out.decode()


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


async def test_a_pack_has_the_call_the_commands_the_answers_and_the_gap(tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, speed=60.0) as plant:
        await plant.start_all()
        async with Ems(plant) as ems:
            await settle_on_target(ems)
            await asyncio.sleep(6.0)  # so that this is on disk
            begin = utc(time.time_ns() // 1_000_000)
            assert await ems.set_analog("plant.target_command", TARGET_MW + 0.5) == Accepted()
            assert await ems.set_analog("plant.target_command", 99.0) != Accepted()
            await until(
                lambda: abs(ems.value("plant.active_power") - TARGET_MW - 0.5) < 0.1, START_UP_S, "the new target"
            )
            await asyncio.sleep(6.0)
            await plant.kill("station")
            await asyncio.sleep(3.0)
            await plant.start_station()
            # until then the EMS has the values of before
            await until(lambda: plant.log("station").count('"station_started"') == 2, START_UP_S, "it is up again")
            await until(lambda: ems.value("plant.sessions_online") == 2, START_UP_S, "both sessions up again")
            await asyncio.sleep(2.0)
            end = utc(time.time_ns() // 1_000_000)
            assert await plant.end("station") == 0
        asked = [str(plant.site_file), "--state", str(plant.state), "--from", begin, "--to", end]
        pack, twin = tmp_path / "pack.zip", tmp_path / "twin.zip"
        status, out = await run(*asked, "--out", str(pack), "--baseline", "zero")
        assert status == 0, out
        assert (await run(*asked, "--out", str(twin), "--baseline", "zero"))[0] == 0
    assert pack.read_bytes() == twin.read_bytes()
    check(pack)
    await verify(pack, tmp_path, out.split()[-1])
    assert plant.complaints() == []


def check(pack: Path) -> None:
    with zipfile.ZipFile(pack) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    orders = [row for row in rows(files["signal.csv"]) if row["kind"] == "order"]
    assert [(row["point"], float(row["value"]), bool(row["refused"])) for row in orders] == [
        ("plant.target_command", TARGET_MW + 0.5, False),
        ("plant.target_command", 99.0, True),
    ]
    before = {row["point"]: row["value"] for row in rows(files["signal.csv"]) if row["kind"] == "before"}
    assert float(before["plant.target"]) == TARGET_MW and float(before["plant.enabled"]) == 1.0
    commands = rows(files["commands.csv"])
    first = [row["state"] for row in commands if row["command"] == commands[0]["command"]]
    assert first[:2] == ["issued", "accepted"]
    assert {"battery.active_power", "genset.active_power", "plant.active_power"} <= {
        row["point"] for row in rows(files["responses.csv"])
    }
    gaps = [(row["what"], row["why"]) for row in rows(files["gaps.csv"])]
    assert ("station", "the station ended without being told to") in gaps
    summary = json.loads(files["summary.json"])
    assert summary["doubts"] == [] and 0.5 < summary["energy"]["delivered_share"] <= 1.1
    assert summary["energy"]["known_h"] < summary["energy"]["hours"]
    in_force = json.loads(files["in_force.json"])
    assert [one["end"] for one in in_force["runs"]] == ["without being told to", "goes on"]
    assert in_force["runs"][0]["settings"]["plant"]["name"] == summary["site"]
    site = in_force["runs"][0]["site"]
    assert files[f"site/{site[:12]}/site.toml"] == Path(SITE).read_bytes()
    assert json.loads(files["schedules.json"]) and rows(files["schedule.csv"])
    page = files["summary.html"].decode()
    assert "<svg" in page and "http" not in page and "src=" not in page


async def verify(pack: Path, folder: Path, whole: str) -> None:
    assert (await run("--verify", str(pack), "--hash", whole))[0] == 0
    with zipfile.ZipFile(pack) as archive:
        archive.extractall(folder / "out")
    with (folder / "out" / "signal.csv").open("a") as file:
        file.write("2026-01-01T00:00:00Z,order,plant.target_command,5,,\n")
    (folder / "out" / "gaps.csv").unlink()
    (folder / "out" / "note.txt").write_text("mine")
    status, out = await run("--verify", str(folder / "out"))
    assert status == 1
    assert [line.partition(": ")[2] for line in out.splitlines()] == [
        "gaps.csv is missing",
        "note.txt is not in the manifest",
        "signal.csv is changed",
    ]
