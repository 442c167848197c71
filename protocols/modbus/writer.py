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
from protocols.modbus.replies import ReplyInvalid, check_echo, read_bits, read_words, write_result
from protocols.modbus.settings import ModbusSessionSettings
from protocols.modbus.wire import Wire
from protocols.modbus.writes import Step, Write, is_shown, needs_read, steps_of, write_analog, write_binary
from vppscada.model.commands import Accepted, Command, CommandResult, NotSent, Unanswered
from vppscada.model.points import Point

log = structlog.get_logger()

Deadline = Callable[[], NotSent | None]

#: Between two looks at a register that does not show yet what was written.
READ_BACK_EVERY_S = 0.1


class Writer:
    """Writes for one session."""

    def __init__(self, name: str, settings: ModbusSessionSettings, statistics: Counter[str]) -> None:
        self._name = name
        self._settings = settings
        self._statistics = statistics
        self._pulses: set[asyncio.Task[CommandResult]] = set()

    async def analog(
        self, wire: Wire, point: Point, exponent: Callable[[], float | None], command: Command
    ) -> CommandResult:
        """Write an analog output. ``exponent`` gives its scale factor when its turn has come.

        Raises:
            CannotEncode: the wire cannot carry it; nothing was sent.
        """
        async with wire.turn:
            if refusal := self._too_late(wire, command):
                return refusal
            write = write_analog(point, command.body, exponent(), self._settings.write_multiple)
            result = await self._write(wire, write)
        return await self._read_back(wire, address_of(point), write, result)

    async def binary(self, wire: Wire, point: Point, command: Command) -> CommandResult:
        """Write a binary output, and take a pulse back after its time.

        Raises:
            CannotEncode: the wire cannot carry it; nothing was sent.
        """
        first, *rest = steps_of(point, command.body)
        address = address_of(point)
        if not rest:
            return await self._state(wire, address, first, lambda: self._too_late(wire, command), lasts=True)
        # from its first byte on, a pulse does not depend on who waits for it
        pulse = asyncio.create_task(self._pulse(wire, address, first, rest[0], command))
        self._pulses.add(pulse)
        pulse.add_done_callback(self._pulses.discard)
        return await asyncio.shield(pulse)

    async def _pulse(
        self, wire: Wire, address: ModbusAddress, first: Step, last: Step, command: Command
    ) -> CommandResult:
        begun = await self._state(wire, address, first, lambda: self._too_late(wire, command), lasts=False)
        if not isinstance(begun, Accepted | Unanswered):
            return begun
        await asyncio.wait((wire.lost,), timeout=first.hold_s)
        ended = await self._state(wire, address, last, lambda: _if_lost(wire), lasts=False)
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

    async def _state(
        self, wire: Wire, address: ModbusAddress, step: Step, too_late: Deadline, lasts: bool
    ) -> CommandResult:
        """Put a binary output into a state; one that lasts is read back where that is wanted."""
        async with wire.turn:
            if refusal := too_late():
                return refusal
            before = 0
            if needs_read(address, self._settings.mask_write):
                found = await self._read_before_write(wire, address)
                if isinstance(found, NotSent):
                    return found
                if refusal := too_late():  # the read took its time
                    return refusal
                before = found
            settings = self._settings
            write = write_binary(address, step.on, before, settings.write_multiple, settings.mask_write)
            result = await self._write(wire, write)
        return await self._read_back(wire, address, write, result) if lasts else result

    async def _read_before_write(self, wire: Wire, address: ModbusAddress) -> int | NotSent:
        found = await self._read(wire, address)
        if isinstance(found, str):
            return NotSent(f"the register could not be read before the write: {found}")
        return words_integer(address, found)

    async def _read(self, wire: Wire, address: ModbusAddress) -> tuple[int, ...] | str:
        """Registers (or the bit) of an address as they lie on the wire, or why they could not be read."""
        span = span_of(address)
        block = Block(address.table, span.start, address.registers, 0, (span,))
        try:
            reply = await wire.ask(block.request)
            if reply.exception_code:
                return f"exception {reply.exception_code}"
            read = read_bits if address.table.is_bits else read_words
            return tuple(int(word) for word in read(reply.payload, block.count))
        except (TimeoutError, ConnectionError) as fault:
            self._statistics["replies_missed"] += 1
            return str(fault) or "no answer"
        except ReplyInvalid as fault:
            self._statistics["replies_invalid"] += 1
            return str(fault)

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

    async def _read_back(
        self, wire: Wire, address: ModbusAddress, write: Write, result: CommandResult
    ) -> CommandResult:
        """Where it is wanted, an accepted write counts only once its register shows it.

        What it shows otherwise says nothing of what the device does: the outcome is unknown then.
        """
        wanted = self._settings.read_back if address.read_back is None else address.read_back
        if not wanted or not isinstance(result, Accepted):
            return result
        by = time.monotonic() + self._settings.read_back_s
        while True:
            found = await self._look(wire, address)
            if not isinstance(found, str) and is_shown(write, found):
                self._statistics["writes_read_back"] += 1
                return result
            if wire.lost.done() or time.monotonic() >= by:
                break
            await asyncio.wait((wire.lost,), timeout=READ_BACK_EVERY_S)
        self._statistics["writes_not_shown"] += 1
        told = found if isinstance(found, str) else f"it reads {list(found)}, not {list(write.shown)}"
        return Unanswered(f"the device took the write, but read back {told}")

    async def _look(self, wire: Wire, address: ModbusAddress) -> tuple[int, ...] | str:
        async with wire.turn:
            return await self._read(wire, address)


def _if_lost(wire: Wire) -> NotSent | None:
    return NotSent("the connection was lost") if wire.lost.done() else None
