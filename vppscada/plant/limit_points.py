"""Limits that a point tells: lower maxima of the limits on groups of assets, as they are now. Pure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vppscada.model.batch import Rows, Values
from vppscada.model.quality import QualityColumn, is_fit
from vppscada.model.site import Site
from vppscada.plant.fleet_view import ABSENT


def limit_rows(site: Site, names: Sequence[str]) -> Rows:
    """Row of the point of each limit, in the order of ``names``; `ABSENT` where it has none."""
    point = {limit.name: limit.point for limit in site.limits}
    return np.array([site.row_of[point[name]] if point[name] else ABSENT for name in names], dtype=np.intp)


def told_maxima(rows: Rows, value: Values, quality: QualityColumn) -> NDArray[np.float64]:
    """MW; NaN where no point tells one, or its reading is not fit: then what the site file says holds."""
    there = rows != ABSENT
    return np.where(there & is_fit(quality[rows]), value[rows], np.nan)
