"""What a good site becomes: rows, units, sessions, exports."""

import math
from pathlib import Path

import pytest

from tests.unit.maps.fakes import BATTERY_LINES, Files, line, map_text
from vppscada.maps import find_site, summarise
from vppscada.maps.locate import find_map, shipped, shipped_sites
from vppscada.model.commands import CommandMode, Pulse, PulseStyle
from vppscada.model.errors import ConfigError
from vppscada.model.points import Point, PointKind, Role
from vppscada.model.scaling import to_engineering
from vppscada.model.site import Site


def point(site: Site, name: str) -> Point:
    return site.points[site.row_of[name]]


def test_rows_are_of_sessions_of_assets_of_the_plant_and_what_is_told_of_sessions_and_series(
    files: Files,
) -> None:
    site = files.load()
    names = [one.id for one in site.points]
    assert names[:5] == [
        "engine1.active_power",
        "engine1.running",
        "engine1.setpoint",
        "engine1.start_stop",
        "battery1.active_power",
    ]
    assert names[10:14] == [
        "battery1.comm_online",
        "battery1.dispatch_setpoint",
        "engine1.comm_online",
        "engine1.dispatch_setpoint",
    ]
    assert all(name.startswith("plant.") for name in names[14:-9])
    assert names[-9:-3] == [f"{name}.{of}" for name in ("one", "two") for of in ("link_errors", "iin", "last_good_s")]
    assert names[-3:] == ["load.value", "load.age", "load.ahead"]
    assert site.row_of == {name: row for row, name in enumerate(names)}


def test_a_session_has_the_enabled_points_of_its_assets_at_their_rows(files: Files) -> None:
    site = files.load()
    two = next(spec for spec in site.sessions if spec.name == "two")
    assert [one.point.id for one in two.points] == [
        f"battery1.{text.split(',')[0]}" for text in BATTERY_LINES if "spare" not in text
    ]
    assert all(site.points[row] is one for row, one in two.points)
    assert not point(site, "battery1.spare").enabled


def test_powers_in_kw_become_mw_with_everything_that_goes_with_them(files: Files) -> None:
    power = point(files.load(), "battery1.active_power")
    assert power.units == "MW"
    assert (power.scale, power.deadband, power.maximum) == (0.001, 0.005, 6.0)
    assert to_engineering(power, 2500.0) == 2.5


def test_units_of_the_wire_are_kept_beside_those_of_the_plant(files: Files) -> None:
    site = files.load()
    assert point(site, "battery1.active_power").wire_units == "kW"
    assert site.ems[0].exports[1].point.wire_units == "kW"
    target = next(export for export in site.ems[0].exports if export.point.id == "plant.target_command")
    assert target.point.wire_units == "MW"


def test_a_bare_number_has_no_units_on_the_wire(files: Files) -> None:
    stored = point(files.load(), "battery1.stored_energy")
    assert (stored.units, stored.wire_units) == ("MWh", "")  # it has an offset


def test_powers_in_percent_become_mw_by_the_rating_of_the_asset(files: Files) -> None:
    site = files.load()
    assert to_engineering(point(site, "battery1.setpoint"), 50.0) == 2.5
    assert math.isclose(to_engineering(point(site, "battery1.setpoint_feedback"), 500.0), 2.5)


def test_an_offset_is_normalised_too(files: Files) -> None:
    assert to_engineering(point(files.load(), "battery1.stored_energy"), 990.0) == 1.0


def test_words_of_a_line_become_the_vocabulary(files: Files) -> None:
    site = files.load()
    start = point(site, "engine1.start_stop")
    assert start.pulse == Pulse(PulseStyle.PULSE, 500, 200)
    assert start.feedback == "engine1.running"
    assert start.role is Role.START_STOP
    assert point(site, "engine1.running").state_names == ("off", "on")


def test_exports_take_what_is_blank_from_their_source(files: Files) -> None:
    site = files.load()
    target = next(export for export in site.ems[0].exports if export.point.id == "plant.target_command")
    source = point(site, "plant.target_command")
    assert site.points[target.source_row] is source
    assert target.point.command_mode is source.command_mode is CommandMode.SBO
    assert target.point.units == "MW"
    assert target.point.writable


def test_an_export_has_nothing_in_columns_that_only_sessions_obey(files: Files) -> None:
    lines = map_text([line("plant.active_power", "analog_input", 0)]).splitlines()
    files.write("ems.csv", "\n".join([lines[0], lines[1] + ",origin", lines[2] + ",frozen", ""]))
    assert "origin 'frozen'; expected nothing in a map of exports" in files.only_fault()


