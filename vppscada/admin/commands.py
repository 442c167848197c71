"""What each command does, given its options."""

import argparse
import asyncio
import contextlib
import os
import sys
from pathlib import Path

from vppscada.maps import find_site, load_site, summarise
from vppscada.model.clock import PlantClock
from vppscada.model.errors import VppscadaError
from vppscada.model.site import Site
from vppscada.scheduling.objective import require_available
from vppscada.simulation.faults import parse_fault
from vppscada.simulation.served import serve_device
from vppscada.station.drivers import DRIVERS
from vppscada.station.logs import configure_logs
from vppscada.station.runtime import run as run_loop
from vppscada.station.station import Station


def check(options: argparse.Namespace) -> int:
    """Print a summary of a good site; faults leave as ConfigError."""
    sys.stdout.write(summarise(_load(options)) + "\n")
    return 0


def run(options: argparse.Namespace) -> int:
    """Run the station until a signal; exit 0 after a clean stop."""
    configure_logs(options.log_level)
    site = _load(options)
    clock = _clock(options)
    state = options.state or Path(os.environ.get("STATE_DIRECTORY", "") or "state")

    async def main() -> int:
        station = Station(site, state, clock, DRIVERS)
        try:
            await station.run()
        except asyncio.CancelledError:
            return 0
        return 1

    return run_loop(main())


def simulate(options: argparse.Namespace) -> int:
    """Serve one session's assets until a signal."""
    configure_logs(options.log_level)
    site = _load(options)
    clock = _clock(options)
    faults = [parse_fault(text) for text in options.fault]

    async def main() -> int:
        with contextlib.suppress(asyncio.CancelledError):
            await serve_device(site, options.session, clock, faults, parent_pipe=options.parent_pipe)
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


def _load(options: argparse.Namespace) -> Site:
    site = load_site(find_site(options.site), DRIVERS, _overrides(options.overrides))
    require_available(site.schedule.objective)
    return site


def _overrides(texts: list[str]) -> dict[str, object]:
    overrides: dict[str, object] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise VppscadaError(f"--set {text}: expected KEY=VALUE")
        overrides[key.strip()] = _value(value.strip())
    return overrides


def _value(text: str) -> object:
    """Text as TOML would read it: a whole number, a number, true or false, else a string."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _clock(options: argparse.Namespace) -> PlantClock:
    if options.wall_start is None and options.plant_start is None and options.speed == 1.0:
        return PlantClock()
    if options.wall_start is None or options.plant_start is None:
        raise VppscadaError("--speed, --wall-start and --plant-start go together")
    return PlantClock(options.wall_start, options.plant_start, options.speed)
