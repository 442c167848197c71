"""Fuzz target: an outstation with its link layer, under a script of frames, time and answers of its handler."""

from collections import deque
from dataclasses import replace
from functools import cache

from protocols.dnp3.application import parse_response
from protocols.dnp3.link import MAX_FRAME_OCTETS, LinkAddresses, LinkLayer
from protocols.dnp3.objects import parse_headers
from protocols.dnp3.outstation.actions import Action, Execute, Send
from protocols.dnp3.outstation.core import OutstationCore
from protocols.dnp3.transport import MAX_FRAGMENT, Reassembler, segments
from tests.fuzz.reference import Body, Commanded, Frames, Request, controls, frame
from tests.fuzz.script import read_script
from tests.unit.protocols.dnp3.outstation.wire import QUIET, Wire, point
from vppscada.model.commands import AnalogValue, Command, CommandBody, CommandStatus
from vppscada.model.points import Point, PointKind

SETTINGS = replace(QUIET, unsolicited=True, max_fragment=300, max_events=20, confirm_timeout_s=5.0)
OUTSTATION, MASTER = SETTINGS.local_address, SETTINGS.master_address
#: Requests that are right as they stand, without their sequence number.
TEMPLATES = tuple(
    bytes.fromhex(request)
    for request in (
        "01 3C 02 06 3C 03 06 3C 04 06 3C 01 06",
        "01 1E 00 00 00 03",
        "01 20 00 08 0200",
        "01 1E 05 28 0200 0000 0100",
        "02 50 01 00 07 07 00",
        "02 32 01 07 01 0048E1709B01",
        "02 32 03 07 01 0048E1709B01",
        "03 0C 01 17 01 00 03 01 00000000 00000000 00",
        "03 0C 01 17 02 00 03 01 00000000 00000000 00 01 41 01 64000000 64000000 00",
        "03 29 03 28 0100 0000 00002041 00",
        "03 29 01 17 01 02 64000000 00 0C 01 28 0100 0300 81 01 64000000 64000000 00",
        "05 29 04 17 01 04 0000000000002440 00",
        "05 0C 01 17 01 00 03 01 00000000 00000000 00",
        "06 0C 01 28 0100 0000 41 01 64000000 64000000 00",
        "07 14 00 06",
        "09 14 00 06",
        "14 3C 02 06 3C 03 06 3C 04 06",
        "15 3C 02 06",
        "16 3C 02 06 1E 00 06",
        "17",
        "18",
        "0D",
        "0E",
    )
)
SELECTS = tuple(n for n, request in enumerate(TEMPLATES) if request[0] == 3)


@cache
def points() -> tuple[Point, ...]:
    """Five points of each kind, in all classes."""
    kinds = [kind for kind in PointKind for _ in range(5)]
    return tuple(point(kind, n % 5, event_class=n % 4, writable=kind.is_output) for n, kind in enumerate(kinds))


class Station:
    """The outstation as its master sees it: octets in, octets out; whatever it asks of its handler is checked."""

    def __init__(self) -> None:
        self.wire = Wire(points(), SETTINGS)
        self.commanded = Commanded(OUTSTATION, MASTER, SETTINGS.select_timeout_s)
        self.sequence = 0
        self.segment = 0
        self.last = b"\xc0\x17"
        self.answers: deque[bytes] = deque(maxlen=4)
        self.waiting: deque[tuple[Execute, list[Request]]] = deque()
        self.status: CommandStatus | None = CommandStatus.SUCCESS
        self.operated: list[Command] = []
        self.reconnect()

    @property
    def core(self) -> OutstationCore:
        """The state machine."""
        return self.wire.core

    def reconnect(self) -> None:
        """The master comes anew."""
        statistics = self.wire.statistics
        self.link = LinkLayer(LinkAddresses(OUTSTATION, MASTER, is_master=False), statistics)
        self.reassembler = Reassembler(statistics)
        self.commanded.connected()
        self.waiting.clear()
        self.perform(self.core.connected(self.wire.moment))

    def octets(self, data: bytes) -> None:
        """Octets arrive."""
        self.commanded.hear(data, self.wire.now)
        received, reply = self.link.receive_addressed(data)
        self._check_frames(reply)
        for segment in received:
            fragment = self.reassembler.push(segment.data)
            if fragment is not None:
                broadcast = segment.destination if segment.is_broadcast else None
                self.perform(self.core.receive(fragment, self.wire.moment, broadcast))
        self.check_memory()

    def fragment(self, fragment: bytes, *, destination: int = OUTSTATION, size: int = 249, control: int = 0xC4) -> None:
        """A whole fragment arrives, in segments of so many octets."""
        pieces = [fragment[at : at + size] for at in range(0, max(len(fragment), 1), size)]
        for n, piece in enumerate(pieces):
            first, final = 0x40 * (n == 0), 0x80 * (n == len(pieces) - 1)
            header = bytes((first | final | self.segment,))
            self.segment = (self.segment + 1) % 64
            self.octets(frame(control, destination, MASTER, header + piece))

    def request(self, octets: bytes, **how: int) -> None:
        """A request with the next sequence number; ``octets`` begin with the function code."""
        self.last = bytes((0xC0 | self.sequence,)) + octets
        self.sequence = (self.sequence + 1) % 16
        self.fragment(self.last, **how)

    def tick(self, seconds: float) -> None:
        """Time goes by."""
        self.wire.now += seconds
        self.perform(self.core.tick(self.wire.moment))

    def update(self, values: dict[int, float]) -> None:
        """Points change."""
        for answer in self.wire.update(values):
            self._check_answer(answer)

    def finish(self, status: CommandStatus) -> None:
        """The handler answers the control request that has waited longest."""
        if self.waiting:
            self._finish(*self.waiting.popleft(), status)

    def perform(self, actions: list[Action]) -> None:
        """What the state machine wants."""
        for action in actions:
            if isinstance(action, Send):
                self._check_answer(action.fragment)
            elif isinstance(action, Execute):
                asked = [self._ask(action, command) for command in action.commands]
                if self.status is None:
                    self.waiting.append((action, asked))
                else:
                    self._finish(action, asked, self.status)

    def _ask(self, action: Execute, command: Command) -> Request:
        asked_for = points()[command.row]
        assert asked_for.writable
        group = 12 if asked_for.kind is PointKind.BINARY_OUTPUT else 41
        index: int = asked_for.address.index  # type: ignore[attr-defined]
        if not action.select:
            self.operated.append(command)
        return self.commanded.ask(action.select, group, index, _fields(command.body), self.wire.now)

    def _finish(self, action: Execute, asked: list[Request], status: CommandStatus) -> None:
        for request in asked:
            self.commanded.answer(request, status is CommandStatus.SUCCESS, self.wire.now)
        self.perform(self.core.finish(action.ticket, [status] * len(asked), self.wire.moment))

    def _check_answer(self, answer: bytes) -> None:
        assert len(answer) <= SETTINGS.max_fragment
        parse_headers(parse_response(answer).body, objects_follow=True)
        self.answers.append(answer)
        self._check_frames(b"".join(self.link.send(segment) for segment in segments(answer, 0)))

    def _check_frames(self, octets: bytes) -> None:
        reader = Frames()
        sent = reader.take(octets)
        assert not reader.rest
        assert b"".join(frame(*one) for one in sent) == octets
        assert all(one.destination == MASTER and one.source == OUTSTATION for one in sent)

    def check_memory(self) -> None:
        """Whatever came, this much is held and no more."""
        assert self.link.held < MAX_FRAME_OCTETS
        assert self.reassembler.held <= MAX_FRAGMENT
        assert len(self.core.buffer) <= 3 * SETTINGS.max_events
        assert len(self.wire.statistics) < 100
        deadline = self.core.deadline()
        assert deadline is None or deadline <= self.wire.now + 60.0


