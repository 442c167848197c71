"""Every fault of a device map, each at its cell."""

import pytest

from tests.unit.maps.fakes import BATTERY_LINES, HEADER, MAP_COLUMNS, Files, line, map_text

FIRST = 2 + 1  # the first line below comment and header


def column_of(text: str, column: str) -> int:
    """Where a cell begins in a line without quotes."""
    cells = text.split(",")
    return sum(len(cell) + 1 for cell in cells[: MAP_COLUMNS.index(column)]) + 1


def replaced(files: Files, lines: list[str]) -> None:
    files.write("fake_battery.csv", map_text([*BATTERY_LINES, *lines]))


@pytest.mark.parametrize(
    ("cells", "column", "found", "expected"),
    [
        ({"kind": "analog_inptu"}, "kind", "kind 'analog_inptu'", "did you mean 'analog_input'?"),
        ({"kind": ""}, "kind", "no kind", "one of binary_input"),
        ({"role": "activ_power"}, "role", "role 'activ_power'", "did you mean 'active_power'?"),
        ({"role": "voltage", "kind": "binary_input"}, "kind", "kind binary_input in the role voltage", "analog_input"),
        ({"index": "x"}, "index", "index 'x'", "a whole number"),
        ({"data_type": "flaot32"}, "data_type", "data_type 'flaot32'", "did you mean 'float32'?"),
        ({"scale": "0"}, "scale", "scale '0'", "other than 0"),
        ({"scale": "1e400"}, "scale", "scale '1e400'", "other than 0"),
        ({"offset": "nan"}, "offset", "offset 'nan'", "a number"),
        ({"maximum": "inf"}, "maximum", "maximum 'inf'", "a number"),
        ({"maximum": "1_000"}, "maximum", "maximum '1_000'", "a number"),
        ({"minimum": "3", "maximum": "2"}, "minimum", "minimum '3'", "at most the maximum, 2"),
        ({"deadband": "-1"}, "deadband", "deadband '-1'", "0 or more"),
        ({"event_class": "4"}, "event_class", "event_class '4'", "from 0 (no events) to 3"),
        ({"stale_after_s": "0"}, "stale_after_s", "stale_after_s '0'", "more than 0"),
        ({"enabled": "true"}, "enabled", "enabled 'true'", "yes or no"),
        ({"writable": "yes"}, "writable", "writable 'yes'", "no, or nothing"),
        ({"command_mode": "sbo"}, "command_mode", "command_mode 'sbo'", "nothing for a point of kind analog_input"),
        ({"kind": "binary_output", "pulse": "puls 5"}, "pulse", "pulse 'puls 5'", "did you mean 'pulse'?"),
        ({"kind": "binary_output", "pulse": "latch 5"}, "pulse", "pulse 'latch 5'", "latch, pulse ON_MS"),
        ({"kind": "binary_output", "pulse": "pulse 0"}, "pulse", "pulse 'pulse 0'", "latch, pulse ON_MS"),
        ({"kind": "analog_output", "pulse": "latch"}, "pulse", "pulse 'latch'", "nothing for a point of kind"),
        ({"kind": "analog_output", "command_mode": "sob"}, "command_mode", "command_mode 'sob'", "did you mean 'sbo'?"),
        ({"kind": "binary_input", "state_names": "a|b|c"}, "state_names", "state_names 'a|b|c'", "2 different names"),
        ({"kind": "double_bit_input", "state_names": "a|b"}, "state_names", "state_names 'a|b'", "4 different names"),
        ({"state_names": "a||c"}, "state_names", "state_names 'a||c'", "different names between bars"),
        ({"kind": "binary_input", "scale": "2"}, "scale", "scale '2'", "scale -1 and offset 1 invert"),
        (
            {"kind": "binary_input", "maximum": "1"},
            "maximum",
            "maximum '1'",
            "nothing for a point of kind binary_input",
        ),
        (
            {"role": "reactive_power", "units": "kW"},
            "units",
            "units 'kW'",
            "one of var, kvar, Mvar, % for reactive_power",
        ),
        ({"role": "available_power"}, "units", "no units", "one of W, kW, MW, GW, % for available_power"),
        ({"role": "fuel_level", "units": "l"}, "units", "units 'l'", "% for fuel_level"),
        (
            {"kind": "analog_output", "feedback": "activ_power"},
            "feedback",
            "'activ_power', which is no point",
            "'active_power'?",
        ),
        (
            {"kind": "binary_output", "feedback": "active_power"},
            "feedback",
            "of kind analog_input",
            "one of binary_input",
        ),
        ({"kind": "analog_output", "feedback": "setpoint"}, "feedback", "of kind analog_output", "analog_input"),
        ({"kind": "analog_output", "feedback": "spare"}, "feedback", "which is not enabled", "an enabled point"),
        ({"scale_factor": "factor"}, "scale_factor", "'factor', which is no point", "active_power"),
        ({"scale_factor": "spare"}, "scale_factor", "which is not enabled", "an enabled point"),
        ({"scale_factor": "new"}, "scale_factor", "the point itself", "another point"),
        ({"index": "3"}, "index", "index '3', which stored_energy has already (line 6)", "an address of its own"),
        ({"point": "active_power"}, "point", "point 'active_power'", "a name of its own (line 3 has this one)"),
        ({"point": "2nd"}, "point", "point '2nd'", "begins with a letter"),
        ({"point": ""}, "point", "no point", "begins with a letter"),
        ({"point": "comm_online"}, "point", "point 'comm_online'", "another name"),
    ],
)
def test_a_faulty_cell_is_told_with_its_place(
    files: Files, cells: dict[str, str], column: str, found: str, expected: str
) -> None:
    text = line(**{"point": "new", "kind": "analog_input", "index": 99, **cells})  # type: ignore[arg-type]
    replaced(files, [text])
    fault = files.only_fault()
    assert fault.startswith(f"fake_battery.csv:{FIRST + len(BATTERY_LINES)}:{column_of(text, column)}: ")
    assert found in fault.split("; expected ")[0]
    assert expected in fault.split("; expected ")[1]


