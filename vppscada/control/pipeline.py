"""The one way out to the field: judge, write down, send once, write down what came of it, follow its effect."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import structlog

from vppscada.control.facts import Readings, RoleRows, facts_of, limits_of
from vppscada.control.gate import CommandRequest, Permitted, Reason, Refused, is_stop, judge
from vppscada.control.outgoing import body_of, state_of
from vppscada.control.verification import Outcome, Stage, Tracker
from vppscada.control.verification_plan import VerificationLimits, plan_of
from vppscada.model.changes import ChangeSet
from vppscada.model.commands import (
    Accepted,
    Command,
    CommandBody,
    CommandMode,
    CommandRecord,
    CommandResult,
    NotSent,
    Origin,
    Rejected,
    Unanswered,
    Verification,
)
from vppscada.model.errors import JournalError
from vppscada.model.points import Point
from vppscada.model.sessions import Session
from vppscada.model.site import Site

_log = structlog.get_logger()

_LOOK_EVERY_S = 0.25
_ASK_LIFETIME_S = 1.0


class Telemetry(Readings, Protocol):
    """The points database, as far as control needs it."""

    def subscribe(self, subscriber: Callable[[ChangeSet], object]) -> Callable[[], None]:
        """Have every change set handed over; returns how to end that."""


class CommandJournal(Protocol):
    """The journal, as far as control needs it."""

    def next_command_id(self) -> int:
        """A number never given before. Raises JournalError."""

    async def record(self, record: CommandRecord) -> None:
        """Return when it is on disk. Raises JournalError."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Monotonic seconds, by which commands expire, and UTC milliseconds, by which readings are stamped."""

    monotonic: Callable[[], float] = time.monotonic
    wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class ControlLimits:
    """Pace of commands to one point, and how long their effects may take."""

    minimum_interval_s: float = 0.1
    verification: VerificationLimits = field(default_factory=VerificationLimits)