def _fields(body: CommandBody) -> Body:
    if isinstance(body, AnalogValue):
        return (body.value,)
    code = body.operation | body.clear << 5 | body.trip_close << 6
    return (code, body.count, body.on_ms, body.off_ms)


def outstation(data: bytes) -> None:
    """Any script: no exception, valid answers, bounded memory, only what was commanded; then a new master is served."""
    station = Station()
    for operation, payload in read_script(data):
        _step(station, operation % 20, payload)
    _serves_a_new_master(station)


def _step(station: Station, operation: int, payload: bytes) -> None:  # noqa: C901, PLR0912  # one table of steps
    first = payload[0] if payload else 0
    match operation:
        case 0 | 1:
            station.request(TEMPLATES[first % len(TEMPLATES)])
        case 2:
            station.request(TEMPLATES[SELECTS[first % len(SELECTS)]])
        case 3 if payload:
            station.request(payload)
        case 4:
            station.fragment(payload)
        case 5:
            # the operate that belongs to the last request, or nearly
            station.request(b"\x04" + station.last[2:] + payload)
        case 6:
            station.fragment(station.last)
        case 7:
            _confirm(station, first)
        case 8:
            station.tick(first / 8)
        case 9:
            station.update({row % 35: float(value) for row, value in enumerate(payload[:35], start=first)})
        case 10 if len(payload) > 2:
            destination = (OUTSTATION, 0xFFFD, 0xFFFE, 0xFFFF, MASTER)[payload[1] % 5]
            source = (MASTER, MASTER, MASTER, OUTSTATION)[payload[1] // 8 % 4]
            station.octets(frame(first, destination, source, payload[2:252]))
        case 11:
            station.octets(payload)
        case 12:
            template = TEMPLATES[first % len(TEMPLATES)]
            station.request(template, destination=(0xFFFD, 0xFFFE, 0xFFFF)[len(payload) % 3])
        case 13:
            station.status = (CommandStatus.SUCCESS, None, CommandStatus.HARDWARE_ERROR)[first % 3]
        case 14:
            station.finish(CommandStatus.SUCCESS if first % 4 else CommandStatus.BLOCKED)
        case 15:
            station.reconnect()
        case 16 if len(payload) > 1:
            station.request(payload[1:], size=1 + first % 32)
        case 17 if payload:
            _bent(station, payload)
        case 18 if payload:
            station.request(bytes((payload[0],)) + payload[1:] * 9)
        case 19:
            station.sequence = first % 16


def _confirm(station: Station, which: int) -> None:
    """A confirmation of one of the last responses."""
    if station.answers:
        answer = station.answers[which % len(station.answers)]
        station.fragment(bytes((0xC0 | answer[0] & 0x1F, 0)))


def _bent(station: Station, payload: bytes) -> None:
    """A right request with one octet changed."""
    template = bytearray(TEMPLATES[payload[0] % len(TEMPLATES)])
    if len(payload) > 2:
        template[payload[1] % len(template)] = payload[2]
    station.request(bytes(template) + payload[3:])


def _serves_a_new_master(station: Station) -> None:
    """A direct operate on a new connection is executed, once."""
    station.reconnect()
    station.status = CommandStatus.SUCCESS
    station.tick(100.0)
    before = len(station.operated)
    request = bytes.fromhex("05 0C 01 17 01 02 03 01 00000000 00000000 00")
    station.request(request)
    assert len(station.operated) == before + 1
    assert any(list(controls(answer)) == list(controls(station.last)) for answer in station.answers)
