"""What a hostile peer sends: each name a stream of octets that has no end. Used by the scenario and the measurement."""

import random
from collections.abc import Callable, Iterator

from tests.fuzz.reference import frame

OUTSTATION, MASTER = 10, 1
_EVERYTHING = bytes.fromhex("01 3C 02 06 3C 03 06 3C 04 06 3C 01 06")
_TEN_EVENTS = bytes.fromhex("20 07 28 0A00") + b"".join(
    n.to_bytes(2, "little") + bytes.fromhex("01 0000C03F 0048E1709B01") for n in range(10)
)
#: A select whose operate never follows, and operates that follow no select.
_OBJECT = bytes.fromhex("0C 01 17 01 00 03 01 00000000 00000000 00")


def _to_outstation(fragment: bytes, control: int = 0xC4, header: int = 0xC0, source: int = MASTER) -> bytes:
    return frame(control, OUTSTATION, source, bytes((header,)) + fragment)


def _to_master(fragment: bytes, header: int = 0xC0) -> bytes:
    return frame(0x44, MASTER, OUTSTATION, bytes((header,)) + fragment)


def reads() -> Iterator[bytes]:
    """Reads of everything, one after another, as fast as they can be sent."""
    while True:
        for sequence in range(16):
            yield _to_outstation(bytes((0xC0 | sequence,)) + _EVERYTHING)


def endless_fragments() -> Iterator[bytes]:
    """A fragment that never ends, and once in a while another one in its place."""
    yield _to_outstation(bytes(249), header=0x40)
    while True:
        for sequence in range(1, 64):
            yield _to_outstation(bytes(249), header=sequence)
        yield _to_outstation(bytes(249), header=0x40)


def wrong_sequences() -> Iterator[bytes]:
    """Segments and operates that follow nothing, confirmations of what was never sent."""
    while True:
        for sequence in range(0, 64, 7):
            yield _to_outstation(b"\xc0\x17", header=0x80 | sequence)
            yield _to_outstation(bytes((0xC0 | sequence & 15, 4)) + _OBJECT)
            yield _to_outstation(bytes((0xC0 | sequence & 31, 0)))


def garbage() -> Iterator[bytes]:
    """Noise in which starts of frames are frequent."""
    chance = random.Random(1)
    while True:
        yield chance.randbytes(200) + b"\x05\x64" + chance.randbytes(8) + b"\x05\x64\xff" + b"\x05"


def strangers() -> Iterator[bytes]:
    """Right frames from nobody that the outstation knows."""
    while True:
        for source in range(100, 200):
            yield _to_outstation(b"\xc0\x05" + _OBJECT, source=source)


def link_floods() -> Iterator[bytes]:
    """Every link function, answers to which are wanted."""
    while True:
        for control in (0xC0, 0xD2, 0xF2, 0xC9, 0xF3, 0xD3, 0xCB, 0x80):
            yield frame(control, OUTSTATION, MASTER)


def selects() -> Iterator[bytes]:
    """Selects that nothing follows, operates that differ from them in one octet."""
    while True:
        for sequence in range(0, 16, 2):
            yield _to_outstation(bytes((0xC0 | sequence, 3)) + _OBJECT)
            yield _to_outstation(bytes((0xC0 | sequence + 1, 4)) + _OBJECT[:6] + b"\x04" + _OBJECT[7:])


def unsolicited() -> Iterator[bytes]:
    """Unsolicited responses with events, each to be confirmed, without pause."""
    while True:
        for sequence in range(16):
            yield _to_master(bytes((0xF0 | sequence, 0x82, 0, 0)) + _TEN_EVENTS)


def responses() -> Iterator[bytes]:
    """Responses that nobody asked for, with wrong sequences, some of them without end."""
    while True:
        for sequence in range(16):
            yield _to_master(bytes((0x80 | sequence, 0x81, 0xFF, 0x3F)) + _TEN_EVENTS)
            yield _to_master(bytes((sequence, 0x81, 0, 0)) + _TEN_EVENTS)


def link_frames() -> Iterator[bytes]:
    """Every link function an outstation may send, answers to which are wanted."""
    while True:
        for control in (0x40, 0x52, 0x72, 0x49, 0x0B, 0x00, 0x01):
            yield frame(control, MASTER, OUTSTATION)


#: Against an outstation, and against a master.
AGAINST_OUTSTATION: dict[str, Callable[[], Iterator[bytes]]] = {
    "reads": reads,
    "endless_fragments": endless_fragments,
    "wrong_sequences": wrong_sequences,
    "garbage": garbage,
    "strangers": strangers,
    "link_floods": link_floods,
    "selects": selects,
}
AGAINST_MASTER: dict[str, Callable[[], Iterator[bytes]]] = {
    "unsolicited": unsolicited,
    "responses": responses,
    "link_frames": link_frames,
    "noise": garbage,
}


def chunk(stream: Iterator[bytes], size: int) -> bytes:
    """At least so many octets of a stream."""
    octets = bytearray()
    while len(octets) < size:
        octets += next(stream)
    return bytes(octets)
