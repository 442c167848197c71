"""Fuzz target: a master with its link layer, under a script of answers, unsolicited responses, commands and time."""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from protocols.dnp3.link import MAX_FRAME_OCTETS, LinkAddresses, LinkLayer
from protocols.dnp3.master.exchange import Confirm, Deliver, Effect, Finished, Lost, Note, Send
from protocols.dnp3.master.mapping import LAST_TIME_MS
from protocols.dnp3.transport import MAX_FRAGMENT, Reassembler
from tests.fuzz.reference import Frames, command_objects, frame
from tests.fuzz.script import read_script
from tests.unit.protocols.dnp3.master.wire import CLOSE, Wire, usual_points
from vppscada.model.batch import Batch
from vppscada.model.commands import Accepted, AnalogValue, CommandMode, CommandResult

OUTSTATION, MASTER = 10, 1
ROWS = frozenset(row for row, _ in usual_points())
REFUSED = 0x0700
#: Objects of responses that are right as they stand.
OBJECTS = tuple(
    bytes.fromhex(objects)
    for objects in (
        "",
        "01 02 00 00 09 81010181010101010101",
        "01 01 00 00 0F AAAA",
        "02 02 17 01 07 81 0048E1709B01",
        "33 01 07 01 0048E1709B01 02 03 17 01 07 81 1000",
        "1E 05 00 07 07 01 0000C03F",
        "1E 06 28 0100 0700 01 000000000000F87F",
        "20 07 17 01 07 01 0000C03F 0048E1709B01",
        "20 01 28 0200 0700 01 01000000 0800 01 02000000",
        "0A 02 00 07 07 81",
        "28 03 00 07 07 01 0000807F",
        "0B 02 17 01 07 81 0048E1709B01",
        "2A 07 17 01 07 01 0000C03F 0048E1709B01",
        "14 01 00 00 00 01 FFFFFFFF",
        "34 02 07 01 6400",
        "6E 05 00 07 07 68656C6C6F",
        "6F 02 17 01 07 6869",
        "1F 01 00 07 07 01 01000000",
        "79 01 00 00 00 01 0100 05000000",
        "C8 01 07 01",
        "20 07 28 FFFF 0700",
    )
)


class Session:
    """A master as its outstation sees it."""

    def __init__(self) -> None:
        self.wire = Wire(class1_period_s=3.0, class2_period_s=20.0, keepalive_s=9.0, read_retries=1)
        self.link = LinkLayer(LinkAddresses(MASTER, OUTSTATION, is_master=True), self.wire.statistics)
        self.reassembler = Reassembler(self.wire.statistics, MAX_FRAGMENT)
        self.request = b"\xc0\x01"  # the last one that went out, confirmations apart
        self.control = b""  # the last select, operate or direct operate
        self.echoed = True  # a response repeated it with success
        self.first = True  # nothing has answered the last request yet
        self.sequence = 0
        self.last = b""
        self.segment = 0
        self.submitted: list[int] = []
        self.withdrawn: set[int] = set()
        self.finished: list[int] = []
        self.operated = 0
        self.lost = False
        self.take()

    def octets(self, data: bytes) -> None:
        """Octets arrive."""
        arrived, reply = self.link.receive(data)
        answers = Frames()
        assert all(one.destination == OUTSTATION for one in answers.take(reply))
        assert not answers.rest
        for segment in arrived:
            fragment = self.reassembler.push(segment)
            if fragment is not None:
                self._heard(fragment)
                self.wire.master.receive(fragment, self.wire.now, self.wire.wall_ms)
                self.take()
        self.check_memory()

    def fragment(self, fragment: bytes, size: int = 249) -> None:
        """A whole fragment arrives, in segments of so many octets."""
        self.last = fragment
        pieces = [fragment[at : at + size] for at in range(0, max(len(fragment), 1), size)]
        for n, piece in enumerate(pieces):
            header = bytes((0x40 * (n == 0) | 0x80 * (n == len(pieces) - 1) | self.segment,))
            self.segment = (self.segment + 1) % 64
            self.octets(frame(0x44, MASTER, OUTSTATION, header + piece))

    def answer(self, octets: bytes, indications: bytes = b"\0\0", *, final: bool = True, confirm: bool = False) -> None:
        """A response with the sequence number that the master expects."""
        sequence = self.request[0] + (0 if self.first else self.sequence)
        control = 0x80 * self.first | 0x40 * final | 0x20 * confirm | sequence & 0x0F
        self.first, self.sequence = final, 0 if final else self.sequence + 1
        self.fragment(bytes((control, 0x81)) + indications + octets)

    def operate(self, *, analog: bool, select: bool, seconds: float) -> None:
        """Somebody wants something done."""
        body = AnalogValue(1.5) if analog else CLOSE
        mode = CommandMode.SBO if select else CommandMode.DIRECT
        self.submitted.append(self.wire.operate(body, mode, seconds))
        self.take()

    def tick(self, seconds: float) -> None:
        """Time goes by."""
        self.wire.wait(seconds)
        self.take()

    def take(self) -> None:
        """Look at all that the master wants."""
        for _ in range(2):
            effects = list(self.wire.master.effects)
            self.wire.master.effects.clear()
            self.look_at(effects)
            self.wire.advance()
        assert len(self.wire.master.effects) < 50

    def look_at(self, effects: Iterable[Effect]) -> None:
        """Check effects one by one."""
        for effect in effects:
            match effect:
                case Send(fragment):
                    self._sent(fragment)
                case Confirm(fragment):
                    assert fragment[1] == 0
                    assert len(fragment) == 2
                case Deliver(batch):
                    _check_batch(batch)
                case Finished(ticket, result):
                    self._finished(ticket, result)
                case Lost():
                    self.lost = True
                case Note(event, detail):
                    assert event
                    assert len(detail) < 200

    def _heard(self, fragment: bytes) -> None:
        """Remember a response that repeats the last control octet for octet and refuses nothing."""
        if len(fragment) < 4 or fragment[1] != 0x81 or not self.control:
            return
        refused = int.from_bytes(fragment[2:4], "little") & REFUSED
        if fragment[0] & 0x40 and fragment[4:] == self.control[2:] and not refused:
            self.echoed = True

    def _sent(self, fragment: bytes) -> None:
        assert fragment[0] & 0xF0 == 0xC0
        self.request, self.first, self.sequence = fragment, True, 0
        if fragment[1] not in (3, 4, 5):
            return
        assert command_objects(fragment[2:]), "a control that a second reading understands"
        if fragment[1] == 4:
            assert self.control[1] == 3, "an operate follows its select"
            assert self.control[2:] == fragment[2:], "an operate says what was selected"
            assert self.echoed, "an operate follows a select that succeeded"
        self.operated += fragment[1] != 3
        assert self.operated <= len(self.submitted), "no command is sent twice"
        self.control, self.echoed = fragment, False

    def _finished(self, ticket: int, result: CommandResult) -> None:
        assert ticket in self.submitted
        self.finished.append(ticket)
        if isinstance(result, Accepted):
            assert self.echoed, "accepted is what the outstation repeated"
            assert self.control[1] in (4, 5)

    def check_memory(self) -> None:
        """Whatever came, this much is held and no more."""
        assert self.link.held < MAX_FRAME_OCTETS
        assert self.reassembler.held <= MAX_FRAGMENT
        assert len(self.wire.statistics) < 100
        self.wire.master.next_deadline()

    def end(self) -> None:
        """The connection ends: every command has one result; one that was withdrawn in its queue has none."""
        self.wire.master.abandon("the end")
        self.look_at(self.wire.master.effects)
        results = Counter(self.finished)
        assert set(results.values()) <= {1}
        assert set(self.submitted) - self.withdrawn <= results.keys() <= set(self.submitted)


