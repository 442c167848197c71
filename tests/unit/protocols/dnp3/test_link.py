"""Link layer: frames of real conformance runs, resynchronisation, and what a secondary station answers."""

from collections import Counter
from dataclasses import replace

import pytest
from fastcrc.crc16 import dnp as crc
from hypothesis import given
from hypothesis import strategies as st

from protocols.dnp3.link import (
    BROADCAST_CONFIRM,
    DIR,
    FCB,
    FCV,
    MAX_FRAME_OCTETS,
    PRM,
    SELF_ADDRESS,
    Frame,
    FrameParser,
    LinkAddresses,
    LinkLayer,
    Primary,
    Secondary,
    build_frame,
)

# Procedure 8.2.1.2.2 of the DNP3 outstation conformance tests: a select and its answer
SELECT = bytes.fromhex("056418C4000401005B61 C0C0030C0117010181052C010000900136C6 000000FFFF")
ANSWER = bytes.fromhex("05641A4401000004A6F0 C0C08190000C0117010181052C0100002B94 900100000 0F1F6".replace(" ", ""))

MASTER = LinkAddresses(local=1, remote=1024, is_master=True)
OUTSTATION = LinkAddresses(local=1024, remote=1, is_master=False)


def link(addresses: LinkAddresses) -> tuple[LinkLayer, Counter[str]]:
    statistics: Counter[str] = Counter()
    return LinkLayer(addresses, statistics), statistics


def parser() -> tuple[FrameParser, Counter[str]]:
    statistics: Counter[str] = Counter()
    return FrameParser(statistics), statistics


def from_master(function: int, data: bytes = b"", *, flags: int = 0, destination: int = 1024, source: int = 1) -> bytes:
    return build_frame(DIR | PRM | flags | function, destination, source, data)


def answer(function: Secondary) -> bytes:
    return build_frame(function, 1, 1024)


def test_a_frame_of_a_conformance_run_is_parsed_and_built_the_same() -> None:
    feed, statistics = parser()
    [frame] = feed.feed(SELECT)
    assert frame == Frame(0xC4, 1024, 1, bytes.fromhex("C0C0030C0117010181052C0100009001000000"))
    assert build_frame(*frame) == SELECT
    assert statistics == {"frames_received": 1}


def test_frames_arrive_whole_however_they_are_cut() -> None:
    stream = SELECT + ANSWER + SELECT
    for size in range(1, len(stream)):
        feed, statistics = parser()
        frames = [f for at in range(0, len(stream), size) for f in feed.feed(stream[at : at + size])]
        assert [build_frame(*f) for f in frames] == [SELECT, ANSWER, SELECT]
        assert statistics == {"frames_received": 3}
        assert feed.held == 0


@pytest.mark.parametrize("garbage", [b"\x00", b"\x05", b"\x05\x64", b"\x05\x64\x05\xc0", b"\x05\x05", bytes(400)])
def test_garbage_before_a_frame_is_skipped_and_counted(garbage: bytes) -> None:
    feed, statistics = parser()
    assert [build_frame(*f) for f in feed.feed(garbage + SELECT)] == [SELECT]
    assert statistics["octets_skipped"] == len(garbage)


@pytest.mark.parametrize("at", range(len(SELECT)))
def test_a_damaged_frame_is_dropped_and_the_next_one_found(at: int) -> None:
    damaged = bytearray(SELECT)
    damaged[at] ^= 0x10
    feed, statistics = parser()
    assert [build_frame(*f) for f in feed.feed(bytes(damaged) + SELECT + ANSWER)][-2:] == [SELECT, ANSWER]
    assert statistics["frames_received"] == 2


def test_octets_lost_inside_a_frame_cost_that_frame_only() -> None:
    feed, _ = parser()
    frames = feed.feed(SELECT[:15] + SELECT + ANSWER)
    assert [build_frame(*f) for f in frames] == [SELECT, ANSWER]


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 32, 249, 250])
def test_every_size_of_user_data_survives(size: int) -> None:
    data = bytes(n & 0xFF for n in range(size))
    feed, _ = parser()
    octets = build_frame(0xC4, 7, 9, data)
    assert feed.feed(octets) == [Frame(0xC4, 7, 9, data)]
    assert len(octets) <= MAX_FRAME_OCTETS


@given(st.binary(max_size=250), st.integers(0, 255), st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_a_frame_is_its_header_and_blocks_of_sixteen_octets_each_with_its_crc(
    data: bytes, control: int, destination: int, source: int
) -> None:
    parts = [bytes((0x05, 0x64, len(data) + 5, control)) + (destination | source << 16).to_bytes(4, "little")]
    parts += [data[at : at + 16] for at in range(0, len(data), 16)]
    assert build_frame(control, destination, source, data) == b"".join(p + crc(p).to_bytes(2, "little") for p in parts)


def test_more_user_data_than_a_frame_holds_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="250"):
        build_frame(0xC4, 1, 2, bytes(251))


def test_an_endless_stream_of_starts_holds_less_than_a_frame() -> None:
    feed, _ = parser()
    for _ in range(200):
        feed.feed(b"\x05\x64\xff" * 50)
        assert feed.held < MAX_FRAME_OCTETS


def test_a_segment_passes_from_master_to_outstation_and_back() -> None:
    master, _ = link(MASTER)
    outstation, _ = link(OUTSTATION)
    assert outstation.receive(master.send(b"\xc0abc")) == ([b"\xc0abc"], b"")
    assert master.receive(outstation.send(b"\xc1def")) == ([b"\xc1def"], b"")


