"""docs/dnp3.md against the code: no key, column or variation is missing, and none is made up."""

import re
from pathlib import Path

import pytest

from protocols.dnp3.addresses import ADDRESS_COLUMNS
from protocols.dnp3.master.config import read_session
from protocols.dnp3.objects import FORMS
from protocols.dnp3.outstation.settings_reading import MASTER_KEYS, read_outstation
from vppscada.model.errors import SettingFaults

DOCUMENT = (Path(__file__).parents[4] / "docs" / "dnp3.md").read_text()
MEDIA = [
    {"medium": medium, "role": role, "certificate": "a", "key": "a", "ca": "a", "device": "a"}
    for medium in ("tcp", "tls", "serial", "udp")
    for role in ("client", "server")
]


def section(title: str) -> str:
    """A section's text, its heading included."""
    [found] = re.findall(rf"^## {title}.*?(?=^## |\Z)", DOCUMENT, re.M | re.S)
    return str(found)


def keys_of(text: str) -> set[str]:
    """What stands in code in the first cell of each row of a section's tables."""
    rows = re.findall(r"^\| (`.*?) \|", text, re.M)
    spans = {word for row in rows for word in re.findall(r"`([a-z0-9_]+)`", row)}
    return spans | ({"class2_period_s"} if "class1_period_s" in spans else set())


def known_keys(reader: str) -> set[str]:
    """Every key that a table may have, told by what the reader says of one that it does not know."""
    known: set[str] = set()
    for medium in MEDIA:
        with pytest.raises(SettingFaults) as refused:
            (read_session if reader == "session" else read_outstation)({**medium, "no_such_key": 1})
        [fault] = [fault for fault in refused.value.faults if fault.key == "no_such_key"]
        known |= set(fault.expected.removeprefix("one of ").split(", "))
    return known


@pytest.mark.parametrize(("reader", "title"), [("session", "A session"), ("outstation", "An outstation")])
def test_every_key_of_a_table_is_described_and_no_other(reader: str, title: str) -> None:
    assert keys_of(section(title)) | keys_of(section("Media")) >= known_keys(reader)
    assert keys_of(section(title)) <= known_keys(reader)


def test_no_key_of_a_medium_is_made_up() -> None:
    assert keys_of(section("Media")) <= known_keys("session") | known_keys("outstation")


def test_every_key_of_a_masters_table_is_named() -> None:
    assert set(MASTER_KEYS) <= set(re.findall(r"`([a-z0-9_]+)`", section("An outstation")))


def test_every_column_of_a_map_is_described() -> None:
    assert keys_of(section("Maps")) == set(ADDRESS_COLUMNS)


def numbers(text: str) -> set[int]:
    """ "1–3, 5" → {1, 2, 3, 5}."""
    found: set[int] = set()
    for low, high in re.findall(r"(\d+)(?:–(\d+))?", text):
        found |= set(range(int(low), int(high or low) + 1))
    return found


def test_the_implementation_table_has_every_variation_that_the_stack_has() -> None:
    told: set[tuple[int, int]] = set()
    for groups, variations in re.findall(r"^\| ([\d, ]+) [^|]*\| ([^|]+) \|", section("Implementation table"), re.M):
        split = dict(re.findall(r"(\d+): ([^;]+)", variations))
        for group in sorted(numbers(groups) - {0, 110, 111}):
            told |= {(group, one) for one in numbers(split.get(str(group), variations))}
    passed_over = {102, 121, 122}
    assert told == {form for form in FORMS if form[0] not in passed_over}
