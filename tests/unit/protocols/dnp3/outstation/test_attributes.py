"""Device attributes (g0) of an outstation: octets asked, octets answered, and what may be written."""

from dataclasses import replace
from importlib.metadata import version

import pytest

from protocols.dnp3.application import Indication
from protocols.dnp3.objects import DeviceAttribute, parse_headers
from protocols.dnp3.outstation.nameplate import Nameplate
from tests.unit.protocols.dnp3.outstation.wire import CLEAR_RESTART, QUIET, Wire, indications, point
from vppscada.model.points import PointKind

PLATE = Nameplate("Acme", "VPP 1", serial="007", name="north", latitude=48.5, longitude=-2.25, altitude_m=12)
POINTS = (point(PointKind.BINARY_INPUT, 3), point(PointKind.BINARY_INPUT, 300), point(PointKind.COUNTER, 0))


def wire_of(**settings: object) -> Wire:
    wire = Wire(POINTS, replace(QUIET, nameplate=PLATE, **settings))  # type: ignore[arg-type]
    wire.connect()
    wire.one(CLEAR_RESTART)
    return wire


def asked(wire: Wire, objects: str) -> list[DeviceAttribute]:
    answer = wire.one("C1 01" + objects)
    assert indications(answer) == Indication.NONE
    return [a for header in parse_headers(answer[4:], objects_follow=True) for a in header.attributes]


def written(variation: int, text: bytes, *, of_set: int = 0, kind: int = 1) -> str:
    return f"C1 02 00 {variation:02X} 00 {of_set:02X} {of_set:02X} {kind:02X} {len(text):02X} {text.hex()}"


@pytest.mark.parametrize(
    ("variation", "octets"),
    [
        (252, "01 04 41636D65"),
        (250, "01 05 5650502031"),
        (248, "01 03 303037"),
        (247, "01 05 6E6F727468"),
        (245, "01 00"),
        (241, "02 02 0008"),
        (240, "02 02 F401"),
        (239, "02 01 02"),
        (238, "02 02 2C01"),
        (237, "03 01 01"),
        (236, "02 01 00"),
        (234, "03 01 00"),
        (229, "02 01 01"),
        (228, "02 01 00"),
        (226, "03 01 01"),
        (225, "03 01 01"),
        (230, "03 01 00"),
        (216, "02 01 10"),
        (205, "04 08 0000000000404840"),
    ],
)
@pytest.mark.parametrize("qualifier", ["00 00 00", "01 0000 0000", "06", "17 01 00", "28 0100 0000"])
def test_one_attribute_is_told_with_its_type_and_length_as_in_procedure_8_23_2_3(
    variation: int, octets: str, qualifier: str
) -> None:
    answer = wire_of(max_fragment=500).one(f"C1 01 00 {variation:02X} {qualifier}")
    assert answer == bytes.fromhex(f"C1 81 00 00 00 {variation:02X} 00 00 00 {octets}")


def test_the_list_names_every_attribute_and_which_can_be_written_as_in_procedure_8_23_2_1() -> None:
    wire = wire_of()
    [told] = asked(wire, "00 FF 00 00 00")
    assert told.type == 254
    entries = told.value
    assert isinstance(entries, tuple)
    assert [variation for variation, writable in entries if writable] == [245, 246, 247]
    everything = [a.variation for a in asked(wire, "00 FE 00 00 00")]
    assert [variation for variation, _ in entries] == everything == sorted(everything)
    assert not {254, 255, 243, 235} & set(everything), "no empty text, and no largest index where there are no points"


def test_all_attributes_come_each_as_it_comes_alone_as_in_procedure_8_23_2_2() -> None:
    wire = wire_of()
    everything = asked(wire, "00 FE 06")
    alone = [a for one in everything for a in asked(wire, f"00 {one.variation:02X} 00 00 00")]
    assert everything == alone
    values = {a.variation: a.value for a in everything}
    assert values[252] == "Acme"
    assert (values[203], values[204], values[205]) == (12.0, -2.25, 48.5)
    assert values[242] == version("vppscada")


