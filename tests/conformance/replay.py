"""A recorded run played to our outstation: the tester's frames go in, our answers stand beside those of then."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from protocols.dnp3.link import FrameParser
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.transport import Reassembler
from tests.conformance.device import EVENT_CLASS, EVENTS_PER_KIND, KINDS, SETTINGS, ConformanceDevice
from tests.conformance.runs import Entry, Noted, Sent, Updated, run
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
_OPERATED = re.compile(r"Check that (binary|analog) control point (\d+) operate")
_NOT_OPERATED = re.compile(r"Check that no (binary|analog) control point operated")
_OUTPUT = {"binary": PointKind.BINARY_OUTPUT, "analog": PointKind.ANALOG_OUTPUT}
_MASTER = re.compile(r"transmit unsolicited responses to master address (\d+)")


def _buffered(entries: Sequence[Entry]) -> int:
    """The device of the runs buffered 200 events of each kind, ours so many of each class: kinds add up."""
    kinds = {KINDS[e.what.kind] for e in entries if isinstance(e.what, Updated)}
    return EVENTS_PER_KIND * max(Counter(EVENT_CLASS[kind] for kind in kinds).values(), default=1)


def configuration(entries: Sequence[Entry], **settings: object) -> tuple[Dnp3OutstationSettings, PointKind | None]:
    """Settings of a run that is configured once, and the kind of points that it goes without."""
    notes = [e.what.words for e in entries if isinstance(e.what, Noted) and "Configure" in e.what.words]
    without = [kind for words in notes for phrase, kind in _UNINSTALLED.items() if phrase in words]
    made = replace(SETTINGS, max_events=_buffered(entries), **settings)  # type: ignore[arg-type]
    return made, without[0] if without else None


class Player:
    """Plays one run."""

    def __init__(self, procedure: str) -> None:
        self.entries = run(procedure)
        self.settings = replace(SETTINGS, max_events=_buffered(self.entries))
        self.without: PointKind | None = None
        self.sent = 0
        self.said: list[Timed] = []
        self.unmet: list[str] = []  # what a step wanted to see at the outputs, and did not
        self._operated: set[tuple[PointKind, int]] = set()
        self._checked = False
        self._listen()
        self.device = ConformanceDevice(self.entries[0].at, self.settings)

    def play(self) -> list[Timed]:
        """Everything our outstation says."""
        self._connect()
        for entry in self.entries:
            self._hear(self.device.until(entry.at))
            match entry.what:
                case Sent(octets):
                    self._send(octets)
                case Updated() as update:
                    self._hear(self.device.update_by_hand(update))
                case Noted(words):
                    self._note(words, entry.at)
        return self.said

    def _send(self, octets: bytes) -> None:
        if self._checked:
            self._operated.clear()
        self._checked = False
        self.sent += len(octets)
        known = len(self.device.moved)
        self._hear(self.device.octets(octets))
        self._operated |= {(kind, index) for kind, index, _ in self.device.moved[known:]}

    def _check(self, words: str) -> None:
        if found := _OPERATED.search(words):
            self._checked = True
            if (_OUTPUT[found[1]], int(found[2])) not in self._operated:
                self.unmet.append(words)
        elif found := _NOT_OPERATED.search(words):
            self._checked = True
            if any(kind is _OUTPUT[found[1]] for kind, _ in self._operated):
                self.unmet.append(words)

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
        self._check(words)

    def _restart(self, at: float) -> None:
        self.device = ConformanceDevice(at, self.settings, self.without)
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


@dataclass(frozen=True, slots=True)
class Difference:
    """Where our answers differ from a run's: (what only we said, what only the other said), and why that is right."""

    places: list[tuple[list[str], list[str]]]
    reason: str


def differences(ours: Sequence[Timed], theirs: Sequence[Timed]) -> list[tuple[list[str], list[str]]]:
    """Stretches that differ: what we said, and what the other outstation said instead."""
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    return [
        ([_words(one) for one in ours[a:b]], [_words(one) for one in theirs[c:d]])
        for tag, a, b, c, d in matcher.get_opcodes()
        if tag != "equal"
    ]


def _words(said: Timed) -> str:
    after, what = said
    return f"after {after}: " + (what.hex(" ") if isinstance(what, bytes) else f"link control {what:02x}")


#: Every difference there is, by procedure.
DIFFERENCES = {
    "6.1.2": Difference(
        [(["after 36: link control 01", "after 54: link control 01"], [])],
        "Before the link is reset confirmed data and link tests get NACK from us and nothing from the other; "
        "the procedure takes either.",
    ),
    "8.15.2": Difference(
        [(["after 185: c7 81 02 00"], ["after 185: c7 81 00 00"])],
        "Events in a response that was not confirmed wait again as soon as the next request comes, and IIN1.1 says so.",
    ),
}
