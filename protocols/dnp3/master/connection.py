"""One channel with the state machine of its association.

`core.Master` decides; this module reads the clock, moves octets, keeps the turns of a shared line, and hands readings
over.
"""

import asyncio
import time
from collections import Counter, deque

import structlog

from protocols.dnp3.application import Function
from protocols.dnp3.channels import MediumKind
from protocols.dnp3.channels.lines import Opened
from protocols.dnp3.endpoint import Endpoint, Received
from protocols.dnp3.link import LinkAddresses
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.master.core import Master
from protocols.dnp3.master.exchange import (
    Answered,
    AskLinkStatus,
    Confirm,
    Deliver,
    Effect,
    Finished,
    Lost,
    Note,
    Outcome,
    Send,
    Started,
)
from protocols.dnp3.master.maintenance import Task
from protocols.dnp3.master.mapping import PointMapping
from protocols.dnp3.master.phase import phase_of
from protocols.dnp3.master.repeats import Repeats
from vppscada.model.commands import Command, CommandResult
from vppscada.model.sessions import SessionListener

log = structlog.get_logger()

_LONGEST_WAIT_S = 3600.0
#: While others have the line, deadlines are looked at no more often than this.
_WAITING_STEP_S = 0.1
#: Some outstations send larger fragments than the 2048 octets that the standard lets everybody expect.
MAX_RECEIVED_FRAGMENT = 0x10000
_RESPONSE = bytes([Function.RESPONSE])
_SEQUENCE = 0x0F
#: What came is taken in pieces of so many octets, and after so long others have their turn.
_PIECE_OCTETS = 16_384
_TURN_S = 0.002
_IN_ORDER = (MediumKind.TCP, MediumKind.TLS)


