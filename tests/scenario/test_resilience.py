"""A device dies and comes back; the station dies and comes back. Real processes, real sockets, real kills."""

import asyncio
from pathlib import Path

import pytest

from tests.scenario.harness import Ems, Processes, until
from vppscada.model.commands import Accepted
from vppscada.model.outstations import POINT_KIND_ORDER
from vppscada.model.points import PointKind
from vppscada.model.quality import Quality
from vppscada.points.journal import Journal

pytestmark = pytest.mark.timeout(480)

SITE = str(Path(__file__).parent / "two_assets" / "site.toml")
TARGET_MW = 1.5
START_UP_S = 60.0  # bounds a wait on a slow machine; nothing is timed by it
# A genset that comes back counts as stopped just now: it rests for its minimum down time (30 s at this speed) before it
# may start, and on a slow machine the battery is empty by then.
RESTART_S = 120.0


def near(value: float, wanted: float, within: float = 0.15) -> bool:
    return abs(value - wanted) <= within


async def settle_on_target(ems: Ems) -> None:
    await until(lambda: ems.value("plant.sessions_online") == 2, START_UP_S, "both sessions up")
    await until(lambda: ems.flag("plant.schedule_ok"), START_UP_S, "a schedule")
    assert await ems.set_analog("plant.target_command", TARGET_MW) == Accepted()
    await until(lambda: near(ems.value("plant.active_power"), TARGET_MW), START_UP_S, "the plant on its target")


async def test_a_killed_device_is_missed_replaced_and_welcomed_back(tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, speed=60.0) as plant:
        await plant.start_all()
        async with Ems(plant) as ems:
            await settle_on_target(ems)
            await until(lambda: ems.value("genset.active_power") > 0.8, START_UP_S, "the genset carries load")

            await plant.kill("genset")
            await until(lambda: not ems.flag("genset.comm_online"), 10.0, "the loss is noticed")
            lost = ems.quality("genset.active_power")
            assert lost & Quality.COMM_LOST and not lost & Quality.ONLINE
            await until(lambda: near(ems.value("battery.active_power"), TARGET_MW), START_UP_S, "battery takes over")
            assert not ems.quality("plant.active_power") & Quality.ONLINE  # the sum misses a part, and says so

            before, losses = len(ems.events), ems.losses
            await asyncio.sleep(12.0)
            assert ems.losses == losses and len(ems.events) > before  # nothing else stalls
            assert ems.flag("battery.comm_online") and ems.quality("battery.active_power") == Quality.ONLINE

            await plant.start_device("genset")
            await until(lambda: ems.flag("genset.comm_online"), 60.0, "it rejoins by itself")
            await until(lambda: ems.quality("genset.active_power") == Quality.ONLINE, 10.0, "its points are good again")
            await until(lambda: near(ems.value("plant.active_power"), TARGET_MW), RESTART_S, "plant on its target")


async def test_a_killed_station_resumes_and_the_ems_reads_every_unconfirmed_event(tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, speed=60.0) as plant:
        await plant.start_all()
        async with Ems(plant) as ems:
            await settle_on_target(ems)
            assert await ems.set_analog("plant.target_command", TARGET_MW + 0.5) == Accepted()
            energy = ems.value("plant.energy")
        await asyncio.sleep(3.0)  # nobody reads: events pile up
        await plant.kill("station")

        journal = Journal.open(plant.state)
        waiting = journal.event_store(f"{plant.site.ems[0].name}/1").load()  # of the master with address 1
        journal.close()
        assert len(waiting) > 0
        unconfirmed = {
            (POINT_KIND_ORDER[kind], index, time_ms)
            for kind, index, time_ms in zip(
                waiting.kind.tolist(), waiting.index.tolist(), waiting.time_ms.tolist(), strict=True
            )
        }

        await plant.start_station()
        async with Ems(plant) as again:
            await until(lambda: unconfirmed <= {event[:3] for event in again.events}, 60.0, "every unconfirmed event")
            seen = [event[:3] for event in again.events]
            assert all(seen.count(event) == 1 for event in unconfirmed)  # and none of them twice
            await until(lambda: again.value("plant.sessions_online") == 2, START_UP_S, "both sessions up again")
            # It resumes where it stopped: the orders, and the books.
            assert again.value("plant.target_command", PointKind.ANALOG_OUTPUT) == TARGET_MW + 0.5
            assert again.value("plant.energy") >= energy - 0.1
            await until(
                lambda: near(again.value("plant.active_power"), TARGET_MW + 0.5), START_UP_S, "the plant on its target"
            )
