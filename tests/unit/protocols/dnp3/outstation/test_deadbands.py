"""Deadbands of analog inputs (g34): read and written in device units, and what they do."""

import struct
from dataclasses import replace

import pytest

from protocols.dnp3.application import Indication
from tests.unit.protocols.dnp3.outstation.wire import CLEAR_RESTART, QUIET, Wire, indications, point
from vppscada.model.points import PointKind

AI = PointKind.ANALOG_INPUT
#: Deadbands of 2 and 0.75 in engineering units: 4 and 0.75 in the device's.
POINTS = (point(AI, 0, deadband=2.0, scale=0.5, event_class=1, static=2), point(AI, 300, deadband=0.75, event_class=1))


def wire_of() -> Wire:
    wire = Wire(POINTS, replace(QUIET))
    wire.connect()
    wire.one(CLEAR_RESTART)
    wire.update({0: 100.0, 1: 1.0})
    return wire


def body(fragment: bytes) -> bytes:
    assert indications(fragment) & 0xFF00 == 0
    return fragment[4:]


@pytest.mark.parametrize(
    ("variation", "first", "second"), [(1, "0400", "0100"), (2, "04000000", "01000000"), (3, "00008040", "0000403F")]
)
def test_deadbands_come_in_the_variation_asked_for(variation: int, first: str, second: str) -> None:
    expected = f"22 {variation:02X} 01 0000 0000 {first} 22 {variation:02X} 01 2C01 2C01 {second}"
    assert body(wire_of().one(f"C1 01 22 {variation:02X} 06")) == bytes.fromhex(expected)


def test_by_default_a_deadband_has_the_type_of_its_value() -> None:
    assert body(wire_of().one("C1 01 22 00 06")) == bytes.fromhex("22 01 01 0000 0000 0400 22 03 01 2C01 2C01 0000403F")


@pytest.mark.parametrize(
    "objects",
    ["22 01 00 00 00 0A00", "22 02 01 0000 0000 0A000000", "22 03 17 01 00 00002041", "22 01 28 0100 0000 0A00"],
)
def test_a_written_deadband_is_read_back_and_decides_what_is_an_event(objects: str) -> None:
    wire = wire_of()
    assert wire.one("C1 02" + objects) == bytes.fromhex("C1 81 00 00")
    assert body(wire.one("C2 01 22 03 00 00 00"))[-4:] == struct.pack("<f", 10.0)
    wire.update({0: 110.0})
    assert len(wire.core.buffer) == 0
    wire.update({0: 110.5})
    assert len(wire.core.buffer) == 1


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ("22 01 17 02 00 0A00 01 0A00", Indication.PARAMETER_ERROR),
        ("22 01 00 00 01 0A00 0A00", Indication.PARAMETER_ERROR),
        ("22 03 17 01 00 000080BF", Indication.PARAMETER_ERROR),
        ("22 03 17 01 00 0000C07F", Indication.PARAMETER_ERROR),
        ("22 03 17 01 00 0000807F", Indication.PARAMETER_ERROR),
        ("22 01 07 01 0A00", Indication.PARAMETER_ERROR),
        ("22 04 17 01 00 0A00", Indication.OBJECT_UNKNOWN),
        ("22 01 17 01 00 0A", Indication.PARAMETER_ERROR),
    ],
)
def test_a_deadband_that_makes_no_sense_is_refused_with_all_of_its_header(objects: str, expected: Indication) -> None:
    wire = wire_of()
    assert indications(wire.one("C1 02" + objects)) == expected
    assert wire.device.table.deadband.tolist() == [4.0, 0.75]
