"""The master of one association as a state machine: fragments and time in, effects out. No I/O, no clock.

One request is outstanding at a time. Commands go before everything else that is due once the
start-up order is done. After every call, `effects` holds what is to be done, in order; when all of
it is done (a confirmation may have waited for the disk), `advance` begins what comes next, so that
nothing leaves on the strength of an old clock reading.
"""

import math
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

from protocols.dnp3.application import (
    NO_RESPONSE,
    Control,
    FragmentError,
    Response,
    build_confirm,
    build_request,
    next_sequence,
    parse_response,
)
from protocols.dnp3.master.agenda import Agenda
from protocols.dnp3.master.association import Association
from protocols.dnp3.master.commands import CommandQueue, carry_out, prepare, select_alone
from protocols.dnp3.master.commands import Control as PreparedControl
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.master.exchange import (
    Answered,
    Ask,
    AskLinkStatus,
    CommandProcedure,
    Confirm,
    Deliver,
    Effect,
    Exchange,
    Finished,
    Lost,
    MaintenanceProcedure,
    NotAsked,
    Procedure,
    Reply,
    Send,
    Started,
)
from protocols.dnp3.master.maintenance import Task, perform
from protocols.dnp3.master.mapping import PointMapping
from protocols.dnp3.master.repeats import Repeats
from protocols.dnp3.master.reports import Reports
from protocols.dnp3.objects import ObjectError, ObjectFault, ObjectHeader
from vppscada.model.commands import Command, CommandResult, NotSent

#: More than every point of every kind in the largest variation needs; past it, the peer does not mean to end.
MAX_RESPONSE_FRAGMENTS = 4096
#: Fragments of a response whose objects are kept for a procedure that wants them all.
_KEPT_FRAGMENTS = 16
#: A link that could not be asked for its status is asked again after this.
_KEEPALIVE_AGAIN_S = 1.0
#: The phase of a session shortens its silence before a keep-alive by up to this share, so that sessions part.
_KEEPALIVE_SPREAD = 0.25


