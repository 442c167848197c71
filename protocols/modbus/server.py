"""A Modbus server of points: reads come from its image, writes become awaited commands."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

import numpy as np
import structlog

from protocols.modbus.door import Door, enter, leave
from protocols.modbus.image import Image
from protocols.modbus.inbound import Outputs, Refused, Wanted
from protocols.modbus.replies import ILLEGAL_FUNCTION
from protocols.modbus.serving import Answer, Writing, answer_read, parse_write, refusal
from protocols.modbus.settings import ModbusOutstationSettings
from vppscada.model.batch import Batch
from vppscada.model.commands import Command, CommandMode, CommandStatus, Origin
from vppscada.model.outstations import CommandHandler
from vppscada.model.points import RowPoint

log = structlog.get_logger()

#: A command that a client wrote must be under way within this time.
COMMAND_LIFE_S = 10.0


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
        self._door: Door | None = None
        self._commands = 0
        self._writing = asyncio.Lock()  # commands of several clients come one after another

    @property
    def port(self) -> int:
        """The port it is bound to; 0 while not bound."""
        return 0 if self._door is None else self._door.port

    @property
    def connections(self) -> int:
        """How many clients are connected where it is served."""
        return 0 if self._door is None else self._door.connections

    async def start(self) -> None:
        """Bind and listen, or join who listens there for another device id.

        Raises:
            OSError: the address is taken or not ours.
        """
        settings = self._settings
        self._door = await enter(self, settings.device_id, settings.medium, settings.maximum_connections)
        log.info("modbus_outstation_started", outstation=self.name, medium=str(settings.medium), port=self.port)

    async def stop(self) -> None:
        """Close every connection and the listener, if no other device id is served there."""
        door, self._door = self._door, None
        if door is not None:
            await leave(door, self._settings.device_id)

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

    # --- requests

    async def execute(self, pdu: bytes, role: str = "") -> Answer:
        """Answer a request of a client with that role."""
        try:
            writing = parse_write(pdu)
            if writing is None:
                return answer_read(self._image, pdu)
            return await self._write(pdu[0], writing, role)
        except Refused as refused:
            return refusal(pdu[0], refused.code)

    async def _write(self, function_code: int, writing: Writing, role: str) -> Answer:
        async with self._writing:
            wanted = self._wanted(writing)
            self._check_role(wanted, role)
            for want in wanted:
                status = await self._operate(want)
                if status is not CommandStatus.SUCCESS:
                    self.statistics["writes_refused"] += 1
                    return refusal(function_code, status=status)
                self.statistics["writes_accepted"] += 1
                one = np.array([want.place], dtype=np.intp)
                self._image.put(one, np.array([want.value]), np.ones(1, dtype=np.uint16), {})
        if writing.read:
            return answer_read(self._image, writing.read, function_code)
        return Answer(bytes((function_code,)) + writing.echo)

    def _wanted(self, writing: Writing) -> list[Wanted]:
        if writing.read:  # nothing is written if it cannot be read
            answer_read(self._image, writing.read)
        if writing.states:
            return self._outputs.coils(writing.start, writing.states)
        if writing.masks is not None:
            return self._outputs.masked(writing.start, *writing.masks)
        return self._outputs.registers(writing.start, writing.words)

    def _check_role(self, wanted: Sequence[Wanted], role: str) -> None:
        """MODBUS/TCP Security: what a role may not do is answered with exception 1."""
        roles = self._settings.roles
        if roles is None:
            return
        for want in wanted:
            point = self._image.points[want.place].id
            if not roles.may_write(role, point):
                self.statistics["writes_not_authorised"] += 1
                log.warning("modbus_write_not_authorised", outstation=self.name, role=role, point=point)
                raise Refused(ILLEGAL_FUNCTION)

    async def _operate(self, want: Wanted) -> CommandStatus:
        now = time.monotonic()
        self._commands += 1
        command = Command(
            id=self._commands,
            row=self._rows[want.place],
            body=want.body,
            mode=CommandMode.DIRECT,
            origin=Origin.EMS,
            issued_at=now,
            expires_at=now + COMMAND_LIFE_S,
        )
        try:
            return await self._handler.operate(command)
        except Exception:  # a handler must not raise; if it does, its client hears of a failure and the others go on
            log.exception("modbus_command_handler_failed", outstation=self.name, row=command.row)
            self.statistics["handler_failures"] += 1
            return CommandStatus.HARDWARE_ERROR