def test_every_fault_of_a_line_and_of_the_file_is_told_at_once(files: Files) -> None:
    bad = line("new", "analog_input", "x", scale="zero", minimum="5", maximum="4", event_class="9")
    replaced(files, [bad, "short,line", bad.replace("new", "newer")])
    faults = files.faults()
    assert [fault.split(":")[1] for fault in faults] == ["9"] * 4 + ["10"] + ["11"] * 4


def test_a_line_with_faults_is_still_there_to_be_referred_to(files: Files) -> None:
    faulty = line("echo", "analog_input", "x")
    user = line("command", "analog_output", 8, writable="yes", feedback="echo")
    replaced(files, [faulty, user])
    assert "index 'x'" in files.only_fault()


def test_a_binary_input_may_be_inverted(files: Files) -> None:
    replaced(files, [line("remote", "binary_input", 9, "remote", scale=-1, offset=1)])
    site = files.load()
    assert (site.points[site.row_of["battery1.remote"]].scale, site.points[site.row_of["battery1.remote"]].offset) == (
        -1,
        1,
    )


def test_too_few_and_too_many_cells_are_told(files: Files) -> None:
    replaced(files, ["a,b", line("new", "analog_input", 99) + ",more"])
    few, many = files.faults()
    assert few.startswith(f"fake_battery.csv:9:3: 2 cells; expected {len(MAP_COLUMNS)}")
    assert f"{len(MAP_COLUMNS) + 1} cells" in many


def test_an_unknown_column_names_the_one_that_is_missing(files: Files) -> None:
    files.write("fake_battery.csv", map_text(BATTERY_LINES).replace("units", "unit"))
    unknown, missing = sorted(files.faults(), key=lambda fault: "no column" in fault)
    assert unknown.startswith(f"fake_battery.csv:2:{column_of(HEADER, 'units')}: unknown column 'unit'")
    assert "did you mean 'units'?" in unknown or unknown.endswith("expected units")
    assert "no column 'units'" in missing


def test_a_column_twice_is_a_fault(files: Files) -> None:
    files.write("fake_battery.csv", map_text(BATTERY_LINES).replace("description", "units"))
    assert any("column 'units' a second time" in fault for fault in files.faults())


@pytest.mark.parametrize("content", ["", "\n\n", "# only a comment\n"])
def test_a_file_without_a_header_is_a_fault(files: Files, content: str) -> None:
    files.write("fake_battery.csv", content)
    assert files.only_fault().startswith("fake_battery.csv:1:1: no header; expected a line with the columns point,")


def test_a_file_without_points_is_a_fault(files: Files) -> None:
    files.write("fake_battery.csv", map_text([]))
    assert any("fake_battery.csv:2:1: no points" in fault for fault in files.faults())


def test_bytes_that_are_not_utf8_are_told_with_their_place(files: Files) -> None:
    content = map_text(BATTERY_LINES).encode().replace(b"# a comment", b"# ein \xc4rger")
    (files.folder / "fake_battery.csv").write_bytes(content)
    assert files.only_fault() == "fake_battery.csv:1:7: byte 0xc4; expected text in UTF-8"


def test_a_nul_character_is_told_with_its_place(files: Files) -> None:
    files.change("fake_battery.csv", "state_of_charge,analog", "state\0of_charge,analog")
    assert files.only_fault() == "fake_battery.csv:4:6: a NUL character; expected text"


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(files: Files) -> None:
    content = map_text(BATTERY_LINES).replace("\n", "\r\n")
    (files.folder / "fake_battery.csv").write_bytes(content.encode("utf-8-sig"))
    assert files.load().row_of["battery1.active_power"] >= 0


def test_a_command_that_the_plant_gives_must_be_writable(files: Files) -> None:
    setpoint = BATTERY_LINES[-1]
    files.change("fake_battery.csv", setpoint, setpoint.replace("yes", "no"))
    assert "setpoint that is not writable; expected yes for the role setpoint" in files.only_fault()
