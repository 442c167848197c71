"""The master of one association as a state machine: fragments and time in, effects out. No I/O, no clock.

One request is outstanding at a time. Commands go before everything else that is due once the
start-up order is done. After every call, `effects` holds what is to be done, in order; when all of
it is done (a confirmation may have waited for the disk), `advance` begins what comes next, so that
nothing leaves on the strength of an old clock reading.
"""

import math
from collections import Counter, deque
from dataclasses import dataclass
from typing import NamedTuple

from protocols.dnp3.addresses import address_of, command_variation
from protocols.dnp3.application import (
    Control,
    FragmentError,
    Function,
    Response,
    build_confirm,
    build_request,
    next_sequence,
    parse_response,
)
from protocols.dnp3.master.agenda import Agenda
from protocols.dnp3.master.association import Association
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.master.exchange import (
    Ask,
    AskLinkStatus,
    CommandProcedure,
    Confirm,
    Deliver,
    Effect,
    Finished,
    Lost,
    Note,
    Procedure,
    Reply,
    Send,
    Started,
)
from protocols.dnp3.master.mapping import PointMapping
from protocols.dnp3.master.procedures import carry_out
from protocols.dnp3.master.repeats import Repeats
from protocols.dnp3.objects import ObjectError, ObjectFault, ObjectHeader
from vppscada.model.commands import AnalogValue, Command, CommandResult, CommandStatus, Crob, NotSent, Rejected
from vppscada.model.points import Point, PointKind

#: More than every point of every kind in the largest variation needs; past it, the peer does not mean to end.
MAX_RESPONSE_FRAGMENTS = 4096
#: A link that could not be asked for its status is asked again after this.
_KEEPALIVE_AGAIN_S = 1.0


@dataclass(slots=True)
class _Exchange:
    """The request that is outstanding."""

    ask: Ask
    sequence: int
    deadline: float
    sent_ms: int
    retries: int
    expected: int  # sequence of the next fragment of its response
    fragments: int = 0
    events: int = 0


class _Queued(NamedTuple):
    ticket: int
    command: Command