class Connection:
    """One open channel with the state machine of its association."""

    def __init__(
        self,
        name: str,
        settings: Dnp3SessionSettings,
        mapping: PointMapping,
        repeats: Repeats,
        opened: Opened,
        medium: MediumKind,
        listener: SessionListener,
        statistics: Counter[str],
    ) -> None:
        self._channel = channel = opened.channel
        self._turn = opened.turn
        self._turn_used = False  # the turn is ours, and what it was for has begun
        self._waits_for_turn = False  # or for our own link layer
        self._awaits_status = False  # on a shared line nothing else is said until it comes
        self._listener = listener
        self._statistics = statistics
        self._log = log.bind(session=name, protocol="dnp3")
        addresses = LinkAddresses(settings.local_address, settings.remote_address, is_master=True)
        self._endpoint = Endpoint(channel, addresses, statistics, settings.link, max_fragment=MAX_RECEIVED_FRAGMENT)
        self._repeats = repeats
        repeats.connected(keeps_order=medium in _IN_ORDER)
        self._master = Master(settings, mapping, statistics, time.monotonic(), repeats, phase_of(name))
        self._results: dict[int, asyncio.Future[CommandResult]] = {}
        self._outcomes: dict[int, asyncio.Future[Outcome]] = {}
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._fragments: deque[Received] = deque()  # that came and are still to be worked off
        self._settling = False  # a confirmation waits for the disk: nothing else may leave before it

    @property
    def started(self) -> bool:
        """True once the start-up order is done."""
        return self._master.started

    async def live(self) -> None:
        """Run until the association is lost.

        Raises:
            ChannelClosed: the connection ended, or the outstation is silent and we ended it.
        """
        self._advance()
        self._channel.taker = self._take_at_once
        while True:
            data = await self._channel.read()
            await self._work_off()
            began = time.monotonic()
            for at in range(0, len(data), _PIECE_OCTETS):
                if time.monotonic() - began > _TURN_S:
                    # a flood of frames does not keep other sessions waiting
                    await asyncio.sleep(0)
                    began = time.monotonic()
                self._take(data[at : at + _PIECE_OCTETS])
                await self._work_off()
            self._advance()

    async def operate(self, command: Command, *, select_only: bool = False) -> CommandResult:
        """Queue a command for its turn and await its result. Cancelled before its turn, it never leaves."""
        result: asyncio.Future[CommandResult] = self._loop.create_future()
        ticket = self._master.submit(command, select_only=select_only)
        self._results[ticket] = result
        self._advance()
        try:
            return await result
        finally:
            self._results.pop(ticket, None)
            self._master.withdraw(ticket)

    async def request(self, task: Task) -> Outcome:
        """Queue maintenance for its turn and await what comes of it. Cancelled before its turn, it never begins."""
        outcome: asyncio.Future[Outcome] = self._loop.create_future()
        ticket = self._master.request(task)
        self._outcomes[ticket] = outcome
        self._advance()
        try:
            return await outcome
        finally:
            self._outcomes.pop(ticket, None)
            self._master.withdraw(ticket)

    def end(self, reason: str) -> None:
        """Give every command and task that is still waiting its result."""
        if self._timer is not None:
            self._timer.cancel()
        self._endpoint.close()
        self._master.abandon(reason)
        for effect in self._master.effects:
            if isinstance(effect, Finished):
                self._finish(effect)
            elif isinstance(effect, Answered):
                self._answer(effect)
        self._master.effects.clear()

    def _advance(self) -> None:
        """Begin what is due, if it is our turn, and see to it that we are called when the next thing is."""
        if self._settling or not self._channel.is_open:
            return
        if self._master.is_waiting or (self._line_is_quiet() and self._has_turn()):
            self._master.advance(time.monotonic(), _wall_ms())
            self._perform_all()
            self._turn_used = self._turn_used or self._master.is_waiting
            if not self._turn_used:
                self._turn.release()
        self._arm()

    def _line_is_quiet(self) -> bool:
        """False while our own link layer still uses a shared line: then the turn is kept, and nothing else begins."""
        if self._turn.is_shared and (self._awaits_status or self._endpoint.is_sending):
            self._waits_for_turn = True
            return False
        return True

    def _has_turn(self) -> bool:
        """One turn is one procedure: after it, whoever waits longest comes next."""
        if self._turn_used:
            self._turn_used = False
            self._turn.release()
        has = self._turn.take(self._advance)
        self._waits_for_turn = not has
        return has

    def _arm(self) -> None:
        """Have a timer no later than the next deadline. One that comes too early finds nothing to do and arms anew."""
        at = self._master.next_deadline()
        if self._waits_for_turn:
            at = max(at, time.monotonic() + _WAITING_STEP_S)
        if self._timer is not None:
            if self._timer_at <= at:
                return
            self._timer.cancel()
            self._timer = None
        if self._channel.is_open:
            now = time.monotonic()
            wait_s = min(max(at - now, 0.0), _LONGEST_WAIT_S)
            self._timer, self._timer_at = self._loop.call_later(wait_s, self._on_time), now + wait_s

    def _on_time(self) -> None:
        # once around the loop, so that octets which came while it was held up are taken before they are missed
        self._timer = None
        self._loop.call_soon(self._tick)

    def _tick(self) -> None:
        if self._settling or not self._channel.is_open:
            return
        self._master.tick(time.monotonic(), _wall_ms())
        self._perform_all()
        self._advance()

    def _take_at_once(self, data: bytes) -> bytes | None:
        """What needs no waiting is worked off where it comes; `live` goes on with what does."""
        if len(data) > _PIECE_OCTETS:
            return data
        self._take(data)
        if not self._work():
            return b""
        self._advance()
        return None

    def _take(self, data: bytes) -> None:
        heard = self._endpoint.heard
        self._fragments += self._endpoint.take(data)
        if self._endpoint.heard != heard:
            self._awaits_status = False
            self._master.heard(time.monotonic())

    async def _work_off(self) -> None:
        """All fragments that came; a confirmation waits until its events are on disk."""
        while not self._work():
            if not self._master.effects:
                # a flood of fragments does not keep other sessions waiting
                await asyncio.sleep(0)
                continue
            self._settling = True
            try:
                await self._listener.settled()
            finally:
                self._settling = False
            self._perform(self._master.effects.popleft())

    def _work(self) -> bool:
        """Work fragments off in their order. False where waiting is called for.

        Then the first effect left is a confirmation whose events must be on disk before it, or, with no effect left,
        others are to have their turn.
        """
        began = time.monotonic()
        while True:
            if not self._perform_received():
                return False
            if not self._fragments:
                return True
            now = time.monotonic()
            if now - began > _TURN_S:
                return False
            fragment, _ = self._fragments.popleft()
            if fragment[1:2] == _RESPONSE:
                self._repeats.response_arrived(fragment[0] & _SEQUENCE)
            self._master.receive(fragment, now, _wall_ms())

    def _perform_received(self) -> bool:
        """Do what a fragment led to, in its order, up to a confirmation that must wait: False."""
        effects = self._master.effects
        while effects:
            effect = effects[0]
            if isinstance(effect, Confirm) and effect.after_settling:
                return False
            self._perform(effects.popleft())
        return True

    def _perform_all(self) -> None:
        while self._master.effects:
            self._perform(self._master.effects.popleft())

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Deliver():
                self._listener.on_batch(effect.batch)
            case Send():
                self._repeats.request_left(effect.fragment[0] & _SEQUENCE)
                # no drain: a peer that does not read must run into the response timeout, not hold us here
                self._endpoint.send(effect.fragment)
            case Confirm():
                self._repeats.confirmation_left()
                self._endpoint.send(effect.fragment)
            case Finished():
                self._finish(effect)
            case Answered():
                self._answer(effect)
            case AskLinkStatus():
                self._ask_link_status()
            case Started():
                self._listener.on_started()
            case Note():
                self._log.warning(effect.event, detail=effect.detail)
            case Lost():
                self._channel.abort(effect.reason)

    def _ask_link_status(self) -> None:
        """Keep alive. Where others have the line, that must not speak into their answers: it can wait."""
        if self._master.is_waiting or self._has_turn():
            self._turn_used = True
            self._awaits_status = True
            self._endpoint.ask_link_status()
        else:
            self._master.put_off_keepalive(time.monotonic())

    def _finish(self, effect: Finished) -> None:
        result = self._results.pop(effect.ticket, None)
        if result is not None and not result.done():
            result.set_result(effect.result)

    def _answer(self, effect: Answered) -> None:
        outcome = self._outcomes.pop(effect.ticket, None)
        if outcome is not None and not outcome.done():
            outcome.set_result(effect.outcome)


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
