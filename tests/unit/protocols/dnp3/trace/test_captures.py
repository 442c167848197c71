"""Captures are read in either format and byte order, in any pieces, and what is broken is said with its place."""

import struct

import pytest

from protocols.dnp3.trace.captures import CaptureReader, Fault, Packet, is_capture
from protocols.dnp3.trace.pcapng import packet, section
from tests.unit.protocols.dnp3.captures import FOLDER

TIME_US = 1_700_000_000_123_456


def read(octets: bytes, size: int = 7) -> list[Packet | Fault]:
    """Everything in a capture that comes in pieces of so many octets."""
    reader = CaptureReader()
    found = [one for at in range(0, len(octets), size) for one in reader.feed(octets[at : at + size])]
    return [*found, *reader.finish()]


def pcap(order: str, magic: int, records: list[tuple[int, int, bytes]], network: int = 101) -> bytes:
    head = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, network)
    return head + b"".join(struct.pack(order + "IIII", s, p, len(o), len(o)) + o for s, p, o in records)


def block(order: str, kind: int, body: bytes) -> bytes:
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


def pcapng(order: str, *blocks: bytes) -> bytes:
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)) + b"".join(blocks)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "part", "ns"), [(0xA1B2C3D4, 5, 5_000), (0xA1B23C4D, 5, 5)])
def test_a_pcap_of_either_byte_order_and_resolution(order: str, magic: int, part: int, ns: int) -> None:
    octets = pcap(order, magic, [(3, part, b"abc"), (4, part, b"")])
    assert is_capture(octets)
    assert read(octets) == [Packet(3_000_000_000 + ns, 101, b"abc"), Packet(4_000_000_000 + ns, 101, b"")]


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_pcapng_of_either_byte_order(order: str) -> None:
    resolution = struct.pack(order + "HHB3x", 9, 1, 9) + struct.pack(order + "HHq", 14, 8, 10) + b"\0\0\0\0"
    octets = pcapng(
        order,
        block(order, 1, struct.pack(order + "HHI", 1, 0, 0)),
        block(order, 1, struct.pack(order + "HHI", 101, 0, 0) + resolution),
        block(order, 6, struct.pack(order + "IIIII", 0, 0, 7, 3, 3) + b"abc\0"),
        block(order, 6, struct.pack(order + "IIIII", 1, 1, 2, 1, 1) + b"d\0\0\0"),
        block(order, 5, b"\0" * 12),
        block(order, 3, struct.pack(order + "I", 2) + b"ef\0\0"),
        block(order, 2, struct.pack(order + "HHIIII", 0, 0, 0, 9, 1, 1) + b"g\0\0\0"),
    )
    assert read(octets) == [
        Packet(7_000, 1, b"abc"),
        Packet((1 << 32) + 2 + 10_000_000_000, 101, b"d"),
        Packet(None, 1, b"ef"),
        Packet(9_000, 1, b"g"),
    ]


def test_what_we_write_we_read() -> None:
    octets = section("vppscada", "channel", "tcp 127.0.0.1:20000") + packet(TIME_US, b"abcde", "a comment")
    assert read(octets * 2) == [Packet(TIME_US * 1000, 101, b"abcde")] * 2


def test_recorded_captures_give_the_same_in_any_pieces() -> None:
    octets = (FOLDER / "7.2.pcap").read_bytes()
    assert read(octets, 1) == read(octets, 100_000)
    assert all(isinstance(one, Packet) for one in read(octets, 1000))


@pytest.mark.parametrize(
    ("octets", "offset", "reason"),
    [
        (b"MZ\x90\x00", 0, "neither pcap nor pcapng"),
        (pcap("<", 0xA1B2C3D4, [(1, 1, b"abc")])[:-1], 24, "in the middle: 18 octets"),
        (pcap("<", 0xA1B2C3D4, []) + struct.pack("<IIII", 0, 0, 0xFFFFFFFF, 0), 24, "a packet of 4294967295 octets"),
        (pcapng("<", block("<", 6, bytes(20))), 28, "interface 0, which is not described"),
        (pcapng("<", block("<", 6, bytes(4))), 28, "type 6 that is too short"),
        (pcapng("<") + struct.pack("<III", 6, 13, 0), 28, "a block of 13 octets"),
        (struct.pack("<III", 0x0A0D0D0A, 28, 0x11111111), 0, "without a byte order"),
    ],
)
def test_what_is_broken_is_said_with_its_place(octets: bytes, offset: int, reason: str) -> None:
    fault = read(octets)[-1]
    assert isinstance(fault, Fault)
    assert fault.offset == offset
    assert reason in fault.reason


def test_nothing_is_read_after_a_fault() -> None:
    reader = CaptureReader()
    assert [type(one) for one in reader.feed(b"garbage" * 100)] == [Fault]
    assert list(reader.feed(section("a", "b", "c"))) == []
    assert list(reader.finish()) == []
