"""A SunSpec image that nobody here wrote, behind a server that nobody here wrote: imported, read, commanded."""

import asyncio
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from pyModbusTCP.server import DataBank, ModbusServer
from sunspec2.file.client import FileClientDevice
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

from tests.contract.recorders import Recorder
from tests.interop.peer_processes import free_port, until
from vppscada.admin.command_line import main
from vppscada.maps import load_site
from vppscada.model.clock import PlantClock
from vppscada.model.commands import Accepted, AnalogValue, Command, CommandMode, Origin
from vppscada.model.quality import Quality
from vppscada.model.site import Site
from vppscada.simulation.served import ServedSession
from vppscada.station.drivers import DRIVERS

pytestmark = pytest.mark.interop

BASE = 40_000
MARKER, END = [0x5375, 0x6E53], [0xFFFF, 0]
SITE = """
[plant]
name = "Imported"
[[session]]
name = "pv"
protocol = "modbus"
host = "127.0.0.1"
port = {port}
[[asset]]
name = "pv"
kind = "photovoltaic"
session = "pv"
map = "modbus_imported.csv"
rating_mw = 0.01
"""


@pytest.fixture
def device() -> Iterator[tuple[int, DataBank]]:
    image = FileClientDevice(str(files("sunspec2") / "tests" / "test_data" / "device_1547.json"))
    image.scan()
    octets: bytes = image.get_mb()
    words = [int.from_bytes(octets[at : at + 2], "big") for at in range(0, len(octets), 2)]
    server = ModbusServer(host="127.0.0.1", port=0, no_block=True)
    server.start()
    server.data_bank.set_holding_registers(BASE, [*MARKER, *words, *END])
    yield server._service.server_address[1], server.data_bank
    server.stop()


def imported(folder: Path, port: int) -> Site:
    """The site around the imported map; nothing of the map is typed by hand."""
    output = folder / "modbus_imported.csv"
    assert main(["map", "import", "sunspec", f"127.0.0.1:{port}", "-o", str(output)]) == 0
    site = folder / "site.toml"
    site.write_text(SITE.format(port=port))
    assert main(["check", str(site)]) == 0
    return load_site(site, DRIVERS)


async def test_an_imported_device_is_read_in_full_and_commanded(device: tuple[int, DataBank], tmp_path: Path) -> None:
    port, bank = device
    site = await asyncio.to_thread(imported, tmp_path, port)
    [spec] = site.sessions
    session = DRIVERS["modbus"].session(spec.name, spec.settings, spec.points)
    listener = Recorder()
    running = asyncio.ensure_future(session.run(listener))
    try:
        await listener.until(lambda: "started" in listener.calls)
        theirs = await asyncio.to_thread(read_by_pysunspec2, port)
        read = 0
        for name, value in theirs.items():
            row = site.row_of.get(f"pv.{name}")
            if row is None or not site.points[row].enabled:
                continue  # it has a role and another name, or is not implemented
            assert listener.quality[row] & Quality.ONLINE, name
            assert listener.value[row] == pytest.approx(value), name
            read += 1
        assert read > 150
        assert listener.value[site.row_of["pv.active_power"]] == theirs["m701_w"]
        row = site.row_of["pv.m704_pfwinj_pf"]
        now = time.monotonic()
        command = Command(1, row, AnalogValue(0.9), CommandMode.DIRECT, Origin.OPERATOR, now, now + 10.0)
        assert await session.operate(command) == Accepted()
        address: Any = site.points[row].address
        assert bank.get_holding_registers(address.register, 1) == [900]  # PF_SF of the image is -3
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def read_by_pysunspec2(port: int) -> dict[str, float]:
    """Every number that pysunspec2's own client reads, by the name that an imported line has."""
    client = SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr="127.0.0.1", ipport=port, timeout=5)
    try:
        client.scan()
        found: dict[str, float] = {}
        for model in client.model_list:
            collect(model, f"m{model.model_id}", found)
        return found
    finally:
        client.close()


def collect(group: Any, name: str, found: dict[str, float]) -> None:
    for point_name, point in group.points.items():
        value = point.cvalue
        if isinstance(value, int | float) and point.pdef["type"] != "pad":
            found[f"{name}_{point_name.lower()}"] = float(value)
    for group_name, inner in group.groups.items():
        several = inner if isinstance(inner, list) else [inner]
        for number, one in enumerate(several, start=1):
            suffix = f"_{number}" if len(several) > 1 else ""
            collect(one, f"{name}_{group_name.lower()}{suffix}", found)


@pytest.mark.parametrize("where", [0, 50_000])
async def test_a_device_that_begins_elsewhere_is_found(tmp_path: Path, where: int) -> None:
    server = ModbusServer(host="127.0.0.1", port=0, no_block=True)
    server.start()
    server.data_bank.set_holding_registers(where, [*MARKER, 1, 66, *[0x4142] * 66, 64_999, 3, 1, 2, 3, *END])
    output = tmp_path / "modbus_x.csv"
    try:
        target = f"127.0.0.1:{server._service.server_address[1]}"
        assert await asyncio.to_thread(main, ["map", "import", "sunspec", target, "-o", str(output)]) == 0
    finally:
        server.stop()
    text = output.read_text()
    assert (
        f"serial_number,Manufacturer specific value (32 chars),string,serial_number,holding_register,{where + 52},"
        in text
    )
    assert "# Models without a published definition, left out: 64999." in text


async def test_what_is_no_sunspec_device_is_told(device: tuple[int, DataBank], capsys: Any, tmp_path: Path) -> None:
    port, bank = device
    bank.set_holding_registers(BASE, [0, 0])
    assert await asyncio.to_thread(main, ["map", "import", "sunspec", f"127.0.0.1:{port}"]) == 1
    assert "no SunSpec marker at holding register 40000, 0, 50000" in capsys.readouterr().err


async def test_a_device_that_is_not_there_is_told(capsys: Any) -> None:
    assert await asyncio.to_thread(main, ["map", "import", "sunspec", "127.0.0.1:1"]) == 1
    assert "cannot connect to 127.0.0.1:1" in capsys.readouterr().err


async def test_the_imported_map_is_simulated_and_found_by_pysunspec2(
    device: tuple[int, DataBank], tmp_path: Path
) -> None:
    port, _ = device
    await asyncio.to_thread(imported, tmp_path, port)
    site = load_site(tmp_path / "site.toml", DRIVERS, {"session.pv.port": free_port()})
    served = ServedSession(site, "pv", PlantClock())
    running = asyncio.ensure_future(served.run())
    try:
        await until(lambda: served.port > 0 or running.done(), "the device listens")
        theirs = await asyncio.to_thread(read_by_pysunspec2, served.port)
        assert {name.partition("_")[0] for name in theirs} >= {"m1", "m701", "m702", "m704", "m713"}
        assert theirs["m701_w_sf"] == 0.0
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
