"""Ranges that cannot travel, powers of another size than their asset, and points exported twice."""

import pytest

from tests.unit.maps.fakes import BATTERY_LINES, EXPORT_LINES, Files, line, map_text


def with_point(files: Files, **cells: object) -> None:
    more = line("extra", "analog_input", 20, "", **{"units": "V", **cells})
    files.write("fake_battery.csv", map_text([*BATTERY_LINES, more]))


@pytest.mark.parametrize(
    ("cells", "found", "expected"),
    [
        ({"maximum": 32_768}, "maximum 32768 of a int16", "from -32768 to 32767"),
        ({"minimum": -4_000, "scale": 0.1}, "minimum -4000 of a int16", "from -3276.8 to 3276.7"),
        ({"maximum": 40_000, "offset": 1_000}, "maximum 40000 of a int16", "from -31768 to 33767"),
        ({"maximum": 40_000, "scale": -1}, "maximum 40000 of a int16", "from -32767 to 32768"),
    ],
)
def test_a_limit_that_the_type_on_the_wire_has_not_is_told(
    files: Files, cells: dict[str, object], found: str, expected: str
) -> None:
    with_point(files, data_type="int16", **cells)
    fault = files.only_fault()
    assert f"{found}; expected {expected}" in fault
    assert fault.startswith("fake_battery.csv:9:")


@pytest.mark.parametrize(
    "cells",
    [
        {"data_type": "int16", "maximum": 32_767, "minimum": -32_768},
        {"data_type": "int16", "maximum": 3_276.7, "scale": 0.1},
        {"data_type": "float32", "maximum": 1e9},
        {"maximum": 1e9},
        {"data_type": "int16", "maximum": 1e9, "scale_factor": "state_of_charge"},
    ],
)
def test_a_limit_that_fits_or_cannot_be_judged_passes(files: Files, cells: dict[str, object]) -> None:
    with_point(files, **cells)
    files.load()


def test_an_export_must_carry_the_limits_of_its_source(files: Files) -> None:
    files.change(
        "ems.csv",
        EXPORT_LINES[1],
        line("battery1.active_power", "analog_input", 1, units="kW", data_type="int16", scale=0.01),
    )
    assert "maximum 6 of a int16; expected from -0.32768 to 0.32767" in files.only_fault()


@pytest.mark.parametrize(("units", "maximum"), [("MW", 6_000), ("kW", 6), ("W", 5_000)])
def test_a_power_of_another_size_than_its_asset_is_told(files: Files, units: str, maximum: float) -> None:
    old = BATTERY_LINES[0]
    new = line("active_power", "analog_input", 0, "active_power", units=units, maximum=maximum)
    files.change("fake_battery.csv", old, new)
    expected = f"maximum {maximum} {units} for battery1, which is rated 5 MW; expected limits and units of the size"
    assert expected in files.only_fault()


def test_a_point_is_exported_once_as_each_kind(files: Files) -> None:
    files.write("ems.csv", map_text([*EXPORT_LINES, line("plant.active_power", "analog_input", 7)]))
    fault = files.only_fault()
    assert fault.startswith("ems.csv:7:1: plant.active_power as analog_input, which line 3 exports already")


def test_an_output_may_be_shown_as_an_input_and_a_spare_line_does_not_count(files: Files) -> None:
    shown = line("plant.target_command", "analog_input", 7)
    spare = line("plant.active_power", "analog_input", 8, enabled="no")
    files.write("ems.csv", map_text([*EXPORT_LINES, shown, spare]))
    assert len(files.load().ems[0].exports) == len(EXPORT_LINES) + 1
