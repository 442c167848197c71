"""What the point lists tell an EMS engineer is what a master that nobody here wrote gets from the outstation."""

import csv
import io
from dataclasses import replace
from datetime import date

import pytest

from protocols.dnp3 import DRIVER
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.server import Dnp3Outstation
from tests.interop.test_dnp3_outstation import Plant, give, opendnp3_master, started
from vppscada.maps import find_site, load_site
from vppscada.model.points import PointKind, RowPoint
from vppscada.station.drivers import DRIVERS

pytestmark = pytest.mark.interop

GROUPS = {
    PointKind.BINARY_INPUT: 1,
    PointKind.BINARY_OUTPUT: 10,
    PointKind.COUNTER: 20,
    PointKind.ANALOG_INPUT: 30,
    PointKind.ANALOG_OUTPUT: 40,
}


async def test_an_integrity_poll_brings_what_the_point_lists_announce() -> None:
    [spec] = load_site(find_site("demo"), DRIVERS).ems
    assert isinstance(spec.settings, Dnp3OutstationSettings)
    points = [RowPoint(row, export.point) for row, export in enumerate(spec.exports)]
    files = DRIVER.documents(spec.name, spec.settings, points, date(2026, 1, 1))
    outstation = Dnp3Outstation(spec.name, replace(spec.settings, port=0), points, Plant(), None)
    await outstation.start()
    try:
        give(outstation, {row: float(row % 2) for row, _ in points})
        async with opendnp3_master(outstation.port) as master:
            await started(master)
            told = {
                kind: list(csv.DictReader(io.StringIO(files[f"{spec.name}-{kind}.csv"])))
                for kind in GROUPS
                if f"{spec.name}-{kind}.csv" in files
            }
            assert len(told) == 5
            for kind, lines in told.items():
                read = {index for group, index in master.values if group == GROUPS[kind]}
                assert read == {int(line["index"]) for line in lines}
                variations = {variation for group, variation in master.variations if group == GROUPS[kind]}
                assert variations == {int(line["static_variation"]) for line in lines}
            assert sum(map(len, told.values())) == len(points) == len(master.values)
    finally:
        await outstation.stop()
