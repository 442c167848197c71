"""Questions to the journal. A reader of its own: it never holds up the writer, and may be another process."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from vppscada.model.batch import TimeQualityColumn, TimesMs, Values
from vppscada.model.commands import CommandRecord, Origin
from vppscada.model.errors import JournalError
from vppscada.model.quality import QualityColumn
from vppscada.points.journal_proof import Proof, select_proof
from vppscada.points.journal_schema import FILE_NAME, connect_reading

_COMMAND = "id, time_ms, point, value, origin, reason, state, detail"
_MOST_ROWS = 1_000_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Changes from the sequence of events in columns of equal length, newest first. Engineering units."""

    point: list[str]
    value: Values
    quality: QualityColumn
    source_time_ms: TimesMs
    time_quality: TimeQualityColumn
    received_time_ms: TimesMs
    cause: list[str]
    text: list[str | None]

    def __len__(self) -> int:
        return len(self.point)


class JournalReader:
    """Reads the journal in a state directory, running or not. Each question opens and closes its connection."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / FILE_NAME

    def changes(self, since_ms: int, until_ms: int, points: Sequence[str] | None = None, limit: int = 1000) -> History:
        """The newest ``limit`` changes received at or after ``since_ms`` and before ``until_ms`` (UTC).

        Raises:
            JournalError: the journal cannot be read.
        """
        most = min(limit, _MOST_ROWS)
        rows = self._fetch(lambda connection: _select_changes(connection, since_ms, until_ms, points, most))
        return _history(rows)

    def before(self, moment_ms: int, points: Sequence[str]) -> History:
        """The newest change of each of the points that was received before a moment, in no order.

        Raises:
            JournalError: the journal cannot be read.
        """
        return _history(self._fetch(lambda connection: _select_before(connection, moment_ms, points)))

    def command_states(self, since_ms: int, until_ms: int) -> list[CommandRecord]:
        """Every state of every command of which any state is of that time; by command, each in order.

        Raises:
            JournalError: the journal cannot be read.
        """
        sql = f"""SELECT {_COMMAND} FROM commands WHERE id IN
            (SELECT id FROM commands WHERE time_ms >= ? AND time_ms < ?) ORDER BY id, seq"""
        return self._commands(sql, since_ms, until_ms)

    def commands(self, limit: int = 100) -> list[CommandRecord]:
        """The newest commands, newest first, each in its latest state.

        Raises:
            JournalError: the journal cannot be read.
        """
        sql = f"""SELECT {_COMMAND} FROM commands WHERE seq IN
            (SELECT max(seq) FROM commands GROUP BY id ORDER BY id DESC LIMIT ?) ORDER BY id DESC"""
        return self._commands(sql, min(limit, _MOST_ROWS))

    def command_history(self, command_id: int) -> list[CommandRecord]:
        """Every state that one command went through, in order.

        Raises:
            JournalError: the journal cannot be read.
        """
        return self._commands(f"SELECT {_COMMAND} FROM commands WHERE id = ? ORDER BY seq", command_id)

    def unfinished_commands(self) -> list[CommandRecord]:
        """Commands that were issued and of which no result was written.

        Raises:
            JournalError: the journal cannot be read.
        """
        sql = f"""SELECT {_COMMAND} FROM commands AS one WHERE state = 'issued'
            AND NOT EXISTS (SELECT 1 FROM commands WHERE id = one.id AND seq > one.seq) AND ? ORDER BY id"""
        return self._commands(sql, 1)

    def proof(self, kind: str, since_ms: int, until_ms: int) -> list[Proof]:
        """What was kept of a kind that touches a time, on its kind's own clock, oldest first.

        Raises:
            JournalError: the journal cannot be read, or no release that keeps proof has written it.
        """
        return self._fetch(lambda connection: select_proof(connection, kind, since_ms, until_ms))

    def newest_proof(self, kind: str) -> int | None:
        """When the newest of a kind begins, on its kind's own clock; None without any.

        Raises:
            JournalError: the journal cannot be read, or no release that keeps proof has written it.
        """
        sql = "SELECT max(from_ms) FROM proof WHERE kind = ?"
        newest: int | None = self._fetch(lambda connection: connection.execute(sql, (kind,)).fetchone()[0])
        return newest

    def _commands(self, sql: str, *parameters: int) -> list[CommandRecord]:
        rows = self._fetch(lambda connection: connection.execute(sql, parameters).fetchall())
        return [
            CommandRecord(
                number, time_ms, point, float("nan") if value is None else value, Origin(origin), reason, state, detail
            )
            for number, time_ms, point, value, origin, reason, state, detail in rows
        ]

    def _fetch(self, question: Callable[[sqlite3.Connection], T]) -> T:
        try:
            with closing(connect_reading(self._file)) as connection:
                return question(connection)
        except sqlite3.Error as error:
            raise JournalError(f"{self._file}: {error}") from error


def _history(rows: Sequence[tuple[Any, ...]]) -> History:
    columns = list(zip(*rows, strict=True)) if rows else [()] * 8
    return History(
        point=list(columns[0]),
        value=np.array(columns[1], dtype=np.float64),
        quality=np.array(columns[2], dtype=np.uint16),
        source_time_ms=np.array(columns[3], dtype=np.int64),
        time_quality=np.array(columns[4], dtype=np.uint8),
        received_time_ms=np.array(columns[5], dtype=np.int64),
        cause=list(columns[6]),
        text=list(columns[7]),
    )


def _want(connection: sqlite3.Connection, names: dict[int, str], points: Sequence[str]) -> None:
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute("CREATE TEMP TABLE wanted (id INTEGER PRIMARY KEY)")
    chosen = set(points)
    connection.executemany("INSERT INTO wanted VALUES (?)", [(i,) for i, n in names.items() if n in chosen])


def _select_before(connection: sqlite3.Connection, moment_ms: int, points: Sequence[str]) -> list[tuple[Any, ...]]:
    names = dict(connection.execute("SELECT id, name FROM points"))
    _want(connection, names, points)
    rows = connection.execute(
        """SELECT point, value, quality, source_time_ms, time_quality, received_time_ms, cause, text FROM changes
        WHERE id IN (SELECT max(id) FROM changes WHERE received_time_ms < ? AND point IN (SELECT id FROM wanted)
        GROUP BY point)""",
        (moment_ms,),
    )
    return [(names[row[0]], *row[1:]) for row in rows]


def _select_changes(
    connection: sqlite3.Connection, since_ms: int, until_ms: int, points: Sequence[str] | None, limit: int
) -> list[tuple[Any, ...]]:
    names = dict(connection.execute("SELECT id, name FROM points"))
    wanted = "" if points is None else "AND point IN (SELECT id FROM wanted)"
    if points is not None:
        _want(connection, names, points)
    rows = connection.execute(
        f"""SELECT point, value, quality, source_time_ms, time_quality, received_time_ms, cause, text FROM changes
        WHERE received_time_ms >= ? AND received_time_ms < ? {wanted} ORDER BY received_time_ms DESC, id DESC
        LIMIT ?""",
        (since_ms, until_ms, limit),
    )
    return [(names[row[0]], *row[1:]) for row in rows]
