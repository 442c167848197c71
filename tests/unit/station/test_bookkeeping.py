"""Which page the time between two cycles comes to, and what is left out."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.plant.fleets import FLEET, states
from tests.unit.plant.schedules import schedule
from vppscada.model.clock import PlantClock
from vppscada.model.points import Point, PointKind, Role
from vppscada.model.quality import Quality
from vppscada.model.schedule import Objective
from vppscada.model.site import PlantSpec, ScheduleSpec, Site
from vppscada.plant.fleet_view import fleet_rows
from vppscada.plant.memory import Memory
from vppscada.plant.pages import REALISED, SCHEDULED, Page, from_bytes
from vppscada.points.database import Database
from vppscada.points.journal import Journal
from vppscada.station.bookkeeping import Bookkeeper, Moment

HOUR = 3_600_000
DAY = 24 * HOUR
POINTS = (Point("engine1.running", PointKind.BINARY_INPUT, Role.RUNNING),)


class Rig:
    """Books of the small fleet at a clock of its own; a cycle is a second at most."""

    def __init__(self, folder: Path) -> None:
        self.journal = Journal.open(folder)
        site = Site(Path("x"), PlantSpec("x"), ScheduleSpec(step_s=900.0), FLEET, (), (), (), POINTS)
        self.database = Database(POINTS)
        self.running_known(True)
        rows = fleet_rows(FLEET, POINTS)
        self.books = Bookkeeper(site, "mark", rows, self.database, self.journal, PlantClock(speed=3600.0))
        self.books.begin(1)
        self.memory = replace(Memory.fresh(4, 0), seen=np.ones(4, dtype=np.bool_), was_on=np.ones(4, dtype=np.bool_))

    def running_known(self, known: bool) -> None:
        quality = Quality.ONLINE if known else Quality.COMM_LOST
        self.database.set_values(np.array([0]), np.array([1.0]), np.array([quality], dtype=np.uint16), 0)

    def pass_by(self, to_ms: int, hours: float, memory: Memory | None = None, **columns: Any) -> None:
        plan = schedule([[True] * 8] * 4)
        self.books.account(Moment(to_ms, hours, states(**columns), memory or self.memory, plan, 0.0, True, 40.0))

    @property
    def pages(self) -> list[Page]:
        return [from_bytes(one.content) for one in self.books.proof(2) if one.kind == "book"]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.journal.close()


def test_midnight_ends_a_page(rig: Rig) -> None:
    rig.pass_by(DAY + HOUR // 10, 0.2, power_mw=[5.0, 0.0, 0.0, 0.0])
    assert [(page.begin_ms, page.end_ms) for page in rig.pages] == [
        (DAY - HOUR // 10, DAY),
        (DAY, DAY + HOUR // 10),
    ]
    assert [page.accounts[REALISED].of("out_mwh")[0] for page in rig.pages] == pytest.approx([0.5, 0.5])


def test_periods_of_one_interval_are_one_page(rig: Rig) -> None:
    for minute in (1, 2, 3):
        rig.pass_by(minute * HOUR // 60, 1 / 60)
    assert [(page.begin_ms, page.end_ms) for page in rig.pages] == [(0, HOUR // 20)]


def test_a_stall_is_a_gap_but_the_start_in_it_is_not_lost(rig: Rig) -> None:
    rig.pass_by(HOUR // 60, 1 / 60)
    off = replace(rig.memory, was_on=np.array([False, True, True, True]))
    rig.pass_by(20 * HOUR, 19.9, memory=off)  # 20 wall seconds
    first, second = rig.pages
    assert first.end_ms == HOUR // 60 and (second.begin_ms, second.end_ms) == (20 * HOUR, 20 * HOUR)
    assert second.accounts[REALISED].of("cold_starts").tolist() == [1.0, 0.0, 0.0, 0.0]
    assert second.accounts[REALISED].whole("hours") == 0.0


def test_a_start_in_a_time_of_two_pages_is_counted_once(rig: Rig) -> None:
    off = replace(rig.memory, was_on=np.array([False, True, True, True]))
    rig.pass_by(HOUR // 2, 0.5, memory=off)
    assert [page.accounts[REALISED].of("cold_starts")[0] for page in rig.pages] == [1.0, 0.0]


def test_nobody_starts_who_was_never_seen_off(rig: Rig) -> None:
    rig.pass_by(HOUR // 60, 1 / 60, memory=Memory.fresh(4, 0))
    assert rig.pages[0].accounts[REALISED].of("cold_starts").sum() == 0.0


def test_a_unit_that_does_not_say_whether_it_runs_is_unknown(rig: Rig) -> None:
    rig.running_known(False)
    rig.pass_by(HOUR // 60, 1 / 60)
    assert rig.pages[0].accounts[REALISED].of("unknown_h") * 60.0 == pytest.approx([1.0, 0.0, 0.0, 0.0])


def test_a_page_opens_with_the_first_state_that_is_seen(rig: Rig) -> None:
    rig.pass_by(HOUR // 60, 1 / 60, power_mw=[np.nan, 1.0, 0.0, 0.0], stored_mwh=[np.nan, np.nan, np.nan, 0.25])
    rig.pass_by(HOUR // 30, 1 / 60, power_mw=[4.0, 2.0, 0.0, 0.0], stored_mwh=[np.nan, np.nan, 3.0, 0.5])
    rig.pass_by(HOUR // 20, 1 / 60, power_mw=[5.0, 3.0, 0.0, 0.0])
    opening = rig.pages[0].opening
    assert opening.power_mw.tolist() == [4.0, 1.0, 0.0, 0.0]
    assert opening.stored_mwh[2:].tolist() == [3.0, 0.25]


def test_time_without_a_schedule_was_planned_by_nobody(rig: Rig) -> None:
    rig.pass_by(3 * HOUR, 0.5)  # the schedule ends after two hours
    planned = [page.accounts[SCHEDULED] for page in rig.pages]
    assert sum(one.of("unknown_h").sum() for one in planned) == pytest.approx(2.0)
    rig.pass_by(HOUR, 0.25)
    assert rig.pages[-1].accounts[SCHEDULED].of("known_h").sum() == pytest.approx(1.0)


async def test_what_is_on_disk_is_not_written_again_but_the_open_page_is(rig: Rig) -> None:
    rig.pass_by(HOUR // 2, 0.5)
    rig.books.adopted(schedule([[True] * 8] * 4), "clock", Objective.COST, 5)
    proof = rig.books.proof(2)
    assert [one.kind for one in proof] == ["run", "book", "plan", "book"]
    await rig.journal.keep({}, proof)
    rig.books.written(proof)
    assert [one.kind for one in rig.books.proof(3)] == ["run", "book"]
    rig.books.end()
    assert [one.kind for one in rig.books.proof(3)] == ["run", "book"] and b'"ended": true' in rig.books.proof(3)[
        0
    ].content


def test_while_the_disk_is_full_the_oldest_pages_give_way(rig: Rig) -> None:
    for quarter in range(1, 400):
        rig.pass_by(quarter * HOUR // 4, 0.25)
    proof = rig.books.proof(2)
    assert len(proof) == 1 + 16 + 1  # the run, as many as go at once, the open page
    assert proof[1].from_ms == (398 - 200) * HOUR // 4 and proof[-1].from_ms == 398 * HOUR // 4
    rig.books.written(proof)
    assert rig.books.proof(3)[1].from_ms == (398 - 200 + 16) * HOUR // 4


def test_a_master_that_goes_on_asking_pushes_no_page_out(rig: Rig) -> None:
    rig.pass_by(HOUR // 2, 0.5)
    for number in range(1_000):
        rig.books.refused("plant.target_command", float(number), "too much", number)
    proof = rig.books.proof(2)
    assert [one.kind for one in proof[:3]] == ["run", "book", "order"]
    assert len(rig.books._waiting) == 200
