"""What the points of an asset must fill, kind by kind."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.unit.maps.fakes import SITE, Files, line, map_text
from tests.unit.maps.test_calculations import calc_line, with_calculations
from tests.unit.maps.test_site_file import place_of
from vppscada.maps.site_roles import NEEDS
from vppscada.model.assets import AssetFamily, AssetKind
from vppscada.model.points import Role

GUIDE = Path(__file__).parents[3] / "docs" / "point-maps.md"
#: A line for each role that some kind needs.
LINES = {
    "active_power": line("active_power", "analog_input", 10, "active_power", units="MW"),
    "setpoint": line("setpoint", "analog_output", 10, "setpoint", units="MW", writable="yes"),
    "start_stop": line("start_stop", "binary_output", 10, "start_stop", writable="yes"),
    "running": line("running", "binary_input", 10, "running"),
    "fault": line("fault", "binary_input", 11, "fault"),
    "remote": line("remote", "binary_input", 12, "remote"),
    "available_power": line("available_power", "analog_input", 11, "available_power", units="MW"),
    "state_of_charge": line("state_of_charge", "analog_input", 12, "state_of_charge", units="%"),
    "stored_energy": line("stored_energy", "analog_input", 13, "stored_energy", units="MWh"),
}
#: The least that each kind can do with. Written here once more, so that a change of the table is one of the tests too.
LEAST = {
    "emergency_generator": ("active_power", "setpoint", "start_stop", "running", "fault", "remote"),
    "fuel_cell": ("active_power", "setpoint", "start_stop", "running"),
    "reciprocating_engine": ("active_power", "setpoint", "start_stop", "running"),
    "microturbine": ("active_power", "setpoint", "start_stop", "running"),
    "photovoltaic": ("active_power", "setpoint", "available_power"),
    "wind_turbine": ("active_power", "setpoint", "available_power"),
    "battery": ("active_power", "setpoint", "state_of_charge"),
    "superconducting_storage": ("active_power", "setpoint", "state_of_charge", "fault"),
    "flywheel": ("active_power", "setpoint", "state_of_charge"),
}
OF_FAMILY = {
    AssetFamily.THERMAL: "variable_cost_per_mwh = 90",
    AssetFamily.RENEWABLE: "curtailment_cost_per_mwh = 0",
    AssetFamily.STORAGE: "charge_rating_mw = 5\ncapacity_mwh = 1",
}
EVERY = [(kind, role) for kind, roles in LEAST.items() for role in roles]


def with_asset(files: Files, kind: str, roles: Sequence[str]) -> None:
    """Makes the site's engine an asset of another kind, with a map that fills those roles."""
    table = SITE[SITE.index('name = "engine1"') : SITE.index("[[ems]]")]
    own = OF_FAMILY[AssetKind(kind).family]
    files.change(
        "site.toml",
        table,
        f'name = "engine1"\nkind = "{kind}"\nsession = "one"\nmap = "fake_engine.csv"\nrating_mw = 10\n{own}\n\n',
    )
    files.write("fake_engine.csv", map_text([LINES[role] for role in roles]))
    files.change("ems.csv", files.folder.joinpath("ems.csv").read_text(encoding="utf-8").splitlines()[-1] + "\n", "")


def test_every_kind_has_its_needs() -> None:
    assert set(NEEDS) == set(AssetKind)
    assert set(LEAST) == {str(kind) for kind in AssetKind}


@pytest.mark.parametrize("kind", LEAST)
def test_a_kind_needs_no_more_than_this(files: Files, kind: str) -> None:
    with_asset(files, kind, LEAST[kind])
    assert files.load().fleet.assets[1].kind is AssetKind(kind)


@pytest.mark.parametrize(("kind", "role"), EVERY, ids=str)
def test_a_kind_needs_no_less(files: Files, kind: str, role: str) -> None:
    with_asset(files, kind, [one for one in LEAST[kind] if one != role])
    words = "state_of_charge or stored_energy" if role == "state_of_charge" else role
    place = place_of('map = "fake_engine.csv"', (files.folder / "site.toml").read_text(encoding="utf-8"))
    assert files.only_fault() == (
        f"site.toml:{place}: map fake_engine.csv without {words}; "
        f"expected a map with a point in the role {words}, which {kind} needs"
    )


@pytest.mark.parametrize("kind", ["battery", "superconducting_storage", "flywheel"])
def test_a_storage_may_tell_its_energy_instead_of_its_charge(files: Files, kind: str) -> None:
    with_asset(files, kind, ["stored_energy" if one == "state_of_charge" else one for one in LEAST[kind]])
    assert files.load().fleet.assets[1].kind is AssetKind(kind)


def test_a_point_that_is_not_enabled_fills_nothing(files: Files) -> None:
    with_asset(files, "wind_turbine", LEAST["wind_turbine"])
    off = line("available_power", "analog_input", 11, "available_power", units="MW", enabled="no")
    files.change("fake_engine.csv", LINES["available_power"], off)
    assert "without available_power" in files.only_fault()


def test_of_an_unknown_kind_only_what_every_kind_needs_is_told(files: Files) -> None:
    with_asset(files, "wind_turbine", ["running"])
    files.change("site.toml", 'kind = "wind_turbine"', 'kind = "mill"')
    told = [fault.partition(": ")[2] for fault in files.faults() if "fake_engine.csv" in fault]
    assert told == [
        f"map fake_engine.csv without {role}; expected a map with a point in the role {role}, which every asset needs"
        for role in ("active_power", "setpoint")
    ]


def test_a_point_calculated_for_the_site_fills_a_role_as_well(files: Files) -> None:
    with_asset(files, "photovoltaic", ["active_power", "setpoint"])
    with_calculations(files, calc_line("engine1.possible", "active_power + 1", "MW", "available_power"))
    site = files.load()
    assert site.points[site.row_of["engine1.possible"]].role is Role.AVAILABLE_POWER


def test_a_calculated_point_of_another_asset_fills_nothing(files: Files) -> None:
    with_asset(files, "photovoltaic", ["active_power", "setpoint"])
    with_calculations(files, calc_line("battery1.possible", "active_power", "MW", "available_power"))
    assert "map fake_engine.csv without available_power" in files.only_fault()


def test_what_a_faulty_calculated_point_fills_is_not_called_missing(files: Files) -> None:
    with_asset(files, "photovoltaic", ["active_power", "setpoint"])
    with_calculations(files, calc_line("engine1.possible", "active_power +", "MW", "available_power"))
    assert "the end" in files.only_fault()


@pytest.mark.parametrize("role", ["setpoint", "start_stop"])
def test_what_the_plant_commands_must_be_writable(files: Files, role: str) -> None:
    with_asset(files, "microturbine", LEAST["microturbine"])
    files.change("fake_engine.csv", LINES[role], LINES[role].replace(",yes,", ",no,"))
    assert f"{role} that is not writable; expected yes for the role {role}" in files.only_fault()


def test_the_guide_says_what_each_kind_needs() -> None:
    rows = [row.split("|") for row in GUIDE.read_text(encoding="utf-8").splitlines() if row.startswith("| `")]
    said = {
        cell.strip().strip("`"): row[2].replace("`", "").strip()
        for row in rows
        for cell in row[1].split(",")
        if cell.strip().strip("`") in LEAST
    }
    assert said == {
        str(kind): ", ".join(" or ".join(need) for need in needs if need[0] not in ("active_power", "setpoint"))
        for kind, needs in NEEDS.items()
    }
