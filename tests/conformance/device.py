"""The device of the recorded runs, declared once: its points, and what its manual steps change.

Read out of the runs: every input kind has points 0, 41, 1024 and 65535; there are twenty outputs of each
kind; nothing has been written to the clock; inputs are told with flags, in 16 bits where they are numbers.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from protocols.dnp3.outstation.clock import Moment
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.transport import segments
from tests.conformance.runs import Updated
from tests.unit.protocols.dnp3.outstation.wire import Wire, batch, point
from vppscada.model.points import Point, PointKind

INDEXES = (0, 41, 1024, 65535)
OUTPUTS = range(20)
#: 2020-04-10, midnight of the log's clock.
MIDNIGHT_MS = int(datetime(2020, 4, 10, 4, tzinfo=UTC).timestamp()) * 1000
SETTINGS = Dnp3OutstationSettings(
    local_address=1024,
    master_address=1,
    unsolicited=False,
    confirm_timeout_s=5.0,
    select_timeout_s=2.0,
    max_controls=4,
    max_events=100,
    need_time_s=0.0,
)
KINDS = {
    "BI": PointKind.BINARY_INPUT,
    "DBBI": PointKind.DOUBLE_BIT_INPUT,
    "Counter": PointKind.COUNTER,
    "AI": PointKind.ANALOG_INPUT,
}


def points() -> list[Point]:
    """All points of the device."""
    made: list[Point] = []
    for index in INDEXES:
        made.append(point(PointKind.BINARY_INPUT, index, event_class=1, static=2, event=1))
        made.append(point(PointKind.DOUBLE_BIT_INPUT, index, event_class=1, static=2, event=1))
        made.append(point(PointKind.COUNTER, index, event_class=2, static=2, event=1))
        made.append(point(PointKind.ANALOG_INPUT, index, event_class=3, static=2, event=1))
    for index in OUTPUTS:
        made.append(point(PointKind.BINARY_OUTPUT, index, static=2, writable=True))
        made.append(point(PointKind.ANALOG_OUTPUT, index, static=2, writable=True))
    return made


def initial_value(one: Point) -> float:
    """Counters begin at 1, double-bit inputs with alternating states, everything else at 0."""
    if one.kind is PointKind.COUNTER:
        return 1.0
    if one.kind is PointKind.DOUBLE_BIT_INPUT:
        return 1.0 + INDEXES.index(one.address.index) % 2  # type: ignore[attr-defined]
    return 0.0


class Device(Wire):
    """The device, on a wire with its own clock: the log's time of day."""

    def __init__(
        self, at: float = 43_200.0, settings: Dnp3OutstationSettings = SETTINGS, without: PointKind | None = None
    ) -> None:
        self.points = [p for p in points() if p.kind is not without]
        super().__init__(self.points, settings)
        self.now = at
        self.rows = {(p.kind, p.address.index): row for row, p in enumerate(self.points)}  # type: ignore[attr-defined]
        self.put({row: initial_value(p) for row, p in enumerate(self.points)})

    @property
    def moment(self) -> Moment:
        """The present, on both clocks."""
        return Moment(self.now, MIDNIGHT_MS + round(self.now * 1000))

    def put(self, values: dict[int, float], time_ms: int | None = None) -> None:
        at_ms = self.moment.wall_ms if time_ms is None else time_ms
        self.core.update(batch(values, at_ms=at_ms))

    def update_by_hand(self, update: Updated) -> bytes:
        """A manual step gives an input a value; octets that this brings."""
        row = self.rows[(KINDS[update.kind], update.index)]
        self.put({row: update.value}, update.time_ms - self.core.state.clock.offset_ms)
        return self.framed(self.tick(0.0))

    def connect_octets(self) -> bytes:
        """Octets that a new connection brings."""
        return self.framed(self.connect())

    def until(self, at: float) -> bytes:
        """Let time pass, deadline by deadline; octets that this brings."""
        octets = b""
        while (deadline := self.core.deadline()) is not None and deadline <= at:
            octets += self.framed(self.tick(max(deadline - self.now, 0.0)))
        self.now = at
        return octets + self.framed(self.tick(0.0))

    def framed(self, fragments: Sequence[bytes]) -> bytes:
        """Fragments through transport and link."""
        return b"".join(self._link.send(s) for f in fragments for s in segments(f, f[0] & 0x0F))
