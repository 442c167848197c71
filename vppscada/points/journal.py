"""The durable journal: last values, the sequence of events, commands, an EMS's events, and what the station keeps.

SQLite in WAL with ``synchronous=FULL``; one thread writes, and what it has said is on disk is on disk.
"""

import asyncio
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import structlog

from vppscada.model.changes import ChangeSet, LastValues
from vppscada.model.commands import CommandRecord
from vppscada.model.errors import JournalError
from vppscada.model.outstations import EventStore
from vppscada.model.points import Point
from vppscada.points.journal_events import JournalEventStore
from vppscada.points.journal_proof import PUT_PROOF, Proof, newest_proof_id
from vppscada.points.journal_queries import History, JournalReader
from vppscada.points.journal_retention import Retention
from vppscada.points.journal_schema import FILE_NAME, connect, lock_directory, point_numbers
from vppscada.points.journal_writer import Writer

__all__ = ["History", "Journal", "JournalError", "JournalLimits", "JournalReader", "Retention"]

_log = structlog.get_logger()

_PUT = "INSERT OR REPLACE INTO kept VALUES (?, ?)"
_RECORD = """INSERT INTO commands (id, time_ms, point, value, origin, reason, state, detail)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
_LAST = "SELECT point, value, quality, source_time_ms, time_quality, received_time_ms, text FROM last_values"
_OWN = "journal."  # prefix of the keys that are the journal's own
_COMMAND_ID = f"{_OWN}command_id"
_IDS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class JournalLimits:
    """How much the journal may hold, in the file and in memory."""

    retention: Retention = field(default_factory=Retention)
    pending_rows: int = 200_000  # history rows that may wait for the disk
    file_mb: float = 8_192.0  # beyond it writing fails as on a full disk
    linger_s: float = 0.2  # how long changes may gather while nobody waits for them
    busy_timeout_s: float = 5.0


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class Journal:
    """One state directory, held by one process. Its calls belong to the event loop's thread."""

    def __init__(
        self,
        directory: Path,
        lock: int,
        connection: sqlite3.Connection,
        limits: JournalLimits,
        now_ms: Callable[[], int],
    ) -> None:
        self._file = directory / FILE_NAME
        self._lock = lock
        self._connection = connection
        self._reader = JournalReader(directory)
        self._now_ms = now_ms
        self._writer = Writer(connection, limits.retention, limits.pending_rows, limits.linger_s, now_ms)
        self._kept: dict[str, str] = dict(connection.execute("SELECT key, value FROM kept"))
        self._next_id = int(self._kept.get(_COMMAND_ID, "1"))
        self._ids_durable = self._next_id
        self._proof_id = newest_proof_id(connection)
        self._asking: set[asyncio.Task[None]] = set()
        self._closed = False

    @classmethod
    def open(
        cls, directory: Path, limits: JournalLimits | None = None, now_ms: Callable[[], int] = _wall_ms
    ) -> "Journal":
        """Open or create the journal in a directory and start its thread. Blocks.

        Commands that were issued when the last process ended get the state ``unanswered``: nobody knows.

        Raises:
            JournalError: in use by another process, damaged, of a newer version, or not writable.
        """
        limits = limits or JournalLimits()
        lock = lock_directory(directory)
        try:
            connection = connect(directory / FILE_NAME, limits.busy_timeout_s)
            try:
                return cls._start(directory, lock, connection, limits, now_ms)
            except BaseException:
                connection.close()
                raise
        except sqlite3.Error as error:
            os.close(lock)
            raise JournalError(f"{directory / FILE_NAME}: {error}") from error
        except BaseException:
            os.close(lock)
            raise

    @classmethod
    def _start(
        cls,
        directory: Path,
        lock: int,
        connection: sqlite3.Connection,
        limits: JournalLimits,
        now_ms: Callable[[], int],
    ) -> "Journal":
        page_bytes = connection.execute("PRAGMA page_size").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={max(round(limits.file_mb * 1e6 / page_bytes), 1)}")
        journal = cls(directory, lock, connection, limits, now_ms)
        journal._settle_unfinished()
        journal._reserve_ids_now()
        journal._writer.start()
        return journal

    def close(self) -> None:
        """Write what waits and let go of the directory. Blocks; calls after it raise JournalError."""
        if self._closed:
            return
        self._closed = True
        self._writer.close()
        os.close(self._lock)

    @property
    def directory(self) -> Path:
        """The state directory."""
        return self._file.parent

    @property
    def healthy(self) -> bool:
        """True while what is noted reaches the disk."""
        return not self._closed and self._writer.healthy

    @property
    def statistics(self) -> Counter[str]:
        """Counts since it was opened."""
        return self._writer.statistics

    # readings

    def last_values(self, points: Sequence[Point]) -> LastValues:
        """The last values on disk of those points, and what rows mean in `note` from here on. Blocks.

        Raises:
            JournalError: the journal cannot be read or written.
        """
        numbers = self.numbers(points)
        try:
            with closing(connect(self._file, 5.0)) as connection:
                stored = connection.execute(_LAST).fetchall()
        except sqlite3.Error as error:
            raise JournalError(f"{self._file}: {error}") from error
        self.bind(points, numbers)
        row_of = {number: row for row, number in enumerate(numbers)}
        known = [(row_of[one[0]], *one[1:]) for one in stored if one[0] in row_of]
        columns = list(zip(*known, strict=True)) if known else [()] * 7
        return LastValues(
            rows=np.array(columns[0], dtype=np.intp),
            value=np.array(columns[1], dtype=np.float64),  # NULL is read as NaN
            quality=np.array(columns[2], dtype=np.uint16),
            source_time_ms=np.array(columns[3], dtype=np.int64),
            time_quality=np.array(columns[4], dtype=np.uint8),
            received_time_ms=np.array(columns[5], dtype=np.int64),
            texts={row: text for row, text in zip(columns[0], columns[6], strict=True) if text is not None},
        )

    def numbers(self, points: Sequence[Point]) -> list[int]:
        """The numbers by which those points stand on disk; new ones get theirs now. Blocks; any thread may call it.

        Raises:
            JournalError: the journal cannot be read or written.
        """
        try:
            with closing(connect(self._file, 5.0)) as connection:
                return point_numbers(connection, points)
        except sqlite3.Error as error:
            raise JournalError(f"{self._file}: {error}") from error

    def bind(self, points: Sequence[Point], numbers: Sequence[int]) -> None:
        """Say what rows mean in `note` from here on: the points, with what `numbers` gave for them."""
        self._writer.bind(points, numbers)

    def note(self, changes: ChangeSet) -> None:
        """Take changes and return at once; `last_values` must have been called with their points before."""
        self._writer.note(changes)

    async def settled(self) -> None:
        """Return when everything noted so far is on disk.

        Raises:
            JournalError: it is not. Nothing noted may be acknowledged to anybody.
        """
        await self._writer.settled()

    async def changes(
        self, since_ms: int, until_ms: int, points: Sequence[str] | None = None, limit: int = 1000
    ) -> History:
        """See `JournalReader.changes`; does not block the loop."""
        return await asyncio.to_thread(self._reader.changes, since_ms, until_ms, points, limit)

    # commands

    def next_command_id(self) -> int:
        """A number that no command had before, in this process or any earlier one.

        Raises:
            JournalError: numbers ran out because the journal cannot be written.
        """
        if self._ids_durable - self._next_id <= _IDS_AT_ONCE // 2 and not self._asking:
            task = asyncio.get_running_loop().create_task(self._reserve_ids())
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        if self._next_id >= self._ids_durable:
            raise JournalError("no command numbers: the journal cannot be written")
        number, self._next_id = self._next_id, self._next_id + 1
        return number

    async def record(self, record: CommandRecord) -> None:
        """Return when the state of a command is on disk.

        Raises:
            JournalError: it is not: then the command must not go out.
        """
        await self._writer.execute((_RECORD, [_columns(record)]))

    async def commands(self, limit: int = 100) -> list[CommandRecord]:
        """See `JournalReader.commands`; does not block the loop."""
        return await asyncio.to_thread(self._reader.commands, limit)

    def _settle_unfinished(self) -> None:
        unfinished = self._reader.unfinished_commands()
        detail = "the station stopped before an answer came"
        rows = [
            _columns(CommandRecord(c.id, self._now_ms(), c.point, c.value, c.origin, c.reason, "unanswered", detail))
            for c in unfinished
        ]
        if rows:
            _log.warning("commands_unfinished", count=len(rows))
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(_RECORD, rows)
            self._connection.execute("COMMIT")

    def _reserve_ids_now(self) -> None:
        end = self._next_id + _IDS_AT_ONCE
        self._connection.execute(_PUT, (_COMMAND_ID, str(end)))
        self._ids_durable = end

    async def _reserve_ids(self) -> None:
        end = self._ids_durable + _IDS_AT_ONCE
        try:
            await self._writer.execute((_PUT, [(_COMMAND_ID, str(end))]))
        except JournalError as error:
            _log.error("command_ids_not_reserved", error=str(error))
        else:
            self._ids_durable = end

    # what outstations and the station keep

    def event_store(self, name: str) -> EventStore:
        """The store of one outstation's unconfirmed events; the name is its identity over restarts."""
        return JournalEventStore(name, self._file, self._writer)

    async def put(self, key: str, value: str) -> None:
        """Keep a text under a key; return when it is on disk.

        Raises:
            JournalError: it is not; the old one stands.
            ValueError: the key is one of the journal's own.
        """
        await self.keep({key: value})

    async def keep(self, texts: Mapping[str, str], proof: Sequence[Proof] = ()) -> None:
        """Keep texts and pieces of proof: all of them, or, on error, none. Return when they are on disk.

        Raises:
            JournalError: they are not; the old ones stand.
            ValueError: a key is one of the journal's own.
        """
        if any(key.startswith(_OWN) for key in texts):
            raise ValueError(f"keys that begin with {_OWN!r} are the journal's own")
        pieces = [one.columns() for one in proof]
        await self._writer.execute((_PUT, list(texts.items())), (PUT_PROOF, pieces))
        self._kept.update(texts)

    def next_proof_id(self) -> int:
        """A number for a new piece of proof."""
        self._proof_id += 1
        return self._proof_id

    def get(self, key: str) -> str | None:
        """What was put last under a key and is on disk."""
        return self._kept.get(key)


def _columns(record: CommandRecord) -> tuple[object, ...]:
    return (
        record.id,
        record.time_ms,
        record.point,
        record.value,
        str(record.origin),
        record.reason,
        record.state,
        record.detail,
    )
