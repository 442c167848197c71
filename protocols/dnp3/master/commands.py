"""Commands on their way: those that wait for their turn, and the procedure that carries some of them out. Pure."""

import math
from collections import deque
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from protocols.dnp3.addresses import address_of, command_variation
from protocols.dnp3.application import REFUSALS, Function, Indication
from protocols.dnp3.master.exchange import Ask, CommandProcedure, Reply
from protocols.dnp3.objects import Qualifier, ValueBeyondVariation, build_command
from vppscada.model.commands import (
    Accepted,
    AnalogValue,
    Command,
    CommandMode,
    CommandResult,
    CommandStatus,
    Crob,
    NotSent,
    Rejected,
    Unanswered,
)
from vppscada.model.points import Point, PointKind

_STATUS_BITS = 0x7F
_STATUS_CODES = frozenset(int(status) for status in CommandStatus)


class Queued(NamedTuple):
    """A command that waits; its ticket comes back with its result."""

    ticket: int
    command: Command
    select_only: bool


class CommandQueue:
    """Commands in the order in which they were given."""

    def __init__(self) -> None:
        self._waiting: deque[Queued] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, ticket: int, command: Command, *, select_only: bool = False) -> None:
        """Put a command, or the select of one, last."""
        self._waiting.append(Queued(ticket, command, select_only))

    def withdraw(self, ticket: int) -> None:
        """Nobody waits for this command any more: if it has not begun, it never will."""
        self._waiting = deque(queued for queued in self._waiting if queued.ticket != ticket)

    def expired(self, now: float) -> list[Queued]:
        """Those that have waited longer than they live; they wait no more."""
        late = [queued for queued in self._waiting if now >= queued.command.expires_at]
        for queued in late:
            self._waiting.remove(queued)
        return late

    def next_expiry(self) -> float:
        """When the first of them expires; infinity if none waits."""
        return min((queued.command.expires_at for queued in self._waiting), default=math.inf)

    def take(self, most: int) -> list[Queued]:
        """The next, with those right behind it that may share its request: same way, none for the same point."""
        taken = [self._waiting.popleft()]
        rows = {taken[0].command.row}
        while self._waiting and len(taken) < most:
            _, command, select_only = self._waiting[0]
            same = command.mode is taken[0].command.mode and select_only == taken[0].select_only
            if not same or command.row in rows:
                break
            rows.add(command.row)
            taken.append(self._waiting.popleft())
        return taken


class Control(NamedTuple):
    """A command as it goes out: the first three octets of its header, and its object with the index before it."""

    head: bytes
    octets: bytes  # the last one is the status, 0
    point: int  # its index
    expires_at: float


def prepare(command: Command, point: Point | None, now: float) -> Control | CommandResult:
    """The command as it goes out, or why it cannot."""
    if now >= command.expires_at:
        return NotSent("expired before its turn")
    if point is None:
        return NotSent(f"row {command.row} is no point of this session")
    fits = (point.kind is PointKind.BINARY_OUTPUT and isinstance(command.body, Crob)) or (
        point.kind is PointKind.ANALOG_OUTPUT and isinstance(command.body, AnalogValue)
    )
    if not fits:
        return Rejected(CommandStatus.NOT_SUPPORTED, f"{point.id} takes no such command")
    index = address_of(point).index
    try:
        body = build_command(index, command.body, command_variation(point))
    except ValueBeyondVariation as error:
        return Rejected(CommandStatus.OUT_OF_RANGE, str(error))
    return Control(body[:3], body[3 + _count_width(body) :], index, command.expires_at)


def carry_out(controls: Sequence[Control], mode: CommandMode, *, acknowledged: bool = True) -> CommandProcedure:
    """One request for all of them, with select first if the mode says so; a result for each, in their order.

    What makes the outstation act leaves once and is never repeated. Where some are refused or expire at the
    select, the others are selected anew without them: an operate must repeat its select.
    """
    if mode is CommandMode.DIRECT:
        body = request_body(controls)
        if not acknowledged:
            yield Ask(Function.DIRECT_OPERATE_NO_RESPONSE, body)
            return [Unanswered("sent without asking for an acknowledgement") for _ in controls]
        return _operated(controls, (yield Ask(Function.DIRECT_OPERATE, body)))
    results: dict[Control, CommandResult] = {}
    selected = list(controls)
    while selected:
        body = request_body(selected)
        reply = yield Ask(Function.SELECT, body)
        found = _selected(selected, reply)
        results |= {control: result for control, result in found.items() if result is not None}
        kept = [control for control in selected if found[control] is None]
        if len(kept) == len(selected):
            results |= dict(zip(selected, _operated(selected, (yield Ask(Function.OPERATE, body))), strict=True))
            break
        selected = kept
    return [results[control] for control in controls]


