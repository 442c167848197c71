"""What is gathered from a state directory: baselines from the books of earlier days, runs, and what is missing."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from vppscada.maps import find_site, load_site
from vppscada.model.site import Site
from vppscada.plant.books import PLANT_SUMS, Account
from vppscada.plant.pages import REALISED, Opening, Page, to_bytes
from vppscada.points.journal import Journal
from vppscada.points.journal_proof import Proof
from vppscada.proof.baseline import Method
from vppscada.proof.evidence import Asked, gather, parts_of
from vppscada.proof.evidence_files import files_of
from vppscada.station.drivers import DRIVERS

HOUR = 3_600_000
DAY = 24 * HOUR
BEGIN = 20_000 * DAY + 14 * HOUR
STEP = 900_000
CLOCK = {"wall_start_ms": 0, "plant_start_ms": 0, "speed": 1.0}


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(find_site("example"), DRIVERS)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(tmp_path)
    yield opened
    opened.close()


def page(begin_ms: int, mw: float) -> bytes:
    account = Account.blank(1)
    for name, value in (("hours", 0.25), ("known_h", 0.25), ("net_mwh", 0.25 * mw)):
        account.plant[PLANT_SUMS.index(name)] = value
    one = np.zeros(1)
    opening = Opening(one, one, one, one, one, one, one, one, one, one)
    return to_bytes(Page(begin_ms, begin_ms + STEP, STEP, ("a",), {REALISED: account}, opening, one))


async def keep(journal: Journal, kind: str, begin_ms: int, end_ms: int, content: bytes) -> None:
    number = journal.next_proof_id()
    await journal.keep({}, [Proof(number, kind, begin_ms, end_ms, journal._now_ms(), content)])


async def earlier_days(journal: Journal, days: range) -> None:
    """The hour from 14 to 15 of so many days before: as many MW as days, a little more each quarter."""
    for back in days:
        for quarter in range(4):
            at = BEGIN - back * DAY + quarter * STEP
            await keep(journal, "book", at, at + STEP, page(at, back + 0.1 * quarter))


async def test_a_baseline_is_of_earlier_days_without_orders(journal: Journal, site: Site) -> None:
    await earlier_days(journal, range(1, 13))
    order = json.dumps({"point": "plant.target_command", "value": 2.0, "refused": ""}).encode()
    refused = json.dumps({"point": "plant.target_command", "value": 9.0, "refused": "too much"}).encode()
    await keep(journal, "order", BEGIN - 2 * DAY + 60_000, BEGIN - 2 * DAY + 60_000, order)
    await keep(journal, "order", BEGIN - 3 * DAY + 60_000, BEGIN - 3 * DAY + 60_000, refused)  # asked, not called
    await keep(journal, "order", BEGIN - 4 * DAY - 60_000, BEGIN - 4 * DAY - 60_000, order)  # in other hours
    excluded = ["2024-09-29"]  # five days before
    asked = Asked(BEGIN, BEGIN + HOUR, Method.TEN_OF_TEN, excluded)
    found = gather(site, journal.directory, asked)
    used = [1, 3, 4, 6, 7, 8, 9, 10, 11, 12]
    assert len(found.baseline.used) == 10
    mean = sum(used) / 10
    assert found.baseline.mean_mw == pytest.approx([mean, mean + 0.1, mean + 0.2, mean + 0.3])
    assert [why for _, why in found.baseline.left_out] == ["an order came in the same hours", "excluded by who asked"]


async def test_a_time_within_an_interval_takes_its_part(journal: Journal, site: Site) -> None:
    await earlier_days(journal, range(1, 2))
    asked = Asked(BEGIN + STEP // 3, BEGIN + STEP + STEP // 3, Method.DAY_BEFORE)
    found = gather(site, journal.directory, asked)
    assert found.delivery.hours == pytest.approx([1 / 6, 1 / 12])
    assert found.baseline.mean_mw == pytest.approx([1.0, 1.1])


def test_parts_are_as_short_as_asked_and_each_within_an_interval() -> None:
    assert parts_of(BEGIN + 60_000, BEGIN + STEP, STEP, 600.0) == [
        (BEGIN + 60_000, BEGIN + 660_000),
        (BEGIN + 660_000, BEGIN + STEP),
    ]
    assert parts_of(BEGIN, BEGIN + 2 * STEP, STEP, 7_200.0) == parts_of(BEGIN, BEGIN + 2 * STEP, STEP, None)


async def test_short_parts_have_the_baseline_of_their_interval(journal: Journal, site: Site) -> None:
    await earlier_days(journal, range(1, 2))
    found = gather(site, journal.directory, Asked(BEGIN, BEGIN + 2 * STEP, Method.DAY_BEFORE, part_s=300.0))
    assert found.baseline.mean_mw == pytest.approx([1.0] * 3 + [1.1] * 3)


async def test_the_hour_before_is_that_of_the_books(journal: Journal, site: Site) -> None:
    for quarter in range(1, 5):
        await keep(journal, "book", BEGIN - quarter * STEP, BEGIN, page(BEGIN - quarter * STEP, float(quarter)))
    found = gather(site, journal.directory, Asked(BEGIN, BEGIN + HOUR, Method.HOUR_BEFORE))
    assert found.baseline.mean_mw.tolist() == [2.5] * 4


async def test_where_nothing_was_recorded_all_is_a_gap_and_nothing_is_zero(journal: Journal, site: Site) -> None:
    run = json.dumps({"version": "0", "site": "0" * 64, "clock": CLOCK, "ended": True}).encode()
    await keep(journal, "run", BEGIN - HOUR, BEGIN + HOUR // 2, run)
    found = gather(site, journal.directory, Asked(BEGIN, BEGIN + HOUR, Method.TEN_OF_TEN))
    assert ("station", "the station was stopped") in [(gap.what, gap.why) for gap in found.gaps]
    files = files_of(found)
    summary = json.loads(files["summary.json"])
    assert summary["energy"]["measured_mwh"] is None and summary["energy"]["delivered_share"] is None
    assert any("not there any more" in doubt for doubt in summary["doubts"])
    assert any("not one that was in force" in doubt for doubt in summary["doubts"])
    assert files_of(gather(site, journal.directory, found.asked)) == files
