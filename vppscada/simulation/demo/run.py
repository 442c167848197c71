"""The demo: nine devices, the station and an EMS, each talking to the next over a real protocol."""

import asyncio
import contextlib
import json
import math
import tempfile
import time
from pathlib import Path

import numpy as np
import structlog

from vppscada.maps import load_site
from vppscada.model.clock import PlantClock
from vppscada.model.commands import Accepted, Unanswered
from vppscada.model.errors import VppscadaError
from vppscada.model.site import Site
from vppscada.plant.series import read_series
from vppscada.simulation.demo.children import Child, Children, has_logged, last_lines
from vppscada.simulation.demo.ems import Ems
from vppscada.simulation.demo.options import PLANT_START_MS, DemoOptions, Kill, parse_kill
from vppscada.simulation.demo.ports import as_arguments, port_overrides
from vppscada.simulation.demo.screen import Screen
from vppscada.simulation.demo.targets import LEAST_WALL_S, STEP_S, TargetPlan, step_for
from vppscada.simulation.report import write_report
from vppscada.simulation.samples import Samples
from vppscada.simulation.tracking import settle_time_s
from vppscada.simulation.verdict import Conditions, faults_found, judge_tracking, summarise
from vppscada.station.drivers import DRIVERS
from vppscada.station.logs import configure_logs

log = structlog.get_logger()

SAMPLE_S = 0.25
_DEVICES_WITHIN_S = 60.0
_AGAIN_S = 1.0  # after a command that did not get through, the EMS decides anew


async def run_demo(options: DemoOptions) -> int:
    """Run until the duration is over, the station dies or a signal comes; write report and summary.

    Returns 0 if the plant ran as it should, else 1 with the reasons printed.

    Raises:
        ConfigError: the site has faults.
        VppscadaError: an option makes no sense, or the site lacks what the demo needs.
    """
    configure_logs("error")
    first = load_site(options.site, DRIVERS)
    overrides = port_overrides(first)
    site = load_site(options.site, DRIVERS, overrides)
    with tempfile.TemporaryDirectory(prefix="vppscada-demo-") as directory:
        return await Demo(site, options, overrides, Path(directory) / "state").run()


