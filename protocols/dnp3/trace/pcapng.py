"""The blocks of a pcapng file that a trace is written with. Pure. Little-endian, microseconds, raw IP packets.

Our own, because a writer is forty lines and sits on the way of every octet.
"""

import struct

SECTION_HEADER = 0x0A0D0D0A
INTERFACE = 1
ENHANCED_PACKET = 6
BYTE_ORDER_MAGIC = 0x1A2B3C4D
#: Link type of packets that begin with their IP header.
RAW_IP = 101
_OPTION_APPLICATION, _OPTION_NAME, _OPTION_DESCRIPTION = 4, 2, 3
_COMMENT = 1


def section(application: str, name: str, description: str) -> bytes:
    """What every file begins with: one section, and in it one interface."""
    header = struct.pack("<IHHq", BYTE_ORDER_MAGIC, 1, 0, -1) + _options({_OPTION_APPLICATION: application})
    interface = struct.pack("<HHI", RAW_IP, 0, 0) + _options({_OPTION_NAME: name, _OPTION_DESCRIPTION: description})
    return _block(SECTION_HEADER, header) + _block(INTERFACE, interface)


def packet(time_us: int, octets: bytes, comment: str = "") -> bytes:
    """One packet of the section's interface; ``time_us`` is UTC microseconds."""
    size = len(octets)
    head = struct.pack("<IIIII", 0, time_us >> 32, time_us & 0xFFFFFFFF, size, size)
    return _block(ENHANCED_PACKET, head + octets + b"\0" * (-size % 4) + _options({_COMMENT: comment}))


def _block(kind: int, body: bytes) -> bytes:
    size = (len(body) + 12).to_bytes(4, "little")
    return kind.to_bytes(4, "little") + size + body + size


def _options(options: dict[int, str]) -> bytes:
    """Options with their end mark; nothing where none has a text."""
    parts = []
    for code, text in options.items():
        octets = text.encode()[:0xFFF0]
        if octets:
            parts.append(struct.pack("<HH", code, len(octets)) + octets + b"\0" * (-len(octets) % 4))
    return b"".join(parts) + b"\0\0\0\0" if parts else b""
