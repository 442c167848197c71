"""The journal on a real disk: what comes back, what is refused, what is told when writing fails."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.unit.points.build import analog, batch
from vppscada.model.batch import Cause
from vppscada.model.changes import ChangeSet
from vppscada.model.commands import CommandRecord, Origin
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import Quality, TimeQuality
from vppscada.points.database import Database
from vppscada.points.journal import Journal, JournalError, JournalLimits, JournalReader, Retention
from vppscada.points.journal_schema import FILE_NAME

NAN = float("nan")
POINTS = [analog("p"), analog("q", event_class=1), Point("a.maker", PointKind.STRING)]
FAR_MS = 2**60
NOW_MS = 10_000


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(tmp_path, now_ms=lambda: NOW_MS)
    opened.last_values(POINTS)
    yield opened
    opened.close()


def changes_of(*batches: object, points: list[Point] = POINTS) -> list[ChangeSet]:
    database = Database(points)
    return [database.apply(one) for one in batches]  # type: ignore[arg-type]


def is_healthy(journal: Journal) -> bool:
    return journal.healthy


def record(number: int, state: str = "issued") -> CommandRecord:
    return CommandRecord(number, 1_000, "a.setpoint", 2.5, Origin.SCHEDULER, "dispatch", state)


async def test_last_values_come_back_by_point_id_when_rows_have_moved(journal: Journal, tmp_path: Path) -> None:
    for changes in changes_of(
        batch([0, 2], [1.5, NAN], texts={2: "Acme"}, received_ms=5_000),
        batch([1], [7.0], cause=Cause.EVENT, times=[4_000], received_ms=6_000),
    ):
        journal.note(changes)
    await journal.settled()
    journal.close()
    again = Journal.open(tmp_path)
    last = again.last_values([analog("new"), POINTS[2], POINTS[1], POINTS[0]])
    again.close()
    order = np.argsort(last.rows)
    assert last.rows[order].tolist() == [1, 2, 3]
    assert last.value[order].tolist()[1:] == [7.0, 1.5]
    assert np.isnan(last.value[order][0])
    assert last.source_time_ms[order].tolist() == [0, 4_000, 0]
    assert last.received_time_ms[order].tolist() == [5_000, 6_000, 5_000]
    assert last.time_quality[order].tolist() == [TimeQuality.NONE, TimeQuality.SYNCHRONISED, TimeQuality.NONE]
    assert last.texts == {1: "Acme"}


async def test_closing_writes_what_nobody_waited_for(journal: Journal, tmp_path: Path) -> None:
    journal.note(changes_of(batch([0], [1.5]))[0])
    journal.close()
    again = Journal.open(tmp_path)
    assert again.last_values(POINTS).value.tolist() == [1.5]
    again.close()


async def test_a_note_reaches_the_disk_though_nobody_waits(journal: Journal, tmp_path: Path) -> None:
    journal.note(changes_of(batch([1], [3.0]))[0])
    reader = JournalReader(tmp_path)
    deadline = time.monotonic() + 20.0
    while time.monotonic() < deadline and not len(reader.changes(0, FAR_MS)):
        time.sleep(0.02)  # noqa: ASYNC251 - the thread must come by itself, without the loop
    assert reader.changes(0, FAR_MS).value.tolist() == [3.0]


async def test_waiters_of_one_moment_share_a_commit(journal: Journal) -> None:
    before = journal.statistics["transactions_committed"]
    journal.note(changes_of(batch([0], [1.0]))[0])
    await asyncio.gather(*(journal.settled() for _ in range(200)))
    assert journal.statistics["transactions_committed"] - before <= 2
    await journal.settled()
    assert journal.statistics["transactions_committed"] - before <= 2


async def test_changes_are_found_by_time_and_point_newest_first(journal: Journal) -> None:
    for changes in changes_of(
        batch([0, 1], [1.0, 2.0], cause=Cause.EVENT, received_ms=1_000, times=[990, 991]),
        batch([1], [3.0], received_ms=2_000),
        batch([0], [4.0], cause=Cause.UNSOLICITED, received_ms=3_000, quality=Quality.RESTART),
    ):
        journal.note(changes)
    await journal.settled()
    found = await journal.changes(0, FAR_MS)
    assert found.point == ["a.p", "a.q", "a.q", "a.p"]
    assert found.value.tolist() == [4.0, 3.0, 2.0, 1.0]
    assert found.cause == ["unsolicited", "cyclic", "event", "event"]
    assert found.quality[0] == Quality.RESTART
    assert found.source_time_ms.tolist() == [0, 0, 991, 990]
    assert (await journal.changes(1_000, 3_000)).value.tolist() == [3.0, 2.0, 1.0]
    assert (await journal.changes(0, FAR_MS, ["a.p"])).value.tolist() == [4.0, 1.0]
    assert (await journal.changes(0, FAR_MS, ["nowhere.p"])).value.tolist() == []
    assert (await journal.changes(0, FAR_MS, limit=1)).value.tolist() == [4.0]


async def test_a_command_is_listed_in_its_latest_state_and_keeps_its_history(journal: Journal, tmp_path: Path) -> None:
    await journal.record(record(1))
    await journal.record(record(2))
    await journal.record(record(1, "accepted"))
    assert [(one.id, one.state) for one in await journal.commands()] == [(2, "issued"), (1, "accepted")]
    assert await journal.commands(1) == [record(2)]
    assert [one.state for one in JournalReader(tmp_path).command_history(1)] == ["issued", "accepted"]


async def test_a_command_without_result_is_unanswered_after_a_restart(journal: Journal, tmp_path: Path) -> None:
    for one in (record(1), record(2), record(2, "accepted")):
        await journal.record(one)
    journal.close()
    again = Journal.open(tmp_path)
    assert {one.id: one.state for one in await again.commands()} == {1: "unanswered", 2: "accepted"}
    again.close()


async def test_command_numbers_never_repeat_over_restarts(journal: Journal, tmp_path: Path) -> None:
    given = [journal.next_command_id() for _ in range(3)]
    journal.close()
    again = Journal.open(tmp_path)
    for turn in range(2_500):
        given.append(again.next_command_id())
        if turn % 100 == 0:
            await again.put("turn", str(turn))
    again.close()
    assert len(set(given)) == len(given)
    assert given == sorted(given)


async def test_numbers_given_out_faster_than_the_disk_are_not_given_again(journal: Journal, tmp_path: Path) -> None:
    given = [journal.next_command_id() for _ in range(600)]
    await journal.put("wait", "for the reservation")
    await journal.put("wait", "for the reservation")
    with pytest.raises(JournalError, match="numbers"):
        while True:
            given.append(journal.next_command_id())  # nothing can be written meanwhile
    journal.close()
    again = Journal.open(tmp_path)
    assert again.next_command_id() > max(given)
    assert len(given) > 1_000
    again.close()


async def test_command_numbers_run_out_rather_than_repeat_when_the_journal_cannot_write(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, JournalLimits(busy_timeout_s=0.01))
    blocker = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")

    async def ask_forever() -> None:
        while True:
            journal.next_command_id()
            await asyncio.sleep(0)

    with pytest.raises(JournalError, match="numbers"):
        await ask_forever()
    blocker.execute("ROLLBACK")
    blocker.close()
    number = 0
    for _ in range(1_000):
        with contextlib.suppress(JournalError):
            number = journal.next_command_id()
            break
        await asyncio.sleep(0.01)
    assert number > 1_000
    journal.close()


async def test_kept_texts_come_back(journal: Journal, tmp_path: Path) -> None:
    assert journal.get("orders") is None
    await journal.put("orders", "one")
    await journal.put("orders", "two")
    assert journal.get("orders") == "two"
    journal.close()
    again = Journal.open(tmp_path)
    assert again.get("orders") == "two"
    again.close()


async def test_the_journals_own_keys_cannot_be_put(journal: Journal) -> None:
    with pytest.raises(ValueError, match="own"):
        await journal.put("journal.command_id", "1")


def test_a_journal_of_a_newer_version_is_refused_with_both_versions(tmp_path: Path) -> None:
    Journal.open(tmp_path).close()
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("PRAGMA user_version=77")
    connection.commit()
    connection.close()
    with pytest.raises(JournalError, match=r"newer release \(schema 77"):
        Journal.open(tmp_path)
    with pytest.raises(JournalError, match=r"newer release \(schema 77"):
        JournalReader(tmp_path).commands()


def test_a_second_station_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    first = Journal.open(tmp_path)
    with pytest.raises(JournalError, match="another station"):
        Journal.open(tmp_path)
    first.close()
    Journal.open(tmp_path).close()


def test_a_file_that_is_no_journal_is_refused_and_the_directory_let_go(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database " * 1_000)
    with pytest.raises(JournalError, match=FILE_NAME):
        Journal.open(tmp_path)
    (tmp_path / FILE_NAME).unlink()
    Journal.open(tmp_path).close()


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(JournalError, match="cannot be used"):
        Journal.open(tmp_path / "file" / "state")


async def test_after_closing_everything_is_refused(journal: Journal) -> None:
    journal.close()
    assert not is_healthy(journal)
    journal.note(changes_of(batch([0], [1.0]))[0])
    assert journal.statistics["notes_after_close"] == 1
    for refused in (journal.record(record(1)), journal.put("key", "value")):
        with pytest.raises(JournalError, match="closed"):
            await refused


async def test_a_locked_journal_fails_its_waiters_and_recovers_with_nothing_lost(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, JournalLimits(busy_timeout_s=0.01), lambda: NOW_MS)
    journal.last_values(POINTS)
    await journal.record(record(1))
    assert is_healthy(journal)
    blocker = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    journal.note(changes_of(batch([0, 0], [1.0, 2.0], cause=Cause.EVENT))[0])
    with pytest.raises(JournalError, match="locked"):
        await journal.settled()
    with pytest.raises(JournalError, match="locked"):
        await journal.record(record(2))
    with pytest.raises(JournalError, match="locked"):
        await journal.put("key", "value")
    assert not is_healthy(journal)
    assert journal.get("key") is None
    assert journal.statistics["transactions_failed"] >= 3
    blocker.execute("ROLLBACK")
    blocker.close()
    await journal.settled()
    assert is_healthy(journal)
    assert sorted((await journal.changes(0, FAR_MS)).value.tolist()) == [1.0, 2.0]
    assert [one.id for one in await journal.commands()] == [1]
    journal.close()


async def test_a_full_disk_fails_the_waiters_and_what_was_on_it_stays(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, JournalLimits(file_mb=0.3))
    written = 0

    async def fill() -> None:
        nonlocal written
        while True:
            await journal.put(f"key{written}", "x" * 1_000)
            written += 1

    with pytest.raises(JournalError, match="full"):
        await fill()
    assert written > 10
    assert not is_healthy(journal)
    journal.close()
    again = Journal.open(tmp_path)
    assert all(again.get(f"key{i}") == "x" * 1_000 for i in range(written))
    assert again.get(f"key{written}") is None
    again.close()


async def test_a_damaged_journal_is_told_and_not_read_as_if_it_were_whole(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    for i in range(300):
        await journal.put(f"key{i}", "x" * 1_000)
    journal.close()
    file = tmp_path / FILE_NAME
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)
    with pytest.raises(JournalError):
        Journal.open(tmp_path)


async def test_events_lost_for_want_of_room_make_settling_fail_even_after_recovery(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, JournalLimits(busy_timeout_s=0.01, pending_rows=4))
    journal.last_values(POINTS)
    blocker = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    for changes in changes_of(*(batch([0] * 3, [i, i, i], cause=Cause.EVENT) for i in range(3))):
        journal.note(changes)
    assert journal.statistics["events_lost"] >= 3
    blocker.execute("ROLLBACK")
    blocker.close()
    await journal.put("key", "value")
    with pytest.raises(JournalError, match="lost"):
        await journal.settled()
    assert not is_healthy(journal)
    journal.close()


async def test_retention_by_rows_and_by_age_prunes_the_oldest(tmp_path: Path) -> None:
    limits = JournalLimits(retention=Retention(change_rows=50, change_days=1.0, command_rows=3))
    now_ms = 10 * 86_400_000
    journal = Journal.open(tmp_path, limits, lambda: now_ms)
    journal.last_values(POINTS)
    database = Database(POINTS)
    journal.note(database.apply(batch([0] * 10, range(10), cause=Cause.EVENT, received_ms=now_ms - 2 * 86_400_000)))
    await journal.settled()
    journal.note(database.apply(batch([0] * 5, range(5), cause=Cause.EVENT, received_ms=now_ms)))
    await journal.settled()
    for number in range(1, 6):
        await journal.record(record(number))
    assert len(await journal.changes(0, FAR_MS)) == 5
    journal.note(database.apply(batch([0] * 200, range(200), cause=Cause.EVENT, received_ms=now_ms)))
    await journal.settled()
    await journal.put("one", "more")
    await journal.put("and", "another")
    found = await journal.changes(0, FAR_MS)
    assert found.value.tolist() == list(range(199, 149, -1))
    assert [one.id for one in await journal.commands()] == [5, 4, 3]
    assert journal.statistics["rows_pruned"] == 15 + 150 + 2
    journal.close()


async def test_what_was_noted_before_rows_got_another_meaning_keeps_the_old_one(
    journal: Journal, tmp_path: Path
) -> None:
    journal.note(changes_of(batch([0, 1], [1.0, 2.0], cause=Cause.EVENT, times=[1, 2]))[0])
    swapped = [POINTS[1], POINTS[0], analog("new")]
    journal.bind(swapped, journal.numbers(swapped))
    journal.note(changes_of(batch([0, 2], [3.0, 4.0], cause=Cause.EVENT, times=[3, 4]), points=swapped)[0])
    await journal.settled()
    found = await journal.changes(0, FAR_MS)
    assert list(zip(found.point, found.value.tolist(), strict=True)) == [
        ("a.new", 4.0), ("a.q", 3.0), ("a.q", 2.0), ("a.p", 1.0),
    ]  # fmt: skip
    journal.close()
    again = Journal.open(tmp_path)
    last = again.last_values([*POINTS, analog("new")])
    again.close()
    assert dict(zip(last.rows.tolist(), last.value.tolist(), strict=True)) == {0: 1.0, 1: 3.0, 3: 4.0}


async def test_rows_of_both_meanings_wait_until_the_disk_takes_them(journal: Journal, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other:
        swapped = [POINTS[1], POINTS[0]]
        numbers = journal.numbers(swapped)
        other.execute("BEGIN IMMEDIATE")  # nobody else can write
        journal._writer._connection.execute("PRAGMA busy_timeout=10")
        journal.note(changes_of(batch([0], [1.0], cause=Cause.EVENT, times=[1]))[0])
        with pytest.raises(JournalError):
            await journal.settled()
        journal.bind(swapped, numbers)
        journal.note(changes_of(batch([0], [2.0], cause=Cause.EVENT, times=[2]), points=swapped)[0])
        with pytest.raises(JournalError):
            await journal.settled()
        other.execute("ROLLBACK")
    await journal.settled()
    found = await journal.changes(0, FAR_MS)
    assert sorted(zip(found.point, found.value.tolist(), strict=True)) == [("a.p", 1.0), ("a.q", 2.0)]
