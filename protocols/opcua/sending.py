"""What becomes of one command: a write, two for a pulse, or the call of a method. Nothing is sent twice."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import structlog
from asyncua import ua

from protocols.opcua.connection import Connection
from protocols.opcua.data_types import DataType
from protocols.opcua.library import node_id, status_name
from protocols.opcua.mapping import MethodCall, Step
from protocols.opcua.status import result_of_write
from vppscada.model.commands import Accepted, CommandResult, NotSent, Rejected, Unanswered
from vppscada.model.sessions import SessionLost

log = structlog.get_logger()

_COUNTED_AS = {Accepted: "writes_accepted", Rejected: "writes_refused", Unanswered: "writes_unanswered"}


class Sending:
    """Sends commands of one session; ``is_current`` says whether a connection is still the session's."""

    def __init__(self, name: str, statistics: Counter[str], is_current: Callable[[Connection], bool]) -> None:
        self._name = name
        self._statistics = statistics
        self._is_current = is_current
        self._pulses: set[asyncio.Task[CommandResult]] = set()

    async def write(
        self, connection: Connection, node: ua.NodeId, data_type: DataType, steps: Sequence[Step]
    ) -> CommandResult:
        """Write one step after another. A pulse is over when this returns, also if the caller gives up waiting."""
        first, *rest = steps
        result = await self._write(connection, node, data_type, first)
        if not rest or not isinstance(result, Accepted):
            return result
        ending = asyncio.create_task(self._end_pulse(connection, node, data_type, first.hold_s, rest[0]))
        self._pulses.add(ending)
        ending.add_done_callback(self._pulses.discard)
        return await asyncio.shield(ending)

    async def call(
        self, connection: Connection, namespaces: Sequence[str], call: MethodCall, data_type: DataType
    ) -> CommandResult:
        """Call a method of an object, by the numbers that the server of this connection has for them."""
        target, method = node_id(call.target, namespaces), node_id(call.method, namespaces)
        if target is None or method is None:
            return NotSent(f"the server does not know {call.target if target is None else call.method}")
        arguments: list[ua.Variant] = []
        if call.argument is not None:
            arguments.append(ua.Variant(call.argument, ua.VariantType(data_type.number)))
        try:
            code = await connection.call(target, method, arguments)
        except SessionLost as lost:
            return self._unanswered(lost)
        return self._result(code)

    async def _write(self, connection: Connection, node: ua.NodeId, data_type: DataType, step: Step) -> CommandResult:
        try:
            code = await connection.write(node, ua.Variant(step.value, ua.VariantType(data_type.number)))
        except SessionLost as lost:
            return self._unanswered(lost)
        return self._result(code)

    def _unanswered(self, lost: SessionLost) -> CommandResult:
        self._statistics["writes_unanswered"] += 1
        return Unanswered(str(lost))

    def _result(self, code: int) -> CommandResult:
        result = result_of_write(code, status_name(code))
        self._statistics[_COUNTED_AS[type(result)]] += 1
        return result

    async def _end_pulse(
        self, connection: Connection, node: ua.NodeId, data_type: DataType, after_s: float, step: Step
    ) -> CommandResult:
        await asyncio.sleep(after_s)
        if self._is_current(connection) and connection.is_usable:
            result = await self._write(connection, node, data_type, step)
        else:
            result = Unanswered("the connection was lost before the pulse ended")
        if isinstance(result, Accepted):
            return result
        self._statistics["pulses_not_ended"] += 1
        log.error("opcua_pulse_not_ended", session=self._name, node=node.to_string(), result=str(result))
        return Unanswered(f"the pulse began and was not ended: {result}")
