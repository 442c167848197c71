"""A user's own list: his columns, words, numbers and notation; his faults at his rows and columns."""

from pathlib import Path

import openpyxl
import pytest

from vppscada.maps.imports import differences, proposal_sheet, tabular_proposal
from vppscada.maps.sheets import csv_text, read_sheet
from vppscada.model.errors import ConfigError
from vppscada.station.drivers import DRIVERS

MAPPING = """
protocol = "modbus"
decimal = ","
register = "modicon"

[columns]
point = "Tag"
description = "Beschreibung"
register = "Adresse"
data_type = "Typ"
scale = "Faktor"
units = "Einheit"
writable = "Zugriff"
kind = "Art"

[defaults]
kind = "analog_input"

[words.data_type]
S32 = "int32"
U16 = "uint16"

[words.writable]
RW = "yes"
R = ""

[words.kind]
Sollwert = "analog_output"
"""
LIST = """Hersteller GmbH;;;;;;;
Stand 2026;;;;;;;
Tag;Beschreibung;Adresse;Typ;Faktor;Einheit;Zugriff;Art
GEN.P act;"Wirkleistung; Generator";30101;S32;0,1;kW;R;
Netzfrequenz;;30108;U16;1.000,5;Hz;R;
;Reserve;;;;;;
P-Soll;Sollwert;40201;S32;0,1;kW;RW;Sollwert
"""


def files(folder: Path, text: str = LIST, mapping: str = MAPPING, encoding: str = "utf-8") -> tuple[Path, Path]:
    (folder / "list.csv").write_text(text, encoding=encoding)
    (folder / "mapping.toml").write_text(mapping, encoding="utf-8")
    return folder / "list.csv", folder / "mapping.toml"


def test_columns_words_numbers_and_references_become_ours(tmp_path: Path) -> None:
    proposal = tabular_proposal(*files(tmp_path), DRIVERS)
    power, frequency, setpoint = proposal.lines
    assert (power["point"], power["description"]) == ("gen_p_act", "Wirkleistung; Generator")
    assert (power["table"], power["register"], power["data_type"]) == ("input_register", "100", "int32")
    assert (power["scale"], power["kind"], power["writable"]) == ("0.1", "analog_input", "")
    assert frequency["scale"] == "1000.5"
    assert (setpoint["table"], setpoint["register"], setpoint["kind"]) == ("holding_register", "200", "analog_output")
    assert setpoint["writable"] == "yes"
    assert "1 rows without a name were left out." in proposal.notes


def test_a_workbook_is_read_from_the_sheet_that_is_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.create_sheet("Register")
    for line in LIST.splitlines():
        sheet.append(line.replace('"', "").replace("Wirkleistung; ", "Wirkleistung, ").split(";"))
    book.save(tmp_path / "list.xlsx")
    _, mapping = files(tmp_path, mapping='sheet = "Register"\n' + MAPPING)
    assert len(tabular_proposal(tmp_path / "list.xlsx", mapping, DRIVERS).lines) == 3


def test_another_encoding_is_read_if_the_mapping_says_so(tmp_path: Path) -> None:
    text = LIST.replace("Netzfrequenz", "Läufer")
    proposal = tabular_proposal(*files(tmp_path, text, 'encoding = "cp1252"\n' + MAPPING, "cp1252"), DRIVERS)
    assert proposal.lines[1]["point"] == "laufer"


def test_all_faults_come_at_once_at_the_rows_and_columns_of_the_list(tmp_path: Path) -> None:
    text = LIST.replace("30101;S32", "39999x;S99").replace("40201", "00000")
    with pytest.raises(ConfigError) as refused:
        tabular_proposal(*files(tmp_path, text), DRIVERS)
    places = [(fault.line, fault.found) for fault in refused.value.faults]
    assert [line for line, _ in places] == [4, 4, 4, 7]
    assert any("39999x" in found for _, found in places)
    assert any("S99" in found for _, found in places)


def test_a_column_that_the_list_has_not_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no column 'Tagg'.*did you mean 'Tag'"):
        tabular_proposal(*files(tmp_path, mapping=MAPPING.replace('"Tag"', '"Tagg"')), DRIVERS)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('protocol = "modbus"', 'protocol = "modbuss"'), "2:1: protocol 'modbuss'"),
        (('point = "Tag"', 'pont = "Tag"'), "unknown column 'pont'"),
        (('decimal = ","', 'decimal = "x"'), "3:1: decimal = 'x'"),
        (('register = "modicon"', "register = 4"), "4:1: register = 4"),
        (("[defaults]", "[default]"), "unknown key 'default'"),
        (("[words.kind]", "[words.kinds]"), "unknown column 'kinds'"),
        (('RW = "yes"', "RW = true"), "RW = True"),
        (('protocol = "modbus"', "protocol ="), "TOML that cannot be read"),
    ],
)
def test_faults_of_the_mapping_have_their_places(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        tabular_proposal(*files(tmp_path, mapping=MAPPING.replace(*change)), DRIVERS)
    assert told in str(refused.value)


def test_a_proposal_is_a_map_and_tells_what_it_would_change(tmp_path: Path) -> None:
    proposal = tabular_proposal(*files(tmp_path), DRIVERS)
    sheet = proposal_sheet(proposal, DRIVERS["modbus"])
    written = tmp_path / "modbus_list.csv"
    written.write_text(csv_text(sheet))
    assert read_sheet(written) == sheet
    assert not list(differences(sheet, sheet, "a", "b"))
    changed = proposal_sheet(
        tabular_proposal(*files(tmp_path, LIST.replace("30108", "30109")), DRIVERS), DRIVERS["modbus"]
    )
    lines = [line for line in differences(sheet, changed, "a", "b") if line[:1] in "+-" and line[1:2] not in "+-"]
    assert len(lines) == 2
    assert "108" in lines[1]
