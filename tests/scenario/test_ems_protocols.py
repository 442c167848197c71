"""An EMS gives its target and mode over Modbus and over OPC UA as over DNP3; all three see the plant follow."""

from pathlib import Path
from typing import Protocol

import pytest
from asyncua import ua
from asyncua.client.client import Client
from pymodbus.client import AsyncModbusTcpClient

from tests.scenario.harness import Ems, Processes, until
from tests.scenario.test_resilience import SITE, START_UP_S, near, settle_on_target
from vppscada.plant.memory import PlantMode

pytestmark = pytest.mark.timeout(300)

MAPS = Path(__file__).parents[2] / "point_maps"
_FLOAT = {"data_type": "float32", "word_order": "big"}
_ORDER = {"kind": "analog_output", "writable": "yes", "command_mode": "direct"}
_POWER = {"kind": "analog_input", "deadband": "0", "event_class": "2"}
_MODBUS = {
    "plant.target_command": {**_ORDER, **_FLOAT, "table": "holding_register", "register": "0"},
    "plant.mode_command": {**_ORDER, "data_type": "uint16", "table": "holding_register", "register": "2"},
    "plant.active_power": {**_POWER, **_FLOAT, "table": "input_register", "register": "0"},
}
_OPCUA = {
    "plant.target_command": {**_ORDER, "data_type": "double", "identifier": "s=target_command"},
    "plant.mode_command": {**_ORDER, "data_type": "uint16", "identifier": "s=mode_command"},
    "plant.active_power": {**_POWER, "data_type": "double", "identifier": "s=active_power"},
}
_TABLES = """
[[ems]]
name = "by_modbus"
protocol = "modbus"
map = "by_modbus.csv"
port = 15020

[[ems]]
name = "by_opcua"
protocol = "opcua"
map = "by_opcua.csv"
port = 14840
"""


def export(like: str, rows: dict[str, dict[str, str]]) -> str:
    """A map of an EMS with the columns of a shipped map of its protocol."""
    header = next(line for line in (MAPS / like).read_text().splitlines() if line.startswith("point,"))
    columns = header.split(",")
    cells = [{"point": point, "namespace_uri": "urn:ems", **row} for point, row in rows.items()]
    lines = [",".join(row.get(column, "") for column in columns) for row in cells]
    return "\n".join([header, *lines, ""])


def site_for_three(directory: Path) -> str:
    """The plant of the other scenarios with an EMS port of each protocol."""
    here = Path(SITE).parent
    text = (here / "site.toml").read_text(encoding="utf-8")
    text = text.replace("../../../point_maps", str(MAPS))
    (directory / "site.toml").write_text(text + _TABLES, encoding="utf-8")
    (directory / "ems.csv").write_bytes((here / "ems.csv").read_bytes())
    (directory / "by_modbus.csv").write_text(export("modbus_genset.csv", _MODBUS), encoding="utf-8")
    (directory / "by_opcua.csv").write_text(export("opcua_wind_turbine.csv", _OPCUA), encoding="utf-8")
    return str(directory / "site.toml")


class ModbusEms:
    """Another maker's Modbus client."""

    def __init__(self, port: int) -> None:
        self._client = AsyncModbusTcpClient("127.0.0.1", port=port)

    async def __aenter__(self) -> "ModbusEms":
        assert await self._client.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._client.close()

    async def order_target(self, mw: float) -> bool:
        values = self._client.convert_to_registers(mw, self._client.DATATYPE.FLOAT32)
        return not (await self._client.write_registers(0, values)).isError()

    async def order_mode(self, mode: int) -> bool:
        return not (await self._client.write_register(2, mode)).isError()

    async def power_mw(self) -> float:
        read = await self._client.read_input_registers(0, count=2)
        return float(self._client.convert_from_registers(read.registers, self._client.DATATYPE.FLOAT32))  # type: ignore[arg-type]


class OpcUaEms:
    """Another maker's OPC UA client."""

    def __init__(self, port: int) -> None:
        self._client = Client(f"opc.tcp://127.0.0.1:{port}")
        self._namespace = 0

    async def __aenter__(self) -> "OpcUaEms":
        await self._client.connect()
        self._namespace = await self._client.get_namespace_index("urn:ems")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.disconnect()

    async def order_target(self, mw: float) -> bool:
        return await self._written("target_command", ua.Variant(mw, ua.VariantType.Double))

    async def order_mode(self, mode: int) -> bool:
        return await self._written("mode_command", ua.Variant(mode, ua.VariantType.UInt16))

    async def power_mw(self) -> float:
        return float(await self._client.get_node(f"ns={self._namespace};s=active_power").read_value())

    async def _written(self, name: str, value: ua.Variant) -> bool:
        try:
            await self._client.get_node(f"ns={self._namespace};s={name}").write_value(value)
        except ua.uaerrors.UaError:
            return False
        return True


class OtherEms(Protocol):
    """What both of them do."""

    async def order_target(self, mw: float) -> bool:
        """False = it was refused."""

    async def order_mode(self, mode: int) -> bool:
        """False = it was refused."""

    async def power_mw(self) -> float:
        """The plant's power as it is read there."""


async def target_and_mode(ems: Ems, other: OtherEms, mw: float) -> None:
    """One order after the other; what comes of it is seen there and over DNP3."""
    assert await other.order_target(mw)
    await until(lambda: near(ems.value("plant.target"), mw, 0.01), START_UP_S, "the target is taken")
    await until(lambda: near(ems.value("plant.active_power"), mw, 0.1), START_UP_S, "the plant follows")
    assert near(await other.power_mw(), mw, 0.2)
    assert not await other.order_target(1e6)  # beyond the plant
    assert near(ems.value("plant.target"), mw, 0.01)
    assert not await other.order_mode(77)
    for mode in (PlantMode.SCHEDULE, PlantMode.FOLLOW):
        assert await other.order_mode(int(mode))
        await until(lambda mode=mode: ems.value("plant.mode") == mode, START_UP_S, "the mode is taken")  # type: ignore[misc]


async def test_target_and_mode_may_come_over_each_protocol(tmp_path: Path) -> None:
    async with Processes(site_for_three(tmp_path), tmp_path, speed=60.0) as plant:
        await plant.start_all()
        ports = {name: int(str(plant.settings[f"ems.{name}.port"])) for name in ("by_modbus", "by_opcua")}
        async with Ems(plant) as ems:
            await settle_on_target(ems)
            async with ModbusEms(ports["by_modbus"]) as modbus, OpcUaEms(ports["by_opcua"]) as opcua:
                await target_and_mode(ems, modbus, 2.0)
                await target_and_mode(ems, opcua, 2.5)
        assert plant.complaints() == []
