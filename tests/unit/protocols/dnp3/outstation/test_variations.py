"""Every variation of every static and event group, asked for by name and given by the map."""

import struct
from dataclasses import replace

import pytest

from protocols.dnp3.objects import FORMS, parse_headers
from tests.unit.protocols.dnp3.outstation.wire import CLEAR_RESTART, EPOCH_MS, QUIET, Wire, indications, point
from vppscada.model.points import PointKind
from vppscada.model.quality import Quality

BI, DI, AI = PointKind.BINARY_INPUT, PointKind.DOUBLE_BIT_INPUT, PointKind.ANALOG_INPUT
CT, BO, AO = PointKind.COUNTER, PointKind.BINARY_OUTPUT, PointKind.ANALOG_OUTPUT
#: The value of the point, which has index 3, in every kind.
VALUE = {BI: 1.0, DI: 2.0, AI: -2.0, CT: 7.0, BO: 1.0, AO: -2.0}
TIME = EPOCH_MS.to_bytes(6, "little").hex()
COMMON = f"33 01 07 01 {TIME}"
FLOAT, DOUBLE = struct.pack("<f", -2.0).hex(), struct.pack("<d", -2.0).hex()

#: (kind, group, variation) → an object without its index.
STATIC = {
    (BI, 1, 1): "01",
    (BI, 1, 2): "81",
    (DI, 3, 1): "02",
    (DI, 3, 2): "81",
    (BO, 10, 1): "01",
    (BO, 10, 2): "81",
    (CT, 20, 1): "01 07000000",
    (CT, 20, 2): "01 0700",
    (CT, 20, 5): "07000000",
    (CT, 20, 6): "0700",
    (AI, 30, 1): "01 FEFFFFFF",
    (AI, 30, 2): "01 FEFF",
    (AI, 30, 3): "FEFFFFFF",
    (AI, 30, 4): "FEFF",
    (AI, 30, 5): "01" + FLOAT,
    (AI, 30, 6): "01" + DOUBLE,
    (AO, 40, 1): "01 FEFFFFFF",
    (AO, 40, 2): "01 FEFF",
    (AO, 40, 3): "01" + FLOAT,
    (AO, 40, 4): "01" + DOUBLE,
}
_NUMERIC = ("FEFFFFFF", "FEFF", f"FEFFFFFF {TIME}", f"FEFF {TIME}", FLOAT, DOUBLE, FLOAT + TIME, DOUBLE + TIME)
EVENTS = {
    (BI, 2, 1): "81",
    (BI, 2, 2): "81" + TIME,
    (BI, 2, 3): "81 0000",
    (DI, 4, 1): "81",
    (DI, 4, 2): "81" + TIME,
    (DI, 4, 3): "81 0000",
    (BO, 11, 1): "81",
    (BO, 11, 2): "81" + TIME,
    (CT, 22, 1): "01 07000000",
    (CT, 22, 2): "01 0700",
    (CT, 22, 5): "01 07000000" + TIME,
    (CT, 22, 6): "01 0700" + TIME,
    **{(AI, 32, n): "01" + one for n, one in enumerate(_NUMERIC, 1)},
    **{(AO, 42, n): "01" + one for n, one in enumerate(_NUMERIC, 1)},
}


def wire_of(kind: PointKind, **more: int) -> Wire:
    """One point, told once as 0 and then as its value."""
    wire = Wire([point(kind, 3, event_class=1, **more)], QUIET)
    wire.connect()
    wire.one(CLEAR_RESTART)
    wire.update({0: 0.0}, time_ms=EPOCH_MS)
    wire.update({0: VALUE[kind]}, time_ms=EPOCH_MS)
    return wire


def test_no_variation_is_left_out() -> None:
    groups = {group for _, group, _ in (*STATIC, *EVENTS)}
    assert {key[1:] for key in (*STATIC, *EVENTS)} == {key for key in FORMS if key[0] in groups}


@pytest.mark.parametrize(("key", "octets"), STATIC.items())
@pytest.mark.parametrize(
    "qualifier", ["06", "00 03 03", "01 0300 0300", "17 01 03", "28 0100 0300", "07 01", "08 0100"]
)
def test_a_static_variation_is_told_with_whatever_qualifier_it_was_asked_for(
    key: tuple[PointKind, int, int], octets: str, qualifier: str
) -> None:
    kind, group, variation = key
    answer = wire_of(kind).one(f"C1 01 {group:02X} {variation:02X} {qualifier}")
    assert answer[4:] == bytes.fromhex(f"{group:02X} {variation:02X} 00 03 03 {octets}")


@pytest.mark.parametrize(("key", "octets"), STATIC.items())
def test_a_map_can_name_every_static_variation(key: tuple[PointKind, int, int], octets: str) -> None:
    kind, group, variation = key
    expected = bytes.fromhex(f"{group:02X} {variation:02X} 00 03 03 {octets}")
    wire = wire_of(kind, static=variation)
    assert wire.one(f"C1 01 {group:02X} 00 06")[4:] == expected
    assert wire.one("C2 01 3C 01 06")[4:] == expected


