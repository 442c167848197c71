"""Changes of the points database as they reach an EMS outstation."""

from collections import Counter

from tests.unit.points.build import analog, batch
from vppscada.model.batch import Batch
from vppscada.model.points import Point, PointKind
from vppscada.model.site import ExportedPoint
from vppscada.points.database import Database
from vppscada.station.ems_feed import EmsFeed


class Served:
    """An outstation that only keeps what it is fed."""

    def __init__(self) -> None:
        self.statistics: Counter[str] = Counter()
        self.port = 0
        self.fed: list[Batch] = []

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def settled(self) -> None: ...

    def update(self, batch: Batch) -> None:
        self.fed.append(batch)


def test_texts_go_out_at_every_point_that_exports_them() -> None:
    maker = Point("a.maker", PointKind.STRING)
    database = Database([analog("p"), maker])
    served = Served()
    exports = [ExportedPoint(1, maker), ExportedPoint(0, analog("p")), ExportedPoint(1, maker)]
    feed = EmsFeed(exports, served, database)
    feed.on_changes(database.apply(batch([0, 1], [2.0, float("nan")], texts={1: "Acme"})))
    assert [(one.rows.tolist(), one.texts) for one in served.fed] == [([1, 0, 2], {0: "Acme", 2: "Acme"})]
    feed.feed_all(0)
    assert served.fed[-1].texts == {0: "Acme", 2: "Acme"}
