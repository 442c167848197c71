"""The tester of the conformance procedures: a master of octets, without sockets, with time by hand.

Every frame that goes either way is noted, so that a report can show what was exchanged.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from protocols.dnp3.application import (
    Control,
    Function,
    Indication,
    Response,
    next_sequence,
    parse_response,
)
from protocols.dnp3.link import DIR, PRM, Frame, FrameParser, Primary, build_frame
from protocols.dnp3.objects import ObjectHeader
from protocols.dnp3.transport import Reassembler, segments
from tests.conformance.device import SETTINGS, ConformanceDevice, initial_value
from vppscada.model.commands import CommandBody
from vppscada.model.points import PointKind

#: Link control octet of unconfirmed user data from a master.
UNCONFIRMED = DIR | PRM | Primary.UNCONFIRMED_USER_DATA
OUTSTATION, MASTER = 1024, 1
_NOON = 43_200.0
#: Indexes of events, so that one point has two and another has none.
_EVENTS_AT = (41, 1024, 41, 65535, 0, 1024, 0, 41)
INDEX_QUALIFIERS, RANGE_QUALIFIERS = {0x17, 0x28}, {0x00, 0x01}


@dataclass(frozen=True, slots=True)
class Made:
    """An event that the tester made: where, and what a master has to be told. ``time_ms`` is the device's clock."""

    kind: PointKind
    index: int
    value: float
    time_ms: int


class Answer:
    """A fragment of the outstation."""

    def __init__(self, fragment: bytes) -> None:
        self.fragment = fragment
        self.response: Response = parse_response(fragment)
        self.control = self.response.control
        self.body = self.response.body
        self.headers: Sequence[ObjectHeader] = self.response.headers()

    @property
    def sequence(self) -> int:
        """Application sequence number."""
        return self.control.sequence

    @property
    def is_null(self) -> bool:
        """True without objects."""
        return not self.body

    def has(self, indications: Indication) -> bool:
        """True if all of these are set."""
        return indications in self.response.indications

    def has_any(self, indications: Indication) -> bool:
        """True if any of these is set."""
        return bool(indications & self.response.indications)

    def names(self) -> list[tuple[int, int]]:
        """(group, variation) of every header."""
        return [(header.group, header.variation) for header in self.headers]

    def qualifiers(self, group: int) -> set[int]:
        """Qualifiers of a group's headers."""
        return {int(header.qualifier) for header in self.headers if header.group == group}

    def values(self, *groups: int) -> list[tuple[int, float]]:
        """(index, value) of every object of these groups, in order."""
        return [
            (int(index), float(value))
            for header in self.headers
            if header.group in groups
            for index, value in zip(header.indexes(), header.values(), strict=True)
        ]

    def flags(self, *groups: int) -> list[int]:
        """Flag octets of every object of these groups, without the states that are in them."""
        states = {1: 0x80, 2: 0x80, 3: 0xC0, 4: 0xC0, 10: 0x80, 11: 0x80}
        return [
            int(flag) & ~states.get(header.group, 0)
            for header in self.headers
            if header.group in groups
            for flag in header.flags()
        ]

    def times(self, *groups: int) -> list[int]:
        """Times of every object of these groups, common times added to relative ones."""
        times: list[int] = []
        common = 0
        for header in self.headers:
            if header.group == 51:
                common = int(header.times_ms()[0])
            elif header.group in groups and header.form is not None:
                base = common if header.form.has_relative_time else 0
                times += [base + int(time) for time in header.times_ms()]
        return times


