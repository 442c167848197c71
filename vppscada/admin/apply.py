"""What ``vppscada apply`` does: a changed site shown, agreed to, and put in force by the station that runs."""

import argparse
import json
import sys
from typing import Any

from vppscada.admin.loading import load, overrides_of
from vppscada.admin.station_client import StationClient
from vppscada.admin.station_commands import state_of
from vppscada.model.errors import VppscadaError

_LOAD_S = 120.0  # a large site is read and compared in seconds


def apply(options: argparse.Namespace) -> int:
    """Put a changed site in force; 0 if it is and stays, 4 if it was taken back. Faults of it leave as ConfigError."""
    site = load(options)  # here as well: its faults are told as `check` tells them
    wanted: dict[str, Any] = {"file": str(site.file.absolute()), "settings": overrides_of(options)}
    with StationClient(state_of(options)) as station:
        plan = station.call("plan", wanted, timeout_s=_LOAD_S)
        if not options.json:
            sys.stdout.write("".join(f"{line}\n" for line in plan["lines"]))
        if plan["is_empty"]:
            return 0
        if not options.yes and not _agreed():
            sys.stdout.write("nothing was changed\n")
            return 1
    with StationClient(state_of(options)) as station:  # anew: who thinks for long does not hold a connection
        trial = {"mark": plan["mark"], "within_s": options.within}
        applied = station.call("apply", wanted | trial, timeout_s=options.within + _LOAD_S)
    sys.stdout.write(json.dumps(applied) + "\n" if options.json else _told(applied, options.within))
    return 0 if applied["kept"] else 4


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise VppscadaError("apply asks before it changes anything; without a terminal, --yes says that you mean it")
    return input("Put this in force? Type yes to do it: ").strip() == "yes"


def _told(applied: dict[str, Any], within_s: float) -> str:
    if applied["kept"]:
        return f"in force, and what was good before is good after {within_s:g} s\n"
    lines = [f"taken back: {applied['lost']} points were good before and were not any more"]
    lines += [f"  {point}" for point in applied["fallen"]]
    if applied["lost"] > len(applied["fallen"]):
        lines.append("  …")
    lines.append("the site before is in force again; the changed files are as they were: a restart would read them")
    return "\n".join(lines) + "\n"
