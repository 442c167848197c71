"""Faults that no file of the corpus can show, as they need an override or a machine: each whole, letter by letter."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from tests.unit.maps.fakes import Files
from vppscada.maps import find_site, toml_site, workbooks
from vppscada.maps.columns import all_columns
from vppscada.maps.places import read_text
from vppscada.maps.sheets import read_sheet, write_workbook
from vppscada.model.errors import ConfigError

SHAPES = "expected KEY=VALUE with a KEY like plant.enabled or session.NAME.port"


def told(read: Callable[[], object], folder: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read()
    [fault] = caught.value.faults
    return str(fault).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        (
            "session.oen.port",
            "override 'session.oen.port' of no session in this site; "
            "expected session one of one, two (did you mean 'one'?)",
        ),
        ("one.port", f"override 'one.port'; {SHAPES}"),
        ("a.b.c.d", f"override 'a.b.c.d'; {SHAPES}"),
    ],
)
def test_an_override_of_nothing(files: Files, key: str, fault: str) -> None:
    assert files.only_fault(**{key.replace(".", "__"): 1}) == f"site.toml:1:1: {fault}"


def test_a_site_that_there_is_not() -> None:
    expected = "expected a site file, or a shipped site: one of demo, example (did you mean 'demo'?)"
    assert told(lambda: find_site("dmo"), Path()) == f"dmo:1:1: no site 'dmo'; {expected}"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert told(lambda: read_text(tmp_path / "none.csv"), tmp_path) == (
        "none.csv:1:1: no such file; expected a file that exists"
    )
    (tmp_path / "folder.csv").mkdir()
    assert told(lambda: read_text(tmp_path / "folder.csv"), tmp_path) == (
        "folder.csv:1:1: a file that cannot be read ([Errno 21] Is a directory: 'folder.csv'); expected a readable file"
    )


def test_workbooks_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = tmp_path / "none.xlsx"
    assert told(lambda: list(workbooks.workbook_rows(missing, [])), tmp_path) == (
        "none.xlsx:1:1: no such file; expected a file that exists"
    )
    book = openpyxl.Workbook()
    book.active.title = "points"  # type: ignore[union-attr]
    book.save(tmp_path / "map.xlsx")
    assert told(lambda: list(workbooks.workbook_rows(tmp_path / "map.xlsx", [], "point")), tmp_path) == (
        "map.xlsx:1:1: no sheet 'point'; expected points (did you mean 'points'?)"
    )
    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/workbook.xml", bytes(3 << 20))
    monkeypatch.setattr(workbooks, "_LARGEST_UNPACKED", 1 << 20)
    assert told(lambda: list(workbooks.workbook_rows(tmp_path / "bomb.xlsx", [])), tmp_path) == (
        "bomb.xlsx:1:1: a workbook that unpacks to 3 MB; expected at most 1 MB"
    )


def test_a_text_that_no_workbook_can_hold(tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text(f"point,description\na,{'x' * 32_768}\n", encoding="utf-8")
    sheet = read_sheet(tmp_path / "map.csv")
    assert told(lambda: write_workbook(sheet, all_columns(None), tmp_path / "map.xlsx"), tmp_path) == (
        "map.xlsx:2:2: cell B2: a text too long for a workbook; expected at most 32767 characters"
    )


def test_an_installation_without_the_points_of_the_plant(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toml_site, "shipped", lambda name: None)
    assert "plant.csv:1:1: no such file; expected the plant's own points, as installed" in files.faults()
