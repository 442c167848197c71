"""The battery map beside the IEEE 1815.2 profile that somebody else published (dnp3py, MIT)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from protocols.dnp3 import DRIVER
from protocols.dnp3.addresses import Dnp3Address
from vppscada.maps.csv_map import PointMap, read_device_map
from vppscada.maps.locate import shipped
from vppscada.model.errors import Fault
from vppscada.model.points import PointKind

pytestmark = pytest.mark.interop

_PART = {
    PointKind.ANALOG_INPUT: "AI",
    PointKind.BINARY_INPUT: "BI",
    PointKind.ANALOG_OUTPUT: "AO",
    PointKind.BINARY_OUTPUT: "BO",
    PointKind.COUNTER: "CTR",
}
_FIRST_BANK = 20_000  # the profile holds a third battery bank only; banks have equal points one after another
_BANK = 27


@pytest.fixture(scope="module")
def profile() -> dict[tuple[str, int], dict[str, Any]]:
    import dnp3

    assert dnp3.__file__
    file = Path(dnp3.__file__).parent / "mesa" / "data" / "profiles" / "full.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    return {(part, one["point_index"]): one for part in _PART.values() for one in _points(content[part])}


def _points(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict) and "point_index" in value:
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _points(inner)


@pytest.fixture(scope="module")
def battery() -> PointMap:
    file = shipped("dnp3_battery_1815_2.csv")
    assert file is not None
    faults: list[Fault] = []
    found = read_device_map(file, DRIVER, faults)
    assert found is not None
    assert not faults
    return found


def test_every_point_has_the_number_multiplier_and_class_of_the_profile(
    battery: PointMap, profile: dict[tuple[str, int], dict[str, Any]]
) -> None:
    for line in battery.lines:
        assert isinstance(line.address, Dnp3Address)
        part, index = _PART[line.kind], line.address.index
        if part == "AI" and index >= _FIRST_BANK:
            index += 2 * _BANK
        theirs = profile[part, index]
        if part in ("AI", "AO"):
            assert abs(line.scale or 1.0) == theirs["multiplier"], line.point
            assert theirs["offset"] == 0.0
        if part in ("AI", "BI"):
            assert theirs["event_class"] == f"Class{line.event_class}", line.point
        reference = theirs.get("iec_61850_uid")
        assert line.description.endswith(f"({reference})") or index >= _FIRST_BANK, line.point


def test_every_feedback_is_the_input_that_the_profile_associates(
    battery: PointMap, profile: dict[tuple[str, int], dict[str, Any]]
) -> None:
    named = {line.point: line for line in battery.lines}
    outputs = [line for line in battery.lines if line.kind.is_output]
    assert all(line.feedback for line in outputs)
    for line in outputs:
        echo = named[line.feedback]
        assert isinstance(line.address, Dnp3Address)
        assert isinstance(echo.address, Dnp3Address)
        theirs = profile[_PART[line.kind], line.address.index]
        associated = theirs["assoc_ai"] if line.kind is PointKind.ANALOG_OUTPUT else theirs["assoc_bi"]
        assert associated == f"{_PART[echo.kind]}{echo.address.index}", line.point
