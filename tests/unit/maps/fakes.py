"""A protocol that exists only here, and small files of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from vppscada.maps import load_site
from vppscada.maps.columns import COLUMNS
from vppscada.model.drivers import Driver
from vppscada.model.errors import CellFault, CellFaults, ConfigError, SettingFault, SettingFaults
from vppscada.model.outstations import CommandHandler, EventStores, Outstation
from vppscada.model.points import PointKind, RowPoint
from vppscada.model.sessions import Session
from vppscada.model.site import Site


@dataclass(frozen=True, slots=True)
class FakeSettings:
    host: str
    port: int


class FakeDriver:
    """Addresses are whole numbers in the column ``index``; settings are a host and a port."""

    name = "fake"
    address_columns = ("index", "scale_factor", "offset_factor", "origin")
    optional_columns = ("offset_factor", "origin")
    session_columns = ("origin",)
    column_words: Mapping[str, tuple[str, ...]] = {}
    data_types = ("float32", "int16")
    path_keys: tuple[str, ...] = ()
    figures: Mapping[str, tuple[str, ...]] = {
        "link_errors": ("broken", "odd"),
        "iin": ("bits",),
        "last_good_s": ("seen",),
    }

    def read_address(self, cells: Mapping[str, str], kind: PointKind, data_type: str) -> object:
        faults = []
        if not (cells["index"].isascii() and cells["index"].isdigit()):
            faults.append(CellFault("index", repr(cells["index"]), "a whole number"))
        if data_type and data_type not in self.data_types:
            faults.append(CellFault("data_type", repr(data_type), "a type"))
        if faults:
            raise CellFaults(faults)
        return int(cells["index"])

    def address_key(self, address: object, kind: PointKind) -> object:
        return kind, address

    def address_faults(self, settings: object, address: object) -> tuple[CellFault, ...]:
        return ()

    def read_session(self, table: Mapping[str, object]) -> FakeSettings:
        faults = [SettingFault(key, f"unknown {key}", "host, port") for key in table if key not in ("host", "port")]
        port = table.get("port", 1)
        if not isinstance(port, int) or not 0 <= port <= 65_535:
            faults.append(SettingFault("port", repr(port), "a port"))
        if "host" not in table:
            faults.append(SettingFault("host", "nothing", "a host"))
        if faults:
            raise SettingFaults(faults)
        assert isinstance(port, int)
        return FakeSettings(str(table["host"]), port)

    def read_outstation(self, table: Mapping[str, object]) -> FakeSettings:
        return self.read_session(table)

    def outstation_settings(self, session_settings: object) -> object:
        return session_settings

    def session(self, name: str, settings: object, points: Sequence[RowPoint]) -> Session:
        raise NotImplementedError

    def outstation(
        self,
        name: str,
        settings: object,
        points: Sequence[RowPoint],
        handler: CommandHandler,
        events: EventStores | None,
        on_restart: Callable[[], None] | None = None,
    ) -> Outstation:
        raise NotImplementedError


DRIVERS: dict[str, Driver] = {"fake": FakeDriver()}
MAP_COLUMNS = (
    "point",
    "kind",
    "role",
    "index",
    *(c for c in (*COLUMNS, "scale_factor") if c not in ("point", "kind", "role")),
)
HEADER = ",".join(MAP_COLUMNS)


def line(point: str, kind: str, index: object, role: str = "", **cells: object) -> str:
    """One line of a map, by column."""
    values = {"point": point, "kind": kind, "index": index, "role": role, **cells}
    assert set(values) <= set(MAP_COLUMNS)
    return ",".join(str(values.get(column, "")) for column in MAP_COLUMNS)


BATTERY_LINES = (
    line("active_power", "analog_input", 0, "active_power", units="kW", deadband=5, event_class=2, maximum=6000),
    line("state_of_charge", "analog_input", 1, "state_of_charge", units="%"),
    line("setpoint_feedback", "analog_input", 2, "setpoint_feedback", units="%", scale=0.1),
    line("stored_energy", "analog_input", 3, "stored_energy", units="kWh", offset=10),
    line("spare", "analog_input", 4, enabled="no"),
    line("setpoint", "analog_output", 0, "setpoint", units="%", writable="yes", feedback="setpoint_feedback"),
)
ENGINE_LINES = (
    line("active_power", "analog_input", 10, "active_power", units="MW"),
    line("running", "binary_input", 10, "running", state_names="off|on"),
    line("setpoint", "analog_output", 10, "setpoint", units="MW", writable="yes"),
    line("start_stop", "binary_output", 10, "start_stop", writable="yes", feedback="running", pulse="pulse 500 200"),
)
EXPORT_LINES = (
    line("plant.active_power", "analog_input", 0),
    line("battery1.active_power", "analog_input", 1, units="kW"),
    line("plant.target_command", "analog_output", 0),
    line("engine1.start_stop", "binary_output", 0),
)
SITE = """\
[plant]
name = "Test plant"

[schedule]
load = "load"

[[data]]
name = "load"
file = "load.csv"
value_columns = ["mw"]
time_column = "time"
step_s = 900

[[session]]
name = "one"
protocol = "fake"
host = "here"
port = 1

[[session]]
name = "two"
protocol = "fake"
host = "here"
port = 2

[[asset]]
name = "battery1"
kind = "battery"
session = "two"
map = "fake_battery.csv"
rating_mw = 5.0
charge_rating_mw = 4
capacity_mwh = 10

[[asset]]
name = "engine1"
kind = "reciprocating_engine"
session = "one"
map = "fake_engine.csv"
rating_mw = 10
minimum_mw = 3
fuel_price_per_mwh = 35
heat_rate = [[3.0, 8.0], [10.0, 24.0]]

[[ems]]
name = "ems"
protocol = "fake"
map = "ems.csv"
host = "here"
port = 3
"""
LOAD = "time,mw\n2024-07-01T00:00:00Z,1\n2024-07-01T00:15:00Z,2.5\n"


def map_text(lines: Sequence[str]) -> str:
    return "\n".join(["# a comment", HEADER, *lines, ""])


@dataclass
class Files:
    """A whole small site in a folder, each file to be changed before it is read."""

    folder: Path

    def write(self, name: str, content: str) -> None:
        (self.folder / name).write_text(content, encoding="utf-8")

    def change(self, name: str, old: str, new: str) -> None:
        """Replace a text that occurs once."""
        content = (self.folder / name).read_text(encoding="utf-8")
        assert content.count(old) == 1, f"{old!r} occurs {content.count(old)} times"
        self.write(name, content.replace(old, new))

    def load(self, **overrides: object) -> Site:
        return load_site(self.folder / "site.toml", DRIVERS, {k.replace("__", "."): v for k, v in overrides.items()})

    def faults(self, **overrides: object) -> list[str]:
        """Faults as text, with file names only."""
        with pytest.raises(ConfigError) as caught:
            self.load(**overrides)
        return [str(fault).replace(f"{self.folder}/", "") for fault in caught.value.faults]

    def only_fault(self, **overrides: object) -> str:
        faults = self.faults(**overrides)
        assert len(faults) == 1, faults
        return faults[0]


def small_site(folder: Path) -> Files:
    files = Files(folder)
    files.write("site.toml", SITE)
    files.write("fake_battery.csv", map_text(BATTERY_LINES))
    files.write("fake_engine.csv", map_text(ENGINE_LINES))
    files.write("ems.csv", map_text(EXPORT_LINES))
    files.write("load.csv", LOAD)
    return files
