"""What a changed site would do, told from two snapshots."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.maps.fakes import DRIVERS, Files, small_site
from vppscada.maps import load_site
from vppscada.maps.difference import SiteDifference, difference, told
from vppscada.maps.snapshot import Snapshot, read_snapshot, snapshot, write_snapshot
from vppscada.model.errors import VppscadaError


def taken(files: Files) -> Snapshot:
    return snapshot(load_site(files.folder / "site.toml", DRIVERS))


def edit(files: Files, name: str, old: str, new: str) -> None:
    file = files.folder / name
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def changed(folder: Path, *edits: tuple[str, str, str]) -> SiteDifference:
    files = small_site(folder)
    before = taken(files)
    for name, old, new in edits:
        edit(files, name, old, new)
    return difference(before, taken(files))


def test_the_same_site_changes_nothing(tmp_path: Path) -> None:
    found = changed(tmp_path)
    assert found.is_empty
    assert list(told(found, 2)) == ["nothing would change"]


def test_a_point_with_another_address_is_renumbered_and_starts_only_its_session_anew(tmp_path: Path) -> None:
    line = "state_of_charge,analog_input,state_of_charge,"
    found = changed(tmp_path, ("fake_battery.csv", f"{line}1,", f"{line}71,"))
    [point] = found.points
    assert (point.point, point.word) == ("battery1.state_of_charge", "renumbered")
    assert [str(change) for change in point.changes] == ["address 1 → 71"]
    assert [(part.name, part.word, part.points) for part in found.sessions] == [("two", "changed", 1)]


def test_another_unit_rescales(tmp_path: Path) -> None:
    found = changed(tmp_path, ("fake_battery.csv", ",kWh,", ",MWh,"))
    assert {point.word for point in found.points} == {"rescaled"}
    assert "scale 0.001 → 1" in {str(change) for point in found.points for change in point.changes}


def test_points_come_and_go(tmp_path: Path) -> None:
    files = small_site(tmp_path)
    before = taken(files)
    file = files.folder / "fake_battery.csv"
    lines = file.read_text().splitlines()
    header = next(line for line in lines if line.startswith("point,"))
    width = header.count(",")
    file.write_text("\n".join((*lines, "extra,analog_input,,99" + "," * (width - 3))) + "\n")
    after = taken(files)
    there = difference(before, after)
    assert there.added == ("battery1.extra",)
    back = difference(after, before)
    assert (back.removed, back.added) == (("battery1.extra",), ())


def test_settings_of_a_session_are_told_by_their_keys(tmp_path: Path) -> None:
    found = changed(tmp_path, ("site.toml", "port = 2\n", "port = 99\n"))
    [part] = found.sessions
    assert [change.what for change in part.settings] == ["port"]
    assert part.points == 0


def test_plant_and_assets_are_told_without_touching_sessions(tmp_path: Path) -> None:
    found = changed(tmp_path, ("site.toml", "[plant]", "[plant]\nsettle_s = 77.0"))
    assert [str(change) for change in found.plant] == ["settle_s 60 → 77"]
    assert not found.sessions
    assert not found.points


def test_what_an_ems_sees_is_told(tmp_path: Path) -> None:
    found = changed(tmp_path, ("ems.csv", "plant.active_power,analog_input,,0,", "plant.active_power,analog_input,,9,"))
    assert [(part.word, part.points) for part in found.ems] == [("changed", 1)]
    assert not found.sessions


def test_a_snapshot_comes_back_from_disk(tmp_path: Path) -> None:
    before = taken(small_site(tmp_path))
    write_snapshot(before, tmp_path)
    assert read_snapshot(tmp_path) == before
    assert not list(tmp_path.glob("*.new"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.unlink(),
        lambda file: file.write_text("{"),
        lambda file: file.write_text('{"version": 0}'),
        lambda file: file.write_text('{"version": 1, "sessions": []}'),
        lambda file: file.write_text("[]"),
    ],
)
def test_a_snapshot_that_is_missing_or_damaged_is_told(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    write_snapshot(taken(small_site(tmp_path)), tmp_path)
    damage(tmp_path / "site.json")
    with pytest.raises(VppscadaError):
        read_snapshot(tmp_path)


def test_limits_on_groups_of_assets_are_told_by_their_names(tmp_path: Path) -> None:
    table = '[[limit]]\nname = "feeder"\nassets = ["battery1"]\nmaximum_mw = 4.0\n\n[[ems]]'
    found = changed(tmp_path, ("site.toml", "[[ems]]", table))
    assert [(part.name, part.word) for part in found.limits] == [("feeder", "added")]
    files = Files(tmp_path)
    before = taken(files)
    edit(files, "site.toml", "maximum_mw = 4.0", "maximum_mw = 3.0")
    assert "limit feeder changed: maximum_mw 4 → 3" in list(told(difference(before, taken(files)), 2))
