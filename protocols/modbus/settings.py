"""Settings of Modbus sessions and outstations, read from the tables of a site file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from protocols.modbus.config import Table
from protocols.modbus.media import (
    Framing,
    Medium,
    MediumKeys,
    SerialSettings,
    TlsSettings,
    facing_serial,
    facing_tls,
    read_medium,
)
from protocols.modbus.plan import Hole
from protocols.modbus.settings_reader import SettingsReader

_HOLE = re.compile(r"([a-z_]+)\s+(\d{1,5})(?:\s*-\s*(\d{1,5}))?", re.ASCII)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_HOLES = "a list of holes, as in 'holding_register 100-110'"
_SCAN_CLASSES = "a table of scan classes, as in { fast = { period_s = 0.2, priority = 1 } }"
_ROLES = "a table of lists of points, as in { operator = ['*'], engineer = ['battery1.*'], viewer = [] }"
#: Priority of a scan class that names none; 1 comes first.
PRIORITY, LAST_PRIORITY = 5, 9


@dataclass(frozen=True, slots=True)
class ScanClass:
    """Points that are read on one period (seconds). Where several are due, the lower ``priority`` is read first."""

    name: str
    period_s: float
    priority: int = PRIORITY


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
    write_multiple: bool = False  # FC16 also for single registers, FC15 for coils, for devices without FC6 and FC5
    mask_write: bool = False  # FC22 for bits of registers, for devices that have it
    read_back: bool = False  # a write counts as accepted once its register shows it
    read_back_s: float = 1.0  # within this time
    holes: tuple[Hole, ...] = ()  # what no read may touch
    scan_classes: tuple[ScanClass, ...] = ()
    tls: TlsSettings | None = None
    serial: SerialSettings | None = None
    channel: str = ""

    @property
    def medium(self) -> Medium:
        """On what the device is reached."""
        return Medium(self.host, self.port, self.framing, self.tls, self.serial, self.channel, self.connect_timeout_s)

    @property
    def every_class(self) -> tuple[ScanClass, ...]:
        """The scan classes, with that of points that name none first."""
        return (ScanClass("", self.period_s), *self.scan_classes)


@dataclass(frozen=True, slots=True)
class Roles:
    """Which points each role of a certificate may write, as patterns of their ids; '' is a certificate without role."""

    writes: tuple[tuple[str, tuple[str, ...]], ...]

    def may_write(self, role: str, point: str) -> bool:
        """True if the role is known and one of its patterns fits the point."""
        return any(
            fnmatchcase(point, pattern) for name, patterns in self.writes if name == role for pattern in patterns
        )


@dataclass(frozen=True, slots=True)
class ModbusOutstationSettings:
    """A server. Port 0 lets the system choose. Without ``roles`` everybody who gets through may write."""

    host: str = "127.0.0.1"
    port: int = 502
    device_id: int = 1
    framing: Framing = Framing.TCP
    maximum_connections: int = 32
    tls: TlsSettings | None = None
    serial: SerialSettings | None = None
    roles: Roles | None = None

    @property
    def medium(self) -> Medium:
        """Where it is served. Servers with equal media and different device ids are units behind one listener."""
        return Medium(self.host, self.port, self.framing, self.tls, self.serial)


def read_session(table: Mapping[str, object]) -> ModbusSessionSettings:
    """Turn a ``[[session]]`` table into settings.

    Raises:
        SettingFaults: every fault at once.
    """
    keys = SettingsReader(table)
    medium = read_medium(keys, None, 1)
    settings = ModbusSessionSettings(
        host=medium.host,
        port=medium.port,
        device_id=_device_id(keys, medium),
        framing=medium.framing,
        timeout_s=keys.seconds("timeout_s", 1.0, 0.02, 60.0),
        connect_timeout_s=keys.seconds("connect_timeout_s", 5.0, 0.05, 60.0),
        period_s=keys.seconds("period_s", 1.0, 0.01, 3600.0),
        max_registers=keys.whole("max_registers", 125, 4, 125),
        max_bits=keys.whole("max_bits", 2000, 1, 2000),
        max_gap=keys.whole("max_gap", 16, 0, 124),
        write_multiple=keys.yes_no("write_multiple", False),
        mask_write=keys.yes_no("mask_write", False),
        read_back=keys.yes_no("read_back", False),
        read_back_s=keys.seconds("read_back_s", 1.0, 0.0, 60.0),
        holes=_holes(keys),
        scan_classes=_scan_classes(keys),
        tls=medium.tls,
        serial=medium.serial,
        channel=keys.optional_text("channel"),
    )
    keys.finish()
    return settings


def read_outstation(table: Mapping[str, object]) -> ModbusOutstationSettings:
    """Turn the settings of an ``[[ems]]`` table into settings of a server.

    Raises:
        SettingFaults: every fault at once.
    """
    keys = SettingsReader(table)
    medium = read_medium(keys, "127.0.0.1", 0)
    settings = ModbusOutstationSettings(
        host=medium.host,
        port=medium.port,
        device_id=_device_id(keys, medium),
        framing=medium.framing,
        maximum_connections=keys.whole("maximum_connections", 32, 1, 1000),
        tls=medium.tls,
        serial=medium.serial,
        roles=_roles(keys) if medium.tls and "roles" in table else None,
    )
    keys.finish()
    return settings


def outstation_settings(session: ModbusSessionSettings) -> ModbusOutstationSettings:
    """The server that a session with these settings would find."""
    return ModbusOutstationSettings(
        session.host,
        session.port,
        session.device_id,
        session.framing,
        tls=facing_tls(session.tls),
        serial=facing_serial(session.serial),
    )


def _device_id(keys: SettingsReader, medium: MediumKeys) -> int:
    # 0 is broadcast on a serial line and 'does not matter' on TCP; 248..255 are reserved on a serial line
    return keys.whole("device_id", 1, *((1, 247) if medium.framing.is_rtu else (0, 255)))


def _holes(keys: SettingsReader) -> tuple[Hole, ...]:
    found: list[Hole] = []
    for text in keys.texts("holes", _HOLES):
        match = _HOLE.fullmatch(text.strip())
        first = int(match[2]) if match else 0
        last = int(match[3] or first) if match else -1
        if match is None or match[1] not in tuple(Table) or not first <= last <= 65_535:
            keys.fault("holes", text, "a table and registers from 0 to 65535, as in 'holding_register 100-110'")
        else:
            found.append(Hole(Table(match[1]), first, last + 1))
    return tuple(found)


def _scan_classes(keys: SettingsReader) -> tuple[ScanClass, ...]:
    found: list[ScanClass] = []
    for name, content in keys.table("scan_classes", _SCAN_CLASSES).items():
        if not isinstance(content, Mapping) or not _NAME.fullmatch(name):
            keys.fault("scan_classes", {name: content}, _SCAN_CLASSES)
            continue
        inner = SettingsReader(content)
        period_s = inner.seconds("period_s", 1.0, 0.01, 86_400.0)
        found.append(ScanClass(name, period_s, inner.whole("priority", PRIORITY, 1, LAST_PRIORITY)))
        keys.absorb("scan_classes", inner)
    return tuple(found)


def _roles(keys: SettingsReader) -> Roles:
    writes: list[tuple[str, tuple[str, ...]]] = []
    for role, patterns in keys.table("roles", _ROLES).items():
        if isinstance(patterns, list | tuple) and all(isinstance(one, str) for one in patterns):
            writes.append((role, tuple(patterns)))
        else:
            keys.fault("roles", {role: patterns}, _ROLES)
    return Roles(tuple(writes))
