"""An EMS's orders to the plant and its commands to an asset; station and devices are real processes."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.scenario.harness import Ems, Processes, until
from tests.scenario.test_resilience import SITE, START_UP_S, TARGET_MW, near, settle_on_target
from vppscada.model.commands import Accepted, CommandMode, CommandResult, CommandStatus, Origin, Rejected

pytestmark = pytest.mark.timeout(300)


def status(result: CommandResult) -> CommandStatus:
    """With what status a command was refused."""
    assert isinstance(result, Rejected), result
    return result.status


def by_scheduler(plant: Processes, since_ms: int) -> list[str]:
    return [
        f"{one.point} = {one.value}"
        for one in plant.records(since_ms)
        if one.origin is Origin.SCHEDULER and one.state == "issued"
    ]


async def test_orders_are_judged_and_a_plant_that_is_disabled_commands_nobody(tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, speed=60.0) as plant:
        await plant.start_all()
        async with Ems(plant) as ems:
            await settle_on_target(ems)
            # 5 MW are installed, and the battery takes 2
            assert status(await ems.set_analog("plant.target_command", 5.1)) is CommandStatus.OUT_OF_RANGE
            assert status(await ems.set_analog("plant.target_command", -2.1)) is CommandStatus.OUT_OF_RANGE
            assert status(await ems.set_analog("plant.target_command", float("nan"))) is CommandStatus.OUT_OF_RANGE
            assert status(await ems.set_analog("plant.mode_command", 2.0)) is CommandStatus.OUT_OF_RANGE
            assert status(await ems.set_analog("plant.objective_command", 5.0)) is CommandStatus.OUT_OF_RANGE
            assert await ems.set_analog("plant.objective_command", 3.0) == Accepted()
            await until(lambda: ems.value("plant.objective") == 2.0, 10.0, "reliability leads")
            await until(lambda: '"objective": "reliability"' in plant.log("station"), 60.0, "a plan led by reliability")
            unselected = await ems.set_binary("plant.enable_command", False, CommandMode.DIRECT)
            assert status(unselected) is CommandStatus.NO_SELECT
            assert ems.flag("plant.enabled") and ems.value("plant.target") == TARGET_MW

            # Change what is wanted right before it is disabled, so that there is something to send.
            assert await ems.set_analog("plant.target_command", TARGET_MW + 0.6) == Accepted()
            assert await ems.set_binary("plant.enable_command", False) == Accepted()
            disabled = time.time_ns() // 1_000_000
            assert await ems.set_analog("plant.target_command", 0.5) == Accepted()
            await asyncio.sleep(5.0)  # ten cycles
            assert by_scheduler(plant, disabled + 1) == []
            assert not ems.flag("plant.enabled") and ems.value("plant.target") == 0.5

            assert await ems.set_analog("plant.target_command", TARGET_MW) == Accepted()
            assert await ems.set_binary("plant.enable_command", True) == Accepted()
            await until(lambda: near(ems.value("plant.active_power"), TARGET_MW), 60.0, "the plant on its target")
        assert plant.complaints() == []


async def test_a_plant_rests_and_works_by_its_own_schedule(tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, speed=240.0) as plant:
        await plant.start_all()
        async with Ems(plant) as ems:
            await settle_on_target(ems)
            await until(lambda: ems.flag("genset.running"), START_UP_S, "the genset runs")

            assert await ems.set_binary("plant.start_stop", False) == Accepted()
            await until(lambda: not ems.flag("plant.running"), 10.0, "at rest")
            await until(lambda: near(ems.value("battery.active_power"), 0.0, 0.02), 30.0, "the battery is idle")
            await until(lambda: not ems.flag("genset.running"), 60.0, "the genset is unloaded and stopped")
            assert near(ems.value("battery.active_power"), 0.0, 0.02) and ems.value("plant.target") == 0.0

            assert await ems.set_binary("plant.start_stop", True) == Accepted()
            assert await ems.set_analog("plant.mode_command", 0.0) == Accepted()
            await until(lambda: ems.value("plant.mode") == 0.0, 10.0, "by its own schedule")
            # Its own target: not the EMS's, which is still the same.
            await until(lambda: not near(ems.value("plant.target"), TARGET_MW, 0.01), 60.0, "a target of its own")
            await until(
                lambda: near(ems.value("plant.active_power"), ems.value("plant.target"), 0.3), 90.0, "it is followed"
            )
        assert plant.complaints() == []


async def test_a_command_to_a_unit_is_passed_through_and_answered_by_the_field(tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, speed=60.0) as plant:
        await plant.start_all()
        async with Ems(plant) as ems:
            await settle_on_target(ems)
            await until(lambda: ems.flag("genset.running"), START_UP_S, "the genset runs")
            assert await ems.set_binary("plant.enable_command", False) == Accepted()
            await asyncio.sleep(0.5)  # what was under way to the unit
            assert await ems.set_binary("genset.start_stop", False) == Accepted()
            await until(lambda: not ems.flag("genset.running"), 60.0, "the unit stops")

            await plant.tell_device("genset", "fault trip")
            await until(lambda: ems.flag("genset.fault"), 20.0, "the trip is seen")
            refused = await ems.set_binary("genset.start_stop", True)
            assert status(refused) is CommandStatus.BLOCKED  # nothing of it reaches the device
            await plant.kill("genset")
            await until(lambda: not ems.flag("genset.comm_online"), 20.0, "the loss is noticed")
            lost = await ems.set_binary("genset.start_stop", True)
            assert status(lost) is CommandStatus.DOWNSTREAM_FAIL
        asked = [one for one in plant.records() if one.point == "genset.start_stop" and one.origin is Origin.EMS]
        assert [one.state for one in asked if one.state in ("issued", "accepted")] == ["issued", "accepted"]
        assert plant.complaints() == []
