"""``vppscada map orders``: which order of words and bytes a device has, asked of the device itself."""

import argparse
import asyncio
import math
import sys
from collections.abc import Sequence

from vppscada.maps import find_site, load_site
from vppscada.maps.words import one_of
from vppscada.model.errors import VppscadaError
from vppscada.model.points import Point
from vppscada.model.sessions import SessionLost
from vppscada.model.site import SessionSpec, Site
from vppscada.station.drivers import DRIVERS, SURVEY_ORDERS

#: Without ``--within``: this part of the value that is expected.
_WITHIN = 0.05


def orders(options: argparse.Namespace) -> int:
    """Read a point's registers and judge each order. 0: one or more fit; 1: none does."""
    site = load_site(find_site(options.site), DRIVERS)
    spec, point = _point_of(site, options.point)
    survey = SURVEY_ORDERS.get(spec.protocol)
    if survey is None:
        raise VppscadaError(f"{options.point} is of protocol {spec.protocol}; expected {one_of('', SURVEY_ORDERS)}")
    within = options.within if options.within is not None else _WITHIN * abs(options.near or 0.0)
    lowest, highest = options.between or (-math.inf, math.inf)

    async def ask() -> Sequence[tuple[str, tuple[float, ...], bool]]:
        return await survey(spec.settings, point, options.near, within, lowest, highest, options.samples)

    try:
        found = asyncio.run(ask())
    except (SessionLost, ValueError) as fault:
        raise VppscadaError(f"{options.point}: {fault}") from fault
    for order, values, fits in found:
        numbers = "  ".join(f"{value:.7g}" for value in values)
        sys.stdout.write(f"{'fits' if fits else '-':<6}{order:<16}{numbers} {point.units}\n")
    return 0 if any(fits for *_, fits in found) else 1


def _point_of(site: Site, name: str) -> tuple[SessionSpec, Point]:
    for spec in site.sessions:
        for row_point in spec.points:
            if row_point.point.id == name:
                return spec, row_point.point
    names = [row_point.point.id for spec in site.sessions for row_point in spec.points]
    raise VppscadaError(f"no point {name!r} on a session of {site.file}: expected {one_of(name, names)}")
