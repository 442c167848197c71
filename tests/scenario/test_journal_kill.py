"""A process that keeps a journal is killed at any moment: what it had said is on disk is on disk.

The child tells on its standard output what the journal acknowledged, and what it asked to be discarded before
it asked. The parent kills it, opens the journal and compares; round after round in one directory.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vppscada.model.batch import Batch, Cause
from vppscada.model.commands import CommandRecord, Origin
from vppscada.model.outstations import Events
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import Quality, TimeQuality
from vppscada.points.database import Database
from vppscada.points.journal import Journal, JournalReader

ROUNDS = 6
POINTS = tuple(Point(f"a.p{i}", PointKind.ANALOG_INPUT, event_class=i % 4) for i in range(50))
FAR_MS = 2**60


def now_ms() -> int:
    return time.time_ns() // 1_000_000


# the child


def tell(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def readings(first: int, count: int, cause: Cause) -> Batch:
    """Values count up over all rounds: each names its reading."""
    values = np.arange(first, first + count, dtype=np.float64)
    return Batch(
        rows=(values % len(POINTS)).astype(np.intp),
        value=values,
        quality=np.full(count, Quality.ONLINE, dtype=np.uint16),
        source_time_ms=values.astype(np.int64),
        time_quality=np.full(count, TimeQuality.SYNCHRONISED, dtype=np.uint8),
        received_time_ms=now_ms(),
        cause=cause,
    )


def events(first: int, count: int) -> Events:
    ids = np.arange(first, first + count, dtype=np.int64)
    small = np.ones(count, dtype=np.uint8)
    return Events(
        ids,
        small,
        ids.astype(np.uint32),
        small,
        ids.astype(np.float64),
        np.ones(count, dtype=np.uint16),
        ids * 10,
        small,
    )


async def note_events(journal: Journal, database: Database, first: int, chance: random.Random) -> None:
    while True:
        count = chance.randint(1, 40)
        database.apply(readings(first, count, Cause.EVENT))
        await journal.settled()
        tell("noted", first, first + count)
        first += count


async def buffer_events(journal: Journal, first: int, chance: random.Random) -> None:
    store = journal.event_store("ems")
    oldest = first
    while True:
        count = chance.randint(1, 20)
        await store.append(events(first, count))
        tell("appended", first, first + count)
        first += count
        if chance.random() < 0.5:
            confirmed = chance.randint(oldest, first)
            tell("discarding", oldest, confirmed)
            await store.discard(np.arange(oldest, confirmed, dtype=np.int64))
            tell("discarded", oldest, confirmed)
            oldest = confirmed


async def command(journal: Journal) -> None:
    while True:
        number = journal.next_command_id()
        tell("numbered", number)
        issued = CommandRecord(number, now_ms(), "a.sp", float(number), Origin.EMS, "", "issued")
        await journal.record(issued)
        tell("issued", number)
        if number % 3:
            await journal.record(CommandRecord(number, now_ms(), "a.sp", float(number), Origin.EMS, "", "accepted"))
            tell("answered", number)


async def keep(journal: Journal, first: int) -> None:
    while True:
        await journal.put("count", str(first))
        tell("kept", first)
        first += 1


async def child(directory: Path, first: int, seed: int) -> None:
    chance = random.Random(seed)
    journal = Journal.open(directory)
    database = Database(POINTS)
    database.restore(journal.last_values(POINTS))
    database.subscribe(journal.note)
    await asyncio.gather(
        note_events(journal, database, first, chance),
        buffer_events(journal, first, chance),
        command(journal),
        keep(journal, first),
    )


# the parent


@dataclass
class Told:
    """Everything that the children of all rounds told."""

    noted: set[int] = field(default_factory=set)
    appended: set[int] = field(default_factory=set)
    discarding: set[int] = field(default_factory=set)
    discarded: set[int] = field(default_factory=set)
    numbered: list[int] = field(default_factory=list)
    issued: set[int] = field(default_factory=set)
    answered: set[int] = field(default_factory=set)
    kept: int = -1

    def hear(self, lines: Iterable[str]) -> None:
        for line in lines:
            word, *numbers = line.split()
            first = int(numbers[0])
            match word:
                case "noted" | "appended" | "discarding" | "discarded":
                    getattr(self, word).update(range(first, int(numbers[1])))
                case "numbered":
                    self.numbered.append(first)
                case "issued" | "answered":
                    getattr(self, word).add(first)
                case "kept":
                    self.kept = max(self.kept, first)


def run_until_killed(directory: Path, first: int, seed: int) -> list[str]:
    """Let a child work for a random while after its first word, kill it, and return its whole lines."""
    arguments = [sys.executable, "-m", "tests.scenario.test_journal_kill", str(directory), str(first), str(seed)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        begin = process.stdout.readline()
        killer = threading.Timer(random.Random(seed).uniform(0.05, 0.6), process.kill)
        killer.start()
        text = (begin + process.stdout.read()).decode()
        killer.join()
    assert process.returncode == -signal.SIGKILL
    return text[: text.rfind("\n") + 1].splitlines()


def test_nothing_acknowledged_is_lost_and_nothing_discarded_comes_back(tmp_path: Path) -> None:
    told = Told()
    for turn in range(ROUNDS):
        first = (turn + 1) * 10_000_000
        lines = run_until_killed(tmp_path, first, seed=turn)
        assert len(lines) > 20
        told.hear(lines)
        compare(tmp_path, told)
    assert len(told.noted) > 100
    assert len(told.discarded) > 10


def compare(directory: Path, told: Told) -> None:
    reader = JournalReader(directory)
    on_disk = set(reader.changes(0, FAR_MS, limit=1_000_000).value.astype(int).tolist())
    assert told.noted <= on_disk

    journal = Journal.open(directory)
    try:
        last = journal.last_values(POINTS)
        newest = max(told.noted)
        assert last.value.max() >= newest
        assert np.array_equal(last.value.astype(np.int64), last.source_time_ms)  # no row is half written

        left = set(journal.event_store("ems").load().id.tolist())
        assert told.appended - told.discarding <= left
        assert not left & told.discarded

        assert int(journal.get("count") or -1) >= told.kept
        assert len(set(told.numbered)) == len(told.numbered)  # over all rounds
    finally:
        journal.close()

    states = {one.id: one.state for one in reader.commands(1_000_000)}
    assert told.issued <= states.keys()
    assert all(states[number] == "accepted" for number in told.answered)
    assert "issued" not in states.values()  # after a restart nothing pretends to be under way


if __name__ == "__main__":
    asyncio.run(child(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
