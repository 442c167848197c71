"""A site of 100,000 points in 1,000 sessions: from its files to a station whose every session is up and read once.

A process of its own serves 1,000 Modbus devices that answer everything with zeros, as cheaply as it can. ``load`` is
reading and checking the site, ``plan`` comparing it with one that differs in one row of a map of its own, ``start``
from the call of the station until every session has brought its points, ``memory`` all of the station's process then.
"""

import asyncio
import contextlib
import json
import resource
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.processes import free_ports
from tests.benchmarks.row import Row
from vppscada.maps import load_site
from vppscada.maps.difference import difference
from vppscada.maps.snapshot import snapshot
from vppscada.model.clock import PlantClock
from vppscada.model.sessions import SessionState
from vppscada.station import runtime
from vppscada.station.drivers import DRIVERS
from vppscada.station.logs import configure_logs
from vppscada.station.station import Station

SESSIONS = 1000
POINTS = 100
_PATIENCE_S = 300.0
_COLUMNS = [
    "point",
    "description",
    "kind",
    "role",
    "table",
    "register",
    "bit",
    "word_order",
    "scale_factor",
    "sentinel",
    "data_type",
    "scale",
    "offset",
    "units",
    "minimum",
    "maximum",
    "deadband",
    "event_class",
    "writable",
    "command_mode",
    "pulse",
    "feedback",
    "state_names",
    "stale_after_s",
    "enabled",
]


def run() -> list[Row]:
    """Measure once: it takes its time."""
    with tempfile.TemporaryDirectory() as folder:
        file = _write_site(Path(folder), free_ports(SESSIONS))
        with _started("devices", str(file)) as devices, _started("station", str(file)) as station:
            assert station.stdout is not None
            figures = json.loads(station.stdout.readline())
            devices.kill()
    return [
        Row("site_load_load", figures["load"], None, "", "s for 100,000 points (less is better)"),
        Row("site_load_plan", figures["plan"], None, "", "s for a one-row change (less is better)"),
        Row("site_load_start", figures["start"], None, "", "s until 1,000 sessions are up (less is better)"),
        Row("site_load_all", figures["load"] + figures["start"], None, "", "s, load, check and start (less is better)"),
        Row("site_load_apply", figures["apply"], None, "", "s until a one-row change is in force (less is better)"),
        Row(
            "site_load_apply_stall",
            figures["stall"],
            None,
            "",
            "s, the longest pause meanwhile (less is better)",
        ),
        Row("site_load_memory", figures["memory"], None, "", "MB (less is better)"),
    ]


@contextlib.contextmanager
def _started(role: str, file: str) -> "Iterator[subprocess.Popen[str]]":
    command = [sys.executable, "-m", "tests.benchmarks.site_load", role, file]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            if role == "devices":
                assert process.stdout is not None
                process.stdout.readline()  # ready
            yield process
        finally:
            process.kill()


def _write_site(folder: Path, port: int) -> Path:
    for name, first in (("modbus_all.csv", 10), ("modbus_one.csv", 10), ("modbus_changed.csv", 600)):
        (folder / name).write_text("\n".join(_map_lines(first)) + "\n", encoding="utf-8")
    parts = ['[plant]\nname = "Large"\n']
    for n in range(SESSIONS):
        parts.append(f'[[session]]\nname = "s{n}"\nprotocol = "modbus"\nhost = "127.0.0.1"\nport = {port + n}\n')
        table = "modbus_all.csv" if n else "modbus_one.csv"
        parts.append(f'[[asset]]\nname = "a{n}"\nkind = "photovoltaic"\nsession = "s{n}"\nmap = "{table}"')
        parts.append("rating_mw = 1.0\n")
    file = folder / "site.toml"
    file.write_text("\n".join(parts), encoding="utf-8")
    (folder / "changed.toml").write_text("\n".join(parts).replace("modbus_one", "modbus_changed"), encoding="utf-8")
    return file


def _map_lines(first: int) -> list[str]:
    """A photovoltaic unit: power, available power, setpoint, and voltages; ``first`` is the register of one of them."""
    power = {"kind": "analog_input", "table": "input_register", "data_type": "int32", "scale": "0.1", "units": "kW"}
    lines = [
        {"point": "active_power", "role": "active_power", "register": "0", **power},
        {"point": "available_power", "role": "available_power", "register": "2", **power},
        {
            **power, "point": "setpoint", "role": "setpoint", "kind": "analog_output", "table": "holding_register",
            "register": "0", "writable": "yes",
        },
    ]  # fmt: skip
    for n in range(POINTS - len(lines)):
        register = first if n == 0 else 10 + 2 * n
        lines.append({**power, "point": f"v{n}", "register": str(register), "units": "V", "deadband": "1"})
    return [",".join(_COLUMNS), *(",".join(line.get(column, "") for column in _COLUMNS) for line in lines)]


async def devices(file: Path) -> None:
    """1,000 listeners that answer reads with zeros."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                transaction, _, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
                function, _, count = struct.unpack_from(">BHH", await reader.readexactly(length - 1))
                octets = 2 * count if function in (3, 4) else -(-count // 8)
                head = struct.pack(">HHHBBB", transaction, 0, octets + 3, unit, function, octets)
                writer.write(head + bytes(octets))
        writer.close()

    site = load_site(file, DRIVERS)
    servers = [await asyncio.start_server(serve, "127.0.0.1", _port(spec.settings)) for spec in site.sessions]
    print("ready", flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


def _port(settings: object) -> int:
    return int(settings.port)  # type: ignore[attr-defined]  # a Modbus session's


async def station(file: Path) -> None:
    """Load, plan, start; say the figures."""
    configure_logs("error")
    began = time.perf_counter()
    site = load_site(file, DRIVERS)
    loaded = time.perf_counter()
    changed = load_site(file.with_name("changed.toml"), DRIVERS)
    again = time.perf_counter()
    found = difference(snapshot(site), snapshot(changed))
    planned = time.perf_counter() - again
    assert [len(part) for part in (found.points, found.sessions)] == [1, 1]
    del changed, found
    starting = time.perf_counter()
    one = Station(site, file.parent / "state", PlantClock(), DRIVERS)
    running = asyncio.ensure_future(one.run())
    async with asyncio.timeout(_PATIENCE_S):
        while not all(each.status.state is SessionState.ONLINE for each in one.in_force.links.supervisors.values()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    started = time.perf_counter() - starting
    applied, stalled = await _applied(one, file.with_name("changed.toml"))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {"load": loaded - began, "plan": planned, "start": started, "memory": memory}
    figures |= {"apply": applied, "stall": stalled}
    print(json.dumps(figures), flush=True)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def _applied(one: Station, file: Path) -> tuple[float, float]:
    """Seconds until a changed site is in force and its session up, and the loop's longest pause meanwhile."""
    pauses = [0.0]

    async def look() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            pauses.append(time.perf_counter() - before)

    looking = asyncio.ensure_future(look())
    began = time.perf_counter()
    plan = await one.applying.plan(str(file), {})
    before = one.in_force
    trial = asyncio.ensure_future(one.applying.apply(str(file), {}, plan.mark, _PATIENCE_S))
    async with asyncio.timeout(_PATIENCE_S):
        while one.in_force is before or one.in_force.sessions_online() < SESSIONS:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    took = time.perf_counter() - began
    for task in (looking, trial):
        task.cancel()
    return took, max(pauses)


if __name__ == "__main__":
    _, wanted, argument = sys.argv
    if wanted == "devices":
        asyncio.run(devices(Path(argument)))
    else:
        runtime.run(station(Path(argument)))
