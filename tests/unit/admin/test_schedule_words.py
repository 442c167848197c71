"""How a schedule of many assets is shown, and how values are put into words."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.unit.plant.schedules import schedule
from vppscada.admin.schedule_words import Answer
from vppscada.maps import find_site, load_site
from vppscada.model.assets import Fleet
from vppscada.model.explanation import WORDS, Explanation, Reason
from vppscada.model.schedule import SlackUsed
from vppscada.model.site import Site
from vppscada.station.drivers import DRIVERS
from vppscada.station.schedule_answers import schedule_page

MANY = 18


@pytest.fixture(scope="module")
def site() -> Site:
    """The demo twice over."""
    demo = load_site(find_site("demo"), DRIVERS)
    twice = tuple(replace(asset, name=f"{asset.name}_{k}") for k in (1, 2) for asset in demo.fleet.assets)
    return replace(demo, fleet=Fleet(twice))


def told(site: Site, reason: Reason = Reason.RATING, value: float = 7.0, places: list[int] | None = None) -> Any:
    plan = schedule([[True, True]] * MANY, [[1.0, 2.0]] * MANY)
    shape = (MANY, 2)
    why = Explanation(
        np.full(shape, int(reason), dtype=np.uint8),
        np.full(shape, value),
        np.zeros(shape),
        np.zeros(2),
        np.zeros(2),
        ("feeder", "quiet"),
        np.array([[3.5, 0.0], [0.0, 0.0]]),
    )
    slacks = (SlackUsed("requirement", 0.5, "MW", 0), SlackUsed("requirement", 0.75, "MW", 1))
    explained = replace(plan, explanation=why, slacks=slacks)
    names = [asset.name for asset in site.fleet.assets]
    return schedule_page(explained, names, places or list(range(MANY)), np.full(2, np.nan))


def test_many_assets_are_summed_by_family(site: Site) -> None:
    lines = Answer(site, told(site), "made").table(named=False)
    header, first = next((a, b) for a, b in pairwise(lines) if a.startswith("time"))
    assert header.split()[-3:] == ["thermal", "renewable", "storage"]
    assert first.split("  !")[0].split()[-3:] == ["8.000", "4.000", "6.000"]


def test_assets_that_are_named_have_columns(site: Site) -> None:
    lines = Answer(site, told(site, places=[0, 6]), "made").table(named=True)
    header = next(line for line in lines if line.startswith("time"))
    assert header.split()[-4:] == ["engine1_1", "battery1_1", "SoC", "%"]


def test_what_gave_is_told_at_its_step_and_in_sum(site: Site) -> None:
    lines = Answer(site, told(site), "made").table(named=False)
    assert any("requirement gave 0.5 MW" in line for line in lines)
    assert lines[-1].strip() == "requirement: 2 steps, first 01-01 00:00, most 0.75 MW at 01-01 00:15"


@pytest.mark.parametrize(
    ("reason", "value", "words"),
    [
        (Reason.RATING, 7.0, "rating (7.00 EUR/MWh)"),
        (Reason.SOC_FLOOR, 7.0, "state of charge: no less (7.00 EUR/MWh stored)"),
        (Reason.NOT_WORTH_RUNNING, 7.0, "7.00 EUR/MWh dearer than the plant's next MWh"),
        (Reason.START_TIME, -7.0, "7.00 EUR/MWh cheaper than the plant's next MWh"),
        (Reason.NOT_USABLE, float("nan"), "not usable"),
        (Reason.MARGINAL, 0.0, "marginal: it follows the price"),
    ],
)
def test_a_value_is_put_into_the_words_of_its_reason(site: Site, reason: Reason, value: float, words: str) -> None:
    line = Answer(site, told(site, reason, value, [0]), "made").reasons(named=True)[4]
    assert words in line


def test_every_reason_has_words() -> None:
    assert set(WORDS) == set(Reason)
    assert len(set(WORDS.values())) == len(WORDS)
