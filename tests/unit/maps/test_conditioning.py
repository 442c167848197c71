"""The columns that say what is done to readings: what they become, and their faults."""

import pytest

from tests.unit.maps.fakes import BATTERY_LINES, Files, line, map_text
from vppscada.model.conditioning import Conditioning
from vppscada.model.points import Point
from vppscada.model.scaling import to_engineering


def loaded(files: Files, text: str) -> Point:
    files.write("fake_battery.csv", map_text([*BATTERY_LINES, text]))
    site = files.load()
    return site.points[site.row_of["battery1.new"]]


def test_readings_are_conditioned_in_the_plants_units(files: Files) -> None:
    cells = {"units": "kW", "scale": 0.5, "maximum": 100, "clamp": "yes", "rate_limit": 10, "substitute": 50}
    point = loaded(files, line("new", "analog_input", 9, "available_power", frozen_after_s=60, **cells))
    wanted = Conditioning(rate_limit_per_s=0.01, clamp=True, substitute=0.05, frozen_after_s=60.0)
    assert point.conditioning == wanted


def test_a_counters_rollover_is_in_counts_of_the_wire(files: Files) -> None:
    point = loaded(files, line("new", "counter", 9, "energy_exported", units="kWh", scale=0.1, rollover=10000))
    assert point.conditioning == Conditioning(rollover=1.0)


def test_codes_are_told_in_the_order_of_the_states(files: Files) -> None:
    point = loaded(files, line("new", "analog_input", 9, state_names="off|on|fault", codes="0|4|7"))
    assert point.conditioning == Conditioning(codes=(0.0, 4.0, 7.0))


def test_an_inverted_input_swaps_0_and_1(files: Files) -> None:
    point = loaded(files, line("new", "binary_input", 9, invert="yes"))
    assert [to_engineering(point, one) for one in (0.0, 1.0)] == [1.0, 0.0]
    assert point.conditioning is None


@pytest.mark.parametrize(
    ("units", "to", "reading", "value"),
    [("degF", "degC", 212, 100), ("psi", "bar", 100, 6.894757), ("MJ", "kWh", 36, 10)],
)
def test_units_are_converted_on_request(files: Files, units: str, to: str, reading: float, value: float) -> None:
    point = loaded(files, line("new", "analog_input", 9, units=units, convert_to=to))
    assert point.units == to
    assert to_engineering(point, reading) == pytest.approx(value)


@pytest.mark.parametrize(
    ("role", "units", "reading", "value", "plant"),
    [
        ("available_power", "hp", 1000, 0.745699871582, "MW"),
        ("stored_energy", "GJ", 3.6, 1.0, "MWh"),
        ("voltage", "kV", 20, 20_000, "V"),
        ("temperature", "degF", 32, 0, "degC"),
        ("temperature", "K", 273.15, 0, "degC"),
        ("wind_speed", "km/h", 36, 10, "m/s"),
        ("rotational_speed", "1/min", 1500, 1500, "rpm"),
        ("irradiance", "kW/m2", 1, 1000, "W/m2"),
        ("run_hours", "min", 90, 1.5, "h"),
        ("voltage", "", 7, 7, ""),
    ],
)
def test_any_unit_that_converts_to_that_of_the_role_may_be_used(
    files: Files, role: str, units: str, reading: float, value: float, plant: str
) -> None:
    point = loaded(files, line("new", "analog_input", 9, role, units=units))
    assert point.units == plant
    assert to_engineering(point, reading) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(
    ("kind", "cells", "found", "expected"),
    [
        ("analog_input", {"clamp": "yes"}, "clamp 'yes'", "a minimum or a maximum"),
        ("analog_input", {"rate_limit": 0}, "rate_limit '0'", "more than 0"),
        ("binary_input", {"rollover": 16}, "rollover '16'", "nothing for a point of kind binary_input"),
        ("counter", {"rollover": 1}, "rollover '1'", "2 or more"),
        ("analog_input", {"codes": "1|1"}, "codes '1|1'", "different whole numbers"),
        ("analog_input", {"codes": "1|2", "state_names": "a|b|c"}, "codes '1|2'", "3 of them"),
        ("analog_input", {"codes": "1|2", "scale": 2}, "codes '1|2'", "either codes or"),
        ("analog_input", {"invert": "yes"}, "invert 'yes'", "nothing for a point of kind analog_input"),
        ("analog_output", {"substitute": 1}, "substitute '1'", "nothing for a point of kind analog_output"),
        ("analog_input", {"frozen_after_s": 0}, "frozen_after_s '0'", "more than 0"),
        ("analog_input", {"units": "kWh", "convert_to": "kW"}, "convert_to 'kW'", "'kWh' converts"),
        ("analog_input", {"units": "var", "convert_to": "W"}, "convert_to 'W'", "'var' converts"),
        ("analog_input", {"role": "voltage", "units": "A"}, "units 'A'", "V for voltage"),
        ("analog_input", {"role": "available_power", "units": "kVA"}, "units 'kVA'", "MW"),
        (
            "analog_input",
            {"role": "available_power", "units": "kW", "convert_to": "kW"},
            "convert_to 'kW'",
            "MW or nothing",
        ),
    ],
)
def test_faults_stand_at_their_cell(
    files: Files, kind: str, cells: dict[str, object], found: str, expected: str
) -> None:
    role = str(cells.pop("role", "")) if "role" in cells else ""
    files.write("fake_battery.csv", map_text([*BATTERY_LINES, line("new", kind, 9, role, **cells)]))
    told = files.only_fault()
    assert found in told
    assert expected in told.split("; expected ")[1]


def test_exports_are_not_conditioned(files: Files) -> None:
    files.write("ems.csv", map_text([line("plant.active_power", "analog_input", 0, rate_limit=1)]))
    assert "rate_limit '1'; expected nothing in a map of exports" in files.only_fault()
