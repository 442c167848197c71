"""The desk's read, watch and operate by way of a station that runs: it has the devices, so it is asked."""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vppscada.admin.station_client import StationClient, StationError
from vppscada.admin.station_commands import shown_point
from vppscada.model.points import Point
from vppscada.station.local_api import SOCKET_NAME

_VERIFY_S = 10.0
_ANSWER_S = 40.0


def is_running(state: Path) -> bool:
    """True while a station answers in this state directory."""
    if not (state / SOCKET_NAME).exists():
        return False
    try:
        with StationClient(state) as station:
            station.call("status")
    except StationError:
        return False
    return True


def read(state: Path, options: argparse.Namespace) -> int:
    """Points as the station holds them; 0 if every one is good."""
    with StationClient(state) as station:
        return 0 if _print(station.points(options.points), as_json=options.json) else 1


def watch(state: Path, options: argparse.Namespace) -> int:
    """Points as they stand and then as they change, until interrupted or for so long."""
    deadline = None if options.duration is None else time.monotonic() + options.duration
    with StationClient(state) as station:
        for changes in station.changes(options.points, deadline):
            _print(changes, as_json=options.json)
    return 0


def operate(state: Path, point: Point, value: float, who: str) -> int:
    """One command by the station's control path; 0 only if the device took it."""
    params = {
        "point": point.id,
        "value": value,
        "reason": f"by {who}",
        "verify_s": _VERIFY_S if point.feedback else 0.0,
    }
    with StationClient(state) as station:
        told = station.call("operate", params, timeout_s=_ANSWER_S)
    sys.stdout.write(f"the station: {told['result']}{': ' + str(told['detail']) if told['detail'] else ''}\n")
    if point.feedback and told["result"] == "accepted":
        echoed = (told.get("verification") or {}).get("echoed")
        sys.stdout.write(f"the feedback {'shows it' if echoed is not None else 'does not show it yet'}\n")
    return 0 if told["result"] == "accepted" else 1


def _print(states: Iterable[Mapping[str, Any]], *, as_json: bool) -> bool:
    """Print them; True if every one is good."""
    good = True
    for one in states:
        good = good and one["quality"] == "ONLINE"
        sys.stdout.write((json.dumps(dict(one)) if as_json else shown_point(one)) + "\n")
    sys.stdout.flush()
    return good
