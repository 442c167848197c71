"""What the demo shows, from what the EMS knows."""

from rich.console import Console

from vppscada.model.assets import Asset, AssetKind, Fleet
from vppscada.simulation.demo.screen import fleet_table, heading, plain_line

FLEET = Fleet(
    (
        Asset("engine1", AssetKind.RECIPROCATING_ENGINE, "engine1", rating_mw=10.0),
        Asset("battery1", AssetKind.BATTERY, "battery1", rating_mw=5.0, capacity_mwh=10.0),
    )
)
KNOWN = {
    "plant.target": 12.5,
    "plant.active_power": 12.41,
    "plant.price": -3.0,
    "plant.cost": 1234.0,
    "engine1.active_power": 9.876,
    "engine1.running": 1.0,
    "battery1.state_of_charge": 55.5,
    "battery1.fault": 1.0,
}


def look(name: str) -> float:
    return KNOWN.get(name, float("nan"))


def drawn(table: object) -> str:
    console = Console(width=140, record=True, file=None, force_terminal=False, quiet=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_the_plant_stands_in_one_line_with_dashes_for_what_is_not_known() -> None:
    line = plain_line(look, 1_719_813_600_000, {"engine1": "online", "battery1": "down"})
    assert line.startswith("Mon 01 Jul 2024 06:00 UTC")
    for word in ("target 12.50 MW", "plant 12.41 MW", "price -3.00", "cost 1,234", "revenue –", "sessions 1/2"):
        assert word in line


def test_every_asset_has_its_line_with_power_charge_state_and_session() -> None:
    text = drawn(fleet_table(FLEET, look, {"engine1": "online", "battery1": "down"}))
    engine, battery = (next(line for line in text.splitlines() if name in line) for name in ("engine1", "battery1"))
    assert "9.876" in engine
    assert "running" in engine
    assert "online" in engine
    assert "55.5" in battery
    assert "tripped" in battery
    assert "down" in battery


def test_the_heading_has_money_in_the_site_s_currency() -> None:
    text = drawn(heading(look, 1_719_813_600_000, "EUR"))
    assert "1,234 EUR" in text
    assert "-3.00 EUR/MWh" in text