def select_alone(controls: Sequence[Control]) -> CommandProcedure:
    """Select and leave it at that: which of them the outstation would take. The selection lapses by itself."""
    found = _selected(controls, (yield Ask(Function.SELECT, request_body(controls))))
    results = [found[control] for control in controls]
    return [Accepted() if result is None else result for result in results]


def request_body(controls: Sequence[Control]) -> bytes:
    """The objects of a request: neighbours of one variation share a header."""
    pieces = []
    for head, run in groupby(controls, key=lambda control: control.head):
        objects = [control.octets for control in run]
        pieces += [head, len(objects).to_bytes(_count_width(head), "little"), *objects]
    return b"".join(pieces)


def repeated_statuses(controls: Sequence[Control], body: bytes) -> tuple[list[int | None], bool]:
    """The status of each object that an answer repeats octet by octet, None from where it does not any more.

    The second is True if the answer repeats all of the request and nothing else.
    """
    statuses: list[int | None] = []
    offset = 0
    for head, group in groupby(controls, key=lambda control: control.head):
        run = list(group)
        width = _count_width(head)
        count = int.from_bytes(body[offset + 3 : offset + 3 + width], "little")
        if body[offset : offset + 3] != head or len(body) < offset + 3 + width or count > len(run):
            break
        offset += 3 + width
        for control in run[:count]:
            end = offset + len(control.octets)
            if body[offset : end - 1] != control.octets[:-1] or end > len(body):
                return _filled(statuses, controls), False
            statuses.append(body[end - 1])
            offset = end
        if count < len(run):
            break
    whole = len(statuses) == len(controls) and offset == len(body)
    if len(statuses) == len(controls) and not whole:
        statuses = []  # more than was asked: not an answer to this request
    return _filled(statuses, controls), whole


def _filled(statuses: list[int | None], controls: Sequence[Control]) -> list[int | None]:
    return statuses + [None] * (len(controls) - len(statuses))


def _selected(controls: Sequence[Control], reply: Reply | None) -> dict[Control, CommandResult | None]:
    """What a select came to: None for each that may be operated, else its result."""
    if reply is None:
        return {control: NotSent("select was not answered") for control in controls}
    statuses, whole = repeated_statuses(controls, reply.response.body)
    refused = _refused_as_a_whole(reply)
    found: dict[Control, CommandResult | None] = {}
    for control, status in zip(controls, statuses, strict=True):
        if status == 0 and refused is None:
            late = reply.now >= control.expires_at
            reason = "expired between select and operate" if late else "the select was not repeated whole"
            found[control] = None if whole and not late else NotSent(reason)
        else:
            differs = Rejected(CommandStatus.FORMAT_ERROR, "the answer is not what was selected")
            found[control] = _status_told(control, status, reply) or refused or differs
    return found


def _operated(controls: Sequence[Control], reply: Reply | None) -> list[CommandResult]:
    if reply is None:
        return [Unanswered("no response after operate") for _ in controls]
    statuses, _ = repeated_statuses(controls, reply.response.body)
    refused = _refused_as_a_whole(reply)
    results: list[CommandResult] = []
    for control, status in zip(controls, statuses, strict=True):
        told = _status_told(control, status, reply)
        if told is not None:
            results.append(told)
        elif refused is not None and not reply.response.body:
            results.append(refused)
        elif status == 0 and refused is None:
            results.append(Accepted())
        else:
            results.append(Unanswered("response does not repeat what was asked"))
    return results


def _status_told(control: Control, status: int | None, reply: Reply) -> Rejected | None:
    """The status other than success that the response gives for this very point; None if it gives none."""
    codes = [status] if status is not None else _statuses_of(control, reply)
    told = [code & _STATUS_BITS for code in codes if code & _STATUS_BITS]
    if not told:
        return None
    found = CommandStatus(told[0]) if told[0] in _STATUS_CODES else CommandStatus.UNDEFINED
    return Rejected(found, f"status {found.name}")


def _statuses_of(control: Control, reply: Reply) -> list[int]:
    """Statuses for a point in a response that does not repeat the request."""
    statuses: list[int] = []
    for header in reply.headers:
        if header.group == control.head[0] and header.records is not None and header.is_indexed:
            statuses += header.records["status"][header.indexes() == control.point].tolist()
    return statuses


def _refused_as_a_whole(reply: Reply) -> Rejected | None:
    """What the internal indications say of the request; None if nothing."""
    indications = reply.response.indications
    if indications & (Indication.FUNCTION_NOT_SUPPORTED | Indication.OBJECT_UNKNOWN):
        return Rejected(CommandStatus.NOT_SUPPORTED, "function or object not supported")
    if indications & REFUSALS:
        return Rejected(CommandStatus.FORMAT_ERROR, "parameter error")
    if indications & Indication.ALREADY_EXECUTING and not reply.response.body:
        return Rejected(CommandStatus.ALREADY_ACTIVE, "already executing")
    return None


def _count_width(head: bytes) -> int:
    return 1 if head[2] == Qualifier.INDEX_8 else 2
