"""The application layer of an outstation as a state machine: fragments and time in, actions out. No I/O, no clock.

One association (one master). What is solicited and what is not are kept apart as IEEE 1815, 4.3 wants
it: a read waits while an unsolicited response is unconfirmed, nothing unsolicited starts while a
response is, and a new request ends the response before it.

With an event store, no fragment leaves after a confirmation until the events that it covered have left the disk
too (`OutstationCore.discarded`): a master that sees any sign of its confirmation never gets those events again,
whenever we are killed. Until then a request waits like one that came during a command.
"""

from collections import Counter
from collections.abc import Sequence

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
from protocols.dnp3.outstation.actions import Action, Asking, Restart, Send, asking_of
from protocols.dnp3.outstation.clock import Moment
from protocols.dnp3.outstation.commands import ControlPlan
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.controls import Controls
from protocols.dnp3.outstation.device import Device
from protocols.dnp3.outstation.events import EventBuffer
from protocols.dnp3.outstation.points import NewEvents
from protocols.dnp3.outstation.read import EventRequest, Present, ReadPlan, bound_events, next_part, plan_read
from protocols.dnp3.outstation.responses import Continuation, Unconfirmed
from protocols.dnp3.outstation.state import AssociationState
from vppscada.model.commands import CommandStatus
from vppscada.model.outstations import Events

