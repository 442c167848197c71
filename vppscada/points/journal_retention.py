"""How much history the journal keeps, and how the rest goes: in small bites, between transactions."""

import sqlite3
from dataclasses import dataclass

_BITE_ROWS = 2_000
_MS_PER_DAY = 86_400_000
_FULL_SHARE = 0.75  # of the file's bound, from which on proof gives way: nothing else may stop for it
_PROOF_BITE = 16
_AGES = "kind IN ('book', 'plan', 'order')"  # runs and sites are few and small: they stay


@dataclass(frozen=True, slots=True)
class Retention:
    """Greatest number of rows, and greatest age of a change."""

    change_rows: int = 2_000_000
    change_days: float = 30.0
    command_rows: int = 500_000
    proof_days: float = 92.0  # pages of the books, schedules, orders


def prune(connection: sqlite3.Connection, retention: Retention, just_written: int, now_ms: int) -> int:
    """Delete at most one bite of what is beyond the retention; returns the rows deleted.

    A bite is never smaller than twice what was just written, so deleting keeps up with any inflow.

    Raises:
        sqlite3.Error: it could not be written; the caller rolls back.
    """
    bite = max(_BITE_ROWS, 2 * just_written)
    changes = _oldest_beyond(connection, "changes", retention.change_rows, bite)
    aged = _oldest_aged(connection, now_ms - round(retention.change_days * _MS_PER_DAY), bite)
    commands = _oldest_beyond(connection, "commands", retention.command_rows, bite, "seq")
    below = max(changes, aged)
    proof = _proof_beyond(connection, now_ms - round(retention.proof_days * _MS_PER_DAY))
    if not below and not commands and not proof:
        return 0
    connection.execute("BEGIN IMMEDIATE")
    deleted = connection.execute("DELETE FROM changes WHERE id < ?", (below,)).rowcount
    deleted += connection.execute("DELETE FROM commands WHERE seq < ?", (commands,)).rowcount
    deleted += connection.execute(f"DELETE FROM proof WHERE id < ? AND {_AGES}", (proof,)).rowcount if proof else 0
    connection.execute("COMMIT")
    return deleted


def _oldest_beyond(connection: sqlite3.Connection, table: str, rows: int, bite: int, key: str = "id") -> int:
    """The number below which rows are to go because there are too many; 0 = none. Keys rise without gaps."""
    # Two queries, for SQLite answers min() and max() from the index only when each stands alone.
    oldest = connection.execute(f"SELECT min({key}) FROM {table}").fetchone()[0]
    newest = connection.execute(f"SELECT max({key}) FROM {table}").fetchone()[0]
    if oldest is None:
        return 0
    excess = newest - oldest + 1 - rows
    return int(oldest + min(excess, bite)) if excess > 0 else 0


def _proof_beyond(connection: sqlite3.Connection, cutoff_ms: int) -> int:
    """The number below which pieces of proof are to go, for age or for room; 0 = none. Numbers rise with time."""
    if _is_crowded(connection):
        sql = f"SELECT max(id) FROM (SELECT id FROM proof WHERE {_AGES} ORDER BY id LIMIT {_PROOF_BITE})"
        newest = connection.execute(sql).fetchone()[0]
        return 0 if newest is None else int(newest) + 1
    oldest = connection.execute(f"SELECT id, written_ms FROM proof WHERE {_AGES} ORDER BY id LIMIT 1").fetchone()
    if oldest is None or oldest[1] >= cutoff_ms:
        return 0
    return int(oldest[0]) + 1


def _is_crowded(connection: sqlite3.Connection) -> bool:
    """True if the file is near its bound, what was freed in it not counted."""
    pages, free, most = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "max_page_count")
    )
    return bool(pages - free > _FULL_SHARE * most)


def _oldest_aged(connection: sqlite3.Connection, cutoff_ms: int, bite: int) -> int:
    """The number below which changes are to go because they are too old; 0 = none."""
    oldest = connection.execute("SELECT id, received_time_ms FROM changes ORDER BY id LIMIT 1").fetchone()
    if oldest is None or oldest[1] >= cutoff_ms:
        return 0
    first_kept = connection.execute(
        """SELECT min(id) FROM (SELECT id, received_time_ms FROM changes ORDER BY id LIMIT ?)
        WHERE received_time_ms >= ?""",
        (bite, cutoff_ms),
    ).fetchone()[0]
    return int(oldest[0] + bite if first_kept is None else first_kept)
