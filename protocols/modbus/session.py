"""A Modbus client's session: scans its points in planned reads, writes between them, trusts no answer unchecked."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

import numpy as np
import structlog

from protocols.modbus.codec import CannotEncode, decode
from protocols.modbus.layout import address_of, layout_of
from protocols.modbus.plan import Block, Limits, plan_reads
from protocols.modbus.replies import GATEWAY_NO_PATH, GATEWAY_NO_RESPONSE, ReplyInvalid
from protocols.modbus.requests import read_request
from protocols.modbus.scan import Reads
from protocols.modbus.settings import ModbusSessionSettings
from protocols.modbus.wire import Wire
from protocols.modbus.writer import Writer
from vppscada.model.batch import Batch, Cause
from vppscada.model.commands import Accepted, Command, CommandResult, NotSent
from vppscada.model.points import PointKind, RowPoint
from vppscada.model.quality import Quality, TimeQuality
from vppscada.model.sessions import SessionListener, SessionLost

log = structlog.get_logger()

#: Answers in a row that may be missing or wrong before the connection counts as lost.
STRIKES = 2


class ModbusSession:
    """One device. Values are device units: the raw value times its scale factor, if it has one."""

    def __init__(self, name: str, settings: ModbusSessionSettings, points: Sequence[RowPoint]) -> None:
        """Plan the reads of all enabled points.

        Raises:
            ValueError: a scale factor names a missing point, or a text is longer than a read may be.
        """
        self.name = name
        self.statistics: Counter[str] = Counter()
        self._settings = settings
        enabled = [row_point for row_point in points if row_point.point.enabled]
        self._points = [row_point.point for row_point in enabled]
        self._rows = np.array([row_point.row for row_point in enabled], dtype=np.intp)
        self._place_of_row = {row_point.row: i for i, row_point in enumerate(enabled)}
        limits = Limits(settings.max_registers, settings.max_bits, settings.max_gap)
        self._plan = plan_reads([address_of(point) for point in self._points], limits)
        self._layout = layout_of(self._points, self._plan.positions)
        self._holder_of = dict(zip(self._layout.scaled.tolist(), self._layout.scale_factor.tolist(), strict=True))
        self._turn = asyncio.Lock()  # one question at a time; it is fair, so a write waits for one read at most
        self._wire: Wire | None = None
        self._exponents: dict[int, float] = {}  # scale factor points → their value now
        self._strikes = 0
        self._complained: set[Block] = set()  # reads whose refusal was told once
        self._writer = Writer(name, settings, self._turn, self.statistics)

    # --- reading

    async def run(self, listener: SessionListener) -> None:
        """Live through one connection; see `vppscada.model.sessions.Session`."""
        wire = Wire(self._settings, self.statistics)
        self._strikes = 0
        self._exponents = {}
        self._complained.clear()
        reason = "stopped"
        try:
            await wire.open()
            self.statistics["connections_opened"] += 1
            self._wire = wire
            listener.on_connected()
            await self._live(wire, listener)
        except SessionLost as lost:
            reason = str(lost)
            raise
        except ConnectionError as ended:
            reason = str(ended)
            raise SessionLost(reason) from ended
        finally:
            self._wire = None
            wire.shut(reason)

    async def _live(self, wire: Wire, listener: SessionListener) -> None:
        reads = Reads(self._plan)
        loop = asyncio.get_running_loop()
        due = loop.time()
        cause = Cause.INTEGRITY
        while True:
            await self._scan(wire, reads)
            if len(self._rows):
                listener.on_batch(self._batch(reads, cause))
            if cause is Cause.INTEGRITY:
                self._must_have_brought_something(reads)
                listener.on_started()
                cause = Cause.CYCLIC
            due += self._settings.period_s
            if due < loop.time():
                self.statistics["scans_overrun"] += 1
                due = loop.time()
            await self._rest(wire, due - loop.time())

    async def _rest(self, wire: Wire, seconds: float) -> None:
        await asyncio.wait((wire.lost,), timeout=seconds)
        if wire.lost.done():
            raise SessionLost(wire.lost.result())

    def _must_have_brought_something(self, reads: Reads) -> None:
        if self._plan.blocks and not reads.brought_something():
            raise SessionLost("the device refused every read")

    async def _scan(self, wire: Wire, reads: Reads) -> None:
        blocks = list(reversed(reads.begin(time.monotonic())))
        while blocks:
            block = blocks.pop()
            async with self._turn:
                parts = await self._read(wire, reads, block)
            blocks.extend(reversed(parts))
        self.statistics["scans_completed"] += 1

    async def _read(self, wire: Wire, reads: Reads, block: Block) -> tuple[Block, ...]:
        """Read one block; returns the blocks to be read in its place if the device refuses it."""
        try:
            reply = await wire.ask(read_request(block))
            if not reply.exception_code:
                reads.accept(block, reply.payload)
                self._strikes = 0
                if self._complained:
                    self._complained.discard(block)
                return ()
        except TimeoutError:
            self._fail(reads, block, "replies_missed")
            return ()
        except ReplyInvalid as fault:
            log.warning(
                "modbus_reply_invalid", session=self.name, start=block.start, count=block.count, fault=str(fault)
            )
            self._fail(reads, block, "replies_invalid")
            return ()
        return self._refused(reads, block, reply.exception_code)

    def _refused(self, reads: Reads, block: Block, code: int) -> tuple[Block, ...]:
        self.statistics["exceptions_received"] += 1
        self.statistics[f"exceptions_received_{code}"] += 1
        if code in (GATEWAY_NO_PATH, GATEWAY_NO_RESPONSE):  # somebody else answers in the place of a silent device
            self._fail(reads, block, "replies_missed")
            return ()
        self._strikes = 0
        parts = reads.refuse(block, code, time.monotonic())
        if not parts and block not in self._complained:
            self._complained.add(block)
            log.warning("modbus_read_refused", session=self.name, table=block.table, start=block.start, code=code)
        return parts

    def _fail(self, reads: Reads, block: Block, statistic: str) -> None:
        reads.fail(block, Quality.COMM_LOST)
        self._strike(statistic)

    def _strike(self, statistic: str) -> None:
        self.statistics[statistic] += 1
        self._strikes += 1
        if self._strikes >= STRIKES:
            raise SessionLost(f"{self._strikes} answers in a row missing or wrong")

    def _batch(self, reads: Reads, cause: Cause) -> Batch:
        reading = decode(self._layout, reads.buffers)
        good = reading.quality == Quality.ONLINE
        self._exponents = {i: float(reading.value[i]) for i in set(self._holder_of.values()) if good[i]}
        n = self._layout.n
        self.statistics["values_received"] += n
        return Batch(
            rows=self._rows,
            value=reading.value,
            quality=reading.quality,
            source_time_ms=np.zeros(n, dtype=np.int64),
            time_quality=np.full(n, TimeQuality.NONE, dtype=np.uint8),
            received_time_ms=time.time_ns() // 1_000_000,
            cause=cause,
            texts={int(self._rows[i]): text for i, text in reading.texts.items()},
        )

    # --- writing

    async def select(self, command: Command) -> CommandResult:
        """Modbus has no select: see `Session.select`."""
        return NotSent("not connected") if self._wire is None or self._wire.lost.done() else Accepted()

    async def operate(self, command: Command) -> CommandResult:
        """Send one command and say what became of it; see `vppscada.model.sessions.Session`.

        Modbus has no select: a command in mode SBO is a plain write. A pulse is over when this returns; its end is
        sent even if the caller gives up waiting.
        """
        place = self._place_of_row.get(command.row)
        wire = self._wire
        if place is None:
            return NotSent(f"row {command.row} is no point of this session")
        if wire is None or wire.lost.done():
            return NotSent("not connected")
        point = self._points[place]
        try:
            if point.kind is PointKind.ANALOG_OUTPUT:
                return await self._writer.analog(wire, point, lambda: self._exponent_of(place), command)
            return await self._writer.binary(wire, point, command)
        except CannotEncode as fault:
            return NotSent(str(fault))

    def _exponent_of(self, place: int) -> float | None:
        holder = self._holder_of.get(place)
        return None if holder is None else self._exponents.get(holder)
