from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.plant.fleets import FLEET, states
from vppscada.model.assets import AssetFamily, Fleet
from vppscada.model.errors import ConfigError
from vppscada.model.site import DataSource, ProductSpec, ScheduleSpec
from vppscada.plant.expectations import Expectations, Horizon
from vppscada.plant.memory import Memory
from vppscada.plant.outlook import requirement
from vppscada.plant.requirements import build_request, horizon_of
from vppscada.plant.series import Series, read_series


def fading(steps: int) -> NDArray[np.float64]:
    return Horizon(0, 0, 900_000, steps).fading


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_reads_a_column_by_its_times(tmp_path: Path) -> None:
    file = write(tmp_path / "p.csv", "t,v\n1970-01-01T00:00:00Z,5\n1970-01-01T00:15:00Z,7\n")
    series = read_series(DataSource("p", file, ("v",), 900.0, scale=2.0, time_column="t"))
    assert series.at(np.array([0, 899_999, 900_000, 1_799_999])).tolist() == [10.0, 10.0, 14.0, 14.0]
    assert np.isnan(series.at(np.array([-1, 1_800_000]))).all()


def test_sums_columns_and_places_rows_by_step(tmp_path: Path) -> None:
    file = write(tmp_path / "l.csv", "a,b\n1,2\n3,4\n")
    series = read_series(DataSource("l", file, ("a", "b"), 3600.0, start_ms=1000, interpolation="linear"))
    assert series.at(np.array([1000, 1000 + 1_800_000])).tolist() == [3.0, 5.0]


def test_every_fault_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    file = write(tmp_path / "p.csv", "t,v\n1970-01-01T00:00:00Z,x\nyesterday,7\n")
    with pytest.raises(ConfigError) as caught:
        read_series(DataSource("p", file, ("v",), 900.0, time_column="t"))
    assert [fault.line for fault in caught.value.faults] == [2, 3]


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "p.csv", "t,v\n")
    with pytest.raises(ConfigError, match="no column 'w'"):
        read_series(DataSource("p", file, ("w",), 900.0, time_column="t"))


def test_the_difference_to_what_was_expected_fades() -> None:
    owed = requirement(np.full(9, 10.0), 12.0, 10.0, fading(9))
    assert owed[0] == 12.0 and owed[4] == pytest.approx(10 + 2 * np.exp(-1)) and owed[8] < 10.3


def test_without_expectation_the_target_holds() -> None:
    assert requirement(np.zeros(3), 5.0, float("nan"), fading(3)).tolist() == [5.0, 5.0, 5.0]


def test_a_request_starts_at_a_step_boundary_and_blends_what_is_seen_now() -> None:
    load = Series("load", np.array([0]), np.array([8.0]), 86_400_000, False)
    spec = ScheduleSpec(load="load", horizon_s=3600.0)
    now = states(available_mw=[10, 2.0, 5, 2])
    history = Memory.fresh(4, 0).history(FLEET)
    request = build_request(FLEET, now, history, spec, Expectations({"load": load}), horizon_of(spec, 1_000_000), 9.0)
    assert request.start_ms == 900_000 and request.steps == 4
    assert request.requirement_mw[0] == 9.0
    assert request.forecast_mw[1].tolist() == [2.0] * 4
    assert np.isinf(request.forecast_mw[0]).all()


def test_in_schedule_mode_the_plant_may_export_all_it_has() -> None:
    history = Memory.fresh(4, 0).history(FLEET)
    request = build_request(
        FLEET, states(), history, ScheduleSpec(), Expectations(), horizon_of(ScheduleSpec(), 0), None
    )
    assert not request.requirement_mw.any() and (request.export_limit_mw == FLEET.rating_mw).all()


def test_products_of_the_site_are_asked_of_the_optimiser() -> None:
    load = Series("extra", np.array([0]), np.array([1.5]), 3_600_000, False)
    spec = ProductSpec("up", "up", 5.0, 0.25, 0.5, "extra", 2.0, 6.0, assets=("battery1",), off_line=True)
    down = ProductSpec("down", "down", 10.0, 1.0)
    history = Memory.fresh(4, 0).history(FLEET)
    asked = ScheduleSpec(horizon_s=3600.0, n_minus_1=True)
    request = build_request(
        FLEET, states(), history, asked, Expectations({"extra": load}), horizon_of(asked, 0), 9.0, (spec, down)
    )
    one, other = request.products
    assert (one.up, one.off_line, one.response_min, one.sustain_h) == (True, True, 5.0, 0.25)
    assert one.required_mw.tolist() == [2.0] * 4 and one.offered_mw.tolist() == [2.0] * 4
    assert one.price_per_mw_h.tolist() == [6.0] * 4 and not other.up and other.holders.all()
    assert [asset.name for asset, may in zip(FLEET.assets, one.holders, strict=True) if may] == ["battery1"]
    assert request.n_minus_1


def test_assets_of_one_forecast_each_start_from_what_they_have_now() -> None:
    sun = next(asset for asset in FLEET.assets if asset.kind.family is AssetFamily.RENEWABLE)
    assets = [replace(sun, name=f"pv{i}", rating_mw=20.0, forecast=name) for i, name in enumerate(("a", "b", "a", ""))]
    fleet, seen = Fleet(tuple(assets)), [3.0, 5.0, np.nan, 4.0]
    series = {
        name: Series(name, np.array([0]), np.array([mw]), 86_400_000, False) for name, mw in (("a", 8.0), ("b", 2.0))
    }
    history = Memory.fresh(4, 0).history(fleet)
    spec = ScheduleSpec(horizon_s=3600.0)
    request = build_request(
        fleet, states(available_mw=seen), history, spec, Expectations(series), horizon_of(spec, 0), 9.0
    )
    fading = np.exp(-np.arange(4) * 0.25)
    expected = [8 - 5 * fading, 2 + 3 * fading, 8 - 8 * fading, np.full(4, 4.0)]
    assert request.forecast_mw == pytest.approx(np.array(expected))


def test_quantiles_are_read_beside_the_value(tmp_path: Path) -> None:
    file = write(tmp_path / "s.csv", "low,mid,high\n1,2,4\n2,2,2\n")
    source = DataSource("s", file, ("mid",), 900.0, 2.0, start_ms=0, p10_columns=("low",), p90_columns=("high",))
    series = read_series(source)
    assert series.p10 is not None and series.p90 is not None
    at = np.array([0, 900_000])
    assert [one.at(at).tolist() for one in (series.p10, series, series.p90)] == [[2.0, 4.0], [4.0, 4.0], [8.0, 4.0]]
    write(file, "low,mid,high\n1,2,5\n2,2,2\n")
    assert not series.says_as(read_series(source))
    assert not series.says_as(read_series(replace(source, p90_columns=())))


def test_quantiles_that_do_not_rise_are_faults(tmp_path: Path) -> None:
    file = write(tmp_path / "s.csv", "low,mid\n3,2\n1,2\n4,2\n")
    with pytest.raises(ConfigError) as caught:
        read_series(DataSource("s", file, ("mid",), 900.0, start_ms=0, p10_columns=("low",)))
    assert [fault.line for fault in caught.value.faults] == [2, 4]
    assert caught.value.faults[0].expected == "rising quantiles"
