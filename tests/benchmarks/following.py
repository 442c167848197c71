"""The demo's fleet follows a regulation signal for forty minutes, over its real protocols: how well it scores.

Once with every device in order; once with one tripped, one stuck and one lying from the middle of the run on, which
must be found. Devices, station and EMS are processes and sessions as in the demo; plant time runs `SPEED` times as fast
as the clock, so that every delay of a protocol or process counts so many times. The station's own score stands beside
one that the EMS works out from what it saw.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.row import Row
from tests.scenario.harness import Ems, Processes, until
from vppscada.model.commands import Accepted
from vppscada.model.quality import Quality
from vppscada.plant.regulation import Scoreboard, sampled
from vppscada.station.runtime import run as reactor_run

SPEED = 4.0
MINUTES = 40.0
STEP_S = 2.0  # plant time between signals
TARGET_MW = 10.0
#: Asset, fault, and when it begins, as a share of the run.
FAULTS = (("engine1", "trip", 0.4), ("smes1", "stuck", 0.5), ("flywheel1", "lie", 0.6))
_START_UP_S = 90.0
_TOLERANCE = 0.02  # of rating: what an asset may differ from what it is told
_LOOK_S = 0.05


def signal_of(steps: int, seed: int = 5) -> NDArray[np.float64]:
    """Like the fast signal of a system operator: moves all the time, reaches both ends, neutral in energy."""
    random = np.random.default_rng(seed)
    moved = np.zeros(steps)
    level = drift = 0.0
    for i in range(steps):
        drift = 0.9 * drift + 0.05 * random.normal()
        level = 0.985 * level + 0.5 * drift
        moved[i] = level
    moved -= np.convolve(moved, np.ones(301) / 301, mode="same")
    clipped: NDArray[np.float64] = np.clip(moved / (2.0 * moved.std()), -1.0, 1.0)
    return clipped


@dataclass
class Watch:
    """What the EMS saw of the run. Times are of the monotonic clock."""

    board: Scoreboard = field(default_factory=Scoreboard.fresh)
    begun: dict[str, float] = field(default_factory=dict)  # faults
    off_since: dict[str, float] = field(default_factory=dict)  # not where it is told to be
    found: dict[str, float] = field(default_factory=dict)  # cycles until it was no longer dispatched on


@contextlib.asynccontextmanager
async def demo_plant(folder: Path) -> AsyncIterator[tuple[Processes, Ems]]:
    """The demo's devices and station with an EMS, the plant on its target."""
    async with Processes("demo", folder, SPEED) as plant:
        await plant.start_all()
        async with Ems(plant) as ems:
            sessions = len(plant.site.sessions)
            await until(lambda: ems.value("plant.sessions_online") == sessions, _START_UP_S, "every session up")
            await until(lambda: ems.flag("plant.schedule_ok"), _START_UP_S, "a schedule")
            if await ems.set_analog("plant.target_command", TARGET_MW) != Accepted():
                raise RuntimeError("the plant took no target")
            near = 0.05 * TARGET_MW
            await until(lambda: abs(ems.value("plant.active_power") - TARGET_MW) < near, _START_UP_S, "on target")
            yield plant, ems


async def follow(plant: Processes, ems: Ems, faults: Sequence[tuple[str, str, float]], minutes: float) -> Watch:
    """Send the signal, begin the faults, watch."""
    watch, started = Watch(), time.monotonic()
    signal = signal_of(round(minutes * 60.0 / STEP_S))
    looking = asyncio.create_task(look(plant, ems, watch))
    try:
        for i, value in enumerate(signal.tolist()):
            await asyncio.sleep(max(started + i * STEP_S / SPEED - time.monotonic(), 0.0))
            if await ems.regulate(value) != Accepted():
                raise RuntimeError("the plant took no regulation signal")
            for asset, kind, share in faults:
                if i >= share * len(signal) and asset not in watch.begun:
                    await plant.tell_device(asset, f"fault {kind}")
                    watch.begun[asset] = time.monotonic()
            note(plant, ems, watch, value, round((time.monotonic() - started) * SPEED * 1000.0))
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
    return watch


def note(plant: Processes, ems: Ems, watch: Watch, signal: float, run_ms: int) -> None:
    """The EMS's own score of what it asked and saw."""
    asked = signal * plant.site.plant.regulation_mw
    watch.board = sampled(watch.board, run_ms, asked, ems.value("plant.active_power") - TARGET_MW)


async def look(plant: Processes, ems: Ems, watch: Watch) -> None:
    """When each faulty asset is left alone, in cycles since it was first seen off what it is told (or tripped)."""
    period_s = plant.site.plant.dispatch_period_s
    rating = {asset.name: asset.rating_mw for asset in plant.site.fleet.assets}
    while True:
        await asyncio.sleep(_LOOK_S)
        now = time.monotonic()
        for asset, begun in watch.begun.items():
            told_quality = ems.quality(f"{asset}.dispatch_setpoint")
            if asset not in watch.found and not told_quality & Quality.ONLINE:
                watch.found[asset] = (now - watch.off_since.get(asset, begun)) / period_s
            error = ems.value(f"{asset}.active_power") - ems.value(f"{asset}.dispatch_setpoint")
            if abs(error) <= _TOLERANCE * rating[asset]:
                watch.off_since.pop(asset, None)
            else:
                watch.off_since.setdefault(asset, now)


async def measured(name: str, faults: Sequence[tuple[str, str, float]], minutes: float) -> list[Row]:
    """One run."""
    with tempfile.TemporaryDirectory() as folder:
        async with demo_plant(Path(folder)) as (plant, ems):
            watch = await follow(plant, ems, faults, minutes)
            await asyncio.sleep(1.0)
            told = {what: ems.value(f"plant.regulation_{what}") for what in ("score", "accuracy", "delay", "precision")}
        if complaints := plant.complaints():
            raise RuntimeError("; ".join(complaints[:3]))
        log_lines = [json.loads(line) for line in plant.log("station").splitlines() if line.startswith("{")]
    seen = watch.board.scores
    unit = "0 to 1, more is better"
    rows = [
        Row(f"following_{name}{what}", value, getattr(seen, what), "as the EMS saw it", unit)
        for what, value in told.items()
    ]
    stopped = sum(line.get("event") == "asset_stopped_following" for line in log_lines)
    rows.append(Row(f"following_{name}stopped", stopped, None, "", "times an asset was given up"))
    for asset, kind, _ in faults:
        if asset not in watch.found:
            raise RuntimeError(f"{asset} ({kind}) was never found")
        rows.append(Row(f"following_{name}{kind}_found", watch.found[asset], None, "", "dispatch cycles"))
    return rows


async def both(minutes: float) -> list[Row]:
    """One run after the other."""
    return [*await measured("", (), minutes), *await measured("faults_", FAULTS, minutes)]


def run() -> list[Row]:
    """Both runs, in a process of their own: a reactor can be installed once."""
    command = [sys.executable, "-m", "tests.benchmarks.following"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=4 * MINUTES * 60.0)
    return [Row(*fields) for fields in json.loads(done.stdout)]


if __name__ == "__main__":
    found = reactor_run(both(float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES))
    print(json.dumps([[row.name, row.ours, row.rival, row.rival_name, row.unit] for row in found]))