def test_an_export_in_other_units_converts(files: Files) -> None:
    power = files.load().ems[0].exports[1].point
    assert to_engineering(power, 2500.0) == 2.5
    assert math.isclose(power.deadband, 0.005)  # engineering units, as the source has it


@pytest.mark.parametrize(
    ("old", "new", "found", "expected"),
    [
        (
            "battery1.active_power",
            "battery1.activ_power",
            "point 'battery1.activ_power'",
            "did you mean 'battery1.active_power'?",
        ),
        ("battery1.active_power", "batery1.active_power", "point 'batery1.active_power'", "did you mean 'battery1'?"),
        ("battery1.active_power", "active_power", "point 'active_power'", "a point's full id"),
        ("battery1.active_power", "battery1.spare", "battery1.spare, which is not enabled", "an enabled point"),
        ("battery1.active_power", "engine1.running", "kind analog_input of engine1.running", "binary_input"),
        (",kW,", ",kWh,", "units 'kWh' of a point in MW", "units that convert"),
        ("engine1.start_stop", "engine1.running", "kind binary_output of engine1.running", "binary_input"),
        (
            "plant.active_power,analog_input,,0",
            "plant.active_power,analog_input,,1",
            "which plant.active_power has already (line 3)",
            "of its own",
        ),
        (
            "plant.active_power,analog_input,,",
            "plant.active_power,analog_input,voltage,",
            "role voltage",
            "active_power or nothing",
        ),
        (
            "plant.active_power,analog_input",
            "plant.active_power,counter",
            "kind counter of plant.active_power",
            "analog_input",
        ),
    ],
)
def test_a_faulty_export_is_told(files: Files, old: str, new: str, found: str, expected: str) -> None:
    files.change("ems.csv", old, new)
    told = files.faults()
    assert any(
        one.startswith("ems.csv:") and found in one.split("; expected ")[0] and expected in one.split("; expected ")[1]
        for one in told
    ), told


def test_an_output_that_is_not_writable_cannot_be_exported_as_one(files: Files) -> None:
    files.write("fake_battery.csv", map_text([*BATTERY_LINES, line("locked", "binary_output", 7)]))
    files.change("ems.csv", "engine1.start_stop", "battery1.locked")
    assert "battery1.locked, which is not writable" in files.only_fault()


def test_exports_of_an_asset_with_faults_are_not_called_unknown(files: Files) -> None:
    files.change("site.toml", "rating_mw = 5.0", "rating_mw = 0")
    assert all(not fault.startswith("ems.csv") for fault in files.faults())


def test_a_data_source_is_placed_relative_to_the_site_file(files: Files) -> None:
    (source,) = files.load().data
    assert source.file == files.folder / "load.csv"
    assert (source.value_columns, source.step_s, source.start_ms) == (("mw",), 900.0, None)


def test_start_is_read_as_utc(files: Files) -> None:
    files.change("site.toml", 'time_column = "time"', "start = 2024-07-01T02:00:00+02:00")
    assert files.load().data[0].start_ms == 1_719_792_000_000


def test_the_map_beside_the_site_file_comes_before_the_shipped_one(tmp_path: Path) -> None:
    assert find_map("plant.csv", tmp_path / "site.toml") == shipped("plant.csv")
    (tmp_path / "plant.csv").write_text("", encoding="utf-8")
    assert find_map("plant.csv", tmp_path / "site.toml") == tmp_path / "plant.csv"
    assert find_map("../plant.csv", tmp_path / "sub" / "site.toml") is None
    assert find_map("x" * 5000, tmp_path / "site.toml") is None


def test_a_word_means_a_shipped_site_and_a_path_means_itself(files: Files) -> None:
    assert find_site("demo") == shipped("sites/demo/site.toml")
    assert find_site(str(files.folder)) == files.folder / "site.toml"
    assert find_site(str(files.folder / "site.toml")) == files.folder / "site.toml"
    assert shipped_sites() == ["demo", "example"]
    with pytest.raises(ConfigError, match="did you mean 'demo'"):
        find_site("dmo")


def test_the_summary_tells_sessions_points_assets_and_exports(files: Files) -> None:
    text = summarise(files.load())
    assert "plant      -4 to 15 MW, 10 MWh of storage" in text
    assert "2 sessions: 2 fake" in text
    assert "battery1  battery" in text
    assert "1 EMS outstation" in text
    assert "ems: fake at here:3, 4 points (2 analog input, 1 analog output, 1 binary output)" in text
    assert "load" in text


def test_every_kind_of_point_is_known_to_the_summary(files: Files) -> None:
    site = files.load()
    kinds = {one.kind for one in site.points}
    assert all(kind.value.replace("_", " ") in summarise(site) for kind in kinds)
    assert PointKind.STRING not in kinds
