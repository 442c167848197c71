"""The SunSpec maps against pysunspec2: its definitions, and its client walking our server."""

import asyncio
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

from protocols.modbus.server import ModbusOutstation
from protocols.modbus.sunspec.__main__ import write
from protocols.modbus.sunspec.shipped import MAPS
from tests.unit.protocols.modbus.making import Handler, server_settings
from tests.unit.protocols.modbus.test_maps import points
from vppscada.model.batch import Cause, untimed_batch
from vppscada.model.commands import AnalogValue, Crob
from vppscada.model.points import RowPoint
from vppscada.model.quality import Quality

pytestmark = pytest.mark.interop

FOLDER = Path(__file__).parents[2] / "point_maps"


@pytest.mark.parametrize("name", MAPS)
def test_the_shipped_map_is_what_the_definitions_give(name: str) -> None:
    out = io.StringIO()
    write(MAPS[name], out)
    assert (FOLDER / f"modbus_sunspec_{name}.csv").read_text() == out.getvalue()


async def scanned(name: str, feed: dict[str, float], handler: Handler, then: Any) -> Any:
    """Serve a map, feed points in device units, and let a pysunspec2 client that scanned it do something."""
    made = points(f"modbus_sunspec_{name}")
    place = {point.id.removeprefix("a."): i for i, point in enumerate(made)}
    outstation = ModbusOutstation(name, server_settings(), [RowPoint(i, p) for i, p in enumerate(made)], handler)
    await outstation.start()
    rows = [place[point] for point in feed]
    outstation.update(untimed_batch(rows, np.array(list(feed.values())), Quality.ONLINE, 0, Cause.CYCLIC))

    def foreign() -> Any:
        client = SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr="127.0.0.1", ipport=outstation.port, timeout=5)
        try:
            client.scan()
            return then(client)
        finally:
            client.close()

    try:
        return await asyncio.to_thread(foreign)
    finally:
        await outstation.stop()


@pytest.mark.parametrize("name", MAPS)
async def test_a_sunspec_client_finds_the_models_of_our_map(name: str) -> None:
    found = await scanned(name, {}, Handler(), lambda client: [model.model_id for model in client.model_list])
    assert found == list(MAPS[name].models)


async def test_a_sunspec_client_reads_what_our_700_series_server_was_fed() -> None:
    feed = {
        "active_power": -4_321_000.0,
        "frequency": 49.987,
        "available_power": 7_654_000.0,
        "fault": 1.0,
        "remote": 1,
    }

    def read(client: Any) -> list[object]:
        measured, status, control = client.models[701][0], client.models[122][0], client.models[715][0]
        return [
            measured.W.cvalue,
            measured.Hz.cvalue,
            status.WAval.cvalue,
            measured.InvSt.value,
            control.LocRemCtl.value,
            measured.VA.cvalue,
        ]

    assert await scanned("inverter_701", feed, Handler(), read) == [-4_321_000, 49.987, 7_654_000, 6, 0, None]


async def test_a_sunspec_client_sets_power_through_our_700_series_server() -> None:
    handler = Handler()

    def set_power(client: Any) -> None:
        control = client.models[704][0]
        control.WSet.cvalue = -1_500_000
        control.WSetEna.value = 1
        control.write()

    await scanned("inverter_701", {}, handler, set_power)
    bodies = [one.body for one in handler.commands]
    assert AnalogValue(-1_500_000) in bodies
    assert any(isinstance(body, Crob) and body.wants_on for body in bodies)


async def test_a_sunspec_client_limits_our_100_series_server_in_percent() -> None:
    handler = Handler()

    def limit(client: Any) -> None:
        control = client.models[123][0]
        control.WMaxLimPct.cvalue = 62.5
        control.write()

    await scanned("inverter_103", {}, handler, limit)
    assert [one.body for one in handler.commands] == [AnalogValue(62.5)]
