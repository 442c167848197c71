"""The maps and sites that are shipped, read with the real protocols."""

from pathlib import Path

import pytest

from protocols.dnp3 import DRIVER as DNP3
from protocols.modbus import DRIVER as MODBUS
from protocols.opcua import DRIVER as OPCUA
from vppscada.maps import find_site, load_site, summarise
from vppscada.maps.csv_map import read_device_map
from vppscada.maps.locate import shipped
from vppscada.model.assets import AssetFamily
from vppscada.model.drivers import Driver
from vppscada.model.errors import Fault
from vppscada.model.points import Role
from vppscada.model.site import Site

DRIVERS: dict[str, Driver] = {driver.name: driver for driver in (DNP3, MODBUS, OPCUA)}
_PLANT_MAP = shipped("plant.csv")
assert _PLANT_MAP is not None
MAPS = sorted(file for file in _PLANT_MAP.parent.glob("*.csv") if file.name != "plant.csv")

#: What the map of any device must fill, and what each family needs besides.
_ALL = {Role.ACTIVE_POWER, Role.SETPOINT, Role.SETPOINT_FEEDBACK, Role.REMOTE, Role.FAULT}
_FAMILY = {
    AssetFamily.THERMAL: {Role.START_STOP, Role.RUNNING, Role.AVAILABLE_POWER},
    AssetFamily.RENEWABLE: {Role.AVAILABLE_POWER},
    AssetFamily.STORAGE: {Role.STATE_OF_CHARGE, Role.AVAILABLE_POWER, Role.AVAILABLE_CHARGE_POWER},
}


@pytest.fixture(scope="module")
def demo() -> Site:
    return load_site(find_site("demo"), DRIVERS)


def test_maps_of_every_protocol_are_shipped() -> None:
    assert {file.name.partition("_")[0] for file in MAPS} == set(DRIVERS)
    assert len(MAPS) >= 11


@pytest.mark.parametrize("file", MAPS, ids=lambda file: file.name)
def test_a_shipped_map_has_no_faults(file: Path) -> None:
    faults: list[Fault] = []
    found = read_device_map(file, DRIVERS[file.name.partition("_")[0]], faults)
    assert not faults
    assert found is not None
    assert found.lines


@pytest.mark.parametrize("file", MAPS, ids=lambda file: file.name)
def test_a_shipped_map_fills_the_roles_that_the_plant_works_with(file: Path) -> None:
    found = read_device_map(file, DRIVERS[file.name.partition("_")[0]], [])
    assert found is not None
    filled = {line.role for line in found.enabled}
    assert filled >= _ALL
    setpoint = next(line for line in found.enabled if line.role is Role.SETPOINT)
    feedback = next(line for line in found.enabled if line.role is Role.SETPOINT_FEEDBACK)
    assert setpoint.feedback == feedback.point


def test_the_demo_has_the_nine_kinds_and_its_maps_fill_what_they_need(demo: Site) -> None:
    assert len({asset.kind for asset in demo.fleet.assets}) == 9
    for asset in demo.fleet.assets:
        filled = {point.role for point in demo.points if point.asset == asset.name}
        assert filled >= _ALL | _FAMILY[asset.kind.family], asset.name


def test_the_demo_speaks_three_protocols_to_nine_devices_and_one_to_its_ems(demo: Site) -> None:
    assert {spec.protocol for spec in demo.sessions} == {"dnp3", "modbus", "opcua"}
    assert [spec.settings.port for spec in demo.sessions] == list(range(20001, 20010))  # type: ignore[attr-defined]
    assert all(spec.settings.host == "127.0.0.1" for spec in demo.sessions)  # type: ignore[attr-defined]
    assert demo.ems[0].settings.port == 20000  # type: ignore[attr-defined]


def test_the_demo_names_the_actual_series_of_every_forecast(demo: Site) -> None:
    sources = {source.name for source in demo.data}
    forecasts = {asset.forecast for asset in demo.fleet.assets if asset.forecast}
    assert forecasts == {"pv_forecast", "wind_forecast"}
    assert {name.replace("_forecast", "_actual") for name in forecasts} <= sources
    assert {demo.schedule.load, demo.schedule.price} <= sources


def test_the_ems_of_the_demo_sees_every_point_of_the_plant(demo: Site) -> None:
    exported = {export.point.id for export in demo.ems[0].exports}
    assert {point.id for point in demo.points if point.asset == "plant" and not point.kind.is_output} <= exported
    outputs = {export.point.id for export in demo.ems[0].exports if export.point.kind.is_output}
    thermal = {f"{a.name}.start_stop" for a in demo.fleet.assets if a.kind.family is AssetFamily.THERMAL}
    names = (
        "target_command",
        "mode_command",
        "objective_command",
        "enable_command",
        "start_stop",
        "emergency_command",
        "regulation_command",
    )
    commands = {f"plant.{name}" for name in names}
    assert outputs == thermal | commands


def test_ports_of_the_demo_can_be_overridden() -> None:
    site = load_site(find_site("demo"), DRIVERS, {"session.battery1.port": 4321, "ems.ems.port": 0})
    assert next(spec for spec in site.sessions if spec.name == "battery1").settings.port == 4321  # type: ignore[attr-defined]
    assert site.ems[0].settings.port == 0  # type: ignore[attr-defined]


def test_the_example_to_copy_has_no_faults() -> None:
    text = summarise(load_site(find_site("example"), DRIVERS))
    assert text.startswith("Example plant")


def test_every_key_of_assets_sessions_and_plant_is_in_the_example() -> None:
    text = find_site("example").read_text(encoding="utf-8")
    from vppscada.maps.site_assets import ALL
    from vppscada.maps.site_limits import READERS
    from vppscada.maps.toml_site import PLANT_READERS, SCHEDULE_READERS

    missing = [key for key in (*ALL, *READERS, *PLANT_READERS, *SCHEDULE_READERS) if key not in text]
    assert not missing
