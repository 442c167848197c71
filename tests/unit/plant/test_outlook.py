"""By series where they hold, by the days before elsewhere."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.plant.fleets import FLEET, PV, states
from vppscada.model.assets import Fleet
from vppscada.model.site import ScheduleSpec
from vppscada.plant.expectations import Expectations, Horizon
from vppscada.plant.forecasting import BUCKET_MS, Bands, Past
from vppscada.plant.memory import Memory
from vppscada.plant.outlook import (
    TARGET,
    BuiltIn,
    built_in,
    expected_renewables,
    expected_target,
    forecast_names,
    measured_renewables,
    target_bands,
)
from vppscada.plant.requirements import build_request
from vppscada.plant.series import Series

HOUR = 3_600_000
HORIZON = Horizon(0, 0, HOUR, 4)
SUNNY = Fleet((replace(PV, forecast="sun"),))
NOW = states(available_mw=[5.0])


def series(name: str, *values: float, p10: float | None = None) -> Series:
    time_ms = np.arange(len(values), dtype=np.int64) * HOUR
    low = None if p10 is None else Series(name, time_ms, np.full(len(values), p10), HOUR, False)
    return Series(name, time_ms, np.array(values), HOUR, False, p10=low)


def own(days: float = 7.0, *, is_asked: bool = True) -> BuiltIn:
    """Of one sun and the target: 1, 2, 3 and 10, 20, 30 in every step."""
    rows = [np.array([[value] * 4, [10.0 * value] * 4]) for value in (1.0, 2.0, 3.0)]
    return BuiltIn(Bands(*rows), np.full(2, days), is_asked)


def sun(expectations: Expectations, forecast: BuiltIn | None) -> Bands:
    found = expected_renewables(SUNNY, NOW, expectations, HORIZON, forecast)
    return found.rows([0])


def test_a_series_that_holds_is_taken_with_its_quantile() -> None:
    expectations = Expectations({"sun": series("sun", 5.0, 6.0, 7.0, 8.0, p10=4.0)})
    found = sun(expectations, own())
    assert found.p50[0].tolist() == [5.0, 6.0, 7.0, 8.0]
    assert found.p10[0].tolist() == [4.0] * 4 and np.isnan(found.p90).all()


def test_beyond_its_end_the_days_before_tell() -> None:
    found = sun(Expectations({"sun": series("sun", 5.0, 6.0)}), own())
    assert found.p50[0].tolist() == [5.0, 6.0, 2.0, 2.0]
    assert np.isnan(found.p10[0, :2]).all() and found.p10[0, 2:].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(("days", "expected"), [(7.0, 2.0), (0.5, 6.0)])
def test_a_stale_series_gives_way_to_days_before_where_there_are_any(days: float, expected: float) -> None:
    stale = Expectations({"sun": series("sun", 5.0, 6.0, 6.0, 6.0)}).with_staleness("sun", True)
    assert sun(stale, own(days)).p50[0, 1] == expected
    assert sun(stale.with_staleness("sun", False), own(days)).p50[0, 1] == 6.0


def test_without_a_series_the_built_in_forecast_is_taken_however_little_it_knows() -> None:
    assert sun(Expectations(), own(0.0)).p50[0].tolist() == [2.0] * 4
    assert sun(Expectations(), None).p50[0].tolist() == [5.0] * 4  # now persists


def test_the_target_follows_the_days_before_where_no_series_tells_it() -> None:
    load = Expectations({"load": series("load", 12.0, 13.0)})
    assert expected_target(load, "load", 12.0, HORIZON, own()).tolist() == [12.0, 13.0, 20.0, 20.0]
    assert expected_target(load, "load", 12.0, HORIZON, own(0.5)).tolist() == [12.0, 13.0, 13.0, 13.0]
    assert expected_target(Expectations(), "", 12.0, HORIZON, own(0.5)).tolist() == [12.0] * 4
    told = target_bands(load, "load", np.array([12.0, 13.0, 20.0, 20.0]), HORIZON, own())
    assert told.p50[0].tolist() == [12.0, 13.0, 20.0, 20.0]
    assert np.isnan(told.p10[0, :2]).all() and told.p90[0, 2:].tolist() == [30.0, 30.0]


def test_a_plant_at_rest_is_asked_for_nothing_whatever_the_days_before_say() -> None:
    resting = own(is_asked=False)
    assert expected_target(Expectations(), "", 0.0, HORIZON, resting).tolist() == [0.0] * 4
    assert np.isnan(target_bands(Expectations(), "", np.zeros(4), HORIZON, resting).p10).all()
    past = Past(["pv1", TARGET])
    assert not built_in(SUNNY, past, np.array([1.0, np.nan]), HORIZON).knows_target


def test_each_forecast_is_known_by_its_own_past_and_by_what_is_recent() -> None:
    past = Past(["pv1", TARGET])
    for bucket in range(2 * 96 + 1):
        past.note(bucket * BUCKET_MS, np.array([1.0, np.nan]))
    now = np.array([1.0, 5.0])
    found = built_in(SUNNY, past, now, replace(HORIZON, plant_ms=2 * 96 * BUCKET_MS))
    assert found.knows.tolist() == [True, False]
    assert found.days == pytest.approx([2.0, 0.0])
    weeks_later = built_in(SUNNY, past, now, replace(HORIZON, plant_ms=20 * 96 * BUCKET_MS))
    assert not weeks_later.knows.any()


def test_what_is_firm_goes_with_the_request() -> None:
    spec = ScheduleSpec(step_s=3600.0, horizon_s=4 * 3600.0)
    expectations = Expectations({"sun": series("sun", 5.0, 6.0, p10=4.0)})
    history = Memory.fresh(1, 0).history(SUNNY)
    request = build_request(SUNNY, NOW, history, spec, expectations, HORIZON, 3.0, own=own())
    assert request.firm_mw is not None
    assert request.firm_mw[0].tolist() == [4.0, 4.0, 1.0, 1.0]
    assert request.forecast_mw[0].tolist() == [5.0, 6.0, 2.0, 2.0]


def test_sun_that_tells_nothing_shows_what_is_there_unless_it_is_held_back() -> None:
    fleet = Fleet((PV,) * 4)
    seen = states(power_mw=[3.0, 3.0, 3.0, 3.0], available_mw=[8.0, 8.0, 8.0, 4.0])
    told = np.array([np.nan, 6.0, 3.0, 3.0])
    tells = np.array([False, False, False, True])
    assert measured_renewables(fleet, seen, told, tells) == pytest.approx([3.0, 3.0, np.nan, 4.0], nan_ok=True)
    gone = replace(seen, online=np.array([False] * 4))
    assert np.isnan(measured_renewables(fleet, gone, told, tells)).all()


def test_forecasts_are_of_sun_and_wind_and_the_target() -> None:
    assert forecast_names(FLEET) == ["pv1", "target"]
