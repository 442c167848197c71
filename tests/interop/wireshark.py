"""Frames as packets of a capture, and what tshark says of them."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

from protocols.dnp3.trace.packets import ACK, DNP3_PORT, PUSH, Place, tcp_packet
from protocols.dnp3.trace.pcapng import packet, section

MASTER, OUTSTATION = "192.0.2.1", "192.0.2.2"
_FIRST_PORT = 40000

#: tshark looks for user data in every frame but reset, ACK and link status, and calls a NACK or a test of the link
#: malformed for having none. Such frames are ten octets whose CRC it does check.
_WITH_DATA = " && dnp3.len > 5"
#: What must match nothing in a capture of ours. Each is seen to match in `test_tshark`. A frame whose header's CRC is
#: wrong is not taken for DNP3 at all.
FAULTS = {
    "malformed": "_ws.malformed" + _WITH_DATA,
    "no DNP3, or bad CRC of a header": "tcp.len > 0 && !dnp3",
    "bad CRC of a data chunk": "dnp3.data_chunk.CRC.incorrect",
    "an expert's error": "_ws.expert.severity == 8388608" + _WITH_DATA,
}


class Capture:
    """A capture file that grows: conversations of a master with an outstation, a connection each."""

    def __init__(self) -> None:
        self._octets = [section("tests", "wire", "loopback")]
        self._connections = 0
        self.packets = 0

    def conversation(self) -> "Conversation":
        """A connection of its own."""
        self._connections += 1
        return Conversation(self, _FIRST_PORT + self._connections)

    def add(self, octets: bytes) -> None:
        """One IP packet."""
        self.packets += 1
        self._octets.append(packet(self.packets, octets))

    def write(self, path: Path) -> Path:
        """The file."""
        path.write_bytes(b"".join(self._octets))
        return path


class Conversation:
    """One connection."""

    def __init__(self, capture: Capture, port: int) -> None:
        self._capture = capture
        self._ends = Place(MASTER, port), Place(OUTSTATION, DNP3_PORT)
        self._sequences = [1, 1]

    def from_master(self, octets: bytes) -> None:
        """The master sent these."""
        self._carry(0, octets)

    def from_outstation(self, octets: bytes) -> None:
        """The outstation sent these."""
        self._carry(1, octets)

    def _carry(self, side: int, octets: bytes) -> None:
        source, destination = self._ends[side], self._ends[1 - side]
        sequence, answer = self._sequences[side], self._sequences[1 - side]
        self._capture.add(tcp_packet(source, destination, sequence, answer, PUSH | ACK, octets))
        self._sequences[side] += len(octets)


def tshark(path: Path, shown: str, fields: Iterable[str] = ("frame.number",)) -> list[list[str]]:
    """The fields of every packet that a display filter lets pass; several values of one with commas between."""
    wanted = [word for field in fields for word in ("-e", field)]
    command = ["tshark", "-r", str(path), "-d", "tcp.port==20000,dnp3", "-Y", shown, "-T", "fields", *wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return [line.split("\t") for line in done.stdout.splitlines()]


def faults(path: Path) -> dict[str, list[list[str]]]:
    """The packets that each filter of `FAULTS` finds; empty if all is well."""
    found = {name: tshark(path, shown) for name, shown in FAULTS.items()}
    return {name: packets for name, packets in found.items() if packets}
