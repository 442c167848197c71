"""A regulation signal, a plant's ramp and a limit around the plant: devices, station and EMS are real."""

import asyncio
import contextlib
import math
import time
from pathlib import Path

import pytest

from tests.scenario.harness import Ems, Processes, until
from tests.scenario.test_resilience import SITE, START_UP_S, near, settle_on_target
from vppscada.model.commands import Accepted, CommandStatus, Rejected
from vppscada.model.quality import Quality

pytestmark = pytest.mark.timeout(300)

SPEED = 10.0


async def wave(ems: Ems, period_s: float) -> None:
    """Signals twice a second, a wave of so many wall seconds, until cancelled."""
    while True:
        assert await ems.regulate(math.sin(2.0 * math.pi * time.monotonic() / period_s)) == Accepted()
        await asyncio.sleep(0.5)


async def test_a_regulation_signal_is_followed_scored_and_ends_when_it_is_not_renewed(tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, speed=SPEED) as plant:
        await plant.start_all()
        async with Ems(plant) as ems:
            await settle_on_target(ems)
            refused = await ems.regulate(1.5)
            assert isinstance(refused, Rejected) and refused.status is CommandStatus.OUT_OF_RANGE
            assert not ems.quality("plant.regulation_score") & Quality.ONLINE  # nothing to score yet
            before = ems.value("plant.target")
            assert await ems.regulate(0.5) == Accepted()
            await until(lambda: near(ems.value("plant.active_power"), before + 0.5, 0.1), 20.0, "half of it on top")
            assert ems.value("plant.target") == before

            signals = asyncio.create_task(wave(ems, 12.0))
            try:
                # Ten minutes of plant time are a minute here; then there is a first score.
                scored = lambda: bool(ems.quality("plant.regulation_score") & Quality.ONLINE)  # noqa: E731
                await until(scored, 150.0, "a first score")
                await until(lambda: ems.value("plant.regulation_score") > 0.6, 60.0, "it follows")
            finally:
                signals.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await signals
            await until(lambda: ems.value("plant.regulation") == 0.0, 30.0, "the signal has ended")
            await until(lambda: near(ems.value("plant.active_power"), before), 30.0, "back on the target alone")
        assert '"regulation_signal_lost"' in plant.log("station")
        assert plant.complaints() == []


async def test_a_limit_around_the_plant_is_kept_and_what_it_keeps_back_is_told(tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, speed=60.0) as plant:
        for spec in plant.site.sessions:
            await plant.start_device(spec.name)
        await plant.start_station(limit__connection__maximum_mw="2.0", plant__ramp_mw_per_min="0.5")
        async with Ems(plant) as ems:
            await settle_on_target(ems)
            assert await ems.set_analog("plant.target_command", 3.0) == Accepted()
            await until(lambda: near(ems.value("plant.target"), 3.0, 0.01), 60.0, "the ramp has brought the target up")
            await until(lambda: near(ems.value("plant.shortfall"), 1.0, 0.1), START_UP_S, "what is missing is told")
            await until(lambda: near(ems.value("plant.active_power"), 2.0, 0.1), START_UP_S, "at the limit")
            assert ems.value("plant.available_up") < 0.2
        assert plant.complaints() == []
