"""A server that knows nothing of us is browsed, imported, checked, read and commanded."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from asyncua import ua
from asyncua.server.server import Server

from tests.contract.recorders import Recorder
from tests.interop.peer_processes import free_port, until
from vppscada.admin.command_line import main
from vppscada.maps import load_site
from vppscada.model.clock import PlantClock
from vppscada.model.commands import Accepted, AnalogValue, Command, CommandMode, Origin
from vppscada.model.points import Role
from vppscada.model.quality import Quality
from vppscada.model.site import Site
from vppscada.simulation.served import ServedSession
from vppscada.station.drivers import DRIVERS

pytestmark = pytest.mark.interop

URI = "urn:turbines:wtg01"
SITE = """
[plant]
name = "Imported"
[[session]]
name = "wtg"
protocol = "opcua"
url = "{url}"
[[asset]]
name = "wtg"
kind = "wind_turbine"
session = "wtg"
map = "opcua_imported.csv"
rating_mw = 2.0
"""
#: Name, value, writable, units.
VARIABLES: tuple[tuple[str, object, bool, str], ...] = (
    ("ActivePower", 1234.5, False, "kW"),
    ("AvailablePower", 1500.0, False, "kW"),
    ("Setpoint", 0.0, True, "kW"),
    ("Running", True, False, ""),
    ("WindSpeed", 9.5, False, "m/s"),
    ("Maker", "Ålborg", False, ""),
)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[tuple[str, Server]]:
    one = Server()
    await one.init()
    url = f"opc.tcp://127.0.0.1:{free_port()}/turbine"
    one.set_endpoint(url)
    one.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    index = await one.register_namespace(URI)
    turbine = await one.nodes.objects.add_object(index, "WTG01")
    for name, value, writable, units in VARIABLES:
        node = await turbine.add_variable(ua.NodeId.from_string(f"ns={index};s=WTG01.{name}"), f"{index}:{name}", value)
        if writable:
            await node.set_writable()
        if units:
            await node.add_property(0, "EngineeringUnits", ua.EUInformation("", 0, ua.LocalizedText(units)))
        if name == "Setpoint":
            await node.add_property(0, "EURange", ua.Range(0.0, 2000.0))
    await turbine.add_variable(ua.NodeId.from_string(f"ns={index};s=WTG01.Curve"), f"{index}:Curve", [1.0, 2.0])
    async with one:
        yield url, one


def imported(folder: Path, url: str) -> Site:
    output = folder / "opcua_imported.csv"
    assert main(["map", "import", "opcua", url, "-o", str(output)]) == 0
    (folder / "site.toml").write_text(SITE.format(url=url))
    assert main(["check", str(folder / "site.toml")]) == 0
    return load_site(folder / "site.toml", DRIVERS)


async def test_an_imported_server_is_read_in_full_and_commanded(
    server: tuple[str, Server], tmp_path: Path, capsys: Any
) -> None:
    url, one = server
    site = await asyncio.to_thread(imported, tmp_path, url)
    assert "1 variables were left out" in capsys.readouterr().err
    points = {point.id.removeprefix("wtg."): point for point in site.points if point.id.startswith("wtg.")}
    assert points["active_power"].role is Role.ACTIVE_POWER
    assert points["setpoint_command"].role is Role.SETPOINT
    assert (points["setpoint_command"].maximum, points["setpoint_command"].units) == (2.0, "MW")
    assert points["setpoint_command"].feedback == "wtg.setpoint"
    [spec] = site.sessions
    session = DRIVERS["opcua"].session(spec.name, spec.settings, spec.points)
    listener = Recorder()
    running = asyncio.ensure_future(session.run(listener))
    try:
        await listener.until(lambda: "started" in listener.calls)
        inputs = [row for row, point in spec.points if not point.kind.is_output]
        await listener.until(lambda: all(row in listener.quality for row in inputs))
        assert all(listener.quality[row] & Quality.ONLINE for row in inputs)
        assert listener.value[site.row_of["wtg.active_power"]] == 1234.5
        assert listener.value[site.row_of["wtg.running"]] == 1.0
        row, now = site.row_of["wtg.setpoint_command"], time.monotonic()
        command = Command(1, row, AnalogValue(750.0), CommandMode.DIRECT, Origin.OPERATOR, now, now + 10.0)
        assert await session.operate(command) == Accepted()
        index = await one.get_namespace_index(URI)
        assert await one.get_node(ua.NodeId.from_string(f"ns={index};s=WTG01.Setpoint")).read_value() == 750.0
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_server_that_is_not_there_is_told(capsys: Any) -> None:
    assert await asyncio.to_thread(main, ["map", "import", "opcua", "opc.tcp://127.0.0.1:1/x"]) == 1
    assert "opc.tcp://127.0.0.1:1/x" in capsys.readouterr().err


async def test_the_imported_map_is_simulated_and_read(server: tuple[str, Server], tmp_path: Path) -> None:
    url, _ = server
    await asyncio.to_thread(imported, tmp_path, url)
    elsewhere = {"session.wtg.url": f"opc.tcp://127.0.0.1:{free_port()}/turbine"}
    site = load_site(tmp_path / "site.toml", DRIVERS, elsewhere)
    served = ServedSession(site, "wtg", PlantClock())
    running = asyncio.ensure_future(served.run())
    [spec] = site.sessions
    session, listener = DRIVERS["opcua"].session(spec.name, spec.settings, spec.points), Recorder()
    reading = None
    try:
        await until(lambda: served.port > 0 or running.done(), "the device listens")
        reading = asyncio.ensure_future(session.run(listener))
        await listener.until(lambda: "started" in listener.calls)
        row = site.row_of["wtg.available_power"]
        await listener.until(lambda: listener.quality.get(row, 0) == Quality.ONLINE)
    finally:
        for task in filter(None, (reading, running)):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
