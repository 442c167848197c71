"""Sun, wind and air from the site's data."""

import numpy as np
import pytest

from vppscada.model.assets import Asset, AssetKind
from vppscada.plant.series import Series
from vppscada.simulation.surroundings import Surroundings, usual_ambient_degc

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def series(name: str, *values: float) -> Series:
    return Series(name, np.arange(len(values)) * HOUR_MS, np.array(values), HOUR_MS, True)


PV = Asset("pv1", AssetKind.PHOTOVOLTAIC, "s", rating_mw=8.0, forecast="pv_forecast")


def test_what_is_there_is_the_actual_series_and_not_the_forecast() -> None:
    data = {"pv_forecast": series("pv_forecast", 1.0, 1.0), "pv_actual": series("pv_actual", 2.0, 4.0)}
    assert Surroundings(PV, data).at(HOUR_MS // 2).available_mw == pytest.approx(3.0)


def test_without_an_actual_series_the_forecast_comes_true() -> None:
    assert Surroundings(PV, {"pv_forecast": series("pv_forecast", 1.0, 1.0)}).at(0).available_mw == 1.0


def test_without_any_series_there_is_no_sun() -> None:
    assert Surroundings(PV, {}).at(0).available_mw == 0.0


def test_what_burns_or_stores_needs_no_weather() -> None:
    engine = Asset("e", AssetKind.RECIPROCATING_ENGINE, "s", rating_mw=1.0, forecast="pv_forecast")
    assert Surroundings(engine, {"pv_forecast": series("pv_forecast", 1.0)}).at(0).available_mw == 0.0


@pytest.mark.parametrize("weeks", [-1, 0, 1, 104])
def test_before_and_after_its_data_they_repeat(weeks: int) -> None:
    there = Surroundings(PV, {"pv_actual": series("pv_actual", *range(168))})
    assert there.at(5 * HOUR_MS + weeks * 7 * DAY_MS).available_mw == pytest.approx(5.0)


def test_the_air_is_what_the_site_says_and_else_a_day_of_early_summer() -> None:
    told = Surroundings(PV, {"air": series("air", 30.0, 30.0)}, "air")
    assert told.at(0).ambient_degc == 30.0
    assert Surroundings(PV, {}).at(15 * HOUR_MS).ambient_degc == pytest.approx(24.0)
    assert usual_ambient_degc(3 * 3600.0) == pytest.approx(12.0)
