"""A point map goes through a workbook, and through CSV, and comes back letter by letter."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.maps.fakes import DRIVERS
from vppscada.maps.columns import COLUMNS, all_columns
from vppscada.maps.csv_map import read_device_map
from vppscada.maps.map_line import MapLine
from vppscada.maps.sheets import Sheet, csv_text, read_sheet, write_workbook
from vppscada.model.drivers import Driver
from vppscada.model.errors import Fault

FAKE: Driver = DRIVERS["fake"]
WIDTH = 5
#: Texts that spreadsheet programs love to change, and any others without line ends and control characters.
TRAPS: tuple[str, ...] = ("007", "1-2", "=4|5", "=1+1", "+1", "-", "@x", "1e5", "0.10", "TRUE", "#N/A", "'a", "3/4")
TRAPS += ('"', '""', ",", "a,b", "1.0", "12345678901234567890", "_x0041_")
TRAPS += ("2024-01-01", "€", "\N{GRINNING FACE}", "\x85", "\u2028", "\ufeff")
CHARACTERS = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
TEXTS = st.one_of(st.sampled_from(TRAPS), st.text(CHARACTERS, max_size=20)).map(str.strip)
FIRST = st.sampled_from(("a", "b_1", "point"))
ROWS = st.tuples(FIRST, *[TEXTS] * (WIDTH - 1))
COMMENTS = TEXTS.map(lambda text: (f"# {text}".strip(),))
BLANK: st.SearchStrategy[tuple[str, ...]] = st.just(())


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@st.composite
def sheets(draw: st.DrawFn) -> Sheet:
    header: tuple[str, ...] = ("point", "kind", "index", "scale", "other")
    above = draw(st.lists(st.one_of(COMMENTS, BLANK), max_size=3))
    below = draw(st.lists(st.one_of(ROWS, COMMENTS, BLANK), max_size=8))
    last = draw(ROWS)
    return Sheet((*above, header, *below, last))


@given(sheet=sheets())
@settings(max_examples=120, deadline=None)
def test_any_sheet_comes_back_from_a_workbook(folder: Path, sheet: Sheet) -> None:
    file = folder / "map.xlsx"
    write_workbook(sheet, all_columns(FAKE), file)
    assert read_sheet(file) == sheet


@given(sheet=sheets())
@settings(max_examples=200, deadline=None)
def test_any_sheet_comes_back_from_comma_separated_text(folder: Path, sheet: Sheet) -> None:
    file = folder / "map.csv"
    file.write_text(csv_text(sheet), encoding="utf-8")
    assert read_sheet(file) == sheet


NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(repr)
HEADER = (*COLUMNS, *FAKE.address_columns)


@st.composite
def map_rows(draw: st.DrawFn, number: int) -> tuple[str, ...]:
    is_output = draw(st.booleans())
    cells = {
        "point": f"p{number}",
        "description": draw(TEXTS),
        "kind": "analog_output" if is_output else "analog_input",
        "data_type": draw(st.sampled_from(("", *FAKE.data_types))),
        "scale": draw(st.sampled_from(("", "0.1", "-2", "1e3"))),
        "offset": draw(NUMBERS),
        "units": draw(TEXTS),
        "deadband": draw(st.sampled_from(("", "0", "0.50"))),
        "event_class": draw(st.sampled_from(("", "0", "1", "2", "3"))),
        "writable": "yes" if is_output else draw(st.sampled_from(("", "no"))),
        "enabled": draw(st.sampled_from(("", "yes", "no"))),
        "index": f"{number:0{draw(st.integers(1, 4))}d}",
    }
    return tuple(cells.get(column, "") for column in HEADER)


@st.composite
def maps(draw: st.DrawFn) -> Sheet:
    return Sheet((("# a map",), HEADER, *(draw(map_rows(n)) for n in range(draw(st.integers(1, 6))))))


@given(sheet=maps())
@settings(max_examples=60, deadline=None)
def test_a_valid_map_means_the_same_in_either_form(folder: Path, sheet: Sheet) -> None:
    text, book = folder / "fake_x.csv", folder / "fake_x.xlsx"
    text.write_text(csv_text(sheet), encoding="utf-8")
    write_workbook(sheet, all_columns(FAKE), book)
    assert meaning(text) == meaning(book)


def meaning(file: Path) -> list[dict[str, object]]:
    faults: list[Fault] = []
    found = read_device_map(file, FAKE, faults)
    assert not faults
    assert found is not None
    return [{name: getattr(line, name) for name in MapLine.__slots__ if name != "reader"} for line in found.lines]
