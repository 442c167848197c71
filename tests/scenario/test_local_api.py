"""A running station asked through the socket in its state directory, by people, by programs and by vandals."""

import asyncio
import json
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenario.harness import Processes, until
from vppscada.admin.station_client import StationClient, StationError
from vppscada.station.api_requests import LONGEST_LINE

pytestmark = pytest.mark.timeout(180)

SITE = str(Path(__file__).with_name("two_assets") / "site.toml")
START_S = 60.0


async def vppscada(*words: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "vppscada.admin.command_line", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), START_S)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def raw(path: Path, octets: bytes) -> bytes:
    """What comes back for some octets, up to a line or the end."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        writer.write(octets)
        return await asyncio.wait_for(reader.readline(), START_S)
    finally:
        writer.close()


def operate(state: Path, point: str, value: float) -> dict[str, object]:
    with StationClient(state) as station:
        params = {"point": point, "value": value, "reason": "a test", "verify_s": 30.0}
        return station.call("operate", params, timeout_s=START_S)


def next_value(stream: Iterator[dict[str, object]], wanted: float) -> dict[str, object]:
    return next(one for one in stream if one["value"] == wanted)


async def test_a_running_station_is_read_watched_and_commanded(tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, 1.0) as plant:
        for session in ("battery", "genset"):
            await plant.start_device(session)
        await plant.start_station(plant__enabled="false")
        await until(lambda: "station_ready" in plant.log("station"), START_S, "the station is ready")
        path = plant.state / "api.sock"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        await is_read(plant.state)
        await is_watched_and_commanded(plant.state)
        is_forced_and_released(plant.state)
        await withstands(path)
        await plant.kill("genset")
        dead = await asyncio.to_thread(operate, plant.state, "genset.setpoint", 2.0)
        assert dead["result"] in ("not_sent", "unanswered", "refused")

        assert await plant.end("station") == 0
        assert not path.exists()
        assert plant.complaints() == []
        with pytest.raises(StationError, match="no running station"), StationClient(plant.state):
            pass


async def is_read(state: Path) -> None:
    status, out, _ = await vppscada("status", "--state", str(state), "--json")
    assert status == 0
    assert json.loads(out)["sessions"] == [
        {"name": "battery", "state": "online"},
        {"name": "genset", "state": "online"},
    ]
    status, out, _ = await vppscada("points", "battery.state_of_charge", "genset", "--state", str(state))
    assert status == 0
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert "ONLINE" in lines["battery.state_of_charge"]
    assert "1 (remote)" in lines["genset.remote"]


async def is_watched_and_commanded(state: Path) -> None:
    with StationClient(state) as watcher:
        stream = watcher.watch(["genset.setpoint_feedback"])
        assert (await asyncio.to_thread(next, stream))["value"] != 1.25
        accepted = await asyncio.to_thread(operate, state, "genset.setpoint", 1.25)
        assert (await asyncio.to_thread(next_value, stream, 1.25))["quality"] == "ONLINE"
    assert accepted["result"] == "accepted"
    seen = accepted["verification"]
    assert isinstance(seen, dict)
    assert (seen["commanded"], seen["acknowledged"] is None, seen["echoed"] is None) == (0.0, False, False)
    refused = await asyncio.to_thread(operate, state, "genset.setpoint", 99.0)
    assert (refused["result"], refused["reason"]) == ("refused", "above_asset_limit")
    assert "verification" not in refused


def is_forced_and_released(state: Path) -> None:
    with StationClient(state) as station:
        wanted = {"point": "genset.voltage", "value": 401.0, "reason": "sensor broken", "by": "ann", "for_s": 600}
        forced = station.call("force", wanted)
        assert forced["value"] == 401.0
        assert "LOCAL_FORCED" in forced["quality"]
        with pytest.raises(StationError, match="by that is no text"):
            station.call("force", wanted | {"by": ""})
        released = station.call("release", {"point": "genset.voltage"})
        assert "LOCAL_FORCED" not in released["quality"]
        with pytest.raises(StationError, match="is not forced"):
            station.call("release", {"point": "genset.voltage"})


async def withstands(path: Path) -> None:
    """Whatever is no request, and more clients than there may be."""
    assert b"not JSON" in await raw(path, b"\xff\x00{{{\n")
    assert b"unknown method" in await raw(path, b'{"id": 1, "method": "shutdown"}\n')
    assert b"octets" in await raw(path, b"x" * (LONGEST_LINE + 10))
    clients = [await asyncio.open_unix_connection(str(path)) for _ in range(16)]
    assert b"already 16 clients" in await raw(path, b"")
    for _, writer in clients:
        writer.close()