@pytest.mark.parametrize(
    ("octets", "counted"),
    [
        (from_master(Primary.UNCONFIRMED_USER_DATA, b"x", destination=5), "unknown_destination_frames"),
        (from_master(Primary.UNCONFIRMED_USER_DATA, b"x", source=2), "unknown_source_frames"),
        (build_frame(PRM | Primary.UNCONFIRMED_USER_DATA, 1024, 1, b"x"), "wrong_direction_frames"),
        (from_master(Primary.REQUEST_LINK_STATUS, destination=BROADCAST_CONFIRM), "unknown_destination_frames"),
        (from_master(Primary.CONFIRMED_USER_DATA, b"x"), "invalid_link_controls"),
        (from_master(Primary.UNCONFIRMED_USER_DATA), "empty_user_data_frames"),
        (from_master(5, b"x"), "invalid_link_controls"),  # procedure 6.6.2.2
        (from_master(0x0A, flags=FCV | FCB), "invalid_link_controls"),
        (from_master(Primary.UNCONFIRMED_USER_DATA, b"x", flags=FCV), "invalid_link_controls"),
    ],
)
def test_what_is_not_for_us_gets_no_answer_and_is_counted(octets: bytes, counted: str) -> None:
    outstation, statistics = link(OUTSTATION)
    assert outstation.receive_addressed(octets) == ([], b"")
    assert statistics[counted] == 1


@pytest.mark.parametrize("destination", [0xFFFD, 0xFFFE, 0xFFFF])
@pytest.mark.parametrize("control", [0xC4, 0xF3])  # procedure 8.6.5.4 broadcasts confirmed user data
def test_a_broadcast_reaches_outstations_with_its_address_and_gets_no_link_answer(
    destination: int, control: int
) -> None:
    octets = build_frame(control, destination, 1, b"\xc0x")
    outstation, _ = link(OUTSTATION)
    [[segment], reply] = outstation.receive_addressed(octets)
    assert (segment.data, segment.destination, segment.is_broadcast, reply) == (b"\xc0x", destination, True, b"")
    assert link(OUTSTATION)[0].receive(octets) == ([], b"")


def test_a_master_takes_no_broadcasts() -> None:
    master, _ = link(MASTER)
    assert master.receive_addressed(build_frame(PRM | 4, 0xFFFF, 1024, b"x")) == ([], b"")


def test_a_link_status_request_is_answered() -> None:
    # Procedures 6.4.2 and following of the conformance tests: 05 64 05 C9 00 04 01 00
    outstation, _ = link(OUTSTATION)
    master, counted = link(MASTER)
    _, reply = outstation.receive(master.request_link_status())
    assert reply == answer(Secondary.LINK_STATUS)
    assert master.receive(reply) == ([], b"")
    assert counted["link_answers_received"] == 1


def test_confirmed_data_before_a_reset_is_refused() -> None:
    outstation, _ = link(OUTSTATION)
    octets = from_master(Primary.CONFIRMED_USER_DATA, b"x", flags=FCV | FCB)
    assert outstation.receive(octets) == ([], answer(Secondary.NACK))


def test_confirmed_data_is_taken_once_and_acknowledged_each_time() -> None:
    outstation, statistics = link(OUTSTATION)
    ack = answer(Secondary.ACK)
    assert outstation.receive(from_master(Primary.RESET_LINK_STATES)) == ([], ack)
    one = from_master(Primary.CONFIRMED_USER_DATA, b"one", flags=FCV | FCB)
    two = from_master(Primary.CONFIRMED_USER_DATA, b"two", flags=FCV)
    assert outstation.receive(one) == ([b"one"], ack)
    assert outstation.receive(one) == ([], ack)
    assert outstation.receive(two) == ([b"two"], ack)
    assert outstation.receive(from_master(Primary.TEST_LINK_STATES, flags=FCV | FCB)) == ([], ack)
    assert outstation.receive(from_master(Primary.CONFIRMED_USER_DATA, b"three", flags=FCV)) == ([b"three"], ack)
    assert statistics["repeated_link_frames"] == 1


def test_the_self_address_reaches_an_outstation_that_has_it_enabled_and_is_answered_from_its_own() -> None:
    asking = from_master(Primary.REQUEST_LINK_STATUS, destination=SELF_ADDRESS)
    layer, statistics = link(OUTSTATION)
    assert layer.receive(asking) == ([], b"")
    assert statistics["unknown_destination_frames"] == 1
    enabled, _ = link(replace(OUTSTATION, self_address=True))
    assert enabled.receive(asking) == ([], answer(Secondary.LINK_STATUS))
    [segment], _ = enabled.receive_addressed(from_master(Primary.UNCONFIRMED_USER_DATA, b"x", destination=SELF_ADDRESS))
    assert segment.data == b"x"
    assert not segment.is_broadcast


def test_a_master_never_listens_to_the_self_address() -> None:
    layer, _ = link(replace(MASTER, self_address=True))
    assert layer.receive(build_frame(PRM | Primary.REQUEST_LINK_STATUS, SELF_ADDRESS, 1024)) == ([], b"")


def test_answers_of_the_peers_secondary_station_are_handed_on_with_their_time() -> None:
    layer, _ = link(MASTER)
    told: list[tuple[int, float]] = []

    def on_answer(control: int, now: float) -> bytes:
        told.append((control, now))
        return b"next"

    layer.on_answer = on_answer
    assert layer.receive(answer(Secondary.ACK), 7.0) == ([], b"next")
    assert layer.receive(build_frame(0x05, 1, 1024), 8.0) == ([], b"")
    assert told == [(Secondary.ACK, 7.0)]
