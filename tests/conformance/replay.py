"""A recorded run played to our outstation: the tester's frames go in, and what comes out stands beside what came out then."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from protocols.dnp3.link import FrameParser
from protocols.dnp3.transport import Reassembler
from tests.conformance.device import KINDS, SETTINGS, Device
from tests.conformance.runs import Noted, Sent, Updated, run
from tests.unit.protocols.dnp3.captures import conversations
from vppscada.model.points import PointKind

#: What an outstation says: a fragment, or the control octet of a frame without data.
Said = bytes | int
#: How many octets the tester had sent when the outstation said it, and what.
Timed = tuple[int, Said]

_UNINSTALLED = {
    "all Binary Output points": PointKind.BINARY_OUTPUT,
    "all Analog Output points": PointKind.ANALOG_OUTPUT,
    "all Binary Input points": PointKind.BINARY_INPUT,
    "all Double-bit Binary Input points": PointKind.DOUBLE_BIT_INPUT,
    "all Binary Counter points": PointKind.COUNTER,
}
_MASTER = re.compile(r"transmit unsolicited responses to master address (\d+)")


class Player:
    """Plays one run."""

    def __init__(self, procedure: str) -> None:
        self.entries = run(procedure)
        self.settings = SETTINGS
        self.without: PointKind | None = None
        self.sent = 0
        self.said: list[Timed] = []
        self._listen()
        self.device = Device(self.entries[0].at, self.settings)

    def play(self) -> list[Timed]:
        """Everything our outstation says."""
        self._connect()
        for entry in self.entries:
            self._hear(self.device.until(entry.at))
            match entry.what:
                case Sent(octets):
                    self.sent += len(octets)
                    self._hear(self.device.octets(octets))
                case Updated() as update:
                    self._hear(self.device.update_by_hand(update))
                case Noted(words):
                    self._note(words, entry.at)
        return self.said

    def _note(self, words: str, at: float) -> None:
        for phrase, kind in _UNINSTALLED.items():
            if phrase in words and "Configure" in words:
                self.without = kind
                self._restart(at)
        if "Configure the unsolicited response mode to" in words:
            self.settings = replace(self.settings, unsolicited="true" in words)
        if master := _MASTER.search(words):
            self.settings = replace(self.settings, master_address=int(master[1]))
        if "Cycle power" in words:
            self._restart(at)

    def _restart(self, at: float) -> None:
        self.device = Device(at, self.settings, self.without)
        self._listen()
        self._connect()

    def _listen(self) -> None:
        self._parser, self._reassembler = FrameParser(Counter()), Reassembler(Counter())

    def _connect(self) -> None:
        self._hear(self.device.connect_octets())

    def _hear(self, octets: bytes) -> None:
        self.said += [(self.sent, said) for said in fragments(octets, self._parser, self._reassembler)]


def fragments(octets: bytes, parser: FrameParser, reassembler: Reassembler) -> Sequence[Said]:
    """What these octets say."""
    said: list[Said] = []
    for frame in parser.feed(octets):
        fragment = reassembler.push(frame.data) if frame.data else None
        if fragment is not None or not frame.data:
            said.append(frame.control if fragment is None else fragment)
    return said


def recorded(procedure: str) -> list[Timed]:
    """Everything that the outstation of the run said."""
    said: list[Timed] = []
    sent = 0
    for conversation in conversations(procedure):
        parser, reassembler = FrameParser(Counter()), Reassembler(Counter())
        for from_tester, octets in conversation:
            if from_tester:
                sent += len(octets)
            else:
                said += [(sent, one) for one in fragments(octets, parser, reassembler)]
    return said