@pytest.mark.parametrize(
    ("kind", "request_", "expected"),
    [
        (BI, "01 01", "01 01 00 00 01 03 01 02 00 02 02 84 01 01 00 03 03 01"),
        (DI, "03 01", "03 01 00 00 01 05 03 02 00 02 02 44 03 01 00 03 03 01"),
        (BO, "0A 01", "0A 01 00 00 01 03 0A 02 00 02 02 84 0A 01 00 03 03 01"),
        (CT, "14 05", "14 05 00 00 01 01000000 01000000 14 01 00 02 02 04 01000000 14 05 00 03 03 01000000"),
        (CT, "14 06", "14 06 00 00 01 0100 0100 14 02 00 02 02 04 0100 14 06 00 03 03 0100"),
        (CT, "15 09", "15 09 00 00 01 01000000 01000000 15 01 00 02 02 04 01000000 15 09 00 03 03 01000000"),
        (CT, "15 0A", "15 0A 00 00 01 0100 0100 15 02 00 02 02 04 0100 15 0A 00 03 03 0100"),
        (AI, "1E 03", "1E 03 00 00 01 01000000 01000000 1E 01 00 02 02 04 01000000 1E 03 00 03 03 01000000"),
        (AI, "1E 04", "1E 04 00 00 01 0100 0100 1E 02 00 02 02 04 0100 1E 04 00 03 03 0100"),
        (AI, "1F 05", "1F 05 00 00 01 01000000 01000000 1F 01 00 02 02 04 01000000 1F 05 00 03 03 01000000"),
        (AI, "1F 06", "1F 06 00 00 01 0100 0100 1F 02 00 02 02 04 0100 1F 06 00 03 03 0100"),
    ],
)
def test_a_point_that_is_not_good_is_told_with_flags_where_its_variation_has_none(
    kind: PointKind, request_: str, expected: str
) -> None:
    wire = Wire([point(kind, n) for n in range(4)], QUIET)
    wire.connect()
    wire.one(CLEAR_RESTART)
    wire.update(dict.fromkeys(range(4), 1.0))
    wire.update({2: 1.0}, quality=Quality.COMM_LOST)
    wire.one("C1 07 14 00 06 1E 00 06")
    assert wire.one(f"C2 01 {request_} 06")[4:] == bytes.fromhex(expected)


def test_a_value_that_a_variation_without_flags_cannot_hold_is_told_as_over_range() -> None:
    wire = Wire([point(AI, 0), point(AI, 1)], QUIET)
    wire.update({0: 40_000.0, 1: 5.0})
    wire.connect()
    assert wire.one("C1 01 1E 04 06")[4:] == bytes.fromhex("1E 02 00 00 00 21 FF7F 1E 04 00 01 01 0500")


@pytest.mark.parametrize(("kind", "request_"), [(BI, "01 01 06"), (AI, "1E 03 06")])
def test_points_with_and_without_flags_share_fragments_without_loss(kind: PointKind, request_: str) -> None:
    wire = Wire([point(kind, n) for n in range(500)], replace(QUIET, max_fragment=300))
    wire.connect()
    for n in range(500):
        wire.update({n: 1.0}, quality=Quality.ONLINE if n % 7 else Quality.LOCAL_FORCED | Quality.ONLINE)
    answers, told = wire.ask(f"C0 01 {request_}"), []
    while answers:
        [fragment] = answers
        assert len(fragment) <= 300
        headers = parse_headers(fragment[4:], objects_follow=True)
        told += [(int(i), int(f) & 0x7F) for h in headers for i, f in zip(h.indexes(), h.flags(), strict=True)]
        answers = wire.ask(bytes([0xC0 | fragment[0] & 15, 0]))
    assert told == [(n, 0x01 if n % 7 else 0x11) for n in range(500)]


def event(group: int, variation: int, octets: str) -> bytes:
    common = COMMON if (group, variation) in ((2, 3), (4, 3)) else ""
    return bytes.fromhex(f"{common} {group:02X} {variation:02X} 17 01 03 {octets}")


@pytest.mark.parametrize(("key", "octets"), EVENTS.items())
@pytest.mark.parametrize("qualifier", ["06", "07 05", "08 0100"])
def test_an_event_variation_is_told_where_it_is_asked_for(
    key: tuple[PointKind, int, int], octets: str, qualifier: str
) -> None:
    kind, group, variation = key
    answer = wire_of(kind).one(f"C1 01 {group:02X} {variation:02X} {qualifier}")
    assert answer[4:] == event(group, variation, octets)


@pytest.mark.parametrize(("key", "octets"), EVENTS.items())
def test_a_map_can_name_every_event_variation(key: tuple[PointKind, int, int], octets: str) -> None:
    kind, group, variation = key
    wire = wire_of(kind, event=variation)
    assert wire.one("C1 01 3C 02 06")[4:] == event(group, variation, octets)
    assert wire.one(f"C2 01 {group:02X} 00 06")[4:] == event(group, variation, octets)


@pytest.mark.parametrize("group", [2, 4, 11, 13, 22, 23, 32, 33, 42, 43, 111])
@pytest.mark.parametrize("qualifier", ["00 00 05", "01 0000 0500", "17 01 03", "28 0100 0300"])
def test_events_are_not_read_by_index(group: int, qualifier: str) -> None:
    answer = wire_of(BI).one(f"C1 01 {group:02X} 00 {qualifier}")
    assert answer[4:] == b""
    assert indications(answer) & 0xFF00 == 0x0400
