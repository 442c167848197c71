"""What the commands to a running station do: status, points, force, release."""

import argparse
import getpass
import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vppscada.admin.station_client import StationClient


def state_of(options: argparse.Namespace) -> Path:
    """The state directory that is meant: as `vppscada run` takes it."""
    return options.state or Path(os.environ.get("STATE_DIRECTORY", "") or "state")


def status(options: argparse.Namespace) -> int:
    """Print how the running station stands."""
    with StationClient(state_of(options)) as station:
        told = station.call("status")
    if options.json:
        sys.stdout.write(json.dumps(told) + "\n")
        return 0
    lines = [f"{told['site']} ({told['file']})", told["summary"], f"{told['points']} points, {told['fit']} of them fit"]
    if told["trial_left_s"] is not None:
        lines.append(f"a changed site is on trial for another {told['trial_left_s']:g} s")
    lines += [f"  session {one['name']:20} {one['state']}" for one in told["sessions"]]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def points(options: argparse.Namespace) -> int:
    """Print points as the running station holds them."""
    with StationClient(state_of(options)) as station:
        for one in station.points(options.points):
            sys.stdout.write((json.dumps(one) if options.json else shown_point(one)) + "\n")
    return 0


def shown_point(one: Mapping[str, Any]) -> str:
    """One point as the station tells it, in one line: name, value with units or state, quality, time."""
    value = one.get("text") or one["value"]
    shown = "-" if value is None else f"{value:.10g}" if isinstance(value, float) else str(value)
    names, units = one.get("state_names"), one["units"]
    if names and isinstance(value, float) and value.is_integer() and 0 <= value < len(names):
        shown += f" ({names[int(value)]})"
    time_ms = one["source_time_ms"] or one["received_time_ms"]
    time = "-" if not time_ms else datetime.fromtimestamp(time_ms / 1000.0, UTC).isoformat(timespec="milliseconds")
    return f"{one['point']:40} {shown + (f' {units}' if units else ''):>24}  {one['quality']:20} {time}"


def force(options: argparse.Namespace) -> int:
    """Force a point of the running station to a value, with a reason, and perhaps for a time."""
    who = options.by or getpass.getuser()
    params = {
        "point": options.point,
        "value": options.value,
        "reason": options.reason,
        "by": who,
        "for_s": options.duration,
    }
    with StationClient(state_of(options)) as station:
        station.call("force", params)
    until = f"for {options.duration:g} s" if options.duration else "until it is released"
    sys.stdout.write(f"{options.point} is forced to {options.value:g} {until}\n")
    return 0


def release(options: argparse.Namespace) -> int:
    """Let a forced point go."""
    with StationClient(state_of(options)) as station:
        station.call("release", {"point": options.point})
    sys.stdout.write(f"{options.point} is released\n")
    return 0
