"""Reads: which objects come, in which variation, in how many fragments, and what is wrong with the rest."""

import struct
from dataclasses import replace

import pytest

from protocols.dnp3.application import Indication
from tests.unit.protocols.dnp3.outstation.wire import EPOCH_MS, QUIET, Wire, point
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import Quality

CLEAR_RESTART = "C0 02 50 01 00 07 07 00"
TIME = EPOCH_MS.to_bytes(6, "little")


def one_of_each() -> list[Point]:
    return [
        point(PointKind.BINARY_INPUT, 3, event_class=1),
        point(PointKind.DOUBLE_BIT_INPUT, 0, event_class=1),
        point(PointKind.ANALOG_INPUT, 7, event_class=2),
        point(PointKind.COUNTER, 1, event_class=3),
        point(PointKind.BINARY_OUTPUT, 2, event_class=1, writable=True),
        point(PointKind.ANALOG_OUTPUT, 4, event_class=2, writable=True),
        point(PointKind.STRING, 5),
    ]


def wire_of(points: list[Point], **settings: object) -> Wire:
    wire = Wire(points, replace(QUIET, **settings))  # type: ignore[arg-type]
    wire.connect()
    wire.one(CLEAR_RESTART)
    return wire


def filled() -> Wire:
    wire = wire_of(one_of_each())
    wire.update({0: 1.0, 1: 2.0, 2: 12.5, 3: 99.0, 4: 0.0, 5: -3.0})
    wire.core.state.table.texts[6] = "ab"
    return wire


def body(fragment: bytes) -> bytes:
    assert fragment[2:4] == b"\0\0", "no indications"
    return fragment[4:]


def indications(fragment: bytes) -> Indication:
    return Indication(int.from_bytes(fragment[2:4], "little"))


def test_class_0_tells_every_kind_in_its_default_variation() -> None:
    expected = (
        bytes.fromhex("01 02 00 03 03 81")
        + bytes.fromhex("03 02 00 00 00 81")
        + bytes.fromhex("1E 05 00 07 07 01")
        + struct.pack("<f", 12.5)
        + bytes.fromhex("14 01 00 01 01 01 63000000")
        + bytes.fromhex("0A 02 00 02 02 01")
        + bytes.fromhex("28 03 00 04 04 01")
        + struct.pack("<f", -3.0)
        + bytes.fromhex("6E 02 00 05 05 6162")
    )
    answer = filled().one("C3 01 3C 01 06")
    assert answer[:2] == bytes.fromhex("C3 81")
    wanted = body(answer)
    # strings have no value of their own in a batch: their texts do
    assert wanted == expected


def test_class_0_tells_the_groups_that_the_site_chose() -> None:
    wire = wire_of(one_of_each(), class_0=(21, 3))
    wire.update({1: 2.0, 3: 99.0})
    wire.one("C1 07 14 00 06")
    assert body(wire.one("C2 01 3C 01 06")) == bytes.fromhex("03 02 00 00 00 81 15 01 00 01 01 01 63000000")


def test_static_values_come_in_one_order_and_all_that_a_header_chose_with_indexes_of_one_width() -> None:
    wire = wire_of(
        [point(PointKind.BINARY_OUTPUT, 0), point(PointKind.BINARY_INPUT, 0), point(PointKind.BINARY_INPUT, 256)]
    )
    wire.update({0: 1, 1: 1, 2: 1})
    assert body(wire.one("C0 01 0A 00 06 01 00 06")) == bytes.fromhex(
        "01 02 01 0000 0000 81 01 02 01 0001 0001 81 0A 02 00 00 00 81"
    )
    assert body(wire.one("C1 01 01 00 00 00 00")) == bytes.fromhex("01 02 00 00 00 81")


@pytest.mark.parametrize(
    ("request_body", "expected"),
    [
        ("1E 00 06", bytes.fromhex("1E 05 00 07 07 01") + struct.pack("<f", 12.5)),
        ("1E 01 06", bytes.fromhex("1E 01 00 07 07 01 0C000000")),
        ("1E 02 00 07 07", bytes.fromhex("1E 02 00 07 07 01 0C00")),
        ("1E 03 01 0700 0700", bytes.fromhex("1E 03 00 07 07 0C000000")),
        ("1E 06 17 01 07", bytes.fromhex("1E 06 00 07 07 01") + struct.pack("<d", 12.5)),
        ("1E 04 28 0100 0700", bytes.fromhex("1E 04 00 07 07 0C00")),
        ("1E 05 07 01", bytes.fromhex("1E 05 00 07 07 01") + struct.pack("<f", 12.5)),
        ("01 01 08 0100", bytes.fromhex("01 01 00 03 03 01")),
        ("03 01 06", bytes.fromhex("03 01 00 00 00 02")),
        ("0A 01 06", bytes.fromhex("0A 01 00 02 02 00")),
        ("14 05 06", bytes.fromhex("14 05 00 01 01 63000000")),
        ("28 04 06", bytes.fromhex("28 04 00 04 04 01") + struct.pack("<d", -3.0)),
        ("6E 00 06", bytes.fromhex("6E 02 00 05 05 6162")),
        ("32 01 07 01", bytes.fromhex("32 01 07 01") + TIME),
    ],
)
def test_a_group_can_be_read_with_every_qualifier_and_variation(request_body: str, expected: bytes) -> None:
    assert body(filled().one("C0 01" + request_body)) == expected