class ControlPipeline:
    """Every command of the station goes through `command`; nothing else may call a session's `operate`
    or `select`.

    One command per point is under way at a time. Nothing is ever sent twice, and what left is followed to its
    end whoever stopped waiting for it.
    """

    def __init__(
        self,
        site: Site,
        database: Telemetry,
        journal: CommandJournal,
        sessions: Mapping[str, Session],
        clock: Clock | None = None,
        limits: ControlLimits | None = None,
    ) -> None:
        self.statistics: Counter[str] = Counter()
        self._points = site.points
        self._in_shadow = site.plant.shadow
        self._database = database
        self._journal = journal
        self._clock = clock or Clock()
        self._limits = limits or ControlLimits()
        self._session_of = {
            row: (sessions[spec.name], place) for spec in site.sessions for place, (row, _) in enumerate(spec.points)
        }
        self._assets = {asset.name: asset for asset in site.fleet.assets}
        self._rows = RoleRows(site.points)
        self._tracker = Tracker(plan_of(site.points, self._rows, self._assets, self._limits.verification), database)
        self._sent_at: dict[int, float] = {}
        self._under_way: dict[int, tuple[float, asyncio.Task[CommandResult | Refused]]] = {}
        self._records: dict[int, CommandRecord] = {}  # row → its newest command, for what verification finds
        self._background: set[asyncio.Task[None]] = set()

    async def command(
        self, row: int, value: float, origin: Origin, reason: str, lifetime_s: float
    ) -> CommandResult | Refused:
        """Command one output point and return what the device said of it, or why nothing was sent.

        Never raises, never sends twice. A stop waits for another command to its point to end; everything else
        is refused as busy meanwhile.

        Args:
            row: of the output point in the points database.
            value: engineering units; 0 or 1 for a binary output.
            origin: who asks.
            reason: a few words for the journal.
            lifetime_s: from now; a command that could not leave within it does not leave.
        """
        now = self._clock.monotonic()
        request = CommandRequest(row, value, origin, reason, now, now + lifetime_s)
        busy = await self._await_turn(request)
        judged = busy or self._judge(request)
        if isinstance(judged, Refused):
            self._note_refusal(request, judged)
            return judged
        task = asyncio.get_running_loop().create_task(self._carry_out(request, self._points[row]))
        self._under_way[row] = value, task
        task.add_done_callback(lambda _: self._under_way.pop(row, None))
        return await asyncio.shield(task)  # whoever waits may be cancelled; what is leaving may not

    async def select(
        self, row: int, value: float, origin: Origin, reason: str, lifetime_s: float
    ) -> CommandResult | Refused:
        """Would this command be taken now? The checks of `command`, and then the device, where it is selected first.

        Nothing moves: it neither counts as a command of the point nor stands in the way of one, and the journal has it
        as a select. Never raises. Arguments as for `command`, which selects anew.
        """
        now = self._clock.monotonic()
        request = CommandRequest(row, value, origin, reason, now, now + lifetime_s)
        refused = self.refusal(row, value, origin)
        if refused is not None:
            self._note_refusal(request, refused)
            return refused
        point = self._points[row]
        body = body_of(point, value)
        if body is None:
            return Refused(Reason.NOT_FINITE, f"{value:g} has no value in the units of {point.id}'s device")
        if point.command_mode is CommandMode.DIRECT:
            return Accepted()
        try:
            number = self._journal.next_command_id()
        except JournalError as error:
            return Refused(Reason.JOURNAL, str(error))
        session, place = self._session_of[row]
        command = Command(number, place, body, CommandMode.SBO, origin, now, request.expires_at, reason)
        result: CommandResult = Unanswered("nobody waited for the answer")
        try:
            result = await session.select(command)
        except Exception as error:  # it promised not to raise
            self.statistics["sessions_raised"] += 1
            _log.exception("select_raised", point=point.id, command=number)
            result = Unanswered(f"the session failed: {error}")
        finally:
            self._note_select(request, number, result)
        return result

    def refusal(self, row: int, value: float, origin: Origin) -> Refused | None:
        """Why a command would be refused now; None = it would be sent. Nothing moves and nothing is written."""
        now = self._clock.monotonic()
        request = CommandRequest(row, value, origin, "", now, now + _ASK_LIFETIME_S)
        if row in self._under_way and not self._may_wait(request):
            return _busy(self._points[row])
        judged = self._judge(request)
        return judged if isinstance(judged, Refused) else None

    def verification(self, row: int) -> Verification:
        """The four times of the newest command to a point, kept apart."""
        return self._tracker.verification(row)

    def observe(self, changes: ChangeSet) -> None:
        """See what a change set shows of the commands that are followed. `watch` subscribes this."""
        self._note_outcomes(self._tracker.observe(changes, self._clock.monotonic()))

    def look(self) -> None:
        """See what was renewed without change, and whose time is over. `watch` calls this a few times a second."""
        self._note_outcomes(self._tracker.expire(self._clock.monotonic()))

    async def watch(self) -> None:
        """Follow the effects of commands until cancelled."""
        unsubscribe = self._database.subscribe(self.observe)
        try:
            while True:
                self.look()
                await asyncio.sleep(_LOOK_EVERY_S)
        finally:
            unsubscribe()

    async def drain(self) -> None:
        """Return when everything under way has its result, and that is written."""
        while self._under_way or self._background:
            under_way = [task for _, task in self._under_way.values()]
            await asyncio.wait([*under_way, *self._background])

    # judging

    async def _await_turn(self, request: CommandRequest) -> Refused | None:
        """Let a stop wait for what is under way to its point, as long as it lives."""
        while (running := self._under_way.get(request.row)) is not None:
            if not self._may_wait(request):
                return _busy(self._points[request.row])
            left = request.expires_at - self._clock.monotonic()
            if left <= 0.0:
                return Refused(Reason.EXPIRED, f"another command to {self._points[request.row].id} took too long")
            await asyncio.wait([running[1]], timeout=left)
        return None

    def _may_wait(self, request: CommandRequest) -> bool:
        """A stop may, unless the same stop is what is under way."""
        value, _ = self._under_way[request.row]
        return is_stop(self._points[request.row], request.value) and value != request.value

    def _judge(self, request: CommandRequest) -> Permitted | Refused:
        row = request.row
        point = self._points[row] if 0 <= row < len(self._points) else None
        asset = point.asset if point is not None else ""
        facts = facts_of(asset, self._rows, self._database, row in self._session_of, self._sent_at.get(row))
        facts = replace(facts, in_shadow=self._in_shadow)
        limits = limits_of(self._assets.get(asset), self._limits.minimum_interval_s)
        return judge(request, point, facts, limits, self._clock.monotonic())

    # carrying out

    async def _carry_out(self, request: CommandRequest, point: Point) -> CommandResult | Refused:
        body = body_of(point, request.value)
        if body is None:
            refused = Refused(Reason.NOT_FINITE, f"{request.value:g} has no value in the units of {point.id}'s device")
            self._note_refusal(request, refused)
            return refused
        try:
            record = self._record_of(request, "issued")
            await self._journal.record(record)
        except JournalError as error:
            refused = Refused(Reason.JOURNAL, str(error))
            self._count_refusal(request, refused)
            return refused
        self.statistics["commands_issued"] += 1
        result = await self._send(request, record, body)
        await self._note_result(request, record, result)
        return result

    async def _send(self, request: CommandRequest, record: CommandRecord, body: CommandBody) -> CommandResult:
        now = self._clock.monotonic()
        if now >= request.expires_at:
            return NotSent("it expired while it was written down")
        row, point = request.row, self._points[request.row]
        session, place = self._session_of[row]
        command = Command(
            record.id, place, body, point.command_mode, request.origin, now, request.expires_at, request.reason
        )
        self._sent_at[row] = now
        self._records[row] = record
        # Before it leaves, not after the answer: a fast device shows the effect sooner than it answers.
        superseded = self._tracker.commanded(row, record.id, request.value, now, self._clock.wall_ms())
        if superseded is not None:
            self._note_outcomes([superseded])
        try:
            return await session.operate(command)
        except Exception as error:
            # It promised not to raise; how far it came, nobody can say.
            self.statistics["sessions_raised"] += 1
            _log.exception("operate_raised", point=point.id, command=record.id)
            return Unanswered(f"the session failed: {error}")

    async def _note_result(self, request: CommandRequest, record: CommandRecord, result: CommandResult) -> None:
        state, detail = state_of(result)
        self.statistics[f"commands_{state}"] += 1
        # What went well is in the journal; at thousands of commands a second the log is for the rest.
        tell = _log.debug if isinstance(result, Accepted) else _log.warning
        tell("command_answered", command=record.id, point=record.point, value=record.value, state=state, detail=detail)
        match result:
            case Accepted():
                self._tracker.acknowledged(request.row, record.id, self._clock.monotonic())
            case Rejected():
                self._tracker.dropped(request.row, record.id, left=True)
            case NotSent():
                self._tracker.dropped(request.row, record.id, left=False)
            case Unanswered():
                pass  # its effect may yet be seen
        await self._write(replace(record, time_ms=self._clock.wall_ms(), state=state, detail=detail))

    def _note_select(self, request: CommandRequest, number: int, result: CommandResult) -> None:
        state, detail = state_of(result)
        state = "selected" if isinstance(result, Accepted) else f"select_{state}"
        self.statistics[f"commands_{state}"] += 1
        self._spawn(self._write(self._record_of(request, state, detail, number)))

    # writing down

    def _record_of(
        self, request: CommandRequest, state: str, detail: str = "", number: int | None = None
    ) -> CommandRecord:
        row = request.row
        return CommandRecord(
            id=self._journal.next_command_id() if number is None else number,
            time_ms=self._clock.wall_ms(),
            point=self._points[row].id if 0 <= row < len(self._points) else f"row {row}",
            value=request.value,
            origin=request.origin,
            reason=request.reason,
            state=state,
            detail=detail,
        )

    async def _write(self, record: CommandRecord) -> None:
        """Add to the story of a command that has left already: failing changes nothing of that."""
        try:
            await self._journal.record(record)
        except JournalError as error:
            self.statistics["records_failed"] += 1
            _log.error("command_record_failed", command=record.id, state=record.state, error=str(error))

    async def _write_outcome(self, row: int, record: CommandRecord) -> None:
        """An effect may be seen before the answer comes; it is written after it, for states to stand in order."""
        under_way = self._under_way.get(row)
        if under_way is not None:
            await asyncio.wait([under_way[1]])
        await self._write(record)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _note_refusal(self, request: CommandRequest, refused: Refused) -> None:
        self._count_refusal(request, refused)
        if request.origin is Origin.SCHEDULER:
            return  # it asks again each cycle; people and the EMS want to find their refusal
        try:
            self._spawn(self._write(self._record_of(request, "refused", f"{refused.reason}: {refused.words}")))
        except JournalError as error:
            self.statistics["records_failed"] += 1
            _log.error("refusal_not_recorded", error=str(error))

    def _count_refusal(self, request: CommandRequest, refused: Refused) -> None:
        self.statistics["commands_refused"] += 1
        self.statistics[f"refused_{refused.reason}"] += 1
        tell = _log.debug if request.origin is Origin.SCHEDULER else _log.info
        tell(
            "command_refused",
            row=request.row,
            value=request.value,
            origin=request.origin,
            reason=refused.reason,
            words=refused.words,
        )

    def _note_outcomes(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            self.statistics[f"commands_{outcome.stage}"] += 1
            record = self._records.get(outcome.row)
            if outcome.stage is Stage.SUPERSEDED or record is None or record.id != outcome.command_id:
                continue
            detail = f"after {outcome.after_s:.3f} s"
            if outcome.stage in (Stage.NOT_ECHOED, Stage.NOT_MEASURED):
                _log.warning(f"command_{outcome.stage}", command=record.id, point=record.point, value=record.value)
                detail = f"in {outcome.after_s:.3f} s"
            seen = replace(record, time_ms=self._clock.wall_ms(), state=str(outcome.stage), detail=detail)
            self._spawn(self._write_outcome(outcome.row, seen))


def _busy(point: Point) -> Refused:
    return Refused(Reason.BUSY, f"another command to {point.id} is under way")
