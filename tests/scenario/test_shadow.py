"""A plant in shadow: it schedules, dispatches and publishes, and nothing of it reaches a device."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.scenario.harness import Ems, Processes, until
from tests.scenario.test_books import covered_ms, told
from tests.scenario.test_resilience import SITE, START_UP_S, TARGET_MW, near
from vppscada.model.commands import Accepted, CommandStatus, Rejected
from vppscada.model.points import PointKind

pytestmark = pytest.mark.timeout(300)

SPEED = 240.0
DEVICES = ("battery", "genset")


def commanded(plant: Processes) -> list[str]:
    """What the devices say that they were commanded; they log it at level debug."""
    lines = (line for name in DEVICES for line in plant.log(name).splitlines())
    return [line for line in lines if "command_received" in line]


async def test_no_setpoint_reaches_a_device_while_schedule_and_dispatch_run(tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, speed=SPEED) as plant:
        for name in DEVICES:
            await plant.start_device(name, "--log-level", "debug")
        await plant.start_station("station", "--shadow")
        async with Ems(plant) as ems:
            await until(lambda: ems.value("plant.sessions_online") == 2, START_UP_S, "both sessions up")
            await until(lambda: ems.flag("plant.shadow") and ems.flag("plant.schedule_ok"), START_UP_S, "a schedule")
            assert ems.flag("plant.enabled")  # in shadow that changes nothing
            assert await ems.set_analog("plant.target_command", TARGET_MW) == Accepted()
            # The imagined genset starts, carries its load, and the battery is charged beside it: all of it published.
            await until(lambda: ems.value("genset.dispatch_setpoint") >= 1.0, START_UP_S, "the genset would carry load")
            await until(
                lambda: near(sum(ems.value(f"{name}.dispatch_setpoint") for name in DEVICES), TARGET_MW, 0.05),
                START_UP_S,
                "the target would be met",
            )
            asked = await ems.set_binary("genset.start_stop", True)
            assert isinstance(asked, Rejected) and asked.status is CommandStatus.AUTOMATION_INHIBIT
            await until(lambda: covered_ms(plant) > 4 * 900_000, START_UP_S, "intervals in the books")
            assert near(ems.value("plant.active_power"), 0.0, 0.05) and not ems.flag("genset.running")
            assert ems.value("plant.non_followers") == 0.0
            assert ems.value("plant.commands", PointKind.COUNTER) == 0.0
            assert await plant.end("station") == 0
            assert commanded(plant) == []
            assert {(one.point, one.state) for one in plant.records()} == {("genset.start_stop", "refused")}
            assert all(one.detail.startswith("shadow: ") for one in plant.records())
            status, out = await told(plant, "--day", "2024-07-01", "--json")
            assert status == 0, out
            check(json.loads(out)["days"][0])
            # The same devices, no more in shadow: now they are commanded, and this test would have seen it before.
            await plant.start_station()
            await until(lambda: bool(commanded(plant)), START_UP_S, "a command reaches a device")
            await asyncio.sleep(0.5)
        assert plant.complaints() == []


def check(day: dict[str, object]) -> None:
    plant, effect = day["plant"], day["shadow_effect"]
    assert isinstance(plant, dict) and isinstance(effect, dict)
    realised, shadow = plant["realised"], plant["shadow"]
    assert (
        realised["out_mwh"] < 0.1 and realised["unserved_mwh"] > 0.5 and realised["cost"] == pytest.approx(0.0, abs=1.0)
    )
    assert shadow["out_mwh"] > 0.5 and shadow["cost"] > 10.0 and shadow["starts"] >= 1.0
    assert shadow["unserved_mwh"] < realised["unserved_mwh"]
    assert effect["cost"] == pytest.approx(shadow["cost"] - realised["cost"])
    assert effect["net_cost"] == pytest.approx(effect["cost"] - effect["revenue"])
    assert effect["unserved_mwh"] < 0.0 and effect["hours_without_shadow"] == pytest.approx(0.0, abs=0.01)
