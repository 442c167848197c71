"""One process serves the devices of one session over its real protocol, from the same points that the master uses."""

import asyncio
import contextlib
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import structlog

from vppscada.model.batch import Batch, Cause
from vppscada.model.clock import PlantClock
from vppscada.model.errors import VppscadaError
from vppscada.model.outstations import Outstation
from vppscada.model.points import Role
from vppscada.model.quality import Quality, TimeQuality
from vppscada.model.site import SessionSpec, Site
from vppscada.simulation.command_desk import CommandDesk
from vppscada.simulation.devices import Device, make_device
from vppscada.simulation.faults import Fault, FaultKind, FaultTextError, active, parse_line
from vppscada.simulation.point_values import PointValues
from vppscada.simulation.surroundings import Surroundings
from vppscada.station.drivers import DRIVERS

log = structlog.get_logger()

TICK_S = 0.05
#: What a lying device keeps still.
_FROZEN = frozenset({Role.ACTIVE_POWER, Role.AVAILABLE_POWER, Role.STATE_OF_CHARGE, Role.STORED_ENERGY})


class ServedSession:
    """The devices of one session, moving with plant time, behind an outstation of their protocol."""

    def __init__(self, site: Site, name: str, clock: PlantClock, faults: Sequence[Fault] = ()) -> None:
        """Make the devices.

        Raises:
            VppscadaError: the site has no such session.
            ConfigError: a data source cannot be read.
        """
        self.spec = _session(site, name)
        self.clock = clock
        self.faults = tuple(faults)
        self.started = time.monotonic()
        self._plant_ms = clock.plant_ms(_wall_ms())
        assets = [asset for asset in site.fleet.assets if asset.session == name]
        self.surroundings = {asset.name: Surroundings.of(site, asset) for asset in assets}
        self.devices = {
            asset.name: make_device(asset, self.surroundings[asset.name].at(self._plant_ms), seed)
            for seed, asset in enumerate(assets)
        }
        self.values = PointValues([point for _, point in self.spec.points])
        for asset_name, device in self.devices.items():
            _await_enable(device, self.values.has(asset_name, Role.SETPOINT_ENABLE))
        self.desk = CommandDesk(self.values, self.devices, self.show)
        self.outstation: Outstation | None = None
        self.command_descriptor: int | None = None  # where lines come from; a hang ends when one does
        self._in_force: frozenset[FaultKind] = frozenset()
        self._frozen: dict[str, dict[Role, float]] = {}

    @property
    def port(self) -> int:
        """Where it listens; 0 while it does not."""
        return 0 if self.outstation is None else self.outstation.port

    async def listen(self) -> None:
        """Bind and show everything.

        Raises:
            OSError: the address is taken or not ours.
        """
        driver = DRIVERS[self.spec.protocol]
        settings = driver.outstation_settings(self.spec.settings)
        outstation = driver.outstation(self.spec.name, settings, self.values.row_points(), self.desk, None)
        self.values.forget_shown()
        self.outstation = outstation
        self.show(self.values.texts())
        try:
            await outstation.start()
        except BaseException:
            self.outstation = None
            raise
        log.info("device_listened", session=self.spec.name, protocol=self.spec.protocol, port=self.port)

    async def vanish(self) -> None:
        """Close the listener and every connection."""
        outstation, self.outstation = self.outstation, None
        if outstation is not None:
            await outstation.stop()

    def show(self, texts: dict[int, str] | None = None) -> None:
        """Give the outstation what changed."""
        if self.outstation is None:
            return
        readings = {name: {**device.readings(), **self._frozen.get(name, {})} for name, device in self.devices.items()}
        device_units = self.values.device_values(readings)
        rows = self.values.changed(device_units)
        now_ms = _wall_ms()
        if len(rows) or texts:
            n = len(rows)
            self.outstation.update(
                Batch(
                    rows,
                    device_units[rows],
                    np.full(n, Quality.ONLINE, dtype=np.uint16),
                    np.full(n, now_ms, dtype=np.int64),
                    np.full(n, TimeQuality.SYNCHRONISED, dtype=np.uint8),
                    now_ms,
                    Cause.CYCLIC,
                    texts or {},
                )
            )

    def advance(self) -> None:
        """Move every device to the plant time of now."""
        plant_ms = self.clock.plant_ms(_wall_ms())
        dt_s = (plant_ms - self._plant_ms) / 1000.0
        self._plant_ms = max(plant_ms, self._plant_ms)
        for name, device in self.devices.items():
            device.advance(self.surroundings[name].at(self._plant_ms), dt_s)

    async def run(self) -> None:
        """Listen, then tick until cancelled."""
        await self.listen()
        try:
            while True:
                await asyncio.sleep(TICK_S)
                await self.suffer()
                self.advance()
                self.show()
        finally:
            await self.vanish()

    async def suffer(self) -> None:
        """Let faults begin and end."""
        in_force = active(self.faults, time.monotonic() - self.started)
        begun, ended = in_force - self._in_force, self._in_force - in_force
        self._in_force = in_force
        for kind in sorted(begun | ended):
            log.warning("fault_begun" if kind in begun else "fault_ended", session=self.spec.name, fault=kind.value)
            await self._turn(kind, kind in begun)

    async def _turn(self, kind: FaultKind, on: bool) -> None:
        match kind:
            case FaultKind.DROP if on:
                await self.vanish()
            case FaultKind.DROP:
                await self.listen()
            case FaultKind.HANG if on:
                self.faults = tuple(freeze(self.faults, self.started, self.command_descriptor))
                self._in_force = self._in_force - {FaultKind.HANG}
            case FaultKind.LIE:
                self._frozen = {name: _frozen(device) for name, device in self.devices.items()} if on else {}
            case FaultKind.STUCK:
                for device in self.devices.values():
                    device.stick(on)
            case FaultKind.TRIP if on:
                for device in self.devices.values():
                    device.trip()
            case FaultKind.LOCAL:
                for device in self.devices.values():
                    device.remote = not on

    def hear(self, line: str) -> None:
        """Take a line of standard input: ``fault KIND [SECONDS]`` or ``clear``."""
        try:
            self.faults = parse_line(line, self.faults, time.monotonic() - self.started)
        except FaultTextError as error:
            log.warning("line_not_understood", error=str(error))