class Master:
    """One association with one outstation, for one connection. ``now`` is monotonic seconds, ``wall_ms`` UTC."""

    def __init__(
        self,
        settings: Dnp3SessionSettings,
        mapping: PointMapping,
        statistics: Counter[str],
        now: float,
        repeats: Repeats | None = None,
    ) -> None:
        self.association = Association(settings)
        self.effects: deque[Effect] = deque()
        self.started = False
        self._settings = settings
        self._mapping = mapping
        self._repeats = Repeats(statistics) if repeats is None else repeats
        self._statistics = statistics
        self._agenda = Agenda(self.association, self._note)
        self._procedure: Procedure | CommandProcedure | None = None
        self._ticket: int | None = None  # of the command that the procedure carries out
        self._exchange: _Exchange | None = None
        self._commands: deque[_Queued] = deque()
        self._tickets = 0
        self._sequence = 0
        self._last_unsolicited: tuple[int, bytes] | None = None
        self._heard_at = now
        self._link_deadline = math.inf
        self._told: set[str] = set()  # malformations that are in the log already

    @property
    def is_waiting(self) -> bool:
        """True while a request is outstanding."""
        return self._exchange is not None

    def put_off_keepalive(self, now: float) -> None:
        """The link could not be asked for its status now."""
        self._link_deadline = math.inf
        self._heard_at = now - self._settings.keepalive_s + _KEEPALIVE_AGAIN_S

    def heard(self, now: float) -> None:
        """A frame of the outstation arrived, whatever it was."""
        self._heard_at = now
        self._link_deadline = math.inf

    def submit(self, command: Command) -> int:
        """Queue a command; its ticket comes back in `Finished`."""
        self._tickets += 1
        ticket = self._tickets
        self._commands.append(_Queued(ticket, command))
        return ticket

    def withdraw(self, ticket: int) -> None:
        """Nobody waits for this command any more: if it has not begun, it never will."""
        self._commands = deque(queued for queued in self._commands if queued.ticket != ticket)

    def receive(self, fragment: bytes, now: float, wall_ms: int) -> None:
        """A fragment arrived."""
        try:
            response = parse_response(fragment)
        except FragmentError as error:
            self._count_malformed("fragments_malformed", str(error))
            return
        self._statistics["fragments_received"] += 1
        if response.is_unsolicited:
            self._receive_unsolicited(response, now, wall_ms)
        elif self._belongs(response):
            self._receive_solicited(response, now, wall_ms)
        else:
            self._statistics["unexpected_responses"] += 1

    def tick(self, now: float, wall_ms: int) -> None:
        """Time went by: deadlines."""
        exchange = self._exchange
        if exchange is not None and now >= exchange.deadline:
            self._time_out(exchange, now, wall_ms)
        self._expire_commands(now)
        if now >= self._link_deadline:
            self._link_deadline = math.inf
            self._lose("no answer from its link layer")
        elif now >= self._keepalive_at():
            self._statistics["keepalives_sent"] += 1
            self._link_deadline = now + self._settings.response_timeout_s
            self.effects.append(AskLinkStatus())

    def next_deadline(self) -> float:
        """When `tick` and `advance` are to be called at the latest; infinity if nothing is waited for."""
        waiting = self._exchange.deadline if self._exchange is not None else self.association.next_due()
        expiring = min((queued.command.expires_at for queued in self._commands), default=math.inf)
        return min(waiting, self._link_deadline, self._keepalive_at(), expiring)

    def abandon(self, reason: str) -> None:
        """The connection is gone: every command gets its result."""
        self._exchange = None
        if self._procedure is not None and self._ticket is not None:
            self._resume(None, 0.0, 0)
        self._procedure = None
        while self._commands:
            self.effects.append(Finished(self._commands.popleft().ticket, NotSent(reason)))

    # responses

    def _belongs(self, response: Response) -> bool:
        exchange = self._exchange
        return (
            exchange is not None
            and response.control.sequence == exchange.expected
            and response.control.first == (exchange.fragments == 0)
        )

    def _receive_solicited(self, response: Response, now: float, wall_ms: int) -> None:
        exchange = self._exchange
        assert exchange is not None
        headers, events, understood = self._take_objects(response, now, wall_ms)
        exchange.fragments += 1
        exchange.events += events
        if response.control.confirm and understood:
            self._confirm(response, events)
        if not response.control.final:
            exchange.expected = next_sequence(exchange.expected)
            exchange.deadline = now + self._settings.response_timeout_s
            if exchange.fragments >= MAX_RESPONSE_FRAGMENTS:
                self._lose("response without end")
            return
        self._exchange = None
        self._resume(Reply(response, headers, exchange.events, exchange.sent_ms, wall_ms, now), now, wall_ms)

    def _receive_unsolicited(self, response: Response, now: float, wall_ms: int) -> None:
        identity = (response.control.sequence, response.body)
        if identity == self._last_unsolicited:
            self._statistics["unsolicited_repeated"] += 1
            self.association.note(response.indications, now)
            if response.control.confirm:
                self._confirm(response, events=1)
            return
        self._statistics["unsolicited_received"] += 1
        _, events, understood = self._take_objects(response, now, wall_ms)
        if understood:
            self._last_unsolicited = identity
            if response.control.confirm:
                self._confirm(response, events)

    def _take_objects(self, response: Response, now: float, wall_ms: int) -> tuple[tuple[ObjectHeader, ...], int, bool]:
        """Deliver the readings; (headers, count of event objects, may be confirmed)."""
        self.association.note(response.indications, now)
        understood = True
        try:
            headers = response.headers()
        except ObjectError as error:
            self._count_malformed("objects_malformed", str(error))
            headers = error.parsed
            # what we do not speak is dropped as if by choice; what is broken must not be acknowledged
            understood = error.fault is ObjectFault.OBJECT_UNKNOWN
        batches = self._mapping.batches(
            headers, wall_ms, unsolicited=response.is_unsolicited, clock_set=self.association.clock_set
        )
        for batch in self._repeats.fresh(batches):
            self.effects.append(Deliver(batch))
        events = sum(header.count for header in headers if header.form is not None and header.form.is_event)
        self._statistics["events_received"] += events
        return headers, events, understood

    def _count_malformed(self, name: str, detail: str) -> None:
        """Count each, log the first of a connection: a hostile peer must not fill the log."""
        self._statistics[name] += 1
        if name not in self._told:
            self._told.add(name)
            self.effects.append(Note(name, detail))

    def _confirm(self, response: Response, events: int) -> None:
        fragment = build_confirm(response.control.sequence, unsolicited=response.is_unsolicited)
        self._statistics["confirms_sent"] += 1
        self.effects.append(Confirm(fragment, after_settling=events > 0))

    # requests

    def advance(self, now: float, wall_ms: int) -> None:
        """Begin what is due next, until one procedure waits for an answer. Call it with no effects left."""
        while self._exchange is None and self._begin(now, wall_ms):
            pass

    def _begin(self, now: float, wall_ms: int) -> bool:
        """Begin the next procedure that is due; False if none is."""
        if not self.started and self._agenda.start_up_is_done:
            self.started = True
            self.association.begin_polling(now)
            self.effects.append(Started())
        if self.started and self._commands:
            self._begin_command(self._commands.popleft(), now, wall_ms)
            return True
        procedure = self._agenda.next_procedure(now)
        if procedure is None:
            return False
        self._run(procedure, None, now, wall_ms)
        return True

    def _begin_command(self, queued: _Queued, now: float, wall_ms: int) -> None:
        command = queued.command
        point = self._mapping.point_at(command.row)
        refusal = _unfit(command, point, now)
        if refusal is not None or point is None:
            self._finish(queued.ticket, refusal or NotSent("no such point"))
            return
        self._statistics["commands_begun"] += 1
        self._ticket = queued.ticket
        self._run(carry_out(command, address_of(point).index, command_variation(point)), None, now, wall_ms)

    def _run(self, procedure: Procedure | CommandProcedure, reply: Reply | None, now: float, wall_ms: int) -> None:
        self._procedure = procedure
        self._resume(reply, now, wall_ms)

    def _resume(self, reply: Reply | None, now: float, wall_ms: int) -> None:
        assert self._procedure is not None
        try:
            ask = self._procedure.send(reply)
        except StopIteration as done:
            self._procedure = None
            if self._ticket is not None:
                ticket, self._ticket = self._ticket, None
                self._finish(ticket, done.value)
            return
        self._ask(ask, ask.retries, now, wall_ms)

    def _ask(self, ask: Ask, retries: int, now: float, wall_ms: int) -> None:
        sequence = self._sequence
        self._sequence = next_sequence(sequence)
        deadline = now + self._settings.response_timeout_s
        self._exchange = _Exchange(ask, sequence, deadline, wall_ms, retries, expected=sequence)
        self._statistics["requests_sent"] += 1
        self.effects.append(Send(build_request(Control(sequence), ask.function, ask.body)))

    def _time_out(self, exchange: _Exchange, now: float, wall_ms: int) -> None:
        self._note("response_timed_out", exchange.ask.function.name.lower())
        self._exchange = None
        if exchange.retries > 0 and exchange.ask.function is Function.READ:
            self._ask(exchange.ask, exchange.retries - 1, now, wall_ms)
            return
        if exchange.ask.essential:
            self._lose(f"no response to {exchange.ask.function.name.lower()}")
        elif self._settings.keepalive_s > 0:
            self._heard_at = min(self._heard_at, now - self._settings.keepalive_s)
        self._resume(None, now, wall_ms)

    def _expire_commands(self, now: float) -> None:
        """Nobody waits longer for a command than it lives, whatever is outstanding."""
        expired = [queued for queued in self._commands if now >= queued.command.expires_at]
        for queued in expired:
            self._commands.remove(queued)
            self._finish(queued.ticket, NotSent("expired before its turn"))

    def _finish(self, ticket: int, result: CommandResult) -> None:
        self._statistics[f"commands_{type(result).__name__.lower()}"] += 1
        self.effects.append(Finished(ticket, result))

    def _note(self, event: str, detail: str) -> None:
        self._statistics[event] += 1
        self.effects.append(Note(event, detail))

    def _lose(self, reason: str) -> None:
        self.effects.append(Lost(reason))

    def _keepalive_at(self) -> float:
        if self._settings.keepalive_s <= 0 or self._link_deadline < math.inf:
            return math.inf
        return self._heard_at + self._settings.keepalive_s


def _unfit(command: Command, point: Point | None, now: float) -> CommandResult | None:
    """Why a command cannot be sent at all; None if it can."""
    if now >= command.expires_at:
        return NotSent("expired before its turn")
    if point is None:
        return NotSent(f"row {command.row} is no point of this session")
    fits = (point.kind is PointKind.BINARY_OUTPUT and isinstance(command.body, Crob)) or (
        point.kind is PointKind.ANALOG_OUTPUT and isinstance(command.body, AnalogValue)
    )
    return None if fits else Rejected(CommandStatus.NOT_SUPPORTED, f"{point.id} takes no such command")
