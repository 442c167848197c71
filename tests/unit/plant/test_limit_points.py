from pathlib import Path

import numpy as np

from tests.unit.maps.fakes import small_site
from vppscada.model.quality import Quality
from vppscada.plant.fleet_view import ABSENT
from vppscada.plant.limit_points import limit_rows, told_maxima


def test_a_limit_is_told_by_the_point_that_it_names_while_that_is_fit(tmp_path: Path) -> None:
    files = small_site(tmp_path)
    tables = """[[limit]]
name = "feeder"
assets = ["battery1"]
maximum_mw = 4.0

[[limit]]
name = "connection"
assets = ["engine1"]
point = "engine1.active_power"

[[ems]]"""
    files.change("site.toml", "[[ems]]", tables)
    site = files.load()
    rows = limit_rows(site, ("connection", "feeder"))
    assert rows.tolist() == [site.row_of["engine1.active_power"], ABSENT]
    value = np.full(len(site.points), 2.5)
    quality = np.full(len(site.points), Quality.ONLINE, dtype=np.uint16)
    assert told_maxima(rows, value, quality).tolist()[0] == 2.5
    assert np.isnan(told_maxima(rows, value, quality)[1])
    quality[rows[0]] |= Quality.STALE
    assert np.isnan(told_maxima(rows, value, quality)).all()