def test_attributes_that_do_not_fit_one_fragment_come_in_several() -> None:
    plate = replace(PLATE, name="n" * 255, location="l" * 255, id="i" * 255)
    wire = Wire(POINTS, replace(QUIET, nameplate=plate, max_fragment=300))
    wire.connect()
    fragments = [wire.one("C1 01 00 FE 06 01 02 00 03 03")]
    while not fragments[-1][0] & 0x40:
        fragments.append(wire.one(bytes([0xC0 | fragments[-1][0] & 15, 0])))
    assert all(len(fragment) <= 300 for fragment in fragments)
    variations = [h.variation for f in fragments for h in parse_headers(f[4:], objects_follow=True)]
    assert variations[:-1] == sorted(variations[:-1])
    assert variations[-4:] == [248, 250, 252, 2]


def test_what_is_asked_twice_is_told_once() -> None:
    assert len(asked(wire_of(), "00 FC 06 00 FC 00 00 00")) == 1


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ("00 01 00 00 00", Indication.OBJECT_UNKNOWN),
        ("00 00 00 00 00", Indication.OBJECT_UNKNOWN),
        ("00 F3 00 00 00", Indication.OBJECT_UNKNOWN),
        ("00 FC 00 01 01", Indication.PARAMETER_ERROR),
        ("00 FE 00 00 01", Indication.PARAMETER_ERROR),
        ("00 FC 07 01", Indication.PARAMETER_ERROR),
    ],
)
def test_an_attribute_or_a_set_that_does_not_exist_is_an_indication(objects: str, expected: Indication) -> None:
    assert wire_of().one("C1 01" + objects) == bytes.fromhex("C1 81") + int(expected).to_bytes(2, "little")


@pytest.mark.parametrize("variation", [245, 246, 247])
def test_the_users_texts_can_be_written_as_in_procedure_8_23_2_4(variation: int) -> None:
    wire = wire_of()
    assert indications(wire.one(written(variation, "Süd 2".encode()))) == Indication.NONE
    [told] = asked(wire, f"00 {variation:02X} 00 00 00")
    assert told.value == "Süd 2"


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [
        (written(252, b"x"), Indication.PARAMETER_ERROR),
        (written(240, b"\x01", kind=2), Indication.PARAMETER_ERROR),
        (written(243, b"x"), Indication.OBJECT_UNKNOWN),
        (written(255, b"x"), Indication.OBJECT_UNKNOWN),
        (written(247, b"x", of_set=1), Indication.PARAMETER_ERROR),
        (written(247, b"x", kind=5), Indication.PARAMETER_ERROR),
        (written(247, b"a\x07"), Indication.PARAMETER_ERROR),
        (written(247, b"\xff"), Indication.PARAMETER_ERROR),
        ("C1 02 00 F7 00 00 01 01 01 61 01 01 62", Indication.PARAMETER_ERROR),
        ("C1 02 00 F7 00 00 00 01 05 61", Indication.PARAMETER_ERROR),
        ("C1 02 00 F7 00 00 00 01", Indication.PARAMETER_ERROR),
        ("C1 02 00 F7 06", Indication.PARAMETER_ERROR),
        ("C1 02 00 F7 17 01 00", Indication.PARAMETER_ERROR),
    ],
)
def test_every_other_write_is_refused_and_changes_nothing(fragment: str, expected: Indication) -> None:
    wire = wire_of()
    before = dict(wire.device.attributes.values)
    assert indications(wire.one(fragment)) == expected
    assert wire.device.attributes.values == before


def test_objects_behind_an_attribute_are_not_lost() -> None:
    wire = wire_of()
    assert wire.one(written(247, b"x") + "00 F6 00 00 00 01 01 79") == bytes.fromhex("C1 81 00 00")
    assert [a.value for a in asked(wire, "00 F7 06 00 F6 06")] == ["x", "y"]