def test_a_point_that_several_headers_name_is_told_once() -> None:
    wire = wire_of([point(PointKind.ANALOG_INPUT, n, static=2) for n in range(3)])
    wire.update({0: 1, 1: 2, 2: 3})
    expected = bytes.fromhex("1E 04 00 01 01 0200 1E 02 00 00 00 01 0100 1E 02 00 02 02 01 0300")
    assert body(wire.one("C0 01 1E 04 00 01 01 3C 01 06 1E 00 06")) == expected


@pytest.mark.parametrize(
    ("request_body", "expected"),
    [
        ("1E 00 00 08 08", Indication.PARAMETER_ERROR),
        ("1E 00 00 00 FF", Indication.PARAMETER_ERROR),
        ("1E 00 17 01 09", Indication.PARAMETER_ERROR),
        ("1E 63 06", Indication.OBJECT_UNKNOWN),
        ("C8 01 06", Indication.OBJECT_UNKNOWN),
        ("3C 05 06", Indication.OBJECT_UNKNOWN),
        ("3C 01 07 01", Indication.PARAMETER_ERROR),
        ("20 00 00 00 01", Indication.PARAMETER_ERROR),
        ("1E 05 3B", Indication.PARAMETER_ERROR),
        ("1E 05 00 05 02", Indication.PARAMETER_ERROR),
        ("1E", Indication.PARAMETER_ERROR),
        ("0C 01 06", Indication.OBJECT_UNKNOWN),
        ("3C 01 06" * 201, Indication.PARAMETER_ERROR),
    ],
)
def test_what_does_not_exist_is_an_indication(request_body: str, expected: Indication) -> None:
    assert indications(filled().one("C0 01" + request_body)) & 0xFF00 == expected


def test_what_exists_is_told_beside_what_does_not() -> None:
    answer = filled().one("C0 01 C8 01 06 01 02 06")
    assert indications(answer) == Indication.OBJECT_UNKNOWN
    assert answer[4:] == bytes.fromhex("01 02 00 03 03 81")


@pytest.mark.parametrize(
    "unspoken",
    [
        "1E 05 02 00000000 07000000",
        "1E 05 09 01000000",
        "1E 05 39 02000000 01000000 07000000",
        "20 00 19 02000000 01 02",
        "46 05 03 0001",
        "1E 05 0B 01",
    ],
)
def test_a_qualifier_that_we_do_not_speak_hides_nothing_behind_it(unspoken: str) -> None:
    answer = filled().one(f"C0 01 {unspoken} 01 02 06")
    assert indications(answer) == Indication.PARAMETER_ERROR
    assert answer[4:] == bytes.fromhex("01 02 00 03 03 81")


@pytest.mark.parametrize("unspoken", ["1E 05 3B", "1E 05 5B 01 0000", "1E 05 0A", "1E 05 10 00", "1E 05 39 FFFFFFFF"])
def test_a_read_whose_end_cannot_be_told_is_refused_whole(unspoken: str) -> None:
    answer = filled().one(f"C0 01 01 02 06 {unspoken} 01 02 06")
    assert answer == bytes.fromhex("C0 81 00 04")


def test_points_nobody_fed_are_told_as_restarted_and_not_online() -> None:
    wire = wire_of([point(PointKind.ANALOG_INPUT, 0, data_type="int32")])
    assert body(wire.one("C0 01 3C 01 06")) == bytes.fromhex("1E 01 00 00 00 02 00000000")


def test_quality_travels_in_the_flags() -> None:
    wire = wire_of([point(PointKind.ANALOG_INPUT, 0, data_type="int16"), point(PointKind.BINARY_INPUT, 0)])
    wire.update({0: 5, 1: 1}, quality=Quality.ONLINE | Quality.LOCAL_FORCED)
    assert body(wire.one("C0 01 3C 01 06")) == bytes.fromhex("01 02 00 00 00 91 1E 02 00 00 00 11 0500")


def test_disabled_points_are_not_there() -> None:
    wire = wire_of([point(PointKind.ANALOG_INPUT, 0, enabled=False), point(PointKind.ANALOG_INPUT, 1)])
    assert body(wire.one("C0 01 3C 01 06"))[:5] == bytes.fromhex("1E 05 00 01 01")


def test_a_map_names_variations_point_by_point() -> None:
    wire = wire_of(
        [point(PointKind.ANALOG_INPUT, 1, static=2), point(PointKind.ANALOG_INPUT, 0, static=2), *[
            point(PointKind.ANALOG_INPUT, 2, static=4)
        ]]
    )  # fmt: skip
    wire.update({0: 11, 1: 10, 2: 12})
    assert body(wire.one("C0 01 3C 01 06")) == bytes.fromhex("1E 02 00 00 01 01 0A00 01 0B00 1E 04 00 02 02 0C00")


