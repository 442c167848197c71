"""The grammar of the commands to a running station."""

import argparse
from pathlib import Path

from vppscada.admin import apply, forecast_words, station_commands
from vppscada.admin.arguments import positive, site_argument

_Verbs = argparse._SubParsersAction


def add_station(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    """Add ``status``, ``points``, ``forecasts``, ``force``, ``release`` and ``apply``."""
    status = verbs.add_parser("status", help="how a running station stands")
    _running(status)
    status.set_defaults(command=station_commands.status)
    points = verbs.add_parser("points", help="print points as a running station holds them")
    points.add_argument("points", nargs="*", metavar="POINT", help="full ids, or names of assets (default: all)")
    _running(points)
    points.set_defaults(command=station_commands.points)
    forecasts = verbs.add_parser("forecasts", help="how fresh series are, and how good forecasts were")
    _running(forecasts)
    forecasts.set_defaults(command=forecast_words.forecasts)
    force = verbs.add_parser("force", help="force a point of a running station to a value")
    force.add_argument("point", metavar="POINT", help="full id")
    force.add_argument("value", type=float, metavar="VALUE", help="in the point's units")
    force.add_argument("--reason", required=True, metavar="TEXT")
    force.add_argument("--for", dest="duration", type=positive, metavar="S", help="released by itself after so long")
    force.add_argument("--by", default="", metavar="NAME", help="who does it (default: the user logged in)")
    _running(force)
    force.set_defaults(command=station_commands.force)
    release = verbs.add_parser("release", help="let a forced point of a running station go")
    release.add_argument("point", metavar="POINT", help="full id")
    _running(release)
    release.set_defaults(command=station_commands.release)
    applied = verbs.add_parser("apply", help="put a changed site in force while the station runs (4 = taken back)")
    site_argument(applied)
    applied.add_argument(
        "--within", type=positive, default=60.0, metavar="S", help="take it back if what was good falls (default: 60)"
    )
    applied.add_argument("--yes", action="store_true", help="do not ask")
    _running(applied)
    applied.set_defaults(command=apply.apply)


def _running(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="of the station (default: $STATE_DIRECTORY, or state)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