def freeze(faults: Sequence[Fault], started: float, descriptor: int | None) -> list[Fault]:
    """Hang: hold the whole process still, its sockets open, until the fault is over or ``descriptor`` can be read.

    Returns the timetable without the hang. Blocking on purpose: that is what a device that hangs is like.
    """
    ends = [started + f.at_s + f.duration_s for f in faults if f.kind is FaultKind.HANG]
    end = max(end for end in ends if end > time.monotonic())
    with _mortal():
        while (left := end - time.monotonic()) > 0.0:
            if select.select([] if descriptor is None else [descriptor], [], [], min(left, 0.2))[0]:
                break
    return [fault for fault in faults if fault.kind is not FaultKind.HANG or started + fault.at_s > time.monotonic()]


@contextlib.contextmanager
def _mortal() -> Iterator[None]:
    """While the loop is held, signals end the process: nobody else would hear them."""
    before = {signum: signal.signal(signum, signal.SIG_DFL) for signum in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


async def serve_device(
    site: Site,
    session_name: str,
    clock: PlantClock,
    faults: Sequence[Fault] = (),
    *,
    parent_pipe: bool = False,
) -> None:
    """Serve one session's devices until cancelled, or, with ``parent_pipe``, until standard input ends.

    Raises:
        VppscadaError: the site has no such session.
        ConfigError: a data source cannot be read.
        OSError: the address is taken or not ours.
    """
    served = ServedSession(site, session_name, clock, faults)
    tasks = [asyncio.create_task(served.run())]
    if parent_pipe:
        served.command_descriptor = sys.stdin.fileno()
        tasks.append(asyncio.create_task(_listen_to_parent(served.hear)))
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def serve_site(site: Site, clock: PlantClock) -> None:
    """Serve the devices of every session of a site until cancelled.

    Raises:
        ConfigError: a data source cannot be read.
        OSError: an address is taken or not ours.
    """
    async with asyncio.TaskGroup() as group:
        for spec in site.sessions:
            group.create_task(ServedSession(site, spec.name, clock).run())


async def _listen_to_parent(hear: Callable[[str], None]) -> None:
    """Hand over the lines of standard input; return at its end: the parent is gone."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    with contextlib.closing(transport):
        while line := await reader.readline():
            hear(line.decode("utf-8", "replace"))
    log.info("parent_gone")


def _session(site: Site, name: str) -> SessionSpec:
    for spec in site.sessions:
        if spec.name == name:
            return spec
    names = ", ".join(spec.name for spec in site.sessions)
    raise VppscadaError(f"no session {name!r} in {site.file}; there are {names}")


def _await_enable(device: Device, has_enable: bool) -> None:
    """A device with a point that enables its setpoint obeys none until that is 1."""
    device.orders = replace(device.orders, enabled=not has_enable)


def _frozen(device: Device) -> dict[Role, float]:
    return {role: value for role, value in device.readings().items() if role in _FROZEN}


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


__all__ = ["ServedSession", "serve_device", "serve_site"]
