"""A scripted wire for the master: expect this, answer that, on a clock that only the test moves."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from protocols.dnp3.addresses import Dnp3Address
from protocols.dnp3.application import Control, Function, Indication, Request, build_response, parse_request
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.master.core import Master
from protocols.dnp3.master.exchange import Deliver, Effect, Finished, Note, Send, Started
from protocols.dnp3.master.mapping import PointMapping
from protocols.dnp3.objects import ObjectColumns, build_events, build_static, form_of
from vppscada.model.batch import Batch
from vppscada.model.commands import (
    Command,
    CommandBody,
    CommandMode,
    Crob,
    CrobOperation,
    Origin,
)
from vppscada.model.points import Point, PointKind, RowPoint

INTEGRITY = bytes.fromhex("3c02063c03063c04063c0106")
ALL_CLASSES = bytes.fromhex("3c02063c03063c0406")
CLOSE = Crob(CrobOperation.LATCH_ON)
WALL_MS = 1_700_000_000_000


def usual_points() -> list[RowPoint]:
    kinds = (PointKind.ANALOG_INPUT, PointKind.BINARY_INPUT, PointKind.BINARY_OUTPUT, PointKind.ANALOG_OUTPUT)
    return [RowPoint(10 + i, Point(f"a.p{i}", kind, address=Dnp3Address(7))) for i, kind in enumerate(kinds)]


def analogs(group: int, variation: int, index: int, value: float, time_ms: int = 0) -> bytes:
    form = form_of(group, variation)
    columns = ObjectColumns(
        np.array([index], dtype=np.uint32),
        np.array([value]),
        np.array([1], dtype=np.uint8),
        np.array([time_ms], dtype=np.int64),
    )
    return (build_events if form.is_event else build_static)(form, columns, 1000)[0]


class Wire:
    """A master, its clock and what it wanted."""

    def __init__(self, points: Sequence[RowPoint] = (), phase: float = 0.0, /, **settings: object) -> None:
        self.now = 100.0
        self.statistics: Counter[str] = Counter()
        given: dict[str, object] = {"host": "h", "keepalive_s": 0.0, "integrity_period_s": 0.0, "read_retries": 0}
        chosen = Dnp3SessionSettings(**(given | settings))  # type: ignore[arg-type]
        mapping = PointMapping(points or usual_points(), self.statistics)
        self.master = Master(chosen, mapping, self.statistics, self.now, phase=phase)
        self.sequence = -1
        self.notes: list[str] = []
        self.advance()

    def advance(self) -> None:
        self.master.advance(self.now, self.wall_ms)

    @property
    def wall_ms(self) -> int:
        return WALL_MS + round((self.now - 100.0) * 1000)

    def wants(self) -> list[Effect]:
        """Everything it wants done since the last call; notes for the log are kept apart."""
        wanted: list[Effect] = [effect for effect in self.master.effects if not isinstance(effect, Note)]
        self.notes += [effect.event for effect in self.master.effects if isinstance(effect, Note)]
        self.master.effects.clear()
        return wanted

    def request(self) -> Request:
        """The one thing it wants is this request."""
        (effect,) = self.wants()
        assert isinstance(effect, Send)
        request = parse_request(effect.fragment)
        self.sequence = request.control.sequence
        return request

    def expect(self, function: Function, body: bytes | None = None) -> "Wire":
        request = self.request()
        assert request.function is function
        assert body is None or request.body == body
        return self

    def answer(
        self, body: bytes = b"", indications: Indication = Indication.NONE, after_s: float = 0.01
    ) -> list[Effect]:
        """Answer the request; what it wants at once, without what it asks next (that is for `expect`)."""
        return self.fragment(Control(self.sequence), body, indications, after_s)

    def fragment(
        self, control: Control, body: bytes = b"", indications: Indication = Indication.NONE, after_s: float = 0.01
    ) -> list[Effect]:
        self.now += after_s
        function = Function.UNSOLICITED_RESPONSE if control.unsolicited else Function.RESPONSE
        self.master.receive(build_response(control, function, indications, body), self.now, self.wall_ms)
        wanted = self.wants()
        if wanted and isinstance(wanted[-1], Send):
            self.master.effects.append(wanted.pop())
        self.advance()
        return wanted

    def unsolicited(self, sequence: int, body: bytes = b"", indications: Indication = Indication.NONE) -> list[Effect]:
        return self.fragment(Control(sequence, confirm=True, unsolicited=True), body, indications)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.master.tick(self.now, self.wall_ms)
        self.advance()

    def operate(
        self,
        body: CommandBody = CLOSE,
        mode: CommandMode = CommandMode.DIRECT,
        ttl_s: float = 10.0,
        *,
        select_only: bool = False,
    ) -> int:
        row = 12 if isinstance(body, Crob) else 13
        command = Command(1, row, body, mode, Origin.OPERATOR, self.now, self.now + ttl_s)
        ticket = self.master.submit(command, select_only=select_only)
        self.advance()
        return ticket


def started(points: Sequence[RowPoint] = (), phase: float = 0.0, /, **settings: object) -> Wire:
    """A wire on which the start-up order is done."""
    wire = Wire(points, phase, **settings)
    wire.expect(Function.DISABLE_UNSOLICITED).answer()
    wire.expect(Function.READ, INTEGRITY).answer()
    wire.expect(Function.ENABLE_UNSOLICITED, ALL_CLASSES).answer()
    assert wire.wants() == [Started()]
    return wire


def batches(effects: list[Effect]) -> list[Batch]:
    return [effect.batch for effect in effects if isinstance(effect, Deliver)]


def result_of(effects: list[Effect]) -> object:
    (finished,) = (effect for effect in effects if isinstance(effect, Finished))
    return finished.result
