"""What a spreadsheet program may have made of a map, and what the sheet offers to whoever fills it in."""

import datetime
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pytest

from tests.unit.maps.fakes import BATTERY_LINES, DRIVERS, map_text, small_site
from vppscada.maps import load_site
from vppscada.maps.columns import all_columns
from vppscada.maps.csv_map import read_device_map
from vppscada.maps.sheets import read_sheet, write_workbook
from vppscada.model.errors import ConfigError, Fault

FAKE = DRIVERS["fake"]


def workbook(file: Path, rows: Sequence[Sequence[object]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(list(row))
    book.save(file)
    return file


def battery_rows(folder: Path) -> list[list[object]]:
    text = folder / "fake_map.csv"
    text.write_text(map_text(BATTERY_LINES).partition("\n")[2], encoding="utf-8")
    return [list(row) for row in read_sheet(text).rows]


def faults_of(file: Path) -> list[Fault]:
    faults: list[Fault] = []
    read_device_map(file, FAKE, faults)
    return faults


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (datetime.datetime(2024, 2, 1), "a date (2024-02-01 00:00:00)"),
        (datetime.time(3, 4), "a date (03:04:00)"),
        (True, "the truth value TRUE"),
        ("=1+1", "a formula without a result"),
        ("#N/A", "the error value #N/A"),
        ("two\nlines", "text of several lines, 'two\\nlines'"),
    ],
)
def test_what_a_spreadsheet_program_made_of_a_text_is_a_fault_at_its_cell(
    tmp_path: Path, value: object, told: str
) -> None:
    rows = battery_rows(tmp_path)
    at = [str(cell) for cell in rows[0]].index("description")
    rows[2][at] = value
    [fault] = faults_of(workbook(tmp_path / "fake_map.xlsx", rows))
    assert (fault.line, fault.column) == (3, at + 1)
    assert fault.found == f"cell E3: {told}"


def test_numbers_typed_into_cells_are_the_numbers_that_they_look_like(tmp_path: Path) -> None:
    rows = battery_rows(tmp_path)
    header = [str(cell) for cell in rows[0]]
    for row in rows[1:]:
        for column in ("index", "scale", "deadband", "event_class"):
            at = header.index(column)
            text = str(row[at]) if at < len(row) else ""
            row[at] = float(text) if text else None
    book = workbook(tmp_path / "fake_map.xlsx", rows)
    assert not faults_of(book)
    assert read_sheet(book) == read_sheet(tmp_path / "fake_map.csv")


def test_faults_of_cells_name_the_cell(tmp_path: Path) -> None:
    rows = battery_rows(tmp_path)
    at = [str(cell) for cell in rows[0]].index("kind")
    rows[1][at] = "analogue"
    [fault] = faults_of(workbook(tmp_path / "fake_map.xlsx", rows))
    assert fault.found == "cell B2: kind 'analogue'"


@pytest.mark.parametrize("content", [b"", b"point,kind\n", b"PK\x03\x04 and nothing"])
def test_what_is_no_workbook_is_told_as_that(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "fake_map.xlsx"
    file.write_bytes(content)
    [fault] = faults_of(file)
    assert "a workbook that cannot be read" in fault.found


def test_a_text_too_long_for_a_workbook_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    rows = battery_rows(tmp_path)
    text = tmp_path / "fake_map.csv"
    text.write_text(",".join(map(str, rows[0])) + "\na," + "x" * 40_000 + "\n", encoding="utf-8")
    target = tmp_path / "long.xlsx"
    with pytest.raises(ConfigError, match="too long for a workbook"):
        write_workbook(read_sheet(text), all_columns(FAKE), target)
    assert not target.exists()


def test_the_sheet_offers_the_words_of_each_column_that_has_some(tmp_path: Path) -> None:
    battery_rows(tmp_path)
    sheet = read_sheet(tmp_path / "fake_map.csv")
    write_workbook(sheet, all_columns(FAKE), tmp_path / "map.xlsx")
    book = openpyxl.load_workbook(tmp_path / "map.xlsx")
    points = book["points"]
    header = [str(cell.value) for cell in points[1]]
    offered = {}
    for validation in points.data_validations.dataValidation:
        [cells] = validation.sqref.ranges
        name, _, where = str(validation.formula1).partition("!")
        words = [cell.value for [cell] in book[name][where.replace("$", "")]]
        assert cells.min_row == 2
        assert cells.max_row > len(sheet.rows)
        offered[header[cells.min_col - 1]] = tuple(words)
    assert offered == {column.name: column.words for column in all_columns(FAKE) if column.words}
    assert points.freeze_panes == "B2"


def test_a_site_takes_a_map_that_is_a_workbook(tmp_path: Path) -> None:
    files = small_site(tmp_path)
    whole = load_site(files.folder / "site.toml", DRIVERS)
    sheet = read_sheet(files.folder / "fake_battery.csv")
    write_workbook(sheet, all_columns(FAKE), files.folder / "fake_battery.xlsx")
    site = (files.folder / "site.toml").read_text()
    (files.folder / "site.toml").write_text(site.replace("fake_battery.csv", "fake_battery.xlsx"))
    assert load_site(files.folder / "site.toml", DRIVERS).points == whole.points
