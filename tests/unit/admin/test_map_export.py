"""``vppscada map export`` as a person uses it."""

from pathlib import Path

import pytest

from vppscada.admin.command_line import main
from vppscada.maps.locate import shipped
from vppscada.maps.sheets import read_sheet


def test_a_shipped_map_goes_to_a_workbook_and_back_letter_by_letter(tmp_path: Path) -> None:
    book, back = tmp_path / "modbus_genset.xlsx", tmp_path / "modbus_genset.csv"
    assert main(["map", "export", "modbus_genset.csv", "-o", str(book)]) == 0
    assert main(["map", "export", str(book), "-o", str(back)]) == 0
    original = shipped("modbus_genset.csv")
    assert original is not None
    assert back.read_text() == original.read_text()


def test_the_map_of_an_ems_needs_its_protocol_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    original = shipped("sites/demo/ems.csv")
    book = tmp_path / "ems.xlsx"
    assert main(["map", "export", str(original), "-o", str(book)]) == 1
    assert "--protocol" in capsys.readouterr().err
    assert main(["map", "export", str(original), "-o", str(book), "--protocol", "dnp3"]) == 0
    assert original is not None
    assert read_sheet(book) == read_sheet(original)


def test_a_file_that_exists_is_replaced_only_by_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "a.csv"
    target.write_text("mine")
    assert main(["map", "export", "modbus_genset.csv", "-o", str(target)]) == 1
    assert target.read_text() == "mine"
    assert main(["map", "export", "modbus_genset.csv", "-o", str(target), "--force"]) == 0
    assert target.read_text() != "mine"


def test_a_map_with_faults_is_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    original = shipped("modbus_genset.csv")
    assert original is not None
    broken = tmp_path / "modbus_genset.csv"
    broken.write_text(original.read_text().replace("analog_input", "analog", 1))
    assert main(["map", "export", str(broken), "-o", str(tmp_path / "b.xlsx")]) == 1
    assert f"{broken}:5:" in capsys.readouterr().err
    assert not (tmp_path / "b.xlsx").exists()


def test_the_device_profile_of_a_site_is_written_with_its_point_lists(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "profile"
    assert main(["map", "profile", "demo", "-o", str(folder)]) == 0
    written = capsys.readouterr().out.split()
    assert sorted(written) == sorted(str(path) for path in folder.iterdir())
    assert (folder / "ems.xml").read_text().startswith("<?xml")
    assert main(["map", "profile", "demo", "--ems", "other", "-o", str(folder)]) == 1
    assert "no ems 'other'" in capsys.readouterr().err
