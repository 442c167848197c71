"""The application layer of an outstation as a state machine: fragments and time in, actions out. No I/O, no clock.

One association (one master). What is solicited and what is not are kept apart as IEEE 1815, 4.3 wants
it: a read waits while an unsolicited response is unconfirmed, nothing unsolicited starts while a
response is, and a new request ends the response before it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from protocols.dnp3.application import (
    RESPONSE_HEADER_SIZE,
    Control,
    FragmentError,
    Function,
    Indication,
    Request,
    build_response,
    next_sequence,
    parse_request,
)
from protocols.dnp3.objects import ObjectError, ObjectHeader
from protocols.dnp3.outstation.actions import Action, Asking, Execute, Restart, Send, asking_of
from protocols.dnp3.outstation.clock import Moment
from protocols.dnp3.outstation.commands import ControlPlan, plan_controls
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.device import Device
from protocols.dnp3.outstation.events import EventBuffer
from protocols.dnp3.outstation.points import NewEvents
from protocols.dnp3.outstation.read import EventRequest, Present, ReadPlan, bound_events, next_part, plan_read
from protocols.dnp3.outstation.select import Selection, check_operate
from protocols.dnp3.outstation.state import AssociationState
from vppscada.model.commands import Command, CommandMode, CommandStatus, Origin
from vppscada.model.outstations import Events

_CONTROLS = (Function.SELECT, Function.OPERATE, Function.DIRECT_OPERATE)
_RESTARTS = (Function.COLD_RESTART, Function.WARM_RESTART)


@dataclass(slots=True)
class _Unconfirmed:
    """A response that waits for its confirmation, and what of it is still to be told."""

    sequence: int
    deadline: float
    has_events: bool
    rest: ReadPlan | None


@dataclass(frozen=True, slots=True, eq=False)
class _Executing:
    """A control request that is with the handler."""

    ticket: int
    asking: Asking
    plan: ControlPlan


class OutstationCore:
    """The association of an outstation with one master."""

    def __init__(
        self,
        settings: Dnp3OutstationSettings,
        device: Device,
        statistics: Counter[str],
        *,
        durable: bool = False,
    ) -> None:
        self.state = AssociationState(settings, device, statistics, durable=durable)
        self._device = device
        self._settings = settings
        self._statistics = statistics
        self._room = settings.max_fragment - RESPONSE_HEADER_SIZE
        self._started = False
        self._connected = False
        self._selection: Selection | None = None
        self._unconfirmed: _Unconfirmed | None = None
        self._executing: _Executing | None = None
        self._deferred: bytes | None = None
        self._last: tuple[bytes, bytes] | None = None  # the last request and its answer, octet for octet
        self._tickets = 0
        self._command_ids = 0

    @property
    def is_started(self) -> bool:
        """True once events are made."""
        return self._started

    @property
    def buffer(self) -> EventBuffer:
        """Events that the master has not confirmed."""
        return self.state.buffer

    # what the shell tells

    def start(self, stored: Events | None = None) -> None:
        """Begin to make events; ``stored`` are those of an earlier life that were never confirmed."""
        if stored is not None:
            self.buffer.restore(stored, self.state.table.recall(stored))
        self._started = True
        self._device.join(self)

    def take_events(self, new: NewEvents) -> None:
        """Buffer the events whose points have a class here; `tick` afterwards (with a store: when they are on disk)."""
        events = new.events
        events["event_class"] = self.state.event_class[new.slots]
        ours = events[events["event_class"] > 0]
        if len(ours):
            self._statistics["events_made"] += len(ours)
            self.buffer.add(ours, new.texts)

    def connected(self, now: Moment) -> list[Action]:
        """A connection to the master is there (a former one is gone)."""
        self.disconnected()
        self._connected = True
        return self._speak(now)

    def disconnected(self) -> None:
        """The connection is gone: whatever it did not confirm will be told again."""
        self._connected = False
        self._selection = None
        self._unconfirmed = None
        self._executing = None
        self._deferred = None
        self._last = None
        self.state.unsolicited.reset()
        self._repeat_events()

    def receive(self, fragment: bytes, now: Moment, broadcast: int | None = None) -> list[Action]:
        """A fragment from the master; ``broadcast`` is its destination if it was not ours alone."""
        try:
            request = parse_request(fragment)
        except FragmentError:
            self._statistics["malformed_fragments"] += 1
            return []
        self._statistics["fragments_received"] += 1
        control = request.control
        if request.function == Function.CONFIRM:
            return self._confirm(control, now) if broadcast is None else []
        if not (control.first and control.final) or control.unsolicited:
            self._statistics["malformed_fragments"] += 1
            return []
        asking = asking_of(request, fragment, broadcast=broadcast is not None)
        if broadcast is not None:
            return self._take_broadcast(asking, broadcast, now)
        return self._take(asking, now) + self._speak(now)

    def finish(self, ticket: int, statuses: Sequence[CommandStatus], now: Moment) -> list[Action]:
        """The handler answered the commands of an `Execute`, in their order."""
        executing = self._executing
        if executing is None or executing.ticket != ticket:
            self._statistics["answers_without_a_master"] += 1
            return []
        self._executing = None
        for asked, status in zip(executing.plan.asked, statuses, strict=True):
            executing.plan.statuses[asked.position] = status
        if executing.asking.function != Function.SELECT:
            self._device.commanded(*executing.plan.commanded(), now)
        actions = self._end_control(executing.asking, executing.plan, now)
        return actions + self._serve_deferred(now) + self._speak(now)

    def tick(self, now: Moment) -> list[Action]:
        """Look at the time: confirmations that did not come, and events that want to be told."""
        actions: list[Action] = []
        if self._unconfirmed is not None and now.monotonic >= self._unconfirmed.deadline:
            self._statistics["solicited_confirms_missed"] += 1
            self._abandon_response()
        if self.state.unsolicited.timed_out(now.monotonic):
            actions += self._repeat_unsolicited(now)
        return actions + self._speak(now)

    def deadline(self) -> float | None:
        """Monotonic time at which `tick` is due at the latest; None while nothing is awaited."""
        if not self._connected:
            return None
        if self._unconfirmed is None:
            return self.state.unsolicited.deadline()
        if self.state.unsolicited.in_flight is None:
            return self._unconfirmed.deadline
        return min(self._unconfirmed.deadline, self.state.unsolicited.deadline() or self._unconfirmed.deadline)

    # requests

    def _take(self, asking: Asking, now: Moment) -> list[Action]:
        is_read, is_operate = asking.function == Function.READ, asking.function == Function.OPERATE
        if not is_read and self._last is not None and asking.octets == self._last[0]:
            # octet for octet the request before: the master missed our answer, and nothing may be done twice
            self._statistics["requests_repeated"] += 1
            return [Send(self._last[1])] if self._last[1] else []
        if self._executing is not None:
            # an operate that overtook what waits already would follow a select that is not the request before it
            if asking.octets != self._executing.asking.octets and not (is_operate and self._deferred is not None):
                self._deferred = asking.octets
            return []
        if not is_operate:
            self._selection = None
        if is_read and self.state.unsolicited.in_flight is not None:
            if self.state.unsolicited.announced:
                self._deferred = asking.octets
                return []
            # the first, empty response carries nothing that could be told twice: the read is served, and it comes
            # again with another number (procedure 8.11.2.1 of the conformance tests)
            self.state.unsolicited.interrupt()
        self._deferred = None
        self._abandon_response()
        return self._serve(asking, now)

    def _serve(self, asking: Asking, now: Moment) -> list[Action]:
        try:
            headers = asking.request.headers()
        except ObjectError as error:
            self._selection = None
            self._statistics["requests_refused"] += 1
            return self._answer(asking, b"", Indication(error.fault << 8), now)
        if asking.function == Function.READ:
            return self._read(asking.request, headers, now)
        if asking.function in _CONTROLS:
            return self._control(asking, headers, now)
        if not self.state.is_plain(asking.function):
            self._statistics["requests_refused"] += 1
            return self._answer(asking, b"", Indication.FUNCTION_NOT_SUPPORTED, now)
        body, refused = self.state.apply(asking.function, headers, now)
        self._statistics["requests_refused"] += bool(refused)
        actions = self._answer(asking, body, refused, now)
        if asking.function in _RESTARTS:
            actions.append(Restart(asking.function == Function.COLD_RESTART))
        return actions

    def _take_broadcast(self, asking: Asking, destination: int, now: Moment) -> list[Action]:
        """Broadcasts are acted on and never answered; the next response says that one came."""
        self._statistics["broadcasts_received"] += 1
        self.state.broadcast = destination
        if not asking.can_be_broadcast or self._executing is not None:
            self._statistics["broadcasts_ignored"] += 1
            return []
        return self._serve(asking, now)

    def _serve_deferred(self, now: Moment) -> list[Action]:
        octets, self._deferred = self._deferred, None
        return [] if octets is None else self._take(asking_of(parse_request(octets), octets), now)

    # answers

    def _answer(self, asking: Asking, body: bytes, refused: Indication, now: Moment) -> list[Action]:
        if asking.broadcast:
            # what went to everybody is not the request before it to us alone, which may yet be repeated
            return []
        if asking.silent:
            self._last = (asking.octets, b"")
            return []
        sent = self._respond(asking.sequence, body, refused, now)
        self._last = (asking.octets, sent.fragment)
        return [sent]

    def _respond(
        self, sequence: int, body: bytes, refused: Indication, now: Moment, *, first: bool = True, final: bool = True,
        has_events: bool = False, rest: ReadPlan | None = None,
    ) -> Send:  # fmt: skip
        confirm = has_events or not final or self.state.wants_broadcast_confirmed
        indications = self.state.indications(now) | refused
        control = Control(sequence, first=first, final=final, confirm=confirm)
        if confirm:
            deadline = now.monotonic + self._settings.confirm_timeout_s
            self._unconfirmed = _Unconfirmed(sequence, deadline, has_events, rest)
        else:
            self.state.broadcast = None
        self._statistics["responses_sent"] += 1
        return Send(build_response(control, Function.RESPONSE, indications, body))

    def _read(self, request: Request, headers: Sequence[ObjectHeader], now: Moment) -> list[Action]:
        present = Present(self.state.clock.time_ms(now), self.state.indications(now))
        plan = plan_read(headers, self._device, self._settings.class_0, present)
        bound_events(plan, len(self.buffer))
        self._statistics["requests_refused"] += bool(plan.indications)
        self._last = None
        return [self._tell(plan, request.control.sequence, now, first=True)]

    def _tell(self, plan: ReadPlan, sequence: int, now: Moment, *, first: bool) -> Send:
        part = next_part(plan, self.state.table, self.buffer, self._room)
        rest = None if part.final else plan
        return self._respond(
            sequence,
            part.body,
            plan.indications,
            now,
            first=first,
            final=part.final,
            has_events=part.has_events,
            rest=rest,
        )

    def _confirm(self, control: Control, now: Moment) -> list[Action]:
        if control.unsolicited:
            if not self.state.unsolicited.confirmed(control.sequence):
                self._statistics["unexpected_confirms"] += 1
                return []
            self._statistics["events_confirmed"] += self.buffer.confirm()
            return self._serve_deferred(now) + self._speak(now)
        waiting = self._unconfirmed
        if waiting is None or waiting.sequence != control.sequence:
            self._statistics["unexpected_confirms"] += 1
            return []
        self._unconfirmed = None
        self.state.broadcast = None
        if waiting.has_events:
            self._statistics["events_confirmed"] += self.buffer.confirm()
        if waiting.rest is not None:
            return [self._tell(waiting.rest, next_sequence(waiting.sequence), now, first=False)]
        return self._speak(now)

    def _abandon_response(self) -> None:
        if self._unconfirmed is not None and self._unconfirmed.has_events:
            self._repeat_events()
        self._unconfirmed = None

    def _repeat_events(self) -> None:
        self._statistics["events_to_repeat"] += self.buffer.unwrite()

    # controls

    def _control(self, asking: Asking, headers: Sequence[ObjectHeader], now: Moment) -> list[Action]:
        status = self._permit(asking, now)
        plan = plan_controls(headers, self.state.table, self._settings.max_controls)
        if len(asking.request.body) > self._room:
            return self._answer(asking, b"", Indication.PARAMETER_ERROR, now)
        if plan.indications:
            self._statistics["requests_refused"] += 1
            return self._answer(asking, b"", plan.indications, now)
        if status is not CommandStatus.SUCCESS:
            plan.refuse(status)
            return self._end_control(asking, plan, now)
        if not plan.asked:
            return self._end_control(asking, plan, now)
        self._tickets += 1
        self._executing = _Executing(self._tickets, asking, plan)
        return [Execute(self._tickets, asking.function == Function.SELECT, self._commands(asking, plan, now))]

    def _permit(self, asking: Asking, now: Moment) -> CommandStatus:
        """An operate needs its selection, once; every other control ends a selection."""
        selection, self._selection = self._selection, None
        if asking.function != Function.OPERATE:
            return CommandStatus.SUCCESS
        timeout_s = self._settings.select_timeout_s
        return check_operate(selection, asking.sequence, asking.request.body, now.monotonic, timeout_s)

    def _commands(self, asking: Asking, plan: ControlPlan, now: Moment) -> tuple[Command, ...]:
        mode = CommandMode.DIRECT if asking.function == Function.DIRECT_OPERATE else CommandMode.SBO
        first = self._command_ids + 1
        self._command_ids += len(plan.asked)
        expires = now.monotonic + self._settings.command_timeout_s
        return tuple(
            Command(first + n, asked.row, asked.body, mode, Origin.EMS, now.monotonic, expires)
            for n, asked in enumerate(plan.asked)
        )

    def _end_control(self, asking: Asking, plan: ControlPlan, now: Moment) -> list[Action]:
        if asking.function == Function.SELECT and plan.succeeded:
            self._selection = Selection(asking.sequence, asking.request.body, now.monotonic)
        self._statistics["controls_answered" if plan.succeeded else "controls_refused"] += 1
        return self._answer(asking, plan.answer(), plan.refusal(), now)

    # unsolicited

    def _speak(self, now: Moment) -> list[Action]:
        """Send an unsolicited response if one is due and nothing solicited is under way."""
        if not self._connected or self._unconfirmed is not None:
            return []
        unsolicited = self.state.unsolicited
        if unsolicited.wants_to_announce(now.monotonic):
            return [self._send_unsolicited(b"", frozenset(), now)]
        classes = unsolicited.classes_due(self.buffer, now.monotonic)
        if not classes:
            return []
        plan = ReadPlan([EventRequest(classes, None, 0, len(self.buffer))])
        part = next_part(plan, self.state.table, self.buffer, self._room)
        return [self._send_unsolicited(part.body, classes, now)]

    def _send_unsolicited(self, body: bytes, classes: frozenset[int], now: Moment) -> Send:
        unsolicited = self.state.unsolicited
        control = Control(unsolicited.sequence, confirm=True, unsolicited=True)
        indications = self.state.indications(now)
        fragment = build_response(control, Function.UNSOLICITED_RESPONSE, indications, body)
        unsolicited.sent(fragment, classes, now.monotonic)
        self._statistics["unsolicited_sent"] += 1
        return Send(fragment)

    def _repeat_unsolicited(self, now: Moment) -> list[Action]:
        self._statistics["unsolicited_confirms_missed"] += 1
        if self._deferred is not None:
            # the master is there, it wants something else: the series ends without a pause after it
            self.state.unsolicited.interrupt()
            self._repeat_events()
            return self._serve_deferred(now)
        fragment = self.state.unsolicited.repeat(now.monotonic)
        if fragment is not None:
            self._statistics["unsolicited_sent"] += 1
            return [Send(fragment)]
        self.state.unsolicited.give_up(now.monotonic)
        self._repeat_events()
        return []
