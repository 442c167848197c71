"""A changed site after the one in force: what is kept, what is watched."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.maps.fakes import small_site
from vppscada.model.site import Site
from vppscada.station.succession import Succession, Trial, succession, trial_of


def changed(folder: Path, *edits: tuple[str, str, str]) -> tuple[Site, Succession]:
    files = small_site(folder)
    before = files.load()
    for name, old, new in edits:
        files.change(name, old, new)
    return before, succession(before, files.load())


def ids(site: Site, rows: "np.ndarray[tuple[int], np.dtype[np.intp]]") -> set[str]:
    return {site.points[row].id for row in rows.tolist()}


def test_a_changed_point_touches_its_session_alone(tmp_path: Path) -> None:
    _, followed = changed(tmp_path, ("fake_battery.csv", ",kWh,", ",MWh,"))
    assert followed.kept_sessions == {"one"} and followed.kept_ems == {"ems"}
    assert "battery1.stored_energy" not in ids(followed.site, followed.unchanged[0])
    assert "battery1.stored_energy" in ids(followed.site, followed.shared[0])
    assert "battery1.active_power" in ids(followed.site, followed.unchanged[0])


def test_rows_of_a_pair_are_the_same_point(tmp_path: Path) -> None:
    before, followed = changed(tmp_path, ("fake_battery.csv", "\nstored_energy,", "\nstock,"))
    assert "battery1.stored_energy" not in followed.site.row_of
    for rows, rows_before in (followed.shared, followed.unchanged):
        pairs = zip(rows.tolist(), rows_before.tolist(), strict=True)
        assert all(followed.site.points[row].id == before.points[old].id for row, old in pairs)
    assert len(followed.shared[0]) == len(before.points) - 1


def test_a_kept_session_counts_its_points_as_it_was_made(tmp_path: Path) -> None:
    files = small_site(tmp_path)
    before = files.load()
    lines = (files.folder / "fake_engine.csv").read_text().splitlines()
    files.write("fake_engine.csv", "\n".join([*lines[:2], *reversed(lines[2:])]) + "\n")
    after = files.load()
    followed = succession(before, after)
    assert followed.kept_sessions == {"one", "two"} and followed.found.is_empty

    def order(site: Site) -> list[str]:
        return [
            point.id for point in (each.point for spec in site.sessions if spec.name == "one" for each in spec.points)
        ]

    assert order(after) != order(before) == order(followed.site)
    for spec in followed.site.sessions:
        assert all(followed.site.points[row] == point for row, point in spec.points)


def test_an_outstation_is_touched_by_its_own_exports_only(tmp_path: Path) -> None:
    _, followed = changed(
        tmp_path, ("ems.csv", "plant.active_power,analog_input,,0", "plant.active_power,analog_input,,7")
    )
    assert followed.kept_ems == frozenset() and followed.kept_sessions == {"one", "two"}


NOW, LATER = {"engine1.running"}, {"engine1.running", "battery1.active_power"}


@pytest.mark.parametrize(("is_over", "expected"), [(False, NOW), (True, LATER)])
def test_what_was_good_must_stay_or_become_good(tmp_path: Path, is_over: bool, expected: set[str]) -> None:
    before, followed = changed(tmp_path, ("fake_battery.csv", ",kWh,", ",MWh,"))
    site = followed.site
    good = np.ones(len(before.points), dtype=np.bool_)
    good[before.row_of["engine1.active_power"]] = False  # it was bad before: nobody waits for it
    fit = np.ones(len(site.points), dtype=np.bool_)
    for name in ("engine1.running", "battery1.active_power", "engine1.active_power"):
        fit[site.row_of[name]] = False
    fallen = trial_of(followed, good).fallen(fit, is_over=is_over)
    assert ids(site, fallen) == expected


def test_a_point_that_is_taken_out_of_use_is_not_missed(tmp_path: Path) -> None:
    files = small_site(tmp_path)
    before = files.load()
    after = files.load()
    row = after.row_of["battery1.state_of_charge"]
    points = tuple(replace(point, enabled=i != row) for i, point in enumerate(after.points))
    trial: Trial = trial_of(succession(before, replace(after, points=points)), np.ones(len(points), dtype=np.bool_))
    assert row not in np.concatenate((trial.always, trial.at_end)).tolist()
