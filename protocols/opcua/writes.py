"""Writes of clients as commands: decided by the handler before they are answered."""

import asyncio
import itertools
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

import structlog
from asyncua import ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.address_space import AddressSpace, AttributeService
from asyncua.ua.attribute_ids import AttributeIds

from protocols.opcua.config import address_of
from protocols.opcua.logins import StationUser
from protocols.opcua.status import (
    BAD_OUT_OF_RANGE,
    BAD_TYPE_MISMATCH,
    BAD_USER_ACCESS_DENIED,
    BAD_WRITE_NOT_SUPPORTED,
    GOOD,
    answer_to,
)
from protocols.opcua.users import Right
from vppscada.model.commands import (
    AnalogValue,
    Command,
    CommandBody,
    CommandMode,
    CommandStatus,
    Origin,
    PulseStyle,
    crob_for,
)
from vppscada.model.outstations import CommandHandler
from vppscada.model.points import Point, PointKind, RowPoint

log = structlog.get_logger()

Show = Callable[[RowPoint, float], Awaitable[None]]
#: Told of a write by a user without the right to it, with the point's id.
Denied = Callable[[User, str], None]


def read_write(point: Point, written: ua.WriteValue) -> float | int:
    """The device value that a client writes, or the (bad) status that answers it. A float is a value."""
    data_type, value = address_of(point).data_type, written.Value
    if written.IndexRange or value is None or value.Value is None:
        return BAD_WRITE_NOT_SUPPORTED
    if value.StatusCode is not None and value.StatusCode.value != GOOD:
        return BAD_WRITE_NOT_SUPPORTED
    found = value.Value.Value
    if value.Value.VariantType.value != data_type.number or not isinstance(found, bool | int | float):
        return BAD_TYPE_MISMATCH
    return float(found) if math.isfinite(found) else BAD_OUT_OF_RANGE


def body_of(point: Point, value: float) -> CommandBody | None:
    """The command that a written value is; None for the end of a pulse, which asks for nothing."""
    if point.kind is PointKind.ANALOG_OUTPUT:
        return AnalogValue(value)
    if point.pulse.style is PulseStyle.PULSE and value == 0.0:
        return None
    return crob_for(value != 0.0, point.pulse)


class WriteDecider:
    """Asks the handler about writes. Whatever the handler does, a status comes of it, in bounded time."""

    def __init__(self, name: str, timeout_s: float, handler: CommandHandler, statistics: Counter[str]) -> None:
        self._name = name
        self._timeout_s = timeout_s
        self._handler = handler
        self._statistics = statistics
        self._ids = itertools.count(1)
        self._running: set[asyncio.Task[CommandStatus]] = set()

    async def decide(self, each: RowPoint, value: float) -> int:
        """The status code that answers a write of this value."""
        body = body_of(each.point, value)
        if body is None:
            return GOOD
        now = time.monotonic()
        command = Command(next(self._ids), each.row, body, CommandMode.DIRECT, Origin.EMS, now, now + self._timeout_s)
        # In a task of its own: a client that hangs up does not cut a command in half.
        task = asyncio.ensure_future(self._operate(command))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        status = await asyncio.shield(task)
        accepted = status is CommandStatus.SUCCESS
        self._statistics["commands_accepted" if accepted else "commands_refused"] += 1
        return answer_to(status)

    async def _operate(self, command: Command) -> CommandStatus:
        try:
            async with asyncio.timeout(self._timeout_s):
                return CommandStatus(await self._handler.operate(command))
        except TimeoutError:
            self._statistics["handlers_timed_out"] += 1
            return CommandStatus.TIMEOUT
        except Exception:
            self._statistics["handlers_failed"] += 1
            log.exception("opcua_handler_failed", outstation=self._name, row=command.row)
            return CommandStatus.UNDEFINED


def may_operate(user: User) -> bool:
    """True for those who came in with the right to; nobody has it that did not come in at all."""
    return isinstance(user, StationUser) and user.right is Right.OPERATE


class CommandedAttributes(AttributeService):
    """asyncua's attribute service, except that writes to outputs go to the handler first."""

    def __init__(
        self,
        aspace: AddressSpace,
        outputs: Mapping[ua.NodeId, RowPoint],
        decider: WriteDecider,
        show: Show,
        denied: Denied,
    ) -> None:
        super().__init__(aspace)
        self._outputs = outputs
        self._decider = decider
        self._show = show
        self._denied = denied

    async def write(self, params: ua.WriteParameters, user: User = User(role=UserRole.Admin)) -> list[ua.StatusCode]:  # noqa: B008
        """Answer each write in turn: an output's when the handler has decided."""
        answers: list[ua.StatusCode] = []
        for written in params.NodesToWrite:
            output = self._outputs.get(written.NodeId)
            if output is None or written.AttributeId != AttributeIds.Value:
                answers += await super().write(ua.WriteParameters(NodesToWrite=[written]), user)
            elif not may_operate(user):
                self._denied(user, output.point.id)
                answers.append(ua.StatusCode(ua.UInt32(BAD_USER_ACCESS_DENIED)))
            else:
                answers.append(ua.StatusCode(ua.UInt32(await self._command(output, written))))
        return answers

    async def _command(self, output: RowPoint, written: ua.WriteValue) -> int:
        value = read_write(output.point, written)
        if not isinstance(value, float):
            return value
        code = await self._decider.decide(output, value)
        if code == GOOD:
            await self._show(output, value)
        return code
