"""What the station keeps to prove later what it did: pages of the books, schedules, its runs, its sites."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

PUT_PROOF = "INSERT OR REPLACE INTO proof VALUES (?, ?, ?, ?, ?, ?)"
_COLUMNS = "id, kind, from_ms, to_ms, written_ms, content"


@dataclass(frozen=True, slots=True)
class Proof:
    """One piece, from and to a time of its kind's own clock. A later one with the same id takes its place."""

    id: int
    kind: str
    from_ms: int
    to_ms: int
    written_ms: int  # wall clock, UTC; retention goes by it
    content: bytes

    def columns(self) -> tuple[object, ...]:
        """As the table has them."""
        return self.id, self.kind, self.from_ms, self.to_ms, self.written_ms, self.content


def select_proof(connection: sqlite3.Connection, kind: str, since_ms: int, until_ms: int) -> list[Proof]:
    """Those of a kind that touch a time, oldest first; one without length counts where it lies.

    Raises:
        sqlite3.Error: it cannot be read.
    """
    rows: Sequence[Any] = connection.execute(
        f"""SELECT {_COLUMNS} FROM proof WHERE kind = ? AND from_ms < ? AND (to_ms > ? OR from_ms >= ?)
        ORDER BY from_ms, id""",
        (kind, until_ms, since_ms, since_ms),
    ).fetchall()
    return [Proof(*row) for row in rows]


def newest_proof_id(connection: sqlite3.Connection) -> int:
    """The greatest id so far, 0 before the first.

    Raises:
        sqlite3.Error: it cannot be read.
    """
    newest = connection.execute("SELECT max(id) FROM proof").fetchone()[0]
    return 0 if newest is None else int(newest)
