"""A Modbus server of points: reads come from its image, writes become awaited commands.

pymodbus' own server loses requests that arrive together and cannot await a handler before it answers; its framers
are used here on plain asyncio streams.
"""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Sequence

import numpy as np
import structlog
from pymodbus.framer import FramerBase

from protocols.modbus.image import Image
from protocols.modbus.inbound import Outputs, Refused
from protocols.modbus.replies import GATEWAY_NO_RESPONSE
from protocols.modbus.serving import Answer, Writing, answer_read, parse_write, refusal
from protocols.modbus.settings import Framing, ModbusOutstationSettings
from protocols.modbus.wire import FRAMER_FAULTS, framer_of
from vppscada.model.batch import Batch
from vppscada.model.commands import Command, CommandMode, CommandStatus, Origin
from vppscada.model.outstations import CommandHandler
from vppscada.model.points import RowPoint

log = structlog.get_logger()

#: A command that a client wrote must be under way within this time.
COMMAND_LIFE_S = 10.0
#: No frame is longer (MODBUS Messaging on TCP/IP V1.0b, 4.2); what stays undecoded beyond it is garbage.
LONGEST_FRAME = 260


class ModbusOutstation:
    """Serves the enabled points of its list; ``rows`` of its batches are theirs."""

    def __init__(
        self, name: str, settings: ModbusOutstationSettings, points: Sequence[RowPoint], handler: CommandHandler
    ) -> None:
        """Lay out the image; constants (minimum = maximum) show at once.

        Raises:
            ValueError: a scale factor names a missing point.
        """
        self.name = name
        self.statistics: Counter[str] = Counter()
        self._settings = settings
        self._handler = handler
        enabled = [row_point for row_point in points if row_point.point.enabled]
        self._rows = [row_point.row for row_point in enabled]
        self._image = Image([row_point.point for row_point in enabled])
        self._outputs = Outputs(self._image)
        self._place_of_row = np.full(max((r.row for r in points), default=-1) + 1, -1, dtype=np.intp)
        self._place_of_row[self._rows] = np.arange(len(enabled))
        self._listener: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._commands = 0
        self._writing = asyncio.Lock()  # commands of several clients come one after another

    @property
    def port(self) -> int:
        """The port it is bound to; 0 while not bound."""
        if self._listener is None or not self._listener.sockets:
            return 0
        return int(self._listener.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Bind and listen.

        Raises:
            OSError: the address is taken or not ours.
        """
        self._listener = await asyncio.start_server(self._on_connection, self._settings.host, self._settings.port)
        log.info("modbus_outstation_started", outstation=self.name, port=self.port)

    async def stop(self) -> None:
        """Close every connection and the listener."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def update(self, batch: Batch) -> None:
        """Show new values, device units. Rows that are not its own are ignored."""
        places = np.full(len(batch), -1, dtype=np.intp)
        known = (batch.rows >= 0) & (batch.rows < len(self._place_of_row))
        places[known] = self._place_of_row[batch.rows[known]]
        mine = places >= 0
        texts = {
            int(self._place_of_row[row]): text for row, text in batch.texts.items() if row < len(self._place_of_row)
        }
        self._image.put(places[mine], batch.value[mine], batch.quality[mine], texts)

    async def settled(self) -> None:
        """Nothing is kept here that could be lost: Modbus has no events."""

    # --- connections

    async def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # a callback of start_server is a task
        if len(self._connections) >= self._settings.maximum_connections:
            self.statistics["connections_refused"] += 1
            writer.close()
            return
        self._connections.add(task)
        self.statistics["connections_opened"] += 1
        _keep_alive(writer)
        try:
            await self._converse(reader, writer)
            writer.close()
        except FRAMER_FAULTS as fault:
            self.statistics["frames_malformed"] += 1
            log.warning("modbus_frame_malformed", outstation=self.name, fault=str(fault))
            writer.transport.abort()
        except (OSError, asyncio.CancelledError) as ended:
            log.debug("modbus_connection_ended", outstation=self.name, reason=repr(ended))
            writer.transport.abort()
        finally:
            self._connections.discard(task)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framer = framer_of(self._settings.framing, is_server=True)
        pending = b""
        while data := await reader.read(4096):
            pending += data
            while pending:
                used, device_id, transaction, pdu = framer.decode(pending)
                if not used:
                    break
                pending = pending[used:]
                await self._answer(framer, writer, device_id, transaction, pdu)
            if len(pending) > LONGEST_FRAME or self._is_not_modbus(pending):
                self.statistics["frames_malformed"] += 1
                return

    def _is_not_modbus(self, pending: bytes) -> bool:
        return self._settings.framing is Framing.TCP and pending[2:4].strip(b"\0") != b""

    async def _answer(
        self, framer: FramerBase, writer: asyncio.StreamWriter, device_id: int, transaction: int, pdu: bytes
    ) -> None:
        if not pdu:
            self.statistics["frames_malformed"] += 1
            return
        self.statistics["requests_received"] += 1
        if device_id == self._settings.device_id or (self._settings.framing is Framing.TCP and device_id in (0, 255)):
            answer = await self._execute(pdu)
        elif self._settings.framing is Framing.TCP:
            answer = refusal(pdu[0], GATEWAY_NO_RESPONSE)
        else:
            self.statistics["requests_for_others"] += 1  # on a line, and broadcasts: nobody answers
            return
        self.statistics["exceptions_sent"] += answer.is_refusal
        writer.write(framer.encode(answer.pdu, device_id, transaction))
        await writer.drain()

    # --- requests

    async def _execute(self, pdu: bytes) -> Answer:
        try:
            writing = parse_write(pdu)
            if writing is None:
                return answer_read(self._image, pdu)
            return await self._write(pdu[0], writing)
        except Refused as refused:
            return refusal(pdu[0], refused.code)

    async def _write(self, function_code: int, writing: Writing) -> Answer:
        async with self._writing:
            if writing.states:
                wanted = self._outputs.coils(writing.start, writing.states)
            else:
                wanted = self._outputs.registers(writing.start, writing.words)
            for want in wanted:
                now = time.monotonic()
                self._commands += 1
                status = await self._operate(
                    Command(
                        id=self._commands,
                        row=self._rows[want.place],
                        body=want.body,
                        mode=CommandMode.DIRECT,
                        origin=Origin.EMS,
                        issued_at=now,
                        expires_at=now + COMMAND_LIFE_S,
                    )
                )
                if status is not CommandStatus.SUCCESS:
                    self.statistics["writes_refused"] += 1
                    return refusal(function_code, status=status)
                self.statistics["writes_accepted"] += 1
                one = np.array([want.place], dtype=np.intp)
                self._image.put(one, np.array([want.value]), np.ones(1, dtype=np.uint16), {})
        return Answer(bytes((function_code,)) + writing.echo)

    async def _operate(self, command: Command) -> CommandStatus:
        try:
            return await self._handler.operate(command)
        except Exception:  # a handler must not raise; if it does, its client hears of a failure and the others go on
            log.exception("modbus_command_handler_failed", outstation=self.name, row=command.row)
            self.statistics["handler_failures"] += 1
            return CommandStatus.HARDWARE_ERROR


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """Have the system find peers that went away without a word."""
    connection = writer.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