class Demo:
    """One run of the demo."""

    def __init__(self, site: Site, options: DemoOptions, overrides: dict[str, object], state: Path) -> None:
        self.site = site
        self.options = options
        self.kills = [parse_kill(text, frozenset(s.name for s in site.sessions)) for text in options.kill_device]
        self.log_dir = options.log_dir or options.report.parent / "logs"
        self.ems = Ems(site)
        self.plan = _target_plan(site, options)
        self.clock = PlantClock(_wall_ms(), PLANT_START_MS, options.speed)
        self.samples = Samples(("wall_s", "plant_s", "target", "doubtful_power", *self.ems.names))
        self.children = Children(self._died)
        self.deaths: list[str] = []
        self.target_mw = math.nan  # the last one that was accepted
        self._common = [
            *("--speed", str(options.speed), "--wall-start", str(self.clock.wall_start_ms)),
            *("--plant-start", str(self.clock.plant_start_ms)),
            *as_arguments(overrides.items()),
        ]
        self._state = state
        self._begun = time.monotonic()
        self._over = asyncio.Event()
        self._station: Child | None = None

    async def run(self) -> int:
        """The whole run; what a signal ends is reported all the same."""
        for directory in (self.options.report.parent, self.log_dir):
            directory.mkdir(parents=True, exist_ok=True)
        with Screen(self.site.fleet, self.site.plant.currency, self.options.plain) as screen:
            with contextlib.suppress(asyncio.CancelledError):
                await self._play(screen)
            screen.say("ending …")
            await self._end()
        return self._report(screen)

    def _lasting_s(self) -> float:
        """Wall seconds until it ends by itself: as asked for, and never beyond the end of the data."""
        load = self.plan.load
        data_ms = int(load.time_ms[-1]) + load.step_ms - self.clock.plant_start_ms
        return min(data_ms / 1000.0 / self.options.speed, self.options.duration_s or math.inf)

    async def _play(self, screen: Screen) -> None:
        tasks: list[asyncio.Task[None]] = []
        try:
            async with asyncio.timeout(self._lasting_s()):
                await self._start_devices(screen)
                await self._start_station(screen)
                tasks = [asyncio.create_task(work) for work in (self.ems.run(), self._steer(), self._watch(screen))]
                tasks += [asyncio.create_task(self._kill(kill, screen)) for kill in self.kills]
                await self._over.wait()
        except TimeoutError:
            pass
        finally:
            for task in tasks:
                task.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, Exception):
                    self.deaths.append(f"the demo itself ({result!r})")
                    log.error("demo_task_failed", exc_info=result)

    async def _end(self) -> None:
        """End every process, also if another signal comes meanwhile."""
        ending = asyncio.create_task(self.children.stop_all())
        while not ending.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.shield(ending)

    # the processes

    async def _start_devices(self, screen: Screen) -> None:
        screen.say(f"starting {len(self.site.sessions)} devices; logs in {self.log_dir}")
        devices = [
            await self.children.start(
                spec.name,
                ["simulate", str(self.options.site), "--session", spec.name, "--parent-pipe", *self._common],
                self._fresh_log(spec.name),
            )
            for spec in self.site.sessions
        ]
        deadline = time.monotonic() + _DEVICES_WITHIN_S
        while not all(has_logged(child, "device_listened") or not child.running for child in devices):
            if time.monotonic() > deadline:
                log.error("devices_late", within_s=_DEVICES_WITHIN_S)
                return  # the station tries again by itself; the verdict tells
            await asyncio.sleep(0.1)

    async def _start_station(self, screen: Screen) -> None:
        screen.say("starting the station")
        arguments = ["run", str(self.options.site), "--state", str(self._state), *self._common]
        self._station = await self.children.start("station", arguments, self._fresh_log("station"))

    def _fresh_log(self, name: str) -> Path:
        file = self.log_dir / f"{name}.log"
        file.unlink(missing_ok=True)
        return file

    def _died(self, child: Child) -> None:
        self.deaths.append(f"{child.name} (status {child.exits[-1]}): {last_lines(child)}")
        if child is self._station:
            self._over.set()

    async def _kill(self, kill: Kill, screen: Screen) -> None:
        await asyncio.sleep(max(kill.at_s - self._elapsed_s(), 0.0))
        child = next(child for child in self.children.all if child.name == kill.session)
        screen.say(f"killing {kill.session} for {kill.after_s:g} s")
        await self.children.kill(child)
        await asyncio.sleep(kill.after_s)
        await self.children.restart(child)
        screen.say(f"{kill.session} is started again")

    # the EMS at work

    async def _steer(self) -> None:
        """Enable the plant, have it follow, then give it every target of the plan."""
        for point, value in (("plant.mode_command", 1.0), ("plant.enable_command", 1.0)):
            await self._insist(point, value)
        given_up = math.nan
        while True:
            wanted = self.plan.at(self._plant_ms())
            if wanted not in (self.target_mw, given_up):
                result = await self._once_online("plant.target_command", wanted)
                if isinstance(result, Accepted):
                    self.target_mw = wanted
                else:
                    # what may have been carried out is not asked again; the next target comes soon
                    given_up = wanted if isinstance(result, Unanswered) else math.nan
                    await asyncio.sleep(_AGAIN_S)
            await asyncio.sleep(SAMPLE_S / 2)

    async def _insist(self, point: str, value: float) -> None:
        """Until the plant takes it. Only for orders that may be given twice."""
        while True:
            if isinstance(await self._once_online(point, value), Accepted):
                return
            await asyncio.sleep(_AGAIN_S)

    async def _once_online(self, point: str, value: float) -> object:
        await self.ems.up.wait()
        return await self.ems.command(point, value)

    async def _watch(self, screen: Screen) -> None:
        """Sample what the EMS knows, and show it."""
        next_at = time.monotonic()
        while True:
            plant_ms = self._plant_ms()
            elapsed_s = self._elapsed_s()
            head = np.array([elapsed_s, plant_ms / 1000.0, self.target_mw, self.ems.doubtful("plant.active_power")])
            self.samples.append(np.concatenate([head, self.ems.values()]))
            screen.show(self.ems.value, plant_ms, self._states(), elapsed_s)
            next_at = max(next_at + SAMPLE_S, time.monotonic())
            await asyncio.sleep(next_at - time.monotonic())

    def _states(self) -> dict[str, str]:
        names = [asset.name for asset in self.site.fleet.assets]
        if not self.ems.up.is_set():
            return dict.fromkeys(names, "unknown")
        return {name: "online" if self.ems.value(f"{name}.comm_online") == 1.0 else "down" for name in names}

    # the end

    def _report(self, screen: Screen) -> int:
        conditions = Conditions(
            sessions=len(self.site.sessions),
            rating_mw=self.site.fleet.rating_mw,
            settle_s=settle_time_s(self.site.plant.settle_s, self.options.speed),
            start_up_s=max(STEP_S / self.options.speed, LEAST_WALL_S),
            speed=self.options.speed,
            duration_s=self._elapsed_s(),
        )
        found = judge_tracking(self.samples, conditions)
        counts = self.ems.statistics
        reasons = faults_found(self.samples, found, conditions, counts, self.deaths)
        summary = summarise(self.samples, found, conditions, counts, reasons)
        if self.options.summary is not None:
            self.options.summary.parent.mkdir(parents=True, exist_ok=True)
            self.options.summary.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
        write_report(self.options.report, self.site, self.samples, found, conditions, summary)
        screen.say(f"report: {self.options.report}")
        error = summary["tracking_error_percent"]
        screen.say(f"tracking error {'not known' if error is None else f'{error:.3f} % of rating'}")
        for reason in reasons:
            screen.say(f"not as it should be: {reason}")
        if not reasons:
            screen.say("the plant ran as it should")
        return 1 if reasons else 0

    def _plant_ms(self) -> int:
        return self.clock.plant_ms(_wall_ms())

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._begun


def _target_plan(site: Site, options: DemoOptions) -> TargetPlan:
    for source in site.data:
        if source.name == site.schedule.load:
            return TargetPlan(read_series(source), site.fleet.rating_mw, options.seed, step_for(options.speed))
    raise VppscadaError(f"{site.file}: the demo needs a data source named by schedule.load")


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
