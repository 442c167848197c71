"""``vppscada map orders`` against a device that holds its words the other way round."""

import asyncio
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.protocols.modbus.making import FakeDevice
from vppscada.admin.command_line import main

MAP = """point,description,kind,role,data_type,scale,offset,units,minimum,maximum,deadband,event_class,writable,\
command_mode,pulse,feedback,state_names,stale_after_s,enabled,table,register,bit,word_order,scale_factor,sentinel
power,,analog_input,active_power,float32,,,kW,,,,,,,,,,,,input_register,10,,,,
available,,analog_input,available_power,float32,,,kW,,,,,,,,,,,,input_register,12,,,,
setpoint,,analog_output,setpoint,float32,,,kW,,,,,yes,,,,,,,holding_register,10,,,,
"""
SITE = """
[plant]
name = "p"
dispatch_period_s = 1.0
[[session]]
name = "pv"
protocol = "modbus"
host = "127.0.0.1"
port = {port}
period_s = 0.01
[[asset]]
name = "pv"
kind = "photovoltaic"
session = "pv"
map = "modbus_pv.csv"
rating_mw = 2.0
"""
WORDS = struct.pack(">f", 1500.0)


@pytest.fixture
def port() -> Iterator[int]:
    """A device in a thread with a loop of its own: the command has its own loop too."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()
    device = FakeDevice(lambda pdu: b"\x04\x04" + WORDS[2:] + WORDS[:2])

    async def serve() -> None:
        async with device.serving():
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(20)
    yield device.port
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


@pytest.fixture
def site(tmp_path: Path, port: int) -> str:
    (tmp_path / "modbus_pv.csv").write_text(MAP, encoding="utf-8")
    file = tmp_path / "site.toml"
    file.write_text(SITE.format(port=port), encoding="utf-8")
    return str(file)


def test_the_order_that_the_device_has_is_found(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", "orders", site, "pv.power", "--near", "1.5", "--samples", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines if line.startswith("fits")] == [["fits", "little", "1.5"]]
    assert len(lines) == 4


def test_that_no_order_fits_is_said_and_is_a_failure(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", "orders", site, "pv.power", "--between", "3", "4"]) == 1
    assert "fits" not in capsys.readouterr().out


def test_a_point_that_is_not_there_is_named(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", "orders", site, "pv.powr", "--near", "1"]) == 1
    assert "did you mean 'pv.power'" in capsys.readouterr().err
