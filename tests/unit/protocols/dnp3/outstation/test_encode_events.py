"""The order of events on the wire, their headers and common times, and how they share fragments."""

import numpy as np
import pytest

from protocols.dnp3.objects import ObjectHeader, parse_headers
from protocols.dnp3.outstation.categories import CATEGORIES
from protocols.dnp3.outstation.encode_events import encode_events
from protocols.dnp3.outstation.events import EVENT, EventArray
from tests.unit.protocols.dnp3.outstation.wire import EPOCH_MS
from vppscada.model.quality import Quality, TimeQuality

BI, DI, AI, CT, BO, AO, STRING, FCT, FAI, BOC, AOC = range(len(CATEGORIES))
NARROW = [1] * len(CATEGORIES)
WIDE = [2] * len(CATEGORIES)
#: (category, variation, index, value, time after the epoch in ms)
Event = tuple[int, int, int, float, int]


def buffered(*events: Event, synchronised: bool = True) -> EventArray:
    made = np.zeros(len(events), dtype=EVENT)
    for position, (kind, variation, index, value, time_ms) in enumerate(events):
        one = made[position]
        one["id"], one["kind"], one["variation"], one["index"], one["value"] = position, kind, variation, index, value
        one["time_ms"], one["quality"] = EPOCH_MS + time_ms, Quality.ONLINE
        one["time_quality"] = TimeQuality.SYNCHRONISED if synchronised else TimeQuality.UNSYNCHRONISED
    return made


def encoded(events: EventArray, room: int = 2000, widths: list[int] = NARROW, variation: int = 0) -> bytes:
    octets, used = encode_events(events, variation, room, widths, {})
    assert used == len(events)
    return octets


def in_wire_order(octets: bytes) -> list[tuple[int, int, int, float, int]]:
    """(group, variation, index, value, time after the epoch) as a master reads them, common times applied."""
    read: list[tuple[int, int, int, float, int]] = []
    common = 0
    for header in parse_headers(octets, objects_follow=True):
        if header.group == 51:
            common = int(header.times_ms()[0])
            continue
        assert header.form is not None
        base = common if header.form.has_relative_time else 0
        for index, value, time in zip(header.indexes(), header.values(), header.times_ms() + base, strict=True):
            read.append((header.group, header.variation, int(index), float(value), int(time) - EPOCH_MS))
    return read


def headers(octets: bytes) -> tuple[ObjectHeader, ...]:
    return parse_headers(octets, objects_follow=True)


INTERLEAVED: tuple[Event, ...] = (
    (BI, 2, 1, 1, 0),
    (AI, 7, 1, 2.5, 1),
    (BI, 2, 1, 0, 2),
    (BI, 3, 2, 1, 3),
    (CT, 5, 9, 7, 4),
    (DI, 3, 4, 2, 5),
    (BI, 3, 2, 0, 70_000),
    (BI, 2, 1, 1, 70_001),
    (DI, 2, 4, 1, 70_002),
)


@pytest.mark.parametrize("widths", [NARROW, WIDE])
def test_a_master_that_reads_in_wire_order_gets_the_order_of_occurrence_across_kinds(widths: list[int]) -> None:
    groups = {BI: 2, DI: 4, AI: 32, CT: 22}
    expected = [(groups[kind], variation, index, value, time) for kind, variation, index, value, time in INTERLEAVED]
    assert in_wire_order(encoded(buffered(*INTERLEAVED), widths=widths)) == expected


def test_random_events_of_all_kinds_come_out_as_they_went_in_whatever_the_room() -> None:
    random = np.random.default_rng(1815)
    kinds = {BI: (2, (1, 2, 3)), DI: (4, (1, 2, 3)), AI: (32, tuple(range(1, 9))), CT: (22, (1, 2, 5, 6))}
    kinds |= {BO: (11, (1, 2)), AO: (42, tuple(range(1, 9))), FCT: (23, (1, 2, 5, 6)), FAI: (33, tuple(range(1, 9)))}
    for _ in range(50):
        chosen = random.choice(list(kinds), size=400, p=[0.3] + [0.1] * 7)
        times = np.cumsum(random.choice([0, 1, 40_000, 70_000], size=400, p=[0.5, 0.4, 0.08, 0.02]))
        wide = random.random() < 0.5
        widths = [int(w) for w in random.integers(1, 3, size=len(CATEGORIES))]
        events = [
            (int(k), int(random.choice(kinds[int(k)][1])), int(random.integers(0, 300 if wide else 200)), 1.0, int(t))
            for k, t in zip(chosen, times, strict=True)
        ]
        left, read = buffered(*events), []
        while len(left):
            room = int(random.integers(60, 2044))
            octets, used = encode_events(left, 0, room, widths, {})
            assert used > 0
            assert len(octets) <= room
            read += in_wire_order(octets)
            left = left[used:]
        assert [r[:3] for r in read] == [(kinds[k][0], v, i) for k, v, i, _, _ in events]
        assert all(r[4] in (e[4], -EPOCH_MS) for r, e in zip(read, events, strict=True)), "its time, or none"


