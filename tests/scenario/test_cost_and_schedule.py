"""What a running station gives costs, and why it does what it plans, asked over its socket."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.harness import Processes, until

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


async def asked(state: Path, *words: str) -> dict[str, Any]:
    status, out, err = await vppscada(words[0], SITE, *words[1:], "--state", str(state), "--json")
    assert status == 0, err
    answer: dict[str, Any] = json.loads(out)
    return answer


async def test_a_running_station_tells_its_costs_and_its_reasons(tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, 1.0) as plant:
        for session in ("battery", "genset"):
            await plant.start_device(session)
        await plant.start_station(plant__enabled="false")
        await until(lambda: "schedule_adopted" in plant.log("station"), START_S, "a schedule is in force")

        told = await asked(plant.state, "cost", "--target", "0.5MW")
        (one,) = told["targets"]
        assert one["unserved_mw"] == 0.0
        assert sum(asset["power_mw"] for asset in one["assets"]) == pytest.approx(0.5)
        assert told["stored_worth_per_mwh"]["battery"] != 0.0

        curve = (await asked(plant.state, "cost", "--curve", "--units", "on"))["curve"]
        _, out, _ = await vppscada("points", "plant", "--state", str(plant.state), "--json")
        points = {one["point"]: one["value"] for one in map(json.loads, out.splitlines())}
        assert points["plant.cost_curve_power_1"] == pytest.approx(curve[0]["power_mw"], abs=0.02)
        assert points["plant.cost_curve_power_10"] == pytest.approx(curve[-1]["power_mw"], abs=0.02)

        _, out, _ = await vppscada("forecasts", "--state", str(plant.state))
        assert "load" in out and "fresh" in out and "has learnt from" in out

        planned = await asked(plant.state, "schedule", "--explain")
        assert planned["explained"]
        assert {asset["asset"] for asset in planned["assets"]} == {"battery", "genset"}
        assert all(len(asset["reason"]) == planned["steps"] for asset in planned["assets"])
        status, out, _ = await vppscada(
            "schedule", SITE, "--state", str(plant.state), "--explain", "--asset", "genset"
        )  # fmt: skip
        assert status == 0
        assert "in force in the station" in out and "genset" in out

        demo = await vppscada("cost", "demo", "--target", "1MW", "--state", str(plant.state))
        assert demo[0] == 1
        assert "runs other assets" in demo[2]

    status, _, err = await vppscada("cost", SITE, "--target", "1MW", "--state", str(tmp_path / "nowhere"))
    assert status == 1
    assert "no running station" in err