def _check_batch(batch: Batch) -> None:
    """Columns of one length, of rows that are ours, with times that a calendar has and no number that is none."""
    lengths = {
        len(column) for column in (batch.value, batch.quality, batch.source_time_ms, batch.time_quality, batch.rows)
    }
    assert len(lengths) == 1
    assert set(np.asarray(batch.rows).tolist()) <= ROWS
    assert set(batch.texts) <= ROWS
    times = np.asarray(batch.source_time_ms)
    assert ((times >= 0) & (times <= LAST_TIME_MS)).all()


def master(data: bytes) -> None:
    """Any script: no exception, an operate only after its select, one result for each command, bounded memory."""
    session = Session()
    for operation, payload in read_script(data):
        _step(session, operation % 16, payload)
        if session.lost:
            break
    session.end()


def _step(session: Session, operation: int, payload: bytes) -> None:  # noqa: C901, PLR0912  # one table of steps
    first = payload[0] if payload else 0
    match operation:
        case 0 | 1:
            indications = payload[1:3] if len(payload) > 2 else b"\0\0"
            session.answer(OBJECTS[first % len(OBJECTS)], indications)
        case 2:
            session.answer(session.request[2:])
        case 3 if len(payload) > 2:
            session.answer(payload[3:], payload[1:3], final=bool(first & 1), confirm=bool(first & 2))
        case 4 if len(payload) > 2:
            session.fragment(bytes((0xD0 | 0x20 * bool(first & 16) | first % 16, 0x82)) + payload[1:])
        case 5:
            objects = OBJECTS[first % len(OBJECTS)]
            session.fragment(bytes((0xF0 | len(payload) % 16, 0x82)) + b"\0\0" + objects)
        case 6:
            session.fragment(payload)
        case 7 if len(payload) > 2:
            source = (OUTSTATION, OUTSTATION, MASTER, 11)[payload[1] % 4]
            destination = (MASTER, MASTER, 2, 0xFFFF)[payload[1] // 4 % 4]
            session.octets(frame(first, destination, source, payload[2:252]))
        case 8:
            session.octets(payload)
        case 9:
            session.tick(first / 8)
        case 10:
            session.operate(analog=bool(first & 1), select=bool(first & 2), seconds=0.5 + first / 16)
        case 11 if session.submitted:
            ticket = session.submitted[first % len(session.submitted)]
            session.wire.master.withdraw(ticket)
            session.withdrawn.add(ticket)
        case 12 if session.last:
            session.fragment(session.last)
        case 13 if len(payload) > 1:
            # the echo with an octet changed
            echo = bytearray(session.request[2:]) or bytearray(1)
            echo[first % len(echo)] = payload[1]
            session.answer(bytes(echo))
        case 14 if payload:
            bent = bytearray(OBJECTS[first % len(OBJECTS)]) or bytearray(1)
            for at, octet in zip(payload[1::2], payload[2::2], strict=False):
                bent[at % len(bent)] = octet
            session.answer(bytes(bent))
        case 15 if len(payload) > 1:
            session.fragment(payload[1:] * 5, size=1 + first % 64)
