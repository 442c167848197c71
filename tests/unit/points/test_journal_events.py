"""Unconfirmed events of an outstation on a real disk."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np

from vppscada.model.outstations import Events
from vppscada.model.quality import Quality, TimeQuality
from vppscada.points.journal import Journal
from vppscada.points.journal_schema import _MIGRATIONS, FILE_NAME

NAN = float("nan")


def events(*ids: int) -> Events:
    n = len(ids)
    return Events(
        id=np.array(ids, dtype=np.int64),
        kind=np.full(n, 2, dtype=np.uint8),
        index=np.arange(n, dtype=np.uint32),
        event_class=np.full(n, 1, dtype=np.uint8),
        value=np.array([NAN if one % 2 else one / 2 for one in ids]),
        quality=np.full(n, Quality.ONLINE, dtype=np.uint16),
        time_ms=np.array(ids, dtype=np.int64) * 1_000,
        time_quality=np.full(n, TimeQuality.SYNCHRONISED, dtype=np.uint8),
    )


async def test_events_of_an_outstation_come_back_until_they_are_discarded(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    store = journal.event_store("ems")
    await store.append(events(1, 2, 3, 4))
    await store.append(events())
    await journal.event_store("other").append(events(2))
    await store.discard(np.array([2, 3]))
    await store.discard(np.array([], dtype=np.int64))
    journal.close()
    again = Journal.open(tmp_path)
    loaded = again.event_store("ems").load()
    assert loaded.id.tolist() == [1, 4]
    assert np.isnan(loaded.value[0])
    assert loaded.value[1] == 2.0
    assert loaded.index.tolist() == [0, 3]
    assert loaded.time_ms.tolist() == [1_000, 4_000]
    assert [str(one.dtype) for one in (loaded.kind, loaded.index, loaded.quality)] == ["uint8", "uint32", "uint16"]
    assert again.event_store("other").load().id.tolist() == [2]
    assert len(again.event_store("nobody").load()) == 0
    again.close()


async def test_texts_of_events_come_back_with_them(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    await journal.event_store("ems").append(replace(events(1, 2, 3), texts={1: "running", 3: ""}))
    journal.close()
    again = Journal.open(tmp_path)
    assert again.event_store("ems").load().texts == {1: "running", 3: ""}
    again.close()


async def test_a_journal_of_the_first_release_keeps_its_events(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.executescript(_MIGRATIONS[0])
    connection.execute("INSERT INTO outstation_events VALUES ('ems', 7, 2, 0, 1, 1.5, 1, 1000, 2)")
    connection.execute("PRAGMA user_version=1")
    connection.commit()
    connection.close()
    journal = Journal.open(tmp_path)
    store = journal.event_store("ems")
    await store.append(replace(events(8), texts={8: "new"}))
    assert store.load().id.tolist() == [7, 8]
    assert store.load().texts == {8: "new"}
    journal.close()
