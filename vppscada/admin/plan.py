"""What ``vppscada plan`` does."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from vppscada.admin.loading import load
from vppscada.maps import find_site, load_site
from vppscada.maps.difference import difference, told
from vppscada.maps.snapshot import Snapshot, read_snapshot, snapshot
from vppscada.station.drivers import DRIVERS


def plan(options: argparse.Namespace) -> int:
    """Tell what a site would change; 0 if nothing, 3 if something. Faults of the site leave as ConfigError."""
    site = load(options)
    after = snapshot(site)
    found = difference(_running(options.against), after)
    if options.json:
        sys.stdout.write(json.dumps(asdict(found), ensure_ascii=False) + "\n")
    else:
        for line in told(found, len(after.sessions)):
            sys.stdout.write(f"{line}\n")
    return 0 if found.is_empty else 3


def _running(argument: str) -> Snapshot:
    """Of a state directory what its station runs with; else of another site file."""
    path = Path(argument)
    if path.is_dir() and not (path / "site.toml").is_file():
        return read_snapshot(path)
    return snapshot(load_site(find_site(argument), DRIVERS))