def test_events_of_one_kind_in_a_row_share_a_header() -> None:
    octets = encoded(buffered((BI, 1, 1, 1, 0), (BI, 1, 2, 1, 0), (AI, 2, 3, 4, 0), (BI, 1, 1, 0, 0)))
    assert octets == bytes.fromhex("02 01 17 02 01 81 02 81 20 02 17 01 03 01 0400 02 01 17 01 01 01")


def test_a_header_with_one_octet_for_its_count_has_at_most_255_events() -> None:
    events = buffered(*[(BI, 1, n % 200, 1, 0) for n in range(600)])
    assert [(h.qualifier, h.count) for h in headers(encoded(events))] == [(0x17, 255), (0x17, 255), (0x17, 90)]
    assert [(h.qualifier, h.count) for h in headers(encoded(events, widths=WIDE, room=3000))] == [(0x28, 600)]


def test_an_index_that_a_former_map_had_widens_its_kind_only() -> None:
    octets = encoded(buffered((BI, 1, 1, 1, 0), (AI, 2, 3, 4, 0), (BI, 1, 256, 0, 0)))
    assert octets == bytes.fromhex("02 01 28 0100 0100 81 20 02 17 01 03 01 0400 02 01 28 0100 0001 01")


def test_a_common_time_serves_65_535_ms_and_one_quality_of_time() -> None:
    near = buffered((BI, 3, 0, 1, 0), (BI, 3, 0, 0, 65_535), (BI, 3, 0, 1, 65_536), (BI, 3, 0, 0, 65_530))
    assert [(h.group, h.variation, h.count) for h in headers(encoded(near))] == [
        (51, 1, 1), (2, 3, 2), (51, 1, 1), (2, 3, 1), (51, 1, 1), (2, 3, 1)
    ]  # fmt: skip
    near["time_ms"] = EPOCH_MS
    near["time_quality"][2:] = TimeQuality.UNSYNCHRONISED
    assert [(h.group, h.variation, h.count) for h in headers(encoded(near))] == [
        (51, 1, 1), (2, 3, 2), (51, 2, 1), (2, 3, 2)
    ]  # fmt: skip


def test_one_common_time_serves_both_kinds_that_have_relative_times() -> None:
    octets = encoded(buffered((BI, 3, 1, 1, 0), (DI, 3, 2, 2, 10), (BI, 3, 1, 0, 20)))
    assert [h.group for h in headers(octets)] == [51, 2, 4, 2]
    assert [r[4] for r in in_wire_order(octets)] == [0, 10, 20]


@pytest.mark.parametrize("room", [0, 3, 14])
def test_nothing_is_written_where_not_even_one_event_fits(room: int) -> None:
    assert encode_events(buffered((AI, 8, 1, 1, 0)), 0, room, NARROW, {}) == (b"", 0)


def test_strings_come_one_by_one_with_their_length_as_variation() -> None:
    events = buffered((STRING, 0, 5, np.nan, 0), (BI, 1, 1, 1, 0), (STRING, 0, 6, np.nan, 0))
    octets, used = encode_events(events, 0, 100, NARROW, {0: "on", 2: ""})
    assert used == 3
    assert octets == bytes.fromhex("6F 02 17 01 05 6F6E 02 01 17 01 01 81 6F 01 17 01 06 00")


@pytest.mark.parametrize(
    ("variation", "value", "expected"),
    [
        (1, 1, "0D 01 17 01 03 84"),
        (2, 0, f"0D 02 17 01 03 04 {EPOCH_MS.to_bytes(6, 'little').hex()}"),
    ],
)
def test_binary_command_events_tell_state_and_status(variation: int, value: float, expected: str) -> None:
    events = buffered((BOC, variation, 3, value, 0))
    events["quality"] = 4
    assert encoded(events) == bytes.fromhex(expected)


def test_analog_command_events_tell_status_and_value() -> None:
    events = buffered(*[(AOC, variation, 3, 1e9, 0) for variation in range(1, 9)])
    events["quality"] = 12
    read = headers(encoded(events))
    assert [h.group for h in read] == [43] * 8
    assert all(h.records is not None and h.records["status"].tolist() == [12] for h in read)
    assert [h.values().tolist()[0] for h in read] == [1e9, 32767, 1e9, 32767, 1e9, 1e9, 1e9, 1e9]
