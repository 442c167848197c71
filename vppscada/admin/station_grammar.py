"""The grammar of the commands to a running station."""

import argparse
from pathlib import Path

from vppscada.admin import station_commands

_Verbs = argparse._SubParsersAction


def add_station(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    """Add ``status`` and ``points``."""
    status = verbs.add_parser("status", help="how a running station stands")
    _running(status)
    status.set_defaults(command=station_commands.status)
    points = verbs.add_parser("points", help="print points as a running station holds them")
    points.add_argument("points", nargs="*", metavar="POINT", help="full ids, or names of assets (default: all)")
    _running(points)
    points.set_defaults(command=station_commands.points)


def _running(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="of the station (default: $STATE_DIRECTORY, or state)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
