"""Forced values and counts outlive the station."""

from pathlib import Path

import pytest

from tests.unit.points.build import batch
from vppscada.model.conditioning import Conditioning
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import Quality
from vppscada.points.database import Database
from vppscada.points.journal import Journal
from vppscada.station.normalising import Normalising
from vppscada.station.supervisor import wall_ms

POINTS = [
    Point("a.x", PointKind.ANALOG_INPUT),
    Point("a.y", PointKind.ANALOG_INPUT),
    Point("a.n", PointKind.COUNTER, conditioning=Conditioning(rollover=100.0)),
]
HOUR_MS = 3_600_000


class Run:
    """One life of a station on a state directory."""

    def __init__(self, directory: Path, now_ms: int) -> None:
        self.journal = Journal.open(directory)
        self.database = Database(POINTS)
        self.database.restore(self.journal.last_values(POINTS))
        self.normalising = Normalising(self.database, self.journal)
        self.normalising.start(now_ms)


async def test_forces_survive_a_restart_until_they_expire(tmp_path: Path) -> None:
    now_ms = wall_ms()
    first = Run(tmp_path, now_ms)
    await first.normalising.force("a.x", 5.0, "repair", "mh", now_ms + HOUR_MS)
    await first.normalising.force("a.y", 6.0, "repair", "mh", None)
    first.journal.close()
    second = Run(tmp_path, now_ms)
    assert second.database.value[:2].tolist() == [5.0, 6.0]
    assert second.database.quality[0] == Quality.ONLINE | Quality.LOCAL_FORCED
    assert second.database.forces[0].reason == "repair"
    second.journal.close()
    third = Run(tmp_path, now_ms + HOUR_MS)
    assert set(third.database.forces) == {1}
    await third.normalising.release("a.y")
    third.journal.close()
    fourth = Run(tmp_path, now_ms)
    assert not fourth.database.forces.get(1)
    fourth.journal.close()


async def test_a_total_goes_on_where_it_stood(tmp_path: Path) -> None:
    first = Run(tmp_path, 1)
    first.database.apply(batch([2], [90.0]))
    first.database.apply(batch([2], [10.0]))
    await first.normalising.keep_counts()
    first.journal.close()
    second = Run(tmp_path, 1)
    second.database.apply(batch([2], [15.0]))
    assert second.database.value[2] == 115.0
    second.journal.close()


async def test_nobody_forces_without_a_name_and_a_reason(tmp_path: Path) -> None:
    run = Run(tmp_path, 1)
    with pytest.raises(ValueError, match="a reason"):
        await run.normalising.force("a.x", 5.0, " ", "mh", None)
    with pytest.raises(KeyError):
        await run.normalising.force("a.z", 5.0, "repair", "mh", None)
    with pytest.raises(KeyError):
        await run.normalising.release("a.x")
    run.journal.close()