_CONTROLS = (Function.SELECT, Function.OPERATE, Function.DIRECT_OPERATE)
_RESTARTS = (Function.COLD_RESTART, Function.WARM_RESTART)


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
        self._durable = durable
        self._started = False
        self._connected = False
        self._controls = Controls(settings, device)
        self._unconfirmed: Unconfirmed | None = None
        self._unsolicited_tells_broadcast = False
        self._settling = False  # events were confirmed that are on the disk still
        self._continuation: Continuation | None = None
        self._deferred: bytes | None = None
        self._last: tuple[bytes, bytes] | None = None  # the last request and its answer, octet for octet
        self.has_news = False  # events came since the last `tick`

    @property
    def is_started(self) -> bool:
        """True once events are made."""
        return self._started

    @property
    def is_settling(self) -> bool:
        """True while `discarded` is waited for."""
        return self._settling

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
            self.has_news = True

    def connected(self, now: Moment) -> list[Action]:
        """A connection to the master is there (a former one is gone)."""
        self.disconnected()
        self._connected = True
        return self._speak(now)

    def disconnected(self) -> None:
        """The connection is gone: whatever it did not confirm will be told again."""
        self._connected = False
        self._controls.reset()
        self._unconfirmed = None
        self._continuation = None
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
        executed, is_awaited = self._controls.finish(ticket, statuses)
        if executed.asking.function != Function.SELECT and self.state.table.reports_commands:
            self._device.commanded(*executed.plan.commanded(), now)
        if not is_awaited:
            self._statistics["answers_without_a_master"] += 1
            return []
        actions = self._end_control(executed.asking, executed.plan, now)
        return actions + self._serve_deferred(now) + self._speak(now)

    def discarded(self, now: Moment) -> list[Action]:
        """The events that were confirmed last have left the disk: what comes after the confirmation may leave."""
        if not self._settling:
            return []
        self._settling = False
        return self._go_on(now)

    def tick(self, now: Moment) -> list[Action]:
        """Look at the time: confirmations that did not come, and events that want to be told."""
        self.has_news = False
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
        if not (is_read or self._settling) and self._last is not None and asking.octets == self._last[0]:
            # octet for octet the request before: the master missed our answer, and nothing may be done twice
            self._statistics["requests_repeated"] += 1
            return [Send(self._last[1])] if self._last[1] else []
        if self._settling or self._controls.executing is not None:
            # an operate that overtook what waits already would follow a select that is not the request before it
            if asking.octets != self._controls.executing and not (is_operate and self._deferred is not None):
                self._deferred = asking.octets
            return []
        if not is_operate:
            self._controls.deselect()
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
            self._controls.deselect()
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
            cold = asking.function == Function.COLD_RESTART
            self._repeat_events()
            self.state.begin_anew(cold=cold)
            actions.append(Restart(cold))
        return actions

    def _take_broadcast(self, asking: Asking, destination: int, now: Moment) -> list[Action]:
        """Broadcasts are acted on and never answered; the next response says that one came."""
        self._statistics["broadcasts_received"] += 1
        self.state.broadcast = destination
        self._unsolicited_tells_broadcast = False  # what is unconfirmed does not tell of this one
        if self._unconfirmed is not None:
            self._unconfirmed.tells_broadcast = False
        if not asking.can_be_broadcast or self._controls.executing is not None:
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
            tells_broadcast = self.state.broadcast is not None
            self._unconfirmed = Unconfirmed(sequence, deadline, has_events, rest, tells_broadcast)
        if not self.state.wants_broadcast_confirmed:
            self.state.broadcast = None  # told of once; only 0xFFFE is told of until the master confirms
        self._statistics["responses_sent"] += 1
        return Send(build_response(control, Function.RESPONSE, indications, body))

    def _read(self, request: Request, headers: Sequence[ObjectHeader], now: Moment) -> list[Action]:
        present = Present(self.state.clock.time_ms(now), self.state.indications(now))
        plan = plan_read(headers, self._device, self._settings, present)
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
            if self._unsolicited_tells_broadcast:
                self.state.broadcast = None
            return self._take_confirmed(now)
        waiting = self._unconfirmed
        if waiting is None or waiting.sequence != control.sequence:
            self._statistics["unexpected_confirms"] += 1
            return []
        self._unconfirmed = None
        if waiting.tells_broadcast:
            self.state.broadcast = None
        if waiting.rest is not None:
            self._continuation = Continuation(next_sequence(waiting.sequence), waiting.rest)
        return self._take_confirmed(now) if waiting.has_events else self._go_on(now)

    def _take_confirmed(self, now: Moment) -> list[Action]:
        confirmed = self.buffer.confirm()
        self._statistics["events_confirmed"] += confirmed
        self._settling = self._durable and confirmed > 0
        return [] if self._settling else self._go_on(now)

    def _go_on(self, now: Moment) -> list[Action]:
        """After a confirmation: the request that came meanwhile, or else the rest of the response."""
        continuation, self._continuation = self._continuation, None
        if continuation is not None and self._deferred is None and self._connected:
            return [self._tell(continuation.rest, continuation.sequence, now, first=False)]
        return self._serve_deferred(now) + self._speak(now)

    def _abandon_response(self) -> None:
        if self._unconfirmed is not None and self._unconfirmed.has_events:
            self._repeat_events()
        self._unconfirmed = None

    def _repeat_events(self) -> None:
        self._statistics["events_to_repeat"] += self.buffer.unwrite()

    # controls

    def _control(self, asking: Asking, headers: Sequence[ObjectHeader], now: Moment) -> list[Action]:
        plan = self._controls.judge(asking, headers, now.monotonic)
        if len(asking.request.body) > self._room:
            return self._answer(asking, b"", Indication.PARAMETER_ERROR, now)
        if plan.indications:
            self._statistics["requests_refused"] += 1
            return self._answer(asking, b"", plan.indications, now)
        if not plan.asked:
            return self._end_control(asking, plan, now)
        return [self._controls.execute(asking, plan, now.monotonic)]

    def _end_control(self, asking: Asking, plan: ControlPlan, now: Moment) -> list[Action]:
        if asking.function == Function.SELECT and plan.succeeded:
            self._controls.select(asking, plan, now.monotonic)
        self._statistics["controls_answered" if plan.succeeded else "controls_refused"] += 1
        return self._answer(asking, plan.answer(), plan.refusal(), now)

    # unsolicited

    def _speak(self, now: Moment) -> list[Action]:
        """Send an unsolicited response if one is due and nothing solicited is under way."""
        if not self._connected or self._settling or self._unconfirmed is not None:
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
        self._unsolicited_tells_broadcast = self.state.broadcast is not None
        if not self.state.wants_broadcast_confirmed:
            self.state.broadcast = None
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
