"""The control requests of one association: what is selected, what is being executed, and who may move what. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from protocols.dnp3.application import Function
from protocols.dnp3.objects import ObjectHeader
from protocols.dnp3.outstation.actions import Asking, Execute
from protocols.dnp3.outstation.commands import Asked, ControlPlan, plan_controls
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.device import Device
from protocols.dnp3.outstation.select import Selection, check_operate
from vppscada.model.commands import Command, CommandMode, CommandStatus, Origin

_NO_ROWS: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Executing:
    """A control request that is with the handler, whose time is over at ``until``."""

    ticket: int
    asking: Asking
    plan: ControlPlan
    rows: frozenset[int]
    until: float


class Controls:
    """Selection and execution. Times are monotonic seconds.

    Between masters: an output that one master has selected, or is operating, is refused to every other with
    BLOCKED_OTHER_MASTER, whichever function it uses; the selection ends as it does for its own master (operate,
    another request of that master, time, the loss of its connection).
    """

    def __init__(self, settings: Dnp3OutstationSettings, device: Device) -> None:
        self._settings = settings
        self._device = device
        self._selection: Selection | None = None
        self._selected: frozenset[int] = _NO_ROWS
        self._executing: Executing | None = None
        self._orphans: dict[int, Executing] = {}  # by ticket: with the handler, while their connection is gone
        self._tickets = 0
        self._command_ids = 0
        device.admit(self)

    @property
    def executing(self) -> bytes | None:
        """The request that is with the handler, octet for octet."""
        return None if self._executing is None else self._executing.asking.octets

    def held_rows(self, now: float) -> frozenset[int]:
        """Outputs that are selected or being operated."""
        held = _NO_ROWS.union(*(orphan.rows for orphan in self._orphans.values() if now <= orphan.until))
        if self._executing is not None:
            held |= self._executing.rows
        selection = self._selection
        if selection is not None and now - selection.at <= self._settings.select_timeout_s:
            held |= self._selected
        return held

    def judge(self, asking: Asking, headers: Sequence[ObjectHeader], now: float) -> ControlPlan:
        """What of the request may go to the handler; the other objects have their statuses.

        An operate needs its selection, once; every other control ends a selection.
        """
        selection, self._selection = self._selection, None
        plan = plan_controls(headers, self._device.table, self._settings.max_controls)
        if plan.indications:
            return plan
        if asking.function == Function.OPERATE:
            timeout_s = self._settings.select_timeout_s
            status = check_operate(selection, asking.sequence, asking.request.body, now, timeout_s)
            if status is not CommandStatus.SUCCESS:
                plan.refuse(status)
                return replace(plan, asked=())
        held = self._device.held_by_others(self, now)
        permitted: list[Asked] = []
        for asked in plan.asked:
            status = self._permit(asked, asking.function, held)
            plan.statuses[asked.position] = status
            if status is CommandStatus.SUCCESS:
                permitted.append(asked)
        return replace(plan, asked=permitted)

    def execute(self, asking: Asking, plan: ControlPlan, now: float) -> Execute:
        """Have the handler asked; `finish` takes its answer."""
        self._tickets += 1
        rows = frozenset(asked.row for asked in plan.asked)
        self._executing = Executing(self._tickets, asking, plan, rows, now + self._settings.command_timeout_s)
        return Execute(self._tickets, asking.function == Function.SELECT, self._commands(asking, plan, now))

    def finish(self, ticket: int, statuses: Sequence[CommandStatus]) -> tuple[Executing, bool]:
        """The request that the handler answered, statuses filled in, and whether its master still waits for that.

        Raises:
            KeyError: nothing with that ticket is with the handler; a programming error.
        """
        executing = self._executing
        is_awaited = executing is not None and executing.ticket == ticket
        if executing is None or not is_awaited:
            executing = self._orphans.pop(ticket)
        else:
            self._executing = None
        for asked, status in zip(executing.plan.asked, statuses, strict=True):
            executing.plan.statuses[asked.position] = status
        return executing, is_awaited

    def select(self, asking: Asking, plan: ControlPlan, now: float) -> None:
        """Every object was taken: the request is the selection."""
        self._selection = Selection(asking.sequence, asking.request.body, now)
        self._selected = frozenset(asked.row for asked in plan.asked)

    def deselect(self) -> None:
        """Another request came between."""
        self._selection = None

    def reset(self) -> None:
        """The connection is gone. What the handler is asked goes on, unawaited, and holds its outputs."""
        self._selection = None
        if self._executing is not None:
            self._orphans[self._executing.ticket] = self._executing
        self._executing = None

    def _permit(self, asked: Asked, function: int, held: frozenset[int]) -> CommandStatus:
        if self._device.is_local:
            return CommandStatus.LOCAL
        if asked.row in held:
            return CommandStatus.BLOCKED_OTHER_MASTER
        needs_select = self._device.table.points[asked.row].command_mode is CommandMode.SBO
        return (
            CommandStatus.NO_SELECT if needs_select and function == Function.DIRECT_OPERATE else CommandStatus.SUCCESS
        )

    def _commands(self, asking: Asking, plan: ControlPlan, now: float) -> tuple[Command, ...]:
        mode = CommandMode.DIRECT if asking.function == Function.DIRECT_OPERATE else CommandMode.SBO
        first = self._command_ids + 1
        self._command_ids += len(plan.asked)
        expires = now + self._settings.command_timeout_s
        return tuple(
            Command(first + n, asked.row, asked.body, mode, Origin.EMS, now, expires)
            for n, asked in enumerate(plan.asked)
        )
