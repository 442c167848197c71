"""Settings of Modbus sessions and outstations, read from the tables of a site file."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from vppscada.model.errors import SettingFault, SettingFaults


class Framing(StrEnum):
    """How requests are framed on TCP."""

    TCP = "tcp"  # MBAP header
    RTU_OVER_TCP = "rtu_over_tcp"  # RTU frames with CRC through a serial gateway


@dataclass(frozen=True, slots=True)
class ModbusSessionSettings:
    """One device. Times are seconds."""

    host: str
    port: int = 502
    device_id: int = 1  # unit identifier
    framing: Framing = Framing.TCP
    timeout_s: float = 1.0  # of one request
    connect_timeout_s: float = 5.0
    period_s: float = 1.0  # from the start of one scan to the start of the next
    max_registers: int = 125  # of one read
    max_bits: int = 2000
    max_gap: int = 16  # registers (or bits) without a point that a read may cover
    write_multiple: bool = False  # FC16 also for single registers, for devices without FC6


@dataclass(frozen=True, slots=True)
class ModbusOutstationSettings:
    """A server. Port 0 lets the system choose."""

    host: str = "127.0.0.1"
    port: int = 502
    device_id: int = 1
    framing: Framing = Framing.TCP
    maximum_connections: int = 32


class _Settings:
    """The keys of one table and the faults found in them so far."""

    def __init__(self, table: Mapping[str, object]) -> None:
        self._table = dict(table)
        self.faults: list[SettingFault] = []

    def fault(self, key: str, found: object, expected: str) -> None:
        self.faults.append(SettingFault(key, repr(found), expected))

    def text(self, key: str, default: str | None = None) -> str:
        value = self._table.pop(key, default)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if value is None:
            self.faults.append(SettingFault(key, "nothing", "a host name or address"))
        else:
            self.fault(key, value, "a text that is not empty")
        return ""

    def whole(self, key: str, default: int, lowest: int, highest: int) -> int:
        value = self._table.pop(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        self.fault(key, value, f"a whole number from {lowest} to {highest}")
        return default

    def seconds(self, key: str, default: float, lowest: float, highest: float) -> float:
        value = self._table.pop(key, default)
        if isinstance(value, int | float) and not isinstance(value, bool) and lowest <= value <= highest:
            return float(value)
        self.fault(key, value, f"seconds from {lowest:g} to {highest:g}")
        return default

    def yes_no(self, key: str, default: bool) -> bool:
        value = self._table.pop(key, default)
        if isinstance(value, bool):
            return value
        self.fault(key, value, "true or false")
        return default

    def framing(self) -> Framing:
        value = self._table.pop("framing", Framing.TCP)
        if isinstance(value, str) and value in tuple(Framing):
            return Framing(value)
        self.fault("framing", value, "one of " + ", ".join(Framing))
        return Framing.TCP

    def device_id(self, framing: Framing) -> int:
        # 0 is broadcast on a serial line and 'does not matter' on TCP; 248..255 are reserved on a serial line
        return self.whole("device_id", 1, *((1, 247) if framing is Framing.RTU_OVER_TCP else (0, 255)))

    def finish(self, known: tuple[str, ...]) -> None:
        for key in self._table:
            self.faults.append(SettingFault(key, "a key that is not known", "one of " + ", ".join(known)))
        if self.faults:
            raise SettingFaults(self.faults)


def read_session(table: Mapping[str, object]) -> ModbusSessionSettings:
    """Turn a ``[[session]]`` table into settings.

    Raises:
        SettingFaults: every fault at once.
    """
    keys = _Settings(table)
    framing = keys.framing()
    settings = ModbusSessionSettings(
        host=keys.text("host"),
        port=keys.whole("port", 502, 1, 65_535),
        device_id=keys.device_id(framing),
        framing=framing,
        timeout_s=keys.seconds("timeout_s", 1.0, 0.02, 60.0),
        connect_timeout_s=keys.seconds("connect_timeout_s", 5.0, 0.05, 60.0),
        period_s=keys.seconds("period_s", 1.0, 0.01, 3600.0),
        max_registers=keys.whole("max_registers", 125, 4, 125),
        max_bits=keys.whole("max_bits", 2000, 1, 2000),
        max_gap=keys.whole("max_gap", 16, 0, 124),
        write_multiple=keys.yes_no("write_multiple", False),
    )
    keys.finish(tuple(ModbusSessionSettings.__dataclass_fields__))
    return settings


def read_outstation(table: Mapping[str, object]) -> ModbusOutstationSettings:
    """Turn the settings of an ``[[ems]]`` table into settings of a server.

    Raises:
        SettingFaults: every fault at once.
    """
    keys = _Settings(table)
    framing = keys.framing()
    settings = ModbusOutstationSettings(
        host=keys.text("host", "127.0.0.1"),
        port=keys.whole("port", 502, 0, 65_535),
        device_id=keys.device_id(framing),
        framing=framing,
        maximum_connections=keys.whole("maximum_connections", 32, 1, 1000),
    )
    keys.finish(tuple(ModbusOutstationSettings.__dataclass_fields__))
    return settings


def outstation_settings(session: ModbusSessionSettings) -> ModbusOutstationSettings:
    """The server that a session with these settings would find."""
    return ModbusOutstationSettings(session.host, session.port, session.device_id, session.framing)
