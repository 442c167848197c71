"""The forecaster at work: what it learns, judges, keeps and tells."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from tests.unit.plant.fleets import ENGINE, PV, states
from vppscada.model.assets import Fleet
from vppscada.model.site import DataSource, PlantSpec, ScheduleSpec, Site
from vppscada.plant.expectations import Expectations, Horizon
from vppscada.plant.forecasting import BUCKET_MS
from vppscada.plant.memory import Memory, Orders, PlantMode
from vppscada.plant.requirements import build_request, horizon_of
from vppscada.station import forecaster as station
from vppscada.station.forecast_answers import forecasts_page
from vppscada.station.forecaster import Forecaster
from vppscada.station.plant_service import PlantService

FLEET = Fleet((ENGINE, PV))
SPEC = ScheduleSpec(step_s=900.0, horizon_s=86_400.0)


class Plant:
    """What the forecaster needs of one; time goes by hand."""

    def __init__(self) -> None:
        self.site = Site(Path("site.toml"), PlantSpec("p"), SPEC, FLEET, (), (), (), ())
        self.plant_ms = 0
        self.clock = SimpleNamespace(plant_ms=lambda _: self.plant_ms)
        self.states = states(FLEET, power_mw=[5.0, 2.0])
        self.memory = Memory.fresh(2, 0)
        self.orders = Orders(7.0, PlantMode.FOLLOW, enabled=True)
        self.expectations = Expectations()
        self.cycled = asyncio.Event()
        self.statistics: Counter[str] = Counter()


@pytest.fixture
def plant() -> Plant:
    return Plant()


def made(plant: Plant, directory: Path) -> Forecaster:
    return Forecaster(plant.site, cast(PlantService, plant), directory)


async def planned(plant: Plant, forecaster: Forecaster) -> None:
    horizon = horizon_of(SPEC, plant.plant_ms)
    own = await forecaster.forecast(horizon)
    history = plant.memory.history(FLEET)
    request = build_request(FLEET, plant.states, history, SPEC, plant.expectations, horizon, 7.0, own=own)
    forecaster.issued(request, horizon, own)


async def days(plant: Plant, forecaster: Forecaster, count: int, power: Callable[[int], float]) -> None:
    """In quarters of an hour; a plan in each."""
    for bucket in range(plant.plant_ms // BUCKET_MS, plant.plant_ms // BUCKET_MS + count * 96):
        plant.plant_ms = bucket * BUCKET_MS
        plant.states = states(FLEET, power_mw=[5.0, power(bucket % 96)])
        forecaster.note()
        await planned(plant, forecaster)


async def test_after_two_days_it_knows_the_course_and_its_cards_say_so(plant: Plant, tmp_path: Path) -> None:
    forecaster = made(plant, tmp_path)
    await days(plant, forecaster, 3, lambda quarter: 1.0 + quarter / 96.0)
    own = await forecaster.forecast(Horizon(plant.plant_ms, plant.plant_ms, BUCKET_MS, 96))
    assert own.knows.all() and own.days == pytest.approx([3.0, 3.0], abs=0.02)
    assert own.bands.p50[0, 40] == pytest.approx(1.0 + 39 / 96.0, abs=0.02)
    assert own.bands.p50[1].tolist() == pytest.approx([7.0] * 96)
    cards = {(one.name, one.lead_h): one for one in forecaster.cards()}
    assert set(cards) == {(name, lead) for name in ("pv1", "target") for lead in (0.25, 1.0, 6.0, 23.0)}
    assert cards["pv1", 6.0].skill > 0.3 and cards["target", 6.0].mae == pytest.approx(0.0, abs=1e-6)


async def test_what_was_learnt_outlives_it(plant: Plant, tmp_path: Path) -> None:
    first = made(plant, tmp_path)
    await days(plant, first, 1, lambda quarter: 3.0)
    await first.keep()
    again = made(plant, tmp_path)
    assert repr(again.cards()) == repr(first.cards()) != "[]"
    assert again.days == pytest.approx(first.days)


async def test_what_cannot_be_read_is_learnt_anew(plant: Plant, tmp_path: Path) -> None:
    (tmp_path / "forecasts.npz").write_bytes(b"nothing of the kind")
    assert made(plant, tmp_path).days == 0.0


async def test_what_cannot_be_written_stops_nothing(plant: Plant, tmp_path: Path) -> None:
    forecaster = made(plant, tmp_path / "gone")
    await days(plant, forecaster, 1, lambda quarter: 3.0)
    await forecaster.keep()
    assert forecaster.days > 0.9


async def test_it_keeps_by_itself_when_a_quarter_is_over(
    plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(station, "_LOOK_EVERY_S", 0.001)
    running = asyncio.ensure_future(made(plant, tmp_path).run())
    await asyncio.sleep(0.01)
    assert not (tmp_path / "forecasts.npz").exists()  # not before the first cycle
    plant.cycled.set()
    async with asyncio.timeout(10.0):
        while not (tmp_path / "forecasts.npz").exists():
            plant.plant_ms += BUCKET_MS
            await asyncio.sleep(0.005)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_the_station_goes_on_where_it_fails(
    plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(station, "_LOOK_EVERY_S", 0.001)
    forecaster = made(plant, tmp_path)
    plant.states = states(Fleet((ENGINE,)))  # of another length
    plant.cycled.set()
    running = asyncio.ensure_future(forecaster.run())
    async with asyncio.timeout(10.0):
        while plant.statistics["forecasts_failed"] < 2:
            plant.plant_ms += BUCKET_MS
            await asyncio.sleep(0.005)
    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_changed_fleet_keeps_what_is_known_by_name(plant: Plant, tmp_path: Path) -> None:
    before = made(plant, tmp_path)
    await days(plant, before, 1, lambda quarter: 3.0)
    other = Plant()
    other.site = replace(other.site, fleet=Fleet((replace(PV, name="new"), PV, ENGINE)))
    after = made(other, tmp_path / "other")
    after.take_over(before)
    assert [one.name for one in after.cards()] == [one.name for one in before.cards()] != []


async def test_a_target_that_nobody_asks_for_is_not_learnt(plant: Plant, tmp_path: Path) -> None:
    plant.orders = replace(plant.orders, mode=PlantMode.SCHEDULE)
    forecaster = made(plant, tmp_path)
    await days(plant, forecaster, 1, lambda quarter: 3.0)
    assert {one.name for one in forecaster.cards()} == {"pv1"}


async def test_series_and_cards_are_told_page_by_page(
    plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vppscada.plant.series import Series
    from vppscada.station import forecast_answers

    sun = Series("sun", np.array([0, BUCKET_MS]), np.array([1.0, 2.0]), BUCKET_MS, False, mark=(0, 9))
    plant.site = replace(plant.site, data=(DataSource("sun", Path("sun.csv"), ("v",), 900.0),))
    plant.expectations = Expectations({"sun": sun}).with_staleness("sun", True)
    forecaster = made(plant, tmp_path)
    await days(plant, forecaster, 2, lambda quarter: 3.0)
    plant.plant_ms = BUCKET_MS
    monkeypatch.setattr(forecast_answers, "CARDS_PAGE", 3)
    pages: list[dict[str, Any]] = []
    offset: int | None = 0
    while offset is not None:
        pages.append(cast(dict[str, Any], forecasts_page(cast(PlantService, plant), forecaster, offset)))
        offset = pages[-1]["next"]
    told = [card for page in pages for card in page["cards"]]
    assert [len(page["cards"]) for page in pages] == [3, 3, 2]
    assert {card["name"]: card["rating_mw"] for card in told} == {"pv1": 8.0, "target": 18.0}
    (one,) = pages[0]["series"]
    assert (one["series"], one["value"], one["ahead_h"], one["stale"]) == ("sun", 2.0, 0.25, True)
    assert one["age_s"] > 1e9 and not pages[1]["series"]
