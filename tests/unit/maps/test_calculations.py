"""Calculated points in maps: what they become, and every fault at its character."""

import pytest

from tests.unit.maps.fakes import BATTERY_LINES, HEADER, MAP_COLUMNS, Files, line, map_text
from tests.unit.maps.test_device_maps import FIRST, column_of
from vppscada.model.points import PointKind

CALC_HEADER = "point,description,kind,role,data_type,scale,offset,units,minimum,maximum,deadband,event_class,writable"
CALC_HEADER += ",command_mode,pulse,feedback,state_names,stale_after_s,enabled,expression"


def with_lines(files: Files, *lines: str) -> None:
    files.write("fake_battery.csv", map_text([*BATTERY_LINES, *lines]))


def calc_line(point: str, expression: str, units: str = "", role: str = "") -> str:
    return f'{point},,analog_input,{role},,,,{units},,,,,,,,,,,,"{expression}"'


def with_calculations(files: Files, *lines: str) -> None:
    files.change("site.toml", 'name = "Test plant"', 'name = "Test plant"\ncalculations = "calc.csv"')
    files.write("calc.csv", "\n".join([CALC_HEADER, *lines, ""]))


def test_a_calculated_point_of_a_device_map_has_no_address_and_is_not_polled(files: Files) -> None:
    with_lines(files, line("rest", "analog_input", "", expression="5 MW - active_power", units="MW"))
    site = files.load()
    point = site.points[site.row_of["battery1.rest"]]
    assert point.address is None
    assert point.calculation is not None
    assert point.calculation.inputs == ("battery1.active_power",)
    assert "battery1.rest" not in {one.point.id for spec in site.sessions for one in spec.points}


def test_a_map_of_calculations_reads_points_of_the_whole_site(files: Files) -> None:
    total = calc_line("plant.total", "battery1.active_power + engine1.active_power")
    with_calculations(files, total, calc_line("battery1.twice", "2 * active_power + 500 kW", "MW", "available_power"))
    site = files.load()
    point = site.points[site.row_of["plant.total"]]
    assert point.kind is PointKind.ANALOG_INPUT
    assert point.calculation is not None
    assert point.calculation.inputs == ("battery1.active_power", "engine1.active_power")
    twice = site.points[site.row_of["battery1.twice"]]
    assert twice.units == "MW"
    assert twice.calculation is not None
    assert twice.calculation.inputs == ("battery1.active_power",)


@pytest.mark.parametrize(
    ("expression", "position", "found", "expected"),
    [
        ("active_power +", 14, "the end", "a number, a point"),
        ("active_power + powr", 15, "point 'battery1.powr', which this site has not", "battery1"),
        ("engine1.nothing", 0, "point 'engine1.nothing', which this site has not", "engine1"),
        ("1 + spare", 4, "battery1.spare, which is not enabled", "an enabled point"),
        ("3 parsnips", 2, "'parsnips'", "a unit"),
    ],
)
def test_faults_of_expressions_stand_at_their_character(
    files: Files, expression: str, position: int, found: str, expected: str
) -> None:
    text = line("calc", "analog_input", "", expression=expression)
    with_lines(files, text)
    fault = files.only_fault()
    column = column_of(text, "expression") + position
    assert fault.startswith(f"fake_battery.csv:{FIRST + len(BATTERY_LINES)}:{column}: {found}; expected ")
    assert expected in fault


def test_in_a_quoted_cell_the_character_is_told_as_well(files: Files) -> None:
    with_calculations(files, calc_line("plant.total", "min(1, oops.x)"))
    head = calc_line("plant.total", "").rindex('""') + 1
    assert files.only_fault().startswith(f"calc.csv:2:{head + 1 + 7}: point 'oops.x', which this site has not")


def test_a_cycle_is_refused_by_name(files: Files) -> None:
    with_lines(
        files,
        line("x", "analog_input", "", expression="y + 1"),
        line("y", "analog_input", "", expression="2 * z"),
        line("z", "analog_input", "", expression="x"),
    )
    fault = files.only_fault()
    assert "a cycle: battery1.x reads battery1.y reads battery1.z reads battery1.x" in fault
    assert fault.startswith(f"fake_battery.csv:{FIRST + len(BATTERY_LINES)}:")


def test_a_point_that_reads_itself_is_a_cycle(files: Files) -> None:
    with_lines(files, line("x", "analog_input", "", expression="x + 1"))
    assert "a cycle: battery1.x reads battery1.x" in files.only_fault()


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ({"scale": 2}, "scale '2'"),
        ({"index": 7}, "index '7'"),
        ({"data_type": "int16"}, "data_type 'int16'"),
        ({"role": "active_power", "units": "kW"}, "units 'kW'"),
    ],
)
def test_what_a_device_would_need_a_calculated_point_cannot_have(
    files: Files, cells: dict[str, object], found: str
) -> None:
    wanted = {"index": "", **cells}
    with_lines(files, line("calc", "analog_input", expression="1", **wanted))  # type: ignore[arg-type]
    assert found in files.only_fault()


def test_outputs_and_texts_are_not_calculated(files: Files) -> None:
    with_lines(files, line("calc", "analog_output", "", expression="1"))
    assert "nothing for a point of kind analog_output" in files.only_fault()


def test_a_name_that_the_site_has_is_refused_in_a_map_of_calculations(files: Files) -> None:
    with_calculations(files, calc_line("plant.active_power", "1"))
    assert "plant.active_power, which this site has already" in files.only_fault()


def test_a_map_of_calculations_that_does_not_exist_is_a_fault(files: Files) -> None:
    files.change("site.toml", 'name = "Test plant"', 'name = "Test plant"\ncalculations = "none.csv"')
    assert "map 'none.csv', which does not exist" in files.only_fault()


def test_the_tests_know_the_column() -> None:
    assert "expression" in HEADER
    assert "expression" in MAP_COLUMNS
