"""The books of a plant whose station is killed: real processes, and the command line that reads what is left."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.harness import Ems, Processes, until
from tests.scenario.test_resilience import SITE, START_UP_S, settle_on_target
from vppscada.model.errors import JournalError
from vppscada.plant.pages import REALISED, Page, from_bytes
from vppscada.points.journal import JournalReader

pytestmark = pytest.mark.timeout(300)

SPEED = 240.0
KEEP_S = 5.0  # wall seconds between two writes of the books
DAY = "2024-07-01"


def pages(plant: Processes) -> list[Page]:
    try:
        return [from_bytes(one.content) for one in JournalReader(plant.state).proof("book", 0, 2**62)]
    except JournalError:
        return []


async def told(plant: Processes, *options: str) -> tuple[int, str]:
    """Status and output of ``vppscada books``, in a process of its own."""
    command = [sys.executable, "-m", "vppscada.admin.command_line", "books", str(plant.site_file)]
    pipe = asyncio.subprocess.PIPE
    asked = await asyncio.create_subprocess_exec(*command, "--state", str(plant.state), *options, stdout=pipe)
    out, _ = await asyncio.wait_for(asked.communicate(), 60.0)
    return asked.returncode or 0, out.decode()


def covered_ms(plant: Processes) -> int:
    return sum(page.end_ms - page.begin_ms for page in pages(plant))


async def test_the_books_outlive_a_kill_and_own_up_to_the_gap(tmp_path: Path) -> None:
    async with Processes(SITE, tmp_path, speed=SPEED) as plant:
        await plant.start_all()
        async with Ems(plant) as ems:
            await settle_on_target(ems)
            await until(lambda: covered_ms(plant) > 2.5 * 900_000, START_UP_S, "some intervals in the books")
            first_start = time.monotonic()
            newest = max(page.end_ms for page in pages(plant))
            await plant.kill("station")
            assert max(page.end_ms for page in pages(plant)) >= newest  # nothing that was kept is lost
            await asyncio.sleep(2.0)
            await plant.start_station()
            await until(lambda: pages(plant)[-1].begin_ms > newest, START_UP_S, "a new page")
            down_s = time.monotonic() - first_start
            await until(lambda: covered_ms(plant) > 6 * 900_000, START_UP_S, "more intervals in the books")
            assert await plant.end("station") == 0
        kept = pages(plant)
        assert len({page.interval_ms for page in kept}) >= 6
        status, out = await told(plant, "--day", DAY, "--json", "--foresight")
    assert status == 0, out
    (tmp_path / "books.json").write_text(out)
    check(json.loads(out), kept, down_s)
    assert plant.complaints() == []


def check(books: dict[str, Any], kept: list[Page], down_s: float) -> None:
    day = books["days"][0]
    assert day["day"] == DAY and day["begin"] == f"{DAY}T00:00:00Z"
    # before the first start, the kill, and after the end: no more than one write is lost to the kill
    assert len(day["gaps"]) == 3 and day["gaps"][0]["begin"] == day["begin"] and day["gaps"][2]["end"] == day["end"]
    lost_s = day["gaps"][1]["hours"] * 3600.0 / SPEED
    assert 2.0 <= lost_s <= down_s + KEEP_S + 2.0
    assert day["covered_h"] == pytest.approx(sum(page.end_ms - page.begin_ms for page in kept) / 3.6e6, rel=0.01)
    realised = {name: one["realised"] for name, one in day["assets"].items()}
    assert realised.keys() == {"battery", "genset"}
    plant = day["plant"]["realised"]
    for key in ("out_mwh", "cost", "revenue", "emissions_t", "starts"):
        assert plant[key] == pytest.approx(sum(one[key] for one in realised.values()), rel=1e-9)
    # until both devices had been read, each start of the station knew nothing, and says so
    assert all(one["unknown_h"] > 0.0 for one in realised.values())
    assert plant["out_mwh"] > 0.0 and plant["cost"] > 0.0 and plant["tracked_h"] > 0.0
    assert realised["genset"]["emissions_t"] == pytest.approx(0.202 * realised["genset"]["fuel_mwh"])
    assert day["plant"]["scheduled"]["cost"] > 0.0
    assert realised["genset"]["starts"] >= 1.0 and realised["genset"]["start_cost"] >= 30.0
    foresight = day["foresight"]
    assert foresight["intervals"] >= 2 and foresight["status"] in ("optimal", "feasible"), foresight
    assert foresight["foresight"]["cost"] > 0.0
    assert {page.accounts.keys() >= {REALISED} for page in kept} == {True}
