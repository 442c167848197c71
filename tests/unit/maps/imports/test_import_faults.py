"""Faults of lists, mappings and profiles to import: each whole, letter by letter, at its place."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.maps.imports.test_tabular import LIST, MAPPING, files
from vppscada.maps.imports import mesa_proposal, tabular_proposal
from vppscada.model.errors import ConfigError
from vppscada.station.drivers import DRIVERS

KEYS = "protocol, sheet, delimiter, encoding, decimal, register, header, register_base, columns, defaults, words"
TOO_DEEP = "values nested too deep; expected TOML of reasonable depth"


def told(read: Callable[[], object], folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read()
    return [str(fault).replace(f"{folder}/", "") for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            'protocol = "modbus"',
            "protocol =",
            "mapping.toml:2:11: TOML that cannot be read: invalid value; expected valid TOML",
        ),
        (
            'decimal = ","',
            "x = " + "[" * 5000,
            f"mapping.toml:1:1: {TOO_DEEP}",
        ),
        ('decimal = ","', 'decimal = "x"', "mapping.toml:3:1: decimal = 'x'; expected one of '.', ','"),
        ('decimal = ","', 'delimiter = "/"', "mapping.toml:3:1: delimiter = '/'; expected one of ',', ';', '\\t', '|'"),
        ('register = "modicon"', 'register = "hex"', "mapping.toml:4:1: register = 'hex'; expected 'modicon'"),
        ('register = "modicon"', "sheet = 4", "mapping.toml:4:1: sheet = 4; expected a text"),
        ('decimal = ","', "header = -1", "mapping.toml:3:1: header = -1; expected a whole number, 0 or more"),
        (
            'decimal = ","',
            'decimals = ","',
            f"mapping.toml:3:1: unknown key 'decimals'; expected one of {KEYS} (did you mean 'decimal'?)",
        ),
        ('R = ""', "R = 1", "mapping.toml:25:1: R = 1; expected a text"),
        (
            'point = "Tag"',
            "",
            "mapping.toml:6:1: no column for point; expected point = the column that names the points",
        ),
    ],
)
def test_faults_of_a_mapping(tmp_path: Path, old: str, new: str, fault: str) -> None:
    mapping = MAPPING.replace(old, new)
    assert mapping != MAPPING
    assert told(lambda: tabular_proposal(*files(tmp_path, mapping=mapping), DRIVERS), tmp_path) == [fault]


@pytest.mark.parametrize(
    ("text", "first", "fault"),
    [
        (LIST, "header = 40\n", "list.csv:1:1: no row 40; expected a header in the row that the mapping names"),
        (
            "a;b\n1;2\n",
            "",
            "list.csv:1:1: no header; expected a row with the columns of the mapping: "
            "Adresse, Art, Beschreibung, Einheit, Faktor, Tag, Typ, Zugriff",
        ),
        (
            LIST.replace("Tag;", "Tagg;"),
            "",
            "list.csv:3:1: no column 'Tag'; expected one of Tagg, Beschreibung, Adresse, Typ, Faktor, Einheit, "
            "Zugriff, Art (did you mean 'Tagg'?)",
        ),
    ],
)
def test_faults_of_a_list(tmp_path: Path, text: str, first: str, fault: str) -> None:
    assert told(lambda: tabular_proposal(*files(tmp_path, text, first + MAPPING), DRIVERS), tmp_path) == [fault]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            '{"AI": [}',
            "p.json:1:9: JSON that cannot be read (Expecting value: line 1 column 9 (char 8)); expected JSON",
        ),
        ("[" * 200_000, "p.json:1:1: values nested too deep; expected JSON of reasonable depth"),
        (
            "[]",
            "p.json:1:1: no IEEE 1815.2 profile; expected an object with BO, BI, AO, AI or CTR, as mesa-tool writes it",
        ),
        (
            '{"AI": [{"point_index": 70000, "name": "x"}]}',
            "p.json:1:1: AI point 70000; expected a name, and a point_index from 0 to 65535",
        ),
    ],
)
def test_faults_of_a_profile(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "p.json").write_text(text, encoding="utf-8")
    assert told(lambda: mesa_proposal(tmp_path / "p.json"), tmp_path) == [fault]
