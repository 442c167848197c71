"""Reading the captures of tests/data/dnp3_conformance: classic pcap, loopback link type, TCP over IPv4."""

import struct
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "data" / "dnp3_conformance"
OUTSTATION_PORT = 20000
_SYN = 0x02

#: (True if the master sent them, octets), one entry per TCP segment with data.
Conversation = list[tuple[bool, bytes]]


def conversations(procedure: str) -> list[Conversation]:
    """What was said on each TCP connection of one capture, in order."""
    data = (FOLDER / f"{procedure}.pcap").read_bytes()
    assert data[:4] == b"\xd4\xc3\xb2\xa1", "little-endian classic pcap"
    said: list[Conversation] = []
    expected: dict[bool, int] = {}  # TCP sequence number of the next octet, by direction
    at = 24
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at + 8)
        packet = data[at + 16 + 4 : at + 16 + size]  # without the 4 octets of the loopback header
        at += 16 + size
        _add(packet, said, expected)
    return said


def _add(packet: bytes, said: list[Conversation], expected: dict[bool, int]) -> None:
    header = (packet[0] & 15) * 4
    (total,) = struct.unpack_from(">H", packet, 2)
    source, destination = struct.unpack_from(">HH", packet, header)
    from_master = destination == OUTSTATION_PORT
    assert from_master or source == OUTSTATION_PORT
    (sequence,) = struct.unpack_from(">I", packet, header + 4)
    if packet[header + 13] & _SYN:
        expected[from_master] = sequence + 1
        if from_master:
            said.append([])
        return
    octets = packet[header + (packet[header + 12] >> 4) * 4 : total]
    octets = octets[expected[from_master] - sequence :]  # less what TCP repeated (keep-alives carry an old octet)
    expected[from_master] += len(octets)
    if octets:
        said[-1].append((from_master, octets))
