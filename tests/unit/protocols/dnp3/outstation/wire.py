"""A wire to an outstation without sockets, loops or sleeps: octets in, octets out, time by hand."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from protocols.dnp3.addresses import Dnp3Address
from protocols.dnp3.application import Indication
from protocols.dnp3.link import LinkAddresses, LinkLayer
from protocols.dnp3.outstation.actions import Action, Execute, Restart, Send
from protocols.dnp3.outstation.clock import Moment
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.core import OutstationCore
from protocols.dnp3.outstation.device import Device
from protocols.dnp3.transport import Reassembler, segments
from vppscada.model.batch import Batch, Cause, untimed_batch
from vppscada.model.commands import Command, CommandStatus
from vppscada.model.outstations import Events
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.model.quality import Quality, TimeQuality

#: 2026-01-01T00:00:00Z
EPOCH_MS = 1_767_225_600_000
QUIET = Dnp3OutstationSettings(unsolicited=False, local_address=1024, trust_local_clock=True)


def point(kind: PointKind, index: int, **more: object) -> Point:
    """A point with an address and nothing else but what is given."""
    names = {"static": "static_variation", "event": "event_variation", "frozen": "frozen_variation"}
    names |= {name: name for name in ("frozen_event_variation", "frozen_class", "command_class")}
    given = {names[word]: more.pop(word) for word in tuple(more) if word in names}
    address = Dnp3Address(index, **given)  # type: ignore[arg-type]
    return Point(id=f"device.{kind.value}{index}", kind=kind, address=address, **more)  # type: ignore[arg-type]


def rows(points: Iterable[Point]) -> list[RowPoint]:
    """Points with their positions."""
    return [RowPoint(row, one) for row, one in enumerate(points)]


def batch(values: dict[int, float], *, quality: int = Quality.ONLINE, time_ms: int = 0, at_ms: int = EPOCH_MS) -> Batch:
    """New values by row; with a time, its source gave it and is synchronised."""
    made = untimed_batch(list(values), list(values.values()), quality, at_ms, Cause.CYCLIC)
    if not time_ms:
        return made
    n = len(made)
    times, time_quality = np.full(n, time_ms), np.full(n, TimeQuality.SYNCHRONISED, dtype=np.uint8)
    return Batch(made.rows, made.value, made.quality, times, time_quality, at_ms, Cause.CYCLIC)


class Wire:
    """An outstation whose master is the test. Commands are answered from ``statuses``, or wait if it is None."""

    def __init__(
        self, points: Sequence[Point], settings: Dnp3OutstationSettings = QUIET, *, durable: bool = False,
        stored: Events | None = None,
    ) -> None:  # fmt: skip
        self.statistics: Counter[str] = Counter()
        self.device = Device(settings, rows(points))
        self.core = OutstationCore(settings, self.device, self.statistics, durable=durable)
        self.core.start(stored)
        self.now = 100.0
        self.statuses: dict[int, CommandStatus] | None = {}
        self.asked: list[tuple[str, Command]] = []
        self.waiting: list[Execute] = []
        self.restarts: list[bool] = []
        self._link = LinkLayer(
            LinkAddresses(settings.local_address, settings.master_address, is_master=False), self.statistics
        )
        self._reassembler = Reassembler(self.statistics)

    @property
    def moment(self) -> Moment:
        """The present, on both clocks."""
        return Moment(self.now, EPOCH_MS + round((self.now - 100.0) * 1000))

    def connect(self) -> list[bytes]:
        """Fragments that a new connection brings."""
        return self._done(self.core.connected(self.moment))

    def ask(self, fragment: str | bytes, broadcast: int | None = None) -> list[bytes]:
        """Fragments that answer one fragment (octets or hexadecimal)."""
        octets = bytes.fromhex(fragment) if isinstance(fragment, str) else fragment
        return self._done(self.core.receive(octets, self.moment, broadcast))

    def one(self, fragment: str | bytes) -> bytes:
        """The one fragment that answers."""
        [answer] = self.ask(fragment)
        return answer

    def octets(self, data: bytes) -> bytes:
        """Octets that answer octets, through link and transport."""
        received, reply = self._link.receive_addressed(data)
        for segment in received:
            fragment = self._reassembler.push(segment.data)
            if fragment is not None:
                broadcast = segment.destination if segment.is_broadcast else None
                for answer in self.ask(fragment, broadcast):
                    reply += b"".join(self._link.send(s) for s in segments(answer, answer[0] & 0x0F))
        return reply

    def update(self, values: dict[int, float], **more: int) -> list[bytes]:
        """Fragments that new values bring."""
        self.device.update(batch(values, **more))
        return self.tick(0.0)

    def tick(self, seconds: float) -> list[bytes]:
        """Fragments that the passing of time brings."""
        self.now += seconds
        self.device.tick(self.moment)
        return self._done(self.core.tick(self.moment))

    def discarded(self) -> list[bytes]:
        """Fragments that leave when confirmed events have left the disk."""
        return self._done(self.core.discarded(self.moment))

    def finish(self, *statuses: CommandStatus) -> list[bytes]:
        """Answer the commands that wait."""
        return self._done(self.core.finish(self.waiting.pop(0).ticket, statuses, self.moment))

    def _done(self, actions: list[Action]) -> list[bytes]:
        sent: list[bytes] = []
        for action in actions:
            match action:
                case Send(fragment):
                    sent.append(fragment)
                case Restart(cold):
                    self.restarts.append(cold)
                case Execute(ticket, select, commands):
                    self.asked += [("select" if select else "operate", c) for c in commands]
                    if self.statuses is None:
                        self.waiting.append(action)
                        continue
                    answers = [self.statuses.get(c.row, CommandStatus.SUCCESS) for c in commands]
                    sent += self._done(self.core.finish(ticket, answers, self.moment))
        return sent


CLEAR_RESTART = "C0 02 50 01 00 07 07 00"
#: Bodies of reads.
CLASS_1, CLASS_2, ALL_EVENTS = "01 3C 02 06", "01 3C 03 06", "01 3C 02 06 3C 03 06 3C 04 06"
#: A binary of class 1, an analog of class 2 and a counter of class 3.
THREE_POINTS = (
    point(PointKind.BINARY_INPUT, 0, event_class=1),
    point(PointKind.ANALOG_INPUT, 1, event_class=2),
    point(PointKind.COUNTER, 2, event_class=3),
)


def indications(fragment: bytes) -> Indication:
    """The indications of a response."""
    return Indication(int.from_bytes(fragment[2:4], "little"))


def binary_events(fragment: bytes) -> list[int]:
    """States of g2v2 events with one-octet indexes."""
    assert fragment[4:7] == bytes.fromhex("02 02 17")
    return [fragment[8 + 8 * n + 1] >> 7 for n in range(fragment[7])]