class Master:
    """One association with one outstation, for one connection. ``now`` is monotonic seconds, ``wall_ms`` UTC."""

    def __init__(
        self,
        settings: Dnp3SessionSettings,
        mapping: PointMapping,
        statistics: Counter[str],
        now: float,
        repeats: Repeats | None = None,
        phase: float = 0.0,
    ) -> None:
        self.effects: deque[Effect] = deque()
        self._reports = Reports(statistics, self.effects)
        self.association = Association(settings, self._reports, mapping.points, phase)
        self.started = False
        self._settings = settings
        self._mapping = mapping
        self._repeats = Repeats(statistics) if repeats is None else repeats
        self._statistics = statistics
        self._agenda = Agenda(self.association)
        self._procedure: Procedure | CommandProcedure | MaintenanceProcedure | None = None
        self._carried: tuple[int, ...] = ()  # tickets of the commands that the procedure carries out
        self._performed: int | None = None  # ticket of the task that it performs
        self._exchange: Exchange | None = None
        self._again: Exchange | None = None  # unanswered; its request goes out anew when it is our turn
        self._commands = CommandQueue()
        self._tasks: deque[tuple[int, Task]] = deque()
        self._tickets = 0
        self._keepalive_s = settings.keepalive_s * (1.0 - _KEEPALIVE_SPREAD * phase)
        self._sequence = 0
        self._last_unsolicited: tuple[int, bytes] | None = None
        self._heard_at = now
        self._link_deadline = math.inf

    @property
    def is_waiting(self) -> bool:
        """True while a request is outstanding."""
        return self._exchange is not None

    def put_off_keepalive(self, now: float) -> None:
        """The link could not be asked for its status now."""
        self._link_deadline = math.inf
        self._heard_at = now - self._keepalive_s + _KEEPALIVE_AGAIN_S

    def heard(self, now: float) -> None:
        """A frame of the outstation arrived, whatever it was."""
        self._heard_at = now
        self._link_deadline = math.inf

    def submit(self, command: Command, *, select_only: bool = False) -> int:
        """Queue a command, or the select of one; its ticket comes back in `Finished`."""
        self._tickets += 1
        self._commands.add(self._tickets, command, select_only=select_only)
        return self._tickets

    def request(self, task: Task) -> int:
        """Queue maintenance, behind commands and before polls; its ticket comes back in `Answered`."""
        self._tickets += 1
        self._tasks.append((self._tickets, task))
        return self._tickets

    def withdraw(self, ticket: int) -> None:
        """Nobody waits for this command or task any more: if it has not begun, it never will."""
        self._commands.withdraw(ticket)
        self._tasks = deque(queued for queued in self._tasks if queued[0] != ticket)

    def receive(self, fragment: bytes, now: float, wall_ms: int) -> None:
        """A fragment arrived."""
        try:
            response = parse_response(fragment)
        except FragmentError as error:
            self._reports.once("fragments_malformed", str(error))
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
        return min(waiting, self._link_deadline, self._keepalive_at(), self._commands.next_expiry())

    def abandon(self, reason: str) -> None:
        """The connection is gone: every command and every task gets its result."""
        self._exchange = self._again = None
        while self._procedure is not None and (self._carried or self._performed is not None):
            self._exchange = None
            self._resume(None, 0.0, 0)
        self._procedure = None
        for queued in self._commands.expired(math.inf):
            self._finish(queued.ticket, NotSent(reason))
        while self._tasks:
            self.effects.append(Answered(self._tasks.popleft()[0], NotAsked(reason)))

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
        headers, events, fault = self._take_objects(response, now, wall_ms)
        exchange.fragments += 1
        exchange.static_seen = exchange.static_seen or _holds_states(headers)
        if fault is None:
            exchange.events += events
        if response.control.confirm:
            # we ask for events first: behind the first state there is none that could be lost
            harmless = fault is ObjectFault.OBJECT_UNKNOWN and exchange.static_seen
            self._confirm(response, events, understood=fault is None or harmless)
        if exchange.ask.whole and exchange.fragments <= _KEPT_FRAGMENTS:
            exchange.kept += headers
        if not response.control.final:
            exchange.expected = next_sequence(exchange.expected)
            exchange.deadline = now + self._settings.response_timeout_s
            if exchange.fragments >= MAX_RESPONSE_FRAGMENTS:
                self._lose("response without end")
            return
        self._exchange = None
        objects = exchange.kept if exchange.ask.whole else headers
        reply = Reply(response, objects, exchange.events, exchange.sent_ms, wall_ms, exchange.sent, now)
        self._resume(reply, now, wall_ms)

    def _receive_unsolicited(self, response: Response, now: float, wall_ms: int) -> None:
        identity = (response.control.sequence, response.body)
        if identity == self._last_unsolicited:
            self._statistics["unsolicited_repeated"] += 1
            self._note_indications(response, now)
            if response.control.confirm:
                self._confirm(response, events=1, understood=True)
            return
        self._statistics["unsolicited_received"] += 1
        _, events, fault = self._take_objects(response, now, wall_ms)
        if fault is None:
            self._last_unsolicited = identity
        if response.control.confirm:
            self._confirm(response, events, understood=fault is None)

    def _take_objects(
        self, response: Response, now: float, wall_ms: int
    ) -> tuple[tuple[ObjectHeader, ...], int, ObjectFault | None]:
        """Deliver the readings; (headers, count of event objects, what ended the understanding of it)."""
        self._note_indications(response, now)
        fault: ObjectFault | None = None
        try:
            headers = response.headers()
        except ObjectError as error:
            self._reports.once("objects_malformed", str(error))
            headers, fault = error.parsed, error.fault
        batches = self._mapping.batches(
            headers, wall_ms, unsolicited=response.is_unsolicited, clock_set=self.association.clock_set
        )
        for batch in self._repeats.fresh(batches):
            self.effects.append(Deliver(batch))
        events = sum(header.count for header in headers if header.form is not None and header.form.is_event)
        self._statistics["events_received"] += events
        return headers, events, fault

    def _note_indications(self, response: Response, now: float) -> None:
        self._statistics["indications"] = response.indications.value
        self.association.note(response.indications, now)

    def _confirm(self, response: Response, events: int, *, understood: bool) -> None:
        """Confirm, unless events may stand behind what we could not read: they must not be lost by our doing."""
        if not understood:
            detail = "it holds what is not understood, and there may be events behind it"
            self._reports.once("confirms_withheld", detail)
            self._repeats.confirmation_withheld()
            return
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
        if self._again is not None:
            unanswered, self._again = self._again, None
            self._statistics["requests_repeated"] += 1
            self._ask(unanswered.ask, unanswered.retries - 1, now, wall_ms)
            return True
        if not self.started and self._agenda.start_up_is_done:
            self.started = True
            self.effects.append(Started())
        if self.started and self._commands:
            self._begin_commands(now, wall_ms)
            return True
        if self.started and self._tasks:
            self._performed, task = self._tasks.popleft()
            self._run(perform(task, self.association), now, wall_ms)
            return True
        procedure = self._agenda.next_procedure(now)
        if procedure is None:
            return False
        self._run(procedure, now, wall_ms)
        return True

    def _begin_commands(self, now: float, wall_ms: int) -> None:
        controls: dict[int, PreparedControl] = {}
        taken = self._commands.take(self._settings.commands_per_request)
        for ticket, command, _ in taken:
            prepared = prepare(command, self._mapping.point_at(command.row), now)
            if isinstance(prepared, PreparedControl):
                controls[ticket] = prepared
            else:
                self._finish(ticket, prepared)
        if not controls:
            return
        self._statistics["commands_begun"] += len(controls)
        self._carried = tuple(controls)
        acknowledged = self._settings.acknowledge_direct
        if taken[0].select_only:
            self._run(select_alone(tuple(controls.values())), now, wall_ms)
            return
        mode = taken[0].command.mode
        self._run(carry_out(tuple(controls.values()), mode, acknowledged=acknowledged), now, wall_ms)

    def _run(self, procedure: Procedure | CommandProcedure | MaintenanceProcedure, now: float, wall_ms: int) -> None:
        self._procedure = procedure
        self._resume(None, now, wall_ms)

    def _resume(self, reply: Reply | None, now: float, wall_ms: int) -> None:
        assert self._procedure is not None
        try:
            ask = self._procedure.send(reply)
        except StopIteration as done:
            self._procedure = None
            self._end(done.value)
            return
        self._ask(ask, ask.retries, now, wall_ms)

    def _end(self, value: Any) -> None:
        """A procedure is over: hand out what it came to."""
        carried, self._carried = self._carried, ()
        performed, self._performed = self._performed, None
        if carried:
            for ticket, result in zip(carried, value, strict=True):
                self._finish(ticket, result)
        elif performed is not None:
            self.effects.append(Answered(performed, value))

    def _ask(self, ask: Ask, retries: int, now: float, wall_ms: int) -> None:
        sequence = self._sequence
        self._sequence = next_sequence(sequence)
        self._statistics["requests_sent"] += 1
        self.effects.append(Send(build_request(Control(sequence), ask.function, ask.body)))
        if ask.function in NO_RESPONSE:
            self._resume(None, now, wall_ms)
            return
        deadline = now + self._settings.response_timeout_s
        self._exchange = Exchange(ask, sequence, deadline, wall_ms, now, retries, expected=sequence)

    def _time_out(self, exchange: Exchange, now: float, wall_ms: int) -> None:
        self._reports.each("response_timed_out", exchange.ask.function.name.lower())
        self._exchange = None
        if exchange.retries > 0:
            self._again = exchange  # not at once: on a shared line others come first
            return
        if exchange.ask.essential:
            self._lose(f"no response to {exchange.ask.function.name.lower()}")
        elif self._settings.keepalive_s > 0:
            self._heard_at = min(self._heard_at, now - self._keepalive_s)
        self._resume(None, now, wall_ms)

    def _expire_commands(self, now: float) -> None:
        """Nobody waits longer for a command than it lives, whatever is outstanding."""
        for queued in self._commands.expired(now):
            self._finish(queued.ticket, NotSent("expired before its turn"))

    def _finish(self, ticket: int, result: CommandResult) -> None:
        self._statistics[f"commands_{type(result).__name__.lower()}"] += 1
        self.effects.append(Finished(ticket, result))

    def _lose(self, reason: str) -> None:
        self.effects.append(Lost(reason))

    def _keepalive_at(self) -> float:
        if self._keepalive_s <= 0 or self._link_deadline < math.inf:
            return math.inf
        return self._heard_at + self._keepalive_s


def _holds_states(headers: Sequence[ObjectHeader]) -> bool:
    return any(header.kind is not None and header.form is not None and not header.form.is_event for header in headers)
