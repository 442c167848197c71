"""The shipped Modbus maps: what every family of asset needs is there, and an own server serves them."""

import csv
from pathlib import Path

import numpy as np
import pytest

from protocols.modbus import DRIVER
from protocols.modbus.image import Image
from protocols.modbus.layout import address_of
from vppscada.model.points import Point, PointKind, Role, RowPoint
from vppscada.model.quality import Quality
from vppscada.model.scaling import normalising_factor

FOLDER = Path(__file__).parents[4] / "point_maps"
EVERY = {Role.ACTIVE_POWER, Role.SETPOINT, Role.SETPOINT_FEEDBACK, Role.REMOTE, Role.FAULT, Role.AVAILABLE_POWER}
THERMAL = EVERY | {Role.START_STOP, Role.RUNNING, Role.RUN_HOURS, Role.STARTS, Role.FAULT_RESET}
STORAGE = EVERY | {Role.STATE_OF_CHARGE, Role.STORED_ENERGY, Role.AVAILABLE_CHARGE_POWER, Role.FAULT_RESET}
RENEWABLE = EVERY | {Role.IRRADIANCE}
NEEDS = {
    "modbus_genset": THERMAL | {Role.FUEL_LEVEL},
    "modbus_fuel_cell": THERMAL,
    "modbus_microturbine": THERMAL | {Role.AMBIENT_TEMPERATURE},
    "modbus_flywheel": STORAGE,
    "modbus_sunspec_battery": STORAGE | {Role.SETPOINT_ENABLE},
    "modbus_sunspec_inverter_701": RENEWABLE | {Role.SETPOINT_ENABLE, Role.FAULT_RESET},
    "modbus_sunspec_inverter_103": RENEWABLE | {Role.SETPOINT_ENABLE},
}


def lines(name: str) -> list[dict[str, str]]:
    text = (FOLDER / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in text if not line.startswith("#")))


def points(name: str) -> list[Point]:
    made = []
    for line in lines(name):
        kind = PointKind(line["kind"])
        made.append(
            Point(
                f"a.{line['point']}",
                kind,
                Role(line["role"]) if line["role"] else None,
                minimum=float(line["minimum"]) if line["minimum"] else None,
                maximum=float(line["maximum"]) if line["maximum"] else None,
                feedback=line["feedback"] or None,
                address=DRIVER.read_address(line, kind, line["data_type"]),
            )
        )
    return made


def test_every_shipped_map_is_tested() -> None:
    assert {path.stem for path in FOLDER.glob("modbus_*.csv")} == set(NEEDS)


@pytest.mark.parametrize("name", NEEDS)
def test_a_map_fills_the_roles_of_its_family_once(name: str) -> None:
    roles = [point.role for point in points(name) if point.role is not None]
    assert NEEDS[name] <= set(roles)
    assert len(roles) == len(set(roles))


@pytest.mark.parametrize("name", NEEDS)
def test_names_and_addresses_are_unique_and_units_fit_their_roles(name: str) -> None:
    made = points(name)
    keys = [DRIVER.address_key(point.address, point.kind) for point in made]
    assert len({point.id for point in made}) == len(set(keys)) == len(made)
    for line in lines(name):
        assert normalising_factor(Role(line["role"]) if line["role"] else None, line["units"], 1.0) is not None
        assert (line["writable"] == "yes") == PointKind(line["kind"]).is_output


@pytest.mark.parametrize("name", NEEDS)
def test_feedback_names_a_point_of_the_map_and_a_setpoint_has_one(name: str) -> None:
    names = {line["point"] for line in lines(name)}
    for line in lines(name):
        assert not line["feedback"] or line["feedback"] in names
        assert line["role"] != "setpoint" or line["feedback"] == "setpoint_feedback"


@pytest.mark.parametrize("name", NEEDS)
def test_what_a_server_of_a_map_is_fed_is_what_a_client_reads(name: str) -> None:
    made = points(name)
    session = DRIVER.session("s", DRIVER.read_session({"host": "h"}), [RowPoint(i, p) for i, p in enumerate(made)])
    assert session.statistics == {}
    image = Image(made)
    fed = [i for i, p in enumerate(made) if p.role is not None and _can_be_fed_beside_others(p)]
    value = np.array([_likely(line) for line in lines(name)])[fed]
    image.put(np.array(fed), value, np.full(len(fed), Quality.ONLINE, dtype=np.uint16), {})
    reading = image.reading()
    assert reading.value[fed].tolist() == value.tolist()
    assert set(reading.quality[fed]) == {Quality.ONLINE}


def _can_be_fed_beside_others(point: Point) -> bool:
    """Not a text, not an output (its feedback has the register), not one of several states of a register."""
    return point.kind is not PointKind.STRING and not point.kind.is_output and not address_of(point).states


def _likely(line: dict[str, str]) -> float:
    if line["kind"].startswith("binary") or line["role"] == "power_factor":
        return 1.0
    return 3_000_000.0 if line["units"] in ("W", "var", "VA", "Wh") else 50.0
