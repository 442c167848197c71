"""The device of the recorded runs, declared once: its points, and what its manual steps change.

Read out of the runs: every input kind has points 0, 41, 1024 and 65535; there are twenty outputs of each
kind; nothing has been written to the clock; inputs are told with flags, in 16 bits where they are numbers.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from protocols.dnp3.addresses import address_of
from protocols.dnp3.link import LinkAddresses, LinkLayer
from protocols.dnp3.link_sending import ConfirmedSending
from protocols.dnp3.outstation.clock import Moment
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.transport import segments
from tests.conformance.runs import Updated
from tests.unit.protocols.dnp3.outstation.wire import Wire, batch, point
from vppscada.model.commands import AnalogValue, CommandBody
from vppscada.model.commands import CommandStatus as Status
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import Quality

INDEXES = (0, 41, 1024, 65535)
OUTPUTS = (PointKind.BINARY_OUTPUT, PointKind.ANALOG_OUTPUT)
#: 2020-04-10, midnight of the log's clock.
MIDNIGHT_MS = int(datetime(2020, 4, 10, 4, tzinfo=UTC).timestamp()) * 1000
EVENTS_PER_KIND = 200
EVENT_CLASS = {
    PointKind.BINARY_INPUT: 1,
    PointKind.DOUBLE_BIT_INPUT: 1,
    PointKind.COUNTER: 2,
    PointKind.ANALOG_INPUT: 3,
    PointKind.BINARY_OUTPUT: 0,
    PointKind.ANALOG_OUTPUT: 1,
}
SETTINGS = Dnp3OutstationSettings(
    local_address=1024,
    master_address=1,
    unsolicited=False,
    confirm_timeout_s=5.0,
    select_timeout_s=2.0,
    max_controls=4,
    max_events=EVENTS_PER_KIND,
    need_time_s=5.0,
    freeze_events_on_change=True,
    class_0=(1, 30, 20, 21, 10, 40),
    restart_time_s=5.0,
)
KINDS = {
    "BI": PointKind.BINARY_INPUT,
    "DBBI": PointKind.DOUBLE_BIT_INPUT,
    "Counter": PointKind.COUNTER,
    "AI": PointKind.ANALOG_INPUT,
}


def points() -> list[Point]:
    """All points of the device."""
    made = [
        point(kind, index, event_class=event_class, static=2, event=1, writable=kind in OUTPUTS)
        for kind, event_class in EVENT_CLASS.items()
        for index in (range(20) if kind in OUTPUTS else INDEXES)
    ]
    return [with_freezes(one) if one.kind is PointKind.COUNTER else one for one in made]


def with_freezes(one: Point) -> Point:
    """A counter whose freezes are events of class 1."""
    address = replace(address_of(one), frozen_variation=2, frozen_event_variation=1, frozen_class=1)
    return replace(one, address=address)


def identity(one: Point) -> tuple[PointKind, int]:
    """Kind and index of a point."""
    return one.kind, address_of(one).index


def initial_value(one: Point) -> float:
    """Counters begin at 1, double-bit inputs with alternating states, everything else at 0."""
    if one.kind is PointKind.COUNTER:
        return 1.0
    if one.kind is PointKind.DOUBLE_BIT_INPUT:
        return 1.0 + INDEXES.index(address_of(one).index) % 2
    return 0.0


class ConformanceDevice(Wire):
    """The device, on a wire with its own clock: the log's time of day."""

    def __init__(
        self, at: float = 43_200.0, settings: Dnp3OutstationSettings = SETTINGS, without: PointKind | None = None
    ) -> None:
        self.points = [p for p in points() if p.kind is not without]
        super().__init__(self.points, settings)
        self.now = at
        self._sequence = 0
        self.moved: list[tuple[PointKind, int, CommandBody]] = []  # what outputs did, in order
        self._link = LinkLayer(
            LinkAddresses(settings.local_address, settings.master_address, False, settings.self_address),
            self.statistics,
        )
        self._sending: ConfirmedSending | None = None
        if settings.link.confirm == "always":
            self._sending = ConfirmedSending(settings.link, self._link.primary_frame, self.statistics)
            self._link.on_answer = self._sending.answered
        self.rows = {identity(p): row for row, p in enumerate(self.points)}
        self.put({row: initial_value(p) for row, p in enumerate(self.points)})
        counters = self.device.table.by_kind[PointKind.COUNTER].rows
        self.device.table.freeze(counters, self.moment.wall_ms, self.device.clock.quality())

    @property
    def moment(self) -> Moment:
        """The present, on both clocks."""
        return Moment(self.now, MIDNIGHT_MS + round(self.now * 1000))

    def put(self, values: dict[int, float], time_ms: int | None = None, quality: int = Quality.ONLINE) -> None:
        """Give points values, by row."""
        at_ms = self.moment.wall_ms if time_ms is None else time_ms
        self.device.update(batch(values, at_ms=at_ms, quality=quality))

    def rows_of(self, kind: PointKind) -> list[int]:
        """Rows of the points of a kind, by rising index."""
        return [row for row, p in enumerate(self.points) if p.kind is kind]

    def take_over(self, rows: Sequence[int], *, local: bool) -> None:
        """Somebody at the device takes outputs over, or hands them back."""
        quality = Quality.ONLINE | (Quality.LOCAL_FORCED if local else 0)
        self.put({row: float(self.device.table.value[row]) for row in rows}, quality=quality)
        self.statuses = dict.fromkeys(rows, Status.LOCAL) if local else {}

    def identity(self, row: int) -> tuple[PointKind, int]:
        """Kind and index of the point in a row."""
        return identity(self.points[row])

    def octets(self, data: bytes) -> bytes:
        """Octets that answer octets; afterwards outputs show what they were told."""
        known = len(self.asked)
        received, reply = self._link.receive_addressed(data, self.now)
        for segment in received:
            fragment = self._reassembler.push(segment.data)
            if fragment is not None:
                reply += self.framed(self.ask(fragment, segment.destination if segment.is_broadcast else None))
        for what, command in self.asked[known:]:
            if what == "operate" and self.statuses is not None and not self.statuses.get(command.row):
                body = command.body
                self.moved.append((*self.identity(command.row), body))
                self.put({command.row: body.value if isinstance(body, AnalogValue) else float(body.wants_on)})
        return reply + self.framed(self.tick(0.0))

    def update_by_hand(self, update: Updated) -> bytes:
        """A manual step gives an input a value; octets that this brings."""
        row = self.rows[(KINDS[update.kind], update.index)]
        # the device of the runs let its counters begin anew with a freeze and clear; those behind ours count on
        value = update.value + float(self.device.table._cleared_at[row])
        self.put({row: value}, update.time_ms - self.core.state.clock.offset_ms)
        return self.framed(self.tick(0.0))

    def connect_octets(self) -> bytes:
        """Octets that a new connection brings."""
        return self.framed(self.connect())

    def until(self, at: float) -> bytes:
        """Let time pass, deadline by deadline; octets that this brings."""
        octets = b""
        while (deadline := self._deadline()) <= at:
            self.now = max(deadline, self.now)
            octets += self._pass()
        self.now = at
        return octets + self._pass()

    def framed(self, fragments: Sequence[bytes]) -> bytes:
        """Fragments through transport and link."""
        octets = b""
        for fragment in fragments:
            parts = segments(fragment, self._sequence)
            self._sequence = (self._sequence + len(parts)) & 0x3F
            if self._sending is None:
                octets += b"".join(map(self._link.send, parts))
            else:
                octets += self._sending.send(parts, self.now)
        return octets

    def _pass(self) -> bytes:
        repeated = self._sending.tick(self.now) if self._sending is not None else b""
        return repeated + self.framed(self.tick(0.0))

    def _deadline(self) -> float:
        linked = self._sending.deadline if self._sending is not None else math.inf
        told = self.core.deadline()
        return linked if told is None else min(linked, told)
