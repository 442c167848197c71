"""Packets are built with right lengths and checksums, and taken apart on every link type that captures come with."""

import pytest

from protocols.dnp3.trace.packets import (
    ACK,
    PUSH,
    SYN,
    TCP,
    UDP,
    NoSegment,
    Place,
    Segment,
    checksum,
    segment_of,
    tcp_packet,
    udp_packet,
)  # fmt: skip
from protocols.dnp3.trace.streams import Piece, Streams

HERE, THERE = Place("192.0.2.1", 20000), Place("192.0.2.2", 49152)
RAW = 101


def test_a_tcp_packet_is_read_as_it_was_built_and_its_checksums_hold() -> None:
    made = tcp_packet(HERE, THERE, 0x1_0000_0005, 7, PUSH | ACK, b"abc")
    assert segment_of(RAW, made) == Segment(HERE, THERE, TCP, 5, PUSH | ACK, b"abc")
    assert checksum(made[:20]) == 0
    assert checksum(made[12:20] + bytes((0, TCP, 0, 23)) + made[20:]) == 0


def test_a_udp_packet_is_read_as_it_was_built_and_its_checksums_hold() -> None:
    made = udp_packet(HERE, THERE, b"abcd")
    assert segment_of(RAW, made) == Segment(HERE, THERE, UDP, 0, 0, b"abcd")
    assert checksum(made[:20]) == 0
    assert checksum(made[12:20] + bytes((0, UDP, 0, 12)) + made[20:]) == 0


@pytest.mark.parametrize(
    ("link_type", "before"),
    [
        (0, b"\x02\0\0\0"),
        (1, bytes(12) + b"\x08\0"),
        (1, bytes(12) + b"\x81\0\0\x05\x08\0"),
        (12, b""),
        (113, bytes(14) + b"\x08\0"),
        (228, b""),
        (276, b"\x08\0" + bytes(18)),
    ],
)
def test_every_link_type_leads_to_the_same_segment(link_type: int, before: bytes) -> None:
    made = udp_packet(HERE, THERE, b"abcd")
    found = segment_of(link_type, before + made + b"padding" * (link_type == 1))
    assert found is not None
    assert found.payload == b"abcd"


def test_ipv6_is_read() -> None:
    head = bytes((0x60, 0, 0, 0, 0, 10, UDP, 64)) + bytes(15) + b"\x01" + bytes(15) + b"\x02"
    found = segment_of(RAW, head + b"\x4e\x20\x00\x07\x00\x0a\x00\x00ab")
    assert found == Segment(Place("::1", 20000), Place("::2", 7), UDP, 0, 0, b"ab")
    assert str(found.source) == "[::1]:20000"


def test_what_is_no_tcp_or_udp_is_passed_over() -> None:
    assert segment_of(1, bytes(12) + b"\x08\x06" + bytes(28)) is None
    icmp = bytearray(udp_packet(HERE, THERE, b"abcd"))
    icmp[9] = 1
    assert segment_of(RAW, bytes(icmp)) is None
    assert segment_of(RAW, b"\x00" * 40) is None


@pytest.mark.parametrize("link_type", [RAW, 1, 147])
def test_a_packet_cut_short_or_of_an_unknown_link_type_says_so(link_type: int) -> None:
    made = (bytes(12) + b"\x08\0" if link_type == 1 else b"") + udp_packet(HERE, THERE, b"abcd")
    for cut in range(1 + 14 * (link_type == 1), len(made)):
        with pytest.raises(NoSegment):
            segment_of(link_type, made[:cut])


def segment(sequence: int, payload: bytes, flags: int = ACK) -> Segment:
    return Segment(HERE, THERE, TCP, sequence, flags, payload)


def test_what_tcp_repeats_is_left_out_and_what_is_missing_is_said() -> None:
    streams = Streams()
    assert streams.take(segment(9, b"", SYN)) is None
    assert streams.take(segment(10, b"abc")) == Piece(HERE, THERE, b"abc")
    assert streams.take(segment(10, b"abc")) is None
    assert streams.take(segment(12, b"cde")) == Piece(HERE, THERE, b"de")
    assert streams.take(segment(12, b"")) is None
    assert streams.take(segment(19, b"x")) == Piece(HERE, THERE, b"x", missing=4)


def test_sequence_numbers_wrap_and_streams_begin_in_the_middle() -> None:
    streams = Streams()
    assert streams.take(segment(0xFFFFFFFF, b"ab")) == Piece(HERE, THERE, b"ab", fresh=True)
    assert streams.take(segment(1, b"c")) == Piece(HERE, THERE, b"c")
