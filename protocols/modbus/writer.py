"""Commands on their way out: between the reads of a scan, once, not too late, and with every answer checked."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable

import structlog

from protocols.modbus.codec import words_integer
from protocols.modbus.config import ModbusAddress
from protocols.modbus.layout import address_of
from protocols.modbus.plan import Block, span_of
from protocols.modbus.replies import ReplyInvalid, check_echo, read_words, write_result
from protocols.modbus.requests import read_request
from protocols.modbus.settings import ModbusSessionSettings
from protocols.modbus.wire import Wire
from protocols.modbus.writes import Step, Write, needs_read, steps_of, write_analog, write_binary
from vppscada.model.commands import Accepted, Command, CommandResult, NotSent, Unanswered
from vppscada.model.points import Point

log = structlog.get_logger()

Deadline = Callable[[], NotSent | None]


class Writer:
    """Writes for one session. ``turn`` is the session's: one question at a time."""

    def __init__(
        self, name: str, settings: ModbusSessionSettings, turn: asyncio.Lock, statistics: Counter[str]
    ) -> None:
        self._name = name
        self._settings = settings
        self._turn = turn
        self._statistics = statistics
        self._pulses: set[asyncio.Task[CommandResult]] = set()

    async def analog(
        self, wire: Wire, point: Point, exponent: Callable[[], float | None], command: Command
    ) -> CommandResult:
        """Write an analog output. ``exponent`` gives its scale factor when its turn has come.

        Raises:
            CannotEncode: the wire cannot carry it; nothing was sent.
        """
        async with self._turn:
            if refusal := self._too_late(wire, command):
                return refusal
            write = write_analog(point, command.body, exponent(), self._settings.write_multiple)
            return await self._write(wire, write)

    async def binary(self, wire: Wire, point: Point, command: Command) -> CommandResult:
        """Write a binary output, and take a pulse back after its time.

        Raises:
            CannotEncode: the wire cannot carry it; nothing was sent.
        """
        first, *rest = steps_of(point, command.body)
        address = address_of(point)
        if not rest:
            return await self._begin(wire, address, first, command)
        # from its first byte on, a pulse does not depend on who waits for it
        pulse = asyncio.create_task(self._pulse(wire, address, first, rest[0], command))
        self._pulses.add(pulse)
        pulse.add_done_callback(self._pulses.discard)
        return await asyncio.shield(pulse)

    async def _begin(self, wire: Wire, address: ModbusAddress, step: Step, command: Command) -> CommandResult:
        async with self._turn:
            return await self._write_state(wire, address, step, lambda: self._too_late(wire, command))

    async def _pulse(
        self, wire: Wire, address: ModbusAddress, first: Step, last: Step, command: Command
    ) -> CommandResult:
        begun = await self._begin(wire, address, first, command)
        if not isinstance(begun, Accepted | Unanswered):
            return begun
        await asyncio.wait((wire.lost,), timeout=first.hold_s)
        async with self._turn:
            ended = await self._write_state(wire, address, last, lambda: _if_lost(wire))
        if isinstance(ended, Accepted):
            return begun
        self._statistics["pulses_not_ended"] += 1
        log.error("modbus_pulse_not_ended", session=self._name, register=address.register, result=str(ended))
        return Unanswered(f"the pulse began and was not ended: {ended}")

    def _too_late(self, wire: Wire, command: Command) -> NotSent | None:
        if time.monotonic() >= command.expires_at:
            self._statistics["commands_expired"] += 1
            return NotSent("expired before it could be sent")
        return _if_lost(wire)

    async def _write_state(self, wire: Wire, address: ModbusAddress, step: Step, too_late: Deadline) -> CommandResult:
        if refusal := too_late():
            return refusal
        before = 0
        if needs_read(address):
            found = await self._read_before_write(wire, address)
            if isinstance(found, NotSent):
                return found
            if refusal := too_late():  # the read took its time
                return refusal
            before = found
        return await self._write(wire, write_binary(address, step.on, before, self._settings.write_multiple))

    async def _read_before_write(self, wire: Wire, address: ModbusAddress) -> int | NotSent:
        span = span_of(address)
        block = Block(address.table, span.start, address.registers, 0, (span,))
        try:
            reply = await wire.ask(read_request(block))
            if not reply.exception_code:
                return words_integer(address, tuple(read_words(reply.payload, block.count).tolist()))
        except (TimeoutError, ReplyInvalid, ConnectionError) as fault:
            self._statistics["replies_missed"] += 1
            return NotSent(f"the register could not be read before the write: {fault or 'no answer'}")
        return NotSent(f"the register could not be read before the write: exception {reply.exception_code}")

    async def _write(self, wire: Wire, write: Write) -> CommandResult:
        try:
            reply = await wire.ask(write.pdu)
            if not reply.exception_code:
                check_echo(reply.payload, write.echo)
                self._statistics["writes_accepted"] += 1
                return Accepted()
        except TimeoutError:
            self._statistics["replies_missed"] += 1
            return Unanswered(f"no answer within {self._settings.timeout_s:g} s")
        except (ReplyInvalid, ConnectionError) as fault:
            self._statistics["replies_invalid"] += isinstance(fault, ReplyInvalid)
            return Unanswered(str(fault))
        self._statistics["writes_refused"] += 1
        return write_result(reply.exception_code)


def _if_lost(wire: Wire) -> NotSent | None:
    return NotSent("the connection was lost") if wire.lost.done() else None
