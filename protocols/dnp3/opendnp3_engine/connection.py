"""One connection life: opendnp3's channel and master, what they tell, and what they are asked. On the event loop only.

One task of ours is with opendnp3 at a time, so that what it tells of a task is told of that one. Commands go before
everything else once the start-up order is done.
"""

import asyncio
import math
import time
from collections import Counter, deque
from dataclasses import dataclass

import structlog

from protocols.dnp3.addresses import address_of
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.master.mapping import PointMapping
from protocols.dnp3.objects import ValueBeyondVariation
from protocols.dnp3.opendnp3_engine.agenda import Agenda, Job
from protocols.dnp3.opendnp3_engine.callbacks import Answer, CommandCallback, Inbox
from protocols.dnp3.opendnp3_engine.commands import opendnp3_command
from protocols.dnp3.opendnp3_engine.results import PointResult, life_needed_s, result_of
from protocols.dnp3.opendnp3_engine.stack import Stack
from vppscada.model.commands import (
    AnalogValue,
    Command,
    CommandMode,
    CommandResult,
    CommandStatus,
    Crob,
    NotSent,
    Rejected,
)
from vppscada.model.points import Point, PointKind
from vppscada.model.sessions import SessionListener, SessionLost

log = structlog.get_logger()

#: More than every point of every kind in the largest variation needs; past it, the peer does not mean to end.
MAX_RESPONSE_FRAGMENTS = 4096
_LAST_STARTUP_TASK = "ENABLE_UNSOLICITED"
_OURS = "USER_TASK"
_NO_COMMS = PointResult("FAILURE_NO_COMMS", "INIT", int(CommandStatus.UNDEFINED))


@dataclass(slots=True)
class _Asked:
    """A command that waits or is out."""

    command: Command
    result: "asyncio.Future[CommandResult]"


