"""The journal's file: its tables, its version, how it is opened and by whom."""

import fcntl
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from vppscada.model.errors import JournalError
from vppscada.model.points import Point

FILE_NAME = "journal.db"
LOCK_NAME = "journal.lock"
SCHEMA_VERSION = 3

#: Statements that bring a file from the version of their position to the next one. Append only.
_MIGRATIONS = (
    """
    CREATE TABLE points (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE last_values (
        point INTEGER PRIMARY KEY, value REAL, quality INTEGER NOT NULL, source_time_ms INTEGER NOT NULL,
        time_quality INTEGER NOT NULL, received_time_ms INTEGER NOT NULL, text TEXT
    );
    CREATE TABLE changes (
        id INTEGER PRIMARY KEY, point INTEGER NOT NULL, value REAL, quality INTEGER NOT NULL,
        source_time_ms INTEGER NOT NULL, time_quality INTEGER NOT NULL, received_time_ms INTEGER NOT NULL,
        cause TEXT NOT NULL, text TEXT
    );
    CREATE INDEX changes_by_time ON changes (received_time_ms);
    CREATE TABLE commands (
        seq INTEGER PRIMARY KEY, id INTEGER NOT NULL, time_ms INTEGER NOT NULL, point TEXT NOT NULL,
        value REAL, origin TEXT NOT NULL, reason TEXT NOT NULL, state TEXT NOT NULL, detail TEXT NOT NULL
    );
    CREATE INDEX commands_by_id ON commands (id, seq);
    CREATE TABLE kept (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE outstation_events (
        store TEXT NOT NULL, id INTEGER NOT NULL, kind INTEGER NOT NULL, point INTEGER NOT NULL,
        event_class INTEGER NOT NULL, value REAL, quality INTEGER NOT NULL, time_ms INTEGER NOT NULL,
        time_quality INTEGER NOT NULL, PRIMARY KEY (store, id)
    ) WITHOUT ROWID;
    """,
    "ALTER TABLE outstation_events ADD COLUMN text TEXT;",
    """
    CREATE TABLE proof (
        id INTEGER PRIMARY KEY, kind TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
        written_ms INTEGER NOT NULL, content BLOB NOT NULL
    );
    CREATE INDEX proof_by_time ON proof (kind, from_ms);
    """,
)


def lock_directory(directory: Path) -> int:
    """Claim the directory for this process; the lock ends with the returned file descriptor (or the process).

    Raises:
        JournalError: another process holds it, or it cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise JournalError(f"{directory}: cannot be used for the journal: {error}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise JournalError(f"{directory}: another station is using this journal") from error
    return lock


def connect(file: Path, busy_timeout_s: float) -> sqlite3.Connection:
    """A connection that writes: WAL, and every commit on the disk before it returns.

    Raises:
        JournalError: no journal, a damaged one, or one of a newer version.
    """
    try:
        connection = sqlite3.connect(file, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False)
        try:
            _refuse_newer(connection, file)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            _migrate(connection)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise JournalError(f"{file}: {error}") from error
    return connection


def connect_reading(file: Path) -> sqlite3.Connection:
    """A connection that only reads; it never holds up the writer.

    Raises:
        JournalError: no journal there, a damaged one, or one of a newer version.
    """
    try:
        connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            _refuse_newer(connection, file)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise JournalError(f"{file}: {error}") from error
    return connection


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _refuse_newer(connection: sqlite3.Connection, file: Path) -> None:
    version = _version(connection)
    if version > SCHEMA_VERSION:
        raise JournalError(
            f"{file}: written by a newer release (schema {version}, this one reads up to {SCHEMA_VERSION});"
            " run that release, or start with another state directory"
        )


def _migrate(connection: sqlite3.Connection) -> None:
    for version in range(_version(connection), SCHEMA_VERSION):
        # One script is one transaction: a crash in between leaves the old version whole.
        connection.executescript(f"BEGIN IMMEDIATE;{_MIGRATIONS[version]}PRAGMA user_version={version + 1};COMMIT;")


def point_numbers(connection: sqlite3.Connection, points: Iterable[Point]) -> list[int]:
    """The number that stands for each point's id in the tables; new ids get theirs now.

    Raises:
        sqlite3.Error: it could not be written.
    """
    names = [point.id for point in points]
    known: dict[str, int] = dict(connection.execute("SELECT name, id FROM points"))
    missing = [(name,) for name in names if name not in known]
    if missing:
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany("INSERT INTO points (name) VALUES (?)", missing)
            connection.execute("COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        known = dict(connection.execute("SELECT name, id FROM points"))
    return [known[name] for name in names]
