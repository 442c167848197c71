"""A Modbus client's session: scans its points in planned reads, writes between them, trusts no answer unchecked."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

import numpy as np
import structlog

from protocols.modbus.agenda import Turn, begin_turn, next_turn, rest_s
from protocols.modbus.codec import CannotEncode, decode
from protocols.modbus.groups import Group, groups_of, holder_of
from protocols.modbus.plan import Block
from protocols.modbus.replies import GATEWAY_NO_PATH, GATEWAY_NO_RESPONSE, ReplyInvalid
from protocols.modbus.scan import Reads
from protocols.modbus.settings import ModbusSessionSettings
from protocols.modbus.wire import Wire
from protocols.modbus.writer import Writer
from vppscada.model.batch import Batch, Cause
from vppscada.model.commands import Accepted, Command, CommandResult, NotSent
from vppscada.model.points import PointKind, RowPoint
from vppscada.model.quality import Quality
from vppscada.model.sessions import SessionListener, SessionLost

log = structlog.get_logger()

#: Answers in a row that may be missing or wrong before the connection counts as lost.
STRIKES = 2


class _Scan:
    """A scan class of one connection: what is read of it, and when."""

    def __init__(self, group: Group, now: float) -> None:
        self.group = group
        self.turn = Turn(group.scan_class, now)
        self.reads = Reads(group.plan)
        self.pending: list[Block] = []  # the next one last
        self.cause = Cause.INTEGRITY


class ModbusSession:
    """One device. Values are device units: the raw value times its scale factor, if it has one."""

    def __init__(self, name: str, settings: ModbusSessionSettings, points: Sequence[RowPoint]) -> None:
        """Plan the reads of all enabled points.

        Raises:
            ValueError: see `protocols.modbus.groups.groups_of`.
        """
        self.name = name
        self.statistics: Counter[str] = Counter()
        self._settings = settings
        enabled = [row_point for row_point in points if row_point.point.enabled]
        self._point_of_row = {row_point.row: row_point.point for row_point in enabled}
        self._groups = groups_of(enabled, settings)
        holders = {holder_of(row_point.point) for row_point in enabled}
        self._holders = tuple(
            tuple((i, point.id) for i, point in enumerate(group.points) if point.id in holders)
            for group in self._groups
        )
        self._wire: Wire | None = None
        self._exponents: dict[str, float] = {}  # ids of scale factor points → their value now
        self._strikes = 0
        self._most_strikes = STRIKES
        self._complained: set[Block] = set()  # reads whose refusal was told once
        self._writer = Writer(name, settings, self.statistics)

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
            with np.errstate(invalid="ignore"):  # a signalling NaN is bad quality, not a warning
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
        loop = asyncio.get_running_loop()
        scans = [_Scan(group, loop.time()) for group in self._groups]
        turns = [scan.turn for scan in scans]
        # of those who share a line a silent one gives it up at once: its next try costs the others one timeout
        self._most_strikes = 1 if self._settings.medium.is_shared else STRIKES
        started = False
        while True:
            now = loop.time()
            at = next_turn(turns, now)
            if at is None:
                await self._rest(wire, rest_s(turns, now))
                continue
            if not turns[at].under_way:
                begin_turn(turns, at, now)
                scans[at].pending = list(reversed(scans[at].reads.begin(time.monotonic())))
            if not await self._step(wire, scans[at]):
                continue
            self._tell(at, scans[at], listener)
            if turns[at].finish(loop.time()):
                self.statistics["scans_overrun"] += 1
            if not started and all(scan.cause is Cause.CYCLIC for scan in scans):
                self._must_have_brought_something(scans)
                self._most_strikes = STRIKES
                listener.on_started()
                started = True

    async def _rest(self, wire: Wire, seconds: float) -> None:
        await asyncio.wait((wire.lost,), timeout=seconds)
        if wire.lost.done():
            raise SessionLost(wire.lost.result())

    def _must_have_brought_something(self, scans: Sequence[_Scan]) -> None:
        if any(scan.group.plan.blocks for scan in scans) and not any(scan.reads.brought_something() for scan in scans):
            raise SessionLost("the device refused every read")

    async def _step(self, wire: Wire, scan: _Scan) -> bool:
        """Read one block of a scan that is under way. True if the scan is complete."""
        if scan.pending:
            block = scan.pending.pop()
            async with wire.turn:
                parts = await self._read(wire, scan.reads, block)
            scan.pending.extend(reversed(parts))
        if scan.pending:
            return False
        scan.reads.complete()
        self.statistics["scans_completed"] += 1
        return True

    def _tell(self, at: int, scan: _Scan, listener: SessionListener) -> None:
        batch = self._batch(at, scan)
        if len(batch):
            listener.on_batch(batch)
        scan.cause = Cause.CYCLIC

    async def _read(self, wire: Wire, reads: Reads, block: Block) -> tuple[Block, ...]:
        """Read one block; returns the blocks to be read in its place if the device refuses it."""
        try:
            reply = await wire.ask(block.request)
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
        self.statistics[statistic] += 1
        self._strikes += 1
        if self._strikes >= self._most_strikes:
            raise SessionLost(f"{self._strikes} answers in a row missing or wrong")

    def _batch(self, at: int, scan: _Scan) -> Batch:
        group = scan.group
        reading = decode(group.layout, scan.reads.buffers, scan.reads.faulty)
        for i, holder in self._holders[at]:  # for commands that are scaled by them
            if reading.quality[i] == Quality.ONLINE:
                self._exponents[holder] = float(reading.value[i])
            else:
                self._exponents.pop(holder, None)
        n = len(group.rows)
        self.statistics["values_received"] += n
        return Batch(
            rows=group.rows,
            value=reading.value if n == len(reading.value) else reading.value[:n],
            quality=reading.quality if n == len(reading.value) else reading.quality[:n],
            source_time_ms=group.no_times,
            time_quality=group.no_time_quality,
            received_time_ms=time.time_ns() // 1_000_000,
            cause=scan.cause,
            texts={int(group.rows[i]): text for i, text in reading.texts.items() if i < n} if reading.texts else {},
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
        point = self._point_of_row.get(command.row)
        wire = self._wire
        if point is None:
            return NotSent(f"row {command.row} is no point of this session")
        if wire is None or wire.lost.done():
            return NotSent("not connected")
        try:
            if point.kind is PointKind.ANALOG_OUTPUT:
                return await self._writer.analog(wire, point, lambda: self._exponents.get(holder_of(point)), command)
            return await self._writer.binary(wire, point, command)
        except CannotEncode as fault:
            return NotSent(str(fault))
