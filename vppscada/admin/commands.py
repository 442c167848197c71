"""What each command does, given its options."""

import argparse
import asyncio
import contextlib
import os
import sys
from pathlib import Path

from vppscada.admin.loading import load, overrides_of
from vppscada.maps import find_site, summarise
from vppscada.model.clock import PlantClock
from vppscada.model.errors import VppscadaError
from vppscada.simulation.faults import parse_fault
from vppscada.simulation.served import serve_device, serve_site
from vppscada.station.drivers import DRIVERS
from vppscada.station.logs import configure_logs
from vppscada.station.runtime import run as run_loop
from vppscada.station.station import Station


def check(options: argparse.Namespace) -> int:
    """Print a summary of a good site; faults leave as ConfigError."""
    sys.stdout.write(summarise(load(options)) + "\n")
    return 0


def run(options: argparse.Namespace) -> int:
    """Run the station until a signal; exit 0 after a clean stop."""
    configure_logs(options.log_level)
    if options.shadow:
        options.overrides.append("plant.shadow=true")  # for changed sites too
    site = load(options)
    clock = _clock(options)
    state = options.state or Path(os.environ.get("STATE_DIRECTORY", "") or "state")

    async def main() -> int:
        station = Station(site, state, clock, DRIVERS, overrides_of(options))
        try:
            await station.run()
        except asyncio.CancelledError:
            return 0
        return 1

    return run_loop(main())


def simulate(options: argparse.Namespace) -> int:
    """Serve one session's assets, or those of all, until a signal."""
    configure_logs(options.log_level)
    site = load(options)
    clock = _clock(options)
    faults = [parse_fault(text) for text in options.fault]
    if not options.session and (faults or options.parent_pipe):
        raise VppscadaError("--fault and --parent-pipe are for one session: name it with --session")

    async def main() -> int:
        with contextlib.suppress(asyncio.CancelledError):
            if options.session:
                await serve_device(site, options.session, clock, faults, parent_pipe=options.parent_pipe)
            else:
                await serve_site(site, clock)
        return 0

    return run_loop(main())


def demo(options: argparse.Namespace) -> int:
    """Run the demo; its exit status says whether the plant ran as it should."""
    from vppscada.simulation.demo import DemoOptions, run_demo  # its plots take a second to load: not for the station

    wanted = DemoOptions(
        site=find_site(options.site),
        duration_s=options.duration,
        speed=options.speed,
        report=options.report,
        summary=options.summary,
        log_dir=options.log_dir,
        seed=options.seed,
        plain=options.plain,
        kill_device=tuple(options.kill_device),
    )
    return run_loop(run_demo(wanted))


def _clock(options: argparse.Namespace) -> PlantClock:
    if options.wall_start is None and options.plant_start is None and options.speed == 1.0:
        return PlantClock()
    if options.wall_start is None or options.plant_start is None:
        raise VppscadaError("--speed, --wall-start and --plant-start go together")
    return PlantClock(options.wall_start, options.plant_start, options.speed)