class Tester:
    """A master at the other end of the wire of a `ConformanceDevice`."""

    __test__ = False  # no test class, whatever its name

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.device: ConformanceDevice
        self.heard: list[Frame] = []
        self._checked = 0
        self.power_cycle()
        self.lines.clear()

    def power_cycle(self, without: PointKind | None = None, /, **settings: object) -> list[Answer]:
        """The device begins anew, perhaps configured otherwise. What it says unasked (all of it from then on)."""
        self.note("power cycle" + (f" without points of kind {without.value}" if without else ""))
        self.sequence = 0
        self._segment = 0
        self._checked = 0
        self._settings = replace(SETTINGS, **settings)  # type: ignore[arg-type]
        self.device = ConformanceDevice(_NOON, self._settings, without)
        self._parser, self._reassembler = FrameParser(Counter()), Reassembler(Counter())
        self._values = {self.device.identity(row): initial_value(p) for row, p in enumerate(self.device.points)}
        self._events_made = 0
        return self._hear(self.device.connect_octets())

    def note(self, words: str) -> None:
        """Say something in the list of frames."""
        self.lines.append(f"  {words}")

    # frames

    def octets(self, octets: bytes) -> list[Answer]:
        """Send octets as they are. Fragments that come back; all frames are in `heard`."""
        self.lines.append(f"→ {octets.hex(' ')}")
        return self._hear(self.device.octets(octets))

    def frame(
        self, control: int, data: bytes = b"", *, destination: int = OUTSTATION, source: int = MASTER
    ) -> list[Answer]:
        """Send one frame."""
        return self.octets(build_frame(control, destination, source, data))

    def link(self, control: int) -> list[int]:
        """Send one frame without data; control octets of the frames that come back."""
        assert self.frame(control) == []
        return [frame.control for frame in self.heard]

    def _hear(self, octets: bytes) -> list[Answer]:
        self.heard = self._parser.feed(octets)
        answers: list[Answer] = []
        for frame in self.heard:
            assert not frame.control & DIR
            assert (frame.source, frame.destination) == (OUTSTATION, self._settings.master_address)
            self.lines.append(f"← {build_frame(*frame).hex(' ')}")
            fragment = self._reassembler.push(frame.data) if frame.data else None
            if fragment is not None:
                answers.append(Answer(fragment))
        return answers

    # fragments

    def send(
        self, function: int, objects: bytes | str = b"", *, sequence: int | None = None, control: int = UNCONFIRMED,
        destination: int = OUTSTATION,
    ) -> list[Answer]:  # fmt: skip
        """Send a request, with the next sequence number unless one is given. Fragments that come back."""
        if sequence is None:
            sequence = self.sequence = next_sequence(self.sequence)
        body = bytes.fromhex(objects) if isinstance(objects, str) else objects
        return self.fragment(
            bytes((Control(sequence).octet(), function)) + body, control=control, destination=destination
        )

    def fragment(self, fragment: bytes, *, control: int = UNCONFIRMED, destination: int = OUTSTATION) -> list[Answer]:
        """Send a fragment as it is."""
        answers: list[Answer] = []
        heard: list[Frame] = []
        for segment in segments(fragment, self._segment):
            self._segment = (self._segment + 1) & 0x3F
            answers += self.frame(control, segment, destination=destination)
            heard += self.heard
        self.heard = heard
        return answers

    def ask(self, function: int, objects: bytes | str = b"", **how: int) -> Answer:
        """Send a request that is answered by one fragment with its sequence number."""
        [answer] = self.send(function, objects, **how)
        assert answer.sequence == how.get("sequence", self.sequence)
        assert answer.response.function == Function.RESPONSE
        assert (answer.control.first, answer.control.final, answer.control.unsolicited) == (True, True, False)
        return answer

    def read(self, objects: bytes | str) -> Answer:
        """Read, answered by one fragment."""
        return self.ask(Function.READ, objects)

    def confirm(self, answer: Answer) -> list[Answer]:
        """Confirm a fragment. Fragments that follow."""
        control = Control(answer.sequence, unsolicited=answer.control.unsolicited)
        return self.fragment(bytes((control.octet(), Function.CONFIRM)))

    def drain(self, objects: str) -> None:
        """Read until nothing is left, and confirm what came."""
        answer = self.read(objects)
        assert answer.is_null or answer.control.confirm
        if answer.control.confirm:
            self.confirm(answer)

    # time and the device

    def wait(self, seconds: float) -> list[Answer]:
        """Let time pass. Fragments that come unasked."""
        self.note(f"{seconds:g} s go by")
        return self._hear(self.device.until(self.device.now + seconds))

    def generate(self, kind: PointKind, count: int, *, step: float = 0.002) -> tuple[list[Made], list[Answer]]:
        """Make events, ``step`` seconds apart. What was made, and fragments that come unasked."""
        self.note(f"{count} events of kind {kind.value}")
        made: list[Made] = []
        answers: list[Answer] = []
        for _ in range(count):
            index = _EVENTS_AT[self._events_made % len(_EVENTS_AT)]
            self._events_made += 1
            value = _NEXT[kind](self._values[(kind, index)])
            clock = self.device.core.state.clock
            made.append(Made(kind, index, value, clock.time_ms(self.device.moment)))
            answers += self.put(kind, index, value)
            answers += self._hear(self.device.until(self.device.now + step))
        return made, answers

    def put(self, kind: PointKind, index: int, value: float) -> list[Answer]:
        """Give an input a value. Fragments that come unasked."""
        self._values[(kind, index)] = value
        self.device.put({self.device.rows[(kind, index)]: value})
        return self._hear(self.device.framed(self.device.tick(0.0)))

    def state(self, kind: PointKind) -> list[tuple[int, float]]:
        """(index, value) of every point of a kind, as the tester put them."""
        return sorted((index, value) for (k, index), value in self._values.items() if k is kind)

    def operated(self, kind: PointKind) -> list[tuple[int, CommandBody]]:
        """What outputs of a kind were made to do since this was last asked."""
        moved = self.device.moved[self._checked :]
        self._checked = len(self.device.moved)
        return [(index, body) for moved_kind, index, body in moved if moved_kind is kind]


_NEXT = {
    PointKind.BINARY_INPUT: lambda value: 1.0 - value,
    PointKind.DOUBLE_BIT_INPUT: lambda value: 3.0 - value,
    PointKind.COUNTER: lambda value: value + 1.0,
    PointKind.ANALOG_INPUT: lambda value: value + 100.0,
}


def as_told(made: Sequence[Made]) -> list[tuple[int, float]]:
    """What `Answer.values` has to give."""
    return [(one.index, one.value) for one in made]


def with_status(objects: bytes, status: int) -> bytes:
    """The objects of a control request with this status in the last one."""
    return objects[:-1] + bytes((status,))
