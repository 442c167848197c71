"""What the station keeps to prove later what it did."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from vppscada.points.journal import Journal, JournalLimits, JournalReader, Retention
from vppscada.points.journal_proof import Proof

DAY_MS = 86_400_000


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(tmp_path, JournalLimits(retention=Retention(proof_days=2.0)), lambda: 100 * DAY_MS)
    yield opened
    opened.close()


async def test_a_piece_is_found_by_the_time_it_touches_and_the_later_one_stands(journal: Journal) -> None:
    first, second = journal.next_proof_id(), journal.next_proof_id()
    now = 100 * DAY_MS
    await journal.keep({"a": "1"}, [Proof(first, "book", 10, 20, now, b"x"), Proof(second, "book", 20, 20, now, b"y")])
    await journal.keep({}, [Proof(first, "book", 10, 25, now, b"z")])
    reader = JournalReader(journal.directory)
    assert [one.content for one in reader.proof("book", 0, 100)] == [b"z", b"y"]
    assert [one.content for one in reader.proof("book", 20, 21)] == [b"z", b"y"]
    assert [one.content for one in reader.proof("book", 25, 100)] == []
    assert reader.proof("plan", 0, 100) == [] and reader.newest_proof("plan") is None
    assert reader.newest_proof("book") == 20 and journal.get("a") == "1"


async def test_numbers_go_on_after_a_restart(journal: Journal) -> None:
    number = journal.next_proof_id()
    await journal.keep({}, [Proof(number, "run", 0, 1, 0, b"")])
    journal.close()
    again = Journal.open(journal.directory)
    assert again.next_proof_id() == number + 1
    again.close()


async def test_old_books_go_and_runs_stay(journal: Journal) -> None:
    old, new = 97 * DAY_MS, 99 * DAY_MS
    for kind, written in (("run", old), ("book", old), ("plan", old), ("book", new)):
        await journal.keep({}, [Proof(journal.next_proof_id(), kind, 0, 1, written, b"")])
    for _ in range(5):
        await journal.put("k", "v")
    reader = JournalReader(journal.directory)
    assert [one.written_ms for one in reader.proof("book", 0, 1)] == [new]
    assert reader.proof("plan", 0, 1) == [] and len(reader.proof("run", 0, 1)) == 1


async def test_the_journals_own_keys_are_not_taken(journal: Journal) -> None:
    with pytest.raises(ValueError, match="journal's own"):
        await journal.keep({"journal.command_id": "7"})


async def test_proof_gives_way_before_the_journal_is_full(tmp_path: Path) -> None:
    small = Journal.open(tmp_path / "small", JournalLimits(file_mb=2.0))
    page, now = bytes(range(256)) * 200, time.time_ns() // 1_000_000
    try:
        for number in range(200):  # five times what the file may hold
            one = Proof(small.next_proof_id(), "book", number, number + 1, now, page)
            await small.keep({"n": str(number)}, [one])
        assert small.healthy
        kept = [one.from_ms for one in JournalReader(small.directory).proof("book", 0, 1_000)]
        assert kept == list(range(kept[0], 200)) and len(kept) >= 10
    finally:
        small.close()