def test_a_large_answer_comes_in_fragments_each_confirmed() -> None:
    count = 1000
    wire = wire_of([point(PointKind.ANALOG_INPUT, n) for n in range(count)], max_fragment=2048)
    wire.update({n: float(n) for n in range(count)})
    first = wire.one("C5 01 3C 01 06")
    second = wire.one("C5 00")
    third = wire.one("C6 00")
    assert [f[0] for f in (first, second, third)] == [0xA5, 0x26, 0x47]
    assert max(len(first), len(second), len(third)) <= 2048
    values = b"".join(f[4 + 7 :] for f in (first, second, third))
    assert len(values) == count * 5
    assert struct.unpack_from("<f", values, 5 * 999 + 1) == (999.0,)
    assert wire.ask("C7 00") == []


def test_the_rest_of_an_answer_is_dropped_when_no_confirmation_comes() -> None:
    wire = wire_of([point(PointKind.ANALOG_INPUT, n) for n in range(1000)])
    wire.one("C5 01 3C 01 06")
    assert wire.core.deadline() == wire.now + 5.0
    assert wire.tick(5.0) == []
    assert wire.ask("C5 00") == []
    assert wire.statistics["solicited_confirms_missed"] == 1
    assert wire.core.deadline() is None


def test_a_confirmation_with_another_number_does_not_count() -> None:
    wire = wire_of([point(PointKind.ANALOG_INPUT, n) for n in range(1000)])
    wire.one("C5 01 3C 01 06")
    assert wire.ask("C6 00") == []
    assert wire.ask("D5 00") == []
    assert wire.statistics["unexpected_confirms"] == 2
    assert len(wire.ask("C5 00")) == 1


def test_a_new_request_ends_the_answer_before_it() -> None:
    wire = wire_of([point(PointKind.ANALOG_INPUT, n) for n in range(1000)])
    wire.one("C5 01 3C 01 06")
    assert wire.one("C6 01 3C 02 06") == bytes.fromhex("C6 81 00 00")
    assert wire.ask("C5 00") == []


def test_a_string_that_fills_an_object_fits_the_smallest_fragment() -> None:
    wire = wire_of([point(PointKind.STRING, n) for n in range(3)], max_fragment=300)
    wire.core.state.table.texts.update({0: "x" * 300, 1: "y", 2: "z" * 255})
    first = wire.one("C0 01 3C 01 06")
    assert first[4:6] == bytes([110, 255])
    second = wire.one("C0 00")
    assert second[0] & 0x40, "the last one"


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ("50 01 06", "50 01 00 00 0F 90 00"),
        ("50 00 00 00 0F", "50 01 00 00 0F 90 00"),
        ("50 01 00 07 07", "50 01 00 07 07 01"),
        ("50 01 01 0400 0500", "50 01 00 04 05 01"),
        ("50 01 00 04 0C", "50 01 00 04 0C 09 00"),
    ],
)
def test_the_indications_can_be_read_as_objects(objects: str, expected: str) -> None:
    wire = Wire(one_of_each(), replace(QUIET, trust_local_clock=False, need_time_s=0))
    wire.connect()
    answer = wire.one("C0 01" + objects)
    assert answer == bytes.fromhex("C0 81 90 00" + expected)


@pytest.mark.parametrize(
    ("objects", "told"), [("50 01 00 0E 10", "50 01 00 0E 0F 00"), ("50 01 00 10 10", ""), ("50 01 17 01 07", "")]
)
def test_there_are_sixteen_indications(objects: str, told: str) -> None:
    answer = wire_of(one_of_each()).one("C0 01" + objects)
    assert indications(answer) == Indication.PARAMETER_ERROR
    assert answer[4:] == bytes.fromhex(told)


@pytest.mark.parametrize("qualifier", ["06", "07 01"])
@pytest.mark.parametrize("variation", ["00", "01"])
def test_the_time_can_be_read(variation: str, qualifier: str) -> None:
    assert body(wire_of(one_of_each()).one(f"C0 01 32 {variation} {qualifier}")) == bytes.fromhex("32 01 07 01") + TIME


@pytest.mark.parametrize("qualifier", ["07 02", "00 00 00", "17 01 00"])
def test_there_is_one_time(qualifier: str) -> None:
    assert indications(filled().one("C0 01 32 01" + qualifier)) == Indication.PARAMETER_ERROR


@pytest.mark.parametrize("objects", ["32 02 06", "32 03 06", "32 04 06", "33 01 06", "34 02 06", "46 05 06"])
def test_what_is_no_point_and_not_held_is_unknown(objects: str) -> None:
    assert indications(filled().one("C0 01" + objects + "01 02 06")) == Indication.OBJECT_UNKNOWN
