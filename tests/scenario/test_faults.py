"""Devices that hang, lie, trip and drop, in real processes; battery and genset stand in for each other."""

import time
from pathlib import Path

import pytest

from tests.scenario.harness import Ems, Processes, until
from tests.scenario.test_resilience import SITE, START_UP_S, TARGET_MW, near, settle_on_target
from vppscada.model.commands import Accepted
from vppscada.model.quality import Quality

pytestmark = pytest.mark.timeout(300)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def settle_with_genset(ems: Ems) -> None:
    await settle_on_target(ems)
    await until(lambda: ems.value("genset.active_power") > 0.8, START_UP_S, "the genset carries load")


def sent_to(plant: Processes, asset: str, since_ms: int) -> list[str]:
    return [
        f"{one.point} = {one.value} by {one.origin}"
        for one in plant.records(since_ms)
        if one.point.startswith(f"{asset}.") and one.state == "issued"
    ]


async def test_a_device_that_hangs_is_given_up_and_taken_back(tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, speed=60.0) as plant:
        await plant.start_all()
        async with Ems(plant) as ems:
            await settle_with_genset(ems)
            losses = ems.losses

            await plant.tell_device("genset", "fault hang")
            await until(lambda: not ems.flag("genset.comm_online"), 30.0, "that it answers nothing is noticed")
            given_up = now_ms()
            quality = ems.quality("genset.active_power")
            assert quality & Quality.COMM_LOST and not quality & Quality.ONLINE
            await until(lambda: near(ems.value("battery.active_power"), TARGET_MW), 30.0, "the battery takes over")
            assert not ems.quality("plant.active_power") & Quality.ONLINE
            assert ems.flag("battery.comm_online") and ems.quality("battery.active_power") == Quality.ONLINE
            assert ems.losses == losses
            assert sent_to(plant, "genset", given_up) == []

            await plant.tell_device("genset", "clear")
            await until(lambda: ems.flag("genset.comm_online"), 60.0, "it is taken back")
            await until(lambda: ems.quality("plant.active_power") == Quality.ONLINE, 20.0, "nothing is missing")
            await until(lambda: near(ems.value("plant.active_power"), TARGET_MW), 60.0, "the plant on its target")
        assert plant.complaints() == []


async def test_a_device_that_lies_is_found_out_and_stood_in_for(tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, speed=60.0) as plant:
        await plant.start_all()
        async with Ems(plant) as ems:
            await settle_with_genset(ems)
            await plant.tell_device("genset", "fault lie")
            # More than the battery has: the genset is told to rise, and its reading stays where it is.
            assert await ems.set_analog("plant.target_command", 4.8) == Accepted()
            await until(lambda: ems.value("plant.non_followers") == 1, START_UP_S, "it is found out")
            assert ems.flag("genset.comm_online")  # what it says is in order, as far as anybody can see
            lie = ems.value("genset.active_power")
            assert await ems.set_analog("plant.target_command", lie + 1.0) == Accepted()
            await until(lambda: near(ems.value("battery.active_power"), 1.0), 30.0, "the battery makes it up")

            await plant.tell_device("genset", "clear")
            await until(lambda: ems.value("plant.non_followers") == 0, 90.0, "it is tried again, and follows")
            await until(lambda: near(ems.value("plant.active_power"), lie + 1.0), 60.0, "the plant on its target")
        assert plant.complaints() == []


async def test_a_tripped_unit_is_planned_without_until_somebody_resets_it(tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, speed=60.0) as plant:
        await plant.start_all()
        async with Ems(plant) as ems:
            await settle_with_genset(ems)
            plans = plant.log("station").count('"why": "assets changed"')

            await plant.tell_device("genset", "fault trip")
            await until(lambda: ems.flag("genset.fault"), 20.0, "the trip is seen")
            tripped = now_ms()
            await until(lambda: near(ems.value("battery.active_power"), TARGET_MW), 30.0, "the battery takes over")
            assert ems.flag("genset.comm_online") and ems.quality("plant.active_power") == Quality.ONLINE
            await until(
                lambda: plant.log("station").count('"why": "assets changed"') > plans, START_UP_S, "a plan without it"
            )
            assert sent_to(plant, "genset", tripped) == []  # no start, and above all no reset by itself
            assert ems.flag("genset.fault") and not ems.flag("genset.running")

            assert await ems.set_binary("genset.fault_reset", True) == Accepted()
            await until(lambda: not ems.flag("genset.fault"), 20.0, "the reset is seen")
            # Its store of energy cannot carry the battery for long: the plan has the genset start again.
            await until(lambda: ems.flag("genset.running"), 120.0, "it is started again")
        resets = [line for line in sent_to(plant, "genset", 0) if "fault_reset" in line]
        assert resets == ["genset.fault_reset = 1.0 by ems"]
        assert plant.complaints() == []


async def test_a_device_that_drops_comes_back_to_its_work(tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, speed=60.0) as plant:
        await plant.start_all()
        async with Ems(plant) as ems:
            await settle_with_genset(ems)

            await plant.tell_device("battery", "fault drop")
            await until(lambda: not ems.flag("battery.comm_online"), 20.0, "the loss is noticed")
            dropped = now_ms()
            await until(lambda: near(ems.value("genset.active_power"), TARGET_MW), 60.0, "the genset takes over")
            assert sent_to(plant, "battery", dropped) == []

            await plant.tell_device("battery", "clear")
            await until(lambda: ems.flag("battery.comm_online"), 60.0, "it rejoins by itself")
            await until(lambda: ems.quality("plant.active_power") == Quality.ONLINE, 20.0, "nothing is missing")
            assert await ems.set_analog("plant.target_command", 4.0) == Accepted()  # more than the genset has
            await until(lambda: near(ems.value("plant.active_power"), 4.0), 60.0, "both at work")
        assert plant.complaints() == []