class Connection:
    """A `callbacks.Taker`."""

    def __init__(
        self,
        name: str,
        settings: Dnp3SessionSettings,
        mapping: PointMapping,
        callback: CommandCallback,
        listener: SessionListener,
        statistics: Counter[str],
    ) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()
        self.warning = ""  # the last that opendnp3 logged
        self._loop = loop
        self._log = log.bind(session=name.partition("#")[0], protocol="dnp3", engine="opendnp3")
        self._settings = settings
        self._mapping = mapping
        self._listener = listener
        self._statistics = statistics
        self._inbox = Inbox(loop, self)
        self._stack = Stack(name, settings, self._inbox, callback)
        self._agenda = Agenda(settings, time.monotonic())
        self._ready = False  # opendnp3's own start-up tasks are done
        self._job: Job | None = None
        self._retries = 0
        self._fragments = 0
        self._startup_timeouts = 0
        self._command: _Asked | None = None
        self._waiting: deque[_Asked] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def open(self) -> None:
        """Begin to connect.

        Raises:
            SessionLost: opendnp3 makes no channel or no master.
        """
        self._stack.open()

    def close(self, reason: str) -> None:
        """Shut the channel down and give every command its result. Returns when opendnp3 tells nothing any more."""
        self._closed = True
        self._inbox.close()
        if self._timer is not None:
            self._timer.cancel()
        self._stack.close()
        if self._command is not None:
            self._finish_command(result_of(_NO_COMMS, self._command.command.mode, begun=self._inbox.begun))
        while self._waiting:
            self._finish(self._waiting.popleft(), NotSent(reason))
        for future in (self.opened, self.lost):
            future.cancel()

    async def operate(self, command: Command) -> CommandResult:
        """Queue a command for its turn and await its result. Cancelled before its turn, it never leaves."""
        asked = _Asked(command, self._loop.create_future())
        self._waiting.append(asked)
        self.advance()
        try:
            return await asked.result
        finally:
            if asked in self._waiting:
                self._waiting.remove(asked)

    # what opendnp3 tells

    def channel_changed(self, state: str) -> None:
        """The channel is open, or not any more."""
        if state == "OPEN" and not self.opened.done():
            self.opened.set_result(None)
        elif state == "CLOSED":
            self._lose("connection closed")

    def warned(self, message: str) -> None:
        """The reason of a failure stands in the log only. Its text is a short cut, time-outs do not need it."""
        self.warning = message
        self._statistics["warnings"] += 1
        if message.startswith("Error Connecting") and not self.opened.done():
            self.opened.set_exception(SessionLost(f"cannot connect: {message.partition(': ')[2]}"))

    def answered(self, answer: Answer) -> None:
        """A response: its readings first, then what it ends."""
        now = time.monotonic()
        self._agenda.note(answer.indications, now)
        self._statistics["fragments_received"] += 1
        self._statistics["frames_received"] += 1  # at least; opendnp3 does not tell how many
        self._statistics["indications"] = int(answer.indications)
        self._deliver(answer)
        if answer.unsolicited:
            self._statistics["unsolicited_received"] += 1
        else:
            self._fragments += 1
            if self._fragments > MAX_RESPONSE_FRAGMENTS:
                self._lose("response without end")
        for task, result in answer.completions:
            self._completed(task, result)
        if answer.command is not None and self._command is not None:
            mode = self._command.command.mode
            self._finish_command(result_of(answer.command, mode, begun=True, indications=answer.indications))
        self.advance()

    def failed(self, task: str, result: str) -> None:
        """A task ended without a response."""
        if "TIMEOUT" in result:
            self._statistics["response_timed_out"] += 1
        if task != _OURS:
            self._startup_timeouts += 1
            if self._startup_timeouts > self._settings.read_retries:
                self._lose(f"no response to {task.lower()}")
        elif self._job is not None:
            self._job_failed(self._job)
        self.advance()

    def command_failed(self, told: PointResult) -> None:
        """The command ended without a response."""
        if self._command is not None:
            self._finish_command(result_of(told, self._command.command.mode, begun=self._inbox.begun))
            self._agenda.doubt(time.monotonic())
        self.advance()

    def broke(self, error: Exception) -> None:
        """The listener raised, which it promised not to: that ends the session as it would end our own."""
        for future in (self.opened, self.lost):
            if not future.done():
                future.set_exception(error)

    def _deliver(self, answer: Answer) -> None:
        readings = answer.readings
        if not readings:
            return
        events = sum(each.header.count for each in readings if each.header.form and each.header.form.is_event)
        self._statistics["events_received"] += events
        trusted = self._agenda.clock_set and all(each.trusted for each in readings)
        headers = [each.header for each in readings]
        wall_ms = time.time_ns() // 1_000_000
        for batch in self._mapping.batches(headers, wall_ms, unsolicited=answer.unsolicited, clock_set=trusted):
            self._listener.on_batch(batch)

    def _completed(self, task: str, result: str) -> None:
        """A task ended with a response."""
        self._fragments = 0
        if task == _OURS:
            if self._job is not None:
                job, self._job = self._job, None
                if result == "SUCCESS":
                    self._agenda.succeeded(job)
                else:
                    self._note("request_refused", job.name.lower())
            return
        self._startup_timeouts = 0
        if result != "SUCCESS":
            # opendnp3 gives such a task up, and everything behind it waits for good
            self._lose(f"response to {task.lower()} was refused or not understood")
        elif task == _LAST_STARTUP_TASK:
            self._ready = True

    def _job_failed(self, job: Job) -> None:
        self._job = None
        if not job.is_read:
            self._agenda.doubt(time.monotonic())
        elif self._retries > 0:
            self._ask(job, self._retries - 1)
        else:
            self._lose(f"no response to {job.name.lower()}")

    # what it is asked

    def advance(self) -> None:
        """Begin what is due next, and see to it that we are called when the next thing is."""
        if self._closed or self.lost.done():
            return
        now = time.monotonic()
        self._expire(now)
        while self._ready and self._job is None and self._command is None and self._begin(now):
            pass
        self._arm(now)

    def _begin(self, now: float) -> bool:
        if self._agenda.started and self._waiting:
            self._begin_command(self._waiting.popleft(), now)
            return True
        job = self._agenda.next_job(now)
        if job is not None:
            self._ask(job, self._settings.read_retries if job.is_read else 0)
        elif not self._agenda.started:
            self._agenda.start(now)
            self._listener.on_started()
        else:
            return False
        return True

    def _ask(self, job: Job, retries: int) -> None:
        self._job, self._retries, self._fragments = job, retries, 0
        self._statistics["requests_sent"] += 1
        if job is Job.CLEAR_RESTART:
            self._note("outstation_restarted", "clearing the indication and polling everything")
        self._stack.ask(job, self._agenda.classes)

    def _begin_command(self, asked: _Asked, now: float) -> None:
        command = asked.command
        point = self._mapping.point_at(command.row)
        refusal = _unfit(command, point, now, self._settings.response_timeout_s)
        if refusal is not None or point is None:
            self._finish(asked, refusal or NotSent("no such point"))
            return
        index = address_of(point).index
        try:
            body = opendnp3_command(command, point, index)
        except ValueBeyondVariation as error:
            self._finish(asked, Rejected(CommandStatus.OUT_OF_RANGE, str(error)))
            return
        self._command, self._fragments = asked, 0
        self._statistics["commands_begun"] += 1
        self._statistics["requests_sent"] += 1
        self._stack.operate(body, index, select_first=command.mode is CommandMode.SBO)

    def _finish_command(self, result: CommandResult) -> None:
        asked, self._command = self._command, None
        if asked is not None:
            self._finish(asked, result)

    def _finish(self, asked: _Asked, result: CommandResult) -> None:
        self._statistics[f"commands_{type(result).__name__.lower()}"] += 1
        if not asked.result.done():
            asked.result.set_result(result)

    def _expire(self, now: float) -> None:
        for asked in [each for each in self._waiting if now >= each.command.expires_at]:
            self._waiting.remove(asked)
            self._finish(asked, NotSent("expired before its turn"))

    def _arm(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        busy = self._job is not None or self._command is not None or not self._ready
        at = math.inf if busy else self._agenda.next_due()
        at = min([at, *(each.command.expires_at for each in self._waiting)])
        if at < math.inf:
            self._timer = self._loop.call_later(max(at - now, 0.001), self.advance)

    def _note(self, event: str, detail: str) -> None:
        self._statistics[event] += 1
        self._log.warning(event, detail=detail)

    def _lose(self, reason: str) -> None:
        self.broke(SessionLost(reason))


def _unfit(command: Command, point: Point | None, now: float, response_timeout_s: float) -> CommandResult | None:
    """Why a command cannot be handed over; None if it can."""
    if point is None:
        return NotSent(f"row {command.row} is no point of this session")
    if now + life_needed_s(command, response_timeout_s) >= command.expires_at:
        return NotSent("expires too soon to be certain that it leaves in time")
    fits = (point.kind is PointKind.BINARY_OUTPUT and isinstance(command.body, Crob)) or (
        point.kind is PointKind.ANALOG_OUTPUT and isinstance(command.body, AnalogValue)
    )
    return None if fits else Rejected(CommandStatus.NOT_SUPPORTED, f"{point.id} takes no such command")
